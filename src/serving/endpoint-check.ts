import { Token } from 'aws-cdk-lib';
import { EndpointAutoscaling } from './endpoint-autoscaling';
import { isSageMakerName } from '../domain/release-names';
import { Problems } from '../private/problems';

/** The parts of an endpoint that SageMaker has rules for. */
export interface CheckedEndpoint {
  readonly instanceType: string;
  readonly instanceCount: number;
  readonly productionVariantName: string;
  readonly shadowVariantName: string;
  readonly autoscaling?: EndpointAutoscaling;
}

/** Notes what SageMaker or Application Auto Scaling would refuse. */
export function checkEndpoint(problems: Problems, endpoint: CheckedEndpoint): void {
  const { instanceType, instanceCount, autoscaling, productionVariantName: production, shadowVariantName: shadow } = endpoint;
  problems
    .check(Token.isUnresolved(instanceType) || instanceType.startsWith('ml.'),
      `instanceType must be a SageMaker instance type such as 'ml.m5.large', got '${instanceType}'`)
    .check(isWhole(instanceCount, 1), `instanceCount must be a whole number of at least 1, got ${instanceCount}`);
  for (const [prop, name] of Object.entries({ productionVariantName: production, shadowVariantName: shadow })) {
    problems.check(Token.isUnresolved(name) || isSageMakerName(name),
      `${prop} must be 1 to 63 letters, digits and single inner hyphens, got '${name}'${name.length > 63 ? `, which has ${name.length}` : ''}`);
  }
  problems.check(Token.isUnresolved(production) || production !== shadow, `the variants must have different names, got '${production}' for both`);
  if (autoscaling !== undefined) checkAutoscaling(problems, endpoint, autoscaling);
}

function checkAutoscaling(problems: Problems, { instanceType, instanceCount }: CheckedEndpoint, autoscaling: EndpointAutoscaling): void {
  const { minCapacity: min, maxCapacity: max, invocationsPerInstance } = autoscaling;
  const known = ![min, max].some((value) => Token.isUnresolved(value));
  problems
    .check(isWhole(min, 1), `autoscaling.minCapacity must be a whole number of at least 1, got ${min}`)
    .check(isWhole(max, 1), `autoscaling.maxCapacity must be a whole number of at least 1, got ${max}`)
    .check(!known || min <= max, `autoscaling.maxCapacity must be at least minCapacity, which is ${min}, got ${max}`)
    .check(!known || min > max || Token.isUnresolved(instanceCount) || (instanceCount >= min && instanceCount <= max),
      `instanceCount must be within autoscaling's ${min} to ${max} instances, got ${instanceCount}`)
    .check(Token.isUnresolved(invocationsPerInstance) || invocationsPerInstance > 0,
      `autoscaling.invocationsPerInstance must be above 0, got ${invocationsPerInstance}`)
    .check(Token.isUnresolved(instanceType) || !/^ml\.t\d/.test(instanceType),
      `autoscaling takes no burstable instance types, got '${instanceType}'`);
}

function isWhole(value: number, least: number): boolean {
  return Token.isUnresolved(value) || (Number.isInteger(value) && value >= least);
}
