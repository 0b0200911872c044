import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CanaryRelease } from './canary-release';
import { RecoverReleaseFunction } from './recover-release-function';
import { recoverySteps } from './recovery-steps';
import { allow } from '../private/allow';
import { newHandler } from '../private/handler';
import { HandlerClass } from '../private/handler-pool';
import { InlineRole } from '../private/inline-role';
import { byName } from '../private/machine-defaults';
import { HandlerArea } from '../private/model-resources';
import { acknowledgeWildcard } from '../private/wildcards';
import { lifecycleOf } from '../registry/lifecycle-of';
import { IModelRegistry } from '../registry/model-registry';
import { grantFence, grantSlot } from '../registry/slot-access';
import { releaseAlarmArn, CHANGE_TIMEOUT } from '../serving/hosting-names';
import { DeployFunction } from '../staging/deploy-function';
import { grantScaling } from '../staging/scaling-access';
import { ShadowStaging } from '../staging/shadow-staging';
import { grantCreating, grantDeploying, grantRemovingStaging, settling, workflowMachine } from '../staging/workflow';

export interface ReleaseRecoveryProps {
  readonly registry: IModelRegistry;
  readonly staging: ShadowStaging;
  readonly release: CanaryRelease;
  readonly slot: lambda.IFunction;
  readonly eventBus: events.IEventBus;
  readonly encryptionKey?: kms.IKey;
}

/** Handlers that change something end within a minute: what began before the slot was taken over is over by then. */
const LET_CHANGES_END = Duration.seconds(90);

/** All the waiting for the endpoint to be put back or made anew, and for what is left over to go. */
export const LONGEST_RECOVERY = settling(10);

/** Undoes what a release left behind that did not end by itself: every step may be repeated, and so may the whole. */
export class ReleaseRecovery extends Construct {
  public readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, private readonly props: ReleaseRecoveryProps) {
    super(scope, id);
    const { registry, release, staging } = props;
    const deployer = this.handler('Deployer', DeployFunction, 'Changes what the endpoint serves', CHANGE_TIMEOUT);
    const recoverer = this.handler('Recoverer', RecoverReleaseFunction, 'Finds out what a broken release left behind, and stops it', CHANGE_TIMEOUT);
    grantDeploying(deployer, release.endpoint);
    grantCreating(deployer, release.endpoint);
    grantRemovingStaging(deployer, release.endpoint);
    grantScaling(deployer, release.endpoint);
    grantFence(deployer, registry);
    grantSlot(recoverer, registry, ['dynamodb:GetItem', 'dynamodb:UpdateItem']);
    allow(recoverer, { actions: ['sagemaker:DescribeEndpoint'], resources: [release.endpoint.endpointArn] });
    const stack = Stack.of(this);
    allow(recoverer, {
      actions: ['states:StopExecution'],
      resources: [staging, release].map(({ stateMachine }) => executionsOf(stateMachine)),
      because: 'Each release is an execution of its own.',
    });
    allow(recoverer, {
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [stack.formatArn({ service: 'cloudwatch', resource: 'alarm', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      because: 'cloudwatch:DescribeAlarms answers only those who may describe all alarms.',
    });
    allow(recoverer, {
      actions: ['cloudwatch:DeleteAlarms'], resources: [releaseAlarmArn(release.endpoint)], because: 'Each release has alarms of its own, named after the endpoint.',
    });
    this.stateMachine = workflowMachine(this, {
      timeout: LONGEST_RECOVERY,
      start: recoverySteps(new Construct(this, 'Steps'), {
        registry,
        endpoint: release.endpoint,
        slot: props.slot,
        deployer,
        recoverer,
        eventBus: props.eventBus,
        machines: { stagingMachineArn: staging.stateMachine.stateMachineArn, releaseMachineArn: release.stateMachine.stateMachineArn },
        letChangesEnd: LET_CHANGES_END,
      }),
      comment: `Recovers releases of the model ${registry.modelName} that did not end by themselves`,
      encryptionKey: props.encryptionKey,
      functions: [deployer, recoverer, props.slot, lifecycleOf(registry)],
    });
    this.lookAtItself(recoverer);
  }

  private lookAtItself(recoverer: lambda.IFunction): void {
    const resources = [executionsOf(this.stateMachine)];
    const because = 'Each recovery is an execution of its own.';
    if (recoverer.role instanceof InlineRole) {
      allow(recoverer, { actions: ['states:DescribeExecution'], resources, because });
      return;
    }
    // apart from the role's own policy, which the function waits for, and the state machine for the function
    const policy = new iam.Policy(this, 'LookAtItself', {
      roles: recoverer.role === undefined ? [] : [recoverer.role],
      statements: [new iam.PolicyStatement({ actions: ['states:DescribeExecution'], resources })],
    });
    acknowledgeWildcard(policy, resources[0], because);
  }

  private handler(id: string, type: HandlerClass, description: string, timeout: Duration): lambda.IFunction {
    return newHandler(new Construct(this, id), type, { area: HandlerArea.RELEASE, description, encryptionKey: this.props.encryptionKey, timeout });
  }
}

/** The ARN of all executions of a state machine. */
export function executionsOf(machine: sfn.IStateMachine): string {
  const stack = Stack.of(machine);
  const name = stack.splitArn(byName(machine).stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName ?? '*';
  return stack.formatArn({ service: 'states', resource: 'execution', resourceName: `${name}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
}
