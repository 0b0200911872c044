import { FROM_BUILD, SPEC, TrainingWorld } from './training-world';
import { RunPlan } from '../../src/domain/training-run';
import { handler as explain } from '../../src/training/explain-failure.lambda';
import { handler as judge } from '../../src/training/gate.lambda';
import { handler as prepare } from '../../src/training/prepare-run.lambda';

const RUN = 'arn:aws:states:eu-central-1:111122223333:execution:Training:0b1c';
const TIME = '2013-06-01T00:00:00.000Z';
let world: TrainingWorld;

beforeEach(() => {
  world = new TrainingWorld();
});

const plan = (input: object): ReturnType<typeof prepare> => prepare({ input, run: RUN, time: TIME });

describe('preparing a run', () => {
  test('after a merge trains the commit on the latest dataset', async () => {
    world.publish('d1');
    world.publish('d2');
    const answer = await plan(FROM_BUILD);
    expect(answer).toEqual({
      outcome: 'train',
      run: RUN,
      jobName: expect.stringMatching(/^temperature-[0-9a-f]{16}$/),
      commit: 'c1',
      imageUri: 'repository:c1',
      spec: SPEC,
      dataset: 'd2',
      manifestUri: 's3://curated/datasets/Weather/d2/manifest.json',
      hyperparameters: { algorithm: 'ridge', alpha: '1', target: 'temp_in_24h', features: '["temp","origin"]' },
      trainUri: 's3://curated/datasets/Weather/d2/train/',
      holdoutUri: 's3://curated/datasets/Weather/d2/holdout/',
      modelUri: expect.stringMatching(/^s3:\/\/artifacts\/training\/temperature-[0-9a-f]{16}\/model\/$/),
      configUri: expect.stringMatching(/\/challenger-config\/$/),
      outputUri: expect.stringMatching(/\/challenger\/$/),
      hasChampion: false,
    });
    const { jobName } = answer as RunPlan;
    expect(world.s3.json(`artifacts/training/${jobName}/challenger-config/spec.json`)).toEqual({ target: 'temp_in_24h', features: ['temp', 'origin'] });
  });

  test('an author that the build has found goes on to the registry, and to all later revisions of the commit', async () => {
    world.publish('d2');
    const answer = await plan({ ...FROM_BUILD, author: ' Ada <ada@example.com> ' }) as RunPlan;
    expect(answer.author).toBe('Ada <ada@example.com>');
    world.evaluate(answer.outputUri, 4.1);
    const training = { jobName: 'job', jobArn: 'arn:job', modelDataUrl: 's3://artifacts/model.tar.gz' };
    expect(await judge({ plan: { ...answer, training }, time: TIME })).toMatchObject({ author: 'Ada <ada@example.com>' });
    world.register('V1.0.0', 'c1', 'd1', SPEC, 'Ada');
    expect(await plan({ dataset: 'd2' })).toMatchObject({ author: 'Ada' });
  });

  test('gives the same answer when it is repeated', async () => {
    world.publish('d1');
    expect(await plan(FROM_BUILD)).toEqual(await plan(FROM_BUILD));
  });

  test('after a publication trains the last registered commit on what was published, not on what followed meanwhile', async () => {
    world.publish('d2');
    world.publish('d3');
    world.register('V1.0.0', 'c1', 'd1');
    expect(await plan({ dataset: 'd2' })).toMatchObject({ outcome: 'train', commit: 'c1', imageUri: 'repository:c1', spec: SPEC, dataset: 'd2' });
  });

  test('evaluates the champion with its own image, model and features', async () => {
    world.publish('d2');
    world.register('V1.0.0', 'c0', 'd1', { ...SPEC, features: ['temp'] });
    world.produce('V1.0.0');
    const answer = await plan(FROM_BUILD) as RunPlan;
    expect(answer.hasChampion).toBe(true);
    expect(answer.champion).toMatchObject({ version: 'V1.0.0', imageUri: 'repository:c0', modelDataUrl: 's3://artifacts/V1.0.0/model.tar.gz' });
    expect(world.s3.json(`artifacts/training/${answer.jobName}/champion-config/spec.json`)).toEqual({ target: 'temp_in_24h', features: ['temp'] });
  });

  test('goes on without a champion that cannot read the dataset any more', async () => {
    world.publish('d2');
    world.register('V1.0.0', 'c0', 'd1', { ...SPEC, features: ['wind'] });
    world.produce('V1.0.0');
    expect(await plan(FROM_BUILD)).toMatchObject({ outcome: 'train', hasChampion: false, championSkipped: expect.stringContaining('wind') });
  });

  test('has nothing to revise before the first version', async () => {
    world.publish('d1');
    expect(await plan({ dataset: 'd1' })).toMatchObject({ outcome: 'nothing' });
  });

  test('names the version of a commit that was trained on this dataset before', async () => {
    world.publish('d1');
    world.register('V1.0.0', 'c1', 'd1');
    expect(await plan(FROM_BUILD)).toEqual({ outcome: 'registered', version: 'V1.0.0', commit: 'c1', dataset: 'd1' });
  });

  test('trains anew where the version was given but its registration did not end well', async () => {
    world.publish('d1');
    world.register('V1.0.0', 'c1', 'd1');
    world.write({ pk: 'VERSION', sk: 'V1.0.0' }, { version: 'V1.0.0', status: 'abandoned' });
    expect(await plan(FROM_BUILD)).toMatchObject({ outcome: 'train' });
  });

  test('an unchanged commit on other data is trained', async () => {
    world.publish('d2');
    world.register('V1.0.0', 'c1', 'd1');
    expect(await plan(FROM_BUILD)).toMatchObject({ outcome: 'train', dataset: 'd2' });
  });

  test.each([
    ['no dataset yet', () => undefined, FROM_BUILD, /no published version/],
    ['an unknown dataset version', () => world.register('V1.0.0', 'c1', 'd1'), { dataset: 'd9' }, /no version d9/],
    ['a target that is not there', () => world.publish('d1', { schema: [{ name: 'temp', type: 'double' }, { name: 'origin', type: 'string' }] }), FROM_BUILD, /no column temp_in_24h/],
    ['a target that is not a number', () => world.publish('d1', { schema: [{ name: 'temp_in_24h', type: 'string' }] }), FROM_BUILD, /temp_in_24h is of type string.*features temp, origin/],
    ['a feature that is not there', () => world.publish('d1'), { ...FROM_BUILD, spec: { ...SPEC, features: ['temp', 'wind'] } }, /lacks the feature wind/],
    ['an empty holdout', () => world.publish('d1', { splits: { train: { uri: 't', rows: 5 }, holdout: { uri: 'h', rows: 0 } } }), FROM_BUILD, /holdout split has no rows/],
    ['a specification that is none', () => world.publish('d1'), { ...FROM_BUILD, spec: { tag: 'a b', features: ['x', 'x'] } }, /"tag".*"target".*more than once/],
    ['no image', () => world.publish('d1'), { commit: 'c1', spec: SPEC }, /no commit or no image/],
  ])('rejects %s with the reason', async (_, arrange, input, reason) => {
    arrange();
    expect(await plan(input)).toMatchObject({ outcome: 'rejected', run: RUN, reason: expect.stringMatching(reason) });
  });

  test('a version whose files are those that were published is trained on, one that was changed since is not', async () => {
    world.publish('d1');
    world.seal('d1', { train: ['part-0.parquet', 'part-1.parquet'], holdout: ['part-0.parquet'] });
    expect(await plan(FROM_BUILD)).toMatchObject({ outcome: 'train', dataset: 'd1' });
    const folder = 'curated/datasets/Weather/d1';
    world.s3.put(`${folder}/train/part-1.parquet`, 'other rows');
    world.s3.put(`${folder}/holdout/part-7.parquet`, 'one more');
    expect(await plan(FROM_BUILD)).toMatchObject({
      outcome: 'rejected',
      reason: `dataset version d1 was changed after its publication: s3://${folder}/train/part-1.parquet, s3://${folder}/holdout/part-7.parquet; `
        + 'run the data pipeline, which publishes a new version',
    });
    world.s3.objects.delete(`${folder}/train/part-0.parquet`);
    for (const other of ['8', '9']) world.s3.put(`${folder}/holdout/part-${other}.parquet`, 'more');
    expect(await plan(FROM_BUILD)).toMatchObject({ reason: expect.stringMatching(/train\/part-0.parquet, .*part-1.parquet, .*part-7.parquet and 2 more;/) });
  });

  test('lets an error of a service pass, so that it is tried again', async () => {
    world.s3.client.rejects(Object.assign(new Error('slow down'), { name: 'SlowDown' }));
    await expect(plan(FROM_BUILD)).rejects.toThrow('slow down');
  });
});

