import { EndpointConfig } from './endpoint-configs';
import { invalid } from './support';
import { Cloud, JsonObject, Unsupported } from '../cloud/types';
import { array, integer, object, oneOf, only, optionalObject, string } from '../cloudwatch/shape';

export interface DeploymentPlan {
  /** Shares of the new fleet, step by step; the last is 1. */
  readonly steps: number[];
  readonly waitSeconds: number;
  readonly terminationSeconds: number;
  readonly limitSeconds: number;
  readonly alarms: string[];
  readonly given?: JsonObject;
}

export const PLAIN: DeploymentPlan = { steps: [1], waitSeconds: 0, terminationSeconds: 0, limitSeconds: 28_800, alarms: [] };

/** Reads a DeploymentConfig by SageMaker's rules and limits. */
export function planDeployment(given: JsonObject | undefined, blue: EndpointConfig | undefined, green: EndpointConfig): DeploymentPlan {
  if (given === undefined) return PLAIN;
  only(given, 'DeploymentConfig', ['BlueGreenUpdatePolicy', 'AutoRollbackConfiguration', 'RollingUpdatePolicy']);
  if (given.RollingUpdatePolicy !== undefined) throw new Unsupported('DeploymentConfig.RollingUpdatePolicy');
  const alarms = array(optionalObject(given.AutoRollbackConfiguration, 'AutoRollbackConfiguration')?.Alarms, 'Alarms')
    .map((item) => string(object(item, 'Alarms[]'), 'AlarmName'));
  if (given.AutoRollbackConfiguration !== undefined && (alarms.length < 1 || alarms.length > 10)) {
    throw invalid(`AutoRollbackConfiguration.Alarms must have 1 to 10 items, got ${alarms.length}`);
  }
  const policy = optionalObject(given.BlueGreenUpdatePolicy, 'BlueGreenUpdatePolicy');
  if (policy === undefined) return { ...PLAIN, alarms, given };

  only(policy, 'BlueGreenUpdatePolicy', ['TrafficRoutingConfiguration', 'TerminationWaitInSeconds', 'MaximumExecutionTimeoutInSeconds']);
  const routing = object(policy.TrafficRoutingConfiguration, 'TrafficRoutingConfiguration');
  only(routing, 'TrafficRoutingConfiguration', ['Type', 'WaitIntervalInSeconds', 'CanarySize', 'LinearStepSize']);
  const type = oneOf(routing, 'Type', ['ALL_AT_ONCE', 'CANARY', 'LINEAR']);
  const waitSeconds = integer(routing, 'WaitIntervalInSeconds', 0, 3600);
  const terminationSeconds = policy.TerminationWaitInSeconds === undefined ? 0 : integer(policy, 'TerminationWaitInSeconds', 0, 3600);
  const limitSeconds = policy.MaximumExecutionTimeoutInSeconds === undefined
    ? 28_800 : integer(policy, 'MaximumExecutionTimeoutInSeconds', 600, 28_800);
  if ((routing.CanarySize !== undefined) !== (type === 'CANARY')) throw invalid(`CanarySize is for the type CANARY alone and needed there, got type ${type}`);
  if ((routing.LinearStepSize !== undefined) !== (type === 'LINEAR')) throw invalid(`LinearStepSize is for the type LINEAR alone and needed there, got type ${type}`);
  checkVariants(blue, green, type);
  const steps = type === 'ALL_AT_ONCE' ? [1] : shares(type, object(routing.CanarySize ?? routing.LinearStepSize, 'CapacitySize'), green);
  const waits = steps.length * waitSeconds + terminationSeconds;
  if (waits >= limitSeconds) {
    throw invalid(`MaximumExecutionTimeoutInSeconds (${limitSeconds}) must be larger than the total waiting time of the deployment (${waits})`);
  }
  return { steps, waitSeconds, terminationSeconds, limitSeconds, alarms, given };
}

function checkVariants(blue: EndpointConfig | undefined, green: EndpointConfig, type: string): void {
  if (blue === undefined) return;
  const names = ({ production }: EndpointConfig): string => production.map(({ name }) => name).sort().join(', ');
  if (names(blue) !== names(green)) {
    throw invalid(`The variant names must not change in a blue/green deployment: ${names(blue)} against ${names(green)}`);
  }
  if (type !== 'ALL_AT_ONCE' && (blue.shadow !== undefined || green.shadow !== undefined)) {
    throw new Unsupported(`${type} traffic shifting from or to an endpoint config with a shadow variant: AWS documents no behaviour for it`);
  }
}

/** Whole instances take traffic, so a share is rounded up to the next instance. */
function shares(type: 'CANARY' | 'LINEAR', size: JsonObject, green: EndpointConfig): number[] {
  only(size, 'CapacitySize', ['Type', 'Value']);
  const unit = oneOf(size, 'Type', ['INSTANCE_COUNT', 'CAPACITY_PERCENT']);
  const value = integer(size, 'Value', 1, unit === 'CAPACITY_PERCENT' ? 100 : 10_000);
  const instances = Math.min(...green.production.map(({ instanceCount }) => instanceCount));
  const count = unit === 'INSTANCE_COUNT' ? value : Math.max(1, Math.ceil(instances * value / 100));
  const percent = unit === 'INSTANCE_COUNT' ? 100 * value / instances : value;
  if (percent > 50 || count * 2 > instances) {
    throw invalid(`${type === 'CANARY' ? 'CanarySize' : 'LinearStepSize'} must be at most 50 % of the variant's capacity; `
      + `${value} ${unit} of ${instances} instance(s) is ${count} instance(s)`);
  }
  if (type === 'LINEAR' && percent < 10) throw invalid(`LinearStepSize must be at least 10 % of the variant's capacity, got ${percent} %`);
  if (type === 'CANARY') return [count / instances, 1];
  const steps: number[] = [];
  for (let step = 1; ; step += 1) {
    const active = unit === 'INSTANCE_COUNT' ? step * value : Math.ceil(instances * step * value / 100 - 1e-9);
    steps.push(Math.min(1, active / instances));
    if (active >= instances) return [...new Set(steps)];
  }
}

/** The alarms of a deployment must exist and be readable by the execution role. */
export function checkAlarms(plan: DeploymentPlan, exists: (alarm: string) => boolean, readable: (alarm: string) => boolean): void {
  for (const alarm of plan.alarms) {
    if (!exists(alarm)) throw invalid(`Cannot find alarm ${alarm} of AutoRollbackConfiguration`);
    if (!readable(alarm)) throw invalid(`The execution role is not allowed to perform cloudwatch:DescribeAlarms on ${alarm}`);
  }
}

export const alarmArn = (cloud: Cloud, name: string): string => `arn:${cloud.partition}:cloudwatch:${cloud.region}:${cloud.account}:alarm:${name}`;
