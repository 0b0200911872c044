import { LOAD_ALARM, QUALITY_ALARM } from './line-app';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';
import { JsonObject } from '../../../examples/local/cloud/types';

type News = Awaited<ReturnType<LineWorld['news']>>;

export function stagesOf({ history }: VersionItem): string[] {
  return history.map(({ stage }) => stage);
}

/** Ledger, model package and event tell the same of the version, and so does an alert where there should be one. */
export async function expectAccount(world: LineWorld, { version }: VersionItem, type: string, { events, alerts }: News): Promise<string> {
  const record = await world.version(version);
  const account = record.account!;
  expect(account).toContain(`${version} `);
  expect(account).toContain(record.reason.slice(0, 40).replaceAll('"', "'"));
  expect(account).toContain(`Made of commit ${record.commit} `);
  expect(account.length).toBeLessThanOrEqual(1024);
  expect(await world.registered(record)).toMatchObject({ account });
  expect(events.filter((event) => event.type === type && event.detail.version === version).map(({ detail }) => detail.account)).toEqual([account]);
  const bad = ['ReleaseRejected', 'ReleaseRolledBack'].includes(type);
  expect(alerts.filter((alert) => alert.includes(account))).toHaveLength(bad ? 1 : 0);
  return account;
}

/** Nothing is under way, and nothing is left over of what was. */
export async function expectQuiet(world: LineWorld): Promise<void> {
  expect(world.releasing).toBe(false);
  expect(await world.queue()).toEqual([]);
  expect(await world.endpoints()).toEqual(['line']);
  expect(await world.alarms()).toEqual([LOAD_ALARM, QUALITY_ALARM]);
  expect(await world.endpoint()).toMatchObject({ status: 'InService', shadows: 0, pending: false });
}

/** The version serves, and everything says so; answers the events since the last look. */
export async function expectProduction(world: LineWorld, { version }: VersionItem, level: number): Promise<News['events']> {
  await expectQuiet(world);
  const record = await world.version(version);
  expect(record.stage).toBe('Production');
  expect(await world.champion()).toBe(version);
  expect(await world.registered(record)).toMatchObject({ approval: 'Approved', stage: 'Production', status: 'Complete' });
  const config = (await world.endpoint())!.config!;
  expect(config).toMatch(new RegExp(`^[0-9a-f]{8}-line-${version.replaceAll('.', '-')}-[0-9a-f]{8}$`));
  expect((await world.hosted(record)).sort()).toEqual([`config ${config}`, `model ${config}`]);
  const answer = await world.traffic.ask(10);
  expect(Math.abs(answer! - (20 + level))).toBeLessThan(0.5);
  const { events, alerts } = await world.news();
  await expectAccount(world, record, 'ReleaseCompleted', { events, alerts });
  expect(events.at(-1)).toMatchObject({ type: 'ReleaseCompleted', detail: { endpoint: 'line', version, endpointConfigName: config } });
  expect(alerts).toEqual([]);
  return events;
}

/** A version that the shadow does not let pass: what serves is what served before, and no caller has noticed anything. */
export async function expectUntouched(world: LineWorld, decision: string, release: () => Promise<void>, reason: RegExp): Promise<void> {
  const [endpoint, champion, known] = [await world.endpoint(), await world.champion(), await world.versions()];
  const { failed } = world.traffic.counts;
  const answer = await world.traffic.ask(10);
  await release();
  await expectQuiet(world);
  expect(await world.endpoint()).toEqual(endpoint);
  expect(await world.champion()).toBe(champion);
  expect(await world.traffic.ask(10)).toBe(answer);
  expect(world.traffic.counts.failed).toBe(failed);

  const [record, ...others] = (await world.versions()).filter(({ version }) => !known.some((one) => one.version === version));
  expect(others).toEqual([]);
  expect(stagesOf(record)).toEqual(['Registered', 'Staging', 'Rejected']);
  expect(record.reason).toMatch(reason);
  expect(await world.registered(record)).toMatchObject({ approval: 'Rejected', stage: 'Rejected', status: 'Failed' });
  expect(await world.hosted(record)).toEqual([]);
  expect((await world.version(champion!)).stage).toBe('Production');
  const { events, alerts } = await world.news();
  expect(events.filter(({ type }) => type !== 'DatasetPublished').map(({ type }) => type)).toEqual(['ModelRegistered', 'ShadowVerdict', 'ReleaseRejected']);
  const verdict: JsonObject = events.at(-2)!.detail;
  expect(verdict).toMatchObject({ version: record.version, champion, decision });
  expect(alerts).toHaveLength(1);
  const account = await expectAccount(world, record, 'ReleaseRejected', { events, alerts });
  expect(account).toContain(`Shadow ${decision} against ${champion!} on `);
}
