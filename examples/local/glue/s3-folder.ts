import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

import { parseS3Uri } from '../cloud/members';

interface Copy {
  readonly etag: string;
  readonly hash: string;
}

const URI = /s3[an]?:\/\/[a-z0-9][a-z0-9.-]+(?:\/[^\s"',\]}]*)?/g;

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha1');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/**
 * Local copies of S3 prefixes for a process that reads and writes files: brought up to date before it runs, and what it
 * made, changed or removed is taken back to S3 afterwards.
 */
export class S3Folder {
  /** The URIs in a text, e.g. in an argument of a job. */
  static urisIn(text: string): string[] {
    return text.match(URI) ?? [];
  }

  private readonly copies = new Map<string, Copy>();

  constructor(private readonly root: string) {}

  /** The text with each URI replaced by the path of its local copy. */
  localize(text: string): string {
    return text.replace(URI, (uri) => this.path(uri));
  }

  path(uri: string): string {
    const { bucket, key } = parseS3Uri(uri);
    return join(this.root, bucket, key) + (key.endsWith('/') ? '/' : '');
  }

  /** Copies the object of this name and everything below it. */
  async pull(s3: S3Client, uri: string): Promise<void> {
    const { bucket, key: prefix } = parseS3Uri(uri);
    const listed = new Set<string>();
    let token: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }));
      for (const { Key: key, ETag: etag } of page.Contents ?? []) {
        if (key === undefined || key.endsWith('/') || !this.covers(prefix, key)) continue;
        listed.add(join(this.root, bucket, key));
        await this.pullObject(s3, bucket, key, etag ?? '');
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    for (const file of await this.files(uri)) {
      if (listed.has(file)) continue;
      await rm(file);
      this.copies.delete(file);
    }
    // a writer may expect its folder's parent, a reader its (empty) folder
    await mkdir(prefix.endsWith('/') ? this.path(uri) : dirname(this.path(uri)), { recursive: true });
  }

  /** Takes what has changed below the URI back to S3; returns how many objects were written. */
  async push(s3: S3Client, uri: string): Promise<number> {
    const { bucket } = parseS3Uri(uri);
    const files = await this.files(uri);
    let written = 0;
    for (const file of files) {
      const hash = await hashOf(file);
      if (this.copies.get(file)?.hash === hash) continue;
      const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: this.key(bucket, file), Body: await readFile(file) }));
      this.copies.set(file, { etag: put.ETag ?? '', hash });
      written++;
    }
    const present = new Set(files);
    const { key: prefix } = parseS3Uri(uri);
    for (const file of [...this.copies.keys()].filter((path) => path.startsWith(join(this.root, bucket)) && !present.has(path))) {
      if (!this.covers(prefix, this.key(bucket, file))) continue;
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: this.key(bucket, file) }));
      this.copies.delete(file);
    }
    return written;
  }

  private async pullObject(s3: S3Client, bucket: string, key: string, etag: string): Promise<void> {
    const file = join(this.root, bucket, key);
    const copy = this.copies.get(file);
    if (copy?.etag === etag && (await stat(file).catch(() => undefined)) !== undefined) return;
    const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, await body?.transformToByteArray() ?? Buffer.alloc(0));
    this.copies.set(file, { etag, hash: await hashOf(file) });
  }

  /** A prefix names an object, or a folder; not every key that begins alike. */
  private covers(prefix: string, key: string): boolean {
    return prefix === '' || key === prefix || key.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
  }

  private key(bucket: string, file: string): string {
    return relative(join(this.root, bucket), file);
  }

  /** Files below a URI, without Hadoop's checksums and unfinished work. */
  private async files(uri: string): Promise<string[]> {
    const path = this.path(uri).replace(/\/$/, '');
    const self = await stat(path).catch(() => undefined);
    if (self?.isFile() === true) return [path];
    return (await filesBelow(path)).filter((file) => !/(^|\/)(\.[^/]*\.crc|_temporary\/.*|\.spark-staging-.*)$/.test(file));
  }
}
