import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { registerVersion } from './dataset-catalog-io';
import { LatestVersion, listFiles, putJson, readJson, readLatest, writeJson } from './dataset-io';
import { DatasetCandidate, DatasetLocation, DatasetManifest, DatasetPointer, DatasetRejection, publicationOf, sealed } from '../domain/dataset';
import { DatasetOrigin, filesRead, originOf, ReadingPlan } from '../domain/dataset-sources';
import { DatasetPublished, MlopsEvents, MlopsEventType } from '../domain/events';

export interface PublishDatasetEvent {
  readonly run: string;
  readonly reportKey: string;
  readonly readingKey: string;
  /** How often the run has planned. */
  readonly attempt: number;
}

export type PublishDatasetAnswer =
  | { readonly outcome: 'rejected'; readonly failure: { readonly Error: string; readonly Cause: string }; readonly reportUri: string }
  | { readonly outcome: 'again'; readonly reason: string }
  | { readonly outcome: 'unchanged'; readonly version: string }
  | { readonly outcome: 'published'; readonly version: string; readonly manifestUri: string };

const s3 = new S3Client({});
const events = new EventBridgeClient({});
const glue = new GlueClient({});
/** A run whose ground moves again and again gives up, and tells. */
const MOST_ATTEMPTS = 3;

/**
 * Publishes what the job made, or says why not. The manifest makes the version exist, the pointer follows it, then comes
 * the catalog, the event last. Whoever repeats it after a death in between does what was left, and so does the next run.
 */
export async function handler(event: PublishDatasetEvent): Promise<PublishDatasetAnswer> {
  const env = process.env as Record<string, string>;
  const location = new DatasetLocation(env.BUCKET, env.PREFIX);
  const candidate = (await readJson<DatasetCandidate>(s3, location.bucket, event.reportKey))?.value;
  if (candidate === undefined) throw new Error(`the job left no report at ${location.uri(event.reportKey)}`);
  const latest = await readLatest(s3, location);
  if (latest.manifest?.run === event.run && latest.manifest.version === candidate.version) return complete(location, latest);
  // what an earlier run left behind, whatever becomes of this one
  if (latest.pointer?.complete === false) {
    await complete(location, latest);
    return handler(event);
  }
  const begun = (await readJson<DatasetManifest>(s3, location.bucket, location.manifestKey(candidate.version)))?.value;
  const read = begun?.run === event.run ? { sources: begun.sources } : await sourcesRead(env, location, event, candidate);
  if ('changed' in read) return again(location, event, candidate, latest, [], 'SourceChanged', `${read.changed.slice(0, 5).join(', ')} changed while the job ran`);

  const { sources } = read;
  const script = candidate.scriptHash === undefined ? undefined : { uri: env.SCRIPT_URI, sha256: candidate.scriptHash };
  const publication = publicationOf(candidate, latest.manifest, location, event.run, sources, script);
  if (publication.outcome === 'rejected') {
    return publication.error === 'DatasetSuperseded'
      ? again(location, event, candidate, latest, sources, publication.error, publication.reason)
      : reject(location, event, candidate, latest, sources, publication.error, publication.reason);
  }
  if (publication.outcome === 'unchanged') {
    await rememberRead(env, location, latest, sources);
    return publication;
  }
  const manifest = await writeManifest(location, await withFiles(location, publication.manifest));
  const pointer: DatasetPointer = { version: manifest.version, manifestUri: location.uri(location.manifestKey(manifest.version)), complete: false };
  await movePointer(location, pointer, latest.etag);
  return complete(location, await readLatest(s3, location));
}

/** What the rows came from, by the plan and by how the source looks now. */
async function sourcesRead(
  env: Record<string, string>, location: DatasetLocation, event: PublishDatasetEvent, candidate: DatasetCandidate,
): Promise<{ sources: DatasetOrigin[] } | { changed: string[] }> {
  const plan = (await readJson<ReadingPlan | DatasetOrigin>(s3, location.bucket, event.readingKey))?.value;
  if (plan === undefined) throw new Error(`there is no plan at ${location.uri(event.readingKey)}`);
  if ('uri' in plan) {
    // what a query gave was kept: these files are the source from now on
    const kept = await listFiles(s3, env.SOURCE_BUCKET, plan.uri.slice(`s3://${env.SOURCE_BUCKET}/`.length));
    return { sources: [{ ...originOf(plan.uri, kept), query: plan.query }] };
  }
  const now = await listFiles(s3, env.SOURCE_BUCKET, env.SOURCE_PREFIX);
  const read = filesRead(plan, now, candidate.files ?? undefined);
  return 'changed' in read ? read : { sources: [originOf(`s3://${env.SOURCE_BUCKET}/${env.SOURCE_PREFIX}`, read.files)] };
}

