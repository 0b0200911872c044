import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { listFiles } from '../data/dataset-io';
import { fromItem, JsonObject, toItem } from '../domain/attribute-values';
import { DatasetFile } from '../domain/dataset-sources';
import { LedgerKey } from '../domain/ledger';
import { clientFor } from '../private/model-io';

const s3 = clientFor(S3Client);
const dynamodb = clientFor(DynamoDBClient);

/** A JSON object of S3, or nothing where there is none. */
export async function readJson(bucket: string, key: string): Promise<unknown> {
  try {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return JSON.parse(await answer.Body?.transformToString() ?? 'null') as unknown;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

/** The files below a URI as they are now. */
export function filesAt(uri: string): Promise<DatasetFile[]> {
  const { bucket, key } = splitUri(uri);
  return listFiles(s3, bucket, key);
}

/** Whether there is an object. */
export async function isThere(uri: string): Promise<boolean> {
  const { bucket, key } = splitUri(uri);
  try {
    await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return true;
  } catch (error) {
    if (error instanceof Error && ['NotFound', 'NoSuchKey'].includes(error.name)) return false;
    throw error;
  }
}

export async function writeJson(bucket: string, key: string, value: unknown): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: JSON.stringify(value), ContentType: 'application/json' }));
}

/** An item of the ledger as plain values, or nothing where there is none. */
export async function readLedger(table: string, key: LedgerKey): Promise<JsonObject | undefined> {
  const answer = await dynamodb.send(new GetItemCommand({ TableName: table, Key: toItem(key), ConsistentRead: true }));
  return answer.Item === undefined ? undefined : fromItem(answer.Item);
}

export function splitUri(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/(.*)$/.exec(uri);
  if (match === null) throw new Error(`not an S3 URI: ${uri}`);
  return { bucket: match[1], key: match[2] };
}
