import { ArnFormat, CfnResource, CustomResource, Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CleanEndpointFunction } from './clean-endpoint-function';
import { NamedEndpoint, releaseAlarmArn, CHANGE_TIMEOUT, hostingArn, ownNames, stagingEndpointArn } from './hosting-names';
import { allow } from '../private/allow';
import { neededBy, newHandler, propertiesFor } from '../private/handler';
import { byName } from '../private/machine-defaults';
import { HandlerArea } from '../private/model-resources';

/** The endpoint, as far as its remains go. */
export interface CleanedEndpoint extends NamedEndpoint {
  readonly endpointArn: string;
  readonly executionRole: iam.IRole;
}

export interface EndpointCleanupProps {
  readonly endpoint: CleanedEndpoint;
  readonly encryptionKey?: kms.IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** How often the function looks whether an endpoint is gone. */
const PAUSE = Duration.seconds(5);
/** The longest that a function may take. An endpoint that changes for longer has to settle before its stack can be deleted. */
const TIMEOUT = Duration.minutes(15);

/**
 * Removes what releases make at run time when the endpoint's stack is deleted.
 *
 * A deletion goes through the resources in reverse order. What starts releases depends on this resource, and is gone when
 * it is deleted; this resource depends on the state machines, which are still there: it stops what they run.
 */
export class EndpointCleanup extends Construct {
  private readonly machines: sfn.IStateMachine[] = [];
  private readonly cleaner: lambda.IFunction;
  private readonly resource: CustomResource;

  constructor(scope: Construct, id: string, props: EndpointCleanupProps) {
    super(scope, id);
    const { endpoint } = props;
    const handler = new Construct(this, 'Handler');
    this.cleaner = newHandler(handler, CleanEndpointFunction, {
      area: HandlerArea.RELEASE, description: 'Removes what releases to an endpoint have made', encryptionKey: props.encryptionKey, timeout: TIMEOUT,
    });
    this.grant(endpoint);
    this.resource = new CustomResource(this, 'Resource', {
      serviceToken: this.cleaner.functionArn,
      resourceType: 'Custom::MlopsEndpointCleanup',
      serviceTimeout: Duration.minutes(16),
      removalPolicy: props.removalPolicy,
      properties: propertiesFor(this.cleaner, {
        EndpointName: endpoint.endpointName,
        ExecutionRoleArn: endpoint.executionRole.roleArn,
        StateMachineArns: Lazy.list({ produce: () => this.machines.map(({ stateMachineArn }) => stateMachineArn) }, { omitEmpty: true }),
        Pause: PAUSE.toSeconds(),
        // the change itself, and the time until its function began
        Settle: 2 * CHANGE_TIMEOUT.toSeconds(),
      }),
    });
    // models need their role as long as they are there
    this.resource.node.addDependency(endpoint.executionRole);
    neededBy(this.cleaner, this.resource);
  }

  /** A state machine that changes the endpoint. One of another stack, which comes after this one, is deleted before anyhow. */
  public stops(machine: sfn.IStateMachine): void {
    const stack = Stack.of(this);
    if (Stack.of(machine) !== stack || this.machines.includes(machine)) return;
    this.machines.push(machine);
    const { stateMachineArn } = byName(machine);
    const name = stack.splitArn(stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName;
    allow(this.cleaner, { actions: ['states:ListExecutions'], resources: [stateMachineArn] });
    allow(this.cleaner, {
      actions: ['states:StopExecution'],
      resources: [stack.formatArn({ service: 'states', resource: 'execution', resourceName: `${name}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      because: 'Each release is an execution of its own.',
    });
  }

  /** Something that starts such state machines. */
  public comesBefore(starter: CfnResource): void {
    if (Stack.of(this) === Stack.of(starter)) starter.node.addDependency(this.resource);
  }

  private grant(endpoint: CleanedEndpoint): void {
    const stack = Stack.of(this);
    const own = (resource: string): string[] => [hostingArn(endpoint, resource, ownNames(endpoint))];
    const because = 'Each release makes a model, endpoint configs and a staging endpoint of its own, named after the endpoint.';
    allow(this.cleaner, { actions: ['sagemaker:DeleteEndpoint', 'sagemaker:DescribeEndpoint'], resources: [endpoint.endpointArn, stagingEndpointArn(endpoint)], because });
    allow(this.cleaner, { actions: ['sagemaker:DeleteModel', 'sagemaker:DescribeModel'], resources: own('model'), because });
    allow(this.cleaner, { actions: ['sagemaker:DeleteEndpointConfig'], resources: own('endpoint-config'), because });
    allow(this.cleaner, {
      actions: ['sagemaker:ListEndpointConfigs', 'sagemaker:ListEndpoints', 'sagemaker:ListModels', 'application-autoscaling:DescribeScalableTargets'],
      resources: ['*'],
      because: 'Lists cannot be limited to a resource.',
    });
    allow(this.cleaner, {
      actions: ['application-autoscaling:DeregisterScalableTarget'],
      resources: [stack.formatArn({ service: 'application-autoscaling', resource: 'scalable-target', resourceName: '*', arnFormat: ArnFormat.SLASH_RESOURCE_NAME })],
      conditions: { StringEquals: { 'application-autoscaling:service-namespace': 'sagemaker' } },
      because: 'The id of a scalable target is made when it is registered.',
    });
    allow(this.cleaner, {
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [stack.formatArn({ service: 'cloudwatch', resource: 'alarm', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      because: 'cloudwatch:DescribeAlarms answers only those who may describe all alarms.',
    });
    const tracking = stack.formatArn({
      service: 'cloudwatch', resource: 'alarm', resourceName: `TargetTracking-endpoint/${endpoint.endpointName}/*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    allow(this.cleaner, {
      actions: ['cloudwatch:DeleteAlarms'],
      resources: [releaseAlarmArn(endpoint), tracking],
      because: 'Alarms of releases and of target tracking are named after the endpoint.',
    });
  }
}
