import { execFileSync } from 'child_process';
import { existsSync } from 'fs';
import { join } from 'path';
import { Observed } from './observed';
import { QUALITY_COLUMNS, QualityQuery, qualitySql } from '../../src/domain/quality-sql';

const query = (changes: Partial<QualityQuery> = {}): QualityQuery => ({
  endpointName: 'houses',
  variants: ['AllTraffic', 'Shadow'],
  configNames: ['a', 'b'],
  from: '2026-03-02T10:00:00Z',
  to: '2026-03-02T11:00:00Z',
  predictedFrom: '2026-02-23T10:00:00Z',
  dueFrom: '2026-03-01T10:00:00Z',
  dueTo: '2026-03-01T11:00:00Z',
  ...changes,
});
const predicted = '2026-03-01T10:15:00Z';
const arrived = '2026-03-02T10:20:00Z';

/** Deterministic noise in [-1, 1). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647 * 2 - 1;
  };
}

type Pairs = { truth: number[]; prediction: number[] };

/** The four figures in exact arithmetic on the doubles given, rounded once at the end. */
function exact({ truth, prediction }: Pairs): { mse: number; mae: number; r2: number } {
  // a power of two that makes an integer of every double in these tests, without rounding
  const scale = 2n ** 120n;
  const rational = (value: number): bigint => BigInt(value * 2 ** 120);
  const ratio = (top: bigint, bottom: bigint): number => Number((top * 2n ** 200n) / bottom) / 2 ** 200;
  const ys = truth.map(rational);
  const es = prediction.map((value, i) => rational(value) - ys[i]);
  const n = BigInt(ys.length);
  const squares = es.reduce((sum, e) => sum + e * e, 0n);
  const total = ys.reduce((sum, y) => sum + y, 0n);
  // n·Σ(y − mean)² = n·Σy² − (Σy)², exactly
  const spread = n * ys.reduce((sum, y) => sum + y * y, 0n) - total * total;
  return {
    mse: ratio(squares, n * scale * scale),
    mae: ratio(es.reduce((sum, e) => sum + (e < 0n ? -e : e), 0n), n * scale),
    r2: 1 - ratio(squares * n, spread),
  };
}

const observe = (pairs: Pairs, config = 'a'): Observed => {
  const observed = new Observed();
  pairs.truth.forEach((y, i) => {
    observed.capture({ config, at: predicted, id: `r${i}`, data: `${pairs.prediction[i]}\n` });
    observed.label({ at: arrived, id: `r${i}`, data: `${y}` });
  });
  return observed;
};

const pairsOf = (n: number, offset: number, scale: number): Pairs => {
  const random = noise(n);
  const truth = Array.from({ length: n }, () => offset + scale * random());
  return { truth, prediction: truth.map((y) => y + 0.3 * scale * random()) };
};

describe('figures', () => {
  test.each([
    ['plain', pairsOf(500, 0, 10)],
    ['a large offset', pairsOf(500, 1e9, 1)],
    ['small numbers', pairsOf(200, 0, 1e-7)],
    ['two rows', pairsOf(2, 5, 1)],
    ['worse than the mean', { truth: [1, 2, 3, 4], prediction: [9, -7, 8, -3.5] }],
  ])('equal exact arithmetic to 1e-9: %s', async (_name, pairs) => {
    const [row, ...others] = await observe(pairs).query(qualitySql(query()));
    expect(others).toEqual([]);
    const expected = exact(pairs);
    expect(row).toMatchObject({ variant: 'AllTraffic', version: 'a', samples: pairs.truth.length });
    const close = (actual: unknown, wanted: number): void => expect(Math.abs(Number(actual) / wanted - 1)).toBeLessThanOrEqual(1e-9);
    close(row.mse, expected.mse);
    close(row.rmse, Math.sqrt(expected.mse));
    close(row.mae, expected.mae);
    close(row.r2, expected.r2);
  });

  const python = join(__dirname, '../../.venv/bin/python');
  (existsSync(python) ? test : test.skip)('equal scikit-learn to 1e-9', async () => {
    const pairs = pairsOf(2000, 300, 25);
    const script = [
      'import json, sys',
      'from sklearn.metrics import mean_absolute_error as mae, mean_squared_error as mse, r2_score as r2',
      'd = json.load(sys.stdin); y, p = d["truth"], d["prediction"]',
      'print(json.dumps({"mse": mse(y, p), "mae": mae(y, p), "r2": r2(y, p)}))',
    ].join('\n');
    const expected = JSON.parse(execFileSync(python, ['-c', script], { input: JSON.stringify(pairs) }).toString()) as Record<string, number>;
    const [row] = await observe(pairs).query(qualitySql(query()));
    for (const figure of ['mse', 'mae', 'r2']) expect(Math.abs(Number(row[figure]) / expected[figure] - 1)).toBeLessThanOrEqual(1e-9);
    expect(Math.abs(Number(row.rmse) / Math.sqrt(expected.mse) - 1)).toBeLessThanOrEqual(1e-9);
  });

  test('R² is NULL where all labels are equal, and for one label', async () => {
    const [same] = await observe({ truth: [7, 7, 7], prediction: [7, 8, 6] }).query(qualitySql(query()));
    expect(same).toMatchObject({ samples: 3, r2: null });
    expect(Number(same.mse)).toBeCloseTo(2 / 3, 12);
    const [one] = await observe({ truth: [7], prediction: [9] }).query(qualitySql(query()));
    expect(one).toMatchObject({ samples: 1, mse: 4, rmse: 2, mae: 2, r2: null });
  });

  test('the columns are those announced', async () => {
    const [row] = await observe({ truth: [1], prediction: [1] }).query(qualitySql(query()));
    expect(Object.keys(row)).toEqual([...QUALITY_COLUMNS]);
  });
});

