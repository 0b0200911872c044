import { execFileSync } from 'child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { DeliveryPipeline, DeliveryPipelineProps } from '../../src/delivery/delivery-pipeline';
import { ModelRegistryVersioning } from '../../src/registry/model-registry-versioning';
import { ModelSource } from '../../src/source/model-source';
import { TrainingWorkflow } from '../../src/training/training-workflow';
import { synthesizeUnderNag } from '../support/nag';
import { importedDataset, importedRegistry, newStack } from '../training/fixtures';

type Options = Partial<DeliveryPipelineProps>;
const CONNECTION = 'arn:aws:codeconnections:eu-west-1:123456789012:connection/1a2b';

function build(stack: Stack, options: Options = {}): DeliveryPipeline {
  const registry = importedRegistry(stack);
  const training = new TrainingWorkflow(stack, 'Training', { dataset: importedDataset(stack), registry });
  return new DeliveryPipeline(stack, 'Delivery', { source: ModelSource.codeCommit(), training, ...options });
}

function template(options: Options = {}): Template {
  const stack = newStack();
  build(stack, options);
  return Template.fromStack(stack);
}

interface BuildSpec { phases: { pre_build: { commands: string[] }; build: { commands: string[] } }; artifacts: { files: string[] } }

function buildSpec(options: Options = {}): BuildSpec {
  const [project] = Object.values(template(options).findResources('AWS::CodeBuild::Project'));
  return JSON.parse(project.Properties.Source.BuildSpec) as BuildSpec;
}

test('merges queue, and run from the commit to the training workflow', () => {
  template().hasResourceProperties('AWS::CodePipeline::Pipeline', {
    PipelineType: 'V2',
    ExecutionMode: 'QUEUED',
    ArtifactStore: { Type: 'S3', EncryptionKey: { Type: 'KMS' } },
    Stages: [
      { Name: 'Source', Actions: [Match.objectLike({ ActionTypeId: { Provider: 'CodeCommit', Category: 'Source' }, OutputArtifacts: [{ Name: 'Commit' }] })] },
      { Name: 'Build', Actions: [Match.objectLike({ ActionTypeId: { Provider: 'CodeBuild' }, InputArtifacts: [{ Name: 'Commit' }], OutputArtifacts: [{ Name: 'Run' }] })] },
      {
        Name: 'Train',
        Actions: [Match.objectLike({
          ActionTypeId: { Provider: 'StepFunctions', Category: 'Invoke' },
          Configuration: { InputType: 'FilePath', Input: 'run.json', StateMachineArn: { Ref: Match.stringLikeRegexp('^Training') } },
          InputArtifacts: [{ Name: 'Run' }],
        })],
      },
    ],
  });
});

test('only a change of the main branch starts the pipeline', () => {
  template().hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      'source': ['aws.codecommit'],
      'detail-type': ['CodeCommit Repository State Change'],
      'detail': { event: ['referenceCreated', 'referenceUpdated'], referenceType: ['branch'], referenceName: ['main'] },
    },
    Targets: [Match.objectLike({
      InputTransformer: {
        InputPathsMap: { 'detail-commitId': '$.detail.commitId' },
        InputTemplate: '{"sourceRevisions":[{"actionName":"Source","revisionType":"COMMIT_ID","revisionValue":<detail-commitId>}]}',
      },
    })],
  });
});

test('a connection starts the pipeline by itself', () => {
  const rules = Object.values(template({ source: ModelSource.connection(CONNECTION, 'acme/temperature') }).findResources('AWS::Events::Rule'));
  expect(rules.map((rule) => rule.Properties.EventPattern.source)).toEqual([['cdk-mlops']]);
});

test('the image is built privileged, on x86 as the training instances are, and logged', () => {
  template().hasResourceProperties('AWS::CodeBuild::Project', {
    Environment: { Type: 'LINUX_CONTAINER', Image: Match.stringLikeRegexp('x86_64'), PrivilegedMode: true },
    LogsConfig: { CloudWatchLogs: { Status: 'ENABLED' } },
    TimeoutInMinutes: 60,
  });
});

test('tests come before the image', () => {
  const { phases } = buildSpec({ testCommands: ['make test'] });
  expect(phases.pre_build.commands).toEqual(['make test']);
  expect(phases.build.commands.filter((command) => command.includes('docker push'))).toHaveLength(1);
});

