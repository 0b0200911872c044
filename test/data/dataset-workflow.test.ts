import * as sns from 'aws-cdk-lib/aws-sns';
import { PipelineServices } from './dataset-services';
import { DataLake } from '../../src/data/data-lake';
import { DataPipeline } from '../../src/data/data-pipeline';
import { DataScript } from '../../src/data/data-script';
import { DataSource } from '../../src/data/data-source';
import { handler as plan } from '../../src/data/plan-dataset.lambda';
import { handler as publish } from '../../src/data/publish-dataset.lambda';
import { AwsTaskError, definitionsOf, Json, run, Task } from '../staging/machine-runner';

const [{ definition }] = definitionsOf((stack) => {
  new DataPipeline(stack, 'Weather', {
    lake: new DataLake(stack, 'Lake'),
    source: DataSource.upload(),
    script: DataScript.fromAsset('examples/regression-platform/pipelines/weather.py'),
    target: 'temp_in_24h',
    alerts: new sns.Topic(stack, 'Alerts'),
  });
});

let services: PipelineServices;
let alerts: string[];

beforeEach(() => {
  services = new PipelineServices();
  services.upload('a.csv');
  alerts = [];
});

interface JobInput { Arguments: Record<string, string> }

/** What the Spark job leaves behind, for content of this hash. */
const job = (contentHash: string, passed = true): Task => (input) => {
  const given = (input as unknown as JobInput).Arguments;
  services.s3.put(given['--report'].replace('s3://', ''), JSON.stringify({
    dataset: 'Weather',
    time: given['--time'],
    version: `${given['--time']}-${contentHash}`,
    contentHash,
    unchanged: given['--parent_hash'] === contentHash,
    files: ['a.csv'],
    rows: { train: 8, holdout: 2 },
    schema: [],
    target: 'temp_in_24h',
    split: { method: 'hash', share: 0.2 },
    quality: { passed, rules: [{ rule: 'at least 1 rows', passed, observed: 10 }] },
  }));
  return { JobRunState: 'SUCCEEDED' };
};

async function execute(name: string, tasks: Record<string, Task>) {
  const execution = `arn:aws:states:eu-central-1:111122223333:execution:machine:${name}`;
  const result = await run(definition, {}, {
    Plan: (input) => plan(input as never),
    Publish: (input) => publish(input as never),
    Alert: (input) => { alerts.push((input as { Message: string }).Message); },
    ...tasks,
  }, () => `2013-04-0${name.slice(-1)}T00:00:00.000Z`, execution);
  services.ended.add(execution);
  return result;
}

test('publishes what the job made', async () => {
  const { output, trail } = await execute('run-1', { RunJob: job('aa') });
  expect(output).toEqual({ outcome: 'published', version: '2013-04-01T00:00:00.000Z-aa', manifestUri: 's3://curated/datasets/Weather/2013-04-01T00:00:00.000Z-aa/manifest.json' });
  expect(trail).toEqual(['Begin', 'Plan', 'WhatToDo', 'RunJob', 'Publish', 'Verdict', 'Done']);
  expect(services.s3.json<Json>('curated/datasets/Weather/latest.json')).toMatchObject({ version: '2013-04-01T00:00:00.000Z-aa' });
  expect(services.announced).toHaveLength(1);
});

test('a second run over the same content ends well and changes nothing', async () => {
  await execute('run-1', { RunJob: job('aa') });
  expect((await execute('run-2', { RunJob: job('aa') })).output).toEqual({ outcome: 'unchanged', version: '2013-04-01T00:00:00.000Z-aa' });
  expect(services.announced).toHaveLength(1);
});

test('with nothing to read it ends well without a job', async () => {
  services.s3.objects.clear();
  const { error, output, trail } = await execute('run-1', { RunJob: () => { throw new Error('must not run'); } });
  expect(error).toBeUndefined();
  expect(output).toMatchObject({ outcome: 'empty' });
  expect(trail).toEqual(['Begin', 'Plan', 'WhatToDo', 'NothingToRead']);
});

test('a broken rule fails the run by its name, tells, and keeps the last version', async () => {
  await execute('run-1', { RunJob: job('aa') });
  const { error, trail } = await execute('run-2', { RunJob: job('bb', false) });
  expect(error?.cause).toContain('at least 1 rows (observed: 10)');
  expect(trail.slice(-3)).toEqual(['Rejected', 'Alert', 'Failed']);
  expect(alerts).toEqual([
    'The data pipeline Weather published nothing; the last version stays. DataQualityFailed: at least 1 rows (observed: 10). '
    + 'Report: s3://curated/runs/Weather/run-2/quality.json',
  ]);
  expect(services.s3.json<Json>('curated/runs/Weather/run-2/quality.json')).toMatchObject({ error: 'DataQualityFailed', latest: '2013-04-01T00:00:00.000Z-aa' });
  expect(services.s3.json<Json>('curated/datasets/Weather/latest.json')).toMatchObject({ version: '2013-04-01T00:00:00.000Z-aa' });
});

