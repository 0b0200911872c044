import { importedDataset, importedRegistry } from './fixtures';
import { FROM_BUILD, TrainingWorld } from './training-world';
import { RegistrationRequest } from '../../src/domain/training-run';
import { handler as explain } from '../../src/training/explain-failure.lambda';
import { handler as judge } from '../../src/training/gate.lambda';
import { handler as prepare } from '../../src/training/prepare-run.lambda';
import { TrainingWorkflow } from '../../src/training/training-workflow';
import { AwsTaskError, definitionsOf, Json, Run, run, Task } from '../staging/machine-runner';

const [{ definition }] = definitionsOf((stack) => {
  new TrainingWorkflow(stack, 'Training', { dataset: importedDataset(stack), registry: importedRegistry(stack) });
});

interface TrainingJob {
  TrainingJobName: string;
  AlgorithmSpecification: { TrainingImage: string };
  HyperParameters: Record<string, string>;
  OutputDataConfig: { S3OutputPath: string };
}
interface ProcessingJob {
  ProcessingJobName: string;
  AppSpecification: { ImageUri: string; ContainerEntrypoint: string[] };
  ProcessingInputs: { InputName: string; S3Input: { S3Uri: string } }[];
  ProcessingOutputConfig: { Outputs: { S3Output: { S3Uri: string } }[] };
}

let world: TrainingWorld;
let requests: RegistrationRequest[];
let jobs: { training: TrainingJob[]; processing: ProcessingJob[] };
/** RMSE that evaluating an image gives. */
let rmse: Record<string, number>;

beforeEach(() => {
  world = new TrainingWorld();
  [requests, jobs, rmse] = [[], { training: [], processing: [] }, { 'repository:c1': 4 }];
});

/** A job that fails, as the state that waited for it is told. */
function failedJob(member: string, name: string, reason: string): AwsTaskError {
  return new AwsTaskError('States.TaskFailed', JSON.stringify({ [member]: name, FailureReason: reason }));
}

function train(input: Json): object {
  const job = input as unknown as TrainingJob;
  jobs.training.push(job);
  const { TrainingJobName: name } = job;
  return {
    TrainingJobName: name,
    TrainingJobArn: `arn:aws:sagemaker:eu-central-1:111122223333:training-job/${name}`,
    TrainingJobStatus: 'Completed',
    ModelArtifacts: { S3ModelArtifacts: `${job.OutputDataConfig.S3OutputPath}${name}/output/model.tar.gz` },
  };
}

function evaluate(input: Json): object {
  const job = input as unknown as ProcessingJob;
  jobs.processing.push(job);
  world.evaluate(job.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri, rmse[job.AppSpecification.ImageUri]);
  return { ProcessingJobName: job.ProcessingJobName, ProcessingJobStatus: 'Completed' };
}

function register(input: Json): object {
  const { Input: request } = input as unknown as { Input: RegistrationRequest };
  requests.push(request);
  const output = request.decision === 'register' ? { version: 'V1.0.0', modelPackageArn: 'arn:package', created: true, cause: 'manual' } : { rejected: true, reason: request.reason };
  return { Status: 'SUCCEEDED', Output: output };
}

function runIt(input: object, tasks: Record<string, Task> = {}): Promise<Run> {
  const handlers: Record<string, Task> = {
    Prepare: (value) => prepare(value as never),
    Train: train,
    EvaluateChallenger: evaluate,
    EvaluateChampion: evaluate,
    Gate: (value) => judge(value as never),
    Register: register,
  };
  for (const name of ['ExplainPreparationFailure', 'ExplainTrainingFailure', 'ExplainEvaluationFailure', 'ExplainRejection']) {
    handlers[name] = (value) => explain(value as never);
  }
  return run(definition, input as Json, { ...handlers, ...tasks }, () => '2013-06-01T00:00:00.000Z');
}

