import { Readable } from 'stream';
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AwsClientStub, mockClient } from 'aws-sdk-client-mock';

interface Stored { readonly body: string; readonly etag: string }

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

/** A bucket store in memory with S3's conditional writes, behind the SDK's client. */
export class MemoryS3 {
  readonly objects = new Map<string, Stored>();
  readonly client: AwsClientStub<S3Client>;
  /** Called before each write; throw to let it fail. */
  beforePut?: (path: string) => void;
  private writes = 0;

  constructor() {
    this.client = mockClient(S3Client) as unknown as AwsClientStub<S3Client>;
    this.client.on(GetObjectCommand).callsFake((input: { Bucket: string; Key: string }) => {
      const found = this.objects.get(`${input.Bucket}/${input.Key}`);
      if (found === undefined) throw named('NoSuchKey');
      const body = Object.assign(Readable.from([found.body]), { transformToString: () => Promise.resolve(found.body) });
      return { Body: body, ETag: found.etag };
    });
    this.client.on(HeadObjectCommand).callsFake((input: { Bucket: string; Key: string }) => {
      const found = this.objects.get(`${input.Bucket}/${input.Key}`);
      if (found === undefined) throw named('NotFound');
      return { ETag: found.etag, ContentLength: found.body.length };
    });
    this.client.on(PutObjectCommand).callsFake((input: { Bucket: string; Key: string; Body: string; IfMatch?: string; IfNoneMatch?: string }) => {
      const path = `${input.Bucket}/${input.Key}`;
      this.beforePut?.(path);
      const found = this.objects.get(path);
      if (input.IfNoneMatch === '*' && found !== undefined) throw named('PreconditionFailed');
      if (input.IfMatch !== undefined && input.IfMatch !== found?.etag) throw named('PreconditionFailed');
      this.put(path, input.Body);
      return {};
    });
    this.client.on(ListObjectsV2Command).callsFake((input: { Bucket: string; Prefix: string; ContinuationToken?: string }) => {
      const start = `${input.Bucket}/${input.Prefix}`;
      const all = [...this.objects].filter(([path]) => path.startsWith(start)).map(([path, { body }]) => ({
        Key: path.slice(input.Bucket.length + 1), Size: body.length, LastModified: new Date('2013-04-01T00:00:00Z'),
      }));
      const from = Number(input.ContinuationToken ?? 0);
      return { Contents: all.slice(from, from + 2), NextContinuationToken: from + 2 < all.length ? `${from + 2}` : undefined };
    });
  }

  put(path: string, body: string): void {
    this.objects.set(path, { body, etag: `"${++this.writes}"` });
  }

  json<T>(path: string): T {
    return JSON.parse(this.objects.get(path)?.body ?? 'null') as T;
  }
}
