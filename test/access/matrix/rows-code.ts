import { NOBODY, POWERFUL, Section } from './row';

/** What code may do that people write and services run, with the roles that it runs with. */
export const CODE: readonly Section[] = [
  {
    title: 'What code may do with the role that it runs with',
    rows: [
      { say: 'write rows of the dataset that the script makes', actions: 's3: PutObject', bindsAll: true, only: /CuratedZone/, key: 'datasets/Weather/abc/train/part-0.parquet', may: ['dataScript'] },
      { say: 'write rows of another dataset', actions: 's3: PutObject DeleteObject', bindsAll: true, only: /CuratedZone/, key: 'datasets/Wind/abc/train/part-0.parquet', may: NOBODY },
      {
        say: 'publish a version of a dataset, or say which is the latest',
        actions: 's3: PutObject',
        bindsAll: true,
        only: /CuratedZone/,
        key: 'datasets/Weather/abc/manifest.json',
        may: NOBODY,
      },
      { say: 'unpublish a version of a dataset', actions: 's3: DeleteObject', bindsAll: true, only: /CuratedZone/, key: 'datasets/Weather/latest.json', may: NOBODY },
      { say: 'read raw data of another pipeline', actions: 's3: GetObject', only: /SourceZone/, key: 'uploads/Wind/2016.csv', may: ['engineer', ...POWERFUL] },
      { say: 'write the result of a training', actions: 's3: PutObject', bindsAll: true, only: /RegistryArtifacts/, model: 1, key: 'training/run/model.tar.gz', may: ['training'] },
      { say: 'write the result of another model’s training', actions: 's3: PutObject', bindsAll: true, only: /RegistryArtifacts/, model: 2, key: 'training/run/model.tar.gz', may: NOBODY },
      { say: 'write another artifact of a version', actions: 's3: PutObject', bindsAll: true, only: /RegistryArtifacts/, key: 'versions/1.0.0/model.tar.gz', may: NOBODY },
      { say: 'record a request and its answer', actions: 's3: PutObject', bindsAll: true, only: /ObservationsBucket/, model: 1, key: 'captures/all/1.jsonl', may: ['server'] },
      { say: 'tell what came true', actions: 's3: PutObject', bindsAll: true, only: /ObservationsBucket/, key: 'ground-truth/1.jsonl', may: NOBODY },
    ],
  },
];