test('a first commit gets a version', async () => {
  world.publish('d1');
  const { output, trail } = await runIt(FROM_BUILD);
  expect(output).toMatchObject({ version: 'V1.0.0' });
  expect(trail).toEqual(['Prepare', 'WhatToDo', 'Train', 'EvaluateChallenger', 'HasChampion', 'Gate', 'Register', 'IsRegistered', 'Registered']);
  expect(requests).toMatchObject([{ decision: 'register', commit: 'c1', dataset: 'd1', evaluation: { rmse: 4 } }]);
  expect(jobs.training).toMatchObject([{ HyperParameters: { algorithm: 'ridge', target: 'temp_in_24h' }, AlgorithmSpecification: { TrainingImage: 'repository:c1' } }]);
});

test('the challenger is evaluated with the model that was trained, by its own program', async () => {
  world.publish('d1');
  await runIt(FROM_BUILD);
  const [job] = jobs.processing;
  const { TrainingJobName: name, OutputDataConfig: { S3OutputPath: path } } = jobs.training[0];
  expect(job.AppSpecification).toEqual({ ImageUri: 'repository:c1', ContainerEntrypoint: ['evaluate'] });
  expect(Object.fromEntries(job.ProcessingInputs.map((input) => [input.InputName, input.S3Input.S3Uri]))).toEqual({
    model: `${path}${name}/output/model.tar.gz`,
    holdout: 's3://curated/datasets/Weather/d1/holdout/',
    config: expect.stringMatching(/challenger-config\/$/),
  });
});

test('new data revise the last registered commit, compared with the champion on the new holdout', async () => {
  world.publish('d1');
  world.register('V1.0.0', 'c1', 'd1');
  world.produce('V1.0.0');
  world.publish('d2');
  const { trail } = await runIt({ dataset: 'd2' });
  expect(trail).toContain('EvaluateChampion');
  expect(trail.slice(-1)).toEqual(['Registered']);
  const [challenger, champion] = jobs.processing.map((job) => job.ProcessingInputs.map((input) => input.S3Input.S3Uri));
  expect(challenger[1]).toBe('s3://curated/datasets/Weather/d2/holdout/');
  expect(champion.slice(0, 2)).toEqual(['s3://artifacts/V1.0.0/model.tar.gz', 's3://curated/datasets/Weather/d2/holdout/']);
  expect(new Set(jobs.processing.map((job) => job.ProcessingJobName)).size).toBe(2);
});

test('a candidate that the gate stops is recorded and fails the run', async () => {
  world.publish('d1');
  world.register('V1.0.0', 'c0', 'd1');
  world.produce('V1.0.0');
  rmse = { 'repository:c0': 4, 'repository:c1': 5 };
  const { error, trail } = await runIt(FROM_BUILD);
  expect(error?.name).toBe('ModelRejected');
  expect(error?.cause).toContain('worse by 25 %');
  expect(trail.slice(-3)).toEqual(['Register', 'IsRegistered', 'ModelRejected']);
  expect(requests).toMatchObject([{ decision: 'reject', stage: 'gate', commit: 'c1', dataset: 'd1', reason: expect.stringContaining('worse by 25 %') }]);
});

test('a training that fails is recorded with what the program said', async () => {
  world.publish('d1');
  const { error, trail } = await runIt(FROM_BUILD, { Train: () => { throw failedJob('TrainingJobName', 'temperature-t0', 'AlgorithmError: ValueError: boom, exit code: 1'); } });
  expect(error?.name).toBe('ModelRejected');
  expect(trail).toEqual(['Prepare', 'WhatToDo', 'Train', 'ExplainTrainingFailure', 'Register', 'IsRegistered', 'ModelRejected']);
  expect(requests).toMatchObject([{ decision: 'reject', stage: 'training', commit: 'c1', dataset: 'd1', tag: '1', reason: 'temperature-t0: AlgorithmError: ValueError: boom, exit code: 1' }]);
});

