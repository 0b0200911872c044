import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { readJson, readLatest, writeJson } from './dataset-io';
import { DatasetCandidate, DatasetLocation, DatasetManifest, DatasetOrigin, DatasetPointer, publicationOf } from '../domain/dataset';
import { DatasetPublished, MlopsEvents, MlopsEventType } from '../domain/events';

export interface PublishDatasetEvent {
  readonly run: string;
  readonly reportKey: string;
  readonly sources: DatasetOrigin[];
}

export type PublishDatasetAnswer =
  | { readonly outcome: 'rejected'; readonly failure: { readonly Error: string; readonly Cause: string } }
  | { readonly outcome: 'unchanged'; readonly version: string }
  | { readonly outcome: 'published'; readonly version: string; readonly manifestUri: string };

const s3 = new S3Client({});
const events = new EventBridgeClient({});

/**
 * Publishes what the job made, or says why not. The manifest makes the version exist, the pointer follows it, the
 * event comes last: whoever repeats a run that died in between does what was left.
 */
export async function handler(event: PublishDatasetEvent): Promise<PublishDatasetAnswer> {
  const env = process.env as Record<string, string>;
  const location = new DatasetLocation(env.BUCKET, env.PREFIX);
  const candidate = (await readJson<DatasetCandidate>(s3, location.bucket, event.reportKey))?.value;
  if (candidate === undefined) throw new Error(`the job left no report at ${location.uri(event.reportKey)}`);

  const latest = await readLatest(s3, location);
  const publication = publicationOf(candidate, latest.manifest, location, event.run, event.sources);
  if (publication.outcome === 'rejected') {
    return { outcome: 'rejected', failure: { Error: publication.error, Cause: publication.reason } };
  }
  if (publication.outcome === 'unchanged') return publication;

  const manifest = await writeManifest(location, publication.manifest);
  const manifestUri = location.uri(location.manifestKey(manifest.version));
  if (latest.manifest?.version !== manifest.version) {
    const pointer: DatasetPointer = { version: manifest.version, manifestUri };
    const moved = await writeJson(s3, location.bucket, location.latestKey, pointer, latest.etag);
    if (!moved) throw new Error('the latest version changed meanwhile'); // transient: a retry decides anew
  }
  await announce(manifest, manifestUri);
  return { outcome: 'published', version: manifest.version, manifestUri };
}

/** Writes the manifest, or gives the one that an earlier attempt of the same run wrote. */
async function writeManifest(location: DatasetLocation, manifest: DatasetManifest): Promise<DatasetManifest> {
  const key = location.manifestKey(manifest.version);
  if (await writeJson(s3, location.bucket, key, manifest)) return manifest;
  const existing = (await readJson<DatasetManifest>(s3, location.bucket, key))?.value;
  if (existing?.contentHash !== manifest.contentHash) throw new Error(`${location.uri(key)} exists with another content`);
  return existing;
}

async function announce(manifest: DatasetManifest, manifestUri: string): Promise<void> {
  const detail: DatasetPublished = {
    dataset: manifest.dataset,
    version: manifest.version,
    manifestUri,
    contentHash: manifest.contentHash,
    trainRows: manifest.splits.train.rows,
    holdoutRows: manifest.splits.holdout.rows,
    ...(manifest.parent === null ? {} : { previous: manifest.parent }),
    time: manifest.createdAt,
  };
  const answer = await events.send(new PutEventsCommand({
    Entries: [{
      Source: MlopsEvents.SOURCE,
      DetailType: MlopsEventType.DATASET_PUBLISHED,
      Detail: JSON.stringify(detail),
      EventBusName: process.env.EVENT_BUS,
    }],
  }));
  if ((answer.FailedEntryCount ?? 0) > 0) throw new Error(`the event was refused: ${answer.Entries?.[0]?.ErrorMessage ?? 'no reason given'}`);
}
