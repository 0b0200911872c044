import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { DataLake } from '../../src/data/data-lake';
import { synthesizeUnderNag } from '../support/nag';

function stackOf(): Stack {
  return new Stack(new App(), 'Test');
}

test('each zone has a bucket and a key of its own, and both are kept', () => {
  const stack = stackOf();
  const lake = new DataLake(stack, 'Lake');
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::KMS::Key', 2);
  template.resourceCountIs('AWS::S3::Bucket', 4);
  template.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Retain' });
  template.allResources('AWS::KMS::Key', { DeletionPolicy: 'Retain', Properties: Match.objectLike({ EnableKeyRotation: true }) });
  const zones = Object.values(template.findResources('AWS::S3::Bucket', { Properties: { NotificationConfiguration: Match.anyValue() } }));
  expect(zones).toHaveLength(2);
  const keys = zones.map((zone) => zone.Properties.BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.KMSMasterKeyID)
    .map((key) => JSON.stringify(key));
  expect(new Set(keys).size).toBe(2);
  for (const zone of zones) {
    expect(zone.Properties).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
    });
  }
  expect(stack.resolve(lake.databaseName)).toEqual({ Ref: expect.any(String) });
  // No custom resource, whose function would be somebody else's code in the account.
  template.resourceCountIs('AWS::Lambda::Function', 0);
});

test('the Glue database has a name that Athena accepts', () => {
  const stack = stackOf();
  new DataLake(stack, 'My-Lake');
  const [database] = Object.values(Template.fromStack(stack).findResources('AWS::Glue::Database'));
  expect(database.Properties.DatabaseInput.Name).toMatch(/^cdk_mlops_[a-z0-9_]{1,100}$/);
});

test('people query in a workgroup that writes results apart from the datasets, encrypted, and reads no more than it may', () => {
  const stack = stackOf();
  const lake = new DataLake(stack, 'Lake', { scanLimitInMegabytes: 500 });
  Template.fromStack(stack).hasResourceProperties('AWS::Athena::WorkGroup', {
    Name: lake.workGroupName,
    WorkGroupConfiguration: {
      BytesScannedCutoffPerQuery: 500 * 1024 * 1024,
      EnforceWorkGroupConfiguration: true,
      ResultConfiguration: {
        OutputLocation: { 'Fn::Join': ['', ['s3://', stack.resolve(lake.queryResults.bucketName), '/results/']] },
        EncryptionConfiguration: { EncryptionOption: 'SSE_KMS' },
      },
    },
  });
  expect(() => new DataLake(stack, 'Mean', { scanLimitInMegabytes: 1 })).toThrow(/at least 10/);
});

test('takes keys and a log bucket that exist, and a removal policy', () => {
  const stack = stackOf();
  const key = new kms.Key(stack, 'Key');
  const accessLogs = s3.Bucket.fromBucketName(stack, 'Logs', 'the-logs');
  new DataLake(stack, 'Lake', { sourceKey: key, curatedKey: key, accessLogs, removalPolicy: RemovalPolicy.DESTROY });
  const template = Template.fromStack(stack);
  // logs of data pipelines are encrypted with it
  template.hasResourceProperties('AWS::KMS::Key', { KeyPolicy: { Statement: Match.arrayWith([Match.objectLike({ Sid: 'CloudWatchLogs' })]) } });
  template.resourceCountIs('AWS::KMS::Key', 1);
  template.resourceCountIs('AWS::S3::Bucket', 3);
  template.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Delete', Properties: Match.objectLike({ LoggingConfiguration: Match.objectLike({ DestinationBucketName: 'the-logs' }) }) });
});

