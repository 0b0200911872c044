import { Duration, Names, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { encryptedBucket } from './encrypted-bucket';
import { ModelResources } from './model-resources';

/** A bucket for the access logs of others; they are kept for a year. */
export function newAccessLogs(scope: Construct, removalPolicy: RemovalPolicy): s3.Bucket {
  return new s3.Bucket(scope, 'AccessLogs', {
    ...encryptedBucket(),
    lifecycleRules: [{ id: 'a-year', expiration: Duration.days(365), noncurrentVersionExpiration: Duration.days(30) }],
    removalPolicy,
  });
}

/** A bucket for the access logs of many: what delivers them is let in once, since a policy does not hold a statement for each. */
export function newSharedAccessLogs(scope: Construct, removalPolicy: RemovalPolicy): s3.Bucket {
  const logs = newAccessLogs(scope, removalPolicy);
  logs.addToResourcePolicy(delivery(logs, '*'));
  // scanners see that of a bucket whose senders are in the same stack
  for (const id of ['AwsSolutions-S1', 'NIST.800.53.R5-S3BucketLoggingEnabled']) {
    Validations.of(logs).acknowledge({ id, reason: 'It is itself where the access logs of other buckets go' });
  }
  return logs;
}

/** Where a bucket's access logs go: to the bucket of its model's platform, or to one of its own. */
export function sendAccessLogs(bucket: s3.Bucket, scope: Construct, removalPolicy: RemovalPolicy): void {
  const shared = ModelResources.of(scope)?.platform.accessLogs;
  if (shared === undefined) logAccess(bucket, newAccessLogs(scope, removalPolicy));
  else setDestination(bucket, shared);
}

/**
 * Sends a bucket's access logs to another by bucket policy. The bucket's own property would do so by an access control
 * list in apps that lack a feature flag, which buckets without access control lists refuse.
 */
export function logAccess(bucket: s3.Bucket, logs: s3.IBucket): void {
  logs.addToResourcePolicy(delivery(logs, `${setDestination(bucket, logs)}*`));
}

/** Answers the prefix that the bucket's logs have. */
function setDestination(bucket: s3.Bucket, logs: s3.IBucket): string {
  const prefix = `${Names.uniqueResourceName(bucket, { maxLength: 60, separator: '-' }).toLowerCase()}/`;
  (bucket.node.defaultChild as s3.CfnBucket).loggingConfiguration = { destinationBucketName: logs.bucketName, logFilePrefix: prefix };
  return prefix;
}

function delivery(logs: s3.IBucket, objects: string): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'ServerAccessLogs',
    principals: [new iam.ServicePrincipal('logging.s3.amazonaws.com')],
    actions: ['s3:PutObject'],
    resources: [logs.arnForObjects(objects)],
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(logs).account } },
  });
}
