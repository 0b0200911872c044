import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { sendAccessLogs } from '../private/access-logs';
import { ModelResources } from '../private/model-resources';

export interface ArtifactsBucketProps {
  readonly encryptionKey: kms.IKey;
  readonly accessLogs?: s3.IBucket;
  readonly removalPolicy: RemovalPolicy;
}

/** For so long what was deleted or written over can be brought back. */
const RECOVERABLE = Duration.days(90);

/** Bucket in which nothing is lost at once: what is deleted or written again is kept as an earlier version for a while. */
export function newArtifactsBucket(scope: Construct, props: ArtifactsBucketProps): s3.Bucket {
  const { encryptionKey, removalPolicy } = props;
  const bucket = new s3.Bucket(scope, 'Artifacts', {
    encryption: s3.BucketEncryption.KMS,
    encryptionKey,
    bucketKeyEnabled: true,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    removalPolicy,
    lifecycleRules: [{
      abortIncompleteMultipartUploadAfter: Duration.days(7), noncurrentVersionExpiration: RECOVERABLE, expiredObjectDeleteMarker: true,
    }],
  });
  if (props.accessLogs === undefined && ModelResources.of(scope) !== undefined) {
    sendAccessLogs(bucket, scope, removalPolicy);
    return bucket;
  }
  const accessLogs = props.accessLogs ?? newAccessLogs(scope, removalPolicy);
  // On the L1: the L2 would use ACLs or a custom resource, depending on the app's feature flags.
  (bucket.node.defaultChild as s3.CfnBucket).loggingConfiguration = { destinationBucketName: accessLogs.bucketName, logFilePrefix: 'Artifacts/' };
  return bucket;
}

function newAccessLogs(scope: Construct, removalPolicy: RemovalPolicy): s3.Bucket {
  const bucket = new s3.Bucket(scope, 'AccessLogs', {
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    removalPolicy,
    lifecycleRules: [{ expiration: Duration.days(365), noncurrentVersionExpiration: Duration.days(30) }],
  });
  bucket.addToResourcePolicy(new iam.PolicyStatement({
    sid: 'AccessLogDelivery',
    principals: [new iam.ServicePrincipal('logging.s3.amazonaws.com')],
    actions: ['s3:PutObject'],
    resources: [bucket.arnForObjects('*')],
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  }));
  return bucket;
}
