import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { grantObjects } from '../data/object-access';
import { logAccess, newAccessLogs } from '../private/access-logs';
import { allow } from '../private/allow';
import { encryptedBucket } from '../private/encrypted-bucket';

/** A bucket for the files of notebooks, which outlives them. What was overwritten or removed is kept for 90 days. */
export function newSavedFiles(scope: Construct, id: string, encryptionKey: kms.IKey, removalPolicy: RemovalPolicy): s3.Bucket {
  const place = new Construct(scope, id);
  const bucket = new s3.Bucket(place, 'Bucket', {
    ...encryptedBucket(encryptionKey),
    removalPolicy,
    lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7), noncurrentVersionExpiration: Duration.days(90) }],
  });
  logAccess(bucket, newAccessLogs(place, removalPolicy));
  return bucket;
}

/** Lets a notebook save its own files, and gives the URI to save them to. */
export function savedFilesOf(notebookName: string, bucket: s3.IBucket, role: iam.IRole): string {
  const prefix = `notebooks/${notebookName}`;
  grantObjects(role, {
    bucket,
    prefix,
    actions: ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject'],
    writes: true,
    reason: "A notebook's files come and go; the prefix is the notebook's.",
  });
  // Not even the names of other notebooks' files.
  allow(role, { actions: ['s3:ListBucket'], resources: [bucket.bucketArn], conditions: { StringLike: { 's3:prefix': [`${prefix}/*`] } } });
  return `s3://${bucket.bucketName}/${prefix}`;
}
