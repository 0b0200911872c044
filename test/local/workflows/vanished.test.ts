import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { expectProduction, expectQuiet, stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';
import { Execution } from '../../../examples/local/cloud/executions';
import { StepFunctions } from '../../../examples/local/cloud/step-functions';

let world: LineWorld;
beforeAll(async () => { world = await LineWorld.inProduction(); });
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

/** Until the answer is called, events that the model should act on get lost. */
async function losing(): Promise<() => Promise<void>> {
  const client = world.cloud.client(EventBridgeClient);
  const { Rules } = await client.send(new ListRulesCommand({}));
  const Name = Rules!.map((each) => each.Name!).find((name) => name.includes('CommonEvents'))!;
  await client.send(new DisableRuleCommand({ Name }));
  return async () => {
    await world.cloud.clock.settle();
    await client.send(new EnableRuleCommand({ Name }));
  };
}

const release = (): Execution => world.executions(world.out.Release).at(-1)!;
const recovery = (): Execution => world.executions(world.out.Recovery).at(-1)!;

/** A version that is beside the champion as its shadow. */
async function shadowed(): Promise<{ record: VersionItem; execution: Execution }> {
  const record = await world.merge();
  await world.until(async () => (await world.endpoint())!.shadows === 1);
  const execution = release();
  expect(execution.status).toBe('RUNNING');
  return { record, execution };
}

/** Nothing serves but what served before, and everything says so. */
async function expectUndone({ version }: VersionItem, before: { endpoint: unknown; champion?: string }, reason: RegExp): Promise<string[]> {
  await expectQuiet(world);
  expect(await world.endpoint()).toEqual(before.endpoint);
  expect(await world.champion()).toBe(before.champion);
  const ended = await world.version(version);
  expect(stagesOf(ended).at(-1)).toBe('Rejected');
  expect(ended.reason).toMatch(reason);
  expect(await world.hosted(ended)).toEqual([]);
  const { events, alerts } = await world.news();
  expect(events.at(-1)).toMatchObject({ type: 'ReleaseRolledBack', detail: { version, restored: before.champion, reason: ended.reason } });
  expect(alerts.at(-1)).toContain(ended.reason);
  return events.map(({ type }) => type);
}
const now = async () => ({ endpoint: await world.endpoint(), champion: await world.champion() });

test('a release of whose end nobody is told is found and undone within an hour', async () => {
  const before = await now();
  const { record, execution } = await shadowed();
  const found = await losing();
  await world.abort(execution.arn);
  await found();
  expect(await world.queue()).toEqual([`SLOT ${record.version}`]);
  await world.until(async () => (await world.queue()).length === 0, 2);
  await world.until(() => !world.releasing);
  expect(recovery().name).toMatch(/^reconciled-[0-9a-f]{32}$/);
  await expectUndone(record, before, /^the release did not end by itself: its execution is ABORTED$/);
});

test('a release that lasts longer than all that it may wait for times out, and is undone', async () => {
  const before = await now();
  const machine = world.cloud.find(StepFunctions).machines.get(world.out.Release)!;
  const definition = machine.definition as { TimeoutSeconds?: number };
  const { TimeoutSeconds } = definition;
  // 30 hours of comparison, 1 hour of watch, and what SageMaker may take
  expect(TimeoutSeconds).toBeGreaterThan(40 * 3600);
  expect(TimeoutSeconds).toBeLessThan(30 * 24 * 3600);
  definition.TimeoutSeconds = 3 * 3600;
  const { record, execution } = await shadowed();
  definition.TimeoutSeconds = TimeoutSeconds;
  await world.until(() => execution.status !== 'RUNNING' && !world.releasing);
  expect(execution.status).toBe('TIMED_OUT');
  await expectUndone(record, before, /^the release did not end by itself: its execution is TIMED_OUT$/);
});

test('a recovery that is killed midway is told of, and started again', async () => {
  const before = await now();
  const { record, execution } = await shadowed();
  await world.abort(execution.arn);
  await world.cloud.clock.settle();
  const first = recovery();
  // the slot is the recovery's, and the endpoint still has the shadow
  await world.until(() => first.history.some(({ stateEnteredEventDetails: entered }) => (entered as { name?: string } | undefined)?.name === 'WaitLastGood'));
  await world.abort(first.arn);
  await world.until(() => world.executions(world.out.Recovery).length > world.executions(world.out.Recovery).indexOf(first) + 1, 2);
  await world.until(() => !world.releasing);
  const types = await expectUndone(record, before, /^the release did not end by itself: its execution is ABORTED$/);
  expect(types).toContain('ReleaseRecoveryFailed');
});

test('two recoveries of one release do not get in each other\'s way', async () => {
  const before = await now();
  const { record, execution } = await shadowed();
  const earlier = world.executions(world.out.Recovery).length;
  await world.abort(execution.arn);
  for (let i = 0; i < 3; i += 1) await world.start(world.out.Recovery, { execution: execution.arn, reason: 'once more' });
  await world.until(() => !world.releasing);
  const outcomes = world.executions(world.out.Recovery).slice(earlier).map(({ history }) => JSON.stringify(history.at(-2)));
  expect(outcomes).toHaveLength(4);
  expect(outcomes.filter((last) => last.includes('NothingToRecover'))).toHaveLength(3);
  const types = await expectUndone(record, before, /^the release did not end by itself: /);
  expect(types.filter((type) => type === 'ReleaseRolledBack')).toHaveLength(1);
});

test('an execution whose slot was taken changes nothing any more, however it goes on', async () => {
  const before = await now();
  const { record, execution } = await shadowed();
  const shadow = await world.endpoint();
  // somebody has the slot, and the execution is not stopped: as if it were cut off for a while
  const somebody = `${execution.arn}-taker`;
  const { executions } = world.cloud.find(StepFunctions);
  executions.set(somebody, { machine: { arn: '' }, describe: () => ({ status: 'RUNNING' }), stop: () => undefined } as unknown as Execution);
  await world.giveSlot(somebody);
  await world.traffic.playUntil(() => execution.status !== 'RUNNING', world.in(60));
  await world.until(() => !world.releasing);
  expect(execution.describe()).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('does not hold the release slot any more') as string });
  expect(await world.endpoint()).toEqual(shadow);
  expect((await world.version(record.version)).stage).toBe('Staging');
  expect(await world.hosted(record)).not.toEqual([]);
  expect(await world.champion()).toBe(before.champion);
  expect((await world.news()).events.map(({ type }) => type)).toEqual(['ModelRegistered']);

  // who took it is gone: the slot is recovered
  executions.delete(somebody);
  await world.until(async () => (await world.queue()).length === 0, 2);
  await world.until(() => !world.releasing);
  await expectUndone(record, before, /^the release did not end by itself: its execution is UNKNOWN$/);
});

