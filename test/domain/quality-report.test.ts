import { qualityOutcome, qualityReportKey, QualityRow, QualityState, qualityStateKey } from '../../src/domain/quality-report';
import { QualityWindow, qualityWindow } from '../../src/domain/quality-window';

const timing = { everyHours: 1, labelDelayHours: 24, maxLabelDelayHours: 168 };
const settings = { endpointName: 'houses', productionVariant: 'AllTraffic', minSamples: 10 };
const at = (hour: number): QualityWindow => {
  const window = qualityWindow(new Date(Date.UTC(2026, 2, 2, hour, 15)).toISOString(), timing);
  if (window === undefined) throw new Error('no window');
  return window;
};
const row = (changes: Partial<QualityRow> = {}): QualityRow => ({
  variant: 'AllTraffic',
  version: 'V1.0.0',
  configName: 'a',
  samples: 10,
  mse: 4,
  rmse: 2,
  mae: 1,
  r2: 0.5,
  due: 10,
  dueLabelled: 9,
  dueUnreadable: 0,
  accepted: { mse: 1, rmse: 1, mae: 0.5, r2: 0.9 },
  currentVersion: changes.version ?? 'V1.0.0',
  ...changes,
});
const figure = (rows: QualityRow[], name: string, dimensions: Record<string, string>, before?: QualityState): number[] =>
  qualityOutcome(at(11), rows, before, settings).figures
    .filter((found) => found.name === name && JSON.stringify(found.dimensions) === JSON.stringify({ Endpoint: 'houses', ...dimensions }))
    .map(({ value }) => value);
const production = { Variant: 'AllTraffic' };

describe('the window', () => {
  test('ends with the last hour whose labels have been written', () => {
    expect(qualityWindow('2026-03-02T11:15:00Z', timing)).toEqual({
      from: '2026-03-02T10:00:00.000Z',
      to: '2026-03-02T11:00:00.000Z',
      predictedFrom: '2026-02-23T10:00:00.000Z',
      dueFrom: '2026-03-01T10:00:00.000Z',
      dueTo: '2026-03-01T11:00:00.000Z',
    });
    expect(qualityWindow('2026-03-02T11:09:59Z', timing)).toMatchObject({ to: '2026-03-02T10:00:00.000Z' });
  });

  test('begins where the last one ended, so that a failed run loses nothing', () => {
    expect(qualityWindow('2026-03-02T11:15:00Z', timing, '2026-03-02T07:00:00.000Z')).toMatchObject({ from: '2026-03-02T07:00:00.000Z', to: '2026-03-02T11:00:00.000Z' });
  });

  test('is none where the last run has been here', () => {
    expect(qualityWindow('2026-03-02T11:15:00Z', timing, '2026-03-02T11:00:00.000Z')).toBeUndefined();
  });

  test('reaches back no further than the longest label delay', () => {
    expect(qualityWindow('2026-03-02T11:15:00Z', timing, '2025-01-01T00:00:00.000Z')).toMatchObject({ from: '2026-02-23T11:00:00.000Z' });
  });
});