test('without Docker and the AWS CLI the build still hands over the commit, its image and its specification', () => {
  const { phases, artifacts } = buildSpec();
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  try {
    writeFileSync(join(folder, 'mlops.json'), '{"target": "y", "features": ["a"]}');
    for (const command of phases.build.commands.filter((each) => !/\b(docker|aws)\b/.test(each))) {
      execFileSync('bash', ['-c', command], { cwd: folder, env: { PATH: process.env.PATH, CODEBUILD_RESOLVED_SOURCE_VERSION: 'abc', REPOSITORY_URI: 'registry/model' } });
    }
    expect(artifacts.files).toEqual(['run.json']);
    expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toEqual({ commit: 'abc', imageUri: 'registry/model:abc', spec: { target: 'y', features: ['a'] } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ['', {}],
  ['{"commit": {"author": {"name": "Ada \'Byron", "email": "ada@example.com"}}}', { author: 'Ada \'Byron <ada@example.com>' }],
  ['{"commit": {"author": {"name": "Ada"}}}', { author: 'Ada' }],
])('what the repository says of a commit tells who wrote it: %s', (details, told) => {
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  try {
    writeFileSync(join(folder, 'mlops.json'), '{}');
    const env = { PATH: process.env.PATH, CODEBUILD_RESOLVED_SOURCE_VERSION: 'abc', REPOSITORY_URI: 'registry/model', COMMIT_DETAILS: details };
    execFileSync('bash', ['-c', buildSpec().phases.build.commands.at(-1)!], { cwd: folder, env });
    expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toEqual({ commit: 'abc', imageUri: 'registry/model:abc', spec: {}, ...told });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a connection may set the ACL of what it hands on, which its service does with each commit, and nothing else may', () => {
  const writers = (options: Options): string[] => Object.values(template(options).findResources('AWS::IAM::Policy'))
    .filter(({ Properties }) => JSON.stringify(Properties.PolicyDocument).includes('s3:PutObjectAcl')).map(({ Properties }) => Properties.Roles[0].Ref);
  expect(writers({})).toEqual([]);
  expect(writers({ source: ModelSource.connection(CONNECTION, 'acme/temperature') })).toEqual([expect.stringMatching(/^DeliveryRole/)]);
});

test('a build asks CodeCommit who wrote the commit; a connection does not tell', () => {
  const asked = (options: Options): string[] => buildSpec(options).phases.build.commands.filter((command) => command.includes('get-commit'));
  expect(asked({ source: ModelSource.codeCommit({ repositoryName: 'temperature' }) })).toHaveLength(1);
  expect(asked({ source: ModelSource.connection(CONNECTION, 'acme/temperature') })).toEqual([]);
});

test('the build may push to one repository, and the pipeline start one workflow', () => {
  const policies = Object.values(template().findResources('AWS::IAM::Policy'));
  const statements = policies.flatMap((policy) => policy.Properties.PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[]);
  const resources = (action: string): unknown[] => statements.filter((each) => [each.Action].flat().includes(action)).map((each) => each.Resource);
  expect(resources('ecr:PutImage')).toEqual(['arn:aws:ecr:eu-west-1:123456789012:repository/temperature']);
  expect(resources('states:DescribeStateMachine')).toEqual([{ Ref: expect.stringMatching(/^Training/) }]);
});

test('a bucket for the artifacts may be shared', () => {
  const stack = newStack();
  const artifactBucket = s3.Bucket.fromBucketName(stack, 'Shared', 'shared');
  build(stack, { artifactBucket });
  Template.fromStack(stack).resourceCountIs('AWS::S3::Bucket', 0);
});

test('fails on bad props with all problems in one error', () => {
  expect(() => template({ buildTimeout: Duration.minutes(1), testCommands: [] })).toThrow(/buildTimeout[^]*testCommands/);
});

test.each([{}, { source: ModelSource.connection(CONNECTION, 'acme/temperature') }])('nothing is unacknowledged with %j', (options: Options) => {
  synthesizeUnderNag((stack) => {
    build(stack, options);
  });
});

test('nothing is unacknowledged with a registry of the same stack', () => {
  synthesizeUnderNag((stack) => {
    const registry = new ModelRegistryVersioning(stack, 'Registry', { modelName: 'Temperature' });
    const training = new TrainingWorkflow(stack, 'Training', { dataset: importedDataset(stack), registry });
    new DeliveryPipeline(stack, 'Delivery', { source: ModelSource.codeCommit(), training });
  });
});

test('a merge whose run cannot be started is tried for a day, and kept then', () => {
  const made = template();
  made.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: Match.objectLike({ source: ['aws.codecommit'] }),
    Targets: [Match.objectLike({
      RetryPolicy: { MaximumEventAgeInSeconds: 86400, MaximumRetryAttempts: 185 },
      DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('LostEvents'), 'Arn'] } },
    })],
  });
  made.hasResourceProperties('AWS::SQS::QueuePolicy', {
    PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Sid: 'LostEvents', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage' })]) },
  });
  made.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 0 });
});

test('a queue for lost merges may be shared', () => {
  const stack = newStack();
  build(stack, { lostEvents: sqs.Queue.fromQueueArn(stack, 'Lost', 'arn:aws:sqs:eu-west-1:123456789012:lost') });
  const made = Template.fromStack(stack);
  made.resourceCountIs('AWS::SQS::Queue', 0);
  made.hasResourceProperties('AWS::Events::Rule', { Targets: [Match.objectLike({ DeadLetterConfig: { Arn: 'arn:aws:sqs:eu-west-1:123456789012:lost' } })] });
});
