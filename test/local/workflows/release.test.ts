import { LOAD_ALARM } from './line-app';
import { expectProduction, expectUntouched, stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';

let world: LineWorld;
beforeAll(async () => { world = await LineWorld.start(); });
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

/** A first version that is not released: as if there had been none. */
async function expectNoEndpoint({ version }: VersionItem, reason: RegExp): Promise<void> {
  await world.until(() => !world.releasing);
  const ended = await world.version(version);
  expect(stagesOf(ended)).toEqual(['Registered', 'Canary', 'RolledBack']);
  expect(ended.reason).toMatch(reason);
  expect(await world.registered(ended)).toMatchObject({ approval: 'Rejected', stage: 'RolledBack', status: 'Failed' });
  await world.until(async () => await world.endpoint() === undefined);
  expect(await world.champion()).toBeUndefined();
  expect(await world.hosted(ended)).toEqual([]);
  expect(await world.queue()).toEqual([]);
  const { events, alerts } = await world.news();
  expect(events.map(({ type }) => type)).toEqual(['ModelRegistered', 'ReleaseRolledBack']);
  expect(events[1].detail).toMatchObject({ endpoint: 'line', version, endpointConfigName: '', reason: ended.reason });
  expect(events[1].detail).not.toHaveProperty('restored');
  expect(alerts).toEqual([expect.stringContaining(`The release of ${version} on line was rolled back: ${ended.reason}`)]);
}

test('a first version is not released while an alarm fires', async () => {
  await world.publish({ level: 5 }, { announced: false });
  await world.measure(LOAD_ALARM, 5);
  const calm = world.keepMeasuring(LOAD_ALARM, 5);
  await world.until(async () => await world.alarmState(LOAD_ALARM) === 'ALARM');
  await expectNoEndpoint(await world.merge(), /^not started: alarm Load is firing/);
  calm();
  await world.until(async () => await world.alarmState(LOAD_ALARM) === 'OK');
});

test('a first version that does not come up leaves no endpoint', async () => {
  const record = await world.merge({ bug: 'start' });
  await expectNoEndpoint(record, /^the endpoint is Failed: The primary container for production variant AllTraffic did not pass the ping health check/);
});

test('the first version that comes up is released without a comparison', async () => {
  const record = await world.merge();
  await world.until(() => !world.releasing);
  expect(stagesOf(await world.version(record.version))).toEqual(['Registered', 'Canary', 'Production']);
  const events = await expectProduction(world, record, 5);
  expect(events.map(({ type }) => type)).toEqual(['ModelRegistered', 'ReleaseCompleted']);
  expect(events[1].detail).not.toHaveProperty('previous');
});

test('a version that is better on live requests is promoted; no request fails, and the fleet keeps its size', async () => {
  const before = await world.version('V1.2.0');
  await world.scale(3);
  world.traffic.level = 9;
  await world.publish({ level: 9 });
  await world.released();
  const record = await world.version('V1.2.1');
  expect(stagesOf(record)).toEqual(['Registered', 'Staging', 'Canary', 'Production']);
  const events = await expectProduction(world, record, 9);
  expect(events.map(({ type }) => type)).toEqual(['DatasetPublished', 'ModelRegistered', 'ShadowVerdict', 'ReleaseCompleted']);
  expect(events[2].detail).toMatchObject({ version: 'V1.2.1', champion: 'V1.2.0', decision: 'promote' });
  expect(events[2].detail.upper).toBeLessThan(0);
  expect(events[3].detail).toMatchObject({ version: 'V1.2.1', previous: 'V1.2.0' });
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
  await expectUntouched(world, 'reject', async () => {
    await world.merge({ bug: 'answer' });
    await world.released();
  }, /^reject: the shadow failed \d+ of \d+ requests/);
});

test('a version whose shadow does not come up is rejected', async () => {
  await expectUntouched(world, 'reject', async () => {
    await world.merge({ bug: 'start' });
    await world.released();
  }, /^reject: the endpoint did not take the shadow: .* did not pass the ping health check/);
});
