import {
  ApplicationAutoScalingClient, DeleteScalingPolicyCommand, PutScalingPolicyCommand, PutScheduledActionCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { Duration } from 'aws-cdk-lib';
import { ENDPOINT, GUARD, QUALITY, ShiftWorld } from './shift-world';
import { TrafficShift } from '../../../src';

const OWN = 'cdk-mlops-invocations';
const [SMALL, LARGE] = ['ml.m5.large', 'ml.m5.xlarge'];
const resource = {
  ServiceNamespace: 'sagemaker', ResourceId: `endpoint/${ENDPOINT}/variant/AllTraffic`, ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
} as const;
const minute = Duration.minutes(1);
const forSmall = { minCapacity: 2, maxCapacity: 6, invocationsPerInstance: 4, scaleInCooldown: minute, scaleOutCooldown: minute };
const forLarge = { ...forSmall, maxCapacity: 8, invocationsPerInstance: 8 };

let world: ShiftWorld;
beforeAll(async () => {
  world = await ShiftWorld.start(({ endpoint, changed, release, guard, quality }) => {
    const small = endpoint({ autoscaling: forSmall });
    // what a later version of the stack asks for
    const large = changed(small, 'Large', { instanceType: LARGE, autoscaling: forLarge });
    const grown = changed(small, 'Grown', { instanceType: LARGE, autoscaling: { ...forLarge, minCapacity: 5 } });
    const unscaled = changed(small, 'Unscaled', { instanceType: SMALL });
    const shift = TrafficShift.canaryInstances(1, Duration.minutes(10));
    const watch = { window: Duration.hours(1), alarms: [quality] };
    release('ToSmall', small, { shift, alarms: [guard], watch });
    release('ToLarge', large, { shift, alarms: [guard], watch });
    release('ToGrown', grown, { shift: TrafficShift.allAtOnce() });
    release('ToUnscaled', unscaled, { shift: TrafficShift.allAtOnce() });
  });
  expect(await world.release('ToSmall')).toMatchObject({ outcome: 'production' });
});
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

const scaling = (): ApplicationAutoScalingClient => world.cloud.client(ApplicationAutoScalingClient);

test('the first release registers what the stack asks for, and the fleet follows its load', async () => {
  expect(await world.scaling()).toEqual({ bounds: [2, 6], policies: { [OWN]: 4 }, schedules: [] });
  expect(await world.serving()).toMatchObject({ instances: 2, type: SMALL });
  expect(await world.ask(6, 16)).toBe(0);
  expect(await world.serving()).toMatchObject({ instances: 4 });
});

test('a release keeps the fleet and its scaling', async () => {
  const { instances } = await world.serving();
  expect(await world.release('ToSmall')).toMatchObject({ outcome: 'production' });
  expect(await world.serving()).toMatchObject({ instances, type: SMALL });
  expect(await world.scaling()).toEqual({ bounds: [2, 6], policies: { [OWN]: 4 }, schedules: [] });
});

test('where the instance type changes the fleet keeps its size, and is scaled as the new type asks for, beside what others have set up', async () => {
  await scaling().send(new PutScalingPolicyCommand({
    ...resource,
    PolicyName: 'theirs',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 1000, PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' }, DisableScaleIn: true,
    },
  }));
  await scaling().send(new PutScheduledActionCommand({
    ...resource, ScheduledActionName: 'mornings', Schedule: 'cron(0 6 * * ? *)', StartTime: new Date('2014-01-01T00:00:00Z'), ScalableTargetAction: { MinCapacity: 3 },
  }));
  const { instances } = await world.serving();
  const { version, ended } = await world.start('ToLarge');
  await world.until(() => world.shareOf(version) > 0);
  expect((await world.scaling()).bounds).toEqual([]);
  expect(await ended()).toMatchObject({ outcome: 'production' });
  expect(await world.serving()).toMatchObject({ instances, type: LARGE });
  expect(await world.scaling()).toEqual({ bounds: [2, 8], policies: { [OWN]: 8, theirs: 1000 }, schedules: ['mornings'] });
  // and it lives
  await world.ask(8, 48);
  expect((await world.serving()).instances).toBe(6);
});

