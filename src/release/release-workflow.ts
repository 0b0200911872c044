import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CanaryRelease } from './canary-release';
import { grantSlot } from './ledger-access';
import { ReleaseRecovery } from './release-recovery';
import { ReleaseSlotFunction } from './release-slot-function';
import { RELEASE_DUE, releaseSteps } from './release-steps';
import { MlopsEvents, MlopsEventType } from '../domain/events';
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';
import { Problems } from '../private/problems';
import { acknowledgeWildcard } from '../private/wildcards';
import { IModelRegistry } from '../registry/model-registry';
import { IModelEndpoint } from '../serving/model-endpoint';
import { ShadowStaging } from '../staging/shadow-staging';
import { hostingArn, workflowMachine } from '../staging/workflow';

/** Properties of a `ReleaseWorkflow`. */
export interface ReleaseWorkflowProps {
  /** The registry whose versions are released. */
  readonly registry: IModelRegistry;
  /** Tries a version on real requests. It must be for the same endpoint as `release`. */
  readonly staging: ShadowStaging;
  /** Brings a version into production. */
  readonly release: CanaryRelease;
  /**
   * The bus on which versions are announced, and releases are.
   *
   * @default - the account's default bus
   */
  readonly eventBus?: events.IEventBus;
  /**
   * Encrypts logs. Its key policy must let CloudWatch Logs use it.
   *
   * @default - logs are encrypted by CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * Releases each version that is registered, one at a time, with nobody's help.
 *
 * The event `ModelRegistered` starts an execution, which takes the model's only release slot, tries the version on a
 * staging endpoint of its own and as a shadow of the one in production (`staging`; the first version has nobody to be
 * compared with), and releases it (`release`). While the slot is taken versions wait; when it is free the newest of them is released and older ones are
 * `Superseded`. The version's stage in the registry follows: `Staging`, `Canary`, `Production` (and the one before
 * `Archived`), or `Rejected`, `RolledBack`. The events `ReleaseCompleted` and `ReleaseRolledBack` tell the outcome.
 *
 * An execution that fails, times out or is aborted leaves nothing behind: a second state machine, `recovery`, stops what it
 * started, puts the endpoint back on the last good config, rejects the version with the reason, and frees the slot.
 *
 * @example
 * declare const registry: IModelRegistry;
 * declare const endpoint: IModelEndpoint;
 * new ReleaseWorkflow(this, 'Releases', {
 *   registry,
 *   staging: new ShadowStaging(this, 'Staging', { endpoint, registry }),
 *   release: new CanaryRelease(this, 'Release', { endpoint, registry }),
 * });
 */
export class ReleaseWorkflow extends Construct {
  /** Runs one release for each execution. Input: `{"version", "modelPackageArn"}`, as in the event `ModelRegistered`. */
  public readonly stateMachine: sfn.IStateMachine;
  /** Undoes a release that did not end by itself. Input: `{"execution", "reason"}`. Safe to start at any time. */
  public readonly recovery: sfn.IStateMachine;
  /** The endpoint that versions are released to. */
  public readonly endpoint: IModelEndpoint;

  constructor(scope: Construct, id: string, props: ReleaseWorkflowProps) {
    super(scope, id);
    const { registry, staging, release } = props;
    new Problems(this)
      .check(staging.endpoint === release.endpoint,
        `staging and release must be for the same endpoint, got ${staging.endpoint.node.path} and ${release.endpoint.node.path}`)
      .throwIfAny();
    this.endpoint = release.endpoint;
    staging._fence(registry);
    release._fence(registry);
    const eventBus = props.eventBus ?? events.EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    const slot = this.slotKeeper(props);

    const recovery = new ReleaseRecovery(this, 'Recovery', { registry, staging, release, slot, eventBus, encryptionKey: props.encryptionKey });
    this.recovery = recovery.stateMachine;
    const machine = workflowMachine(this, {
      start: releaseSteps(new Construct(this, 'Steps'), { registry, staging, release, slot, eventBus, recovery: recovery.stateMachine }),
      comment: `Releases versions of the model ${registry.modelName}`,
      encryptionKey: props.encryptionKey,
      functions: [slot, registry.lifecycle],
    });
    for (const child of [staging.stateMachine, release.stateMachine, recovery.stateMachine]) acknowledgeChild(machine, child);
    this.stateMachine = machine;

    this.startOn(MlopsEventType.MODEL_REGISTERED, 'Registered', machine, props, eventBus);
    this.startOn(RELEASE_DUE, 'Due', machine, props, eventBus);
    new events.Rule(this, 'Ended', {
      description: `Recovers a release of the model ${registry.modelName} that did not end by itself`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [machine.stateMachineArn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      targets: [new targets.SfnStateMachine(recovery.stateMachine, {
        input: events.RuleTargetInput.fromObject({
          execution: events.EventField.fromPath('$.detail.executionArn'),
          reason: `its execution is ${events.EventField.fromPath('$.detail.status')}`,
        }),
      })],
    });
  }

  private startOn(detailType: string, id: string, machine: sfn.IStateMachine, { registry }: ReleaseWorkflowProps, eventBus: events.IEventBus): void {
    new events.Rule(this, id, {
      eventBus,
      description: `Releases versions of the model ${registry.modelName}`,
      eventPattern: { source: [MlopsEvents.SOURCE], detailType: [detailType], detail: { model: [registry.modelName] } },
      targets: [new targets.SfnStateMachine(machine, { input: events.RuleTargetInput.fromEventPath('$.detail') })],
    });
  }

  private slotKeeper(props: ReleaseWorkflowProps): lambda.Function {
    const scope = new Construct(this, 'SlotKeeper');
    const slot = new ReleaseSlotFunction(scope, 'Function', handlerDefaults(scope, {
      description: `Keeps the release slot of the model ${props.registry.modelName}`, encryptionKey: props.encryptionKey, timeout: Duration.minutes(2),
    }));
    grantSlot(slot, props.registry, ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem']);
    allow(slot, { actions: ['sagemaker:DescribeEndpoint'], resources: [this.endpoint.endpointArn] });
    allow(slot, {
      actions: ['sagemaker:DescribeEndpointConfig'],
      resources: [hostingArn(this.endpoint, 'endpoint-config', '*')],
      because: 'The config that the endpoint is on may have any name.',
    });
    return slot;
  }
}

/** The CDK lets a task that runs another state machine to its end follow and stop all of that machine's executions. */
function acknowledgeChild(machine: sfn.StateMachine, child: sfn.IStateMachine): void {
  const stack = Stack.of(machine);
  const name = stack.splitArn(child.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName;
  acknowledgeWildcard(machine.role, stack.formatArn({
    service: 'states', resource: 'execution', resourceName: `${name}*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  }), 'Each release is an execution of its own.');
}
