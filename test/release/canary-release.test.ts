import { App, Duration, Stack, Token } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { ownPrefix } from '../../src/domain/release-names';
import { CanaryRelease, CanaryReleaseProps } from '../../src/release/canary-release';
import { TrafficShift } from '../../src/release/traffic-shift';
import { ModelEndpoint, ModelEndpointAttributes } from '../../src/serving/model-endpoint';
import { importedEndpoint } from '../staging/imported';
import { synthesizeUnderNag } from '../support/nag';

const alarms = (stack: Stack, count: number) => Array.from({ length: count }, (_, i) =>
  cloudwatch.Alarm.fromAlarmArn(stack, `Alarm${i}`, `arn:aws:cloudwatch:eu-central-1:111122223333:alarm:mine-${i}`));
type Endpoint = Omit<Partial<ModelEndpointAttributes>, 'executionRole' | 'observations'>;
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
          Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:cloudwatch:eu-central-1:111122223333:alarm:${ownPrefix('Temperature')}*`]] },
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

  const scaled = (minCapacity: number, maxCapacity: number) => ({ autoscaling: { minCapacity, maxCapacity, invocationsPerInstance: 100 } });

  test.each<[string, (stack: Stack) => Partial<CanaryReleaseProps>, Endpoint, string]>([
    ['a canary on a fleet that may shrink to one instance', () => ({ shift: TrafficShift.canary(50, minutes(5)) }), scaled(1, 4),
      'with autoscaling\'s minCapacity of 1, a canary shift needs at least 2 instances, got 1'],
    ['a canary that is more than half of the smallest fleet', () => ({ shift: TrafficShift.canaryInstances(2, minutes(5)) }), scaled(2, 8),
      'with autoscaling\'s minCapacity of 2, the canary must be at most 50 % of the capacity, got 2 of 2 instances (100 %)'],
    ['steps that are less than a tenth of the largest fleet', () => ({ shift: TrafficShift.linearInstances(1, minutes(5)) }), scaled(2, 20),
      'with autoscaling\'s maxCapacity of 20, a linear step must be at least 10 % of the capacity, got 1 of 20 instances (5 %)'],
    ['waits of more than eight hours, whatever the fleet', () => ({ shift: TrafficShift.linear(10, minutes(60)) }), { instanceCount: Token.asNumber({ Ref: 'Count' }) },
      '10 steps wait 36000 seconds in all, which must stay below the deployment\'s limit of 28800 seconds'],
    ['a canary on instances that take none', () => ({ shift: TrafficShift.canary(50, minutes(5)) }), { instanceType: 'ml.inf1.xlarge' }, '\'ml.inf1.xlarge\' all at once'],
    ['a serverless variant', () => ({}), { serverless: true }, 'the endpoint\'s production variant is serverless'],
    ['an endpoint\'s name that is too long', () => ({}), { endpointName: 'e'.repeat(64) }, '1 to 63 letters, digits and single inner hyphens, got \'eeee'],
    ['a wait of half a second', () => ({ shift: TrafficShift.allAtOnce(Duration.millis(1500)) }), {}, '0 to 3600 seconds, got 1.5'],
    ['a latency beyond what a model is given', () => ({ maxLatencyP95: minutes(2) }), {}, 'the 60000 ms that SageMaker gives a model to answer, got 120000 ms'],
    ['looks that are rarer than the window is long', (stack) => ({ watch: { window: minutes(10), every: minutes(11), alarms: alarms(stack, 1) } }), {},
      'watch.every must not be longer than the window of 10 minutes, got 11 minutes'],
    ['too many alarms to watch', (stack) => ({ watch: { window: minutes(10), alarms: alarms(stack, 101) } }), {}, 'watch.alarms must be 1 to 100 alarms, got 101'],
    ['an alarm\'s name that is too long', (stack) => ({
      alarms: [cloudwatch.Alarm.fromAlarmArn(stack, 'Long', `arn:aws:cloudwatch:eu-central-1:111122223333:alarm:${'a'.repeat(256)}`)],
    }), {}, 'alarms: the name of an alarm has 1 to 255 characters, got 256'],
  ])('fails for %s', (_, props, endpoint, problem) => expect(() => make(props, endpoint)).toThrow(problem));

  test.each<[string, Endpoint, string]>([
    ['names of variants', { productionVariantName: 'a_b', shadowVariantName: 'v'.repeat(64) }, 'productionVariantName must be 1 to 63 letters, digits and single inner hyphens, got \'a_b\''],
    ['names of variants that are too long', { shadowVariantName: 'v'.repeat(64) }, 'which has 64'],
    ['variants of one name', { productionVariantName: 'Shadow' }, 'different names, got \'Shadow\' for both'],
    ['bounds that hold nothing', { instanceCount: 3, ...scaled(4, 3) }, 'autoscaling.maxCapacity must be at least minCapacity, which is 4, got 3'],
    ['a fleet outside of its bounds', { instanceCount: 9, ...scaled(2, 8) }, 'instanceCount must be within autoscaling\'s 2 to 8 instances, got 9'],
    ['no instances', scaled(0, 8), 'autoscaling.minCapacity must be a whole number of at least 1, got 0'],
    ['burstable instances', { instanceType: 'ml.t2.medium', ...scaled(2, 8) }, 'no burstable instance types, got \'ml.t2.medium\''],
    ['a serverless variant that is to be scaled', { serverless: true, ...scaled(2, 8) }, 'a serverless variant has none'],
  ])('an endpoint with %s fails', (_, endpoint, problem) => expect(() => make(() => ({}), endpoint)).toThrow(problem));

  test('an endpoint fails with everything that is wrong in one error', () => {
    expect(() => new ModelEndpoint(new Stack(new App(), 'Stack'), 'Endpoint', {
      endpointName: 'a_b', instanceType: 't2.medium', instanceCount: 1.5, autoscaling: { minCapacity: 0, maxCapacity: -1, invocationsPerInstance: 0 },
    })).toThrow(/1\. endpointName[^]*2\. instanceType[^]*3\. instanceCount[^]*4\. .*minCapacity[^]*5\. .*maxCapacity[^]*6\. .*got -1[^]*7\. .*invocationsPerInstance/);
  });

  test('an endpoint that is scaled starts with its least capacity, and is shifted at once where that is one instance', () => {
    const endpoint = new ModelEndpoint(new Stack(new App(), 'Stack'), 'Endpoint', scaled(3, 6));
    expect(endpoint.instanceCount).toBe(3);
    expect(JSON.stringify(make(undefined, { instanceCount: 2, ...scaled(1, 4) }).toJSON())).toContain('allAtOnce');
  });

  test('a window that is shorter than the usual time between two looks has one look', () => {
    expect(() => make((stack) => ({ watch: { window: minutes(2), alarms: alarms(stack, 1) } }))).not.toThrow();
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