const AS_LARGE = { bounds: [2, 8], policies: { [OWN]: 8, theirs: 1000 }, schedules: ['mornings'] };

test('an alarm while traffic moves: SageMaker goes back, and the scaling with it', async () => {
  const before = await world.serving();
  const { version, ended } = await world.start('ToSmall');
  await world.until(() => world.shareOf(version) > 0);
  expect((await world.scaling()).bounds).toEqual([]);
  await world.setAlarm(GUARD, 'ALARM');
  expect(await ended()).toMatchObject({ outcome: 'rolled-back', reason: expect.stringContaining(`alarm ${GUARD}`) as string });
  expect(await world.serving()).toEqual(before);
  expect(await world.scaling()).toEqual(AS_LARGE);
});

test('an alarm on quality once all traffic has moved: back to the other type, with the fleet and the scaling that it had', async () => {
  const before = await world.serving();
  const { version, ended } = await world.start('ToSmall');
  await world.until(async () => (await world.serving()).config.includes(version.replaceAll('.', '-')));
  await world.minutes(3);
  expect(await world.scaling()).toEqual({ ...AS_LARGE, bounds: [2, 6], policies: { [OWN]: 4, theirs: 1000 } });
  await world.setAlarm(QUALITY, 'ALARM');
  expect(await ended()).toMatchObject({ outcome: 'rolled-back', endpointConfigName: before.config });
  expect(await world.serving()).toEqual(before);
  expect(await world.scaling()).toEqual(AS_LARGE);
});

test('what an operator changes between two releases is not undone by one that did not start', async () => {
  await scaling().send(new DeleteScalingPolicyCommand({ ...resource, PolicyName: 'theirs' }));
  await world.setAlarm(GUARD, 'ALARM');
  expect(await world.release('ToSmall')).toMatchObject({ outcome: 'rolled-back', reason: expect.stringContaining('not started') as string });
  expect(await world.scaling()).toEqual({ ...AS_LARGE, policies: { [OWN]: 8 } });
  await world.minutes(2);
});

test('step scaling, which alarms call by a name that would be another one, is not torn off', async () => {
  await scaling().send(new PutScalingPolicyCommand({
    ...resource,
    PolicyName: 'steps',
    PolicyType: 'StepScaling',
    StepScalingPolicyConfiguration: { AdjustmentType: 'ChangeInCapacity', StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }] },
  }));
  const before = await world.serving();
  expect(await world.release('ToSmall')).toMatchObject({
    outcome: 'rolled-back', reason: expect.stringMatching(/^not started: the instance type changes from ml.m5.xlarge to ml.m5.large, .* step scaling steps/) as string,
  });
  expect(await world.serving()).toEqual(before);
  expect(await world.release('ToLarge')).toMatchObject({ outcome: 'production' });
  expect((await world.scaling()).policies).toEqual({ [OWN]: 8, steps: 0 });
  await scaling().send(new DeleteScalingPolicyCommand({ ...resource, PolicyName: 'steps' }));
});

test('a fleet below the new bounds grows with the release', async () => {
  await world.ask(40, 1);
  expect((await world.serving()).instances).toBe(2);
  expect(await world.release('ToGrown')).toMatchObject({ outcome: 'production' });
  expect(await world.serving()).toMatchObject({ instances: 5, type: LARGE });
  expect((await world.scaling()).bounds).toEqual([5, 8]);
});

test('a stack that scales no more takes its policy off, and leaves what is others\'', async () => {
  expect(await world.release('ToUnscaled')).toMatchObject({ outcome: 'production' });
  expect(await world.serving()).toMatchObject({ instances: 5, type: SMALL });
  expect(await world.scaling()).toEqual({ bounds: [5, 8], policies: {}, schedules: ['mornings'] });
});
