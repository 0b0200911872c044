import * as fc from 'fast-check';
import { EvaluationReport, evaluationOf, regressionMetrics, sum } from '../../src/domain/regression-metrics';

const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const pairs = fc.array(fc.record({ prediction: number, label: number }), { minLength: 2, maxLength: 50 });
const of = (list: [number, number][]) => regressionMetrics(list.map(([prediction, label]) => ({ prediction, label })));

describe('regression metrics', () => {
  test('of a sample worked out by hand', () => {
    const metrics = of([[2.5, 3], [0, -0.5], [2, 2], [8, 7]]);
    expect(metrics.mse).toBeCloseTo(0.375, 15);
    expect(metrics.rmse).toBeCloseTo(Math.sqrt(0.375), 15);
    expect(metrics.mae).toBeCloseTo(0.5, 15);
    expect(metrics.r2).toBeCloseTo(0.9486081370449679, 14);
    expect(metrics.itemCount).toBe(4);
    // squared errors 0.25, 0.25, 0, 1: standard deviation over the square root of their number
    expect(metrics.mseDeviation).toBeCloseTo(Math.sqrt((0.015625 * 2 + 0.140625 + 0.390625) / 3) / 2, 14);
  });

  test('a perfect model explains everything, the mean nothing, a worse one less than nothing', () => {
    expect(of([[1, 1], [2, 2]])).toMatchObject({ mse: 0, rmse: 0, mae: 0, r2: 1, mseDeviation: 0 });
    expect(of([[2, 1], [2, 3]]).r2).toBe(0);
    expect(of([[9, 1], [9, 3]]).r2).toBeLessThan(0);
  });

  test('a constant target has no R²', () => {
    expect(of([[1, 5], [2, 5], [3, 5]])).not.toHaveProperty('r2');
    expect(of([[9, 0], [9, 1e-160]])).not.toHaveProperty('r2');
    expect(of([[1, 5]])).toEqual({ mse: 16, rmse: 4, mae: 4, itemCount: 1 });
    expect(of([[1, 5]])).not.toHaveProperty('mseDeviation');
  });

  test('keep their digits far from zero', () => {
    // eighths are exact in both places, so that any difference comes from the computation
    const list: [number, number][] = [[0.5, 0.125], [0.25, 0.375], [0.875, 0.625], [0.25, 0.5]];
    const [near, far] = [of(list), of(list.map(([prediction, label]) => [prediction + 2 ** 30, label + 2 ** 30]))];
    expect(Math.abs(far.r2! - near.r2!)).toBeLessThan(1e-14);
    // the largest integers: their mean, and twice their value, have no digits left for the differences
    const largest = 2 ** 53 - 9;
    const steps: [number, number][] = [[2, 0], [0, 1], [3, 3]];
    expect(of(steps.map(([prediction, label]) => [prediction + largest, label + largest])).r2).toBe(of(steps).r2);
  });

  test('fail on nothing, and on what is not a number', () => {
    expect(() => regressionMetrics([])).toThrow('no labelled prediction');
    expect(() => of([[1, 1], [NaN, 1]])).toThrow('pair 1 is not numeric: prediction NaN, label 1');
    expect(() => of([[1, Infinity]])).toThrow('pair 0');
  });

  test('hold together', () => {
    fc.assert(fc.property(pairs, (list) => {
      const { mse, rmse, mae, r2 } = regressionMetrics(list);
      expect(rmse).toBeCloseTo(Math.sqrt(mse), 9);
      // squares of what is below 1e-154 are lost to underflow
      expect(mae).toBeLessThanOrEqual(rmse * (1 + 1e-12) + 1e-150);
      if (r2 !== undefined) expect(Number.isFinite(r2) && r2 <= 1).toBe(true);
      const doubled = regressionMetrics([...list, ...list]);
      expect(Math.abs(doubled.mse - mse)).toBeLessThanOrEqual(1e-12 * mse);
      const shuffled = regressionMetrics([...list].reverse());
      expect(Math.abs(shuffled.mse - mse)).toBeLessThanOrEqual(1e-12 * mse);
    }));
  });

  test('the sum does not lose what is small beside what is large', () => {
    expect(sum([1e16, 1, -1e16])).toBe(1);
    expect(sum([1, 1e100, 1, -1e100])).toBe(2);
    expect(sum(Array.from({ length: 10 }, () => 0.1))).toBe(1);
  });
});

describe('evaluation.json', () => {
  const metric = (value: number | null) => ({ value, standard_deviation: null });
  const report = (change: Partial<EvaluationReport['regression_metrics']> = {}, itemCount = 10): EvaluationReport => ({
    regression_metrics: { mse: metric(4), rmse: metric(2), mae: metric(1), r2: metric(0.5), ...change }, dataset: { item_count: itemCount },
  });

  test('is read', () => expect(evaluationOf(report())).toEqual({ mse: 4, rmse: 2, mae: 1, r2: 0.5, itemCount: 10 }));
  test('may be of one row', () => expect(evaluationOf(report({}, 1)).itemCount).toBe(1));

  test.each([null, NaN, Infinity, '0.5' as unknown as number])('may lack R²: %s', (r2) => {
    const evaluation = evaluationOf(report({ r2: metric(r2) }));
    expect(evaluation).toEqual({ mse: 4, rmse: 2, mae: 1, itemCount: 10 });
    expect(evaluation).not.toHaveProperty('r2');
    const { r2: _, ...without } = report().regression_metrics;
    expect(evaluationOf({ ...report(), regression_metrics: without as EvaluationReport['regression_metrics'] })).not.toHaveProperty('r2');
  });

  test.each([[report({ mse: metric(null) }), 'mse'], [report({ mae: metric(NaN) }), 'mae'], [report({}, 0), 'no dataset.item_count of at least 1'], [report({}, 1.5), 'no dataset.item_count of at least 1'],
    [report({ rmse: metric('2' as unknown as number) }), 'no finite regression_metrics.rmse.value'], [{ ...report(), regression_metrics: {} as EvaluationReport['regression_metrics'] }, 'regression_metrics.mse'],
    [{ ...report(), dataset: undefined } as unknown as EvaluationReport, 'no dataset.item_count of at least 1'], [report({}, '3' as unknown as number), 'no dataset.item_count of at least 1'],
    [{ dataset: { item_count: 1 } } as EvaluationReport, 'regression_metrics.mse']])('fails naming what is missing', (broken, name) => {
    expect(() => evaluationOf(broken)).toThrow(name);
  });

  test('fails on something else', () => {
    expect(() => evaluationOf({} as EvaluationReport)).toThrow('no dataset.item_count of at least 1');
  });
});