describe('judging a candidate', () => {
  const training = { jobName: 'job', jobArn: 'arn:job', modelDataUrl: 's3://artifacts/model.tar.gz' };
  async function judged(candidate: number | undefined, champion?: number): Promise<Awaited<ReturnType<typeof judge>>> {
    world.publish('d2');
    if (champion !== undefined) {
      world.register('V1.0.0', 'c0', 'd1');
      world.produce('V1.0.0');
    }
    const prepared = await plan(FROM_BUILD) as RunPlan;
    if (candidate !== undefined) world.evaluate(prepared.outputUri, candidate);
    if (champion !== undefined && prepared.champion) world.evaluate(prepared.champion.outputUri, champion);
    return judge({ plan: { ...prepared, training }, time: TIME });
  }

  test('asks to register what passed, with everything that went in', async () => {
    const request = await judged(4.1, 4);
    expect(request).toMatchObject({
      decision: 'register',
      run: RUN,
      tag: '1',
      commit: 'c1',
      dataset: 'd2',
      imageUri: 'repository:c1',
      spec: SPEC,
      modelDataUrl: 's3://artifacts/model.tar.gz',
      trainingJobName: 'job',
      evaluation: { rmse: 4.1, itemCount: 20, r2: 0.5 },
      championVersion: 'V1.0.0',
      championEvaluation: { rmse: 4 },
      evaluationUri: expect.stringMatching(/^s3:\/\/artifacts\/training\/.*\/challenger\/evaluation\.json$/),
      sampleUri: expect.stringMatching(/\/challenger\/sample\.jsonl$/),
      time: TIME,
    });
    expect(request).not.toHaveProperty('stage');
  });

  test('names a sample only where the evaluation left one', async () => {
    world.publish('d2');
    const prepared = await plan(FROM_BUILD) as RunPlan;
    world.evaluate(prepared.outputUri, 4);
    world.s3.objects.delete(`${prepared.outputUri.slice(5)}sample.jsonl`);
    expect(await judge({ plan: { ...prepared, training }, time: TIME })).not.toHaveProperty('sampleUri');
  });

  test('asks to reject what is worse than the champion by more than the gate allows', async () => {
    expect(await judged(4.3, 4)).toMatchObject({ decision: 'reject', stage: 'gate', reason: expect.stringContaining('worse by 7.5 %') });
  });

  test('without a champion only the limits count', async () => {
    process.env.RULES = '{"limits":[{"metric":"rmse","atMost":3}]}';
    expect(await judged(4)).toMatchObject({ decision: 'reject', stage: 'gate', reason: expect.stringContaining('exceeds the limit of 3') });
  });

  test('says why a champion was not compared with', async () => {
    world.register('V1.0.0', 'c0', 'd1', { ...SPEC, features: ['wind'] });
    world.produce('V1.0.0');
    expect((await judged(4)).reason).toContain('V1.0.0 is in production, but was not evaluated');
  });

  test('rejects a candidate whose evaluation wrote nothing', async () => {
    expect(await judged(undefined)).toMatchObject({ decision: 'reject', stage: 'evaluation', reason: expect.stringContaining('no evaluation.json') });
  });

  test.each([['not JSON', '<html>'], ['no numbers', '{"regression_metrics":{}}']])('rejects an evaluation that is %s', async (_, body) => {
    world.publish('d1');
    const prepared = await plan(FROM_BUILD) as RunPlan;
    world.s3.put(`${prepared.outputUri.slice(5)}evaluation.json`, body);
    expect(await judge({ plan: { ...prepared, training }, time: TIME })).toMatchObject({ decision: 'reject', stage: 'evaluation' });
  });
});

