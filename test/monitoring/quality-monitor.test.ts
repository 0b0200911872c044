import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { FakeBucket } from './fake-bucket';
import { QualityMonitor, QualityMonitorProps } from '../../src/monitoring/quality-monitor';
import { handler as reportHandler } from '../../src/monitoring/report-degradation.lambda';
import { ModelEndpoint } from '../../src/serving/model-endpoint';
import { synthesizeUnderNag } from '../support/nag';

const synthesize = (props: Partial<QualityMonitorProps> = {}, use: (monitor: QualityMonitor) => void = () => undefined): Template => {
  const stack = new Stack(new App(), 'Stack');
  const endpoint = new ModelEndpoint(stack, 'Endpoint', { endpointName: 'houses' });
  use(new QualityMonitor(stack, 'Quality', { endpoint, alerts: sns.Topic.fromTopicArn(stack, 'Alerts', 'arn:aws:sns:eu-central-1:111122223333:alerts'), ...props }));
  return Template.fromStack(stack);
};

test.each([[1, 'cron(15 * * * ? *)'], [6, 'cron(15 0/6 * * ? *)'], [24, 'cron(15 0 * * ? *)']])('evaluates every %d hours', (hours, expression) => {
  synthesize({ every: Duration.hours(hours), evaluationPeriods: 1 }).hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: expression,
    Targets: [Match.objectLike({ InputTransformer: { InputPathsMap: { time: '$.time' }, InputTemplate: '{"time":<time>}' } })],
  });
});

test('three alarms look at the production variant, whatever version is behind it', () => {
  const template = synthesize();
  const dimensions = [{ Name: 'Endpoint', Value: 'houses' }, { Name: 'Variant', Value: 'AllTraffic' }];
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    Namespace: 'cdk-mlops',
    MetricName: 'RMSERatio',
    Dimensions: dimensions,
    Threshold: 1.5,
    EvaluationPeriods: 3,
    DatapointsToAlarm: 2,
    Period: 3600,
    TreatMissingData: 'missing',
    AlarmActions: ['arn:aws:sns:eu-central-1:111122223333:alerts'],
    OKActions: Match.anyValue(),
  });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    MetricName: 'LabelCoverage',
    Dimensions: dimensions,
    Threshold: 0.5,
    ComparisonOperator: 'LessThanThreshold',
    TreatMissingData: 'notBreaching',
    AlarmActions: ['arn:aws:sns:eu-central-1:111122223333:alerts'],
  });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    MetricName: 'SampleCount', Statistic: 'SampleCount', InsufficientDataActions: ['arn:aws:sns:eu-central-1:111122223333:alerts'],
  });
});

test('alarms tell nobody where there is no topic', () => {
  Object.values(synthesize({ alerts: undefined }).findResources('AWS::CloudWatch::Alarm'))
    .forEach(({ Properties }) => expect(Properties).not.toHaveProperty('AlarmActions'));
});

test('the dashboard finds versions that do not exist yet', () => {
  const [dashboard] = Object.values(synthesize().findResources('AWS::CloudWatch::Dashboard'));
  const body = (dashboard.Properties.DashboardBody['Fn::Join'][1] as unknown[]).map((part) => typeof part === 'string' ? part : 'x').join('');
  const { widgets } = JSON.parse(body) as { widgets: { properties: { metrics?: { expression?: string }[][] } }[] };
  const expressions = widgets.flatMap(({ properties }) => (properties.metrics ?? []).map(([metric]) => metric.expression))
    .filter((expression) => expression !== undefined);
  expect(expressions).toEqual(['MSE', 'RMSE', 'MAE', 'R2', 'SampleCount', 'LabelCoverage']
    .map((metric) => `SEARCH('{"cdk-mlops",Endpoint,Variant,ModelVersion} MetricName="${metric}" Endpoint="houses"', 'Average', 3600)`));
});

