import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  BatchStopJobRunCommand, CreateTableCommand, DeleteTableCommand, GetJobRunCommand, GetTableCommand, GlueClient, StartJobRunCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-glue';

import { TinyCloud } from './support/tiny-cloud';
import { JsonObject } from '../../examples/local/cloud/types';
import { Glue } from '../../examples/local/glue/glue';
import { S3Folder } from '../../examples/local/glue/s3-folder';

const ROLE = 'arn:aws:iam::000000000000:role/job';
const RUN_PIPELINE = resolve(__dirname, '../../resources/data/run_pipeline.py');

const JOB = `
import json, os, sys
from pyspark.sql import SparkSession
import helper

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if arguments['--mode'] == 'fail':
    raise ValueError('no such luck')
if arguments['--mode'] == 'wait':
    import time
    time.sleep(60)
spark = SparkSession.builder.appName('test').getOrCreate()
print('rows are counted by', os.environ['AWS_ACCESS_KEY_ID'])
seen = spark.conf.get('spark.test.seen', 'nothing')
spark.conf.set('spark.test.seen', 'something')
helper.calls += 1
frame = spark.read.option('header', True).option('inferSchema', True).csv(arguments['--input'])
total = frame.rdd.map(lambda row: row.x).sum()
frame.withColumnRenamed('x', 'y').coalesce(1).write.mode('overwrite').parquet(arguments['--output'])
with open(arguments['--report'], 'w') as file:
    json.dump({'rows': frame.count(), 'total': total, 'seen': seen, 'calls': helper.calls, 'job': arguments['--JOB_NAME'],
               'own': '--extra-py-files' in sys.argv, 'zone': spark.conf.get('spark.sql.session.timeZone')}, file)
`;

const SCRIPT = `
from pyspark.sql import functions as F
RULES = [{'rule': 'range', 'column': 'x', 'min': 0}]

@F.udf('double')
def halved(x):
    return x / 2

def transform(spark, source):
    return spark.read.option('header', True).option('inferSchema', True).csv(source).withColumn('half', halved('x'))
`;

