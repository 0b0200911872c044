import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CanaryRelease } from './canary-release';
import { checkHooks, HookKeeper } from './hook-steps';
import { ReleaseHooks } from './release-hook';
import { BROKEN, ReleaseReconciler } from './release-reconciler';
import { LONGEST_RECOVERY, ReleaseRecovery } from './release-recovery';
import { ReleaseRollback } from './release-rollback';
import { ReleaseSlotFunction } from './release-slot-function';
import { RELEASE_DUE, releaseSteps } from './release-steps';
import { checkKeep, KEPT_BY_DEFAULT, Retention } from './retention';
import { MlopsEvents, MlopsEventType } from '../domain/events';
import { allow, policyOf } from '../private/allow';
import { EXECUTION_STATUS } from '../private/event-router';
import { newHandler } from '../private/handler';
import { byName } from '../private/machine-defaults';
import { HandlerArea, ModelResources } from '../private/model-resources';
import { Problems } from '../private/problems';
import { acknowledgeWildcard } from '../private/wildcards';
import { lifecycleOf } from '../registry/lifecycle-of';
import { IModelRegistry } from '../registry/model-registry';
import { grantSlot } from '../registry/slot-access';
import { hostingArn } from '../serving/hosting-names';
import { IModelEndpoint } from '../serving/model-endpoint';
import { stopOnRemoval } from '../serving/removal';
import { ShadowStaging } from '../staging/shadow-staging';
import { workflowMachine } from '../staging/workflow';