describe('explaining a failure', () => {
  const explained = (error: { Error: string; Cause?: string }, state: object = { commit: 'c1', dataset: 'd1', spec: SPEC }): ReturnType<typeof explain> =>
    explain({ state, stage: 'training', run: RUN, time: TIME, error });

  test('takes the reason out of a job\'s description', async () => {
    const cause = JSON.stringify({ TrainingJobName: 'temperature-1-t0', FailureReason: 'AlgorithmError: unknown algorithm, exit code: 1' });
    expect(await explained({ Error: 'States.TaskFailed', Cause: cause })).toMatchObject({
      decision: 'reject', stage: 'training', run: RUN, commit: 'c1', dataset: 'd1', tag: '1', reason: 'temperature-1-t0: AlgorithmError: unknown algorithm, exit code: 1',
    });
  });

  test('prefers what the program said to what SageMaker says of it', async () => {
    const cause = JSON.stringify({ ProcessingJobName: 'job', FailureReason: 'AlgorithmError: See job logs', ExitMessage: 'ValueError: no rows' });
    expect((await explained({ Error: 'States.TaskFailed', Cause: cause })).reason).toBe('job: ValueError: no rows');
  });

  test.each([
    [{ TrainingJobName: 'job', TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' }, 'job: the job was stopped'],
    [{ TrainingJobName: 'job', TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxRuntimeExceeded' }, 'job: the job was stopped because its time was over'],
    [{ ProcessingJobName: 'job', ProcessingJobStatus: 'Stopped' }, 'job: the job was stopped'],
  ])('says of a stopped job that it was: %j', async (described, reason) => {
    expect((await explained({ Error: 'States.TaskFailed', Cause: JSON.stringify(described) })).reason).toBe(reason);
  });

  test.each([
    [{ Error: 'States.Timeout' }, 'States.Timeout'],
    [{ Error: 'SageMaker.ResourceLimitExceededException', Cause: 'no ml.p5 left' }, 'SageMaker.ResourceLimitExceededException: no ml.p5 left'],
    [{ Error: 'Broken', Cause: '[1]' }, 'Broken: [1]'],
    [{ Error: 'Error', Cause: '{"errorMessage":"boom","trace":[]}' }, 'boom'],
  ])('keeps what it cannot read: %j', async (error, reason) => {
    expect((await explained(error)).reason).toBe(reason);
  });

  test('records what is known of a run that failed before it had a plan', async () => {
    expect(await explained({ Error: 'Error', Cause: 'boom' }, { spec: { tag: 'not a tag' } })).toMatchObject({ commit: 'unknown', dataset: 'unknown', tag: '1' });
  });

  test('never writes more than a record holds', async () => {
    expect((await explained({ Error: 'Error', Cause: 'x'.repeat(5000) })).reason).toHaveLength(1000);
  });
});
