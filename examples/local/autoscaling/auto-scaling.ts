import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, Resource, Service, StandIn, Unsupported } from '../cloud/types';
import { array, integer, object, only, oneOf, optionalObject, optionalString, seconds, string, strings } from '../cloudwatch/shape';

const TARGET = ['ServiceNamespace', 'ResourceId', 'ScalableDimension', 'MinCapacity', 'MaxCapacity', 'RoleARN', 'SuspendedState', 'Tags'];
const POLICY = [
  'PolicyName', 'PolicyType', 'ServiceNamespace', 'ResourceId', 'ScalableDimension', 'StepScalingPolicyConfiguration',
  'TargetTrackingScalingPolicyConfiguration', 'PredictiveScalingPolicyConfiguration',
];
const DIMENSION = 'sagemaker:variant:DesiredInstanceCount';

/** Application Auto Scaling: what is registered is kept and described; nothing is scaled. */
export class AutoScaling implements StandIn {
  readonly describes = [{ service: 'Application Auto Scaling', by: 'registered targets and policies are kept and described; nothing is scaled' }];
  readonly services: Service[] = [{ scopes: ['application-autoscaling'], handle: async (call) => this.answer(call) }];
  readonly provisioners: Provisioner[] = [
    { types: ['AWS::ApplicationAutoScaling::ScalableTarget'], create: async (resource) => this.createTarget(resource), delete: async (_, { ref }) => this.remove(ref) },
    { types: ['AWS::ApplicationAutoScaling::ScalingPolicy'], create: async (resource) => this.createPolicy(resource), delete: async (_, { ref }) => this.removePolicy(ref) },
  ];
  private readonly registered = new Map<string, JsonObject>();
  private readonly policies = new Map<string, JsonObject>();
  private cloud?: Cloud;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  /** Whether a resource is registered as a scalable target. */
  scales(resourceId: string): boolean {
    return [...this.registered.values()].some((target) => target.ResourceId === resourceId);
  }

  /** Deleting an endpoint takes its targets with it. */
  deregisterEndpoint(endpointName: string): void {
    for (const [key, target] of this.registered) {
      if (String(target.ResourceId).startsWith(`endpoint/${endpointName}/`)) this.remove(key);
    }
  }

  private answer(call: Call): JsonObject {
    const { input } = call;
    switch (call.operation) {
      case 'RegisterScalableTarget': return { ScalableTargetARN: string(this.register(input), 'ScalableTargetARN') };
      case 'DeregisterScalableTarget': {
        if (!this.registered.has(keyOf(input))) throw missing('scalable target', input);
        this.remove(keyOf(input));
        return {};
      }
      case 'DescribeScalableTargets': return { ScalableTargets: this.matching(this.registered, input, 'ResourceIds') };
      case 'PutScalingPolicy': return { PolicyARN: string(this.putPolicy(input), 'PolicyARN'), Alarms: [] };
      case 'DeleteScalingPolicy': {
        if (!this.policies.delete(`${keyOf(input)}|${string(input, 'PolicyName')}`)) throw missing('scaling policy', input);
        return {};
      }
      case 'DescribeScalingPolicies': return { ScalingPolicies: this.matching(this.policies, input, 'PolicyNames') };
      default: throw new Unsupported(`application-autoscaling:${call.operation}`);
    }
  }

  private register(input: JsonObject): JsonObject {
    only(input, 'RegisterScalableTarget', TARGET);
    if (input.ServiceNamespace === 'sagemaker' && input.ScalableDimension !== DIMENSION) throw new Unsupported(`the ScalableDimension ${String(input.ScalableDimension)}`);
    const key = keyOf(input);
    const before = this.registered.get(key);
    const merged: JsonObject = { ...before, ...input };
    const most = integer(merged, 'MaxCapacity', 0, 10_000);
    integer(merged, 'MinCapacity', 0, most);
    const target: JsonObject = {
      ...merged,
      CreationTime: before?.CreationTime ?? this.now(),
      ScalableTargetARN: before?.ScalableTargetARN ?? this.arn(`scalable-target/${(this.registered.size + 1).toString(16).padStart(12, '0')}`),
      RoleARN: input.RoleARN ?? before?.RoleARN ?? '',
      SuspendedState: optionalObject(input.SuspendedState, 'SuspendedState') ?? {},
    };
    this.registered.set(key, target);
    return target;
  }

