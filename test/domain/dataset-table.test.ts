import { DatasetManifest } from '../../src/domain/dataset';
import { datasetTable, MOST_VERSIONS, tableNameOf, versionsIn, versionsWith } from '../../src/domain/dataset-table';

const manifest = {
  dataset: 'Weather-Daily',
  target: 'temp_in_24h',
  schema: [
    { name: 'time_hour', type: 'timestamp_ntz' }, { name: 'seen', type: 'array<timestamp_ltz>' }, { name: 'both', type: 'struct<a:timestamp_ntz,b:timestamp_ltz>' },
    { name: 'temp', type: 'double' },
  ],
} as Partial<DatasetManifest> as DatasetManifest;

test('a table lists the versions and both splits, and says where each is and of which columns', () => {
  expect(datasetTable(manifest, ['v1', 'v2'], 's3://curated/datasets/Weather-Daily/')).toEqual({
    Name: 'weather_daily',
    Description: 'Versions of the dataset Weather-Daily; the target is temp_in_24h',
    TableType: 'EXTERNAL_TABLE',
    Parameters: {
      'EXTERNAL': 'TRUE',
      'classification': 'parquet',
      'latest_version': 'v2',
      'projection.enabled': 'true',
      'projection.dataset_version.type': 'enum',
      'projection.dataset_version.values': 'v1,v2',
      'projection.dataset_split.type': 'enum',
      'projection.dataset_split.values': 'train,holdout',
      'storage.location.template': 's3://curated/datasets/Weather-Daily/${dataset_version}/${dataset_split}/',
    },
    PartitionKeys: [{ Name: 'dataset_version', Type: 'string' }, { Name: 'dataset_split', Type: 'string' }],
    StorageDescriptor: {
      Columns: [
        { Name: 'time_hour', Type: 'timestamp' }, { Name: 'seen', Type: 'array<timestamp>' }, { Name: 'both', Type: 'struct<a:timestamp,b:timestamp>' },
        { Name: 'temp', Type: 'double' },
      ],
      Location: 's3://curated/datasets/Weather-Daily/',
      InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
      OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
      SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe', Parameters: { 'serialization.format': '1' } },
    },
  });
});

test('what a table lists is read from it, and grows by what is new, in order', () => {
  expect(versionsIn(datasetTable(manifest, ['v1', 'v2'], 's3://x/').Parameters)).toEqual(['v1', 'v2']);
  expect(versionsIn(undefined)).toEqual([]);
  expect(versionsIn({})).toEqual([]);
  expect(versionsWith(['v3', 'v1'], ['v2', 'v1'])).toEqual(['v1', 'v2', 'v3']);
  const many = Array.from({ length: MOST_VERSIONS + 2 }, (_, i) => `v${1000 + i}`);
  expect(versionsWith(many.slice(0, -1).reverse(), many.slice(-1))).toEqual(many.slice(2));
});

test('names that Athena takes without quotes', () => {
  expect(tableNameOf('Weather-Daily.2')).toBe('weather_daily_2');
});
