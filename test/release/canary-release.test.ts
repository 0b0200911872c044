import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { CanaryRelease, CanaryReleaseProps } from '../../src/release/canary-release';
import { TrafficShift } from '../../src/release/traffic-shift';
import { importedEndpoint } from '../staging/imported';
import { synthesizeUnderNag } from '../support/nag';

const alarms = (stack: Stack, count: number) => Array.from({ length: count }, (_, i) =>
  cloudwatch.Alarm.fromAlarmArn(stack, `Alarm${i}`, `arn:aws:cloudwatch:eu-central-1:111122223333:alarm:mine-${i}`));
type Endpoint = { endpointName?: string; instanceCount?: number };
const make = (props: (stack: Stack) => Partial<CanaryReleaseProps> = () => ({}), endpoint: Endpoint = {}) => {
  const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
  new CanaryRelease(stack, 'Release', { endpoint: importedEndpoint(stack, endpoint), ...props(stack) });
  return Template.fromStack(stack);
};
const minutes = Duration.minutes;

describe('CanaryRelease', () => {
  test('is one state machine with three functions, logged and traced', () => {
    const template = make();
    template.resourceCountIs('AWS::Lambda::Function', 3);
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true }, TracingConfiguration: { Enabled: true },
    });
  });

  test('cdk-nag finds nothing that is not acknowledged', () => {
    expect(() => synthesizeUnderNag((stack) => {
      const mine = alarms(stack, 2);
      new CanaryRelease(stack, 'Release', { endpoint: importedEndpoint(stack), alarms: mine.slice(1), watch: { window: Duration.hours(1), alarms: mine } });
    })).not.toThrow();
  });

  test('writes alarms of this endpoint only', () => {
    make(undefined, { endpointName: 'Temperature' }).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({
          Action: ['cloudwatch:DeleteAlarms', 'cloudwatch:PutMetricAlarm'],
          Resource: ['arn:aws:cloudwatch:eu-central-1:111122223333:alarm:Temperature*', 'arn:aws:cloudwatch:eu-central-1:111122223333:alarm:temperature*']
            .map((arn) => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, arn.slice('arn:aws'.length)]] })),
        })]),
      },
    });
  });

  test.each<[string, () => TrafficShift, number, string]>([
    ['a canary on one instance', () => TrafficShift.canary(10, minutes(5)), 1, 'needs at least 2 instances, got 1'],
    ['a canary of more than half', () => TrafficShift.canary(51, minutes(5)), 4, 'at most 50 % of the capacity, got 51 %'],
    ['a canary of two of three instances', () => TrafficShift.canaryInstances(2, minutes(5)), 3, 'at most 50 % of the capacity, got 2 of 3 instances'],
    ['linear steps of less than a tenth', () => TrafficShift.linear(9, minutes(5)), 4, 'at least 10 % of the capacity, got 9 %'],
    ['linear steps of less than a tenth in instances', () => TrafficShift.linearInstances(1, minutes(5)), 11, 'at least 10 % of the capacity'],
    ['a wait of more than an hour', () => TrafficShift.canary(10, minutes(61)), 4, '0 to 3600 seconds, got 3660'],
    ['waits of more than eight hours', () => TrafficShift.linear(10, minutes(60)), 4, 'must stay below the deployment\'s limit of 28800 seconds'],
    ['a timeout below the waits', () => TrafficShift.canary(10, minutes(30), { timeout: minutes(20) }), 4, 'limit of 1200 seconds'],
    ['a long termination wait', () => TrafficShift.allAtOnce(minutes(5), { terminationWait: minutes(90) }), 4, '0 to 3600 seconds, got 5400'],
  ])('fails for %s', (_, shift, instanceCount, problem) => {
    expect(() => make(() => ({ shift: shift() }), { instanceCount })).toThrow(problem);
  });

  test.each<[string, TrafficShift, number]>([
    ['half of two instances', TrafficShift.canary(50, minutes(60)), 2],
    ['one of two instances', TrafficShift.canaryInstances(1, minutes(0)), 2],
    ['steps of a tenth', TrafficShift.linear(10, minutes(45)), 10],
    ['everything on one instance', TrafficShift.allAtOnce(), 1],
  ])('takes %s', (_, shift, instanceCount) => {
    expect(() => make(() => ({ shift }), { instanceCount })).not.toThrow();
  });

  test('takes the default shift on one instance, which cannot be split', () => {
    expect(JSON.stringify(make(undefined, { instanceCount: 1 }).toJSON())).toContain('allAtOnce');
    expect(JSON.stringify(make(undefined, { instanceCount: 2 }).toJSON())).toContain('INSTANCE_COUNT');
  });

  test('fails for more than seven alarms, since each release brings three', () => {
    expect(() => make((stack) => ({ alarms: alarms(stack, 8) }))).toThrow('at most 10 alarms, got 11');
    expect(() => make((stack) => ({ alarms: alarms(stack, 7) }))).not.toThrow();
  });

  test('fails with everything that is wrong in one error', () => {
    const build = () => make(() => ({
      shift: TrafficShift.canary(60, minutes(90)),
      maxErrorRate: 1,
      maxLatencyP95: Duration.millis(0),
      watch: { window: Duration.days(31), alarms: [], every: minutes(1) },
    }), { endpointName: 'not_a_name' });
    for (const problem of [
      '60 %', 'got 5400', 'not_a_name', 'maxErrorRate', 'maxLatencyP95', 'watch.window must be 1 minute to 30 days, got 44640', 'got 0', 'look every 45 minutes',
    ]) expect(build).toThrow(problem);
  });
});