  private putPolicy(input: JsonObject): JsonObject {
    only(input, 'PutScalingPolicy', POLICY);
    if (!this.registered.has(keyOf(input))) throw missing('scalable target', input);
    const type = input.PolicyType === undefined ? 'StepScaling' : oneOf(input, 'PolicyType', ['StepScaling', 'TargetTrackingScaling']);
    const name = string(input, 'PolicyName');
    const policy: JsonObject = {
      ...input, PolicyType: type, PolicyARN: this.arn(`scalingPolicy:${string(input, 'ResourceId')}:policyName/${name}`), CreationTime: this.now(), Alarms: [],
    };
    this.policies.set(`${keyOf(input)}|${name}`, policy);
    return policy;
  }

  private matching(all: Map<string, JsonObject>, input: JsonObject, listMember: 'ResourceIds' | 'PolicyNames'): JsonObject[] {
    only(input, 'Describe', ['ServiceNamespace', 'ResourceIds', 'ResourceId', 'PolicyNames', 'ScalableDimension', 'MaxResults', 'NextToken']);
    const listed = input[listMember] === undefined ? undefined : strings(input[listMember], listMember);
    return [...all.values()].filter((item) => item.ServiceNamespace === input.ServiceNamespace
      && (input.ResourceId === undefined || item.ResourceId === input.ResourceId)
      && (input.ScalableDimension === undefined || item.ScalableDimension === input.ScalableDimension)
      && (listed === undefined || listed.includes(String(listMember === 'ResourceIds' ? item.ResourceId : item.PolicyName))))
      .map(({ Tags, ...item }) => item);
  }

  private remove(key: string): void {
    this.registered.delete(key);
    for (const policy of this.policies.keys()) if (policy.startsWith(`${key}|`)) this.policies.delete(policy);
  }

  private removePolicy(arn: string): void {
    for (const [key, policy] of this.policies) if (policy.PolicyARN === arn) this.policies.delete(key);
  }

  private async createTarget(resource: Resource): Promise<Deployed> {
    const { ScheduledActions, ...properties } = resource.properties;
    if (array(ScheduledActions, 'ScheduledActions').length > 0) throw new Unsupported('ScheduledActions of a scalable target');
    const target = this.register(properties);
    return { ref: keyOf(target), attributes: { Id: keyOf(target) } };
  }

  private async createPolicy(resource: Resource): Promise<Deployed> {
    const { ScalingTargetId, ...properties } = resource.properties;
    const target = typeof ScalingTargetId === 'string' ? object(this.registered.get(ScalingTargetId), 'ScalingTargetId') : {};
    const policy = this.putPolicy({
      ...(ScalingTargetId !== undefined && {
        ServiceNamespace: target.ServiceNamespace, ResourceId: target.ResourceId, ScalableDimension: target.ScalableDimension,
      }),
      ...properties,
    });
    const arn = string(policy, 'PolicyARN');
    return { ref: arn, attributes: { Arn: arn } };
  }

  private arn(rest: string): string {
    const { partition, region, account } = this.cloud ?? { partition: 'aws', region: '', account: '' };
    return `arn:${partition}:application-autoscaling:${region}:${account}:${rest}`;
  }

  private now(): number {
    return seconds(this.cloud?.clock.now().getTime() ?? 0);
  }
}

/** As CloudFormation refers to a target: resource, dimension and service. */
function keyOf(input: JsonObject): string {
  return [string(input, 'ResourceId'), string(input, 'ScalableDimension'), string(input, 'ServiceNamespace')].join('|');
}

function missing(what: string, input: JsonObject): AwsError {
  return new AwsError('ObjectNotFoundException', `No ${what} found for ${optionalString(input, 'ResourceId') ?? ''}`);
}