test('metrics are those that are published', () => {
  synthesize({ every: Duration.hours(2) }, (monitor) => {
    expect(monitor.metricOfVersion('RMSE', 'V1.4.2')).toMatchObject({
      namespace: 'cdk-mlops', metricName: 'RMSE', dimensions: { Endpoint: 'houses', Variant: 'AllTraffic', ModelVersion: 'V1.4.2' }, period: Duration.hours(2),
    });
    expect(monitor.metricRmseRatio({ label: 'ratio' })).toMatchObject({ metricName: 'RMSERatio', label: 'ratio' });
    expect(monitor.metricSampleCount()).toMatchObject({ metricName: 'SampleCount' });
    expect(monitor.metricLabelCoverage()).toMatchObject({ metricName: 'LabelCoverage' });
  });
});

test('fails with all wrong properties in one error', () => {
  expect(() => synthesize({
    every: Duration.hours(5),
    labelDelay: Duration.days(9),
    maxLabelDelay: Duration.days(8),
    rmseRatioLimit: 0,
    minSamples: 0,
    evaluationPeriods: 2,
    datapointsToAlarm: 3,
    minLabelCoverage: 2,
  })).toThrow(/1\. every must be 1, 2, 3[^]*2\. labelDelay must not exceed maxLabelDelay[^]*3\. rmseRatioLimit[^]*4\. minSamples[^]*5\. minLabelCoverage[^]*6\. datapointsToAlarm/);
  expect(() => synthesize({ every: Duration.hours(24), evaluationPeriods: 8 })).toThrow(/at most 7 days.*got 8/);
  expect(() => synthesize({ labelDelay: Duration.minutes(90) })).toThrow(/labelDelay must be whole hours/);
});

test('cdk-nag finds nothing, with the defaults and with everything given', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/1');
    const alerts = sns.Topic.fromTopicArn(stack, 'Alerts', 'arn:aws:sns:eu-central-1:111122223333:alerts');
    new QualityMonitor(stack, 'Plain', { endpoint: new ModelEndpoint(stack, 'Endpoint') });
    new QualityMonitor(stack, 'Full', { endpoint: new ModelEndpoint(stack, 'Other', { endpointName: 'other' }), encryptionKey, alerts });
  })).not.toThrow();
});

describe('an alarm', () => {
  process.env.SETTINGS = JSON.stringify({ bucketName: 'observed', endpointName: 'houses', productionVariant: 'AllTraffic' });
  process.env.EVENT_BUS = 'default';
  const change = { time: '2026-11-20T10:20:00Z', detail: { alarmName: 'houses-quality', state: { value: 'ALARM', reason: 'Threshold Crossed' } } };
  const bridge = mockClient(EventBridgeClient);

  test('becomes the event QualityDegraded, with figures', async () => {
    const bucket = new FakeBucket();
    bridge.reset();
    bridge.on(PutEventsCommand).resolves({ Entries: [{ EventId: '1' }] });
    bucket.objects.set('quality/latest/houses.json', JSON.stringify({
      to: '', report: '', recent: {}, serving: { AllTraffic: { version: 'V1.1.0', rmse: 8.4261, acceptedRmse: 4.1, ratio: 2.0551, samples: 204 } },
    }));
    await reportHandler(change);
    const [entry] = bridge.commandCalls(PutEventsCommand)[0].args[0].input.Entries ?? [];
    expect(entry).toMatchObject({ Source: 'cdk-mlops', DetailType: 'QualityDegraded', EventBusName: 'default' });
    expect(JSON.parse(entry.Detail ?? '')).toEqual({
      endpoint: 'houses',
      version: 'V1.1.0',
      alarm: 'houses-quality',
      time: '2026-11-20T10:20:00Z',
      reason: 'over the last 204 labels the RMSE of V1.1.0 is 8.426, 2.055 times the 4.100 with which it was accepted',
    });
  });

  test('says what CloudWatch says where there is no report', async () => {
    new FakeBucket();
    bridge.on(PutEventsCommand).resolves({ Entries: [{ EventId: '1' }] });
    expect(await reportHandler(change)).toMatchObject({ version: 'unknown', reason: 'Threshold Crossed' });
  });

  test('that the bus does not take is an error', async () => {
    new FakeBucket();
    bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'again' }] });
    await expect(reportHandler(change)).rejects.toThrow('InternalFailure again');
  });
});
