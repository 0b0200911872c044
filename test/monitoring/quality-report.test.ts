import { qualityOutcome, QualityRow, QualityState } from '../../src/domain/quality-report';
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
  lastMadeAt: '2026-03-01T10:00:00Z',
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
    const older = row({ version: 'V1.0.0', mse: 100, lastMadeAt: '2026-03-01T09:00:00Z' });
    const newer = row({ version: 'V1.1.0', mse: 9, accepted: { rmse: 2 }, lastMadeAt: '2026-03-01T10:30:00Z' });
    expect(figure([older, newer], 'RMSERatio', production)).toEqual([1.5]);
    expect(figure([newer, older], 'RMSERatio', production)).toEqual([1.5]);
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
    const later = qualityWindow('2026-04-10T00:15:00Z', timing);
    expect(qualityOutcome(later!, [], state, settings).state.recent).toEqual({});
  });
});

test('the report is in the format of Model Monitor', () => {
  const { report, state } = qualityOutcome(at(11), [row({ r2: undefined })], undefined, settings);
  expect(state.report).toBe('quality/2026/03/02/houses-11.json');
  expect(report).toMatchObject({
    endpoint: 'houses',
    window: { from: '2026-03-02T10:00:00.000Z' },
    results: [{
      modelVersion: 'V1.0.0',
      dataset: { item_count: 10 },
      regression_metrics: { mse: { value: 4 }, rmse: { value: 2 }, mae: { value: 1 } },
      labels: { due: 10, labelled: 9, unreadable_predictions: 0, coverage: 0.9 },
    }],
  });
});
