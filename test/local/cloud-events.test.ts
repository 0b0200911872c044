import { readFileSync } from 'fs';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  aws_events as events, aws_events_targets as targets, aws_lambda as lambda, aws_scheduler as scheduler,
  aws_scheduler_targets as schedulerTargets, aws_sns as sns, aws_sns_subscriptions as subscriptions, aws_stepfunctions as sfn, Duration,
} from 'aws-cdk-lib';
import { Clouds, only, START } from './cloud-support';
import { Notifications } from '../../examples/local/cloud/notifications';
import { schedule } from '../../examples/local/cloud/schedule';
import { StepFunctions } from '../../examples/local/cloud/step-functions';

const clouds = new Clouds();
afterAll(() => clouds.stop());

const MINUTE = 60_000;
const later = (minutes: number) => new Date(START.getTime() + minutes * MINUTE);

test('rules and schedules start functions and state machines on the clock', async () => {
  const cloud = await clouds.deploy((stack) => {
    const machine = new sfn.StateMachine(stack, 'Machine', { definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Pass(stack, 'Pass')) });
    new events.Rule(stack, 'Hourly', { schedule: events.Schedule.rate(Duration.hours(1)), targets: [new targets.SfnStateMachine(machine)] });
    new events.Rule(stack, 'Cron', {
      schedule: events.Schedule.cron({ minute: '30', hour: '1' }),
      targets: [new targets.SfnStateMachine(machine, { input: events.RuleTargetInput.fromObject({ cron: events.EventField.time }) })],
    });
    new scheduler.Schedule(stack, 'Schedule', {
      schedule: scheduler.ScheduleExpression.rate(Duration.hours(2)),
      target: new schedulerTargets.StepFunctionsStartExecution(machine, {
        input: scheduler.ScheduleTargetInput.fromObject({ scheduled: scheduler.ContextAttribute.scheduledTime }),
      }),
    });
  });
  await cloud.clock.advanceTo(later(125));
  await cloud.clock.settle();
  const inputs = [...cloud.find(StepFunctions).executions.values()].map(({ input, started, status }) => ({
    at: started.toISOString(), input: JSON.parse(input) as unknown, status,
  }));
  expect(inputs).toMatchObject([
    { at: later(60).toISOString(), input: { 'detail-type': 'Scheduled Event', 'time': '2013-03-01T01:00:00Z', 'source': 'aws.events' }, status: 'SUCCEEDED' },
    { at: later(90).toISOString(), input: { cron: '2013-03-01T01:30:00Z' } },
    { at: later(120).toISOString(), input: { scheduled: '2013-03-01T02:00:00Z' } },
    { at: later(120).toISOString(), input: { time: '2013-03-01T02:00:00Z' } },
  ]);
  expect(cloud.faults).toEqual([]);
});

test('a failing function is tried again on the clock, and then its event goes to the topic of failures, whose mail is a line', async () => {
  const cloud = await clouds.deploy((stack) => {
    const topic = new sns.Topic(stack, 'Topic');
    topic.addSubscription(new subscriptions.EmailSubscription('team@example.com'));
    const code = lambda.Code.fromInline('exports.handler = async () => { throw new TypeError("broken"); };');
    const failing = new lambda.Function(stack, 'Failing', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code, timeout: Duration.seconds(30) });
    failing.configureAsyncInvoke({
      onFailure: { bind: () => ({ destination: topic.topicArn }) }, retryAttempts: 2,
    });
    new events.Rule(stack, 'Rule', { eventPattern: { source: ['cdk-mlops'] }, targets: [new targets.LambdaFunction(failing)] });
  });
  const put = { Source: 'cdk-mlops', DetailType: 'Any', Detail: '{"a":1}', Time: new Date('2013-02-28T12:00:00Z') };
  await cloud.client(EventBridgeClient).send(new PutEventsCommand({ Entries: [put] }));
  await cloud.clock.advanceTo(later(2));
  expect(cloud.find(Notifications).mails).toEqual([]);
  await cloud.clock.advanceTo(later(3));
  await cloud.client(SNSClient).send(new PublishCommand({ TopicArn: only(cloud, 'AWS::SNS::Topic').ref, Subject: 'by hand', Message: 'plain' }));
  await cloud.clock.settle();
  const mails = readFileSync(cloud.find(Notifications).file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { at: string; message: string });
  expect(mails).toMatchObject([{ at: later(3).toISOString() }, { subject: 'by hand', message: 'plain' }]);
  expect(JSON.parse(mails[0].message)).toMatchObject({
    requestPayload: { 'time': '2013-02-28T12:00:00Z', 'detail-type': 'Any', 'detail': { a: 1 } },
    requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
    responsePayload: { errorType: 'TypeError', errorMessage: 'broken' },
  });
});

test('schedule expressions', () => {
  const from = new Date('2013-03-01T10:07:30Z');
  const next = (expression: string) => schedule(expression, START)(from)?.toISOString();
  expect(next('rate(15 minutes)')).toBe('2013-03-01T10:15:00.000Z');
  expect(next('cron(0/20 * * * ? *)')).toBe('2013-03-01T10:20:00.000Z');
  expect(next('cron(0 6 ? * MON-FRI *)')).toBe('2013-03-04T06:00:00.000Z');
  expect(next('cron(0 0 29 2 ? *)')).toBe('2016-02-29T00:00:00.000Z');
  expect(next('at(2013-03-01T10:08:00)')).toBe('2013-03-01T10:08:00.000Z');
  expect(next('at(2013-03-01T10:00:00)')).toBeUndefined();
  expect(() => next('cron(0 0 L * ? *)')).toThrow('"L" in a cron expression');
  expect(() => next('every day')).toThrow('every day');
});
