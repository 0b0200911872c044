import { Duration, Stack, App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { importedEndpoint, importedRegistry } from './imported';
import { ownPrefix } from '../../src/domain/release-names';
import { ShadowSegment } from '../../src/staging/shadow-segment';
import { ShadowStaging, ShadowStagingProps } from '../../src/staging/shadow-staging';
import { synthesizeUnderNag } from '../support/nag';

const make = (props: Partial<ShadowStagingProps> = {}, endpointName = 'temperature', endpoint: Parameters<typeof importedEndpoint>[1] = {}) => {
  const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
  new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack, { endpointName, ...endpoint }), ...props });
  return Template.fromStack(stack);
};

describe('ShadowStaging', () => {
  test('is one state machine with four functions, logged and traced', () => {
    const template = make();
    template.resourceCountIs('AWS::Lambda::Function', 4);
    make({ stagingEndpoint: false }).resourceCountIs('AWS::Lambda::Function', 3);
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true }, TracingConfiguration: { Enabled: true },
    });
  });

  test('cdk-nag finds nothing that is not acknowledged', () => {
    expect(() => synthesizeUnderNag((stack) => new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack) }))).not.toThrow();
    expect(() => synthesizeUnderNag((stack) => new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack), registry: importedRegistry(stack) }))).not.toThrow();
    expect(() => synthesizeUnderNag((stack) => new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack), stagingEndpoint: false }))).not.toThrow();
    expect(() => synthesizeUnderNag((stack) => new ShadowStaging(stack, 'Staging', {
      endpoint: importedEndpoint(stack),
      samples: s3.Bucket.fromBucketAttributes(stack, 'Samples', {
        bucketName: 'samples', encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/5a3b'),
      }),
    }))).not.toThrow();
  });

  test('its deployer may update this endpoint only, and pass the models\' role to SageMaker only', () => {
    const template = make();
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'iam:PassRole',
            Resource: 'arn:aws:iam::111122223333:role/model',
            Condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
          }),
        ]),
      },
    });
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap((policy): { Action: string | string[]; Resource: unknown }[] =>
      policy.Properties.PolicyDocument.Statement);
    const updates = statements.filter((statement) => JSON.stringify(statement.Action).includes('sagemaker:UpdateEndpoint'));
    expect(updates).toHaveLength(1);
    expect(JSON.stringify(updates[0].Resource)).toContain(':endpoint/temperature"');
  });

  test('tells segments apart as they were declared, and not at all where none were', () => {
    const definition = (props: Partial<ShadowStagingProps>) => JSON.stringify(make(props).findResources('AWS::StepFunctions::StateMachine')).replaceAll('\\', '');
    const declared = definition({ segments: [ShadowSegment.csvColumn('airport', 14), ShadowSegment.jsonField('region', 'region', { values: ['north', 'south'] })] });
    expect(declared).toContain('"segments":[{"name":"airport","column":14},{"name":"region","field":"region","values":["north","south"]}]');
    for (const segments of [undefined, []]) expect(definition({ segments })).not.toContain('"segments"');
  });

  test('fails with everything that is wrong in one error', () => {
    const build = () => make({
      samplingPercentage: 101,
      window: Duration.days(91),
      evaluateEvery: Duration.minutes(1),
      minSamples: 0,
      tolerance: -1,
      alpha: 0.5,
      labelDelay: Duration.days(100),
      blockLength: Duration.hours(120),
      maxErrorRate: 1,
      maxLatencyP95: Duration.millis(0),
      sampleSize: 151,
      parityTolerance: 1,
      maxStagingLatencyP95: Duration.seconds(61),
      stagingInstanceCount: 0,
      segments: [ShadowSegment.csvColumn('', 1000)],
    }, 'not_a_name');
    const problems = [
      'the name of a segment must be', "segment '': the column must be a whole number of 0 to 999, counted from 0, got 1000",
      'tolerance must be 0 to 1', 'alpha must be', 'minSamples must be', 'not_a_name', 'samplingPercentage must be above 0 and at most 100, got 101',
      'window must be 1 hour to 90 days, got 2184 hours', 'evaluateEvery must be at least 5 minutes', 'at most 1000 looks', 'labelDelay must be shorter',
      '20 blocks of 120 hours', 'maxErrorRate', 'maxLatencyP95',
      'sampleSize must be a whole number of 1 to 150, got 151', 'parityTolerance must be at least 0 and below 1, got 1',
      'maxStagingLatencyP95 must be 1 ms to the 60 s that SageMaker gives a model to answer, got 61 s', 'stagingInstanceCount must be a whole number of at least 1, got 0',
    ];
    for (const problem of problems) expect(build).toThrow(problem);
    expect(() => make({ labelDelay: Duration.minutes(10) })).toThrow('labelDelay must be at least 15 minutes, got 10');
  });

  test.each<[string, Parameters<typeof importedEndpoint>[1], string]>([
    ['a serverless variant', { serverless: true }, 'the endpoint\'s production variant is serverless, and SageMaker puts no shadow beside such a variant'],
    ['instances that take no shadow', { instanceType: 'ml.inf1.xlarge' }, 'SageMaker runs no shadow on instances of the type \'ml.inf1.xlarge\''],
  ])('fails for %s', (_, endpoint, problem) => expect(() => make({}, 'temperature', endpoint)).toThrow(problem));

  test.each<[string, Partial<ShadowStagingProps>]>([
    ['sampling of 1 %', { samplingPercentage: 1 }],
    ['sampling of 100 %', { samplingPercentage: 100 }],
    ['a window of 90 days', { window: Duration.days(90) }],
    ['1000 looks', { window: Duration.hours(1000), evaluateEvery: Duration.hours(1) }],
    ['150 rows', { sampleSize: 150 }],
    ['a second for each of 50 rows', { sampleSize: 50, maxStagingLatencyP95: Duration.seconds(1) }],
    ['the longest answer that SageMaker allows', { sampleSize: 10, maxStagingLatencyP95: Duration.seconds(60) }],
    ['20 blocks that just fit', { window: Duration.hours(44), blockLength: Duration.hours(1) }],
  ])('takes %s', (_, props) => {
    expect(() => make(props)).not.toThrow();
  });

  test('fails where 20 blocks do not fit by one hour', () => {
    expect(() => make({ window: Duration.hours(43), blockLength: Duration.hours(1) })).toThrow('do not fit into the window of 43 hours');
  });

  test('fails where the check of the sample would take longer than a function may', () => {
    expect(() => make({ sampleSize: 20, maxStagingLatencyP95: Duration.seconds(60) })).toThrow('20 rows with a p95 latency of up to 60 s may take 1380 s, and the check has 900 s');
  });

  test('fails where a staging endpoint is described that is not wanted', () => {
    expect(() => make({ stagingEndpoint: false, sampleSize: 10, parityTolerance: 0 })).toThrow(/sampleSize is about the staging endpoint[\s\S]*parityTolerance is about/);
  });

  test('what asks the staging endpoint may ask nothing else, and read samples only', () => {
    const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
    new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack, { endpointName: 'Temperature' }), registry: importedRegistry(stack) });
    const [[, policy]] = Object.entries(Template.fromStack(stack).findResources('AWS::IAM::Policy')).filter(([id]) => id.startsWith('StagingParityCheck'));
    const text: string = JSON.stringify(policy.Properties.PolicyDocument.Statement);
    expect(text.match(/sagemaker:[A-Z]\w+/g)).toEqual(['sagemaker:InvokeEndpoint']);
    expect(text).toContain(`:endpoint/${ownPrefix('Temperature')}*-staging"`);
    expect(text.match(/s3:[A-Z]\w+/g)).toEqual(['s3:GetObject']);
    expect(text).toContain('arn:aws:s3:::artifacts/*.jsonl');
  });

  test('scopes packages to the registry where one is given', () => {
    const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
    new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack), registry: importedRegistry(stack) });
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    expect(text).toContain(':model-package/temperature/*');
    expect(text).not.toContain(':model-package/*');
  });
});
