/** Part of a fleet, by instances or by percent of its capacity. */
export interface FleetShare {
  readonly type: 'CAPACITY_PERCENT' | 'INSTANCE_COUNT';
  readonly value: number;
}

/** How traffic moves from the old fleet to the new one. */
export interface ReleasePlan {
  readonly kind: 'allAtOnce' | 'canary' | 'linear';
  /** Size of the canary, or of one linear step. Absent for `allAtOnce`. */
  readonly step?: FleetShare;
  /** Baking time after each step, in seconds. */
  readonly waitSeconds: number;
  /** How long the old fleet is kept after the last step, in seconds. 0 where absent. */
  readonly terminationWaitSeconds?: number;
  /** SageMaker's own limit for the whole deployment, in seconds. Absent: all waits and half an hour of room, at least 1 h. */
  readonly maximumExecutionTimeoutSeconds?: number;
}

/** SageMaker's `DeploymentConfig`, as `UpdateEndpoint` takes it. */
export interface DeploymentConfig {
  readonly BlueGreenUpdatePolicy: {
    readonly TrafficRoutingConfiguration: {
      readonly Type: 'ALL_AT_ONCE' | 'CANARY' | 'LINEAR';
      readonly WaitIntervalInSeconds: number;
      readonly CanarySize?: { readonly Type: string; readonly Value: number };
      readonly LinearStepSize?: { readonly Type: string; readonly Value: number };
    };
    readonly TerminationWaitInSeconds: number;
    readonly MaximumExecutionTimeoutInSeconds: number;
  };
  readonly AutoRollbackConfiguration?: { readonly Alarms: readonly { readonly AlarmName: string }[] };
}

const LONGEST_WAIT = 3600;
const SHORTEST_TIMEOUT = 600;
const LONGEST_TIMEOUT = 28800;
const MOST_ALARMS = 10;

/** The deployment config for a plan. `alarmNames` roll it back by themselves. */
export function deploymentConfig(plan: ReleasePlan, alarmNames: readonly string[]): DeploymentConfig {
  const size = plan.step === undefined ? undefined : { Type: plan.step.type, Value: plan.step.value };
  return {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: {
        Type: plan.kind === 'canary' ? 'CANARY' : plan.kind === 'linear' ? 'LINEAR' : 'ALL_AT_ONCE',
        WaitIntervalInSeconds: plan.waitSeconds,
        ...(plan.kind === 'canary' && size !== undefined ? { CanarySize: size } : {}),
        ...(plan.kind === 'linear' && size !== undefined ? { LinearStepSize: size } : {}),
      },
      TerminationWaitInSeconds: plan.terminationWaitSeconds ?? 0,
      MaximumExecutionTimeoutInSeconds: deploymentTimeout(plan),
    },
    ...(alarmNames.length === 0 ? {} : { AutoRollbackConfiguration: { Alarms: alarmNames.map((AlarmName) => ({ AlarmName })) } }),
  };
}

/** Percent of the traffic on the new fleet after each step, the last one being 100. */
export function trafficSteps(plan: ReleasePlan, instanceCount: number): number[] {
  if (plan.kind === 'allAtOnce' || plan.step === undefined) return [100];
  const share = percentOf(plan.step, instanceCount);
  if (plan.kind === 'canary' || !(share > 0)) return [Math.min(100, share), 100];
  const steps = Math.ceil(100 / share - 1e-9);
  return Array.from({ length: steps }, (_, i) => Math.min(100, share * (i + 1)));
}

/** How traffic moves and what guards it, in words. */
export function planInWords(plan: ReleasePlan, { alarmCount, watchMinutes }: { readonly alarmCount: number; readonly watchMinutes: number }): string {
  const { kind, step } = plan;
  const share = step === undefined ? '' : step.type === 'CAPACITY_PERCENT' ? `${step.value} %` : counted(step.value, 'instance');
  const wait = durationInWords(plan.waitSeconds / 60);
  const shift = {
    canary: `a canary of ${share} for ${wait}, then the rest`,
    linear: `steps of ${share}, ${wait} each`,
    allAtOnce: `the whole fleet at once, watched for ${wait}`,
  }[kind];
  return `${shift}, guarded by ${counted(alarmCount, 'alarm')}${watchMinutes > 0 ? `, then a watch of ${durationInWords(watchMinutes)}` : ''}`;
}

/** All waits of a deployment, in seconds: one after each step, and the one before the old fleet goes. */
export function totalWaitSeconds(plan: ReleasePlan, instanceCount: number): number {
  return trafficSteps(plan, instanceCount).length * plan.waitSeconds + (plan.terminationWaitSeconds ?? 0);
}

