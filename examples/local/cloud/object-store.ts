import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';
import { S3Wire } from './s3-wire';
import { ObjectStore } from './types';

/** S3 over the wire. */
export class S3ObjectStore implements ObjectStore {
  constructor(private readonly wire: () => S3Wire) {}

  get(bucket: string, key: string): Promise<Buffer> {
    return this.wire().get(bucket, key);
  }

  put(bucket: string, key: string, body: Buffer | string): Promise<void> {
    return this.wire().put(bucket, key, body);
  }

  list(bucket: string, prefix: string): Promise<{ key: string; size: number }[]> {
    return this.wire().list(bucket, { prefix });
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