describe('what counts', () => {
  const rows = async (observed: Observed, changes: Partial<QualityQuery> = {}): Promise<Record<string, unknown>[]> =>
    observed.query(qualitySql(query(changes)));

  test('versions and variants are apart, with their accepted figures', async () => {
    const observed = new Observed()
      .deploy('a', 'V1.0.0', { mse: 4, rmse: 2, mae: 1, r2: 0.9 })
      .deploy('b', 'V1.0.0', { mse: 4, rmse: 2, mae: 1, r2: 0.9 })
      .deploy('b', 'V1.1.0', { rmse: 1.5 }, 'Shadow')
      .capture(
        { config: 'a', at: predicted, id: 'x', data: '1' },
        { config: 'b', at: '2026-03-01T10:40:00Z', id: 'y', data: '2' },
        { config: 'b', at: '2026-03-01T10:40:00Z', id: 'y', data: '2.5', variant: 'Shadow' },
        { config: 'b', at: predicted, id: 'y', data: '99', endpoint: 'other' },
        { config: 'c', at: predicted, id: 'y', data: '99' },
      )
      .label({ at: arrived, id: 'x', data: '2' }, { at: arrived, id: 'y', data: '4' });
    expect(await rows(observed)).toEqual([
      expect.objectContaining({ variant: 'AllTraffic', version: 'V1.0.0', samples: 2, mse: 2.5, mae: 1.5, config_name: 'b', accepted_rmse: 2, accepted_r2: 0.9, current_version: 'V1.0.0' }),
      expect.objectContaining({ variant: 'Shadow', version: 'V1.1.0', samples: 1, mse: 2.25, accepted_rmse: 1.5, accepted_mse: null }),
    ]);
  });

  test('the version behind a variant made its newest prediction, labelled or not, before the end of the window', async () => {
    const observed = (): Observed => new Observed()
      .deploy('a', 'V1.0.0', {}).deploy('b', 'V1.1.0', {})
      .capture({ config: 'a', at: predicted, id: 'x', data: '1' }, { config: 'b', at: '2026-03-02T10:30:00Z', id: 'y', data: '1' })
      .label({ at: arrived, id: 'x', data: '2' }, { at: '2026-03-02T11:30:00Z', id: 'x', data: '2' });
    expect(await rows(observed())).toEqual([expect.objectContaining({ version: 'V1.0.0', samples: 1, current_version: 'V1.1.0' })]);
    const earlier = { from: '2026-03-02T09:00:00Z', to: '2026-03-02T10:00:00Z', dueFrom: '2026-03-01T10:00:00Z', dueTo: '2026-03-01T11:00:00Z' };
    expect(await rows(observed(), earlier)).toEqual([expect.objectContaining({ version: 'V1.0.0', samples: 0, due: 1, current_version: 'V1.0.0' })]);
  });

  test('a label counts in the window of its first arrival only', async () => {
    const observed = (): Observed => new Observed()
      .capture({ config: 'a', at: '2026-03-01T08:00:00Z', id: 'x', data: '1' }, { config: 'a', at: '2026-03-01T08:00:00Z', id: 'y', data: '1' })
      .label({ at: '2026-03-02T09:59:59Z', id: 'x', data: '2' }, { at: arrived, id: 'x', data: '3' }, { at: arrived, id: 'y', data: '5' }, { at: '2026-03-02T11:00:00Z', id: 'y', data: '9' });
    expect(await rows(observed())).toEqual([expect.objectContaining({ samples: 1, mse: 16 })]);
    expect(await rows(observed(), { from: '2026-03-02T09:00:00Z', to: '2026-03-02T10:00:00Z' })).toEqual([expect.objectContaining({ samples: 1, mse: 1 })]);
    expect(await rows(observed(), { from: '2026-03-02T11:00:00Z', to: '2026-03-02T12:00:00Z' })).toEqual([]);
  });

  test('the first capture and, within a window, the latest label win', async () => {
    const observed = new Observed()
      .capture(
        { config: 'a', at: '2026-03-01T10:16:00Z', id: 'x', data: '50' }, { config: 'a', at: predicted, id: 'x', data: '1' },
        { config: 'b', at: '2026-03-01T12:00:00Z', id: 'x', data: '60' },
      )
      .label({ at: '2026-03-02T10:01:00Z', id: 'x', data: '2' })
      .label({ at: '2026-03-02T10:02:00Z', id: 'x', data: '2' });
    expect(await rows(observed)).toEqual([expect.objectContaining({ version: 'a', samples: 1, mse: 1 })]);
  });

  test('a prediction older than the longest delay is not looked for', async () => {
    const observed = new Observed().capture({ config: 'a', at: '2026-02-23T09:59:59Z', id: 'x', data: '1' }).label({ at: arrived, id: 'x', data: '2' });
    expect(await rows(observed)).toEqual([]);
  });

  test('due predictions are counted with and without label, readable or not', async () => {
    const observed = new Observed()
      .capture(
        { config: 'a', at: predicted, id: 'x', data: '1' }, { config: 'a', at: predicted, id: 'y', data: '1' },
        { config: 'a', at: predicted, id: 'z', data: 'about 3' }, { config: 'a', at: predicted, id: 'failed' },
        { config: 'a', at: '2026-03-01T11:00:00Z', id: 'later', data: '1' },
      )
      .label({ at: '2026-03-02T08:00:00Z', id: 'x', data: '1' }, { at: arrived, id: 'z', data: '1' });
    expect(await rows(observed)).toEqual([
      expect.objectContaining({ samples: 0, mse: null, rmse: null, mae: null, r2: null, due: 3, due_labelled: 1, due_unreadable: 1 }),
    ]);
  });

  test.each(['', 'nan', 'NaN', 'Infinity', '1_000', '0x10', '1d', '1e400', '-1e151', '1,2', '1\n2', '[1]\n[2]', '{"predictions":[1,2]}', 'null', '{}'])('neither the answer nor the label %j is a number', async (data) => {
    const observed = new Observed()
      .capture({ config: 'a', at: predicted, id: 'x', data }, { config: 'a', at: predicted, id: 'y', data: '1' })
      .label({ at: arrived, id: 'x', data: '1' }, { at: arrived, id: 'y', data });
    expect(await rows(observed)).toEqual([expect.objectContaining({ samples: 0, due: 2, due_unreadable: 1, due_labelled: 0 })]);
  });

  test.each([' 1.5\r\n', '+1.5', '15e-1', '1.5E0', '{"predictions":[1.5]}', '{ "predictions": [ {"score": 1.5} ] }\n', '[1.5]'])('the answer %j is 1.5', async (data) => {
    const observed = new Observed().capture({ config: 'a', at: predicted, id: 'x', data }).label({ at: arrived, id: 'x', data: '1' });
    expect(await rows(observed)).toEqual([expect.objectContaining({ samples: 1, mse: 0.25 })]);
  });

  test('captures without inference id go by their event id; lines without any or that are no JSON are passed over', async () => {
    const observed = new Observed()
      .capture({ config: 'a', at: predicted, eventId: 'e1', data: '1' }, { config: 'a', at: predicted, id: '', eventId: 'e2', data: '1' })
      .write('captures/a/houses/AllTraffic/2026/03/01/10/part.jsonl', '{"captureData":{"endpointOutput":{"data":"7"}}}')
      .write('captures/a/houses/AllTraffic/2026/03/01/10/part.jsonl', 'not json')
      .label({ at: arrived, id: 'e1', data: '1' }, { at: arrived, id: 'e2', data: '2' }, { at: arrived, id: 'unknown', data: '2' })
      .write('ground-truth/2026/03/02/10/part.jsonl', '{"groundTruthData":{"data":"7"}}');
    expect(await rows(observed)).toEqual([expect.objectContaining({ samples: 2, mse: 0.5, due: 2 })]);
  });

  test('quotes in names stay text', async () => {
    const observed = new Observed().capture({ config: 'a', at: predicted, id: 'x\'); --', data: '1' }).label({ at: arrived, id: 'x\'); --', data: '1' });
    expect(await rows(observed, { configNames: ['a', 'it\'s'] })).toEqual([expect.objectContaining({ samples: 1, mse: 0 })]);
  });
});
