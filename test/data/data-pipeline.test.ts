import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { DataLake } from '../../src/data/data-lake';
import { DataPipeline, DataPipelineProps } from '../../src/data/data-pipeline';
import { DataQualityRule } from '../../src/data/data-quality-rule';
import { DataScript } from '../../src/data/data-script';
import { DataSource } from '../../src/data/data-source';
import { SourceReading } from '../../src/data/source-reading';
import { synthesizeUnderNag } from '../support/nag';

const script = DataScript.fromAsset('examples/regression-platform/pipelines/weather.py');

function add(stack: Stack, props: Partial<DataPipelineProps> = {}, id = 'Weather'): DataPipeline {
  const lake = props.lake ?? new DataLake(stack, 'Lake');
  return new DataPipeline(stack, id, { source: DataSource.upload(), script, target: 'temp_in_24h', timeColumn: 'time_hour', ...props, lake });
}

function templateOf(props: Partial<DataPipelineProps> | ((stack: Stack) => Partial<DataPipelineProps>) = {}): Template {
  const stack = new Stack(new App(), 'Test');
  add(stack, typeof props === 'function' ? props(stack) : props);
  return Template.fromStack(stack);
}

const argumentsOf = (template: Template): Record<string, unknown> => Object.values(template.findResources('AWS::Glue::Job'))[0].Properties.DefaultArguments;

interface Statement { Effect: string; Action: string | string[]; Resource: unknown; Condition?: unknown }

/** Statements of the role that a resource runs with. */
function statementsOf(template: Template, role: RegExp): Statement[] {
  return Object.values(template.findResources('AWS::IAM::Policy'))
    .filter((policy) => policy.Properties.Roles.some((one: { Ref: string }) => role.test(one.Ref)))
    .flatMap((policy) => policy.Properties.PolicyDocument.Statement as Statement[]);
}

describe('by default', () => {
  test('a Glue 5.0 Spark job, one run at a time, with encrypted logs', () => {
    templateOf().hasResourceProperties('AWS::Glue::Job', {
      GlueVersion: '5.0',
      WorkerType: 'G.1X',
      NumberOfWorkers: 2,
      MaxRetries: 0,
      Timeout: 120,
      ExecutionProperty: { MaxConcurrentRuns: 1 },
      Command: { Name: 'glueetl', PythonVersion: '3' },
      SecurityConfiguration: Match.anyValue(),
      Connections: Match.absent(),
    });
  });

  test('the job is told what it reads, makes and checks', () => {
    expect(argumentsOf(templateOf())).toMatchObject({
      '--dataset': 'Weather',
      '--source': { 'Fn::Join': ['', ['s3://', { Ref: expect.stringMatching(/^LakeSourceZone/) }, '/uploads/Weather/']] },
      '--output': { 'Fn::Join': ['', ['s3://', { Ref: expect.stringMatching(/^LakeCuratedZone/) }, '/datasets/Weather/']] },
      '--target': 'temp_in_24h',
      '--time_column': 'time_hour',
      '--holdout_share': '0.2',
      '--rules': '[]',
    });
  });

  test('nothing starts it but a hand', () => {
    templateOf().resourceCountIs('AWS::Events::Rule', 0);
  });

  test('the dataset is where the pipeline publishes it', () => {
    const stack = new Stack(new App(), 'Test');
    const { dataset, sourceUri } = add(stack);
    expect(dataset).toMatchObject({ tableName: 'weather', datasetName: 'Weather', prefix: 'datasets/Weather', target: 'temp_in_24h', timeColumn: 'time_hour' });
    expect(dataset.key).toBeDefined();
    expect(stack.resolve(dataset.databaseName)).toEqual({ Ref: expect.stringMatching(/^LakeDatabase/) });
    expect(stack.resolve(sourceUri)['Fn::Join'][1]).toContain('/uploads/Weather/');
  });
});

