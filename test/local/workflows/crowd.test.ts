import { expectProduction, expectQuiet, stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';

let world: LineWorld;
beforeAll(async () => {
  world = await LineWorld.start();
  world.traffic.level = 5;
  await world.publish({ level: 5 });
});
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

/** Ten merges at once; answers the versions, oldest first, once all are registered. */
async function crowd(): Promise<VersionItem[]> {
  const known = (await world.versions()).length;
  await Promise.all(Array.from({ length: 10 }, () => world.start(world.out.Training, world.built())));
  await world.until(async () => (await world.versions()).length === known + 10);
  await world.trained();
  const made = (await world.versions()).slice(known);
  const times = made.map(({ announcedAt }) => Date.parse(announcedAt!));
  expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(60_000);
  return made;
}

/** All but the newest are superseded, each with the reason, in the ledger, on its model package and in an event. */
async function expectSuperseded(older: VersionItem[], { version: newest }: VersionItem, events: Awaited<ReturnType<LineWorld['news']>>['events']): Promise<void> {
  for (const each of older) {
    const ended = await world.version(each.version);
    expect(stagesOf(ended)).toEqual(['Registered', 'Superseded']);
    expect(ended.reason).toBe(`${newest}, which is newer, takes its place`);
    expect(await world.registered(ended)).toMatchObject({ stage: 'Superseded' });
    expect(await world.hosted(ended)).toEqual([]);
    const told = events.filter(({ type, detail }) => type === 'ReleaseSuperseded' && detail.version === each.version);
    expect(new Set(told.map(({ detail }) => detail.account))).toEqual(new Set([ended.account]));
  }
}

test('of ten versions that are registered within a minute the newest is released, and nine are superseded', async () => {
  const versions = await crowd();
  await world.until(() => !world.releasing);
  const newest = versions.at(-1)!;
  const events = await expectProduction(world, newest, 5);
  await expectSuperseded(versions.slice(0, -1), newest, events);
  expect(events.filter(({ type }) => type === 'ReleaseCompleted')).toHaveLength(1);
  expect(world.executions(world.out.Staging)).toHaveLength(1);
  expect(world.executions(world.out.Recovery)).toEqual([]);
});

test('ten more that come while one is released wait for it', async () => {
  const first = await world.merge();
  await world.traffic.playUntil(async () => (await world.version(first.version)).stage === 'Staging', world.in(3));
  const versions = await crowd();
  await world.released();
  const newest = versions.at(-1)!;
  const events = await expectProduction(world, newest, 5);
  await expectSuperseded(versions.slice(0, -1), newest, events);
  expect((await world.version(first.version)).stage).toBe('Archived');
});

test('where the release of the newest breaks before it could tell the others, they are told all the same', async () => {
  const champion = await world.champion();
  const versions = await crowd();
  const newest = versions.at(-1)!;
  await world.until(async () => (await world.queue())[0]?.startsWith('SLOT') === true);
  const holder = world.executions(world.out.Release).find(({ status, history }) => status === 'RUNNING' && JSON.stringify(history).includes('"SupersedeOlder"'))!;
  await world.abort(holder.arn);
  await world.until(() => !world.releasing);
  await expectQuiet(world);
  const { events } = await world.news();
  expect((await world.version(newest.version)).stage).toBe('Rejected');
  await expectSuperseded(versions.slice(0, -1), newest, events);
  expect(await world.champion()).toBe(champion);
});
