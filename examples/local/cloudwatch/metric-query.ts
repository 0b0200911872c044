import { asPoints, Expression, Points } from './metric-math';
import { MetricStore, Series } from './metric-store';
import { array, number, object, only, optionalNumber, optionalString, string } from './shape';
import { checkStatistic, isPercentile, statistic } from './statistic';
import { AwsError, Json, JsonObject, Unsupported } from '../cloud/types';

interface Query {
  readonly id: string;
  readonly label: string;
  readonly returned: boolean;
  readonly metric?: { series: Series; periodSeconds: number; stat: string; unit?: string };
  readonly expression?: Expression;
  readonly periodSeconds?: number;
}

export function dimensionsOf(given: Json | undefined): Record<string, string> {
  return Object.fromEntries(array(given, 'Dimensions').map((item) => {
    const dimension = object(item, 'Dimensions[]');
    return [string(dimension, 'Name'), string(dimension, 'Value')];
  }));
}

/** Periods below a minute need high-resolution metrics, which are not kept. */
export function checkPeriod(seconds: number): number {
  if (!Number.isInteger(seconds) || seconds < 1) throw new AwsError('ValidationError', `Period must be a positive whole number, got ${seconds}`);
  if (seconds % 60 !== 0) throw new Unsupported(`a CloudWatch period of ${seconds} seconds (high resolution)`);
  return seconds;
}

/** MetricDataQueries, ready to be computed over any windows. */
export class MetricQueries {
  readonly queries: Query[];
  private readonly byId: Map<string, Query>;

  constructor(given: Json[], store: MetricStore) {
    this.queries = given.map((item) => parse(object(item, 'MetricDataQueries[]'), store));
    this.byId = new Map(this.queries.map((query) => [query.id, query]));
    if (this.byId.size !== this.queries.length) throw new AwsError('ValidationError', 'The Ids of MetricDataQueries must be unique');
    for (const query of this.queries) {
      for (const id of query.expression?.ids() ?? []) {
        if (!this.byId.has(id)) throw new AwsError('ValidationError', `Unknown id ${id} in expression '${query.expression?.text}'`);
      }
    }
  }

  get series(): Series[] {
    return this.queries.flatMap((query) => query.metric?.series ?? []);
  }

  query(id: string): Query {
    const query = this.byId.get(id);
    if (query === undefined) throw new AwsError('ValidationError', `Unknown id ${id}`);
    return query;
  }

  /** The period of a query's points: its own, or the longest of the metrics below it. */
  periodSeconds(id: string): number {
    const query = this.query(id);
    if (query.metric !== undefined) return query.metric.periodSeconds;
    const below = (query.expression?.ids() ?? []).map((used) => this.periodSeconds(used));
    const metrics = below.length > 0 ? below : this.queries.flatMap((other) => other.metric?.periodSeconds ?? []);
    return query.periodSeconds ?? Math.max(60, ...metrics);
  }

  /** Values of a query in the windows [start, start + period), one for each start. */
  points(id: string, starts: number[], periodSeconds: number): Points {
    const known = new Map<string, Points>();
    const compute = (name: string): Points => {
      const before = known.get(name);
      if (before !== undefined) return before;
      const { metric, expression } = this.query(name);
      const points = metric !== undefined
        ? starts.map((start) => sample(metric, start, periodSeconds))
        : asPoints((expression as Expression).evaluate(compute, raw, starts.length, periodSeconds), starts.length);
      known.set(name, points);
      return points;
    };
    const raw = (): Points[] => this.queries.filter(({ metric }) => metric !== undefined).map((query) => compute(query.id));
    return compute(id);
  }
}

function sample({ series, stat, unit }: NonNullable<Query['metric']>, start: number, periodSeconds: number): number | undefined {
  if (unit !== undefined && series.units.size > 0) {
    if (!series.units.has(unit)) return undefined;
    if (series.units.size > 1) throw new Unsupported(`a Unit filter on ${series.name}, which was put in several units`);
  }
  const summary = series.window(start, start + periodSeconds * 1000, isPercentile(stat));
  return summary && statistic(summary, stat);
}

function parse(given: JsonObject, store: MetricStore): Query {
  only(given, 'a metric data query', ['Id', 'Label', 'ReturnData', 'MetricStat', 'Expression', 'Period', 'AccountId']);
  const id = string(given, 'Id');
  const common = { id, label: optionalString(given, 'Label') ?? id, returned: given.ReturnData !== false, periodSeconds: optionalNumber(given, 'Period') };
  if (given.Expression !== undefined) return { ...common, expression: new Expression(string(given, 'Expression')) };
  const metricStat = object(given.MetricStat, 'MetricStat');
  only(metricStat, 'MetricStat', ['Metric', 'Period', 'Stat', 'Unit']);
  const metric = object(metricStat.Metric, 'Metric');
  only(metric, 'Metric', ['Namespace', 'MetricName', 'Dimensions']);
  const stat = string(metricStat, 'Stat');
  checkStatistic(stat);
  const name = string(metric, 'MetricName');
  return {
    ...common,
    label: optionalString(given, 'Label') ?? name,
    metric: {
      series: store.of(string(metric, 'Namespace'), name, dimensionsOf(metric.Dimensions)),
      periodSeconds: checkPeriod(number(metricStat, 'Period')),
      stat,
      unit: optionalString(metricStat, 'Unit'),
    },
  };
}
