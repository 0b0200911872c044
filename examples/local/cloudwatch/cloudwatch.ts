import { gunzipSync } from 'node:zlib';
import { AlarmBook } from './alarm-book';
import { AlarmState } from './alarm-evaluation';
import { describeHistory } from './alarm-history';
import { MetricApi } from './metric-api';
import { MetricStore, Series } from './metric-store';
import { oneOf, only, optionalNumber, optionalString, string, strings } from './shape';
import { physicalName } from '../cloud/names';
import { Call, Cloud, Deployed, JsonObject, Resource, Service, StandIn, Unsupported } from '../cloud/types';

/** CloudWatch's metrics and alarms, on the local clock. */
export class CloudWatch implements StandIn {
  readonly describes = [{
    service: 'CloudWatch',
    by: 'metrics and alarms of its own: exact dimensions, M of N, missing data, metric math, composite rules, evaluated on the local clock',
  }];
  readonly services: Service[] = [{ scopes: ['monitoring'], handle: async (call) => this.answer(call) }];
  readonly provisioners = [
    { types: ['AWS::CloudWatch::Alarm'], create: async (resource: Resource) => this.createAlarm(resource, 'metric'), delete: async (_: Resource, { ref }: Deployed) => this.alarms.delete([ref]) },
    { types: ['AWS::CloudWatch::CompositeAlarm'], create: async (resource: Resource) => this.createAlarm(resource, 'composite'), delete: async (_: Resource, { ref }: Deployed) => this.alarms.delete([ref]) },
  ];
  private readonly store = new MetricStore();
  private started?: { alarms: AlarmBook; metrics: MetricApi };

  async start(cloud: Cloud): Promise<void> {
    this.started = { alarms: new AlarmBook(cloud, this.store), metrics: new MetricApi(this.store, cloud.clock) };
  }

  async stop(): Promise<void> {
    this.started?.alarms.stop();
  }

  get alarms(): AlarmBook {
    return this.running().alarms;
  }

  /** A metric that another stand-in writes to in its process, `AWS/` namespaces included. */
  series(namespace: string, name: string, dimensions: Record<string, string>, unit = 'None'): Series {
    const series = this.store.of(namespace, name, dimensions);
    series.units.add(unit);
    return series;
  }

  put(namespace: string, name: string, dimensions: Record<string, string>, value: number, at: Date, unit?: string): void {
    this.series(namespace, name, dimensions, unit).add(at.getTime(), value);
  }

  private running(): { alarms: AlarmBook; metrics: MetricApi } {
    if (this.started === undefined) throw new Error('CloudWatch has not been started');
    return this.started;
  }

  private answer(call: Call): JsonObject {
    const { alarms, metrics } = this.running();
    // The SDK compresses large PutMetricData bodies, which whoever decodes JSON by the target header may not expect.
    const input = call.headers['content-encoding'] === 'gzip' && Object.keys(call.input).length === 0
      ? JSON.parse(gunzipSync(call.body).toString()) as JsonObject : call.input;
    switch (call.operation) {
      case 'PutMetricData': return metrics.putMetricData(input);
      case 'GetMetricData': return metrics.getMetricData(input);
      case 'GetMetricStatistics': return metrics.getMetricStatistics(input);
      case 'ListMetrics': return metrics.listMetrics(input);
      case 'PutMetricAlarm': return this.nothing(alarms.put(input, 'metric'));
      case 'PutCompositeAlarm': return this.nothing(alarms.put(input, 'composite'));
      case 'DescribeAlarms': return this.describeAlarms(input);
      case 'DeleteAlarms': return this.nothing(alarms.delete(strings(input.AlarmNames, 'AlarmNames')));
      case 'SetAlarmState': {
        only(input, 'SetAlarmState', ['AlarmName', 'StateValue', 'StateReason', 'StateReasonData']);
        const state: AlarmState = oneOf(input, 'StateValue', ['OK', 'ALARM', 'INSUFFICIENT_DATA']);
        return this.nothing(alarms.setState(string(input, 'AlarmName'), state, string(input, 'StateReason'), optionalString(input, 'StateReasonData')));
      }
      case 'EnableAlarmActions': case 'DisableAlarmActions': {
        for (const name of strings(input.AlarmNames, 'AlarmNames')) alarms.get(name).actionsEnabled = call.operation === 'EnableAlarmActions';
        return {};
      }
      case 'DescribeAlarmHistory': return describeHistory(alarms.history, input);
      default: throw new Unsupported(`cloudwatch:${call.operation}`);
    }
  }

  private describeAlarms(input: JsonObject): JsonObject {
    only(input, 'DescribeAlarms', ['AlarmNames', 'AlarmNamePrefix', 'AlarmTypes', 'StateValue', 'MaxRecords', 'NextToken']);
    const names = input.AlarmNames === undefined ? undefined : strings(input.AlarmNames, 'AlarmNames');
    const prefix = optionalString(input, 'AlarmNamePrefix') ?? '';
    // Unless asked for, composite alarms are left out, as CloudWatch does.
    const types = input.AlarmTypes === undefined ? ['MetricAlarm'] : strings(input.AlarmTypes, 'AlarmTypes');
    const found = this.alarms.all().filter((alarm) => (names === undefined || names.includes(alarm.name)) && alarm.name.startsWith(prefix)
      && types.includes(alarm.composite ? 'CompositeAlarm' : 'MetricAlarm')
      && (input.StateValue === undefined || alarm.state === input.StateValue));
    const from = Number(optionalString(input, 'NextToken') ?? 0);
    const page = found.slice(from, from + (optionalNumber(input, 'MaxRecords') ?? 50));
    return {
      MetricAlarms: page.filter((alarm) => alarm.metric).map((alarm) => alarm.describe()),
      CompositeAlarms: page.filter((alarm) => alarm.composite).map((alarm) => alarm.describe()),
      ...(from + page.length < found.length && { NextToken: String(from + page.length) }),
    };
  }

  private nothing(_: unknown): JsonObject {
    return {};
  }

  private createAlarm(resource: Resource, kind: 'metric' | 'composite'): Deployed {
    const alarm = this.alarms.put({ AlarmName: physicalName(resource, 255), ...resource.properties }, kind);
    return { ref: alarm.name, attributes: { Arn: alarm.arn } };
  }
}
