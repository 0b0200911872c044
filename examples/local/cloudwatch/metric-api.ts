import { checkPeriod, dimensionsOf, MetricQueries } from './metric-query';
import { MetricStore } from './metric-store';
import { array, number, object, only, optionalNumber, optionalString, seconds, string, strings, time } from './shape';
import { checkStatistic, statistic } from './statistic';
import { AwsError, Clock, Json, JsonObject, Unsupported } from '../cloud/types';

const PAGE = 500;

/** PutMetricData and what reads metrics back. */
export class MetricApi {
  constructor(private readonly store: MetricStore, private readonly clock: Clock) {}

  putMetricData(input: JsonObject): JsonObject {
    only(input, 'PutMetricData', ['Namespace', 'MetricData']);
    const namespace = string(input, 'Namespace');
    if (namespace.startsWith('AWS/')) throw new AwsError('InvalidParameterValue', `The value ${namespace} for parameter Namespace is invalid: AWS/ is reserved.`);
    const data = array(input.MetricData, 'MetricData');
    if (data.length > 1000) throw new AwsError('InvalidParameterValue', `MetricData must have at most 1000 items, got ${data.length}`);
    for (const item of data) this.put(namespace, object(item, 'MetricData[]'));
    return {};
  }

  getMetricData(input: JsonObject): JsonObject {
    only(input, 'GetMetricData', ['MetricDataQueries', 'StartTime', 'EndTime', 'ScanBy', 'NextToken']);
    const queries = new MetricQueries(array(input.MetricDataQueries, 'MetricDataQueries'), this.store);
    const results = queries.queries.filter((query) => query.returned).map((query) => {
      const periodSeconds = queries.periodSeconds(query.id);
      const starts = grid(input, periodSeconds);
      const points = queries.points(query.id, starts, periodSeconds)
        .flatMap((value, index) => (value === undefined ? [] : [{ at: starts[index], value }]));
      if (input.ScanBy !== 'TimestampAscending') points.reverse();
      return {
        Id: query.id,
        Label: query.label,
        StatusCode: 'Complete',
        Timestamps: points.map(({ at }) => seconds(at)),
        Values: points.map(({ value }) => value),
      };
    });
    return { MetricDataResults: results, Messages: [] };
  }

  getMetricStatistics(input: JsonObject): JsonObject {
    only(input, 'GetMetricStatistics', ['Namespace', 'MetricName', 'Dimensions', 'StartTime', 'EndTime', 'Period', 'Statistics', 'ExtendedStatistics', 'Unit']);
    const series = this.store.of(string(input, 'Namespace'), string(input, 'MetricName'), dimensionsOf(input.Dimensions));
    const periodSeconds = checkPeriod(number(input, 'Period'));
    const plain = strings(input.Statistics, 'Statistics');
    const extended = strings(input.ExtendedStatistics, 'ExtendedStatistics');
    [...plain, ...extended].forEach(checkStatistic);
    const datapoints = grid(input, periodSeconds).flatMap((start): Json[] => {
      const summary = series.window(start, start + periodSeconds * 1000);
      if (summary === undefined) return [];
      const values = (names: string[]): [string, number][] => names.flatMap((name) => {
        const value = statistic(summary, name);
        return value === undefined ? [] : [[name, value]];
      });
      return [{
        Timestamp: seconds(start),
        Unit: [...series.units][0] ?? 'None',
        ...Object.fromEntries(values(plain)),
        ...(extended.length > 0 && { ExtendedStatistics: Object.fromEntries(values(extended)) }),
      }];
    });
    return { Label: series.name, Datapoints: datapoints };
  }

  listMetrics(input: JsonObject): JsonObject {
    only(input, 'ListMetrics', ['Namespace', 'MetricName', 'Dimensions', 'NextToken']);
    const wanted = array(input.Dimensions, 'Dimensions').map((item) => object(item, 'Dimensions[]'));
    const found = this.store.all().filter((series) => (input.Namespace === undefined || series.namespace === input.Namespace)
      && (input.MetricName === undefined || series.name === input.MetricName)
      && wanted.every(({ Name, Value }) => {
        const value = series.dimensions[String(Name)];
        return value !== undefined && (Value === undefined || value === Value);
      }));
    const from = Number(optionalString(input, 'NextToken') ?? 0);
    return {
      Metrics: found.slice(from, from + PAGE).map((series) => ({
        Namespace: series.namespace,
        MetricName: series.name,
        Dimensions: Object.entries(series.dimensions).map(([Name, Value]) => ({ Name, Value })),
      })),
      ...(found.length > from + PAGE && { NextToken: String(from + PAGE) }),
    };
  }

  private put(namespace: string, datum: JsonObject): void {
    only(datum, 'MetricData[]', ['MetricName', 'Dimensions', 'Timestamp', 'Value', 'Values', 'Counts', 'StatisticValues', 'Unit', 'StorageResolution']);
    const series = this.store.of(namespace, string(datum, 'MetricName'), dimensionsOf(datum.Dimensions));
    const at = datum.Timestamp === undefined ? this.clock.now().getTime() : time(datum, 'Timestamp');
    const age = this.clock.now().getTime() - at;
    if (age > 14 * 86_400_000 || age < -2 * 3_600_000) {
      throw new AwsError('InvalidParameterValue', 'The value for parameter Timestamp must be at most two weeks in the past and two hours in the future');
    }
    if (datum.StorageResolution !== undefined && Number(datum.StorageResolution) !== 60) throw new Unsupported('a StorageResolution other than 60');
    series.units.add(optionalString(datum, 'Unit') ?? 'None');
    if (datum.Value !== undefined) return series.add(at, number(datum, 'Value'));
    if (datum.StatisticValues !== undefined) {
      const set = object(datum.StatisticValues, 'StatisticValues');
      const summary = { count: number(set, 'SampleCount'), sum: number(set, 'Sum'), min: number(set, 'Minimum'), max: number(set, 'Maximum') };
      return series.merge(at, summary);
    }
    const counts = array(datum.Counts, 'Counts');
    array(datum.Values, 'Values').forEach((value, index) => {
      series.add(at, number({ value }, 'value'), optionalNumber({ count: counts[index] ?? 1 }, 'count'));
    });
  }
}

/** Period-aligned window starts in [StartTime, EndTime). */
function grid(input: JsonObject, periodSeconds: number): number[] {
  const period = periodSeconds * 1000;
  const [from, to] = [time(input, 'StartTime'), time(input, 'EndTime')];
  if (from >= to) throw new AwsError('InvalidParameterCombination', 'The parameter StartTime must be less than the parameter EndTime.');
  const first = Math.floor(from / period) * period;
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / period)) }, (_, index) => first + index * period);
}
