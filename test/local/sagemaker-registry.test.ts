import {
  ApplicationAutoScalingClient, DeregisterScalableTargetCommand, DescribeScalableTargetsCommand, DescribeScalingPoliciesCommand,
} from '@aws-sdk/client-application-auto-scaling';
import {
  CreateEndpointConfigCommand, CreateModelCommand, CreateModelPackageCommand, CreateModelPackageGroupCommand, DeleteModelPackageCommand,
  DeleteModelPackageGroupCommand, DescribeModelPackageCommand,
  DescribeModelPackageGroupCommand, ListModelPackagesCommand, UpdateModelPackageCommand,
} from '@aws-sdk/client-sagemaker';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  aws_applicationautoscaling as scaling, aws_events as events, aws_events_targets as targets, aws_sagemaker as sagemaker, aws_sqs as sqs, CfnOutput,
} from 'aws-cdk-lib';
import { Hosting, IMAGE, ROLE } from './sagemaker-support';

const scalable = { ServiceNamespace: 'sagemaker', ResourceId: 'endpoint/production/variant/AllTraffic', ScalableDimension: 'sagemaker:variant:DesiredInstanceCount' } as const;
let hosting: Hosting;
beforeAll(async () => {
  hosting = await Hosting.start((stack) => {
    new sagemaker.CfnModelPackageGroup(stack, 'Group', { modelPackageGroupName: 'temperature' });
    const target = new scaling.ScalableTarget(stack, 'Target', {
      serviceNamespace: scaling.ServiceNamespace.SAGEMAKER,
      resourceId: scalable.ResourceId,
      scalableDimension: scalable.ScalableDimension,
      minCapacity: 2,
      maxCapacity: 4,
    });
    target.scaleToTrackMetric('Track', {
      targetValue: 100, predefinedMetric: scaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE,
    });
    const queue = new sqs.Queue(stack, 'Queue');
    new events.Rule(stack, 'Rule', { eventPattern: { detailType: ['SageMaker Model Package State Change'] }, targets: [new targets.SqsQueue(queue)] });
    new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl });
  });
});
afterAll(() => hosting.stop());

const create = async (ClientToken?: string, metadata: Record<string, string> = { version: 'V1.0.0' }) => hosting.api.send(new CreateModelPackageCommand({
  ModelPackageGroupName: 'temperature',
  ClientToken,
  CustomerMetadataProperties: metadata,
  ModelApprovalStatus: 'PendingManualApproval',
  InferenceSpecification: { Containers: [{ Image: IMAGE, ModelDataUrl: 's3://bucket/model.tar.gz' }], SupportedContentTypes: ['text/csv'], SupportedResponseMIMETypes: ['text/csv'] },
}));

test('versions count up and are never used again; a token makes creation idempotent', async () => {
  const [first, again] = [await create('token-1'), await create('token-1')];
  expect(first.ModelPackageArn).toBe('arn:aws:sagemaker:eu-central-1:111122223333:model-package/temperature/1');
  expect(again).toMatchObject({ ModelPackageArn: first.ModelPackageArn });
  await expect(create('token-1', { version: 'other' })).rejects.toThrow(/ClientToken/);
  const second = await create('token-2');
  await hosting.api.send(new DeleteModelPackageCommand({ ModelPackageName: second.ModelPackageArn }));
  expect((await create()).ModelPackageArn).toMatch(/temperature\/3$/);
  const { ModelPackageSummaryList } = await hosting.api.send(new ListModelPackagesCommand({ ModelPackageGroupName: 'temperature' }));
  expect(ModelPackageSummaryList!.map(({ ModelPackageVersion }) => ModelPackageVersion)).toEqual([3, 1]);
});

