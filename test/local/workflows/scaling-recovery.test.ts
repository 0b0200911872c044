import {
  ApplicationAutoScalingClient, DescribeScalableTargetsCommand, DescribeScalingPoliciesCommand, PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { CreateEndpointConfigCommand, DescribeEndpointConfigCommand, UpdateEndpointCommand } from '@aws-sdk/client-sagemaker';
import { stagesOf } from './line-expectations';
import { LineWorld } from './line-world';

const resource = {
  ServiceNamespace: 'sagemaker', ResourceId: 'endpoint/line/variant/AllTraffic', ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
} as const;

let world: LineWorld;
beforeAll(async () => { world = await LineWorld.inProduction(); });
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

const scaling = async () => {
  const client = world.cloud.client(ApplicationAutoScalingClient);
  const { ScalableTargets } = await client.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' }));
  const { ScalingPolicies } = await client.send(new DescribeScalingPoliciesCommand({ ServiceNamespace: 'sagemaker' }));
  return [
    ...(ScalableTargets ?? []).map(({ MinCapacity, MaxCapacity }) => [MinCapacity, MaxCapacity]),
    ...(ScalingPolicies ?? []).map(({ PolicyName }) => PolicyName),
  ];
};

test('a release that is aborted while it changes the instance type leaves the fleet scaled as it was', async () => {
  // an operator has put production on larger instances, and scales them
  const EndpointConfigName = (await world.endpoint())!.config;
  const { ProductionVariants } = await world.sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName }));
  await world.sagemaker.send(new CreateEndpointConfigCommand({
    EndpointConfigName: 'large', ProductionVariants: ProductionVariants!.map((variant) => ({ ...variant, InstanceType: 'ml.m5.4xlarge' as const })),
  }));
  await world.sagemaker.send(new UpdateEndpointCommand({ EndpointName: 'line', EndpointConfigName: 'large' }));
  await world.until(async () => (await world.endpoint())?.config === 'large');
  const client = world.cloud.client(ApplicationAutoScalingClient);
  await client.send(new RegisterScalableTargetCommand({ ...resource, MinCapacity: 3, MaxCapacity: 5 }));
  await client.send(new PutScalingPolicyCommand({
    ...resource,
    PolicyName: 'theirs',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 1000, PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' }, DisableScaleIn: true,
    },
  }));
  await world.until(async () => (await world.endpoint())?.instances === 3);

  const record = await world.merge();
  await world.traffic.playUntil(async () => stagesOf(await world.version(record.version)).includes('Canary'), world.in(40));
  await world.until(async () => (await scaling()).length === 0);
  await world.until(async () => (await world.endpoint())!.pending);
  await world.abort(world.executions(world.out.Release).at(-1)!.arn);
  await world.until(() => !world.releasing);

  expect((await world.version(record.version)).stage).toMatch(/RolledBack|Rejected/);
  expect(await world.endpoint()).toMatchObject({ status: 'InService', config: 'large', instances: 3, pending: false });
  expect(await scaling()).toEqual([[3, 5], 'theirs']);
  expect(await world.queue()).toEqual([]);
});
