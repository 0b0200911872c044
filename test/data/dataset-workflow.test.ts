import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import * as sns from 'aws-cdk-lib/aws-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { MemoryS3 } from './memory-s3';
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

const events = mockClient(EventBridgeClient);
let s3: MemoryS3;
let alerts: string[];

beforeEach(() => {
  s3 = new MemoryS3();
  s3.put('sources/uploads/Weather/a.csv', 'x');
  alerts = [];
  events.reset();
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  Object.assign(process.env, {
    BUCKET: 'curated', PREFIX: 'datasets/Weather', RUNS_PREFIX: 'runs/Weather', SOURCE_BUCKET: 'sources', SOURCE_PREFIX: 'uploads/Weather/', EVENT_BUS: 'default',
  });
});

interface JobInput { Arguments: Record<string, string> }

/** What the Spark job leaves behind, for content of this hash. */
const job = (contentHash: string, passed = true): Task => (input) => {
  const given = (input as unknown as JobInput).Arguments;
  s3.put(given['--report'].replace('s3://', ''), JSON.stringify({
    dataset: 'Weather',
    time: given['--time'],
    version: `${given['--time']}-${contentHash}`,
    contentHash,
    unchanged: given['--parent_hash'] === contentHash,
    rows: { train: 8, holdout: 2 },
    schema: [],
    target: 'temp_in_24h',
    split: { method: 'hash', share: 0.2 },
    quality: { passed, rules: [{ rule: 'at least 1 rows', passed, observed: 10 }] },
  }));
  return { JobRunState: 'SUCCEEDED' };
};

function execute(name: string, tasks: Record<string, Task>) {
  return run(definition, {}, {
    Plan: (input) => plan(input as never),
    Publish: (input) => publish(input as never),
    Alert: (input) => { alerts.push((input as { Message: string }).Message); },
    ...tasks,
  }, () => `2013-04-0${name.slice(-1)}T00:00:00.000Z`, `arn:aws:states:eu-central-1:111122223333:execution:machine:${name}`);
}

test('publishes what the job made', async () => {
  const { output, trail } = await execute('run-1', { RunJob: job('aa') });
  expect(output).toEqual({ outcome: 'published', version: '2013-04-01T00:00:00.000Z-aa', manifestUri: 's3://curated/datasets/Weather/2013-04-01T00:00:00.000Z-aa/manifest.json' });
  expect(trail).toEqual(['Plan', 'AnythingToRead', 'RunJob', 'Publish', 'Verdict', 'Done']);
  expect(s3.json<Json>('curated/datasets/Weather/latest.json')).toMatchObject({ version: '2013-04-01T00:00:00.000Z-aa' });
  expect(events.commandCalls(PutEventsCommand)).toHaveLength(1);
});

test('a second run over the same content ends well and changes nothing', async () => {
  await execute('run-1', { RunJob: job('aa') });
  expect((await execute('run-2', { RunJob: job('aa') })).output).toEqual({ outcome: 'unchanged', version: '2013-04-01T00:00:00.000Z-aa' });
  expect(events.commandCalls(PutEventsCommand)).toHaveLength(1);
});

test('with nothing to read it ends well without a job', async () => {
  s3.objects.clear();
  const { error, trail } = await execute('run-1', { RunJob: () => { throw new Error('must not run'); } });
  expect(error).toBeUndefined();
  expect(trail).toEqual(['Plan', 'AnythingToRead', 'NothingToRead']);
});

test('a broken rule fails the run by its name, tells, and keeps the last version', async () => {
  await execute('run-1', { RunJob: job('aa') });
  const { error, trail } = await execute('run-2', { RunJob: job('bb', false) });
  expect(error?.cause).toContain('at least 1 rows (observed: 10)');
  expect(trail.slice(-3)).toEqual(['Rejected', 'Alert', 'Failed']);
  expect(alerts).toEqual(['The data pipeline Weather published nothing; the last version stays. DataQualityFailed: at least 1 rows (observed: 10)']);
  expect(s3.json<Json>('curated/datasets/Weather/latest.json')).toMatchObject({ version: '2013-04-01T00:00:00.000Z-aa' });
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
  expect(s3.objects.has('curated/datasets/Weather/latest.json')).toBe(false);
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
  s3.beforePut = (path) => { if (path.startsWith('curated/datasets') && dies-- > 0) throw new Error('died'); };
  expect((await execute('run-1', { RunJob: job('aa') })).output).toMatchObject({ outcome: 'published' });
});