test.each([
  ['Plan', { Plan: () => { throw new AwsTaskError('AccessDenied', 'no'); }, RunJob: job('aa') }],
  ['RunJob', { RunJob: () => { throw new AwsTaskError('States.TaskFailed', 'the script raised'); } }],
  ['Publish', { RunJob: () => ({ JobRunState: 'SUCCEEDED' }) }],
])('a failure of %s fails the run and tells', async (_, tasks: Record<string, Task>) => {
  const { error, trail } = await execute('run-1', tasks);
  expect(error).toBeDefined();
  expect(trail.slice(-2)).toEqual(['Alert', 'Failed']);
  expect(alerts).toHaveLength(1);
  expect(services.s3.objects.has('curated/datasets/Weather/latest.json')).toBe(false);
});

test('a job that dies is tried again', async () => {
  let jobs = 0;
  const { output } = await execute('run-1', {
    RunJob: (input) => {
      if (++jobs === 1) throw new AwsTaskError('States.TaskFailed', 'an executor was lost');
      return job('aa')(input);
    },
  });
  expect(output).toMatchObject({ outcome: 'published', version: '2013-04-01T00:00:00.000Z-aa' });
  expect(alerts).toEqual([]);
});

test('an alert that cannot be sent hides no failure', async () => {
  const { error } = await execute('run-1', { RunJob: job('aa', false), Alert: () => { throw new AwsTaskError('AuthorizationError', 'no'); } });
  expect(error?.cause).toContain('at least 1 rows (observed: 10)');
});

test('waits while another run of the pipeline has the job', async () => {
  let busy = 3;
  const { output } = await execute('run-1', {
    RunJob: (input) => {
      if (busy-- > 0) throw new AwsTaskError('Glue.ConcurrentRunsExceededException', 'one at a time');
      return job('aa')(input);
    },
  });
  expect(output).toMatchObject({ outcome: 'published' });
});

test('a publication that dies is repeated', async () => {
  let dies = 2;
  services.s3.beforePut = (path) => { if (path.startsWith('curated/datasets') && dies-- > 0) throw new Error('died'); };
  expect((await execute('run-1', { RunJob: job('aa') })).output).toMatchObject({ outcome: 'published' });
});

test('a run waits while another works, and then sees what arrived until its turn', async () => {
  const working = 'arn:aws:states:eu-central-1:111122223333:execution:machine:run-1';
  await plan({ time: '2013-04-01T00:00:00.000Z', execution: working, attempt: 0 });
  let asked = 0;
  const { output, trail } = await execute('run-2', {
    RunJob: job('aa'),
    Plan: (input) => {
      if (++asked === 3) services.ended.add(working);
      return plan(input as never);
    },
  });
  expect(output).toMatchObject({ outcome: 'published' });
  expect(trail.filter((state) => state === 'WaitForTurn')).toHaveLength(2);
});

test('a run that another will do as well ends at once', async () => {
  for (const name of ['run-1', 'run-2']) await plan({ time: '2013-04-01T00:00:00.000Z', execution: `arn:aws:states:eu-central-1:111122223333:execution:machine:${name}`, attempt: 0 });
  const { output, trail } = await execute('run-3', { RunJob: () => { throw new Error('must not run'); } });
  expect(output).toMatchObject({ outcome: 'merged', into: 'run-2' });
  expect(trail).toEqual(['Begin', 'Plan', 'WhatToDo', 'LeftToAnotherRun']);
});

test('a file that is overwritten while the job runs is read again', async () => {
  let jobs = 0;
  const { output, trail } = await execute('run-1', {
    RunJob: (input) => {
      if (++jobs === 1) services.upload('a.csv', 'another');
      return job(`content-${jobs}`)(input);
    },
  });
  expect(output).toMatchObject({ outcome: 'published', version: '2013-04-01T00:00:00.000Z-content-2' });
  expect(trail.filter((state) => state === 'RunJob')).toHaveLength(2);
});

test('a source that never stands still is told, after three times', async () => {
  let jobs = 0;
  const { error } = await execute('run-1', {
    RunJob: (input) => {
      services.upload('a.csv', `content ${++jobs}`);
      return job('aa')(input);
    },
  });
  expect(jobs).toBe(3);
  expect(error?.cause).toContain('a.csv changed while the job ran. Report: s3://curated/runs/Weather/run-1/quality.json');
  expect(alerts).toHaveLength(1);
});