describe('Glue', () => {
  const glue = new Glue();
  const cloud = new TinyCloud([glue]);
  const sdk = () => cloud.client(GlueClient);

  async function run(job: string, given: Record<string, string>): Promise<{ id: string; state: string | undefined; error: string | undefined }> {
    const { JobRunId: id } = await sdk().send(new StartJobRunCommand({ JobName: job, Arguments: given }));
    await cloud.clock.settle();
    const { JobRun: found } = await sdk().send(new GetJobRunCommand({ JobName: job, RunId: id }));
    return { id: id ?? '', state: found?.JobRunState, error: found?.ErrorMessage };
  }
  const job = async (name: string, properties: JsonObject) => cloud.create('AWS::Glue::Job', name, {
    Name: name, Role: ROLE, GlueVersion: '5.0', WorkerType: 'G.1X', NumberOfWorkers: 2, Timeout: 10, ...properties,
  });
  const report = async (key: string) => JSON.parse((await cloud.s3.get('curated', key)).toString()) as JsonObject;
  const given = (mode: string, report_: string) => ({
    '--mode': mode, '--input': 's3://source/in/', '--output': 's3://curated/out', '--report': `s3://curated/${report_}`,
  });

  beforeAll(async () => {
    await cloud.start('source', 'curated', 'assets');
    const folder = join(cloud.folders.temp, 'assets');
    await mkdir(folder);
    await writeFile(join(folder, 'job.py'), JOB);
    await writeFile(join(folder, 'script.py'), SCRIPT);
    cloud.assets.set('job.py', join(folder, 'job.py')).set('script.py', join(folder, 'script.py')).set('run_pipeline.py', RUN_PIPELINE);
    await cloud.s3.put('assets', 'helper.py', 'calls = 0\n');
    await cloud.s3.put('source', 'in/a.csv', 'x\n1\n2\n');
    await cloud.s3.put('source', 'in/b.csv', 'x\n3\n');
    await cloud.s3.put('source', 'inside-no-folder.csv', 'x\n1000\n');
    await job('sums', {
      Command: { Name: 'glueetl', ScriptLocation: 's3://assets/job.py', PythonVersion: '3' },
      MaxRetries: 0,
      DefaultArguments: { '--extra-py-files': 's3://assets/helper.py', '--job-bookmark-option': 'job-bookmark-disable', '--enable-metrics': 'true' },
    });
    await job('dataset', {
      Command: { Name: 'glueetl', ScriptLocation: 's3://assets/run_pipeline.py' }, DefaultArguments: { '--script': 's3://assets/script.py', '--source': 's3://source/in' },
    });
  });

  afterAll(async () => cloud.stop());

  test('runs a Spark job on what is in S3 and takes what it wrote back there', async () => {
    const { id, state, error } = await run('sums', given('run', 'report.json'));
    expect([state, error]).toEqual(['SUCCEEDED', undefined]);
    expect(await report('report.json')).toEqual({ rows: 3, total: 6, seen: 'nothing', calls: 1, job: 'sums', own: false, zone: 'UTC' });
    const keys = (await cloud.s3.list('curated', 'out/')).map(({ key }) => key);
    expect(keys).toEqual([expect.stringMatching(/^out\/_SUCCESS$/), expect.stringMatching(/^out\/part-.*\.parquet$/)]);
    expect(await readFile(join(cloud.folders.logs, 'glue', `${id}.log`), 'utf8')).toContain(`rows are counted by ${cloud.principals.keyOf(ROLE)}`);
    expect(cloud.events.at(-1)).toMatchObject({ source: 'aws.glue', type: 'Glue Job State Change', detail: { jobName: 'sums', state: 'SUCCEEDED' } });
  });

  test('jobs share a warm JVM and nothing else; an overwritten folder is overwritten in S3', async () => {
    const before = (await cloud.s3.list('curated', 'out/part-')).map(({ key }) => key);
    await cloud.s3.put('source', 'in/b.csv', 'x\n4\n');
    expect((await run('sums', given('run', 'second.json'))).state).toBe('SUCCEEDED');
    expect(await report('second.json')).toMatchObject({ total: 7, seen: 'nothing', calls: 1 });
    const after = (await cloud.s3.list('curated', 'out/part-')).map(({ key }) => key);
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
  });

  test('a job that raises fails with what it raised', async () => {
    expect(await run('sums', given('fail', 'third.json'))).toMatchObject({ state: 'FAILED', error: 'ValueError: no such luck' });
    expect(cloud.lines.at(-1)).toMatch(/Glue job sums FAILED: ValueError: no such luck/);
  });

  test('the job of every data pipeline runs as it is', async () => {
    const { state, error } = await run('dataset', {
      '--output': 's3://curated/datasets/d', '--report': 's3://curated/runs/d/1.json', '--dataset': 'd', '--target': 'x', '--time': '2013-05-01T00:00:00Z',
    });
    expect([state, error]).toEqual(['SUCCEEDED', undefined]);
    const made = await report('runs/d/1.json');
    expect(made).toMatchObject({ dataset: 'd', unchanged: false, schema: [{ name: 'x', type: 'int' }, { name: 'half', type: 'double' }] });
    const written = (await cloud.s3.list('curated', 'datasets/d/')).map(({ key }) => key.split('/').slice(2, 4).join('/'));
    expect(new Set(written)).toEqual(new Set([`${String(made.version)}/train`, `${String(made.version)}/holdout`]));
  });

  test('a run can be stopped, and the next one runs', async () => {
    const { JobRunId: id } = await sdk().send(new StartJobRunCommand({ JobName: 'sums', Arguments: given('wait', 'x.json') }));
    await expect(sdk().send(new StartJobRunCommand({ JobName: 'sums' }))).rejects.toThrow(/Concurrent runs exceeded/);
    await new Promise((wait) => setTimeout(wait, 1500));
    await sdk().send(new BatchStopJobRunCommand({ JobName: 'sums', JobRunIds: [id ?? ''] }));
    await cloud.clock.settle();
    expect((await sdk().send(new GetJobRunCommand({ JobName: 'sums', RunId: id }))).JobRun?.JobRunState).toBe('STOPPED');
    expect((await run('sums', given('run', 'last.json'))).state).toBe('SUCCEEDED');
  });

  test('refuses what it does not do', async () => {
    const command = { Name: 'glueetl', ScriptLocation: 's3://assets/job.py' };
    await expect(job('a', { Command: command, DefaultArguments: { '--job-bookmark-option': 'job-bookmark-enable' } })).rejects.toThrow(/job bookmarks/);
    await expect(job('b', { Command: { ...command, Name: 'gluestreaming' } })).rejects.toThrow(/gluestreaming/);
    await expect(sdk().send(new StartJobRunCommand({ JobName: 'sums', Arguments: { '--additional-python-modules': 'x' } }))).rejects.toThrow(/--additional-python-modules/);
    await job('c', { Command: command, Connections: { Connections: ['warehouse'] } });
    await expect(sdk().send(new StartJobRunCommand({ JobName: 'c' }))).rejects.toThrow(/the connection warehouse/);
  });

  test('answers from the catalog', async () => {
    await cloud.create('AWS::Glue::Database', 'Db', { DatabaseInput: { Name: 'Lake' } });
    await cloud.create('AWS::Glue::Table', 'T', { DatabaseName: 'lake', TableInput: { Name: 'Temps', Parameters: { classification: 'json' } } });
    const { Table: table } = await sdk().send(new GetTableCommand({ DatabaseName: 'LAKE', Name: 'temps' }));
    expect(table).toMatchObject({ Name: 'temps', DatabaseName: 'lake', Parameters: { classification: 'json' } });
    await expect(sdk().send(new GetTableCommand({ DatabaseName: 'lake', Name: 'none' }))).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  });

  test('keeps tables that are made at run time, and lets an update go ahead only from what was read', async () => {
    const send = (VersionId: string, comment: string) => sdk().send(new UpdateTableCommand({ DatabaseName: 'lake', TableInput: { Name: 'made', Description: comment }, VersionId }));
    const read = async () => (await sdk().send(new GetTableCommand({ DatabaseName: 'lake', Name: 'made' }))).Table;
    await cloud.create('AWS::Glue::Database', 'Db2', { DatabaseInput: { Name: 'Lake' } });
    await sdk().send(new CreateTableCommand({ DatabaseName: 'lake', TableInput: { Name: 'Made' } }));
    await expect(sdk().send(new CreateTableCommand({ DatabaseName: 'lake', TableInput: { Name: 'made' } }))).rejects.toMatchObject({ name: 'AlreadyExistsException' });
    const first = (await read())!.VersionId!;
    await send(first, 'one');
    await expect(send(first, 'another')).rejects.toMatchObject({ name: 'ConcurrentModificationException' });
    expect((await read())!.Description).toBe('one');
    await sdk().send(new DeleteTableCommand({ DatabaseName: 'lake', Name: 'MADE' }));
    await expect(read()).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  });

  test('finds URIs in arguments', () => {
    expect(S3Folder.urisIn('[{"uri":"s3://bucket/a b"},"s3://other/x/y.json", "s3://third"]')).toEqual(['s3://bucket/a', 's3://other/x/y.json', 's3://third']);
  });
});
