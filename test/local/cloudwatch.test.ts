import {
  CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmHistoryCommand, DescribeAlarmHistoryCommandInput, DescribeAlarmHistoryCommandOutput,
  DescribeAlarmsCommand, DisableAlarmActionsCommand, GetMetricDataCommand, GetMetricStatisticsCommand,
  ListMetricsCommand, PutCompositeAlarmCommand, PutMetricAlarmCommand, PutMetricAlarmCommandInput, PutMetricDataCommand, SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  aws_cloudwatch as cloudwatch, aws_events as events, aws_events_targets as targets,
  aws_sqs as sqs, CfnOutput, Duration, Stack,
} from 'aws-cdk-lib';
import { Clouds, START } from './cloud-support';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { CloudWatch } from '../../examples/local/cloudwatch/cloudwatch';

const TOPIC = 'arn:aws:sns:eu-central-1:111122223333:alerts';
const clouds = new Clouds();
let cloud: LocalCloud;
const client = (): CloudWatchClient => cloud.client(CloudWatchClient);
const minutes = async (count: number): Promise<void> => cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + count * 60_000));
const put = async (value: number, endpoint = 'a', name = 'Errors'): Promise<unknown> => client().send(new PutMetricDataCommand({
  Namespace: 'Test', MetricData: [{ MetricName: name, Value: value, Timestamp: cloud.clock.now(), Dimensions: [{ Name: 'Endpoint', Value: endpoint }] }],
}));
const state = async (name: string): Promise<string | undefined> => {
  const { MetricAlarms, CompositeAlarms } = await client().send(new DescribeAlarmsCommand({ AlarmNames: [name], AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] }));
  return [...MetricAlarms!, ...CompositeAlarms!][0]?.StateValue;
};
const alarm = async (name: string, given: Partial<PutMetricAlarmCommandInput> = {}): Promise<void> => {
  await client().send(new PutMetricAlarmCommand({
    AlarmName: name,
    Namespace: 'Test',
    MetricName: 'Errors',
    Dimensions: [{ Name: 'Endpoint', Value: 'a' }],
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
    ...given,
  }));
};

function build(stack: Stack): void {
  const queue = new sqs.Queue(stack, 'Queue');
  new events.Rule(stack, 'Rule', {
    eventPattern: { source: ['aws.cloudwatch'], detailType: ['CloudWatch Alarm State Change'], detail: { state: { value: ['ALARM'] } } },
    targets: [new targets.SqsQueue(queue)],
  });
  const declared = new cloudwatch.Alarm(stack, 'Declared', {
    alarmName: 'declared',
    threshold: 5,
    evaluationPeriods: 2,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.MISSING,
    metric: new cloudwatch.MathExpression({
      expression: 'IF(n >= 2, s / n, 0)',
      period: Duration.minutes(5),
      usingMetrics: {
        s: new cloudwatch.Metric({ namespace: 'Test', metricName: 'Errors', dimensionsMap: { Endpoint: 'a' }, statistic: 'Sum' }),
        n: new cloudwatch.Metric({ namespace: 'Test', metricName: 'Errors', dimensionsMap: { Endpoint: 'a' }, statistic: 'SampleCount' }),
      },
    }),
  });
  declared.addAlarmAction({ bind: () => ({ alarmActionArn: TOPIC }) });
  new cloudwatch.CompositeAlarm(stack, 'Composite', { compositeAlarmName: 'composite', alarmRule: cloudwatch.AlarmRule.fromAlarm(declared, cloudwatch.AlarmState.ALARM) });
  new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl });
  new CfnOutput(stack, 'QueueArn', { value: queue.queueArn });
}

beforeAll(async () => {
  cloud = await clouds.deploy(build, { standIns: [new CloudWatch()] });
  const { QueueArn } = cloud.outputs.get('Test')!;
  const { TopicArn } = await cloud.client(SNSClient).send(new CreateTopicCommand({ Name: 'alerts' }));
  expect(TopicArn).toBe(TOPIC);
  await cloud.client(SNSClient).send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: QueueArn, Attributes: { RawMessageDelivery: 'true' } }));
});
afterAll(() => clouds.stop());

