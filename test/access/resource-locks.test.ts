import { App, CfnResource, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { evaluate } from '../../examples/local/cloud/simulate';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { PipelineProtectionProps } from '../../src/access/pipeline-protection-props';
import { synthesizeUnderNag } from '../support/nag';

const account = '111122223333';
const arns = {
  bucket: 'arn:aws:s3:::artifacts',
  object: 'arn:aws:s3:::artifacts/model.tar.gz',
  table: `arn:aws:dynamodb:eu-central-1:${account}:table/ledger`,
  repository: `arn:aws:ecr:eu-central-1:${account}:repository/images`,
  topic: `arn:aws:sns:eu-central-1:${account}:alerts`,
  key: `arn:aws:kms:eu-central-1:${account}:key/k`,
};
type Kind = keyof typeof arns;

function build(props: PipelineProtectionProps = {}, stack = new Stack(new App(), 'Stack', { env: { account, region: 'eu-central-1' } })): Stack {
  const { locks } = new PipelineProtection(stack, 'Protection', { createTrail: false, ...props });
  const key = new kms.Key(stack, 'Key', { enableKeyRotation: true });
  locks.key(key);
  locks.bucket(new s3.Bucket(stack, 'Bucket', { bucketName: 'artifacts', enforceSSL: true, serverAccessLogsPrefix: 'x', encryptionKey: key }));
  locks.table(new dynamodb.Table(stack, 'Table', {
    tableName: 'ledger', partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING }, pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  }));
  locks.repository(new ecr.Repository(stack, 'Repository', { repositoryName: 'images' }));
  locks.topic(new sns.Topic(stack, 'Topic', { topicName: 'alerts', masterKey: key, enforceSSL: true }));
  return stack;
}

const PLACES: Record<string, [type: string, document: (properties: Record<string, { PolicyDocument?: object } & object>) => object | undefined]> = {
  bucket: ['AWS::S3::BucketPolicy', ({ PolicyDocument }) => PolicyDocument],
  object: ['AWS::S3::BucketPolicy', ({ PolicyDocument }) => PolicyDocument],
  table: ['AWS::DynamoDB::Table', ({ ResourcePolicy }) => ResourcePolicy?.PolicyDocument],
  repository: ['AWS::ECR::Repository', ({ RepositoryPolicyText }) => RepositoryPolicyText],
  topic: ['AWS::SNS::TopicPolicy', ({ PolicyDocument }) => PolicyDocument],
  key: ['AWS::KMS::Key', ({ KeyPolicy }) => KeyPolicy],
};

/** What a role that may do everything is let do by the policy of a resource; all references are to that resource. */
function decide(stack: Stack, kind: Kind, action: string, role: string, context: Record<string, string> = {}): string {
  const [type, document] = PLACES[kind];
  const written = Object.values(Template.fromStack(stack).findResources(type)).map(({ Properties }) => document(Properties));
  const found = written.find((one) => one !== undefined);
  const own = arns[kind === 'object' ? 'bucket' : kind];
  const filled = JSON.parse(JSON.stringify(found, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    if ('Fn::GetAtt' in value) return own;
    if ('Ref' in value) return value.Ref === 'AWS::Partition' ? 'aws' : own;
    return value;
  }), (_, value: unknown) => typeof value === 'object' && value !== null && 'Fn::Join' in value ? (value['Fn::Join'] as [string, string[]])[1].join('') : value) as object;
  const principal = `arn:aws:iam::${account}:role/${role}`;
  return evaluate({
    request: {
      principal,
      action,
      resource: { resource: arns[kind], accountId: account },
      contextVariables: {
        'aws:PrincipalArn': principal,
        'aws:PrincipalAccount': account,
        'aws:SecureTransport': 'true',
        'aws:PrincipalIsAWSService': 'false',
        ...context,
      },
    },
    identityPolicies: [{ name: 'all', policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] } }],
    resourcePolicy: filled,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  });
}

