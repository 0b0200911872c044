import { FleetSize } from './fleet-size';
import { TargetTracking } from './target-tracking';
import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, Resource, Service, StandIn, Unsupported } from '../cloud/types';
import { array, integer, object, only, oneOf, optionalObject, optionalString, seconds, string, strings } from '../cloudwatch/shape';

const TARGET = ['ServiceNamespace', 'ResourceId', 'ScalableDimension', 'MinCapacity', 'MaxCapacity', 'RoleARN', 'SuspendedState', 'Tags'];
const POLICY = [
  'PolicyName', 'PolicyType', 'ServiceNamespace', 'ResourceId', 'ScalableDimension', 'StepScalingPolicyConfiguration',
  'TargetTrackingScalingPolicyConfiguration', 'PredictiveScalingPolicyConfiguration',
];
const DIMENSION = 'sagemaker:variant:DesiredInstanceCount';

const SCHEDULED = [
  'ScheduledActionName', 'ServiceNamespace', 'ResourceId', 'ScalableDimension', 'Schedule', 'Timezone', 'StartTime', 'EndTime', 'ScalableTargetAction',
];

/** Application Auto Scaling: fleets stay within their bounds and follow target tracking; step scaling and schedules are only kept. */
export class AutoScaling implements StandIn {
  readonly describes = [{ service: 'Application Auto Scaling', by: 'fleets stay within their bounds and follow target tracking on the local clock; step scaling and schedules are kept and described only' }];
  readonly services: Service[] = [{ scopes: ['application-autoscaling'], handle: async (call) => this.answer(call) }];
  readonly provisioners: Provisioner[] = [
    { types: ['AWS::ApplicationAutoScaling::ScalableTarget'], create: async (resource) => this.createTarget(resource), delete: async (_, { ref }) => this.remove(ref) },
    { types: ['AWS::ApplicationAutoScaling::ScalingPolicy'], create: async (resource) => this.createPolicy(resource), delete: async (_, { ref }) => this.removePolicy(ref) },
  ];
  private readonly registered = new Map<string, JsonObject>();
  private readonly policies = new Map<string, JsonObject>();
  private readonly scheduled = new Map<string, JsonObject>();
  private readonly fleets = new Map<string, FleetSize>();
  private readonly tracking = new Map<string, TargetTracking>();
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
      case 'PutScalingPolicy': return this.put(input);
      case 'DeleteScalingPolicy': {
        const key = `${keyOf(input)}|${string(input, 'PolicyName')}`;
        if (!this.policies.has(key)) throw missing('scaling policy', input);
        this.forget(key);
        return {};
      }
      case 'PutScheduledAction': return this.schedule(input);
      case 'DescribeScheduledActions': return { ScheduledActions: this.matching(this.scheduled, input, 'ScheduledActionNames') };
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
    if (this.cloud !== undefined && input.ServiceNamespace === 'sagemaker') {
      const fleet = this.fleets.get(key) ?? new FleetSize(this.cloud, string(input, 'ResourceId'));
      this.fleets.set(key, fleet);
      fleet.bound(integer(merged, 'MinCapacity', 0, most), most);
    }
    return target;
  }

  private put(input: JsonObject): JsonObject {
    const { PolicyARN, Alarms } = this.putPolicy(input);
    return { PolicyARN, Alarms };
  }

  private schedule(input: JsonObject): JsonObject {
    only(input, 'PutScheduledAction', SCHEDULED);
    if (!this.registered.has(keyOf(input))) throw missing('scalable target', input);
    const name = string(input, 'ScheduledActionName');
    const ScheduledActionARN = this.arn(`scheduledAction:${string(input, 'ResourceId')}:scheduledActionName/${name}`);
    this.scheduled.set(`${keyOf(input)}|${name}`, { ...input, ScheduledActionARN, CreationTime: this.now() });
    return {};
  }

  private putPolicy(input: JsonObject): JsonObject {
    only(input, 'PutScalingPolicy', POLICY);
    if (!this.registered.has(keyOf(input))) throw missing('scalable target', input);
    const type = input.PolicyType === undefined ? 'StepScaling' : oneOf(input, 'PolicyType', ['StepScaling', 'TargetTrackingScaling']);
    const name = string(input, 'PolicyName');
    const key = `${keyOf(input)}|${name}`;
    this.forget(key);
    const fleet = this.fleets.get(keyOf(input));
    if (type === 'TargetTrackingScaling' && fleet !== undefined && this.cloud !== undefined) {
      const configuration = object(input.TargetTrackingScalingPolicyConfiguration, 'TargetTrackingScalingPolicyConfiguration');
      this.tracking.set(key, new TargetTracking(this.cloud, fleet, name, configuration));
    }
    const policy: JsonObject = {
      ...input,
      PolicyType: type,
      PolicyARN: this.arn(`scalingPolicy:${string(input, 'ResourceId')}:policyName/${name}`),
      CreationTime: this.now(),
      Alarms: (this.tracking.get(key)?.alarms ?? []).map((AlarmName) => ({ AlarmName, AlarmARN: this.arn(`alarm:${AlarmName}`).replace('application-autoscaling', 'cloudwatch') })),
    };
    this.policies.set(key, policy);
    return policy;
  }

  private matching(all: Map<string, JsonObject>, input: JsonObject, listMember: 'ResourceIds' | 'PolicyNames' | 'ScheduledActionNames'): JsonObject[] {
    only(input, 'Describe', [
      'ServiceNamespace', 'ResourceIds', 'ResourceId', 'PolicyNames', 'ScheduledActionNames', 'ScalableDimension', 'MaxResults', 'NextToken',
    ]);
    const listed = input[listMember] === undefined ? undefined : strings(input[listMember], listMember);
    return [...all.values()].filter((item) => item.ServiceNamespace === input.ServiceNamespace
      && (input.ResourceId === undefined || item.ResourceId === input.ResourceId)
      && (input.ScalableDimension === undefined || item.ScalableDimension === input.ScalableDimension)
      && (listed === undefined || listed.includes(String(item[listMember.slice(0, -1)]))))
      .map(({ Tags, ...item }) => item);
  }

  /** A target goes with its policies and its schedule. */
  private remove(key: string): void {
    this.registered.delete(key);
    this.fleets.get(key)?.end();
    this.fleets.delete(key);
    for (const policy of [...this.policies.keys()]) if (policy.startsWith(`${key}|`)) this.forget(policy);
    for (const action of [...this.scheduled.keys()]) if (action.startsWith(`${key}|`)) this.scheduled.delete(action);
  }

  private forget(policy: string): void {
    this.tracking.get(policy)?.end();
    this.tracking.delete(policy);
    this.policies.delete(policy);
  }

  private removePolicy(arn: string): void {
    for (const [key, policy] of this.policies) if (policy.PolicyARN === arn) this.forget(key);
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