test('metrics keep exact dimensions and come back by every reading call', async () => {
  await put(1);
  await put(3);
  await put(7, 'b');
  await client().send(new PutMetricDataCommand({
    Namespace: 'Test',
    MetricData: [
      { MetricName: 'Set', StatisticValues: { SampleCount: 4, Sum: 8, Minimum: 1, Maximum: 3 } },
      { MetricName: 'Values', Values: [1, 5], Counts: [3, 1], Unit: 'Count' },
    ],
  }));
  const window = { StartTime: START, EndTime: new Date(START.getTime() + 3_600_000) };
  const Metric = { Namespace: 'Test', MetricName: 'Errors', Dimensions: [{ Name: 'Endpoint', Value: 'a' }] };
  const data = await client().send(new GetMetricDataCommand({
    ...window,
    MetricDataQueries: [
      { Id: 'm', MetricStat: { Metric, Period: 300, Stat: 'Sum' }, ReturnData: false },
      { Id: 'e', Expression: 'm * 10', Label: 'ten' },
    ],
  }));
  expect(data.MetricDataResults).toMatchObject([{ Id: 'e', Label: 'ten', Values: [40], Timestamps: [START] }]);
  const set = await client().send(new GetMetricStatisticsCommand({ ...window, Namespace: 'Test', MetricName: 'Set', Period: 60, Statistics: ['Average', 'Maximum'] }));
  expect(set.Datapoints).toMatchObject([{ Average: 2, Maximum: 3, Timestamp: START }]);
  const values = await client().send(new GetMetricStatisticsCommand({ ...window, Namespace: 'Test', MetricName: 'Values', Period: 60, ExtendedStatistics: ['p50'] }));
  expect(values.Datapoints).toMatchObject([{ ExtendedStatistics: { p50: 1 }, Unit: 'Count' }]);
  const listed = await client().send(new ListMetricsCommand({ Namespace: 'Test', MetricName: 'Errors' }));
  expect(listed.Metrics!.map(({ Dimensions }) => Dimensions![0].Value).sort()).toEqual(['a', 'b']);
});

test('an alarm sees its own dimensions alone, at the next minute, and recovers', async () => {
  await alarm('own');
  await minutes(5);
  expect(await state('own')).toBe('OK');
  await put(9, 'b');
  await minutes(2);
  expect(await state('own')).toBe('OK');
  await put(1);
  expect(await state('own')).toBe('OK');
  await minutes(1);
  expect(await state('own')).toBe('ALARM');
  await minutes(10);
  expect(await state('own')).toBe('OK');
  await client().send(new DeleteAlarmsCommand({ AlarmNames: ['own'] }));
  expect(await state('own')).toBeUndefined();
});

test('M of N counts points, not minutes in a row', async () => {
  await alarm('m-of-n', { EvaluationPeriods: 5, DatapointsToAlarm: 3 });
  const seen: (string | undefined)[] = [];
  for (const value of [1, 0, 1, 0, 1, 0, 0, 0]) {
    await put(value);
    await minutes(1);
    seen.push(await state('m-of-n'));
  }
  expect(seen).toEqual(['OK', 'OK', 'OK', 'OK', 'ALARM', 'OK', 'OK', 'OK']);
});

test('missing data: insufficient after the evaluation range, or what the alarm says', async () => {
  await Promise.all([alarm('missing', { TreatMissingData: 'missing' }), alarm('ignore', { TreatMissingData: 'ignore' }), alarm('breaching', { TreatMissingData: 'breaching' })]);
  await put(2);
  await minutes(1);
  for (const name of ['missing', 'ignore', 'breaching']) expect([name, await state(name)]).toEqual([name, 'ALARM']);
  await put(0);
  await minutes(1);
  for (const name of ['missing', 'ignore', 'breaching']) expect([name, await state(name)]).toEqual([name, 'OK']);
  // The last point is looked back to for two more periods.
  await minutes(2);
  for (const name of ['missing', 'ignore', 'breaching']) expect([name, await state(name)]).toEqual([name, 'OK']);
  await minutes(1);
  expect([await state('missing'), await state('ignore'), await state('breaching')]).toEqual(['INSUFFICIENT_DATA', 'OK', 'ALARM']);
});

test('a declared alarm on metric math, its topic, its event and the composite on it', async () => {
  await minutes(60);
  for (let round = 0; round < 10; round += 1) {
    await put(10);
    await put(20);
    await minutes(1);
  }
  expect([await state('declared'), await state('composite')]).toEqual(['ALARM', 'ALARM']);
  const { QueueUrl } = cloud.outputs.get('Test')!;
  const bodies: Record<string, unknown>[] = [];
  for (;;) {
    const { Messages = [] } = await cloud.client(SQSClient).send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) break;
    bodies.push(...Messages.map(({ Body }) => JSON.parse(Body!) as Record<string, unknown>));
  }
  expect(bodies.find((body) => 'AlarmName' in body)).toMatchObject({
    AlarmName: 'declared', NewStateValue: 'ALARM', Trigger: { Threshold: 5, EvaluationPeriods: 2 },
  });
  expect(bodies.find((body) => (body.detail as Record<string, unknown> | undefined)?.alarmName === 'declared')).toMatchObject({
    'source': 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    'detail': { state: { value: 'ALARM' }, configuration: { metrics: expect.arrayContaining([expect.objectContaining({ expression: 'IF(n >= 2, s / n, 0)' })]) } },
  });
});

