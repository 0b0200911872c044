import { lineApp, LOAD_ALARM, QUALITY_ALARM } from './line-app';
import { stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';

const [CRASH, BURN] = ['Crash', 'Burn'];
let world: LineWorld;
beforeAll(async () => {
  world = await LineWorld.start((stack) => lineApp(stack, undefined, { rollbackAlarms: [CRASH, BURN] }), { enforce: 'everyone' });
  world.traffic.level = 5;
  await world.publish({ level: 5 });
});
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

const rollbacks = () => world.executions(world.out.Rollback);
const stages = async () => (await world.versions()).map(({ version, stage }) => `${version} ${stage}`);

/** A merge that reaches production. */
async function released(): Promise<VersionItem> {
  const { version } = await world.merge();
  await world.released();
  const record = await world.version(version);
  expect(record.stage).toBe('Production');
  await world.news();
  return record;
}

/** The version serves; ledger, registry and endpoint agree, and nothing is under way. */
async function expectServing({ version }: VersionItem): Promise<void> {
  const record = await world.version(version);
  const endpoint = await world.endpoint();
  expect(endpoint).toMatchObject({ status: 'InService', shadows: 0, pending: false });
  expect(endpoint!.config).toContain(`-${version.replaceAll('.', '-')}-`);
  expect(record.stage).toBe('Production');
  expect(await world.champion()).toBe(version);
  expect(await world.registered(record)).toMatchObject({ approval: 'Approved', stage: 'Production', status: 'Complete' });
  expect(await world.queue()).toEqual([]);
  expect(await world.endpoints()).toEqual(['line']);
  expect(await world.alarms()).toEqual([BURN, CRASH, LOAD_ALARM, QUALITY_ALARM]);
  expect(Math.abs((await world.traffic.ask(10))! - 25)).toBeLessThan(0.5);
}

async function expectGone({ version }: VersionItem, reason: RegExp): Promise<void> {
  const record = await world.version(version);
  expect([record.stage, record.reason]).toEqual(['RolledBack', expect.stringMatching(reason)]);
  expect(await world.registered(record)).toMatchObject({ approval: 'Rejected', stage: 'RolledBack', status: 'Failed' });
  expect(await world.hosted(record)).toEqual([]);
}

const settle = () => world.until(() => !world.releasing);

test('before there is anything to go back to, an alarm tells that it cannot be', async () => {
  const first = await released();
  await world.measure(CRASH, 5);
  await world.until(() => rollbacks().length === 1);
  await settle();
  expect(rollbacks().map(({ status }) => status)).toEqual(['FAILED']);
  await expectServing(first);
  const { events, alerts } = await world.news();
  expect(events).toEqual([{ type: 'RollbackImpossible', detail: expect.objectContaining({ version: first.version }) as object }]);
  expect(alerts).toEqual([
    expect.stringMatching(/V1\.0\.0 stays in production, it cannot be rolled back: alarm Crash is firing: .*; there is no good release before V1\.0\.0/),
  ]);
  await world.until(async () => await world.alarmState(CRASH) === 'OK');
});

test('two alarms at once bring production back by one release, in one update and without analysis', async () => {
  const [first] = await world.versions();
  const second = await released();
  const third = await released();
  await world.measure(CRASH, 5);
  await world.measure(BURN, 5);
  const before = world.cloud.clock.now();
  await world.until(() => rollbacks().length === 3);
  await settle();
  expect(rollbacks().slice(1).map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  expect(world.cloud.clock.now().getTime() - before.getTime()).toBeLessThan(20 * 60_000);
  await expectGone(third, /^alarm (Crash|Burn) is firing: /);
  await expectServing(second);
  expect(await stages()).toEqual([`${first.version} Archived`, `${second.version} Production`, `${third.version} RolledBack`]);
  const { events, alerts } = await world.news();
  expect(events).toEqual([{
    type: 'ReleaseRolledBack',
    detail: expect.objectContaining({
      version: third.version, restored: second.version, endpointConfigName: (await world.endpoint())!.config,
    }) as object,
  }]);
  expect(alerts).toEqual([expect.stringContaining(`the release of ${third.version} was taken back`)]);
});

test('a rollback by hand goes one release further back; the next release goes on from there', async () => {
  const [first, second] = await world.versions();
  await world.start(world.out.Rollback, { reason: 'customers complain' });
  await settle();
  await expectGone(second, /^customers complain$/);
  await expectServing(first);
  await world.news();
  const next = await released();
  await expectServing(next);
  expect(stagesOf(await world.version(first.version)).at(-1)).toBe('Archived');
});

test('a release whose version serves already is all that is undone', async () => {
  const champion = await world.champion();
  const { version } = await world.merge();
  const served = new RegExp(`-${version.replaceAll('.', '-')}-[0-9a-f]{8}$`);
  await world.traffic.playUntil(async () => served.test((await world.endpoint())!.config!), world.in(60));
  await world.news();
  await world.start(world.out.Rollback, { reason: 'it drips' });
  await settle();
  await expectGone(await world.version(version), /^it drips$/);
  await expectServing(await world.version(champion!));
  expect((await world.news()).events.map(({ type }) => type)).toEqual(['ReleaseRolledBack']);
});

test('a release that is being tried is undone, and then production goes back', async () => {
  const [first, champion] = [(await world.versions())[0], await world.champion()];
  const { version } = await world.merge();
  await world.until(async () => (await world.endpoint())!.shadows === 1);
  await world.news();
  await world.start(world.out.Rollback, { reason: 'production is wrong' });
  await settle();
  expect((await world.version(version)).stage).toBe('Rejected');
  await expectGone(await world.version(champion!), /^production is wrong$/);
  await expectServing(first);
  expect((await world.news()).events.map(({ type }) => type)).toEqual(['ReleaseRolledBack', 'ReleaseRolledBack']);
});

test('a rollback that is aborted goes on', async () => {
  const [first] = await world.versions();
  const next = await released();
  const execution = await world.start(world.out.Rollback, { reason: 'again' });
  await world.until(async () => (await world.endpoint())!.pending);
  await world.abort(execution.arn);
  await settle();
  await expectGone(next, /^again$/);
  await expectServing(first);
  await world.news();
  await expectServing(await released());
});