describe('grants', () => {
  const role = (stack: Stack) => new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
  const policyOf = (stack: Stack): { Action: string | string[]; Resource: unknown }[] =>
    Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy'))[0].Properties.PolicyDocument.Statement;

  test('a scientist reads datasets with the curated key, and nothing of the sources', () => {
    const stack = stackOf();
    new DataLake(stack, 'Lake').grants.readCurated(role(stack));
    const statements = policyOf(stack);
    expect(statements.map((one) => one.Action)).toEqual([['s3:GetObject', 's3:GetObjectVersion'], 's3:ListBucket', 'kms:Decrypt']);
    expect(JSON.stringify(statements)).not.toContain('LakeSource');
    expect(JSON.stringify(statements[0].Resource)).toContain('/datasets/*');
  });

  test('one dataset only', () => {
    const stack = stackOf();
    new DataLake(stack, 'Lake').grants.readCurated(role(stack), 'Weather');
    expect(JSON.stringify(policyOf(stack)[0].Resource)).toContain('/datasets/Weather/*');
  });

  test('an engineer reads and writes sources and reads the reports of runs', () => {
    const stack = stackOf();
    const { grants } = new DataLake(stack, 'Lake');
    const engineer = role(stack);
    grants.readSources(engineer);
    grants.writeSources(engineer, 'uploads');
    grants.readRuns(engineer);
    const text = JSON.stringify(policyOf(stack));
    for (const part of ['s3:PutObject', 's3:DeleteObject', 'kms:GenerateDataKey', '/uploads/*', '/runs/*']) expect(text).toContain(part);
  });

  test('a scientist queries datasets, and writes nothing but results', () => {
    const stack = stackOf();
    new DataLake(stack, 'Lake').grants.queryCurated(role(stack));
    const statements = policyOf(stack);
    const on = (action: string) => JSON.stringify(statements.filter((one) => [one.Action].flat().includes(action)).map((one) => one.Resource));
    expect(on('athena:StartQueryExecution')).toContain(':workgroup/datasets-');
    expect(on('glue:GetTable')).toMatch(/:catalog.*:database\/.*:table\//);
    expect(on('s3:GetObject')).toMatch(/CuratedZone.*\/datasets\/\*.*QueriesResults/);
    expect(on('s3:PutObject')).toContain('QueriesResults');
    expect(on('s3:PutObject')).not.toContain('Zone');
    expect(JSON.stringify(statements)).not.toMatch(/LakeSource|glue:(Create|Update|Delete)/);
  });

  test('a lake made elsewhere lets query where its workgroup is known', () => {
    const stack = stackOf();
    const attributes = {
      sourceZone: s3.Bucket.fromBucketName(stack, 'Sources', 'sources'), curatedZone: s3.Bucket.fromBucketName(stack, 'Curated', 'curated'), databaseName: 'lake',
    };
    const scientist = role(stack);
    expect(() => DataLake.fromDataLakeAttributes(stack, 'Silent', attributes).grants.queryCurated(scientist)).toThrow(/give its workGroupName and its queryResults/);
    const lake = DataLake.fromDataLakeAttributes(stack, 'Lake', { ...attributes, workGroupName: 'people', queryResults: s3.Bucket.fromBucketName(stack, 'Results', 'results') });
    expect(lake.workGroupName).toBe('people');
    lake.grants.queryCurated(scientist);
    expect(JSON.stringify(policyOf(stack))).toContain(':workgroup/people');
  });

  test('work with principals of all kinds, and with a lake made elsewhere', () => {
    const stack = stackOf();
    const lake = DataLake.fromDataLakeAttributes(stack, 'Lake', {
      sourceZone: s3.Bucket.fromBucketName(stack, 'Sources', 'sources'),
      curatedZone: s3.Bucket.fromBucketAttributes(stack, 'Curated', {
        bucketName: 'curated', encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/1'),
      }),
      databaseName: 'lake',
    });
    const user = new iam.User(stack, 'User');
    lake.grants.readCurated(user);
    lake.grants.readCurated(iam.Role.fromRoleArn(stack, 'Imported', 'arn:aws:iam::111122223333:role/analyst'));
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::IAM::Policy', 2);
    template.resourceCountIs('AWS::S3::Bucket', 0);
  });
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const { grants } = new DataLake(stack, 'Lake');
    const person = new iam.Role(stack, 'Person', { assumedBy: new iam.AccountRootPrincipal() });
    grants.readCurated(person);
    grants.queryCurated(person);
    grants.writeSources(person);
    grants.readSources(person, 'uploads');
    grants.readRuns(person);
  })).not.toThrow();
});
