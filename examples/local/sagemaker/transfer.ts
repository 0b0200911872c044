import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { JobFailure } from './jobs';
import { parseS3, roleMay, s3Arn } from './support';
import { Cloud } from '../cloud/types';

/** Brings an object, or everything below a prefix, into a folder. */
export async function fetchInput(cloud: Cloud, roleArn: string, uri: string, folder: string): Promise<void> {
  const { bucket, key } = parseS3(uri);
  mkdirSync(folder, { recursive: true });
  const found = await cloud.s3.list(bucket, key);
  if (found.length === 0) throw new JobFailure(`ClientError: Data download failed: No S3 objects found under S3 URL "${uri}" given in input data source.`);
  if (!roleMay(cloud, roleArn, 's3:GetObject', s3Arn(cloud, bucket, found[0].key))) {
    throw new JobFailure(`ClientError: Data download failed: Failed to download data. User: ${roleArn} is not authorized to perform: s3:GetObject on ${uri}`);
  }
  if (found.some((item) => item.key === key)) {
    writeFileSync(join(folder, basename(key)), await cloud.s3.get(bucket, key));
  } else {
    await cloud.s3.download(bucket, key.endsWith('/') || key === '' ? key : `${key}/`, folder);
  }
}

export async function store(cloud: Cloud, roleArn: string, bucket: string, key: string, body: Buffer): Promise<void> {
  mustPut(cloud, roleArn, bucket, key);
  await cloud.s3.put(bucket, key, body);
}

export async function storeFolder(cloud: Cloud, roleArn: string, folder: string, uri: string): Promise<void> {
  const { bucket, key } = parseS3(uri);
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const [first] = readdirSync(folder);
  if (first === undefined) return;
  mustPut(cloud, roleArn, bucket, `${prefix}${first}`);
  await cloud.s3.upload(folder, bucket, prefix);
}

function mustPut(cloud: Cloud, roleArn: string, bucket: string, key: string): void {
  if (roleMay(cloud, roleArn, 's3:PutObject', s3Arn(cloud, bucket, key))) return;
  throw new JobFailure(`ClientError: Artifact upload failed: User: ${roleArn} is not authorized to perform: s3:PutObject on s3://${bucket}/${key}`);
}
