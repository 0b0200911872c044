import {
  ApplicationAutoScalingClient, DeleteScalingPolicyCommand, DeregisterScalableTargetCommand, DescribeScalableTargetsCommand,
  DescribeScalingPoliciesCommand, DescribeScheduledActionsCommand, PutScalingPolicyCommand, PutScheduledActionCommand, RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { leaveConfig, readScaling, scaleAgain, scaleNew } from '../../src/staging/scaling-io';
import { calledByAlarms, OWN_POLICY, RegisteredScaling, ScaledVariant, ScalingSettings } from '../../src/staging/scaling-plan';

const wish: ScalingSettings = {
  minCapacity: 2, maxCapacity: 8, invocationsPerInstance: 100, scaleInCooldownSeconds: 300, scaleOutCooldownSeconds: 60,
};
const variant: ScaledVariant = { endpointName: 'shop', variantName: 'AllTraffic', bucketName: 'observations' };
const theirs = { PolicyName: 'theirs', PolicyType: 'TargetTrackingScaling' };
const other = (name: string, message = name) => Object.assign(new Error(message), { name });

/** What is registered, behind mocked clients. */
let live: RegisteredScaling | undefined;
let notes: Map<string, string>;
/** Whether the next change is refused. */
let refused = false;
const orRefuse = () => {
  if (!refused) return;
  refused = false;
  throw other('ThrottlingException');
};
const scaling = mockClient(ApplicationAutoScalingClient);
const s3 = mockClient(S3Client);

beforeEach(() => {
  live = undefined;
  notes = new Map();
  scaling.reset();
  s3.reset();
  scaling.on(DescribeScalableTargetsCommand).callsFake(() => ({ ScalableTargets: live === undefined ? [] : [live] }));
  scaling.on(DescribeScalingPoliciesCommand).callsFake(() => ({ ScalingPolicies: live?.policies ?? [] }));
  scaling.on(DescribeScheduledActionsCommand).callsFake(() => ({
    ScheduledActions: (live?.scheduled ?? []).map(({ StartTime, ...action }) => ({
      ...action, ...(StartTime === undefined ? {} : { StartTime: new Date(StartTime) }),
    })),
  }));
  scaling.on(RegisterScalableTargetCommand).callsFake(({ MinCapacity, MaxCapacity, SuspendedState }) => {
    live = { policies: [], scheduled: [], ...live, MinCapacity, MaxCapacity, ...(SuspendedState === undefined ? {} : { SuspendedState }) };
  });
  scaling.on(DeregisterScalableTargetCommand).callsFake(() => {
    orRefuse();
    if (live === undefined) throw other('ObjectNotFoundException');
    live = undefined;
  });
  scaling.on(PutScalingPolicyCommand).callsFake(({ ServiceNamespace, ResourceId, ScalableDimension, ...policy }) => {
    orRefuse();
    live = { ...live!, policies: [...live!.policies.filter(({ PolicyName }) => PolicyName !== policy.PolicyName), policy] };
  });
  scaling.on(DeleteScalingPolicyCommand).callsFake(({ PolicyName }) => {
    live = { ...live!, policies: live!.policies.filter((policy) => policy.PolicyName !== PolicyName) };
  });
  scaling.on(PutScheduledActionCommand).callsFake(({ ServiceNamespace, ResourceId, ScalableDimension, StartTime, ...action }) => {
    live = { ...live!, scheduled: [...live!.scheduled, { ...action, ...(StartTime === undefined ? {} : { StartTime: StartTime.toISOString() }) }] };
  });
  s3.on(PutObjectCommand).callsFake(({ Key, Body }) => void notes.set(Key, Body));
  s3.on(GetObjectCommand).callsFake(({ Key }) => {
    if (!notes.has(Key)) throw other('NoSuchKey');
    return { Body: { transformToString: async () => notes.get(Key) } };
  });
});
afterAll(() => [scaling, s3].forEach((client) => client.restore()));

const registered = (change: Partial<RegisteredScaling> = {}): RegisteredScaling => ({
  MinCapacity: 2, MaxCapacity: 4, policies: [theirs], scheduled: [], ...change,
});

describe('an endpoint that leaves a config', () => {
  test('keeps its scaling where the instance type stays', async () => {
    live = registered();
    await leaveConfig(variant, 'a', false);
    expect(live).toEqual(registered());
  });

  test('is deregistered where it changes, and is scaled again as before once it is back', async () => {
    const before = registered({
      SuspendedState: { ScheduledScalingSuspended: true },
      scheduled: [{ ScheduledActionName: 'mornings', Schedule: 'cron(0 6 * * ? *)', StartTime: '2014-01-01T00:00:00.000Z' }],
    });
    live = before;
    await leaveConfig(variant, 'a', true);
    expect(live).toBeUndefined();
    await scaleAgain(variant, 'a');
    expect(await readScaling(variant)).toEqual(before);
  });

  test('may do so twice, each time with half of it done', async () => {
    live = registered();
    refused = true;
    await expect(leaveConfig(variant, 'a', true)).rejects.toThrow('ThrottlingException');
    await leaveConfig(variant, 'a', true);
    await leaveConfig(variant, 'a', true);
    expect(live).toBeUndefined();
    refused = true;
    await expect(scaleAgain(variant, 'a')).rejects.toThrow('ThrottlingException');
    await scaleAgain(variant, 'a');
    await scaleAgain(variant, 'a');
    expect(await readScaling(variant)).toEqual(registered());
  });

  test('has what was changed since it came back', async () => {
    live = registered();
    await leaveConfig(variant, 'a', true);
    await scaleAgain(variant, 'a');
    live = registered({ MaxCapacity: 20 });
    await scaleAgain(variant, 'a');
    expect(live).toEqual(registered({ MaxCapacity: 20 }));
    await leaveConfig(variant, 'a', true);
    await scaleAgain(variant, 'a');
    expect(await readScaling(variant)).toEqual(registered({ MaxCapacity: 20 }));
  });

  test('is scaled for no less than now, however long ago it left', async () => {
    live = registered();
    await leaveConfig(variant, 'a', false);
    live = registered({ MinCapacity: 4, MaxCapacity: 12, policies: [] });
    await scaleAgain(variant, 'a');
    expect(live).toEqual(registered({ MinCapacity: 4, MaxCapacity: 12 }));
  });

  test('is not scaled again where somebody stopped that between two releases', async () => {
    live = registered();
    await leaveConfig(variant, 'a', true);
    await scaleAgain(variant, 'a');
    live = undefined;
    await leaveConfig(variant, 'a', true);
    await scaleAgain(variant, 'a');
    expect(live).toBeUndefined();
  });

  test('reads no note where S3 does not say whether there is one', async () => {
    s3.on(GetObjectCommand).rejects(other('AccessDenied'));
    await scaleAgain(variant, 'a');
    expect(live).toBeUndefined();
    s3.on(GetObjectCommand).rejects(other('SlowDown'));
    await expect(scaleAgain(variant, 'a')).rejects.toThrow('SlowDown');
  });
});

describe('a new config', () => {
  const own = expect.objectContaining({
    PolicyName: OWN_POLICY, TargetTrackingScalingPolicyConfiguration: expect.objectContaining({ TargetValue: 100, ScaleOutCooldown: 60 }),
  });

  test('is not scaled where nobody asks for it', async () => {
    await scaleNew(variant, null);
    expect(live).toBeUndefined();
  });

  test('is scaled as its owner wishes, beside what others have set up', async () => {
    live = registered();
    await leaveConfig(variant, 'a', true);
    await scaleNew({ ...variant, autoscaling: wish }, 'a');
    await scaleNew({ ...variant, autoscaling: wish }, 'a');
    expect(live).toMatchObject({ MinCapacity: 2, MaxCapacity: 8, policies: [theirs, own] });
  });

  test('is scaled as before where its owner has no wish', async () => {
    live = registered();
    await leaveConfig(variant, 'a', true);
    await scaleNew(variant, 'a');
    expect(await readScaling(variant)).toEqual(registered());
  });

  test('is scaled no more once its owner wishes it no more, unless others do', async () => {
    await scaleNew({ ...variant, autoscaling: wish }, null);
    expect(live).toMatchObject({ policies: [own] });
    await scaleNew(variant, 'a');
    expect(live).toBeUndefined();
    live = registered();
    await scaleNew({ ...variant, autoscaling: wish }, null);
    await scaleNew(variant, 'a');
    expect(live).toMatchObject({ MaxCapacity: 8, policies: [theirs] });
  });

  test('that is taken back before anybody was scaled leaves what its owner wishes', async () => {
    await leaveConfig(variant, 'a', true);
    await scaleNew({ ...variant, autoscaling: wish }, 'a');
    await scaleAgain({ ...variant, autoscaling: wish }, 'a');
    expect(live).toMatchObject({ MaxCapacity: 8, policies: [own] });
  });
});

test('step scaling is what alarms call', () => {
  expect(calledByAlarms(undefined)).toEqual([]);
  expect(calledByAlarms(registered({ policies: [theirs, { PolicyName: 'steps', PolicyType: 'StepScaling' }] }))).toEqual(['steps']);
});