test.each(['EvaluateChallenger', 'EvaluateChampion', 'Gate'])('a run that %s fails is recorded', async (name) => {
  world.publish('d1');
  world.register('V1.0.0', 'c0', 'd1');
  world.produce('V1.0.0');
  rmse = { 'repository:c0': 4, 'repository:c1': 4 };
  const { error, trail } = await runIt(FROM_BUILD, { [name]: () => { throw failedJob('ProcessingJobName', 'job', 'no rows'); } });
  expect(error?.name).toBe('ModelRejected');
  expect(trail).toContain('ExplainEvaluationFailure');
  expect(requests).toMatchObject([{ decision: 'reject', stage: 'evaluation', reason: 'job: no rows' }]);
});

test('a dataset that the commit cannot be trained on is recorded, and nothing is trained', async () => {
  world.publish('d1', { schema: [{ name: 'temp_in_24h', type: 'double' }] });
  const { error } = await runIt(FROM_BUILD);
  expect(error?.name).toBe('ModelRejected');
  expect(jobs.training).toEqual([]);
  expect(requests).toMatchObject([{ decision: 'reject', stage: 'data', commit: 'c1', dataset: 'd1', reason: expect.stringContaining('lacks the features temp, origin') }]);
});

test('a preparation that goes on failing is recorded', async () => {
  const { error, trail } = await runIt(FROM_BUILD, { Prepare: () => { throw new AwsTaskError('Error', '{"errorMessage":"ledger is gone"}'); } });
  expect(error?.name).toBe('ModelRejected');
  expect(trail.slice(-4)).toEqual(['ExplainPreparationFailure', 'Register', 'IsRegistered', 'ModelRejected']);
  expect(requests).toMatchObject([{ decision: 'reject', stage: 'data', commit: 'c1', reason: 'ledger is gone' }]);
});

test('the same commit on the same dataset is not trained again', async () => {
  world.publish('d1');
  world.register('V1.0.0', 'c1', 'd1');
  const { output, trail } = await runIt(FROM_BUILD);
  expect(output).toMatchObject({ version: 'V1.0.0' });
  expect(trail).toEqual(['Prepare', 'WhatToDo', 'AlreadyRegistered']);
  expect([requests, jobs.training]).toEqual([[], []]);
});

test('data that come before the first version start nothing', async () => {
  world.publish('d1');
  const { trail } = await runIt({ dataset: 'd1' });
  expect(trail).toEqual(['Prepare', 'WhatToDo', 'NothingToRevise']);
});

test.each([
  ['registering', {}],
  ['recording a rejection', { Train: () => { throw new AwsTaskError('Error', 'boom'); } }],
  ['explaining', { Train: () => { throw new AwsTaskError('Error', 'boom'); }, ExplainTrainingFailure: () => { throw new AwsTaskError('RegistryGone', 'no answer'); } }],
])('an execution that could not reach the registry when %s fails with its error', async (_, tasks: Record<string, Task>) => {
  world.publish('d1');
  const { error, trail } = await runIt(FROM_BUILD, { Register: () => { throw new AwsTaskError('RegistryGone', 'no answer'); }, ...tasks });
  expect(error?.name).toBe('RegistryGone');
  expect(trail.slice(-1)).toEqual(['RecordingFailed']);
});

test('a service that is busy for a while stops nothing', async () => {
  world.publish('d1');
  let tries = 0;
  const flaky: Task = (input) => {
    if (++tries < 4) throw new AwsTaskError('SageMaker.AmazonSageMakerException', 'rate exceeded');
    return train(input);
  };
  expect((await runIt(FROM_BUILD, { Train: flaky })).output).toMatchObject({ version: 'V1.0.0' });
  expect(tries).toBe(4);
});

test('every state is reached by one of these paths', () => {
  expect(Object.keys(definition.States).sort()).toEqual([
    'AlreadyRegistered', 'EvaluateChallenger', 'EvaluateChampion', 'ExplainEvaluationFailure', 'ExplainPreparationFailure', 'ExplainRejection',
    'ExplainTrainingFailure', 'Gate', 'HasChampion', 'IsRegistered', 'ModelRejected', 'NothingToRevise', 'Prepare', 'RecordingFailed', 'Register',
    'Registered', 'Train', 'WhatToDo',
  ]);
});
