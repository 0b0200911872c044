import { CreateBucketCommand, DeleteBucketCommand, PutBucketNotificationConfigurationCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { EventBridge } from './events';
import { onlyKnown } from './members';
import { physicalName } from './names';
import { AwsError, Cloud, Deployed, Json, JsonObject, Provisioner, Resource, StandIn, Unsupported } from './types';
import { jsonCall } from './wire';

/** What ministack makes of a template's resources. Properties that guard or bill, and so change no answer, are accepted by name. */
export class MinistackResources implements StandIn {
  readonly describes = [{ service: 'S3, DynamoDB, SQS, KMS, SSM, Secrets Manager', by: 'ministack over the AWS wire protocol' }];
  readonly provisioners: Provisioner[] = [
    { types: ['AWS::S3::Bucket'], create: (resource, cloud) => this.bucket(resource, cloud), delete: (_, { ref }, cloud) => this.deleteBucket(ref, cloud) },
    { types: ['Custom::S3BucketNotifications'], create: (resource, cloud) => this.customNotifications(resource, cloud), delete: async () => undefined },
    { types: ['Custom::S3AutoDeleteObjects'], create: async ({ path }) => ({ ref: path, attributes: {} }) },
    { types: ['AWS::DynamoDB::Table'], create: table, delete: deleteTable },
    { types: ['AWS::SQS::Queue'], create: queue, delete: deletion('sqs', 'AmazonSQS.DeleteQueue', (QueueUrl) => ({ QueueUrl })) },
    {
      types: ['AWS::KMS::Key'],
      create: key,
      delete: deletion('kms', 'TrentService.ScheduleKeyDeletion', (KeyId) => ({ KeyId, PendingWindowInDays: 30 })),
    },
    { types: ['AWS::KMS::Alias'], create: alias, delete: deletion('kms', 'TrentService.DeleteAlias', (AliasName) => ({ AliasName })) },
    { types: ['AWS::SSM::Parameter'], create: parameter, delete: deletion('ssm', 'AmazonSSM.DeleteParameter', (Name) => ({ Name })) },
    { types: ['AWS::SecretsManager::Secret'], create: secret, delete: deletion('secretsmanager', 'secretsmanager.DeleteSecret', (SecretId) => ({ SecretId })) },
  ];

  private async bucket(resource: Resource, cloud: Cloud): Promise<Deployed> {
    const { properties } = resource;
    onlyKnown(properties, [
      'BucketName', 'VersioningConfiguration', 'NotificationConfiguration', 'BucketEncryption', 'PublicAccessBlockConfiguration',
      'LifecycleConfiguration', 'LoggingConfiguration', 'OwnershipControls', 'ObjectLockEnabled', 'ObjectLockConfiguration', 'Tags',
      'IntelligentTieringConfigurations', 'CorsConfiguration',
    ], resource.type);
    const name = String(properties.BucketName ?? physicalName(resource, 63, true));
    const s3 = cloud.client(S3Client);
    await s3.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: properties.ObjectLockEnabled === true }));
    if ((properties.VersioningConfiguration as JsonObject | undefined)?.Status === 'Enabled') {
      await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } }));
    }
    const notifications = properties.NotificationConfiguration as JsonObject | undefined;
    if (notifications) {
      onlyKnown(notifications, ['EventBridgeConfiguration'], `${resource.type}.NotificationConfiguration`);
      await this.notify(name, cloud);
    }
    const { partition, region } = cloud;
    return {
      ref: name,
      attributes: {
        Arn: `arn:${partition}:s3:::${name}`,
        DomainName: `${name}.s3.amazonaws.com`,
        RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
      },
    };
  }

  /** S3 refuses to delete a bucket with anything in it, older versions included. */
  private async deleteBucket(Bucket: string, cloud: Cloud): Promise<void> {
    await cloud.client(S3Client).send(new DeleteBucketCommand({ Bucket }));
    cloud.find(EventBridge).notifyingBuckets.delete(Bucket);
  }

  private async customNotifications(resource: Resource, cloud: Cloud): Promise<Deployed> {
    const configuration = resource.properties.NotificationConfiguration as JsonObject;
    onlyKnown(configuration, ['EventBridgeConfiguration'], 'Custom::S3BucketNotifications.NotificationConfiguration');
    await this.notify(String(resource.properties.BucketName), cloud);
    return { ref: resource.path, attributes: {} };
  }

  private async notify(bucket: string, cloud: Cloud): Promise<void> {
    cloud.find(EventBridge).notifyingBuckets.add(bucket);
    await cloud.client(S3Client).send(new PutBucketNotificationConfigurationCommand({
      Bucket: bucket, NotificationConfiguration: { EventBridgeConfiguration: {} },
    }));
  }
}

async function table(resource: Resource, cloud: Cloud): Promise<Deployed> {
  const { properties } = resource;
  onlyKnown(properties, [
    'TableName', 'KeySchema', 'AttributeDefinitions', 'BillingMode', 'GlobalSecondaryIndexes', 'LocalSecondaryIndexes', 'StreamSpecification',
    'ProvisionedThroughput', 'TimeToLiveSpecification', 'SSESpecification', 'PointInTimeRecoverySpecification', 'DeletionProtectionEnabled',
    'Tags', 'ContributorInsightsSpecification', 'ResourcePolicy', 'TableClass',
  ], resource.type);
  if (properties.TimeToLiveSpecification !== undefined) throw new Unsupported('TimeToLiveSpecification of AWS::DynamoDB::Table');
  const name = String(properties.TableName ?? physicalName(resource, 255));
  const answer = await jsonCall(cloud, 'dynamodb', 'DynamoDB_20120810.CreateTable', {
    TableName: name,
    KeySchema: properties.KeySchema,
    AttributeDefinitions: properties.AttributeDefinitions,
    BillingMode: 'PAY_PER_REQUEST',
    ...given(properties, 'GlobalSecondaryIndexes', 'LocalSecondaryIndexes'),
    ...properties.StreamSpecification === undefined ? {} : {
      StreamSpecification: { StreamEnabled: true, ...properties.StreamSpecification as JsonObject },
    },
  });
  const description = answer.TableDescription as JsonObject;
  const attributes: Record<string, string> = { Arn: String(description.TableArn) };
  if (description.LatestStreamArn) attributes.StreamArn = String(description.LatestStreamArn);
  return { ref: name, attributes };
}

