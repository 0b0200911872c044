import { CreateModelPackageGroupCommand, DeleteModelPackageGroupCommand, ListTrainingJobsCommand, StopTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import { LineWorld } from './line-world';
import { Execution } from '../../../examples/local/cloud/executions';
import { JsonObject } from '../../../examples/local/cloud/types';

let world: LineWorld;
let first: JsonObject;
beforeAll(async () => { world = await LineWorld.start(); });
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

const numbers = async () => (await world.versions()).map(({ version }) => version);

/** The last state of an execution. */
function endsIn({ history }: Execution): unknown {
  const entered = history.flatMap(({ stateEnteredEventDetails: details }) => (details === undefined ? [] : [details as JsonObject]));
  return entered.at(-1)?.name;
}

interface Rejection {
  readonly commit: unknown;
  readonly dataset?: string;
  readonly stage: string;
  readonly reason: string | RegExp;
}

/** A run that was stopped is a failed execution, a record, an event and an alert. */
async function expectStopped(execution: Execution, rejection: Rejection): Promise<void> {
  const reason = typeof rejection.reason === 'string' ? expect.stringContaining(rejection.reason) : expect.stringMatching(rejection.reason);
  expect(execution.describe()).toMatchObject({ status: 'FAILED', error: 'ModelRejected', cause: reason });
  const record = (await world.rejections()).find(({ run }) => run === execution.arn);
  expect(record).toMatchObject({ ...rejection, reason });
  const { events, alerts } = await world.news();
  expect(events.filter(({ type }) => type !== 'DatasetPublished')).toEqual([{
    type: 'ModelRejected', detail: expect.objectContaining({ model: 'Line', commit: rejection.commit, stage: rejection.stage, reason, run: execution.arn }) as JsonObject,
  }]);
  expect(alerts).toEqual([expect.stringContaining(`A candidate of the model Line was rejected (${rejection.stage}): ${record!.reason}`)]);
}

test('data without a model: there is nothing to revise', async () => {
  await world.publish({ level: 3 });
  const execution = await world.trained();
  expect(execution.status).toBe('SUCCEEDED');
  expect(endsIn(execution)).toBe('NothingToRevise');
  expect(await numbers()).toEqual([]);
  expect(await world.rejections()).toEqual([]);
  expect((await world.news()).alerts).toEqual([]);
});

test('a version that the registry does not take is given up; its number is not lost', async () => {
  const group = { ModelPackageGroupName: world.out.Group };
  await world.sagemaker.send(new DeleteModelPackageGroupCommand(group));
  first = world.built();
  const execution = await world.train(first);
  expect(execution.status).toBe('FAILED');
  expect(endsIn(execution)).toBe('RecordingFailed');
  expect(await world.version('V1.0.0')).toMatchObject({ status: 'abandoned' });
  expect((await world.news()).events).toEqual([]);
  await world.sagemaker.send(new CreateModelPackageGroupCommand(group));
});

test('a merge is trained, evaluated and registered', async () => {
  const execution = await world.train(first);
  expect(endsIn(execution)).toBe('Registered');
  expect(JSON.parse(execution.output!)).toMatchObject({ version: 'V1.0.0', created: true, cause: 'manual' });
  const record = await world.version('V1.0.0');
  expect(record).toMatchObject({ commit: first.commit, dataset: 'd0001', cause: 'manual', status: 'registered', evaluation: { itemCount: 40 } });
  expect(await world.registered(record)).toMatchObject({ approval: 'Approved' });
  const { events, alerts } = await world.news();
  expect(events).toEqual([{ type: 'ModelRegistered', detail: expect.objectContaining({ model: 'Line', version: 'V1.0.0', commit: first.commit }) as JsonObject }]);
  expect(alerts).toEqual([]);
  await world.until(() => !world.releasing);
  expect(await world.champion()).toBe('V1.0.0');
  await world.news();
});

test('the same commit and dataset again: no training, no version, no event', async () => {
  const again = await world.train(first);
  await world.announce('d0001');
  const automatic = await world.trained();
  for (const execution of [again, automatic]) {
    expect(execution.status).toBe('SUCCEEDED');
    expect(endsIn(execution)).toBe('AlreadyRegistered');
  }
  expect(automatic).not.toBe(again);
  expect(await numbers()).toEqual(['V1.0.0']);
  expect((await world.news()).events.map(({ type }) => type)).toEqual(['DatasetPublished']);
});

test('the gate stops what is worse on the holdout than the version in production', async () => {
  const before = await world.endpoint();
  const dataset = await world.publish({ level: 20, holdoutLevel: 3 });
  await expectStopped(await world.trained(), { commit: first.commit, dataset, stage: 'gate', reason: /^RMSE 1[67]\.\d+ against the champion's 0\.\d+ is worse by \d+(\.\d+)? %, allowed are 5 %$/ });
  expect(await numbers()).toEqual(['V1.0.0']);
  expect(await world.endpoint()).toEqual(before);
  expect(await world.queue()).toEqual([]);
});

test('a training that fails takes no number and leaves its reason', async () => {
  const input = world.built({ alpha: -1 });
  await expectStopped(await world.train(input), {
    commit: input.commit, stage: 'training', reason: /^[0-9a-f]{8}-line-[0-9a-f]{16}-t0: AlgorithmError: ValueError: alpha must not be negative, got -1, exit code: 1$/,
  });
  expect(await numbers()).toEqual(['V1.0.0']);
});

test('a training that somebody stops is not taken for a model', async () => {
  const input = world.built({ sleep: 60 });
  const execution = await world.start(world.out.Training, input);
  for (let job: string | undefined; job === undefined;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { TrainingJobSummaries } = await world.sagemaker.send(new ListTrainingJobsCommand({ StatusEquals: 'InProgress' }));
    job = TrainingJobSummaries?.[0]?.TrainingJobName;
    if (job !== undefined) await world.sagemaker.send(new StopTrainingJobCommand({ TrainingJobName: job }));
  }
  await world.trained();
  await expectStopped(execution, { commit: input.commit, stage: 'training', reason: /^[0-9a-f]{8}-line-[0-9a-f]{16}-t0: the job was stopped$/ });
  expect(await numbers()).toEqual(['V1.0.0']);
});

test('an evaluation that fails takes no number either', async () => {
  const input = world.built({ bug: 'evaluate' });
  await expectStopped(await world.train(input), { commit: input.commit, stage: 'evaluation', reason: '-line-' });
  expect(await numbers()).toEqual(['V1.0.0']);
});

test('what cannot be trained on the data is not trained', async () => {
  const missing = world.built({}, ['x', 'z']);
  await expectStopped(await world.train(missing), { commit: missing.commit, stage: 'data', reason: /does not fit: it lacks the feature z$/ });
  await expectStopped(await world.train({ dataset: 'd9999' }), { commit: first.commit, dataset: 'd9999', stage: 'data', reason: 'the dataset has no version d9999' });
  const broken: JsonObject = { ...world.built(), spec: { tag: 'not a tag', target: 'y' } };
  await expectStopped(await world.train(broken), { commit: broken.commit, stage: 'data', reason: /^mlops.json: "tag" must be .*; "features" must be/ });
  expect(await numbers()).toEqual(['V1.0.0']);
});

test('numbers go on as if nothing had been stopped: new data count the last place, a merge the middle one', async () => {
  await world.publish({ level: 3 });
  await world.trained();
  const merged = await world.merge();
  await world.publish({ level: 3 });
  await world.trained();
  expect((await world.versions()).map(({ version, cause, commit }) => [version, cause, commit])).toEqual([
    ['V1.0.0', 'manual', first.commit], ['V1.0.1', 'auto', first.commit], ['V1.1.0', 'manual', merged.commit], ['V1.1.1', 'auto', merged.commit],
  ]);
  expect((await world.news()).events.map(({ type }) => type)).toEqual(['DatasetPublished', 'ModelRegistered', 'ModelRegistered', 'DatasetPublished', 'ModelRegistered']);
});

test('a champion that cannot be evaluated on new columns does not stop a version', async () => {
  await world.publish({ level: 3 }, { announced: false, columns: ['z', 'y'] });
  const execution = await world.train(world.built({}, ['z']));
  expect(execution.status).toBe('SUCCEEDED');
  expect(await world.version('V1.2.0')).not.toHaveProperty('championEvaluation');
});

test('runs side by side do not meet', async () => {
  await world.publish({ level: 3 }, { announced: false });
  const executions = await Promise.all([1, 2, 3].map(() => world.start(world.out.Training, world.built())));
  await world.trained();
  expect(executions.map((execution) => execution.describe()).filter(({ status }) => status !== 'SUCCEEDED')).toEqual([]);
  expect((await numbers()).slice(-3).sort()).toEqual(['V1.3.0', 'V1.4.0', 'V1.5.0']);
});