/** The limit that a deployment is given where the plan names none: room for its waits and for starting a fleet. */
export function deploymentTimeout(plan: ReleasePlan): number {
  if (plan.maximumExecutionTimeoutSeconds !== undefined) return plan.maximumExecutionTimeoutSeconds;
  // by instances a step's share is not known here: ten steps are the most that SageMaker takes
  const steps = plan.step?.type === 'INSTANCE_COUNT' && plan.kind === 'linear' ? 10 : trafficSteps(plan, 2).length;
  const waits = steps * plan.waitSeconds + (plan.terminationWaitSeconds ?? 0);
  return Math.min(LONGEST_TIMEOUT, Math.max(3600, waits + 1800));
}

/**
 * What SageMaker would refuse about the plan, in words, each with the value given and the limit; empty where it is
 * accepted. `alarmCount` counts the alarms that will guard the deployment.
 */
export function releasePlanProblems(plan: ReleasePlan, fleet: { readonly instanceCount: number; readonly alarmCount: number }): string[] {
  const problems: string[] = [];
  const expect = (ok: boolean, problem: string) => {
    if (!ok) problems.push(problem);
  };
  const { kind, step } = plan;
  const { instanceCount, alarmCount } = fleet;
  const termination = plan.terminationWaitSeconds ?? 0;

  if (kind === 'allAtOnce') {
    expect(step === undefined, 'an all-at-once shift has no steps, remove the step size');
  } else if (step === undefined) {
    problems.push(`a ${kind} shift needs a step size`);
  } else {
    problems.push(...stepProblems(kind, step, instanceCount));
  }
  expect(isWhole(plan.waitSeconds) && plan.waitSeconds >= 0 && plan.waitSeconds <= LONGEST_WAIT,
    `the wait after each step must be 0 to ${LONGEST_WAIT} seconds, got ${plan.waitSeconds}`);
  expect(isWhole(termination) && termination >= 0 && termination <= LONGEST_WAIT,
    `the wait before the old fleet goes must be 0 to ${LONGEST_WAIT} seconds, got ${termination}`);
  expect(alarmCount <= MOST_ALARMS, `a deployment is guarded by at most ${MOST_ALARMS} alarms, got ${alarmCount}`);
  expect(kind === 'allAtOnce' || alarmCount > 0, `a ${kind} shift without an alarm cannot roll back by itself, give at least 1 alarm`);

  const timeout = deploymentTimeout(plan);
  expect(isWhole(timeout) && timeout >= SHORTEST_TIMEOUT && timeout <= LONGEST_TIMEOUT,
    `the limit of a deployment must be ${SHORTEST_TIMEOUT} to ${LONGEST_TIMEOUT} seconds, got ${timeout}`);
  const waits = totalWaitSeconds(plan, instanceCount);
  expect(!(waits >= timeout),
    `${trafficSteps(plan, instanceCount).length} steps wait ${waits} seconds in all, which must stay below the deployment's limit of ${timeout} seconds`
    + ': take larger steps or shorter waits');
  return problems;
}

function stepProblems(kind: 'canary' | 'linear', step: FleetShare, instanceCount: number): string[] {
  const what = kind === 'canary' ? 'the canary' : 'a linear step';
  if (!isWhole(step.value) || step.value < 1) return [`the size of ${what} must be a whole number of at least 1, got ${step.value}`];
  if (instanceCount < 2) return [`a ${kind} shift needs at least 2 instances, got ${instanceCount}: half of one instance cannot be shifted`];
  const percent = percentOf(step, instanceCount);
  const given = step.type === 'INSTANCE_COUNT' ? `${step.value} of ${instanceCount} instances (${Number(percent.toFixed(1))} %)` : `${step.value} %`;
  if (percent > 50) return [`${what} must be at most 50 % of the capacity, got ${given}`];
  if (kind === 'linear' && percent < 10) return [`${what} must be at least 10 % of the capacity, got ${given}`];
  return [];
}

function percentOf(step: FleetShare, instanceCount: number): number {
  return step.type === 'CAPACITY_PERCENT' ? step.value : (100 * step.value) / instanceCount;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function durationInWords(minutes: number): string {
  const [size, unit] = ([[1440, 'day'], [60, 'hour'], [1, 'minute']] as const).find(([each]) => minutes >= each && minutes % each === 0) ?? [1 / 60, 'second'];
  return counted(Number((minutes / size).toPrecision(4)), unit);
}

function isWhole(value: number): boolean {
  return Number.isInteger(value);
}
