import { GetObjectCommand, ListObjectVersionsCommand, ListObjectVersionsCommandOutput, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DatasetLocation, DatasetManifest, DatasetPointer } from '../domain/dataset';
import { DatasetFile } from '../domain/dataset-sources';

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

/** Writes, whatever is there. */
export async function putJson(s3: S3Client, bucket: string, key: string, value: unknown): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: JSON.stringify(value, null, 2), ContentType: 'application/json' }));
}

/** The latest version of a dataset: what points at it, with its etag, and its manifest. */
export interface LatestVersion {
  readonly pointer?: DatasetPointer;
  readonly etag?: string;
  readonly manifest?: DatasetManifest;
}

/** The latest version of a dataset; nothing where none was published. */
export async function readLatest(s3: S3Client, location: DatasetLocation): Promise<LatestVersion> {
  const pointer = await readJson<DatasetPointer>(s3, location.bucket, location.latestKey);
  if (pointer === undefined) return {};
  const manifest = await readJson<DatasetManifest>(s3, location.bucket, location.manifestKey(pointer.value.version));
  if (manifest === undefined) throw new Error(`${location.uri(location.latestKey)} points at version ${pointer.value.version}, which has no manifest`);
  return { pointer: pointer.value, manifest: manifest.value, etag: pointer.etag };
}

/** Most files that a source may hold: what was read is kept with each version. */
export const MOST_FILES = 100_000;

/** The files below a prefix as they are now, each with its version; what was deleted is not among them. */
export async function listFiles(s3: S3Client, bucket: string, prefix: string): Promise<DatasetFile[]> {
  const files: DatasetFile[] = [];
  let at: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (at !== undefined) {
    const page: ListObjectVersionsCommandOutput = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...at }));
    for (const { Key, ETag, Size, IsLatest, VersionId, LastModified } of page.Versions ?? []) {
      if (IsLatest !== true || Key === undefined || Size === undefined || Size === 0) continue; // of no size: folder markers
      files.push({
        path: Key.slice(prefix.length),
        etag: (ETag ?? '').replaceAll('"', ''),
        ...(VersionId === undefined || VersionId === 'null' ? {} : { versionId: VersionId }),
        bytes: Size,
        modified: LastModified?.toISOString() ?? '',
      });
    }
    if (files.length > MOST_FILES) throw new Error(`s3://${bucket}/${prefix} holds more than ${MOST_FILES} files: put files together, or split the source`);
    at = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
  }
  return files;
}