test('a state set by hand lasts until the next evaluation; composites follow; disabled actions are silent', async () => {
  await minutes(60);
  await alarm('by-hand');
  await client().send(new PutCompositeAlarmCommand({ AlarmName: 'both', AlarmRule: 'ALARM("by-hand") AND NOT ALARM(declared)' }));
  await client().send(new DisableAlarmActionsCommand({ AlarmNames: ['by-hand'] }));
  await minutes(5);
  expect([await state('by-hand'), await state('both')]).toEqual(['OK', 'OK']);
  await client().send(new SetAlarmStateCommand({ AlarmName: 'by-hand', StateValue: 'ALARM', StateReason: 'test' }));
  expect([await state('by-hand'), await state('both')]).toEqual(['ALARM', 'ALARM']);
  await minutes(1);
  expect([await state('by-hand'), await state('both')]).toEqual(['OK', 'OK']);
  await expect(client().send(new DeleteAlarmsCommand({ AlarmNames: ['by-hand'] }))).rejects.toThrow(/composite/);
});

test('large bodies that the SDK compresses are read', async () => {
  const MetricData = Array.from({ length: 900 }, (_, index) => ({ MetricName: `Long name of a metric number ${index}`, Value: index }));
  await client().send(new PutMetricDataCommand({ Namespace: 'Large', MetricData }));
  const { Metrics } = await client().send(new ListMetricsCommand({ Namespace: 'Large' }));
  expect(Metrics).toHaveLength(500);
});

test('the history of an alarm tells each change of its state, also those that did not last, and those of alarms that are gone', async () => {
  const since = cloud.clock.now();
  await alarm('remembered', { TreatMissingData: 'notBreaching' });
  await client().send(new PutCompositeAlarmCommand({ AlarmName: 'either', AlarmRule: 'ALARM("remembered")' }));
  await minutes(2);
  const fired = cloud.clock.now();
  for (const StateValue of ['ALARM', 'OK'] as const) {
    await client().send(new SetAlarmStateCommand({ AlarmName: 'remembered', StateValue, StateReason: `now ${StateValue}` }));
  }
  await client().send(new DeleteAlarmsCommand({ AlarmNames: ['either', 'remembered'] }));
  const history = async (input: Partial<DescribeAlarmHistoryCommandInput>) => (client().send(new DescribeAlarmHistoryCommand({
    HistoryItemType: 'StateUpdate', StartDate: since, ...input,
  })));
  const changes = ({ AlarmHistoryItems }: DescribeAlarmHistoryCommandOutput) => (AlarmHistoryItems ?? []).map(({ HistoryData, Timestamp }) => {
    const { oldState, newState } = JSON.parse(HistoryData!);
    return [oldState.stateValue, newState.stateValue, newState.stateReason, Timestamp!.getTime() - fired.getTime()];
  });
  expect(changes(await history({ AlarmName: 'remembered', StartDate: fired, ScanBy: 'TimestampAscending' })))
    .toEqual([['OK', 'ALARM', 'now ALARM', 0], ['ALARM', 'OK', 'now OK', 0]]);
  expect(changes(await history({ AlarmName: 'remembered' })).map(([, to]) => to)).toEqual(['OK', 'ALARM', 'OK']);
  expect(changes(await history({ AlarmName: 'either' }))).toEqual([]);
  expect(changes(await history({ AlarmName: 'either', AlarmTypes: ['CompositeAlarm'] })).map(([, to]) => to)).toContain('ALARM');
  const first = await history({ AlarmName: 'remembered', MaxRecords: 2 });
  expect(changes(first)).toHaveLength(2);
  expect(changes(await history({ AlarmName: 'remembered', MaxRecords: 2, NextToken: first.NextToken }))).toHaveLength(1);
  await expect(history({ StartDate: fired, EndDate: since })).rejects.toThrow(/StartDate/);
  await expect(history({ HistoryItemType: 'Action' })).rejects.toThrow(/StateUpdate/);
});

test('what is not supported or not allowed is an error that names it', async () => {
  await expect(alarm('x', { Period: 10 })).rejects.toThrow(/high resolution/);
  await expect(alarm('x', { AlarmActions: ['arn:aws:ssm:eu-central-1:1:opsitem:1'] })).rejects.toThrow(/opsitem/);
  await expect(alarm('x', { Period: 3600, EvaluationPeriods: 200 })).rejects.toThrow(/604800/);
  await expect(alarm('x', { EvaluateLowSampleCountPercentile: 'ignore' })).rejects.toThrow(/EvaluateLowSampleCountPercentile/);
  await expect(client().send(new PutMetricDataCommand({ Namespace: 'AWS/SageMaker', MetricData: [] }))).rejects.toThrow(/reserved/);
});