test('a version whose event got lost, and one whose turn nobody tells, are released all the same', async () => {
  const registered = await losing();
  const lost = await world.merge();
  await registered();
  expect(await world.queue()).toEqual([]);
  await world.until(() => release().status === 'RUNNING', 3);
  await world.until(async () => (await world.version(lost.version)).stage === 'Staging', 1);
  expect(await world.queue()).toEqual([`SLOT ${lost.version}`]);

  const next = await world.merge();
  const due = await losing();
  await world.traffic.playUntil(async () => (await world.queue())[0]?.startsWith('WAITING') === true, world.in(60));
  await due();
  expect(await world.queue()).toEqual([`WAITING ${next.version}`]);
  await world.until(() => world.releasing, 2);
  await world.released();
  await expectProduction(world, next, 5);
  expect((await world.version(lost.version)).stage).toBe('Archived');
});

test('an endpoint that an update has broken for good is made anew on the last good config', async () => {
  const before = await now();
  const record = await world.merge();
  await world.traffic.playUntil(async () => stagesOf(await world.version(record.version)).includes('Canary'), world.in(40));
  const heal = world.breakEndpoint(record);
  await world.until(async () => (await world.endpoint())?.status === 'Failed', 2);
  await world.until(() => !world.releasing);
  heal();
  const { instances: _, ...endpoint } = before.endpoint!;
  expect(await world.endpoint()).toMatchObject(endpoint);
  await expectUndone(record, { ...before, endpoint: await world.endpoint() },
    /the endpoint had failed and was made anew on [0-9a-f]{8}-line-V[0-9-]+-[0-9a-f]{8}: it did not answer from [0-9TZ:.-]+ to [0-9TZ:.-]+$/);
  expect(Math.abs((await world.traffic.ask(10))! - 25)).toBeLessThan(0.5);
});

test('after all that a version is released as ever', async () => {
  const record = await world.merge();
  await world.released();
  await expectProduction(world, record, 5);
});
