import { AlarmState } from './alarm-evaluation';
import { alarmName } from './composite-rule';
import { integer, oneOf, only, optionalString, seconds, strings, time } from './shape';
import { AwsError, JsonObject, Unsupported } from '../cloud/types';

/** One change of an alarm's state. */
export interface StateChange {
  readonly at: Date;
  readonly alarm: string;
  readonly composite: boolean;
  readonly from: AlarmState;
  readonly fromReason: string;
  readonly to: AlarmState;
  readonly reason: string;
}

/** What is kept of alarms: their changes of state. CloudWatch keeps changes of settings and actions as well. */
export function describeHistory(changes: readonly StateChange[], input: JsonObject): JsonObject {
  only(input, 'DescribeAlarmHistory', ['AlarmName', 'AlarmTypes', 'HistoryItemType', 'StartDate', 'EndDate', 'MaxRecords', 'NextToken', 'ScanBy']);
  if (input.HistoryItemType !== 'StateUpdate') throw new Unsupported('DescribeAlarmHistory of anything but StateUpdate');
  const name = optionalString(input, 'AlarmName');
  // Unless asked for, composite alarms are left out, as CloudWatch does.
  const types = input.AlarmTypes === undefined ? ['MetricAlarm'] : strings(input.AlarmTypes, 'AlarmTypes');
  const [from, until] = [input.StartDate === undefined ? -Infinity : time(input, 'StartDate'), input.EndDate === undefined ? Infinity : time(input, 'EndDate')];
  if (from > until) throw new AwsError('ValidationError', 'StartDate must not be after EndDate');
  const found = changes.filter(({ alarm, composite, at }) => (name === undefined || alarm === alarmName(name))
    && types.includes(composite ? 'CompositeAlarm' : 'MetricAlarm') && at.getTime() >= from && at.getTime() <= until);
  const ascending = input.ScanBy !== undefined && oneOf(input, 'ScanBy', ['TimestampAscending', 'TimestampDescending']) === 'TimestampAscending';
  if (!ascending) found.reverse();
  const first = Number(optionalString(input, 'NextToken') ?? 0);
  const page = found.slice(first, first + (input.MaxRecords === undefined ? 100 : integer(input, 'MaxRecords', 1, 100)));
  return {
    AlarmHistoryItems: page.map(describe),
    ...(first + page.length < found.length && { NextToken: String(first + page.length) }),
  };
}

function describe({ at, alarm, composite, from, fromReason, to, reason }: StateChange): JsonObject {
  return {
    AlarmName: alarm,
    AlarmType: composite ? 'CompositeAlarm' : 'MetricAlarm',
    Timestamp: seconds(at.getTime()),
    HistoryItemType: 'StateUpdate',
    HistorySummary: `Alarm updated from ${from} to ${to}`,
    HistoryData: JSON.stringify({
      version: '1.0', oldState: { stateValue: from, stateReason: fromReason }, newState: { stateValue: to, stateReason: reason },
    }),
  };
}
