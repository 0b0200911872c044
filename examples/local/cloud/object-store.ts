import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ObjectStore } from './types';

/** S3 over the wire. */
export class S3ObjectStore implements ObjectStore {
  constructor(private readonly client: () => S3Client) {}

  async get(bucket: string, key: string): Promise<Buffer> {
    const answer = await this.client().send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return Buffer.from(await answer.Body!.transformToByteArray());
  }

  async put(bucket: string, key: string, body: Buffer | string): Promise<void> {
    await this.client().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  }

  async list(bucket: string, prefix: string): Promise<{ key: string; size: number }[]> {
    const found: { key: string; size: number }[] = [];
    for (let token: string | undefined; ;) {
      const answer = await this.client().send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }));
      for (const { Key, Size } of answer.Contents ?? []) found.push({ key: Key!, size: Size ?? 0 });
      if (!answer.IsTruncated) return found;
      token = answer.NextContinuationToken;
    }
  }

  async download(bucket: string, prefix: string, folder: string): Promise<number> {
    const objects = (await this.list(bucket, prefix)).filter(({ key }) => !key.endsWith('/'));
    for (const { key } of objects) {
      // A prefix that names one object gives that object under its own name.
      const below = key === prefix ? path.posix.basename(key) : key.slice(prefix.length).replace(/^\/+/, '');
      const file = path.join(folder, below);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, await this.get(bucket, key));
    }
    return objects.length;
  }

  async upload(folder: string, bucket: string, prefix: string): Promise<number> {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const entry of files) {
      const file = path.join(entry.parentPath, entry.name);
      const below = path.relative(folder, file).split(path.sep).join('/');
      await this.put(bucket, prefix === '' ? below : `${prefix.replace(/\/+$/, '')}/${below}`, readFileSync(file));
    }
    return files.length;
  }
}