async function again(
  location: DatasetLocation, event: PublishDatasetEvent, candidate: DatasetCandidate, latest: LatestVersion, sources: DatasetOrigin[],
  error: string, reason: string,
): Promise<PublishDatasetAnswer> {
  return event.attempt < MOST_ATTEMPTS ? { outcome: 'again', reason } : reject(location, event, candidate, latest, sources, error, reason);
}

/** Keeps the report of a run that publishes nothing, for those who are told of it. */
async function reject(
  location: DatasetLocation, { run, reportKey }: PublishDatasetEvent, candidate: DatasetCandidate, latest: LatestVersion, sources: DatasetOrigin[],
  error: string, reason: string,
): Promise<PublishDatasetAnswer> {
  const { dataset, time, quality, rows, schema } = candidate;
  const report: DatasetRejection = {
    dataset, run, time, error, reason, quality: { rules: quality.rules }, rows, schema, sources, latest: latest.manifest?.version ?? null,
  };
  const key = `${reportKey.slice(0, reportKey.lastIndexOf('/'))}/quality.json`;
  await putJson(s3, location.bucket, key, report);
  return { outcome: 'rejected', failure: { Error: error, Cause: reason }, reportUri: location.uri(key) };
}

/** Files that changed nothing have been read all the same. */
async function rememberRead(
  env: Record<string, string>, location: DatasetLocation, { pointer, manifest, etag }: LatestVersion, sources: DatasetOrigin[],
): Promise<void> {
  if (env.READING !== 'newFiles' || pointer === undefined) return;
  const read = sources[0].files ?? [];
  if (JSON.stringify(read) === JSON.stringify(pointer.read ?? manifest?.sources[0]?.files)) return;
  await movePointer(location, { ...pointer, read }, etag);
}

async function movePointer(location: DatasetLocation, pointer: DatasetPointer, etag?: string): Promise<void> {
  const moved = await writeJson(s3, location.bucket, location.latestKey, pointer, etag);
  if (!moved) throw new Error('the latest version changed meanwhile'); // transient: a retry decides anew
}

/** The manifest with the files of its rows: whoever reads the version later can tell whether they are still the same. */
async function withFiles(location: DatasetLocation, manifest: DatasetManifest): Promise<DatasetManifest> {
  const { train, holdout } = manifest.splits;
  const [trainFiles, holdoutFiles] = await Promise.all([train, holdout].map(({ uri }) => listFiles(s3, location.bucket, location.keyOf(uri))));
  return { ...manifest, splits: { train: sealed(train, trainFiles), holdout: sealed(holdout, holdoutFiles) } };
}

/** Writes the manifest, or gives the one that an earlier attempt of the same run wrote. */
async function writeManifest(location: DatasetLocation, manifest: DatasetManifest): Promise<DatasetManifest> {
  const key = location.manifestKey(manifest.version);
  if (await writeJson(s3, location.bucket, key, manifest)) return manifest;
  const existing = (await readJson<DatasetManifest>(s3, location.bucket, key))?.value;
  if (existing?.contentHash !== manifest.contentHash) throw new Error(`${location.uri(key)} exists with another content`);
  return existing;
}

/** What is to be done once a version is the latest: the catalog, the event, and a note that both are done. */
async function complete(location: DatasetLocation, { pointer, manifest, etag }: LatestVersion): Promise<PublishDatasetAnswer> {
  if (pointer === undefined || manifest === undefined) throw new Error(`there is no version at ${location.uri(location.latestKey)}`);
  const { version, manifestUri } = pointer;
  if (pointer.complete === false) {
    if (process.env.DATABASE !== undefined) await registerVersion(glue, s3, process.env.DATABASE, location, manifest);
    await announce(manifest, manifestUri);
    await movePointer(location, { ...pointer, complete: true }, etag);
  }
  return { outcome: 'published', version, manifestUri };
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