test('approval, life cycle and metadata change; each change is an event; a model comes from an approved package alone', async () => {
  const ModelPackageName = 'arn:aws:sagemaker:eu-central-1:111122223333:model-package/temperature/1';
  const model = new CreateModelCommand({ ModelName: 'from-package', ExecutionRoleArn: ROLE, Containers: [{ ModelPackageName }] });
  await expect(hosting.api.send(model)).rejects.toThrow(/PendingManualApproval/);
  await hosting.api.send(new UpdateModelPackageCommand({
    ModelPackageArn: ModelPackageName,
    ModelApprovalStatus: 'Approved',
    ModelLifeCycle: { Stage: 'Production', StageStatus: 'Approved', StageDescription: 'released' },
    CustomerMetadataProperties: { verdict: 'promote' },
    CustomerMetadataPropertiesToRemove: ['none'],
  }));
  expect(await hosting.api.send(new DescribeModelPackageCommand({ ModelPackageName }))).toMatchObject({
    ModelApprovalStatus: 'Approved',
    ModelPackageStatus: 'Completed',
    ModelPackageVersion: 1,
    CustomerMetadataProperties: { version: 'V1.0.0', verdict: 'promote' },
    ModelLifeCycle: { Stage: 'Production' },
  });
  await expect(hosting.api.send(model)).rejects.toThrow(/Could not find model data/);
  await hosting.cloud.s3.put('bucket', 'model.tar.gz', 'x');
  await hosting.api.send(model);
  await hosting.cloud.clock.settle();
  const { Messages } = await hosting.cloud.client(SQSClient).send(new ReceiveMessageCommand({ QueueUrl: hosting.cloud.outputs.get('Test')!.QueueUrl, MaxNumberOfMessages: 10 }));
  const details = Messages!.map(({ Body }) => (JSON.parse(Body!) as { detail: Record<string, unknown> }).detail);
  expect(details).toContainEqual(expect.objectContaining({ ModelPackageGroupName: 'temperature', ModelPackageVersion: 1, ModelApprovalStatus: 'Approved' }));
});

test('limits and unknown members are errors', async () => {
  await expect(create(undefined, { long: 'x'.repeat(257) })).rejects.toThrow(/1 to 256/);
  await expect(create(undefined, Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v'])))).rejects.toThrow(/at most 50/);
  await expect(hosting.api.send(new CreateModelPackageCommand({ ModelPackageGroupName: 'temperature', Tags: [{ Key: 'a', Value: 'b' }] }))).rejects.toThrow(/Tags/);
  await expect(hosting.api.send(new CreateModelPackageGroupCommand({ ModelPackageGroupName: 'temperature' }))).rejects.toThrow(/already exists/);
  await expect(hosting.api.send(new DeleteModelPackageGroupCommand({ ModelPackageGroupName: 'temperature' }))).rejects.toThrow(/has model packages/);
  await expect(hosting.api.send(new DescribeModelPackageGroupCommand({ ModelPackageGroupName: 'other' }))).rejects.toThrow(/does not exist/);
});

test('scaling targets and policies are kept and described, and guard the instance type', async () => {
  const client = hosting.cloud.client(ApplicationAutoScalingClient);
  const { ScalableTargets } = await client.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' }));
  expect(ScalableTargets).toMatchObject([{ MinCapacity: 2, MaxCapacity: 4, ResourceId: scalable.ResourceId }]);
  await hosting.model('tiny', { offset: 1 });
  await hosting.config('config', 'tiny');
  await hosting.endpoint('production', 'config');
  await hosting.api.send(new CreateEndpointConfigCommand({
    EndpointConfigName: 'larger', ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: 'tiny', InitialInstanceCount: 2, InstanceType: 'ml.m5.xlarge' }],
  }));
  await expect(hosting.update('production', 'larger')).rejects.toThrow(/Application Auto Scaling/);
  const { ScalingPolicies } = await client.send(new DescribeScalingPoliciesCommand({ ServiceNamespace: 'sagemaker' }));
  expect(ScalingPolicies).toMatchObject([{ PolicyType: 'TargetTrackingScaling' }]);
  await client.send(new DeregisterScalableTargetCommand(scalable));
  expect((await client.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' }))).ScalableTargets).toEqual([]);
  await expect(client.send(new DeregisterScalableTargetCommand(scalable))).rejects.toThrow(/No scalable target/);
});
