import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as firehose from 'aws-cdk-lib/aws-kinesisfirehose';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { IObservationStore } from './observation-store';
import { allow } from '../private/allow';
import { ModelResources } from '../private/model-resources';

export interface GroundTruthStreamProps {
  readonly observations: IObservationStore;
  /** How long labels are gathered before they are written. */
  readonly buffer: Duration;
  /** Encrypts the stream's own log. */
  readonly logKey?: kms.IKey;
  /** What the stream works as. */
  readonly role?: iam.IRole;
}

/** The service that may take the role of a stream. */
export function firehoseOf(stack: Stack): iam.ServicePrincipal {
  return new iam.ServicePrincipal('firehose.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': stack.account } } });
}

/** Writes labels below `ground-truth/`, by the hour of their arrival, as one object for each buffer. */
export class GroundTruthStream extends Construct {
  public readonly streamName: string;
  public readonly streamArn: string;

  constructor(scope: Construct, id: string, props: GroundTruthStreamProps) {
    super(scope, id);
    const { bucket, encryptionKey } = props.observations;
    const model = ModelResources.of(this);
    const role = props.role ?? new iam.Role(this, 'Role', { assumedBy: firehoseOf(Stack.of(this)), description: 'Writes labels to the observation store' });
    const grants = [
      allow(role, { actions: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], resources: [bucket.bucketArn] }),
      allow(role, {
        actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
        resources: [bucket.arnForObjects('ground-truth/*'), bucket.arnForObjects('ground-truth-errors/*')],
        because: 'Firehose names objects by hour and an id that it draws',
      }),
    ];
    if (encryptionKey !== undefined) grants.push(allow(role, { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [encryptionKey.keyArn] }));

    const { logGroup, logStream } = model === undefined
      ? this.newLog(props.logKey)
      : { logGroup: model.platform.deliveryLogs, logStream: model.platform.deliveryLog };
    grants.push(allow(role, {
      actions: ['logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
      because: 'The ARN of a log group ends in a wildcard for its streams',
    }));

    const stream = new firehose.CfnDeliveryStream(this, 'Resource', {
      deliveryStreamName: model?.nameOf(this, 64),
      deliveryStreamType: 'DirectPut',
      deliveryStreamEncryptionConfigurationInput: encryptionKey === undefined
        ? { keyType: 'AWS_OWNED_CMK' }
        : { keyType: 'CUSTOMER_MANAGED_CMK', keyArn: encryptionKey.keyArn },
      extendedS3DestinationConfiguration: {
        bucketArn: bucket.bucketArn,
        roleArn: role.roleArn,
        prefix: 'ground-truth/!{timestamp:yyyy/MM/dd/HH}/',
        errorOutputPrefix: 'ground-truth-errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/',
        fileExtension: '.jsonl',
        bufferingHints: { intervalInSeconds: props.buffer.toSeconds(), sizeInMBs: 5 },
        compressionFormat: 'UNCOMPRESSED',
        ...encryptionKey === undefined ? {} : { encryptionConfiguration: { kmsEncryptionConfig: { awskmsKeyArn: encryptionKey.keyArn } } },
        cloudWatchLoggingOptions: { enabled: true, logGroupName: logGroup.logGroupName, logStreamName: logStream.logStreamName },
      },
    });
    grants.forEach((grant) => grant.applyBefore(stream));
    this.streamName = stream.ref;
    this.streamArn = model === undefined
      ? stream.attrArn
      // the role that the stream works as names it
      : Stack.of(this).formatArn({ service: 'firehose', resource: 'deliverystream', resourceName: model.nameOf(this, 64) });
  }

  private newLog(encryptionKey?: kms.IKey): { logGroup: logs.ILogGroup; logStream: logs.LogStream } {
    const logGroup = new logs.LogGroup(this, 'Logs', { encryptionKey, retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.DESTROY });
    return { logGroup, logStream: new logs.LogStream(this, 'LogStream', { logGroup, removalPolicy: RemovalPolicy.DESTROY }) };
  }
}
