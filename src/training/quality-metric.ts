import { MetricLimit, MetricName } from '../domain/gate';

/** A limit that a model's evaluation must keep. Made by `QualityMetric.atMost` and `QualityMetric.atLeast`. */
export class QualityLimit {
  /** @internal */
  public static _of(metric: QualityMetric, limit: MetricLimit): QualityLimit {
    return new QualityLimit(metric, limit);
  }

  /** The metric that is limited. */
  public readonly metric: QualityMetric;

  private readonly limit: MetricLimit;

  private constructor(metric: QualityMetric, limit: MetricLimit) {
    this.metric = metric;
    this.limit = limit;
  }

  /** @internal */
  public _render(): MetricLimit {
    return this.limit;
  }
}

/** A metric of a regression model's quality. */
export class QualityMetric {
  /** Mean squared error. */
  public static readonly MSE = new QualityMetric('mse', 'MSE');

  /** Root of the mean squared error, in units of the target. */
  public static readonly RMSE = new QualityMetric('rmse', 'RMSE');

  /** Mean absolute error, in units of the target. */
  public static readonly MAE = new QualityMetric('mae', 'MAE');

  /** Share of the target's variance that the model explains. */
  public static readonly R2 = new QualityMetric('r2', 'R²');

  /** The metric as it is written for people. */
  public readonly label: string;

  private readonly key: MetricName;

  private constructor(key: MetricName, label: string) {
    this.key = key;
    this.label = label;
  }

  /** The metric must not exceed a value. Meant for errors. */
  public atMost(value: number): QualityLimit {
    return QualityLimit._of(this, { metric: this.key, atMost: value });
  }

  /** The metric must reach a value. Meant for R². */
  public atLeast(value: number): QualityLimit {
    return QualityLimit._of(this, { metric: this.key, atLeast: value });
  }

  /** @internal */
  public _key(): MetricName {
    return this.key;
  }
}
