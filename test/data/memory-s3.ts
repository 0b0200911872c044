import { Readable } from 'stream';
import { GetObjectCommand, HeadObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AwsClientStub, mockClient } from 'aws-sdk-client-mock';

interface Stored { readonly body: string; readonly etag: string; readonly versionId: string; readonly modified: Date }

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
    this.client.on(ListObjectVersionsCommand).callsFake((input: { Bucket: string; Prefix: string; KeyMarker?: string }) => {
      const start = `${input.Bucket}/${input.Prefix}`;
      const below = [...this.objects].filter(([path]) => path.startsWith(start)).sort(([a], [b]) => a < b ? -1 : 1);
      const all = below.map(([path, { body, etag, versionId, modified }]) => ({
        Key: path.slice(input.Bucket.length + 1), Size: body.length, ETag: etag, IsLatest: true, VersionId: versionId, LastModified: modified,
      }));
      const rest = all.filter(({ Key }) => Key > (input.KeyMarker ?? ''));
      const page = rest.slice(0, 2);
      // of each object there is an older version as well
      const Versions = page.flatMap((one) => [one, { ...one, IsLatest: false, ETag: '"old"', VersionId: 'old' }]);
      return { Versions, IsTruncated: rest.length > 2, NextKeyMarker: page.at(-1)?.Key };
    });
  }

  put(path: string, body: string): void {
    this.writes += 1;
    this.objects.set(path, { body, etag: `"${this.writes}"`, versionId: `v${this.writes}`, modified: new Date(Date.UTC(2013, 3, 1) + this.writes * 1000) });
  }

  json<T>(path: string): T {
    return JSON.parse(this.objects.get(path)?.body ?? 'null') as T;
  }
}
