import {
  ApplicationAutoScalingClient, DeleteScalingPolicyCommand, DeregisterScalableTargetCommand, DescribeScalableTargetsCommand,
  DescribeScalingPoliciesCommand, DescribeScheduledActionsCommand, PutScalingPolicyCommand, PutScalingPolicyCommandInput, PutScheduledActionCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { OWN_POLICY, RegisteredScaling, ScaledVariant, ScalingPolicy, ScheduledScaling, wantedScaling } from './scaling-plan';
import { clientFor } from '../private/model-io';

const autoscaling = clientFor(ApplicationAutoScalingClient);
const s3 = clientFor(S3Client);

/** What a config was scaled by when the endpoint left it. */
interface ScalingRecord {
  /** Null where it was not scaled. */
  readonly scaling: RegisteredScaling | null;
  /** Whether the endpoint has not come back since. */
  readonly left: boolean;
}

/** How the variant is scaled now; undefined where it is not. */
export async function readScaling(variant: ScaledVariant): Promise<RegisteredScaling | undefined> {
  const { ResourceId, ...dimension } = resourceOf(variant);
  const { ScalableTargets } = await autoscaling.send(new DescribeScalableTargetsCommand({ ...dimension, ResourceIds: [ResourceId] }));
  const target = ScalableTargets?.[0];
  if (target === undefined) return undefined;
  const { ScalingPolicies } = await autoscaling.send(new DescribeScalingPoliciesCommand(resourceOf(variant)));
  const { ScheduledActions } = await autoscaling.send(new DescribeScheduledActionsCommand(resourceOf(variant)));
  return {
    MinCapacity: target.MinCapacity ?? 1,
    MaxCapacity: target.MaxCapacity ?? 1,
    ...(target.SuspendedState === undefined ? {} : { SuspendedState: target.SuspendedState }),
    policies: (ScalingPolicies ?? []).map((policy): ScalingPolicy => ({
      PolicyName: policy.PolicyName ?? '',
      PolicyType: policy.PolicyType,
      StepScalingPolicyConfiguration: policy.StepScalingPolicyConfiguration,
      TargetTrackingScalingPolicyConfiguration: policy.TargetTrackingScalingPolicyConfiguration,
      PredictiveScalingPolicyConfiguration: policy.PredictiveScalingPolicyConfiguration,
    })),
    scheduled: (ScheduledActions ?? []).map((action): ScheduledScaling => ({
      ScheduledActionName: action.ScheduledActionName ?? '',
      Schedule: action.Schedule,
      Timezone: action.Timezone,
      StartTime: action.StartTime?.toISOString(),
      EndTime: action.EndTime?.toISOString(),
      ScalableTargetAction: action.ScalableTargetAction,
    })),
  };
}

/**
 * Before the endpoint leaves a config: notes how it is scaled there. Where the instance type changes SageMaker takes no
 * update of a variant that is registered, so it is deregistered, with its policies.
 */
export async function leaveConfig(variant: ScaledVariant, configName: string, typeChanges: boolean): Promise<void> {
  const live = await readScaling(variant);
  // a repeated step finds nothing registered any more: what was noted is still true
  if (live === undefined && (await readRecord(variant, configName))?.left === true) return;
  await writeRecord(variant, configName, { scaling: live ?? null, left: true });
  if (typeChanges && live !== undefined) await deregister(variant);
}

/** Once the endpoint serves on a new config: scales it as its owner wishes, and as anybody else scaled the one before. */
export async function scaleNew(variant: ScaledVariant, previousConfigName: string | null): Promise<void> {
  const live = await readScaling(variant);
  const noted = previousConfigName === null ? undefined : await readRecord(variant, previousConfigName);
  await rescale(variant, live, wantedScaling(live ?? noted?.scaling ?? undefined, variant.autoscaling ?? undefined));
}

/**
 * Once the endpoint serves again on a config that it had left: scales it as it was scaled before, but not for less than now.
 * It may be back after months, and Application Auto Scaling takes instances away at once where there are more than the most.
 */
export async function scaleAgain(variant: ScaledVariant, configName: string): Promise<void> {
  const record = await readRecord(variant, configName);
  if (record?.left !== true) return;
  const live = await readScaling(variant);
  await rescale(variant, live, record.scaling === null ? wantedScaling(live, variant.autoscaling ?? undefined) : noLess(record.scaling, live));
  await writeRecord(variant, configName, { ...record, left: false });
}

function noLess(noted: RegisteredScaling, live: RegisteredScaling | undefined): RegisteredScaling {
  if (live === undefined) return noted;
  return { ...noted, MinCapacity: Math.max(noted.MinCapacity, live.MinCapacity), MaxCapacity: Math.max(noted.MaxCapacity, live.MaxCapacity) };
}

async function rescale(variant: ScaledVariant, live: RegisteredScaling | undefined, wanted: RegisteredScaling | undefined): Promise<void> {
  if (wanted === undefined) {
    if (live !== undefined) await deregister(variant);
    return;
  }
  await register(variant, wanted);
  const own = (scaling: RegisteredScaling | undefined) => scaling?.policies.some(({ PolicyName }) => PolicyName === OWN_POLICY) === true;
  if (own(live) && !own(wanted)) await autoscaling.send(new DeleteScalingPolicyCommand({ ...resourceOf(variant), PolicyName: OWN_POLICY }));
}

async function register(variant: ScaledVariant, scaling: RegisteredScaling): Promise<void> {
  const { policies, scheduled, ...target } = scaling;
  const resource = resourceOf(variant);
  await autoscaling.send(new RegisterScalableTargetCommand({ ...resource, ...target }));
  for (const policy of policies) await autoscaling.send(new PutScalingPolicyCommand({ ...resource, ...policy } as PutScalingPolicyCommandInput));
  for (const { StartTime, EndTime, ...action } of scheduled) {
    await autoscaling.send(new PutScheduledActionCommand({
      ...resource,
      ...action,
      ...(StartTime === undefined ? {} : { StartTime: new Date(StartTime) }),
      ...(EndTime === undefined ? {} : { EndTime: new Date(EndTime) }),
    }));
  }
}

async function deregister(variant: ScaledVariant): Promise<void> {
  try {
    await autoscaling.send(new DeregisterScalableTargetCommand(resourceOf(variant)));
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ObjectNotFoundException')) throw error;
  }
}

function resourceOf({ endpointName, variantName }: ScaledVariant) {
  return {
    ServiceNamespace: 'sagemaker' as const,
    ResourceId: `endpoint/${endpointName}/variant/${variantName}`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount' as const,
  };
}

const keyOf = (configName: string): string => `scaling/${configName}.json`;

async function writeRecord({ bucketName }: ScaledVariant, configName: string, record: ScalingRecord): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucketName, Key: keyOf(configName), Body: JSON.stringify(record), ContentType: 'application/json' }));
}

async function readRecord({ bucketName }: ScaledVariant, configName: string): Promise<ScalingRecord | undefined> {
  try {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucketName, Key: keyOf(configName) }));
    return JSON.parse(await answer.Body?.transformToString() ?? 'null') ?? undefined;
  } catch (error) {
    // without leave to list the bucket S3 does not tell whether the object is there
    if (error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'AccessDenied')) return undefined;
    throw error;
  }
}
