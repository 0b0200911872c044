import * as fc from 'fast-check';
import { fromItem, JsonObject, toItem } from '../../src/domain/attribute-values';
import { ledgerKeys, normalTime, VersionRecord } from '../../src/domain/ledger';
import { descriptionText, metadataSummary, metadataText, PACKAGE_STAGES, packageMetadata, registrationToken } from '../../src/domain/model-package';

const record: VersionRecord = {
  run: 'arn:aws:states:eu-central-1:111122223333:execution:Training:1',
  tag: '1',
  commit: 'abc',
  dataset: '20130401T000000Z-1234',
  imageUri: '111122223333.dkr.ecr.eu-central-1.amazonaws.com/images@sha256:0123',
  modelDataUrl: 's3://a/model.tar.gz',
  evaluation: { mse: 1.5e-7, rmse: 2, mae: 1, itemCount: 10 },
  championEvaluation: { mse: 3, rmse: 2, mae: 1, itemCount: 10 },
  sampleUri: 's3://a/sample.jsonl',
  spec: { target: 'temp_in_24h' },
  version: 'V1.0.1',
  manual: 0,
  auto: 1,
  cause: 'auto',
  order: 2,
  status: 'allocated',
  attempt: 0,
  stage: 'Registered',
  reason: 'r',
  history: [],
  createdAt: '2026-01-01T00:00:00.000Z',
};
const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u;

describe('what a package says about its version', () => {
  test('is what others read', () => {
    expect(packageMetadata(record, 'token')).toEqual({
      version: 'V1.0.1',
      tag: '1',
      commit: 'abc',
      dataset: '20130401T000000Z-1234',
      cause: 'auto',
      run: record.run,
      image: record.imageUri,
      mse: '1.5e-7',
      rmse: '2',
      mae: '1',
      itemCount: '10',
      sample: 's3://a/sample.jsonl',
      championMse: '3',
      target: 'temp_in_24h',
      registration: 'token',
    });
  });

  test('an address that does not fit is left out, not cut', () => {
    expect(packageMetadata({ ...record, sampleUri: `s3://a/${'x'.repeat(250)}` }, 'token')).not.toHaveProperty('sample');
    expect(packageMetadata({ ...record, sampleUri: `s3://a/${'x'.repeat(249)}` }, 'token').sample).toHaveLength(256);
  });

  test('what is not there, or is no text, is not named', () => {
    const { championEvaluation: _, spec: __, ...first } = record;
    const unmeasured = { ...record.evaluation, r2: null as unknown as undefined };
    expect(Object.keys(packageMetadata({ ...first, evaluation: unmeasured, commit: '  ' }, 'token')))
      .toEqual(['version', 'tag', 'dataset', 'cause', 'run', 'image', 'mse', 'rmse', 'mae', 'itemCount', 'sample', 'registration']);
    expect(packageMetadata({ ...record, spec: { target: 7 } }, 'token')).not.toHaveProperty('target');
    expect(packageMetadata({ ...record, evaluation: { ...record.evaluation, r2: 0 }, trainingJobName: 'job', evaluationUri: 's3://e' }, 'token'))
      .toMatchObject({ r2: '0', trainingJob: 'job', evaluation: 's3://e' });
  });

  test('holds only what SageMaker takes', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      for (const value of Object.values(packageMetadata({ ...record, commit: text }, 'token'))) expect(value).toMatch(allowed);
      const summary = metadataSummary(text);
      if (summary !== '') expect(summary).toMatch(allowed);
    }));
  });

  test('words survive, marks give way', () => {
    expect(metadataText('not worse by more than 2 %: ratio 0.9 (412 pairs), bounds -1 to 2')).toBe('not worse by more than 2 percent: ratio 0.9 412 pairs bounds -1 to 2');
    expect(metadataText('5% of {a|b}, <100 %>[x]')).toBe('5 percent of a b 100 percent x');
    expect(metadataText('a\u00a0\u3000b* ')).toBe('a b-');
    expect(metadataText(' (a)  b ')).toBe('a b');
    expect(metadataText('x;y')).toBe('x y');
    expect(metadataSummary('x'.repeat(256))).toBe('x'.repeat(256));
    expect(metadataSummary('x'.repeat(257))).toBe(`${'x'.repeat(253)}...`);
    expect(metadataSummary('short')).toBe('short');
    expect(descriptionText(` a\n b ${'x'.repeat(1100)}`)).toMatch(/^a b x+…$/);
    expect(descriptionText(' a ')).toBe('a');
    expect(descriptionText('x'.repeat(1024))).toBe('x'.repeat(1024));
    expect(descriptionText('x'.repeat(1025))).toBe(`${'x'.repeat(1023)}…`);
  });

  test('its statuses follow the stage', () => {
    expect(Object.entries(PACKAGE_STAGES).map(([stage, { approval, stageStatus }]) => `${stage}: ${approval}, ${stageStatus}`)).toEqual([
      'Registered: Approved, Complete', 'Staging: Approved, InProgress', 'Canary: Approved, InProgress', 'Production: Approved, Complete',
      'Archived: Approved, Complete', 'Rejected: Rejected, Failed', 'Superseded: PendingManualApproval, Complete', 'RolledBack: Rejected, Failed',
    ]);
  });

  test('the token names the attempt, and fits', () => {
    const token = registrationToken('group', record);
    expect(token).toMatch(/^[a-zA-Z0-9-]{1,36}$/);
    const others = [registrationToken('other', record), registrationToken('group', { ...record, attempt: 1 }), registrationToken('group', { ...record, version: 'V1.0.2' })];
    expect(new Set([token, ...others]).size).toBe(4);
    expect(registrationToken('group', { ...record })).toBe(token);
  });
});

describe('items of the ledger', () => {
  test('come back as they went', () => {
    const json = fc.jsonValue({ noUnicodeString: false }).filter((value) => JSON.stringify(value)?.includes('e+') !== true);
    fc.assert(fc.property(fc.dictionary(fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'), json), (object) => {
      const plain = JSON.parse(JSON.stringify(object)) as JsonObject;
      expect(fromItem(toItem(plain))).toEqual(plain);
    }));
  });

  test('leave out what is undefined, and refuse what is no number', () => {
    expect(toItem({ a: undefined, b: 1 })).toEqual({ b: { N: '1' } });
    expect(() => toItem({ a: NaN })).toThrow('NaN');
    expect(fromItem({ marks: { SS: ['a'] }, b: { N: '1' } })).toEqual({ b: 1 });
  });

  test('waiting releases sort by age', () => {
    const keys = [1, 2, 10, 999, 1000].map((order) => ledgerKeys.releaseWaiting(order).sk);
    expect([...keys].sort()).toEqual(keys);
  });

  test('times have one form', () => {
    expect(normalTime('2026-01-01T01:00:00+01:00')).toBe('2026-01-01T00:00:00.000Z');
    expect(() => normalTime('yesterday')).toThrow("'yesterday'");
  });
});
