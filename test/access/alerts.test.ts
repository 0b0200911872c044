import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Alerts, AlertsProps } from '../../src/access/alerts';
import { synthesizeUnderNag } from '../support/nag';
import { MlopsPlatform } from 'cdk-mlops';

const synthesize = (props: AlertsProps = {}): Template => {
  const stack = new Stack(new App(), 'Stack');
  new Alerts(stack, 'Alerts', props);
  return Template.fromStack(stack);
};

test('the topic is encrypted by a key that alarms and events may use', () => {
  const template = synthesize();
  template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
  template.hasResourceProperties('AWS::KMS::Key', {
    EnableKeyRotation: true,
    KeyPolicy: {
      Statement: Match.arrayWith([Match.objectLike({
        Sid: 'AlarmsAndEvents',
        Principal: { Service: ['cloudwatch.amazonaws.com', 'events.amazonaws.com'] },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      })]),
    },
  });
});

test('a key that is given is let be used too', () => {
  const stack = new Stack(new App(), 'Stack');
  new Alerts(stack, 'Alerts', { encryptionKey: new kms.Key(stack, 'Key') });
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::KMS::Key', 1);
  template.hasResourceProperties('AWS::KMS::Key', { KeyPolicy: { Statement: Match.arrayWith([Match.objectLike({ Sid: 'AlarmsAndEvents' })]) } });
});

interface Rule { readonly Properties: { EventPattern: { 'source': string[]; 'detail-type': string[]; 'detail'?: object }; Targets: { InputTransformer: Transformer }[] } }
interface Transformer { readonly InputPathsMap: Record<string, string>; readonly InputTemplate: string }

const details: Record<string, Record<string, string>> = {
  ModelRejected: { time: 'T', model: 'Houses', stage: 'gate', reason: 'RMSE 12.1 is over 9', commit: 'c0ffee', dataset: 'd1' },
  ShadowVerdict: { time: 'T', version: 'V1.1.0', champion: 'V1.0.0', endpoint: 'houses', decision: 'reject', reason: 'worse by 12 %' },
  ReleaseRejected: { time: 'T', endpoint: 'houses', account: 'V1.1.0 was rejected: worse by 12 %. Made of …' },
  ReleaseRolledBack: { time: 'T', version: 'V1.1.0', endpoint: 'houses', endpointConfigName: 'houses-1', account: 'V1.1.0 was rolled back: alarm. Made of …' },
  ApprovalRequested: {
    time: 'T', version: 'V1.1.0', endpoint: 'houses', author: 'Ada', hook: 'four eyes', until: 'tomorrow', url: 'https://x.on.aws/', account: 'V1.1.0 is in staging: …',
  },
  QualityDegraded: { time: 'T', endpoint: 'houses', reason: 'RMSE doubled', alarm: 'a' },
};

test.each(Object.entries(details))('%s is told in words', (type, detail) => {
  const rules = Object.values(synthesize().findResources('AWS::Events::Rule')) as Rule[];
  const [rule, ...others] = rules.filter(({ Properties }) => Properties.EventPattern['detail-type'].includes(type));
  expect(others).toEqual([]);
  expect(rule.Properties.EventPattern.source).toEqual(['cdk-mlops']);
  const { InputPathsMap, InputTemplate } = rule.Properties.Targets[0].InputTransformer;
  const told = JSON.parse(Object.entries(InputPathsMap).reduce((text, [name, path]) =>
    text.split(`<${name}>`).join(detail[path.replace('$.detail.', '')] ?? 'MISSING'), InputTemplate)) as string;
  expect(told).not.toMatch(/MISSING|[<>]/);
  for (const value of Object.values(detail)) expect(told).toContain(value);
});

test('of verdicts only those are told that keep a model out, and that no release tells of', () => {
  synthesize().hasResourceProperties('AWS::Events::Rule', { EventPattern: { detail: { decision: ['reject', 'inconclusive'], release: [{ exists: false }] } } });
});

test('addresses that are given get every alert', () => {
  synthesize({ emails: ['a@example.com', 'b@example.com'] }).resourceCountIs('AWS::SNS::Subscription', 2);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => new Alerts(stack, 'Alerts', { emails: ['a@example.com'] }))).not.toThrow();
});

test('an event that could not be handed on is told of', () => {
  const stack = new Stack(new App(), 'Stack');
  new MlopsPlatform(stack, 'Mlops');
  const template = Template.fromStack(stack);
  const [router] = Object.keys(template.findResources('AWS::StepFunctions::StateMachine'));
  const metric = (name: string) => Match.objectLike({
    MetricStat: { Metric: { Namespace: 'AWS/States', MetricName: name, Dimensions: [{ Name: 'StateMachineArn', Value: { Ref: router } }] }, Period: 300, Stat: 'Sum' },
  });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
    AlarmActions: [{ Ref: Match.stringLikeRegexp('^MlopsAlertsTopic') }],
    Metrics: Match.arrayWith([metric('ExecutionsFailed'), metric('ExecutionsTimedOut')]),
  });
});