describe('figures', () => {
  test('are those of each version', () => {
    const version = { Variant: 'AllTraffic', ModelVersion: 'V1.0.0' };
    expect(Object.fromEntries(['MSE', 'RMSE', 'MAE', 'R2', 'SampleCount', 'LabelCoverage'].map((name) => [name, figure([row()], name, version)])))
      .toEqual({ MSE: [4], RMSE: [2], MAE: [1], R2: [0.5], SampleCount: [10], LabelCoverage: [0.9] });
    expect(figure([row({ r2: undefined })], 'R2', version)).toEqual([]);
    expect(qualityOutcome(at(11), [row({ r2: undefined })], undefined, settings).figures.map(({ name }) => name))
      .toEqual(['LabelCoverage', 'SampleCount', 'MSE', 'RMSE', 'MAE', 'SampleCount', 'LabelCoverage', 'RMSERatio']);
    // without a label there is nothing to measure
    expect(qualityOutcome(at(11), [row({ samples: 0 })], undefined, settings).figures.map(({ name }) => name)).toEqual(['LabelCoverage', 'SampleCount', 'LabelCoverage']);
    expect(qualityOutcome(at(11), [], undefined, settings).figures.map(({ name }) => name)).toEqual(['SampleCount']);
  });

  test('are those of each variant', () => {
    const shadow = row({ variant: 'Shadow', version: 'V2', samples: 3, due: 4, dueLabelled: 1, mse: 9, accepted: {} });
    const both = [row(), row({ version: 'V0', samples: 5, due: 10, dueLabelled: 0 }), shadow];
    expect(figure(both, 'SampleCount', production)).toEqual([15]);
    expect(figure(both, 'SampleCount', { Variant: 'Shadow' })).toEqual([3]);
    expect(figure(both, 'LabelCoverage', production)).toEqual([0.45]);
    expect(figure(both, 'LabelCoverage', { Variant: 'Shadow' })).toEqual([0.25]);
    expect(figure(both, 'RMSERatio', { Variant: 'Shadow' })).toEqual([]);
  });

  test('without any label the production variant has a sample count of 0', () => {
    expect(figure([], 'SampleCount', production)).toEqual([0]);
    expect(figure([row({ samples: 0, mse: undefined })], 'SampleCount', production)).toEqual([0]);
  });

  test('coverage is there only where predictions are due, and 0 where no answer can be read', () => {
    expect(figure([], 'LabelCoverage', production)).toEqual([]);
    expect(figure([row({ due: 0, dueLabelled: 0 })], 'LabelCoverage', production)).toEqual([]);
    expect(figure([row({ due: 4, dueLabelled: 0, dueUnreadable: 4 })], 'LabelCoverage', production)).toEqual([0]);
    expect(figure([row({ due: 4, dueLabelled: 2, dueUnreadable: 1 }), row({ version: 'V2', due: 1, dueLabelled: 1 })], 'LabelCoverage', production)).toEqual([0.75]);
  });

  test('the ratio compares with the accepted evaluation of the version that serves', () => {
    const older = row({ version: 'V1.0.0', mse: 100, currentVersion: 'V1.1.0' });
    const newer = row({ version: 'V1.1.0', mse: 9, accepted: { rmse: 2 } });
    for (const rows of [[older, newer], [newer, older]]) expect(figure(rows, 'RMSERatio', production)).toEqual([1.5]);
    // after a rollback it is the older one again
    const back = [older, newer].map((one) => ({ ...one, currentVersion: 'V1.0.0' }));
    expect(figure(back, 'RMSERatio', production)).toEqual([10]);
    // nor does what is behind another variant count
    expect(figure([newer, { ...older, variant: 'Shadow' }], 'RMSERatio', production)).toEqual([1.5]);
  });

  test('late labels of a version that was replaced say nothing of the one that serves', () => {
    const before = qualityOutcome(at(10), [row({ mse: 1.96 })], undefined, settings);
    expect(before.state.serving.AllTraffic.ratio).toBeCloseTo(1.4, 12);
    let { state } = before;
    for (const hour of [11, 12]) {
      const { figures, state: next } = qualityOutcome(at(hour), [row({ mse: 2.89, currentVersion: 'V1.1.0' })], state, settings);
      state = next;
      expect(figures.filter(({ name }) => name === 'RMSERatio')).toEqual([]);
      expect(state.serving.AllTraffic).toEqual({ version: 'V1.1.0', samples: 0 });
    }
    const own = row({ version: 'V1.1.0', mse: 1.21 });
    expect(figure([row({ mse: 2.89, currentVersion: 'V1.1.0' }), own], 'RMSERatio', production, state)).toEqual([expect.closeTo(1.1, 12)]);
  });

  test('what served is remembered by variant, also where nothing is heard of it', () => {
    const first = qualityOutcome(at(10), [row(), row({ variant: 'Shadow', version: 'V2', mse: 1, accepted: { rmse: 0.5 } })], undefined, settings).state;
    expect(first.serving).toEqual({
      AllTraffic: { version: 'V1.0.0', rmse: 2, acceptedRmse: 1, samples: 10, ratio: 2 },
      Shadow: { version: 'V2', rmse: 1, acceptedRmse: 0.5, samples: 10, ratio: 2 },
    });
    const { serving } = qualityOutcome(at(11), [row({ variant: 'Shadow', version: 'V3', mse: undefined, samples: 4 })], first, settings).state;
    expect(serving.AllTraffic).toEqual(first.serving.AllTraffic);
    // labels without a figure measure nothing
    expect(serving.Shadow).toStrictEqual({ version: 'V3', rmse: undefined, acceptedRmse: 1, samples: 0 });
  });

  test('the ratio is of the version that serves, not of another with labels', () => {
    const { state } = qualityOutcome(at(10), [row()], undefined, settings);
    // the version that serves now is new, and has too few labels for a ratio
    const next = row({ version: 'V1.1.0', samples: 1 });
    expect(figure([row({ currentVersion: 'V1.1.0' }), next], 'RMSERatio', production, state)).toEqual([]);
    // labels of the version before it are no news of the one that serves
    expect(figure([row({ version: 'V0.9.0', samples: 5, currentVersion: 'V1.0.0' }), row({ samples: 0, mse: undefined })], 'RMSERatio', production, state)).toEqual([]);
    expect(figure([{ ...row(), variant: 'Shadow', samples: 3 }], 'RMSERatio', production, state)).toEqual([]);
  });

  test('there is no ratio without an accepted evaluation', () => {
    expect(figure([row({ accepted: {} })], 'RMSERatio', production)).toEqual([]);
    expect(figure([row({ accepted: { rmse: 0 } })], 'RMSERatio', production)).toEqual([]);
  });

  test('the ratio waits for enough labels, and is of the last windows that hold them', () => {
    const ratios: (number | undefined)[] = [];
    let state: QualityState | undefined;
    const windows = [{ samples: 4, mse: 1 }, { samples: 4, mse: 1 }, { samples: 4, mse: 16 }, { samples: 10, mse: 4 }];
    windows.forEach((changes, i) => {
      const outcome = qualityOutcome(at(11 + i), [row(changes)], state, settings);
      state = outcome.state;
      ratios.push(outcome.figures.find(({ name }) => name === 'RMSERatio')?.value);
    });
    expect(ratios).toEqual([undefined, undefined, Math.sqrt((4 + 4 + 64) / 12), 2]);
    expect(state?.recent['AllTraffic/V1.0.0']).toEqual([{ to: '2026-03-02T14:00:00.000Z', samples: 10, squares: 40 }]);
  });

  test('no ratio is repeated where nothing new arrived', () => {
    const { state } = qualityOutcome(at(10), [row()], undefined, settings);
    expect(state.serving.AllTraffic.ratio).toBe(2);
    expect(figure([], 'RMSERatio', production, state)).toEqual([]);
    expect(figure([row({ samples: 0, mse: undefined })], 'RMSERatio', production, state)).toEqual([]);
  });

  test('versions without labels for a month are forgotten', () => {
    const { state } = qualityOutcome(at(10), [row()], undefined, settings);
    expect(state.recent).toEqual({ 'AllTraffic/V1.0.0': [{ to: '2026-03-02T10:00:00.000Z', samples: 10, squares: 40 }] });
    const recent = (time: string) => qualityOutcome(qualityWindow(time, timing)!, [row({ samples: 0 }), row({ version: 'V3', mse: undefined })], state, settings).state.recent;
    expect(recent('2026-04-01T10:15:00Z')).toEqual(state.recent);
    expect(recent('2026-04-01T11:15:00Z')).toEqual({});
  });
});

test('the report is in the format of Model Monitor', () => {
  const { report, state } = qualityOutcome(at(11), [row({ r2: undefined })], undefined, settings);
  expect(state).toMatchObject({ to: '2026-03-02T11:00:00.000Z', report: 'quality/2026/03/02/houses-11.json' });
  expect(qualityReportKey('houses', at(11))).toBe(state.report);
  expect(qualityStateKey('houses')).toBe('quality/latest/houses.json');
  const { results } = qualityOutcome(at(11), [row({ due: 0, dueLabelled: 0 })], undefined, settings).report;
  expect(results[0].labels).toStrictEqual({ due: 0, labelled: 0, unreadable_predictions: 0 });
  expect(report).toStrictEqual({
    version: 0,
    endpoint: 'houses',
    window: at(11),
    results: [{
      variant: 'AllTraffic',
      modelVersion: 'V1.0.0',
      endpointConfigName: 'a',
      accepted: { mse: 1, rmse: 1, mae: 0.5, r2: 0.9 },
      dataset: { item_count: 10 },
      regression_metrics: { mse: { value: 4 }, rmse: { value: 2 }, mae: { value: 1 } },
      labels: { due: 10, labelled: 9, unreadable_predictions: 0, coverage: 0.9 },
    }],
  });
});
