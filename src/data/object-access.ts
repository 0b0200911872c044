import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { allow } from '../private/allow';

export interface ObjectAccess {
  readonly bucket: s3.IBucket;
  /** Folder without a trailing slash; the whole bucket where it is missing or empty. */
  readonly prefix?: string;
  /** Actions on the objects below the prefix, each by its full name. */
  readonly actions: string[];
  /** Whether the prefix may be listed as well. */
  readonly list?: boolean;
  /** Whether the bucket's key is needed to encrypt, not only to decrypt. */
  readonly writes?: boolean;
  /** Why the objects cannot be named one by one. */
  readonly reason: string;
}

/** Permission for the objects below a prefix, and for the bucket's key: what the L2's grants give, without their wildcard actions. */
export function grantObjects(grantee: iam.IGrantable, access: ObjectAccess): iam.Grant {
  const { bucket, actions, prefix, reason } = access;
  let grant = allow(grantee, { actions, resources: [bucket.arnForObjects(`${folder(prefix)}*`)], because: reason });
  if (access.list) grant = grant.combine(grantList(grantee, bucket, prefix));
  if (bucket.encryptionKey) {
    grant = grant.combine(allow(grantee, {
      actions: access.writes ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'],
      resources: [bucket.encryptionKey.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `s3.${Stack.of(bucket).region}.amazonaws.com` } },
    }));
  }
  return grant;
}

/** Permission to list what is below a prefix; `versions` lists the versions of objects as well. */
export function grantList(grantee: iam.IGrantable, bucket: s3.IBucket, prefix?: string, versions = false): iam.Grant {
  const below = folder(prefix);
  // IfExists: S3 says that a key is not there, instead of "access denied", only to whom may list without naming a prefix.
  const conditions = below === '' ? undefined : { StringLikeIfExists: { 's3:prefix': [below, `${below}*`] } };
  const actions = versions ? ['s3:ListBucket', 's3:ListBucketVersions'] : ['s3:ListBucket'];
  return allow(grantee, { actions, resources: [bucket.bucketArn], conditions });
}

function folder(prefix: string | undefined): string {
  return prefix === undefined || prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`;
}
