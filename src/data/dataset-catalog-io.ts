import { CreateTableCommand, GetTableCommand, GlueClient, Table, UpdateTableCommand } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { readJson } from './dataset-io';
import { DatasetLocation, DatasetManifest } from '../domain/dataset';
import { datasetTable, MOST_VERSIONS, tableNameOf, versionsIn, versionsWith } from '../domain/dataset-table';

/**
 * Puts a version into the dataset's table, which is made with the first. It is one call that readers see or do not see, so
 * that no query meets half a version. Versions before it that are missing (somebody removed the table, a run died) come back.
 */
export async function registerVersion(
  glue: GlueClient, s3: S3Client, database: string, location: DatasetLocation, manifest: DatasetManifest,
): Promise<void> {
  const table = await findTable(glue, database, tableNameOf(manifest.dataset));
  const folder = location.uri(`${location.prefix}/`);
  const taken = table?.StorageDescriptor?.Location ?? folder;
  if (taken !== folder) throw new Error(`the table ${tableNameOf(manifest.dataset)} is of ${taken}: give one of both datasets another name`);
  const present = versionsIn(table?.Parameters);
  const added = await missingVersions(s3, location, manifest, new Set(present));
  if (added.length === 0) return;
  const input = datasetTable(manifest, versionsWith(present, added), folder);
  if (table === undefined) await glue.send(new CreateTableCommand({ DatabaseName: database, TableInput: input }));
  // the version id keeps a registration that was slower from undoing a newer one
  else await glue.send(new UpdateTableCommand({ DatabaseName: database, TableInput: input, VersionId: table.VersionId, SkipArchive: true }));
}

async function findTable(glue: GlueClient, database: string, name: string): Promise<Table | undefined> {
  try {
    return (await glue.send(new GetTableCommand({ DatabaseName: database, Name: name }))).Table;
  } catch (error) {
    if (error instanceof Error && error.name === 'EntityNotFoundException') return undefined;
    throw error;
  }
}

/** The version and those before it, back to one that is listed. */
async function missingVersions(s3: S3Client, location: DatasetLocation, manifest: DatasetManifest, listed: ReadonlySet<string>): Promise<string[]> {
  const missing: string[] = [];
  let at: DatasetManifest | undefined = manifest;
  while (at !== undefined && !listed.has(at.version) && missing.length < MOST_VERSIONS) {
    missing.push(at.version);
    at = at.parent === null ? undefined : (await readJson<DatasetManifest>(s3, location.bucket, location.manifestKey(at.parent)))?.value;
  }
  return missing;
}
