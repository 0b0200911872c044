import { DatasetCandidate, DatasetLocation, DatasetManifest, filesChanged, publicationOf, sealed } from '../../src/domain/dataset';
import { MlopsEvents } from '../../src/domain/events';

const location = new DatasetLocation('curated', 'datasets/Weather');
const candidate: DatasetCandidate = {
  dataset: 'Weather',
  time: '2013-04-01T00:00:00.000Z',
  version: '20130401T000000Z-1234',
  contentHash: 'abc',
  unchanged: false,
  rows: { train: 80, holdout: 20 },
  schema: [{ name: 'temp', type: 'double' }],
  target: 'temp_in_24h',
  split: { method: 'time', share: 0.2, column: 'time_hour', from: '2013-03-13T10:00:00.000Z' },
  quality: { passed: true, rules: [{ rule: 'at least 1 rows', passed: true, observed: 100 }] },
};
const sources = [{ uri: 's3://sources/uploads/', objects: 3 }];
const publish = (change: Partial<DatasetCandidate> = {}, latest?: DatasetManifest) => publicationOf({ ...candidate, ...change }, latest, location, 'run-1', sources);
const manifest: DatasetManifest = {
  dataset: 'Weather',
  version: '20130401T000000Z-1234',
  createdAt: '2013-04-01T00:00:00.000Z',
  schema: candidate.schema,
  target: 'temp_in_24h',
  splits: {
    train: { uri: 's3://curated/datasets/Weather/20130401T000000Z-1234/train/', rows: 80 },
    holdout: { uri: 's3://curated/datasets/Weather/20130401T000000Z-1234/holdout/', rows: 20 },
  },
  split: candidate.split,
  contentHash: 'abc',
  sources,
  quality: { rules: candidate.quality.rules },
  parent: null,
  run: 'run-1',
};
const older: DatasetManifest = { ...manifest, version: '20130301T000000Z-9999', contentHash: 'old', run: 'run-0' };

describe('the files of a version', () => {
  const file = (path: string, etag: string) => ({ path, etag, bytes: 1, modified: '' });
  const folder = sealed({ uri: 's3://curated/d/train/', rows: 2 }, [file('b', '2'), file('a', '1')]);

  test('are noted by name and ETag', () => {
    expect(folder).toEqual({ uri: 's3://curated/d/train/', rows: 2, files: { a: '1', b: '2' } });
    expect(location.keyOf(location.splitUri('v', 'train'))).toBe('datasets/Weather/v/train/');
  });

  test('are the same, or are named where they were written again, removed or added', () => {
    expect(filesChanged(folder, [file('a', '1'), file('b', '2')])).toEqual([]);
    expect(filesChanged(folder, [file('b', '3'), file('a', '1')])).toEqual(['b']);
    expect(filesChanged(folder, [file('c', '1'), file('b', '2')])).toEqual(['a', 'c']);
    expect(filesChanged(folder, [])).toEqual(['a', 'b']);
  });

  test('of a version that did not note them are not asked about', () => {
    expect(filesChanged({ uri: '', rows: 1 }, [file('a', '1')])).toEqual([]);
  });
});

describe('a candidate', () => {
  test('is published, with what it was made from and after', () => {
    expect(publish()).toEqual({ outcome: 'publish', manifest });
    expect(publish({}, older)).toEqual({ outcome: 'publish', manifest: { ...manifest, parent: older.version } });
  });

  test('is rejected with every rule that failed', () => {
    const rules = [{ rule: 'no nulls', passed: false, observed: 3 }, { rule: 'rows', passed: true, observed: 9 }, { rule: 'range', passed: false, observed: 'x' }];
    expect(publish({ quality: { passed: true, rules } })).toEqual({
      outcome: 'rejected', error: 'DataQualityFailed', reason: 'no nulls (observed: 3); range (observed: x)',
    });
    expect(publish({ quality: { passed: false, rules: [] } })).toEqual({ outcome: 'rejected', error: 'DataQualityFailed', reason: 'the job says that a rule failed' });
  });

  test('whose content is the latest version\'s makes no other', () => {
    expect(publish({ version: '20130501T000000Z-1234', unchanged: true }, manifest)).toEqual({ outcome: 'unchanged', version: manifest.version });
    // another run of the same moment and content
    expect(publish({}, { ...manifest, run: 'run-2' })).toEqual({ outcome: 'unchanged', version: manifest.version });
  });

  test('that this run has published already is published again', () => {
    const earlier = { ...manifest, createdAt: 'earlier' };
    expect(publish({}, earlier)).toEqual({ outcome: 'publish', manifest: earlier });
    // the same run, another version
    expect(publish({ version: '20130501T000000Z-5678', contentHash: 'new' }, earlier)).toMatchObject({ outcome: 'publish', manifest: { version: '20130501T000000Z-5678' } });
  });

  test('that is older than the latest version, or wrote no rows, is superseded', () => {
    const newer = { ...manifest, version: '20130402T000000Z-0000', contentHash: 'new', run: 'run-2' };
    const superseded = { outcome: 'rejected', error: 'DatasetSuperseded', reason: 'version 20130402T000000Z-0000 was published while the job ran' };
    expect(publish({}, newer)).toEqual(superseded);
    expect(publish({ unchanged: true, version: '20130501T000000Z-1234' }, newer)).toEqual(superseded);
    expect(publish({ unchanged: true })).toMatchObject({ outcome: 'rejected', error: 'DatasetSuperseded' });
    expect(publish({}, { ...newer, version: manifest.version })).toMatchObject({ outcome: 'publish' });
  });
});

test('files have their places', () => {
  expect([location.latestKey, location.manifestKey('1'), location.uri('a/b'), location.splitUri('1', 'train')])
    .toEqual(['datasets/Weather/latest.json', 'datasets/Weather/1/manifest.json', 's3://curated/a/b', 's3://curated/datasets/Weather/1/train/']);
});

test('events carry the source that rules are written for', () => expect(MlopsEvents.SOURCE).toBe('cdk-mlops'));
