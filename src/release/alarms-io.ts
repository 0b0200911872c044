import { CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { FleetAlarm } from './canary-plan';

const cloudwatch = new CloudWatchClient({});

export interface AlarmNow {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  /** When it came into this state. */
  readonly since?: string;
}

export async function describeAlarms(names: readonly string[]): Promise<AlarmNow[]> {
  if (names.length === 0) return [];
  const answer = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [...names], AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] }));
  return [...answer.MetricAlarms ?? [], ...answer.CompositeAlarms ?? []].map((alarm) => ({
    name: alarm.AlarmName ?? '',
    state: alarm.StateValue ?? 'INSUFFICIENT_DATA',
    reason: alarm.StateReason ?? '',
    since: (alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp)?.toISOString(),
  }));
}

export function isFiring(alarm: AlarmNow): boolean {
  return alarm.state === 'ALARM';
}

/** Alarms that are firing, in words. */
export function inWords(alarms: readonly AlarmNow[]): string {
  return alarms.map(({ name, reason }) => `alarm ${name} is firing${reason === '' ? '' : ` (${reason})`}`).join('; ');
}

export async function putAlarms(alarms: readonly FleetAlarm[]): Promise<void> {
  for (const alarm of alarms) await cloudwatch.send(new PutMetricAlarmCommand({ ...alarm, Dimensions: [...alarm.Dimensions] }));
}

/** Deletes those of the alarms that are there: asking for one that is not fails the whole call. */
export async function deleteAlarms(names: readonly string[]): Promise<void> {
  const there = (await describeAlarms(names)).map(({ name }) => name);
  if (there.length > 0) await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: there }));
}
