import { expectAccount, expectProduction, expectQuiet, stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';

let world: LineWorld;
beforeAll(async () => { world = await LineWorld.inProduction(); });
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

/** Goes on until the version's release is in the stage, and a while beyond. */
async function into(stage: string, version: string, minutes: number): Promise<void> {
  await world.traffic.playUntil(async () => (await world.version(version)).stage === stage, world.in(40));
  const then = world.in(minutes / 60);
  await world.traffic.playUntil(() => world.cloud.clock.now() >= then, world.in(2));
}

test('while a release is under way versions wait; the newest of them is next, older ones are superseded', async () => {
  const first = await world.merge();
  await into('Staging', first.version, 30);
  const [second, third] = [await world.merge(), await world.merge()];
  expect(await world.queue()).toEqual([`SLOT ${first.version}`, `WAITING ${second.version}`, `WAITING ${third.version}`]);
  expect([(await world.version(second.version)).stage, (await world.version(third.version)).stage]).toEqual(['Registered', 'Registered']);

  await world.released();
  const ended = await Promise.all([first, second, third].map(({ version }) => world.version(version)));
  expect(ended.map(stagesOf)).toEqual([
    ['Registered', 'Staging', 'Canary', 'Production', 'Archived'],
    ['Registered', 'Superseded'],
    ['Registered', 'Staging', 'Canary', 'Production'],
  ]);
  expect(ended[1].reason).toBe(`${third.version}, which is newer, takes its place`);
  expect(await world.registered(second)).toMatchObject({ approval: 'PendingManualApproval', stage: 'Superseded' });
  expect(await world.hosted(second)).toEqual([]);
  const events = await expectProduction(world, third, 5);
  expect(events.filter(({ type }) => type === 'ReleaseCompleted').map(({ detail }) => [detail.version, detail.previous])).toEqual([
    [first.version, 'V1.0.0'], [third.version, first.version],
  ]);
  expect(await expectAccount(world, second, 'ReleaseSuperseded', { events, alerts: [] })).toContain(`${second.version} was superseded: ${third.version}, which is newer, takes its place. `);
  expect(world.traffic.counts.failed).toBe(0);
});

/** The release has been undone, wherever it broke: nothing serves but what served before. */
async function expectUndone({ version }: VersionItem, before: { endpoint: unknown; champion?: string }, reason: RegExp): Promise<void> {
  await expectQuiet(world);
  for (const child of [world.out.Staging, world.out.Canary].flatMap((arn) => world.executions(arn))) expect(child.status).not.toBe('RUNNING');
  expect(await world.endpoint()).toEqual(before.endpoint);
  expect(await world.champion()).toBe(before.champion);
  expect((await world.version(before.champion!)).stage).toBe('Production');
  const ended = await world.version(version);
  expect(stagesOf(ended).at(-1)).toBe('Rejected');
  expect(ended.reason).toMatch(reason);
  expect(await world.registered(ended)).toMatchObject({ approval: 'Rejected', stage: 'Rejected', status: 'Failed' });
  expect(await world.hosted(ended)).toEqual([]);
  const { config } = (await world.endpoint())!;
  const { events, alerts } = await world.news();
  expect(events.at(-1)).toMatchObject({ type: 'ReleaseRolledBack', detail: { version, restored: before.champion, endpointConfigName: config, reason: ended.reason } });
  expect(alerts).toEqual([expect.stringContaining(`the release of ${version} was taken back [now ${config}]. ${version} was rejected: ${ended.reason}`)]);
  await expectAccount(world, ended, 'ReleaseRolledBack', { events, alerts });
  expect(world.traffic.counts.failed).toBe(0);
}

test.each([
  ['the comparison', 'Staging', 60],
  ['the canary', 'Canary', 12],
  ['the watch after the switch', 'Canary', 60],
])('a release that is aborted in %s is undone, and the next goes on', async (_, stage, minutes) => {
  const before = { endpoint: await world.endpoint(), champion: await world.champion() };
  const record = await world.merge();
  await into(stage, record.version, minutes);
  const execution = world.executions(world.out.Release).at(-1)!;
  expect(execution.status).toBe('RUNNING');
  await world.abort(execution.arn);
  await world.released();
  expect(execution.status).toBe('ABORTED');
  await expectUndone(record, before, /^the release did not end by itself: its execution is ABORTED$/);
});

test('a release that is aborted while its version is on an endpoint of its own is undone', async () => {
  const before = { endpoint: await world.endpoint(), champion: await world.champion() };
  const record = await world.merge();
  await world.until(async () => (await world.endpoints()).length === 2);
  await world.abort(world.executions(world.out.Release).at(-1)!.arn);
  await world.until(() => !world.releasing);
  await expectUndone(record, before, /^the release did not end by itself: its execution is ABORTED$/);
});

test('a comparison that is aborted by itself takes its release with it', async () => {
  const before = { endpoint: await world.endpoint(), champion: await world.champion() };
  const record = await world.merge();
  await into('Staging', record.version, 60);
  await world.abort(world.executions(world.out.Staging).at(-1)!.arn);
  await world.released();
  expect(world.executions(world.out.Release).at(-1)!.status).toBe('FAILED');
  await expectUndone(record, before, /^the release did not end by itself: V1-8-0-[0-9a-f]{16}-staging is ABORTED$/);
});

test('after all that a version is released as ever', async () => {
  const record = await world.merge();
  await world.released();
  await expectProduction(world, record, 5);
});
