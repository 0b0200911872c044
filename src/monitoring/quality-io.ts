import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { MonitorSettings } from './quality-settings';
import { dateHour } from '../domain/capture-sql';
import { QualityState, qualityStateKey } from '../domain/quality-report';
import { clientFor, setting } from '../private/model-io';

const s3 = clientFor(S3Client);

export function readSettings(): MonitorSettings {
  return JSON.parse(setting('SETTINGS') ?? '') as MonitorSettings;
}

/** Looks before it reads: reading what is not there is "access denied" for a role that may list some folders only. */
export async function readState(bucket: string, endpointName: string): Promise<QualityState | undefined> {
  const key = qualityStateKey(endpointName);
  const listed = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key, MaxKeys: 1 }));
  if (listed.Contents?.[0]?.Key !== key) return undefined;
  const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return JSON.parse(await answer.Body?.transformToString() ?? '') as QualityState;
}

export async function writeJson(bucket: string, key: string, value: object): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: `${JSON.stringify(value, null, 2)}\n`, ContentType: 'application/json' }));
}

/** The endpoint configurations that captured anything from an hour on: a query must name them, and should not name the rest. */
export async function capturingConfigs(bucket: string, endpointName: string, variants: readonly string[], from: string): Promise<string[]> {
  const found: string[] = [];
  for (const config of await folders(bucket, 'captures/')) {
    for (const variant of variants) {
      const prefix = `captures/${config}/${endpointName}/${variant}/`;
      const answer = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, StartAfter: `${prefix}${dateHour(from)}`, MaxKeys: 1 }));
      if ((answer.Contents ?? []).length === 0) continue;
      found.push(config);
      break;
    }
  }
  return found;
}

async function folders(bucket: string, prefix: string): Promise<string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page: { CommonPrefixes?: { Prefix?: string }[]; NextContinuationToken?: string } = await s3.send(new ListObjectsV2Command({
      Bucket: bucket, Prefix: prefix, Delimiter: '/', ...token === undefined ? {} : { ContinuationToken: token },
    }));
    names.push(...(page.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix === undefined ? [] : [Prefix.slice(prefix.length, -1)]));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return names;
}