describe('permissions', () => {
  test('the job writes candidates and can publish nothing', () => {
    const statements = statementsOf(templateOf(), /WeatherJobRole/);
    const denied = statements.filter((one) => one.Effect === 'Deny');
    expect(JSON.stringify(denied)).toMatch(/datasets\/Weather\/\*\/manifest\.json.*datasets\/Weather\/latest\.json/);
    const written = statements.filter((one) => one.Effect === 'Allow' && JSON.stringify(one.Action).includes('s3:PutObject')).map((one) => JSON.stringify(one.Resource));
    expect(JSON.stringify(denied)).toMatch(/runs\/Weather\/slot\.json.*runs\/Weather\/\*\/quality\.json/);
    expect(written.map((resource) => /"(\/[^"]*)"\]\]/.exec(resource)?.[1])).toEqual(['/datasets/Weather/*', '/runs/Weather/*', '/*_$folder$']);
  });

  test('the job reads its own uploads of the source zone and no others', () => {
    const read = statementsOf(templateOf(), /WeatherJobRole/).filter((one) => JSON.stringify(one.Resource).includes('LakeSourceZone') && JSON.stringify(one.Action).includes('s3:'));
    expect(read.map((one) => one.Action)).toEqual([['s3:GetObject', 's3:GetObjectVersion'], 's3:ListBucket']);
    expect(JSON.stringify(read[0].Resource)).toContain('/uploads/Weather/*');
    expect(read[1].Condition).toEqual({ StringLikeIfExists: { 's3:prefix': ['uploads/Weather/', 'uploads/Weather/*'] } });
  });

  test('the publisher writes manifests and the pointer, nothing else', () => {
    const written = statementsOf(templateOf(), /PublisherRole/).filter((one) => JSON.stringify(one.Action).match(/s3:(Put|Delete)/));
    expect(JSON.stringify(written.map((one) => one.Resource)).match(/"\/[^"]*"/g)).toEqual([
      '"/datasets/Weather/*/manifest.json"', '"/datasets/Weather/latest.json"', '"/runs/Weather/*/quality.json"',
    ]);
  });

  test('the planner sees names of the sources, not what is in them', () => {
    const sources = statementsOf(templateOf(), /PlannerRole/).filter((one) => JSON.stringify(one.Resource).includes('LakeSource'));
    expect(sources.map((one) => one.Action)).toEqual([['s3:ListBucket', 's3:ListBucketVersions']]);
  });
});

describe('sources', () => {
  test.each([['exports/weather', 'exports/weather/'], ['/exports/weather/', 'exports/weather/'], [undefined, '']])('a bucket below %s', (given, prefix) => {
    const template = templateOf((stack) => ({ source: DataSource.bucket(s3.Bucket.fromBucketName(stack, 'Exports', 'exports'), given) }));
    expect(argumentsOf(template)['--source']).toBe(`s3://exports/${prefix}`);
  });

  test('a database behind a Glue connection, with its network and its secret', () => {
    const template = templateOf((stack) => ({
      source: DataSource.jdbc('warehouse', 'SELECT * FROM weather', { secret: secretsmanager.Secret.fromSecretNameV2(stack, 'Login', 'warehouse') }),
    }));
    template.hasResourceProperties('AWS::Glue::Job', { Connections: { Connections: ['warehouse'] } });
    expect(argumentsOf(template)).toMatchObject({ '--connection': 'warehouse', '--query': 'SELECT * FROM weather', '--secret': expect.anything() });
    const statements = JSON.stringify(statementsOf(template, /WeatherJobRole/));
    expect(statements).toContain(':connection/warehouse');
    expect(statements).toContain('secretsmanager:GetSecretValue');
    expect(statements).toMatch(/ec2:CreateTags.*aws-glue-service-resource.*network-interface/);
    expect(statements).toContain('/snapshots/Weather/*');
  });

  test('a script in a bucket', () => {
    const template = templateOf((stack) => ({ script: DataScript.fromBucket(s3.Bucket.fromBucketName(stack, 'Code', 'code'), 'pipelines/weather.py') }));
    expect(argumentsOf(template)['--script']).toBe('s3://code/pipelines/weather.py');
  });
});

test('rules, share, workers and time limit reach the job', () => {
  const template = templateOf({
    quality: [DataQualityRule.notNull('temp', 0.01), DataQualityRule.range('humid', 0, 100), DataQualityRule.unique(['a', 'b']), DataQualityRule.rowCountAtLeast(9),
      DataQualityRule.schema({ temp: 'double', origin: 'string' }), DataQualityRule.rowCountAtMost(10), DataQualityRule.rowCountChange({ maxDecreasePercent: 20 }),
      DataQualityRule.rowCountChange({ maxIncreasePercent: 150 }), DataQualityRule.freshness(Duration.hours(2), 'at')],
    holdoutShare: 0.3,
    workerCount: 5,
    workerType: 'G.2X',
    timeout: Duration.minutes(30),
    timeColumn: undefined,
    datasetName: 'Hourly-Weather',
  });
  expect(argumentsOf(template)).toMatchObject({ '--holdout_share': '0.3', '--shuffle_partitions': '20', '--dataset': 'Hourly-Weather' });
  expect(argumentsOf(template)).not.toHaveProperty('--time_column');
  expect(JSON.parse(argumentsOf(template)['--rules'] as string)).toEqual([
    { rule: 'notNull', column: 'temp', maxShare: 0.01 }, { rule: 'range', column: 'humid', min: 0, max: 100 },
    { rule: 'unique', columns: ['a', 'b'] }, { rule: 'rowCount', min: 9 },
    { rule: 'schema', columns: { temp: 'double', origin: 'string' } }, { rule: 'rowCount', max: 10 }, { rule: 'rowCountChange', maxDecrease: 0.2 },
    { rule: 'rowCountChange', maxIncrease: 1.5 }, { rule: 'fresh', seconds: 7200, column: 'at' },
  ]);
  template.hasResourceProperties('AWS::Glue::Job', { NumberOfWorkers: 5, WorkerType: 'G.2X', Timeout: 30 });
});

