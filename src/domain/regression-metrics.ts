import { ModelEvaluation } from './events';

/** One request with what was predicted and what came true. */
export interface LabelledPrediction {
  readonly prediction: number;
  readonly label: number;
}

/** A metric with its standard deviation over the sample, where it has one. */
export interface MetricWithDeviation {
  readonly value: number | null;
  readonly standard_deviation: number | null;
}

/** The `evaluation.json` of a model: the regression part of Model Monitor's statistics. */
export interface EvaluationReport {
  readonly regression_metrics: {
    readonly mse: MetricWithDeviation;
    readonly rmse: MetricWithDeviation;
    readonly mae: MetricWithDeviation;
    readonly r2: MetricWithDeviation;
  };
  readonly dataset: { readonly item_count: number };
}

/** Metrics of one sample. `mseDeviation` is the standard deviation of the mean squared error, not of one error. */
export interface RegressionMetrics extends ModelEvaluation {
  readonly mseDeviation?: number;
}

/**
 * MSE, RMSE, MAE and R² of the pairs.
 *
 * R² needs a target that varies: for a constant one it is absent, where some libraries answer with a huge negative
 * number. Deviations are taken from the labels' mean in a second pass, so that R² keeps its digits on a target far
 * from zero.
 */
export function regressionMetrics(pairs: readonly LabelledPrediction[]): RegressionMetrics {
  const itemCount = pairs.length;
  if (itemCount === 0) throw new Error('no labelled prediction to compute metrics from');
  const broken = pairs.findIndex(({ prediction, label }) => !Number.isFinite(prediction) || !Number.isFinite(label));
  if (broken >= 0) throw new Error(`pair ${broken} is not numeric: prediction ${pairs[broken].prediction}, label ${pairs[broken].label}`);

  const squares = pairs.map(({ prediction, label }) => (prediction - label) ** 2);
  const squaredError = sum(squares);
  const mse = squaredError / itemCount;
  // shifted by a value of the sample first: a mean of large numbers would lose the digits that the variance needs
  const shifted = pairs.map(({ label }) => label - pairs[0].label);
  const mean = sum(shifted) / itemCount;
  const spread = sum(shifted.map((value) => (value - mean) ** 2));
  const r2 = 1 - squaredError / spread;
  const deviation = itemCount < 2
    ? undefined
    : Math.sqrt(sum(squares.map((square) => (square - mse) ** 2)) / (itemCount - 1) / itemCount);
  return {
    mse,
    rmse: Math.sqrt(mse),
    mae: sum(pairs.map(({ prediction, label }) => Math.abs(prediction - label))) / itemCount,
    ...(Number.isFinite(r2) ? { r2 } : {}),
    itemCount,
    ...(deviation === undefined ? {} : { mseDeviation: deviation }),
  };
}

/** The numbers of an `evaluation.json`. Throws, naming the member, on a report that lacks one. */
export function evaluationOf(report: EvaluationReport): ModelEvaluation {
  const metrics = report.regression_metrics ?? {};
  const required = (name: 'mse' | 'rmse' | 'mae'): number => {
    const value = metrics[name]?.value;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`evaluation.json has no finite regression_metrics.${name}.value`);
    return value;
  };
  const itemCount = report.dataset?.item_count;
  if (!Number.isInteger(itemCount) || itemCount < 1) throw new Error('evaluation.json has no dataset.item_count of at least 1');
  const r2 = metrics.r2?.value;
  return {
    mse: required('mse'),
    rmse: required('rmse'),
    mae: required('mae'),
    ...(typeof r2 === 'number' && Number.isFinite(r2) ? { r2 } : {}),
    itemCount,
  };
}

/** Neumaier's sum: as exact as the digits of a double allow, whatever the order. */
export function sum(values: readonly number[]): number {
  let total = 0;
  let lost = 0;
  for (const value of values) {
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? (total - next) + value : (value - next) + total;
    total = next;
  }
  return total + lost;
}
