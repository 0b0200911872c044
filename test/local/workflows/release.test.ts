import { LOAD_ALARM } from './line-app';
import { expectAccount, expectProduction, expectUntouched, stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';

let world: LineWorld;
beforeAll(async () => { world = await LineWorld.start(); });
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

/** A first version that is not released: as if there had been none. Answers the news. */
async function expectNoEndpoint({ version }: VersionItem, stages: string[], reason: RegExp): Promise<Awaited<ReturnType<LineWorld['news']>>> {
  await world.until(() => !world.releasing);
  const ended = await world.version(version);
  expect(stagesOf(ended)).toEqual(['Registered', 'Staging', ...stages]);
  expect(ended.reason).toMatch(reason);
  expect(await world.registered(ended)).toMatchObject({ approval: 'Rejected', stage: stages.at(-1), status: 'Failed' });
  await world.until(async () => await world.endpoint() === undefined);
  expect(await world.endpoints()).toEqual([]);
  expect(await world.champion()).toBeUndefined();
  expect(await world.hosted(ended)).toEqual([]);
  expect(await world.queue()).toEqual([]);
  return world.news();
}

async function expectFirstTakenBack(record: VersionItem, reason: RegExp): Promise<void> {
  const { events, alerts } = await expectNoEndpoint(record, ['Canary', 'RolledBack'], reason);
  const ended = await world.version(record.version);
  expect(events.map(({ type }) => type)).toEqual(['ModelRegistered', 'ShadowVerdict', 'ReleaseRolledBack']);
  expect(events[2].detail).toMatchObject({ endpoint: 'line', version: record.version, endpointConfigName: '', reason: ended.reason });
  expect(events[2].detail).not.toHaveProperty('restored');
  expect(alerts).toEqual([expect.stringContaining(`the release of ${record.version} was taken back [now ]. ${record.version} was rolled back: ${ended.reason}`)]);
  await expectAccount(world, record, 'ReleaseRolledBack', { events, alerts });
}

test('a first version that answers otherwise than it was evaluated is rejected', async () => {
  await world.publish({ level: 5 }, { announced: false });
  const record = await world.merge({ bug: 'skew' });
  const { events, alerts } = await expectNoEndpoint(record, ['Rejected'], /^reject: .*5 of 5 rows of the holdout were answered otherwise than the evaluation did/);
  expect(events.map(({ type }) => type)).toEqual(['ModelRegistered', 'ShadowVerdict', 'ReleaseRejected']);
  expect(events[1].detail).toMatchObject({ version: record.version, champion: 'none', decision: 'reject' });
  expect(alerts).toHaveLength(1);
  expect(await expectAccount(world, record, 'ReleaseRejected', { events, alerts })).toContain('Shadow reject, no version was in production.');
});

test('a first version is not released while an alarm fires', async () => {
  const calm = world.keepMeasuring(LOAD_ALARM, 5);
  await world.until(async () => await world.alarmState(LOAD_ALARM) === 'ALARM');
  await expectFirstTakenBack(await world.merge(), /^not started: alarm Load is firing/);
  calm();
  await world.until(async () => await world.alarmState(LOAD_ALARM) === 'OK');
});

test('a first version that does not come up leaves no endpoint', async () => {
  const record = await world.merge(world.startsOnce);
  await expectFirstTakenBack(record, /^the endpoint is Failed: The primary container for production variant AllTraffic did not pass the ping health check/);
});

test('the first version that comes up is released without a comparison', async () => {
  const record = await world.merge();
  await world.until(() => !world.releasing);
  expect(stagesOf(await world.version(record.version))).toEqual(['Registered', 'Staging', 'Canary', 'Production']);
  const events = await expectProduction(world, record, 5);
  expect(events.map(({ type }) => type)).toEqual(['ModelRegistered', 'ShadowVerdict', 'ReleaseCompleted']);
  expect(events[1].detail).toMatchObject({ version: record.version, champion: 'none', decision: 'promote' });
  expect(events[2].detail).not.toHaveProperty('previous');
});

test('a version that is better on live requests is promoted; no request fails, and the fleet keeps its size', async () => {
  const before = await world.version('V1.3.0');
  await world.scale(3);
  world.traffic.level = 9;
  await world.publish({ level: 9 });
  await world.released();
  const record = await world.version('V1.3.1');
  expect(stagesOf(record)).toEqual(['Registered', 'Staging', 'Canary', 'Production']);
  const events = await expectProduction(world, record, 9);
  expect(events.map(({ type }) => type)).toEqual(['DatasetPublished', 'ModelRegistered', 'ShadowVerdict', 'ReleaseCompleted']);
  expect(events[2].detail).toMatchObject({ version: 'V1.3.1', champion: 'V1.3.0', decision: 'promote' });
  expect(events[2].detail.upper).toBeLessThan(0);
  expect(events[3].detail).toMatchObject({ version: 'V1.3.1', previous: 'V1.3.0' });
  expect(stagesOf(await world.version(before.version)).at(-1)).toBe('Archived');
  expect(await world.registered(before)).toMatchObject({ approval: 'Approved', stage: 'Archived' });
  expect(world.traffic.counts.failed).toBe(0);
  expect(await world.endpoint()).toMatchObject({ instances: 3 });
});

test('a version that passes the gate and is worse on live requests is rejected', async () => {
  await expectUntouched(world, 'reject', async () => {
    await world.publish({ level: 15 });
    await world.released();
  }, /^reject: /);
});

test('a version that is neither better nor worse for certain is not promoted', async () => {
  Object.assign(world.traffic, { level: 11, scatter: 6 });
  await expectUntouched(world, 'inconclusive', async () => {
    await world.publish({ level: 13 });
    await world.released();
  }, /^inconclusive: /);
});

test('a version about which no label tells anything is not promoted', async () => {
  Object.assign(world.traffic, { level: 9, scatter: 1, labelled: false });
  await expectUntouched(world, 'inconclusive', async () => {
    await world.publish({ level: 9 });
    await world.released();
  }, /^inconclusive: /);
  world.traffic.labelled = true;
});

test('a version whose shadow fails requests is rejected, and no caller notices', async () => {
  const heal = world.breakShadow();
  await expectUntouched(world, 'reject', async () => {
    await world.merge();
    await world.released();
  }, /^reject: the shadow failed \d+ of \d+ requests/);
  heal();
});

test('a version whose shadow does not come up is rejected', async () => {
  await expectUntouched(world, 'reject', async () => {
    await world.merge(world.startsOnce);
    await world.released();
  }, /^reject: the endpoint did not take the shadow: .* did not pass the ping health check/);
});

test.each([
  ['does not come up', 'start', /^reject: .* did not pass the ping health check/],
  ['fails requests', 'answer', /^reject: .*rows of the holdout were not answered/],
  ['answers otherwise than it was evaluated', 'skew', /^reject: .*5 of 5 rows of the holdout were answered otherwise than the evaluation did/],
])('a version that %s on an endpoint of its own sees no request', async (_, bug, reason) => {
  await expectUntouched(world, 'reject', async () => {
    await world.merge({ bug });
    await world.released();
  }, reason);
});
