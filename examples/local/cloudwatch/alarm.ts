import { AlarmRule, AlarmState, COMPARISONS, EVALUATION_EXTRA } from './alarm-evaluation';
import { CompositeRule, parseCompositeRule } from './composite-rule';
import { MetricQueries } from './metric-query';
import { MetricStore } from './metric-store';
import { array, integer, number, oneOf, only, optionalString, seconds, string, strings } from './shape';
import { AwsError, Cloud, Json, JsonObject, Unsupported } from '../cloud/types';

const COMMON = [
  'AlarmName', 'AlarmDescription', 'ActionsEnabled', 'OKActions', 'AlarmActions', 'InsufficientDataActions', 'Tags',
];
const METRIC = [
  'MetricName', 'Namespace', 'Statistic', 'ExtendedStatistic', 'Dimensions', 'Period', 'Unit', 'EvaluationPeriods', 'DatapointsToAlarm',
  'Threshold', 'ComparisonOperator', 'TreatMissingData', 'EvaluateLowSampleCountPercentile', 'Metrics',
];

/** How a metric alarm gets from data to a state. */
export interface MetricWatch {
  readonly rule: AlarmRule;
  readonly queries: MetricQueries;
  /** The query whose points are compared. */
  readonly returned: string;
  readonly periodSeconds: number;
}

/** An alarm with its state. */
export class Alarm {
  readonly name: string;
  readonly arn: string;
  readonly metric?: MetricWatch;
  readonly composite?: CompositeRule;
  readonly configured: Date;
  state: AlarmState = 'INSUFFICIENT_DATA';
  reason = 'Unchecked: Initial alarm creation';
  reasonData?: string;
  stateSince: Date;
  actionsEnabled: boolean;

  constructor(readonly input: JsonObject, kind: 'metric' | 'composite', store: MetricStore, cloud: Cloud) {
    this.name = string(input, 'AlarmName');
    if (this.name.length > 255) throw new AwsError('ValidationError', 'AlarmName must have at most 255 characters');
    this.arn = `arn:${cloud.partition}:cloudwatch:${cloud.region}:${cloud.account}:alarm:${this.name}`;
    this.stateSince = this.configured = cloud.clock.now();
    this.actionsEnabled = input.ActionsEnabled !== false && input.ActionsEnabled !== 'false';
    for (const arn of this.actions('ALARM').concat(this.actions('OK'), this.actions('INSUFFICIENT_DATA'))) {
      if (!/^arn:[^:]+:(sns|lambda):/.test(arn)) throw new Unsupported(`the alarm action ${arn}`);
    }
    if (kind === 'composite') {
      only(input, 'a composite alarm', [...COMMON, 'AlarmRule']);
      this.composite = parseCompositeRule(string(input, 'AlarmRule'));
    } else {
      only(input, 'a metric alarm', [...COMMON, ...METRIC]);
      this.metric = watch(input, store);
    }
  }

  actions(state: AlarmState): string[] {
    const member = state === 'OK' ? 'OKActions' : state === 'ALARM' ? 'AlarmActions' : 'InsufficientDataActions';
    return strings(this.input[member], member);
  }

  /** As DescribeAlarms answers it. */
  describe(): JsonObject {
    const { AlarmName, AlarmRule: rule, Tags, ...settings } = this.input;
    return {
      ...settings,
      AlarmName,
      AlarmArn: this.arn,
      ...(this.composite && { AlarmRule: rule }),
      ActionsEnabled: this.actionsEnabled,
      OKActions: this.actions('OK'),
      AlarmActions: this.actions('ALARM'),
      InsufficientDataActions: this.actions('INSUFFICIENT_DATA'),
      ...(this.metric && !this.input.Metrics && { Dimensions: array(this.input.Dimensions, 'Dimensions') }),
      AlarmConfigurationUpdatedTimestamp: seconds(this.configured.getTime()),
      StateValue: this.state,
      StateReason: this.reason,
      ...(this.reasonData !== undefined && { StateReasonData: this.reasonData }),
      StateUpdatedTimestamp: seconds(this.stateSince.getTime()),
      StateTransitionedTimestamp: seconds(this.stateSince.getTime()),
    };
  }

  /** Starts of the windows of the evaluation range that ends at `end`. */
  starts(end: number): number[] {
    if (this.metric === undefined) return [];
    const { rule, periodSeconds } = this.metric;
    const count = rule.evaluationPeriods + EVALUATION_EXTRA;
    return Array.from({ length: count }, (_, index) => end - (count - index) * periodSeconds * 1000);
  }
}

function watch(input: JsonObject, store: MetricStore): MetricWatch {
  const evaluationPeriods = integer(input, 'EvaluationPeriods', 1, 10_080);
  const datapointsToAlarm = input.DatapointsToAlarm === undefined
    ? evaluationPeriods : integer(input, 'DatapointsToAlarm', 1, evaluationPeriods);
  if (input.EvaluateLowSampleCountPercentile === 'ignore') throw new Unsupported('EvaluateLowSampleCountPercentile: ignore');
  const rule: AlarmRule = {
    threshold: number(input, 'Threshold'),
    comparison: oneOf(input, 'ComparisonOperator', Object.keys(COMPARISONS) as (keyof typeof COMPARISONS)[]),
    evaluationPeriods,
    datapointsToAlarm,
    missingData: input.TreatMissingData === undefined
      ? 'missing' : oneOf(input, 'TreatMissingData', ['missing', 'ignore', 'breaching', 'notBreaching']),
  };
  const queries = new MetricQueries(input.Metrics === undefined ? [singleMetric(input)] : array(input.Metrics, 'Metrics'), store);
  const returned = queries.queries.filter((query) => query.returned);
  if (returned.length !== 1) throw new AwsError('ValidationError', `Exactly one element of Metrics must return data, got ${returned.length}`);
  const periodSeconds = queries.periodSeconds(returned[0].id);
  const longest = periodSeconds >= 3600 ? 604_800 : 86_400;
  if (periodSeconds * evaluationPeriods > longest) {
    throw new AwsError('ValidationError', `Metrics cannot be checked across more than ${longest / 86_400} day(s) (EvaluationPeriods * Period must be <= `
      + `${longest}, got ${periodSeconds * evaluationPeriods})`);
  }
  return { rule, queries, returned: returned[0].id, periodSeconds };
}

function singleMetric(input: JsonObject): Json {
  if ((input.Statistic === undefined) === (input.ExtendedStatistic === undefined)) {
    throw new AwsError('ValidationError', 'Exactly one of Statistic and ExtendedStatistic is needed');
  }
  const unit = optionalString(input, 'Unit');
  return {
    Id: 'm1',
    MetricStat: {
      Metric: { Namespace: string(input, 'Namespace'), MetricName: string(input, 'MetricName'), Dimensions: array(input.Dimensions, 'Dimensions') },
      Period: number(input, 'Period'),
      Stat: optionalString(input, 'Statistic') ?? string(input, 'ExtendedStatistic'),
      ...(unit !== undefined && { Unit: unit }),
    },
  };
}
