import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as firehose from 'aws-cdk-lib/aws-kinesisfirehose';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { IObservationStore } from './observation-store';
import { allow } from '../private/allow';
import { newLogGroup, newRole } from '../private/model-defaults';

export interface GroundTruthStreamProps {
  readonly observations: IObservationStore;
  /** How long labels are gathered before they are written. */
  readonly buffer: Duration;
  /** Encrypts the stream's own log. */
  readonly logKey?: kms.IKey;
}

/** Writes labels below `ground-truth/`, by the hour of their arrival, as one object for each buffer. */
export class GroundTruthStream extends Construct {
  public readonly streamName: string;
  public readonly streamArn: string;

  constructor(scope: Construct, id: string, props: GroundTruthStreamProps) {
    super(scope, id);
    const { bucket, encryptionKey } = props.observations;
    const role = newRole(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('firehose.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } } }),
      description: 'Writes labels to the observation store',
    });
    const grants = [
      allow(role, { actions: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], resources: [bucket.bucketArn] }),
      allow(role, {
        actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
        resources: [bucket.arnForObjects('ground-truth/*'), bucket.arnForObjects('ground-truth-errors/*')],
        because: 'Firehose names objects by hour and an id that it draws',
      }),
    ];
    if (encryptionKey !== undefined) grants.push(allow(role, { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [encryptionKey.keyArn] }));

    const logGroup = newLogGroup(this, 'Logs', props.logKey);
    const logStream = new logs.LogStream(this, 'LogStream', { logGroup, removalPolicy: RemovalPolicy.DESTROY });
    grants.push(allow(role, {
      actions: ['logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
      because: 'The ARN of a log group ends in a wildcard for its streams',
    }));

    const stream = new firehose.CfnDeliveryStream(this, 'Resource', {
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
    this.streamArn = stream.attrArn;
  }
}
