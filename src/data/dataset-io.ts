import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DatasetLocation, DatasetManifest, DatasetOrigin, DatasetPointer } from '../domain/dataset';

export interface StoredJson<T> {
  readonly value: T;
  readonly etag?: string;
}

export async function readJson<T>(s3: S3Client, bucket: string, key: string): Promise<StoredJson<T> | undefined> {
  try {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return { value: JSON.parse(await answer.Body!.transformToString()) as T, etag: answer.ETag };
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

/** Writes unless somebody else has written since: `etag` is what was read, or nothing where there was no object. Answers whether it wrote. */
export async function writeJson(s3: S3Client, bucket: string, key: string, value: unknown, etag?: string): Promise<boolean> {
  try {
    await s3.send(new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: JSON.stringify(value, null, 2),
      ContentType: 'application/json',
      ...(etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }),
    }));
    return true;
  } catch (error) {
    if (error instanceof Error && (error.name === 'PreconditionFailed' || error.name === 'ConditionalRequestConflict')) return false;
    throw error;
  }
}

/** The latest version of a dataset, with the pointer's etag. */
export async function readLatest(s3: S3Client, location: DatasetLocation): Promise<{ manifest?: DatasetManifest; etag?: string }> {
  const pointer = await readJson<DatasetPointer>(s3, location.bucket, location.latestKey);
  if (pointer === undefined) return {};
  const manifest = await readJson<DatasetManifest>(s3, location.bucket, location.manifestKey(pointer.value.version));
  if (manifest === undefined) throw new Error(`${location.uri(location.latestKey)} points at version ${pointer.value.version}, which has no manifest`);
  return { manifest: manifest.value, etag: pointer.etag };
}

/** What lies below a prefix now. */
export async function listOrigin(s3: S3Client, bucket: string, prefix: string): Promise<Required<Omit<DatasetOrigin, 'newest' | 'query'>> & DatasetOrigin> {
  let [objects, bytes, newest, token] = [0, 0, '', undefined as string | undefined];
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }));
    for (const object of page.Contents ?? []) {
      if (object.Size === undefined || object.Size === 0) continue; // folder markers
      const modified = object.LastModified?.toISOString() ?? '';
      [objects, bytes, newest] = [objects + 1, bytes + object.Size, modified > newest ? modified : newest];
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return { uri: `s3://${bucket}/${prefix}`, objects, bytes, ...(newest === '' ? {} : { newest }) };
}
