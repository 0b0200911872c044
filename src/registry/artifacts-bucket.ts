import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { logAccess, sendAccessLogs } from '../private/access-logs';
import { encryptedBucket } from '../private/encrypted-bucket';

export interface ArtifactsBucketProps {
  readonly encryptionKey: kms.IKey;
  readonly accessLogs?: s3.IBucket;
  readonly removalPolicy: RemovalPolicy;
}

/** For so long what was deleted or written over can be brought back. */
const RECOVERABLE = Duration.days(90);

/** Bucket in which nothing is lost at once: what is deleted or written again is kept as an earlier version for a while. */
export function newArtifactsBucket(scope: Construct, { encryptionKey, removalPolicy, accessLogs }: ArtifactsBucketProps): s3.Bucket {
  const bucket = new s3.Bucket(scope, 'Artifacts', {
    ...encryptedBucket(encryptionKey),
    removalPolicy,
    lifecycleRules: [{
      abortIncompleteMultipartUploadAfter: Duration.days(7), noncurrentVersionExpiration: RECOVERABLE, expiredObjectDeleteMarker: true,
    }],
  });
  if (accessLogs === undefined) sendAccessLogs(bucket, scope, removalPolicy);
  else logAccess(bucket, accessLogs);
  return bucket;
}
