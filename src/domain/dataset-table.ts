import { DatasetColumn, DatasetManifest } from './dataset';

/** Partition columns of a dataset's table. */
export const VERSION_COLUMN = 'dataset_version';
export const SPLIT_COLUMN = 'dataset_split';
/** Versions that a table lists, newest last. A query without a condition on the version looks into each of them. */
export const MOST_VERSIONS = 100;
const VALUES = `projection.${VERSION_COLUMN}.values`;

/** Name of a dataset's table: lower case, with underscores, as Athena takes it without quotes. */
export function tableNameOf(datasetName: string): string {
  return datasetName.toLowerCase().replace(/[^a-z0-9_]/g, '_');
}

/** What the Glue catalog takes and gives, as far as it matters here. */
export interface CatalogTable {
  readonly Name: string;
  readonly Description: string;
  readonly TableType: string;
  readonly Parameters: Record<string, string>;
  readonly PartitionKeys: { readonly Name: string; readonly Type: string }[];
  readonly StorageDescriptor: object;
}

/** The versions that a table lists, oldest first. */
export function versionsIn(parameters: Record<string, string> | undefined): string[] {
  return (parameters?.[VALUES] ?? '').split(',').filter((version) => version !== '');
}

/** Versions with those that were missing put in, newest last, no more than a table lists. */
export function versionsWith(present: readonly string[], added: readonly string[]): string[] {
  return [...new Set([...present, ...added])].sort().slice(-MOST_VERSIONS);
}

/**
 * The table of a dataset. Its partitions are what it lists, not what lies in the bucket: a version is seen, with both its
 * splits, from the moment on that the table names it.
 *
 * @param folder S3 URI of the dataset, with a slash at the end
 */
export function datasetTable(manifest: DatasetManifest, versions: readonly string[], folder: string): CatalogTable {
  return {
    Name: tableNameOf(manifest.dataset),
    Description: `Versions of the dataset ${manifest.dataset}; the target is ${manifest.target}`,
    TableType: 'EXTERNAL_TABLE',
    Parameters: {
      'EXTERNAL': 'TRUE',
      'classification': 'parquet',
      'latest_version': versions[versions.length - 1],
      'projection.enabled': 'true',
      [`projection.${VERSION_COLUMN}.type`]: 'enum',
      [VALUES]: versions.join(','),
      [`projection.${SPLIT_COLUMN}.type`]: 'enum',
      [`projection.${SPLIT_COLUMN}.values`]: 'train,holdout',
      'storage.location.template': `${folder}\${${VERSION_COLUMN}}/\${${SPLIT_COLUMN}}/`,
    },
    PartitionKeys: [VERSION_COLUMN, SPLIT_COLUMN].map((Name) => ({ Name, Type: 'string' })),
    StorageDescriptor: {
      Columns: manifest.schema.map(hiveColumn),
      Location: folder,
      InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
      OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
      SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe', Parameters: { 'serialization.format': '1' } },
    },
  };
}

/** Spark names its types as Hive does, but for times without a zone. */
const hiveColumn = ({ name, type }: DatasetColumn): { Name: string; Type: string } => ({ Name: name, Type: type.replace(/timestamp_(ntz|ltz)/g, 'timestamp') });