const locked: [Kind, string][] = [
  ['object', 's3:PutObject'], ['object', 's3:DeleteObjectVersion'], ['bucket', 's3:PutBucketPolicy'], ['bucket', 's3:PutLifecycleConfiguration'],
  ['table', 'dynamodb:UpdateItem'], ['table', 'dynamodb:BatchWriteItem'], ['table', 'dynamodb:PartiQLUpdate'], ['table', 'dynamodb:DeleteTable'],
  ['repository', 'ecr:PutImage'], ['repository', 'ecr:BatchDeleteImage'], ['repository', 'ecr:UpdateImageStorageClass'], ['repository', 'ecr:SetRepositoryPolicy'],
  ['topic', 'sns:Publish'], ['topic', 'sns:DeleteTopic'],
  ['key', 'kms:ScheduleKeyDeletion'], ['key', 'kms:DisableKey'],
];

describe.each(locked)('on the %s, %s', (kind, action) => {
  const stack = build({ trustedRoles: ['Deployer-*'] });

  test('is denied to an administrator', () => {
    expect(decide(stack, kind, action, 'Administrator')).toBe('ExplicitlyDenied');
  });

  test.each([
    ['a role of the platform', 'Stack-Function', { 'aws:PrincipalTag/cdk-mlops:pipeline': 'true' }],
    ['a deployment', `cdk-hnb659fds-cfn-exec-role-${account}-eu-central-1`, {}],
    ['a role that is trusted', 'Deployer-1', {}],
    ['a service', 'somebody', { 'aws:PrincipalIsAWSService': 'true' }],
  ])('is left to %s', (_, role, context: Record<string, string>) => {
    expect(decide(stack, kind, action, role, context)).not.toBe('ExplicitlyDenied');
  });
});

test.each<[Kind, string]>([['object', 's3:GetObject'], ['table', 'dynamodb:Query'], ['repository', 'ecr:BatchGetImage'], ['key', 'kms:Decrypt'], ['key', 'kms:PutKeyPolicy']])(
  'on the %s, %s is up to other policies', (kind, action) => {
    expect(decide(build(), kind, action, 'Administrator')).not.toBe('ExplicitlyDenied');
  });

test('the policy of a topic speaks of nothing but what SNS takes there', () => {
  const [, speaking] = Object.values(Template.fromStack(build()).findResources('AWS::SNS::TopicPolicy'))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as { Sid?: string; Action: string | string[] }[])
    .filter(({ Sid }) => Sid === 'OnlyThePlatformTells').map(({ Action }) => ['', [Action].flat()])[0];
  const taken = 'AddPermission DeleteTopic GetDataProtectionPolicy GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource Publish PutDataProtectionPolicy RemovePermission SetTopicAttributes Subscribe';
  expect((speaking as string[]).filter((action) => !taken.split(' ').includes(action.replace('sns:', '')))).toEqual([]);
});

test('what empties buckets and sets their notifications for the CDK is let work', () => {
  const stack = build();
  for (const role of ['Stack-CustomS3AutoDeleteObjectsCustomResourceProv-1', 'Stack-BucketNotificationsHandler050a0587b7544547-1']) {
    expect(decide(stack, 'bucket', 's3:PutBucketNotification', role)).toBe('Allowed');
  }
});

test('nothing is written where it is not wanted, and imported resources keep their policies', () => {
  expect(JSON.stringify(Template.fromStack(build({ lockResources: false })))).not.toContain('OnlyThePlatform');
  const stack = new Stack(new App(), 'Stack');
  const { locks } = new PipelineProtection(stack, 'Protection', { createTrail: false });
  locks.bucket(s3.Bucket.fromBucketName(stack, 'Bucket', 'bucket'));
  locks.table(dynamodb.Table.fromTableName(stack, 'Table', 't'));
  locks.repository(ecr.Repository.fromRepositoryName(stack, 'Repository', 'r'));
  locks.topic(sns.Topic.fromTopicArn(stack, 'Topic', arns.topic));
  locks.key(kms.Key.fromKeyArn(stack, 'Key', arns.key));
  expect(JSON.stringify(Template.fromStack(stack))).not.toContain('OnlyThePlatform');
  expect(stack.node.findAll().filter((node) => CfnResource.isCfnResource(node) && node.cfnResourceType === 'AWS::S3::BucketPolicy')).toEqual([]);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => build({}, stack))).not.toThrow();
});
