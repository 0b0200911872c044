import { QualityLimit, QualityMetric } from './quality-metric';
import { GateRules, gateProblems } from '../domain/gate';

/** What a `QualityGate` asks of a candidate. */
export interface QualityGateProps {
  /**
   * Limits that the evaluation must keep, whatever the champion does.
   *
   * @default - only the champion is compared with
   */
  readonly limits?: QualityLimit[];

  /**
   * The metric by which a candidate is compared with the champion on the same holdout.
   *
   * @default QualityMetric.RMSE
   */
  readonly comparedBy?: QualityMetric;

  /**
   * By how many percent a candidate may be worse than the champion. Above 0, because the holdout is a short stretch of
   * time: the decision between two good models belongs to real requests.
   *
   * @default 5
   */
  readonly maxRegressionPercent?: number;
}

/** Decides by its evaluation on the holdout whether a trained model gets a version. */
export class QualityGate {
  private readonly rules: GateRules;

  /**
   * @example
   * const gate = new QualityGate({ limits: [QualityMetric.RMSE.atMost(9), QualityMetric.R2.atLeast(0.1)] });
   */
  public constructor(props: QualityGateProps = {}) {
    this.rules = {
      limits: (props.limits ?? []).map((limit) => limit._render()),
      notWorseThanChampion: { metric: (props.comparedBy ?? QualityMetric.RMSE)._key(), percent: props.maxRegressionPercent ?? 5 },
    };
  }

  /** @internal */
  public _rules(): GateRules {
    return this.rules;
  }

  /** @internal */
  public _problems(): string[] {
    return gateProblems(this.rules);
  }
}
