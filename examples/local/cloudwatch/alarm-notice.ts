import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { Alarm } from './alarm';
import { AlarmState } from './alarm-evaluation';
import { array, object } from './shape';
import { Cloud, JsonObject } from '../cloud/types';

/** What an alarm was before a change of state. */
export interface Before {
  readonly state: AlarmState;
  readonly reason: string;
  readonly since: Date;
}

/** Tells the world of an alarm's new state: the EventBridge event, then the actions. */
export async function announce(cloud: Cloud, alarm: Alarm, before: Before): Promise<void> {
  await cloud.emit('aws.cloudwatch', 'CloudWatch Alarm State Change', eventDetail(alarm, before), [alarm.arn]);
  if (!alarm.actionsEnabled) return;
  const message = JSON.stringify(notification(cloud, alarm, before));
  for (const arn of alarm.actions(alarm.state)) {
    if (arn.includes(':sns:')) {
      const Subject = `${alarm.state}: "${alarm.name}" in ${cloud.region}`.slice(0, 100);
      await cloud.client(SNSClient).send(new PublishCommand({ TopicArn: arn, Subject, Message: message }));
    } else {
      const alarmData = eventDetail(alarm, before);
      await cloud.deliver(arn, { source: 'aws.cloudwatch', alarmArn: alarm.arn, time: stamp(alarm.stateSince), alarmData });
    }
  }
}

const stamp = (date: Date): string => date.toISOString().replace('Z', '+0000');

function eventDetail(alarm: Alarm, before: Before): JsonObject {
  const { input } = alarm;
  return {
    alarmName: alarm.name,
    state: {
      value: alarm.state,
      reason: alarm.reason,
      ...(alarm.reasonData !== undefined && { reasonData: alarm.reasonData }),
      timestamp: stamp(alarm.stateSince),
    },
    previousState: { value: before.state, reason: before.reason, timestamp: stamp(before.since) },
    configuration: {
      ...(input.AlarmDescription !== undefined && { description: input.AlarmDescription }),
      ...(alarm.composite ? { alarmRule: input.AlarmRule } : { metrics: metricsOf(alarm) }),
    },
  };
}

function metricsOf(alarm: Alarm): JsonObject[] {
  return (alarm.metric?.queries.queries ?? []).map((query) => ({
    id: query.id,
    returnData: query.returned,
    ...(query.expression !== undefined && { expression: query.expression.text, label: query.label }),
    ...(query.metric !== undefined && {
      metricStat: {
        metric: { namespace: query.metric.series.namespace, name: query.metric.series.name, dimensions: query.metric.series.dimensions },
        period: query.metric.periodSeconds,
        stat: query.metric.stat,
      },
    }),
  }));
}

function notification(cloud: Cloud, alarm: Alarm, before: Before): JsonObject {
  const { input, metric } = alarm;
  return {
    AlarmName: alarm.name,
    AlarmDescription: input.AlarmDescription ?? null,
    AWSAccountId: cloud.account,
    AlarmConfigurationUpdatedTimestamp: stamp(alarm.configured),
    NewStateValue: alarm.state,
    NewStateReason: alarm.reason,
    StateChangeTime: stamp(alarm.stateSince),
    Region: cloud.region,
    AlarmArn: alarm.arn,
    OldStateValue: before.state,
    OKActions: alarm.actions('OK'),
    AlarmActions: alarm.actions('ALARM'),
    InsufficientDataActions: alarm.actions('INSUFFICIENT_DATA'),
    ...(alarm.composite && { AlarmRule: input.AlarmRule }),
    ...(metric && {
      Trigger: {
        ...(input.Metrics === undefined
          ? {
            MetricName: input.MetricName,
            Namespace: input.Namespace,
            ...(input.Statistic !== undefined ? { StatisticType: 'Statistic', Statistic: String(input.Statistic).toUpperCase() }
              : { StatisticType: 'ExtendedStatistic', ExtendedStatistic: input.ExtendedStatistic }),
            Unit: input.Unit ?? null,
            Dimensions: array(input.Dimensions, 'Dimensions').map((item) => {
              const { Name, Value } = object(item, 'Dimensions[]');
              return { name: Name, value: Value };
            }),
          }
          : { Metrics: input.Metrics }),
        Period: metric.periodSeconds,
        EvaluationPeriods: metric.rule.evaluationPeriods,
        DatapointsToAlarm: metric.rule.datapointsToAlarm,
        ComparisonOperator: metric.rule.comparison,
        Threshold: metric.rule.threshold,
        TreatMissingData: metric.rule.missingData,
      },
    }),
  };
}
