import { ApplicationAutoScalingClient, DescribeScalableTargetsCommand, DescribeScalingPoliciesCommand, PutScalingPolicyCommand, RegisterScalableTargetCommand } from '@aws-sdk/client-application-auto-scaling';
import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { CreateModelCommand, ListEndpointConfigsCommand, ListModelPackageGroupsCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker';
import { aws_s3 as s3, CfnResource, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { lineApp, LOAD_ALARM, QUALITY_ALARM } from './line-app';
import { LineWorld } from './line-world';
import { ownPrefix } from '../../../src/domain/release-names';

let world: LineWorld;
afterEach(() => world.stop());

/** What is captured and trained stays; pauses are short, since they are real. */
function app(stack: Stack): void {
  lineApp(stack);
  for (const child of stack.node.findAll()) {
    if (child instanceof s3.CfnBucket) child.applyRemovalPolicy(RemovalPolicy.RETAIN);
    if (child instanceof CfnResource && child.cfnResourceType === 'Custom::MlopsEndpointCleanup') {
      child.addPropertyOverride('Pause', '0.2');
      child.addPropertyOverride('Settle', '0.2');
    }
  }
}

/** A function that gives up after ten seconds of waiting. */
function impatient(stack: Stack): void {
  app(stack);
  const handler = stack.node.findAll().find((child) => child.node.path === 'Test/Models/Handlers/CleanEndpoint/Resource');
  (handler as CfnResource).addPropertyOverride('Timeout', 40);
}

/** Deletes the stack, and lets time go by meanwhile. */
async function deleteStack(): Promise<void> {
  let ended = false;
  const deletion = world.cloud.deleteStack('Test').finally(() => { ended = true; });
  deletion.catch(() => undefined);
  while (!ended) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await world.cloud.clock.advanceTo(world.in(1 / 30));
  }
  await deletion;
}

const scaling = () => world.cloud.client(ApplicationAutoScalingClient);
const DIMENSION = { ServiceNamespace: 'sagemaker', ScalableDimension: 'sagemaker:variant:DesiredInstanceCount' } as const;

async function scale(endpoint: string): Promise<void> {
  const target = { ...DIMENSION, ResourceId: `endpoint/${endpoint}/variant/AllTraffic` };
  await scaling().send(new RegisterScalableTargetCommand({ ...target, MinCapacity: 2, MaxCapacity: 4 }));
  await scaling().send(new PutScalingPolicyCommand({
    ...target,
    PolicyName: 'load',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 100, PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
    },
  }));
}

/** Names of everything in SageMaker's hosting and registry, of alarms, and of what is scaled. */
async function remains(): Promise<Record<string, string[]>> {
  const { sagemaker } = world;
  const { EndpointConfigs } = await sagemaker.send(new ListEndpointConfigsCommand({}));
  const { Models } = await sagemaker.send(new ListModelsCommand({}));
  const { ModelPackageGroupSummaryList } = await sagemaker.send(new ListModelPackageGroupsCommand({}));
  const { ScalableTargets } = await scaling().send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' }));
  const { ScalingPolicies } = await scaling().send(new DescribeScalingPoliciesCommand({ ServiceNamespace: 'sagemaker' }));
  return {
    endpoints: await world.endpoints(),
    configs: (EndpointConfigs ?? []).map(({ EndpointConfigName }) => EndpointConfigName ?? ''),
    models: (Models ?? []).map(({ ModelName }) => ModelName ?? ''),
    groups: (ModelPackageGroupSummaryList ?? []).map(({ ModelPackageGroupName }) => ModelPackageGroupName ?? ''),
    alarms: await world.alarms(),
    targets: (ScalableTargets ?? []).map(({ ResourceId }) => ResourceId ?? ''),
    policies: (ScalingPolicies ?? []).map(({ PolicyName }) => PolicyName ?? ''),
    executions: [world.out.Release, world.out.Rollback, world.out.Staging, world.out.Canary, world.out.Recovery]
      .flatMap((machine) => world.executions(machine)).filter(({ status }) => status === 'RUNNING').map(({ name }) => name),
  };
}

const NOTHING = { endpoints: [], configs: [], models: [], groups: [], alarms: [], targets: [], policies: [], executions: [] };

const isStaged = async () => (await world.endpoints()).some((name) => name.endsWith('-staging'));
const isShadow = async () => (await world.endpoint())!.shadows === 1;
const isInCanary = async () => (await world.alarms()).length > 2 && (await world.endpoint())!.pending;

test.each<[string, () => Promise<void>]>([
  ['has its staging endpoint made', () => world.until(isStaged)],
  ['is a shadow', () => world.until(isShadow)],
  ['is in its canary', async () => {
    await world.until(isShadow);
    await world.traffic.playUntil(async () => (await world.endpoint())!.shadows === 0, world.in(40));
    await world.until(isInCanary);
  }],
])('a stack that is deleted while a third version %s leaves nothing', async (_, reach) => {
  world = await LineWorld.start(app, { enforce: 'everyone' });
  world.traffic.level = 5;
  await world.publish({ level: 5 });
  await world.merge();
  await world.until(() => !world.releasing);
  await world.merge();
  await world.released();
  await scale('line');
  await world.merge();
  await reach();
  expect((await remains()).executions).not.toEqual([]);

  await deleteStack();
  expect(await remains()).toEqual(NOTHING);
  expect(world.cloud.resources.size).toBe(0);
  await world.cloud.clock.advanceTo(world.in(48));
  expect(await remains()).toEqual(NOTHING);
  expect(world.cloud.faults).toEqual([]);
});

test('an endpoint that changes for longer than a function may wait is named, and the deletion goes on when it is repeated', async () => {
  world = await LineWorld.start(impatient, { enforce: 'everyone' });
  await world.publish({ level: 5 });
  await world.merge();
  await world.until(async () => (await world.endpoint())?.status === 'Creating');
  await expect(world.cloud.deleteStack('Test')).rejects.toThrow(
    /the endpoint line is Creating: SageMaker deletes no endpoint that is changing\. Delete the stack again once it has settled\./);
  expect((await remains()).executions).toEqual([]);
  expect(await world.endpoints()).toEqual(['line']);
  await world.until(async () => (await world.endpoint())?.status === 'InService');
  await deleteStack();
  expect(await remains()).toEqual(NOTHING);
});

test('what is somebody else\'s stays, and a stack in which nothing was released is deleted as well', async () => {
  world = await LineWorld.start(app, { enforce: 'everyone' });
  await world.cloud.client(CloudWatchClient).send(new PutMetricAlarmCommand({
    AlarmName: 'line-errors',
    Namespace: 'AWS/SageMaker',
    MetricName: 'Invocation5XXErrors',
    Dimensions: [{ Name: 'EndpointName', Value: 'line' }],
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
  }));
  const Image = String(world.built().imageUri);
  const called = `${ownPrefix('line')}line-V1-0-0-0123abcd`;
  await world.sagemaker.send(new CreateModelCommand({
    ModelName: called, ExecutionRoleArn: 'arn:aws:iam::111122223333:role/other', PrimaryContainer: { Image },
  }));
  const before = await remains();
  expect(before.models).toEqual([called]);
  await deleteStack();
  expect(await remains()).toEqual({ ...before, groups: [], alarms: before.alarms.filter((name) => ![LOAD_ALARM, QUALITY_ALARM].includes(name)) });
  expect(world.cloud.faults).toEqual([]);
});
