import {
  AlarmHistoryItem, CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmHistoryCommand, DescribeAlarmsCommand, PutMetricAlarmCommand,
} from '@aws-sdk/client-cloudwatch';
import { FleetAlarm } from './canary-plan';
import { AlarmTransition, firedSince, Firing } from '../domain/alarm-history';
import { clientFor } from '../private/model-io';

const cloudwatch = clientFor(CloudWatchClient);
const TYPES: ('MetricAlarm' | 'CompositeAlarm')[] = ['MetricAlarm', 'CompositeAlarm'];
/** `DescribeAlarms` takes so many names, and answers so many. */
const MOST_NAMES = 100;

export interface AlarmNow {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  /** When it came into this state. */
  readonly since?: string;
}

export async function describeAlarms(names: readonly string[]): Promise<AlarmNow[]> {
  const wanted = [...new Set(names)];
  const found: AlarmNow[] = [];
  for (let first = 0; first < wanted.length; first += MOST_NAMES) {
    const answer = await cloudwatch.send(new DescribeAlarmsCommand({
      AlarmNames: wanted.slice(first, first + MOST_NAMES), AlarmTypes: TYPES, MaxRecords: MOST_NAMES,
    }));
    found.push(...[...answer.MetricAlarms ?? [], ...answer.CompositeAlarms ?? []].map((alarm) => ({
      name: alarm.AlarmName ?? '',
      state: alarm.StateValue ?? 'INSUFFICIENT_DATA',
      reason: alarm.StateReason ?? '',
      since: (alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp)?.toISOString(),
    })));
  }
  return found;
}

export function isFiring(alarm: AlarmNow): boolean {
  return alarm.state === 'ALARM';
}

/** Alarms that are firing, in words. */
export function inWords(alarms: readonly AlarmNow[]): string {
  return alarms.map(({ name, reason }) => `alarm ${name} is firing${inBrackets(reason)}`).join('; ');
}

/** The reason, without how many data points it takes, which the alarm itself says. */
function inBrackets(reason: string): string {
  const brief = reason.replace(/ ?\(minimum \d+ datapoints? for [^)]*\)\.?$/, '');
  return brief === '' ? '' : ` (${brief})`;
}

/** Those of the alarms that started to fire since a moment, in words: also where they have cleared since. */
export async function firedInWords(names: readonly string[], moment: number): Promise<string[]> {
  const fired: string[] = [];
  for (const alarm of await describeAlarms(names)) {
    const now = { state: alarm.state, reason: alarm.reason, ...(alarm.since === undefined ? {} : { since: Date.parse(alarm.since) }) };
    const firing = firedSince(moment, now, await transitions(alarm.name, moment));
    if (firing !== undefined) fired.push(firingInWords(alarm.name, firing));
  }
  return fired;
}

function firingInWords(name: string, { at, reason, cleared }: Firing): string {
  return `alarm ${name} ${cleared ? `fired at ${new Date(at).toISOString()} and has cleared since` : 'is firing'}${inBrackets(reason)}`;
}

/** Changes of an alarm's state since a moment. */
async function transitions(name: string, moment: number): Promise<AlarmTransition[]> {
  const found: AlarmTransition[] = [];
  let NextToken: string | undefined;
  do {
    const answer = await cloudwatch.send(new DescribeAlarmHistoryCommand({
      AlarmName: name, AlarmTypes: TYPES, HistoryItemType: 'StateUpdate', StartDate: new Date(moment), MaxRecords: 100, NextToken,
    }));
    found.push(...(answer.AlarmHistoryItems ?? []).map(transition));
    NextToken = answer.NextToken;
  } while (NextToken !== undefined);
  return found;
}

type States = { oldState?: { stateValue?: string }; newState?: { stateValue?: string; stateReason?: string } };

function transition({ Timestamp, HistoryData, HistorySummary }: AlarmHistoryItem): AlarmTransition {
  const { oldState, newState }: States = JSON.parse(HistoryData ?? '{}');
  const summary = /from (\w+) to (\w+)/.exec(HistorySummary ?? '');
  return {
    at: Timestamp?.getTime() ?? 0,
    from: oldState?.stateValue ?? summary?.[1] ?? '',
    to: newState?.stateValue ?? summary?.[2] ?? '',
    reason: newState?.stateReason ?? '',
  };
}

export async function putAlarms(alarms: readonly FleetAlarm[]): Promise<void> {
  for (const alarm of alarms) await cloudwatch.send(new PutMetricAlarmCommand({ ...alarm, Dimensions: [...alarm.Dimensions] }));
}

/** Deletes those of the alarms that are there: asking for one that is not fails the whole call. */
export async function deleteAlarms(names: readonly string[]): Promise<void> {
  const there = (await describeAlarms(names)).map(({ name }) => name);
  if (there.length > 0) await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: there }));
}
