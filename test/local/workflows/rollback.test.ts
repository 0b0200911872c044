import { LOAD_ALARM, QUALITY_ALARM } from './line-app';
import { expectAccount, expectProduction, expectQuiet, stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';

let world: LineWorld;
beforeAll(async () => { world = await LineWorld.inProduction(); });
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

/** Merges, and lets the release go on; what happens on the way is told by `act`, once the version is in its canary. */
async function expectTakenBack(act: (record: VersionItem) => Promise<void>, reason: RegExp): Promise<void> {
  const [endpoint, champion] = [await world.endpoint(), await world.champion()];
  const record = await world.merge();
  await world.traffic.playUntil(async () => stagesOf(await world.version(record.version)).includes('Canary'), world.in(40));
  await act(record);
  await world.released();

  await expectQuiet(world);
  expect(await world.endpoint()).toEqual(endpoint);
  expect(await world.champion()).toBe(champion);
  expect((await world.version(champion!)).stage).toBe('Production');
  const ended = await world.version(record.version);
  expect(stagesOf(ended)).toEqual(['Registered', 'Staging', 'Canary', 'RolledBack']);
  expect(ended.reason).toMatch(reason);
  expect(await world.registered(ended)).toMatchObject({ approval: 'Rejected', stage: 'RolledBack', status: 'Failed' });
  expect(await world.hosted(ended)).toEqual([]);
  const { events, alerts } = await world.news();
  expect(events.map(({ type }) => type)).toEqual(['ModelRegistered', 'ShadowVerdict', 'ReleaseRolledBack']);
  expect(events[2].detail).toMatchObject({ version: record.version, restored: champion, endpointConfigName: endpoint!.config, reason: ended.reason });
  // an alert has room for the beginning of a long reason
  expect(alerts).toEqual([expect.stringContaining(`${record.version} was rolled back: ${ended.reason.slice(0, 150)}`)]);
  expect(await expectAccount(world, record, 'ReleaseRolledBack', { events, alerts })).toMatch(/ Release( by a canary of 1 instance for 30 minutes, then the rest, guarded by \d alarms, then a watch of 1 hour)?: rolled-back/);
}

const minutes = (count: number) => world.traffic.playUntil(((then) => () => world.cloud.clock.now() >= then)(world.in(count / 60)), world.in(2));

test('a new fleet that fails requests is taken back by its own alarms, and production answers all the while', async () => {
  let heal = (): void => undefined;
  const { answered } = world.traffic.counts;
  await expectTakenBack(async (record) => { heal = world.breakFleet(record); }, /^SageMaker rolled back to [0-9a-f]{8}-line-V1-0-0-[0-9a-f]{8}: alarm/);
  expect(world.traffic.counts.answered).toBeGreaterThan(answered);
  expect(world.traffic.counts.failed).toBeLessThanOrEqual(2);
  heal();
});

test('an alarm of the operator takes the canary back', async () => {
  await expectTakenBack(async () => {
    await minutes(10);
    await world.measure(LOAD_ALARM, 5);
  }, /^SageMaker rolled back to [0-9a-f]{8}-line-V1-0-0-[0-9a-f]{8}: alarm Load is firing/);
});

test('a silent rollback is found out, with the alarm that has cleared before anybody asked', async () => {
  await expectTakenBack(async () => {
    await minutes(10);
    await world.setAlarm(LOAD_ALARM, 'ALARM');
    expect(await world.endpoint()).toMatchObject({ status: 'InService', pending: false });
    await world.setAlarm(LOAD_ALARM, 'OK');
  }, /^SageMaker rolled back to [0-9a-f]{8}-line-V1-0-0-[0-9a-f]{8}: alarm Load fired at [0-9T:.-]+Z and has cleared since \(the operator says so\)$/);
});

test('an alarm on quality that starts to fire within the watch takes the version back', async () => {
  await expectTakenBack(async (record) => {
    await world.traffic.playUntil(async () => (await world.endpoint())!.config!.includes(record.version.replaceAll('.', '-')), world.in(3));
    await minutes(10);
    await world.measure(QUALITY_ALARM, 5);
  }, /^taken back while it was watched: .*Quality/);
});

test('an alarm on quality that fires and clears between two looks takes the version back', async () => {
  await expectTakenBack(async (record) => {
    await world.traffic.playUntil(async () => (await world.endpoint())!.config!.includes(record.version.replaceAll('.', '-')), world.in(3));
    await world.cloud.clock.advanceTo(world.in(2 / 60));
    await world.setAlarm(QUALITY_ALARM, 'ALARM');
    await world.setAlarm(QUALITY_ALARM, 'OK');
  }, /^taken back while it was watched: alarm Quality fired at .* and has cleared since/);
});

test('a release does not start while an alarm fires', async () => {
  const stop = world.keepMeasuring(LOAD_ALARM, 5);
  await expectTakenBack(async () => undefined, /^not started: .*Load/);
  stop();
});

test('the same version, with nothing in its way but an alarm on quality that fires since before, is released', async () => {
  const stop = world.keepMeasuring(QUALITY_ALARM, 5);
  const record = await world.merge();
  await world.released();
  expect(await world.alarmState(QUALITY_ALARM)).toBe('ALARM');
  stop();
  await expectProduction(world, record, 5);
});