test('how a source is read reaches the handlers', () => {
  const environmentOf = (template: Template) => Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties.Environment.Variables);
  for (const variables of environmentOf(templateOf({ reading: SourceReading.newFiles(['origin', 'time_hour']), quality: [DataQualityRule.freshness(Duration.days(2))] }))) {
    expect(variables).toMatchObject({ READING: 'newFiles', KEY: '["origin","time_hour"]', CHECKS_AGE: 'true' });
  }
  for (const variables of environmentOf(templateOf())) {
    expect(variables).toMatchObject({ READING: 'everything' });
    expect(Object.keys(variables)).not.toEqual(expect.arrayContaining(['KEY', 'CHECKS_AGE']));
  }
});

test('whoever waits asks for its turn some 200 times in the longest job', () => {
  const seconds = (timeout?: Duration) => /"Seconds":(\d+)/.exec(JSON.stringify(Object.values(templateOf({ timeout }).findResources('AWS::StepFunctions::StateMachine'))).replaceAll('\\', ''))?.[1];
  expect([seconds(), seconds(Duration.hours(10))]).toEqual(['60', '180']);
});

test('starts by the clock and on arrival where asked, and keeps what could not be delivered', () => {
  const lost = 'arn:aws:sqs:eu-central-1:111122223333:lost';
  const template = templateOf((stack) => ({
    schedule: events.Schedule.rate(Duration.days(1)), runOnArrival: true, lostEvents: sqs.Queue.fromQueueArn(stack, 'Lost', lost),
  }));
  template.allResourcesProperties('AWS::Events::Rule', { Targets: [Match.objectLike({ DeadLetterConfig: { Arn: lost }, RetryPolicy: Match.anyValue() })] });
  template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 day)' });
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      'source': ['aws.s3'],
      'detail-type': ['Object Created'],
      'detail': { bucket: { name: [Match.anyValue()] }, object: { key: [{ prefix: 'uploads/Weather/' }] } },
    },
  });
});

test('fails with everything that is wrong at once', () => {
  expect(() => templateOf({
    datasetName: 'no spaces',
    holdoutShare: 1,
    target: 'temp',
    timeColumn: 'temp',
    workerCount: 1,
    timeout: Duration.seconds(30),
    maxRetries: 11,
    quality: [DataQualityRule.range('x', 2, 1), DataQualityRule.notNull('x', 1), DataQualityRule.unique([]), DataQualityRule.rowCountAtLeast(0)],
  })).toThrow(new RegExp([
    'Test/Weather: ', '1\\. datasetName .*no spaces', '2\\. timeColumn and target', '3\\. holdoutShare .*got 1', '4\\. workerCount .*got 1', '5\\. timeout .*30 seconds',
    '6\\. maxRetries .*got 11', '7\\. the range of column x', '8\\. maxNullShare of column x', '9\\. unique', '10\\. rowCountAtLeast .*got 0',
  ].join('[^]*')));
  expect(() => templateOf({
    timeColumn: undefined,
    reading: SourceReading.newFiles([]),
    quality: [DataQualityRule.schema({}), DataQualityRule.schema({ a: 'text', b: 'double' }), DataQualityRule.freshness(Duration.seconds(5)), DataQualityRule.rowCountAtMost(0.5),
      DataQualityRule.rowCountChange({}), DataQualityRule.rowCountChange({ maxDecreasePercent: 101, maxIncreasePercent: -1 })],
  })).toThrow(new RegExp([
    'freshness needs a column of times', 'newFiles needs at least one column', 'schema needs at least one column', "type of column a .*got 'text'", 'at least one minute, got 5 seconds',
    'rowCountAtMost .*got 0.5', 'got neither', 'must be 0 to 100, got 101', 'must be 0 or more, got -1',
  ].join('[^]*')));
  expect(() => templateOf({ source: DataSource.jdbc('warehouse', 'SELECT 1'), reading: SourceReading.newFiles(['id']), runOnArrival: true }))
    .toThrow(/1\. newFiles is for files[^]*2\. runOnArrival is for files/);
  expect(() => templateOf((stack) => ({ script: DataScript.fromBucket(s3.Bucket.fromBucketName(stack, 'Code', 'code'), 'job.scala') }))).toThrow(/must be a Python file/);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const lake = new DataLake(stack, 'Lake');
    const alerts = sns.Topic.fromTopicArn(stack, 'Alerts', stack.formatArn({ service: 'sns', resource: 'alerts' }));
    add(stack, { lake, alerts, schedule: events.Schedule.rate(Duration.days(1)), runOnArrival: true, encryptionKey: lake.curatedKey });
    add(stack, { lake, source: DataSource.jdbc('warehouse', 'SELECT 1') }, 'Rows');
    add(stack, { lake, source: DataSource.bucket(s3.Bucket.fromBucketName(stack, 'Exports', 'exports')), reading: SourceReading.newFiles(['id']) }, 'Files');
  })).not.toThrow();
});
