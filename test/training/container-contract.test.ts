import { execFileSync } from 'child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { importedDataset, importedRegistry } from './fixtures';
import { TrainingWorld } from './training-world';
import { RegistrationRequest } from '../../src/domain/training-run';
import { handler as explain } from '../../src/training/explain-failure.lambda';
import { handler as judge } from '../../src/training/gate.lambda';
import { handler as prepare } from '../../src/training/prepare-run.lambda';
import { TrainingWorkflow } from '../../src/training/training-workflow';
import { AwsTaskError, definitionsOf, Json, Run, run } from '../staging/machine-runner';

/** The state machine as synthesized and the example repository's programs, with nothing between them but SageMaker's container contract. */
const ROOT = join(__dirname, '../..');
const REPOSITORY = join(ROOT, 'examples/regression-platform/model');
const PYTHON = join(ROOT, '.venv/bin/python');
const SPEC = { target: 'temp_in_24h', features: ['temp', 'origin'], hyperparameters: { algorithm: 'ridge', alpha: 0.5 } };
const ROWS = `
import random, sys, pyarrow as pa, pyarrow.parquet as pq
chance = random.Random(1)
for split, rows in (('train', 300), ('holdout', 60)):
    temp = [chance.uniform(0, 90) for _ in range(rows)]
    pq.write_table(pa.table({'temp': temp, 'origin': [chance.choice(['JFK', 'EWR']) for _ in temp],
                             'temp_in_24h': [0.9 * each + 5 + chance.gauss(0, 2) for each in temp]}), f'{sys.argv[1]}/{split}.parquet')
`;

let folder: string;
let world: TrainingWorld;
let runs = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'training-'));
  execFileSync(PYTHON, ['-c', ROWS, folder]);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  world = new TrainingWorld();
  world.publish('d1');
});

interface Job {
  TrainingJobName: string;
  HyperParameters: Record<string, string>;
  OutputDataConfig: { S3OutputPath: string };
  ProcessingJobName: string;
  AppSpecification: { ContainerEntrypoint: string[] };
  ProcessingInputs: { InputName: string; S3Input: { S3Uri: string; LocalPath: string } }[];
  ProcessingOutputConfig: { Outputs: { S3Output: { S3Uri: string; LocalPath: string } }[] };
}

function program(name: string, base: string): void {
  try {
    const env = { PATH: process.env.PATH, SAGEMAKER_BASE_DIR: base, PYTHONDONTWRITEBYTECODE: '1' };
    execFileSync(PYTHON, [join(REPOSITORY, name)], { env, stdio: 'pipe' });
  } catch {
    const [failure, message] = ['failure', 'message'].map((file) => join(base, 'output', file)).map((file) => existsSync(file) ? readFileSync(file, 'utf8') : undefined);
    throw new AwsTaskError('States.TaskFailed', JSON.stringify({ FailureReason: `AlgorithmError: ${failure ?? ''}, exit code: 1`, ExitMessage: message }));
  }
}

function train(input: Json): object {
  const job = input as unknown as Job;
  const base = join(folder, job.TrainingJobName);
  mkdirSync(join(base, 'input/config'), { recursive: true });
  writeFileSync(join(base, 'input/config/hyperparameters.json'), JSON.stringify(job.HyperParameters));
  mkdirSync(join(base, 'input/data/train'), { recursive: true });
  cpSync(join(folder, 'train.parquet'), join(base, 'input/data/train/part-0.parquet'));
  program('train', base);
  execFileSync('tar', ['-czf', join(base, 'model.tar.gz'), '-C', join(base, 'model'), '.']);
  const modelDataUrl = `${job.OutputDataConfig.S3OutputPath}${job.TrainingJobName}/output/model.tar.gz`;
  return { TrainingJobName: job.TrainingJobName, TrainingJobArn: 'arn:job', ModelArtifacts: { S3ModelArtifacts: modelDataUrl } };
}

function evaluate(input: Json): object {
  const job = input as unknown as Job;
  const base = join(folder, job.ProcessingJobName);
  const local = (path: string): string => join(base, path.replace('/opt/ml/', ''));
  for (const { InputName: name, S3Input: { S3Uri: uri, LocalPath: path } } of job.ProcessingInputs) {
    mkdirSync(local(path), { recursive: true });
    if (name === 'model') cpSync(join(folder, uri.split('/').slice(-3)[0], 'model.tar.gz'), join(local(path), 'model.tar.gz'));
    if (name === 'holdout') cpSync(join(folder, 'holdout.parquet'), join(local(path), 'part-0.parquet'));
    if (name === 'config') writeFileSync(join(local(path), 'spec.json'), JSON.stringify(world.s3.json(`${uri.slice(5)}spec.json`)));
  }
  program(job.AppSpecification.ContainerEntrypoint[0], base);
  const [{ S3Output: { S3Uri: uri, LocalPath: path } }] = job.ProcessingOutputConfig.Outputs;
  for (const file of readdirSync(local(path))) world.s3.put(`${uri.slice(5)}${file}`, readFileSync(join(local(path), file), 'utf8'));
  return { ProcessingJobName: job.ProcessingJobName };
}

async function deliver(spec: object): Promise<Run & { request?: RegistrationRequest }> {
  const [{ definition }] = definitionsOf((stack) => {
    new TrainingWorkflow(stack, 'Training', { dataset: importedDataset(stack), registry: importedRegistry(stack) });
  });
  let request: RegistrationRequest | undefined;
  const explained = (value: Json): unknown => explain(value as never);
  const ran = await run(definition, { commit: 'c1', imageUri: 'repository:c1', spec } as unknown as Json, {
    Prepare: (value) => prepare(value as never),
    Train: train,
    EvaluateChallenger: evaluate,
    EvaluateChampion: evaluate,
    Gate: (value) => judge(value as never),
    Register: (value) => {
      request = (value as unknown as { Input: RegistrationRequest }).Input;
      return { Output: { version: 'V1.0.0' } };
    },
    ExplainPreparationFailure: explained,
    ExplainTrainingFailure: explained,
    ExplainEvaluationFailure: explained,
    ExplainRejection: explained,
  }, () => '2013-06-01T00:00:00.000Z', `arn:aws:states:eu-central-1:111122223333:execution:Training:run-${++runs}`);
  return { ...ran, request };
}

test('the scientist\'s programs train and evaluate what the workflow asks for', async () => {
  const { trail, request } = await deliver(SPEC);
  expect(trail.slice(-1)).toEqual(['Registered']);
  expect(request).toMatchObject({ decision: 'register', evaluation: { itemCount: 60 } });
  expect(request?.evaluation?.rmse).toBeGreaterThan(1);
  expect(request?.evaluation?.rmse).toBeLessThan(4);
  const samples = world.s3.objects.get(request?.sampleUri?.slice(5) ?? '')?.body.trim().split('\n').map((line) => JSON.parse(line) as object);
  expect(samples).toHaveLength(50);
  expect(samples?.[0]).toEqual({ payload: expect.stringMatching(/^[\d.]+,(JFK|EWR)$/), prediction: expect.any(Number) });
});

test('a program that fails says why in the rejection', async () => {
  const { error, request } = await deliver({ ...SPEC, hyperparameters: { algorithm: 'magic' } });
  expect(error?.name).toBe('ModelRejected');
  expect(request).toMatchObject({ decision: 'reject', stage: 'training', reason: expect.stringContaining('unknown algorithm \'magic\'') });
});
