/** How the endpoint's owner wants production to be scaled. */
export interface ScalingSettings {
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly invocationsPerInstance: number;
  readonly scaleInCooldownSeconds: number;
  readonly scaleOutCooldownSeconds: number;
}

/** The production variant of an endpoint, and where notes about its scaling are kept. */
export interface ScaledVariant {
  readonly endpointName: string;
  readonly variantName: string;
  readonly bucketName: string;
  /** Null or absent: the owner has no wish. */
  readonly autoscaling?: ScalingSettings | null;
}

/** A policy, as `PutScalingPolicy` takes it. */
export interface ScalingPolicy {
  readonly PolicyName: string;
  readonly PolicyType?: string;
  readonly StepScalingPolicyConfiguration?: object;
  readonly TargetTrackingScalingPolicyConfiguration?: object;
  readonly PredictiveScalingPolicyConfiguration?: object;
}

/** A scheduled action, as `PutScheduledAction` takes it but for its dates, which are text here. */
export interface ScheduledScaling {
  readonly ScheduledActionName: string;
  readonly Schedule?: string;
  readonly Timezone?: string;
  readonly StartTime?: string;
  readonly EndTime?: string;
  readonly ScalableTargetAction?: { readonly MinCapacity?: number; readonly MaxCapacity?: number };
}

/** A scalable target with everything that hangs on it, as it can be registered again. */
export interface RegisteredScaling {
  readonly MinCapacity: number;
  readonly MaxCapacity: number;
  readonly SuspendedState?: object;
  readonly policies: ScalingPolicy[];
  readonly scheduled: ScheduledScaling[];
}

/** Name of the policy that releases put; all others are somebody else's. */
export const OWN_POLICY = 'cdk-mlops-invocations';

/**
 * How a new config is to be scaled: as the owner wishes, beside what others have set up. Undefined: not at all. A policy
 * of the owner's that is no longer wished goes, and the target with it unless others use it.
 */
export function wantedScaling(before: RegisteredScaling | undefined, wish: ScalingSettings | undefined): RegisteredScaling | undefined {
  const others = (before?.policies ?? []).filter(({ PolicyName }) => PolicyName !== OWN_POLICY);
  if (wish === undefined) {
    const used = before !== undefined && (others.length > 0 || before.scheduled.length > 0 || others.length === before.policies.length);
    return used ? { ...before, policies: others } : undefined;
  }
  return {
    MinCapacity: wish.minCapacity,
    MaxCapacity: wish.maxCapacity,
    ...(before?.SuspendedState === undefined ? {} : { SuspendedState: before.SuspendedState }),
    policies: [...others, ownPolicy(wish)],
    scheduled: before?.scheduled ?? [],
  };
}

/** The most instances that the variant may be scaled out to. */
export function mostInstances(scaling: RegisteredScaling): number {
  // scheduled actions set other limits, such as those of the day
  const scheduled = scaling.scheduled.flatMap(({ ScalableTargetAction: limits }) => [limits?.MinCapacity ?? 0, limits?.MaxCapacity ?? 0]);
  return Math.max(scaling.MaxCapacity, ...scheduled);
}

/** Policies that alarms of somebody else's call by their ARN, which is another one once they have been made anew. */
export function calledByAlarms(scaling: RegisteredScaling | undefined): string[] {
  return (scaling?.policies ?? []).filter(({ PolicyType }) => PolicyType === 'StepScaling').map(({ PolicyName }) => PolicyName);
}

function ownPolicy(wish: ScalingSettings): ScalingPolicy {
  return {
    PolicyName: OWN_POLICY,
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: wish.invocationsPerInstance,
      PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
      ScaleInCooldown: wish.scaleInCooldownSeconds,
      ScaleOutCooldown: wish.scaleOutCooldownSeconds,
    },
  };
}
