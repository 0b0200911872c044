import { LifecycleStage, VersionRecord } from '../../src/domain/ledger';
import { GoodRelease, imageId, objectKey, retention, unusedOf } from '../../src/domain/retention';

const good = (order: number): GoodRelease => ({ configName: `c${order}`, modelName: `m${order}`, version: `V${order}`, order, since: '2026-01-01T00:00:00.000Z' });
const version = (order: number, stage: LifecycleStage, more: Partial<VersionRecord> = {}): VersionRecord =>
  ({ version: `V${order}`, order, stage, imageUri: `image:${order}`, modelDataUrl: `s3://b/${order}`, ...more }) as VersionRecord;
const orders = (releases: readonly GoodRelease[]): number[] => releases.map(({ order }) => order);

describe('which releases are kept', () => {
  test.each<[string, number[], number, (string | undefined)[], number[], number[]]>([
    ['none of none', [], 3, [], [], []],
    ['all while there are few', [1, 2], 3, [], [2, 1], []],
    ['the newest, whatever their order in the ledger', [3, 1, 4, 2], 2, [], [4, 3], [1, 2]],
    ['one at least', [1, 2, 3], 1, [undefined], [3], [1, 2]],
    ['what is in use, however old', [1, 2, 3, 4], 2, ['c1', undefined], [4, 3, 1], [2]],
    ['what is in use only once', [1, 2], 1, ['c2'], [2], [1]],
  ])('%s', (_, releases, keep, inUse, kept, old) => {
    const result = retention(releases.map(good), keep, inUse);
    expect(orders(result.kept)).toEqual(kept);
    expect(orders(result.old)).toEqual(old);
  });

  test('the list that is given stays as it is', () => {
    const releases = [1, 3, 2].map(good);
    retention(releases, 1, []);
    expect(orders(releases)).toEqual([1, 3, 2]);
  });
});

describe('what of an old version nobody needs', () => {
  const kept = { kept: [good(2)], old: [good(1)] };
  const all = { modelDataUrl: 's3://b/1', imageUri: 'image:1' };

  test.each<[string, VersionRecord[], string | undefined, object]>([
    ['both, where nobody shares them', [version(1, 'Archived'), version(2, 'Production')], 'V2', all],
    ['both, wherever it is in the list', [version(2, 'Production'), version(1, 'Archived')], 'V2', all],
    ['nothing of a version that is not known', [version(3, 'Archived')], undefined, {}],
    ['not the image that a kept version has', [version(1, 'Archived'), version(2, 'Archived', { imageUri: 'image:1' })], undefined, { modelDataUrl: all.modelDataUrl }],
    ['not the model data that a kept version has', [version(1, 'Archived'), version(2, 'Archived', { modelDataUrl: 's3://b/1' })], undefined, { imageUri: all.imageUri }],
    ['also what another old version shares', [version(1, 'Archived'), version(3, 'Archived', { imageUri: 'image:1' })], 'V2', all],
    ['not the image that the next data are trained with', [version(1, 'Archived'), version(3, 'Rejected', { imageUri: 'image:1' })], 'V3', { modelDataUrl: all.modelDataUrl }],
    ['nothing of the version registered last', [version(1, 'Archived')], 'V1', {}],
    ['nothing of a version that is kept under another config', [version(2, 'Archived')], undefined, {}],
  ])('%s', (_, versions, last, unused) => {
    const old = versions[0].version === 'V2' && versions.length === 1 && last === undefined && Object.keys(unused).length === 0 ? good(2) : good(1);
    expect(unusedOf(old, kept, versions, last)).toEqual(unused);
  });

  test('one of several versions that are kept is enough', () => {
    const two = { kept: [good(3), good(2)], old: [good(1)] };
    const shared = [version(1, 'Archived'), version(2, 'Archived', { imageUri: 'image:1' }), version(3, 'Archived')];
    expect(unusedOf(good(1), two, shared, undefined)).toEqual({ modelDataUrl: all.modelDataUrl });
    expect(unusedOf({ ...good(2), configName: 'c0' }, two, shared, undefined)).toEqual({});
  });

  test.each<[LifecycleStage, boolean]>([
    ['Registered', true], ['Staging', true], ['Canary', true], ['Production', true],
    ['Archived', false], ['Rejected', false], ['Superseded', false], ['RolledBack', false],
  ])('a version that is %s may still serve: %s', (stage, alive) => {
    expect(unusedOf(good(1), kept, [version(1, stage)], undefined)).toEqual(alive ? {} : all);
    const shared = version(3, stage, { imageUri: 'image:1' });
    expect(unusedOf(good(1), kept, [version(1, 'Archived'), shared], undefined)).toEqual(alive ? { modelDataUrl: all.modelDataUrl } : all);
  });
});

test('images and objects of others are not ours', () => {
  expect(imageId('r.example/a:t1', 'r.example/a')).toEqual({ ImageTag: 't1' });
  expect(imageId('r.example/a@sha256:0a', 'r.example/a')).toEqual({ ImageDigest: 'sha256:0a' });
  expect(imageId('r.example/ab:t1', 'r.example/a')).toBeUndefined();
  expect(imageId('x.example/a:t1', 'r.example/a')).toBeUndefined();
  expect(imageId(undefined, 'r.example/a')).toBeUndefined();
  expect(objectKey('s3://b/x/y.tar.gz', 'b')).toBe('x/y.tar.gz');
  expect(objectKey('s3://bb/x', 'b')).toBeUndefined();
  expect(objectKey(undefined, 'b')).toBeUndefined();
});
