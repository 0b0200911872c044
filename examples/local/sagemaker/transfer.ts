import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { JobFailure } from './jobs';
import { Rights } from './rights';
import { parseS3 } from './support';
import { Cloud } from '../cloud/types';

/** Brings an object, or everything below a prefix, into a folder. */
export async function fetchInput(cloud: Cloud, roleArn: string, uri: string, folder: string): Promise<void> {
  const { bucket, key } = parseS3(uri);
  const rights = new Rights(cloud, roleArn);
  const fail = (why: string): never => {
    throw new JobFailure(`ClientError: Data download failed: ${why}`);
  };
  const unlisted = rights.list(bucket, key);
  if (unlisted !== undefined) fail(unlisted);
  const found = await cloud.s3.list(bucket, key);
  if (found.length === 0) fail(`No S3 objects found under S3 URL "${uri}" given in input data source.`);
  const unread = rights.read(bucket, found[0].key);
  if (unread !== undefined) fail(unread);
  mkdirSync(folder, { recursive: true });
  if (found.some((item) => item.key === key)) {
    writeFileSync(join(folder, basename(key)), await cloud.s3.get(bucket, key));
  } else {
    await cloud.s3.download(bucket, key.endsWith('/') || key === '' ? key : `${key}/`, folder);
  }
}

export async function store(cloud: Cloud, roleArn: string, bucket: string, key: string, body: Buffer): Promise<void> {
  mustWrite(cloud, roleArn, bucket, key);
  await cloud.s3.put(bucket, key, body);
}

export async function storeFolder(cloud: Cloud, roleArn: string, folder: string, uri: string): Promise<void> {
  const { bucket, key } = parseS3(uri);
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const [first] = readdirSync(folder);
  if (first === undefined) return;
  mustWrite(cloud, roleArn, bucket, `${prefix}${first}`);
  await cloud.s3.upload(folder, bucket, prefix);
}

function mustWrite(cloud: Cloud, roleArn: string, bucket: string, key: string): void {
  const why = new Rights(cloud, roleArn).write(bucket, key);
  if (why !== undefined) throw new JobFailure(`ClientError: Artifact upload failed: ${why}`);
}
