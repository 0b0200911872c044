import { Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { HostingSettings } from './hosting-plan';
import { MlopsEvents } from '../domain/events';
import { allow } from '../private/allow';
import { eventFor } from '../private/handler';
import { acknowledgeMachine, machineDefaults } from '../private/machine-defaults';
import { modelPackageArns } from '../registry/model-package-arns';
import { hostingArn, ownNames, stagingEndpointArn } from '../serving/hosting-names';
import { IModelEndpoint, ModelEndpoint } from '../serving/model-endpoint';
import { scalingWish } from '../serving/scaling-wish';
import { allowVolumeKey } from '../training/job-role';
import { vpcConfigOf } from '../workbench/container-network';

/** How often an endpoint is looked at while it changes, and for how long at most: SageMaker's own limit is eight hours. */
const POLL = Duration.minutes(1);
const MOST_POLLS = 600;

/** An endpoint is waited for as long as SageMaker may take to change it, before a change and after it. */
export function settling(times: number): Duration {
  return Duration.minutes(times * MOST_POLLS);
}

type Retried = { addRetry(props: sfn.RetryProps): unknown };

/** Waits out a busy endpoint, never repeats what cannot succeed, and gives everything else a few more tries. */
export function retry(task: Retried): void {
  task.addRetry({ errors: ['EndpointUnsuitable', 'SlotLost'], maxAttempts: 0 });
  task.addRetry({ errors: ['EndpointBusy'], interval: Duration.minutes(1), backoffRate: 1, maxAttempts: MOST_POLLS });
  task.addRetry({ errors: ['States.ALL'], interval: Duration.seconds(5), backoffRate: 2, maxAttempts: 5 });
}

/**
 * A step that a function does. `result` is where its answer goes; absent: nowhere. `own` is what is tried again in a way of
 * its own.
 */
export function invoke(
  scope: Construct, id: string, handler: lambda.IFunction, payload: Record<string, unknown>, result?: string, own?: sfn.RetryProps,
): tasks.LambdaInvoke {
  const task = new tasks.LambdaInvoke(scope, id, {
    lambdaFunction: handler,
    payload: sfn.TaskInput.fromObject(eventFor(handler, payload)),
    payloadResponseOnly: true,
    retryOnServiceExceptions: false,
    resultPath: result ?? sfn.JsonPath.DISCARD,
  });
  if (own !== undefined) task.addRetry(own);
  retry(task);
  return task;
}

/** A step that changes what is hosted, as long as the release that it is part of holds the slot; the plan says which one that is. */
export function change(
  scope: Construct, id: string, deployer: lambda.IFunction, payload: Record<string, unknown>, result?: string,
): tasks.LambdaInvoke {
  return invoke(scope, id, deployer, { ...payload, fence: sfn.JsonPath.objectAt('$.plan.fence') }, result);
}

/**
 * A step that puts an event of the library on a bus. What is announced has happened: that the bus is out of order does not
 * undo it. `untold` is where that is seen to, with the error at `$.failure`; absent: the next step goes on.
 */
export function announce(
  scope: Construct, id: string, detailType: string, detail: sfn.TaskInput, next: sfn.IChainable, eventBus?: events.IEventBus, untold?: sfn.IChainable,
): tasks.EventBridgePutEvents {
  const task = new tasks.EventBridgePutEvents(scope, id, {
    entries: [{ eventBus: eventBus ?? events.EventBus.fromEventBusName(scope, `${id}Bus`, 'default'), source: MlopsEvents.SOURCE, detailType, detail }],
    resultPath: sfn.JsonPath.DISCARD,
  });
  retry(task);
  task.addCatch(untold ?? next, { errors: ['States.ALL'], resultPath: untold === undefined ? sfn.JsonPath.DISCARD : '$.failure' });
  task.next(next);
  return task;
}

export interface EndpointWaitOptions {
  readonly endpoint: IModelEndpoint;
  /** Path of the name of a staging endpoint of it that is waited for instead. */
  readonly stagingName?: string;
  /** Path of the config's name that the endpoint should arrive at. */
  readonly wanted: string;
  /** It serves on the wanted config. */
  readonly arrived: sfn.IChainable;
  /** It serves, on another config: SageMaker has rolled back without a word. */
  readonly elsewhere: sfn.IChainable;
  /** It serves no more, or has been changing for longer than SageMaker allows; the status is at `$.endpoint`. */
  readonly broken: sfn.IChainable;
  /** It could not even be asked; the error is at `$.failure`. */
  readonly failed: sfn.IChainable;
}

/**
 * Waits until an endpoint has settled, which SageMaker tells only those who ask. Success is to be in service on the
 * wanted config; in service alone says nothing, since a rolled-back update ends there as well.
 */
export function waitForEndpoint(scope: Construct, name: string, options: EndpointWaitOptions): sfn.State {
  const { endpoint, stagingName } = options;
  const start = new sfn.Pass(scope, `Settle${name}`, { result: sfn.Result.fromObject({ count: 0 }), resultPath: '$.poll' });
  const wait = new sfn.Wait(scope, `Wait${name}`, { time: sfn.WaitTime.duration(POLL) });
  const describe = new tasks.CallAwsService(scope, `Describe${name}`, {
    service: 'sagemaker',
    action: 'describeEndpoint',
    parameters: { EndpointName: stagingName === undefined ? endpoint.endpointName : sfn.JsonPath.stringAt(stagingName) },
    iamResources: stagingName === undefined ? [endpoint.endpointArn] : [stagingEndpointArn(endpoint)],
    resultPath: '$.endpoint',
  });
  retry(describe);
  describe.addCatch(options.failed, { errors: ['States.ALL'], resultPath: '$.failure' });
  const count = new sfn.Pass(scope, `Count${name}`, {
    parameters: { count: sfn.JsonPath.mathAdd(sfn.JsonPath.numberAt('$.poll.count'), 1) },
    resultPath: '$.poll',
  });
  const inService = sfn.Condition.stringEquals('$.endpoint.EndpointStatus', 'InService');
  const changing = sfn.Condition.and(
    sfn.Condition.or(...['Creating', 'Updating', 'SystemUpdating', 'RollingBack'].map((status) => sfn.Condition.stringEquals('$.endpoint.EndpointStatus', status))),
    sfn.Condition.numberLessThan('$.poll.count', MOST_POLLS),
  );
  start.next(wait).next(describe).next(new sfn.Choice(scope, `Is${name}`)
    .when(sfn.Condition.and(inService, sfn.Condition.stringEqualsJsonPath('$.endpoint.EndpointConfigName', options.wanted)), options.arrived)
    .when(inService, options.elsewhere)
    .when(changing, count)
    .otherwise(options.broken));
  count.next(wait);
  return start;
}

/** The endpoint could not be put back on the config at a path: this goes to `$.failure`, under the state's own name. */
export function notBack(scope: Construct, id: string, wanted: string, next: sfn.IChainable): sfn.Pass {
  const path = sfn.JsonPath;
  const state = new sfn.Pass(scope, id, {
    parameters: {
      Error: id,
      Cause: path.format('the endpoint is {} on {} and could not be put back on {}', path.stringAt('$.endpoint.EndpointStatus'),
        path.stringAt('$.endpoint.EndpointConfigName'), path.stringAt(wanted)),
    },
    resultPath: '$.failure',
  });
  state.next(next);
  return state;
}

export interface WorkflowMachineOptions {
  readonly start: sfn.IChainable;
  readonly comment: string;
  readonly encryptionKey?: kms.IKey;
  /** Longer than all that the machine waits for may take together. */
  readonly timeout?: Duration;
  /** Functions that the definition invokes. */
  readonly functions: lambda.IFunction[];
}

/**
 * A state machine that logs everything and is traced. Its role has what its tasks ask for. Every loop in it is bounded, so
 * that its timeout, which would end it without any chance to clean up, is only for what nobody has thought of.
 */
export function workflowMachine(scope: Construct, options: WorkflowMachineOptions): sfn.StateMachine {
  const machine = new sfn.StateMachine(scope, 'Resource', {
    ...machineDefaults(scope, options.encryptionKey),
    definitionBody: sfn.DefinitionBody.fromChainable(options.start),
    timeout: options.timeout,
    comment: options.comment,
  });
  acknowledgeMachine(machine, options.functions.map(({ functionArn }) => functionArn));
  return machine;
}

/** What handlers need to know of an endpoint to make requests for it. */
export function hostingSettings(endpoint: IModelEndpoint): HostingSettings {
  const { observations } = endpoint;
  return {
    endpointName: endpoint.endpointName,
    executionRoleArn: endpoint.executionRole.roleArn,
    productionVariantName: endpoint.productionVariantName,
    shadowVariantName: endpoint.shadowVariantName,
    instanceType: endpoint.instanceType,
    instanceCount: endpoint.instanceCount,
    // of an imported endpoint the size is only described, not wished for
    growing: endpoint instanceof ModelEndpoint,
    ...(endpoint.autoscaling === undefined ? {} : { autoscaling: scalingWish(endpoint.autoscaling) }),
    bucketName: observations.bucket.bucketName,
    ...(observations.encryptionKey === undefined ? {} : { keyArn: observations.encryptionKey.keyArn }),
    ...(endpoint.volumeKey === undefined ? {} : { volumeKeyArn: endpoint.volumeKey.keyArn }),
    ...(endpoint.network === undefined ? {} : { vpcConfig: vpcConfigOf(endpoint.network) }),
  };
}

/** Lets a function read what is hosted and what is about to be, and say what it plans to deploy. */
export function grantPlanning(planner: lambda.IFunction, endpoint: IModelEndpoint, modelPackageGroupName?: string): void {
  const { observations } = endpoint;
  allow(planner, { actions: ['sagemaker:DescribeEndpoint'], resources: [endpoint.endpointArn] });
  allow(planner, {
    actions: ['sagemaker:DescribeEndpointConfig'],
    resources: [hostingArn(endpoint, 'endpoint-config', '*')],
    because: 'The config that the endpoint is on may have any name.',
  });
  allow(planner, {
    actions: ['sagemaker:DescribeModelPackage'],
    resources: modelPackageGroupName === undefined
      ? [hostingArn(endpoint, 'model-package', '*')]
      : modelPackageArns(Stack.of(endpoint), modelPackageGroupName),
    because: modelPackageGroupName === undefined ? 'The package to deploy is named when a release starts.' : 'Each version is a package of its own within the group.',
  });
  allow(planner, {
    actions: ['s3:GetObject'],
    resources: [observations.bucket.arnForObjects('deployments/*')],
    because: 'There is one object for each endpoint config.',
  });
  allow(planner, { actions: ['s3:ListBucket'], resources: [observations.bucket.bucketArn], conditions: { StringLike: { 's3:prefix': ['deployments/*'] } } });
  observations.grantRecordDeployment(planner);
}

/** Lets a function create the endpoint, and remove it where it did not come up. */
export function grantCreating(deployer: lambda.IFunction, endpoint: IModelEndpoint): void {
  const configs = hostingArn(endpoint, 'endpoint-config', ownNames(endpoint));
  allow(deployer, {
    actions: ['sagemaker:CreateEndpoint'],
    resources: [endpoint.endpointArn, configs],
    because: 'Each release makes endpoint configs of its own, named after the endpoint.',
  });
  allow(deployer, { actions: ['sagemaker:DeleteEndpoint'], resources: [endpoint.endpointArn] });
}

/** Lets a function create the short-lived staging endpoints of releases, and remove them. */
export function grantStaging(deployer: lambda.IFunction, endpoint: IModelEndpoint): void {
  const configs = hostingArn(endpoint, 'endpoint-config', ownNames(endpoint));
  allow(deployer, { actions: ['sagemaker:CreateEndpoint'], resources: [stagingEndpointArn(endpoint), configs], because: STAGING_NAMES });
  grantRemovingStaging(deployer, endpoint);
}

/** Lets a function remove staging endpoints that releases have left behind. */
export function grantRemovingStaging(deployer: lambda.IFunction, endpoint: IModelEndpoint): void {
  allow(deployer, {
    actions: ['sagemaker:DeleteEndpoint', 'sagemaker:DescribeEndpoint'], resources: [stagingEndpointArn(endpoint)], because: STAGING_NAMES,
  });
}

export const STAGING_NAMES = 'Each release has a staging endpoint of its own, named after the endpoint.';

/** Lets a function change what the endpoint serves, with models and configs that carry the endpoint's name. */
export function grantDeploying(deployer: lambda.IFunction, endpoint: IModelEndpoint): void {
  const own = ownNames(endpoint);
  const because = 'Each release makes a model and endpoint configs of its own, named after the endpoint.';
  allow(deployer, { actions: ['sagemaker:DescribeEndpoint'], resources: [endpoint.endpointArn] });
  allow(deployer, {
    actions: ['sagemaker:CreateModel', 'sagemaker:DeleteModel'], resources: [hostingArn(endpoint, 'model', own)], because,
  });
  allow(deployer, {
    actions: ['sagemaker:CreateEndpointConfig', 'sagemaker:DeleteEndpointConfig'],
    resources: [hostingArn(endpoint, 'endpoint-config', own)],
    because,
  });
  allow(deployer, {
    actions: ['sagemaker:UpdateEndpoint'],
    resources: [endpoint.endpointArn, hostingArn(endpoint, 'endpoint-config', '*')],
    because: 'The champion\'s config, which a release may have to restore, may have any name.',
  });
  allow(deployer, {
    actions: ['iam:PassRole'], resources: [endpoint.executionRole.roleArn], conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
  });
  if (endpoint.volumeKey !== undefined) allowVolumeKey(deployer, endpoint.volumeKey);
}
