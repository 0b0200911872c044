import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ObservationStore } from '../../src/serving/observation-store';
import { synthesizeUnderNag } from '../support/nag';

const stackOf = (): Stack => new Stack(new App(), 'Stack');

test('the defaults are encrypted, versioned, private, kept and found without a crawler', () => {
  const stack = stackOf();
  new ObservationStore(stack, 'Observations');
  const template = Template.fromStack(stack);
  template.hasResource('AWS::S3::Bucket', {
    DeletionPolicy: 'Retain',
    Properties: Match.objectLike({
      VersioningConfiguration: { Status: 'Enabled' },
      BucketEncryption: { ServerSideEncryptionConfiguration: [Match.objectLike({ BucketKeyEnabled: true })] },
    }),
  });
  template.hasResourceProperties('AWS::Athena::WorkGroup', {
    WorkGroupConfiguration: {
      EnforceWorkGroupConfiguration: true,
      ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_KMS' } },
    },
  });
  template.hasResourceProperties('AWS::Glue::Table', {
    TableInput: {
      Name: 'captures',
      Parameters: Match.objectLike({ 'projection.enabled': 'true', 'projection.config_name.type': 'injected' }),
    },
  });
  template.resourceCountIs('AWS::Glue::Table', 3);
  template.resourceCountIs('AWS::Glue::Crawler', 0);
});

test('retention expires captures and ground truth and nothing else', () => {
  const stack = stackOf();
  new ObservationStore(stack, 'Observations', { retention: Duration.days(30) });
  Template.fromStack(stack).hasResourceProperties('AWS::S3::Bucket', {
    LifecycleConfiguration: {
      Rules: Match.arrayWith([
        Match.objectLike({ Prefix: 'captures/', ExpirationInDays: 30 }),
        Match.objectLike({ Prefix: 'ground-truth/', ExpirationInDays: 30 }),
      ]),
    },
  });
});

test('a key that is given is used, and none is made', () => {
  const stack = stackOf();
  const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/1');
  const store = new ObservationStore(stack, 'Observations', { encryptionKey, removalPolicy: RemovalPolicy.DESTROY });
  expect(store.encryptionKey).toBe(encryptionKey);
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::KMS::Key', 0);
  template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
});

test('fails for a scan limit below the least that Athena takes', () => {
  expect(() => new ObservationStore(stackOf(), 'Observations', { scanLimitInMegabytes: 1 })).toThrow(/at least 10.*got 1/);
});

test.each([
  ['role', (stack: Stack) => new iam.Role(stack, 'Who', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') })],
  ['imported role', (stack: Stack) => iam.Role.fromRoleArn(stack, 'Who', 'arn:aws:iam::111122223333:role/who')],
  ['user', (stack: Stack) => new iam.User(stack, 'Who')],
])('an imported store grants queries to a %s', (_kind, who) => {
  const stack = new Stack(new App(), 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } });
  const store = ObservationStore.fromObservationStoreAttributes(stack, 'Observations', {
    bucket: s3.Bucket.fromBucketName(stack, 'Bucket', 'observed'),
    databaseName: 'observed',
    workGroupName: 'observers',
  });
  store.grantQuery(who(stack));
  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Action: Match.arrayWith(['athena:StartQueryExecution']) }),
        Match.objectLike({ Action: 's3:ListBucket', Condition: Match.anyValue() }),
      ]),
    },
  });
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const store = new ObservationStore(stack, 'Observations');
    const role = new iam.Role(stack, 'Analyst', { assumedBy: new iam.AccountPrincipal('111122223333') });
    store.grantQuery(role);
    store.grantCapture(role);
    store.grantRecordDeployment(role);
  })).not.toThrow();
});
