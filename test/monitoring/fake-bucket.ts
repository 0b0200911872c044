import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';

interface Listing {
  readonly Prefix: string;
  readonly Delimiter?: string;
  readonly StartAfter?: string;
  readonly MaxKeys?: number;
  readonly ContinuationToken?: string;
}

/** A bucket in memory behind the S3 client, as far as the handlers use one. */
export class FakeBucket {
  public readonly objects = new Map<string, string>();
  private readonly mock = mockClient(S3Client);

  constructor() {
    this.mock.on(PutObjectCommand).callsFake((input: { Key: string; Body: string }) => {
      this.objects.set(input.Key, input.Body);
      return {};
    });
    this.mock.on(GetObjectCommand).callsFake((input: { Key: string }) => {
      const body = this.objects.get(input.Key);
      if (body === undefined) throw Object.assign(new Error('Access Denied'), { name: 'AccessDenied' });
      return { Body: { transformToString: () => Promise.resolve(body) } };
    });
    this.mock.on(ListObjectsV2Command).callsFake((input: Listing) => {
      const keys = [...this.objects.keys()].sort().filter((key) => key.startsWith(input.Prefix) && key > (input.StartAfter ?? ''));
      if (input.Delimiter === undefined) return { Contents: keys.slice(0, input.MaxKeys).map((Key) => ({ Key })) };
      const folders = [...new Set(keys.map((key) => `${key.slice(0, key.indexOf('/', input.Prefix.length))}/`))];
      // one folder a page, so that paging is exercised
      const at = Number(input.ContinuationToken ?? 0);
      const more = at + 1 < folders.length ? { NextContinuationToken: String(at + 1) } : {};
      return { CommonPrefixes: folders.slice(at, at + 1).map((Prefix) => ({ Prefix })), ...more };
    });
  }

  json<T>(key: string): T {
    return JSON.parse(this.objects.get(key) ?? 'null') as T;
  }
}