async function deleteTable({ properties }: Resource, { ref }: Deployed, cloud: Cloud): Promise<void> {
  if (properties.DeletionProtectionEnabled === true) throw new AwsError('ValidationException', 'Resource cannot be deleted as it is currently protected against deletion');
  await jsonCall(cloud, 'dynamodb', 'DynamoDB_20120810.DeleteTable', { TableName: ref });
}

function deletion(service: string, target: string, input: (ref: string) => JsonObject): NonNullable<Provisioner['delete']> {
  return async (_, { ref }, cloud) => { await jsonCall(cloud, service, target, input(ref)); };
}

async function queue(resource: Resource, cloud: Cloud): Promise<Deployed> {
  const { properties } = resource;
  const attributes = [
    'ContentBasedDeduplication', 'DeduplicationScope', 'DelaySeconds', 'FifoQueue', 'FifoThroughputLimit', 'MaximumMessageSize',
    'MessageRetentionPeriod', 'ReceiveMessageWaitTimeSeconds', 'RedrivePolicy', 'VisibilityTimeout',
  ];
  onlyKnown(properties, [...attributes, 'QueueName', 'KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled', 'Tags'], resource.type);
  const name = String(properties.QueueName ?? physicalName(resource, 75) + (properties.FifoQueue === true ? '.fifo' : ''));
  const answer = await jsonCall(cloud, 'sqs', 'AmazonSQS.CreateQueue', {
    QueueName: name,
    Attributes: Object.fromEntries(Object.entries(given(properties, ...attributes)).map(([member, value]) => [member, plainText(value)])),
  });
  const { partition, region, account } = cloud;
  return {
    ref: String(answer.QueueUrl),
    attributes: { Arn: `arn:${partition}:sqs:${region}:${account}:${name}`, QueueName: name, QueueUrl: String(answer.QueueUrl) },
  };
}

async function key(resource: Resource, cloud: Cloud): Promise<Deployed> {
  onlyKnown(resource.properties, ['Description', 'EnableKeyRotation', 'Enabled', 'KeyPolicy', 'KeySpec', 'KeyUsage', 'PendingWindowInDays', 'RotationPeriodInDays', 'Tags'], resource.type);
  const answer = await jsonCall(cloud, 'kms', 'TrentService.CreateKey', { Description: resource.path, ...given(resource.properties, 'KeySpec', 'KeyUsage') });
  const { KeyId, Arn } = answer.KeyMetadata as JsonObject;
  return { ref: String(KeyId), attributes: { Arn: String(Arn), KeyId: String(KeyId) } };
}

async function alias(resource: Resource, cloud: Cloud): Promise<Deployed> {
  const { AliasName, TargetKeyId } = resource.properties;
  await jsonCall(cloud, 'kms', 'TrentService.CreateAlias', { AliasName, TargetKeyId: String(TargetKeyId).replace(/^.*key\//, '') });
  return { ref: String(AliasName), attributes: {} };
}

async function parameter(resource: Resource, cloud: Cloud): Promise<Deployed> {
  const { properties } = resource;
  onlyKnown(properties, ['Name', 'Type', 'Value', 'Description', 'Tier', 'AllowedPattern', 'DataType', 'Tags'], resource.type);
  const name = String(properties.Name ?? physicalName(resource));
  await jsonCall(cloud, 'ssm', 'AmazonSSM.PutParameter', { Name: name, Type: properties.Type, Value: properties.Value });
  return { ref: name, attributes: { Type: String(properties.Type), Value: String(properties.Value) } };
}

async function secret(resource: Resource, cloud: Cloud): Promise<Deployed> {
  const { properties } = resource;
  onlyKnown(properties, ['Name', 'Description', 'SecretString', 'GenerateSecretString', 'KmsKeyId', 'Tags'], resource.type);
  const { SecretStringTemplate, GenerateStringKey } = (properties.GenerateSecretString ?? {}) as Record<string, string | undefined>;
  const generated = crypto.randomUUID();
  const whole = GenerateStringKey && { ...JSON.parse(SecretStringTemplate ?? '{}') as JsonObject, [GenerateStringKey]: generated };
  const value = properties.SecretString ?? (whole ? JSON.stringify(whole) : generated);
  const answer = await jsonCall(cloud, 'secretsmanager', 'secretsmanager.CreateSecret', {
    Name: String(properties.Name ?? physicalName(resource)), SecretString: value, ClientRequestToken: crypto.randomUUID(),
  });
  return { ref: String(answer.ARN), attributes: { Id: String(answer.ARN) } };
}

function given(properties: JsonObject, ...members: string[]): JsonObject {
  return Object.fromEntries(members.filter((member) => properties[member] !== undefined).map((member) => [member, properties[member]]));
}

function plainText(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