/** What starts a release: a version that was registered, and one whose turn it is. */
const STARTING: string[] = [MlopsEventType.MODEL_REGISTERED, RELEASE_DUE];
/** Each is a rule of its own. */
const MOST_ROLLBACK_ALARMS = 20;

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
   * Whom else a release asks, and where on its way. Each may reject the version.
   *
   * @default - nobody
   */
  readonly hooks?: ReleaseHooks;
  /**
   * How many good releases are kept, 1 to 10, so that the endpoint can go back to them: endpoint config, model, model data
   * and image. With 1, that of the present one, there is nothing to go back to. What older ones were made of is removed once
   * a newer release is seen to serve, unless a version uses it that is kept or may still be released. Model data that were
   * deleted can be brought back from the bucket's earlier versions as long as its lifecycle keeps them (90 days in a bucket
   * that the registry made); images cannot.
   *
   * Where the registry is of the same stack, the policies of its bucket and its repository let nobody else delete model data
   * and images: who wants to empty the bucket takes its policy off first.
   *
   * @default 3
   */
  readonly keep?: number;
  /**
   * Alarms that start `rollback` by themselves when one of them begins to fire, at most 20. They are about the version in
   * production, also long after its release; alarms that guard a release while it is under way belong to `CanaryRelease`.
   *
   * @default - nothing but a person who may (`grantRollback`) starts a rollback
   */
  readonly rollbackAlarms?: cloudwatch.IAlarm[];
  /**
   * How often it is looked at whether something should have gone on that did not: an execution that vanished without an
   * event, a version whose event was lost. 5 minutes to 1 day, in whole minutes.
   *
   * @default Duration.hours(6)
   */
  readonly reconcileEvery?: Duration;
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
 * `Archived`), or `Rejected`, `RolledBack`. The events `ReleaseCompleted`, `ReleaseRejected`, `ReleaseRolledBack` and
 * `ReleaseSuperseded` tell the outcome, each with the version's account: what it was judged on, how, against whom, what was
 * decided and why. The ledger (`account`) and the model package (its approval description) hold the same text.
 *
 * An execution that fails, times out or is aborted leaves nothing behind: a second state machine, `recovery`, takes its slot
 * over, stops what it started, puts the endpoint back on the last good config (an endpoint that has failed is made anew on
 * it), rejects the version with the reason, and frees the slot. An execution that has lost the slot can change nothing any
 * more. A recovery that fails is told of by the event `ReleaseRecoveryFailed`. Whatever nobody was told of, an execution
 * that vanished or a version whose event was lost, is found within `reconcileEvery`, and so is a recovery that did not end.
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
  /** Undoes a release. Input: `{"execution", "reason"}`. Does nothing where the execution does not hold the slot, or a recovery is under way. */
  public readonly recovery: sfn.IStateMachine;
  /**
   * Brings production back to the good release before the present one, in one update, all at once and without any analysis.
   * Input: `{"reason"}`. Started by `rollbackAlarms`; nobody else may, but for whom `grantRollback` names.
   *
   * A release that is under way is undone first, and that is all where its version serves already. The version that goes is
   * `RolledBack`, and the event `ReleaseRolledBack` tells of it; `RollbackImpossible` does where no good release is left to
   * go back to, and `RollbackFailed` where it broke before anything was changed. Of two executions for one cause, the second does nothing.
   */
  public readonly rollback: sfn.IStateMachine;
  /** The endpoint that versions are released to. */
  public readonly endpoint: IModelEndpoint;
  private readonly wayBack: ReleaseRollback;

  constructor(scope: Construct, id: string, props: ReleaseWorkflowProps) {
    super(scope, id);
    const { registry, staging, release } = props;
    const problems = new Problems(this)
      .check(staging.endpoint === release.endpoint,
        `staging and release must be for the same endpoint, got ${staging.endpoint.node.path} and ${release.endpoint.node.path}`);
    checkHooks(problems, props.hooks ?? {});
    checkKeep(problems, props.keep);
    const alarms = props.rollbackAlarms ?? [];
    problems.check(alarms.length <= MOST_ROLLBACK_ALARMS, `rollbackAlarms must be at most ${MOST_ROLLBACK_ALARMS} alarms, got ${alarms.length}`);
    const every = props.reconcileEvery ?? Duration.hours(6);
    const minutes = every.toMinutes({ integral: false });
    problems.check(Number.isInteger(minutes) && minutes >= 5 && minutes <= 24 * 60,
      `reconcileEvery must be 5 minutes to 1 day in whole minutes, got ${minutes} minutes`);
    problems.throwIfAny();
    this.endpoint = release.endpoint;
    staging._fence(registry);
    release._fence(registry);
    const eventBus = props.eventBus ?? events.EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    const slot = this.slotKeeper(props);

    const recovery = new ReleaseRecovery(this, 'Recovery', { registry, staging, release, slot, eventBus, encryptionKey: props.encryptionKey });
    this.recovery = recovery.stateMachine;
    const hooks = new HookKeeper(this, 'Hooks', {
      hooks: props.hooks ?? {}, registry, endpoint: this.endpoint, eventBus, encryptionKey: props.encryptionKey,
    });
    const retention = new Retention(this, 'Retention', {
      registry, endpoint: this.endpoint, keep: props.keep ?? KEPT_BY_DEFAULT, encryptionKey: props.encryptionKey,
    });
    const machine = workflowMachine(this, {
      timeout: longest(props),
      start: releaseSteps(new Construct(this, 'Steps'), { registry, staging, release, slot, eventBus, recovery: recovery.stateMachine, hooks, retention }),
      comment: `Releases versions of the model ${registry.modelName}`,
      encryptionKey: props.encryptionKey,
      functions: [slot, lifecycleOf(registry), retention.handler, ...hooks.functions],
    });
    retention.protect(machine);
    for (const child of [staging.stateMachine, release.stateMachine, recovery.stateMachine, ...hooks.machines]) acknowledgeChild(machine, child);
    this.stateMachine = machine;

    this.wayBack = new ReleaseRollback(this, 'Rollback', {
      registry, release, recovery: recovery.stateMachine, alarms, eventBus, encryptionKey: props.encryptionKey,
    });
    this.rollback = this.wayBack.stateMachine;
    acknowledgeChild(this.wayBack.stateMachine, recovery.stateMachine);

    const model = props.eventBus === undefined ? ModelResources.of(this) : undefined;
    if (model === undefined) this.startByRules(machine, props, eventBus);
    else this.startByRoutes(model, machine, props);
    new ReleaseReconciler(this, 'Reconciler', {
      registry,
      endpoint: this.endpoint,
      holders: [machine, this.rollback, recovery.stateMachine],
      recovery: recovery.stateMachine,
      rollback: this.rollback,
      eventBus,
      every,
      encryptionKey: props.encryptionKey,
      model,
    });
    stopOnRemoval(this.endpoint, [machine, this.rollback, recovery.stateMachine], this);
  }

  /**
   * Starts `rollback` by itself when one more alarm begins to fire, such as that of a `QualityMonitor`.
   *
   * @param alarm an alarm about the version in production
   */
  public addRollbackAlarm(alarm: cloudwatch.IAlarm): void {
    stopOnRemoval(this.endpoint, [], this.wayBack.startOn(alarm));
  }

  /**
   * Lets somebody start a rollback by hand, such as an operator's role for emergencies. Nobody may by default. A role that
   * `PipelineProtection` protects runs against stays denied, unless the state machine is exempt there; a rollback by hand is
   * told of as a `TamperAttempt` as well, unless it is exempt.
   *
   * @param grantee who gets the permission
   */
  public grantRollback(grantee: iam.IGrantable): iam.Grant {
    return this.wayBack.grantStart(grantee);
  }

  private startByRules(machine: sfn.IStateMachine, { registry }: ReleaseWorkflowProps, eventBus: events.IEventBus): void {
    new events.Rule(this, 'Registered', {
      eventBus,
      description: `Releases versions of the model ${registry.modelName}`,
      eventPattern: { source: [MlopsEvents.SOURCE], detailType: STARTING, detail: { model: [registry.modelName] } },
      targets: [new targets.SfnStateMachine(machine, { input: events.RuleTargetInput.fromEventPath('$.detail') })],
    });
    new events.Rule(this, 'Ended', {
      description: `Recovers a release of the model ${registry.modelName} that did not end by itself`,
      eventPattern: {
        source: ['aws.states'],
        detailType: [EXECUTION_STATUS],
        detail: { stateMachineArn: [machine.stateMachineArn, this.rollback.stateMachineArn], status: BROKEN },
      },
      targets: [new targets.SfnStateMachine(this.recovery, {
        input: events.RuleTargetInput.fromObject({
          execution: events.EventField.fromPath('$.detail.executionArn'),
          reason: `its execution is ${events.EventField.fromPath('$.detail.status')}`,
        }),
      })],
    });
  }

  private startByRoutes(model: ModelResources, machine: sfn.IStateMachine, { registry }: ReleaseWorkflowProps): void {
    const rule = model.route(
      { releases: machine.stateMachineArn, recovery: this.recovery.stateMachineArn },
      { source: MlopsEvents.SOURCE, detailTypes: STARTING, detail: { model: [registry.modelName] } },
      {
        source: 'aws.states',
        detailTypes: [EXECUTION_STATUS],
        detail: { stateMachineArn: [machine.stateMachineArn, this.rollback.stateMachineArn], status: BROKEN },
      },
    );
    stopOnRemoval(this.endpoint, [], rule);
  }

  private slotKeeper(props: ReleaseWorkflowProps): lambda.IFunction {
    const scope = new Construct(this, 'SlotKeeper');
    const slot = newHandler(scope, ReleaseSlotFunction, {
      area: HandlerArea.RELEASE, description: 'Keeps the release slot of a model', encryptionKey: props.encryptionKey, timeout: Duration.minutes(2),
    });
    grantSlot(slot, props.registry, [
      'dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem',
    ]);
    allow(slot, { actions: ['sagemaker:DescribeEndpoint'], resources: [this.endpoint.endpointArn] });
    allow(slot, {
      actions: ['sagemaker:DescribeEndpointConfig'],
      resources: [hostingArn(this.endpoint, 'endpoint-config', '*')],
      because: 'The config that the endpoint is on may have any name.',
    });
    return slot;
  }
}

/** All that a release waits for: those whom it asks, the state machines that it runs one after the other, and a day of room. */
function longest({ staging, release, hooks }: ReleaseWorkflowProps): Duration {
  const asked = [...hooks?.beforeShadow ?? [], ...hooks?.beforePromotion ?? [], ...hooks?.afterPromotion ?? []]
    .map(({ _timeout }) => _timeout.isUnresolved() ? Duration.days(7) : _timeout);
  const all = [...asked, staging._longest, release._longest, LONGEST_RECOVERY, Duration.days(1)];
  // an execution lasts a year at most
  return Duration.minutes(Math.min(365 * 24 * 60, all.reduce((sum, each) => sum + Math.ceil(each.toMinutes({ integral: false })), 0)));
}

/** The CDK lets a task that runs another state machine to its end follow and stop all of that machine's executions. */
function acknowledgeChild(machine: sfn.StateMachine, child: sfn.IStateMachine): void {
  const stack = Stack.of(machine);
  const name = stack.splitArn(byName(child).stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName;
  acknowledgeWildcard(policyOf(machine.role) ?? machine.role, stack.formatArn({
    service: 'states', resource: 'execution', resourceName: `${name}*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  }), 'Each release is an execution of its own.');
}
