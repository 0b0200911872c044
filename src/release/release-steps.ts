import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { CanaryRelease } from './canary-release';
import { HookKeeper } from './hook-steps';
import { Retention } from './retention';
import { MlopsEventType } from '../domain/events';
import { LifecycleStage } from '../domain/ledger';
import { byName } from '../private/machine-defaults';
import { lifecycleOf } from '../registry/lifecycle-of';
import { IModelRegistry } from '../registry/model-registry';
import { ShadowStaging } from '../staging/shadow-staging';
import { announce, invoke, retry } from '../staging/workflow';

/** Type of the event that says it is a waiting version's turn: between executions of the workflow only. */
export const RELEASE_DUE = 'ReleaseDue';

/** For so long a version waits for others that come at the same time. */
export const GATHERING = Duration.minutes(2);

export interface ReleaseStepsOptions {
  readonly registry: IModelRegistry;
  readonly staging: ShadowStaging;
  readonly release: CanaryRelease;
  /** Keeps the release slot. */
  readonly slot: lambda.IFunction;
  readonly eventBus: events.IEventBus;
  readonly recovery: sfn.IStateMachine;
  readonly hooks: HookKeeper;
  readonly retention: Retention;
}

const path = sfn.JsonPath;
const NOW = path.stringAt('$$.State.EnteredTime');
/** The execution that has to hold the slot when something is changed. */
const FENCE = path.objectAt('$.acquired.fence');
const ON_ERROR = { errors: ['States.ALL'], resultPath: '$.failure' };

/**
 * One release. What goes wrong on the way goes to `Recover`; from `Complete`, `RolledBack` or `Rejected` on the outcome
 * stands, and recovery only tells of it and frees the slot: not before somebody was told.
 */
export function releaseSteps(steps: Construct, options: ReleaseStepsOptions): sfn.IChainable {
  const { registry, staging, release, slot, eventBus, hooks, retention } = options;
  const recover = recovery(steps, options);
  const keep = (id: string, payload: Record<string, unknown>, result: string) => invoke(steps, id, slot, {
    ...payload, table: registry.ledger.tableName, execution: path.stringAt('$$.Execution.Id'), time: NOW,
  }, result).addCatch(recover, ON_ERROR);
  const stage = (id: string, version: string, to: LifecycleStage, reason: string, detail?: StageStep['detail']) =>
    lifecycle(steps, id, registry, { version: path.stringAt(version), stage: to, reason, detail, fence: FENCE }).addCatch(recover, ON_ERROR);
  const version = '$.acquired.slot.version';
  const endpointName = release.endpoint.endpointName;

  const free = freeing(steps, { slot, registry, eventBus, execution: '$$.Execution.Id', then: new sfn.Succeed(steps, 'Done'), onFailure: recover });

  const rejected = stage('Reject', version, 'Rejected', path.format('{}: {}', path.stringAt('$.staging.output.decision'), path.stringAt('$.staging.output.reason')),
    '$.staging.output');
  const concluded = keep('Rejected', { action: 'rejected', endpointName }, '$.concluded');
  concluded.next(announce(steps, 'TellRejected', MlopsEventType.RELEASE_REJECTED, sfn.TaskInput.fromJsonPathAt('$.concluded.event'), free, eventBus, recover));
  rejected.next(concluded);
  const byHook = (id: string, verdict: Record<string, unknown>) =>
    stage(id, version, 'Rejected', path.stringAt('$.judged.reason'), { hook: path.objectAt('$.judged'), ...verdict }).next(concluded);

  const rolledBack = stage('TakeBack', version, 'RolledBack', path.stringAt('$.release.output.reason'), '$.release.output');
  const takenBack = keep('RolledBack', { action: 'takenBack', endpointName, reason: path.stringAt('$.release.output.reason') }, '$.concluded');
  rolledBack.next(takenBack).next(announce(
    steps, 'TellRolledBack', MlopsEventType.RELEASE_ROLLED_BACK, sfn.TaskInput.fromJsonPathAt('$.concluded.event'), free, eventBus, recover,
  ));

  const production = stage('EnterProduction', version, 'Production', path.stringAt('$.release.output.reason'), '$.release.output');
  const archive = stage('ArchivePrevious', '$.acquired.previousVersion', 'Archived', path.format('replaced by {}', path.stringAt(version)));
  const complete = keep('Complete', { action: 'complete', endpointName, released: path.objectAt('$.release.output') }, '$.concluded');
  const retain = retention.steps(steps, {
    fence: { table: registry.ledger.tableName, execution: path.stringAt('$$.Execution.Id') }, released: '$.release.output', next: free,
  });
  complete.next(announce(steps, 'TellCompleted', MlopsEventType.RELEASE_COMPLETED, sfn.TaskInput.fromJsonPathAt('$.concluded.event'), retain, eventBus, recover));
  archive.next(complete);
  production.next(new sfn.Choice(steps, 'HasPrevious').when(sfn.Condition.isString('$.acquired.previousVersion'), archive).otherwise(complete));

  const afterHooks = hooks.steps(steps, 'afterPromotion', {
    verdict: '$.staging.output', proceed: production, rejected: () => takeBack(steps, options), broken: recover,
  });
  const canary = child(steps, 'RunRelease', release.stateMachine, '$.acquired.slot.releaseName', '$.release', recover);
  canary.next(new sfn.Choice(steps, 'IsInProduction')
    .when(sfn.Condition.stringEquals('$.release.output.outcome', 'production'), afterHooks)
    .otherwise(rolledBack));
  const promoted = stage('EnterCanary', version, 'Canary', path.stringAt('$.staging.output.reason'), '$.staging.output');
  promoted.next(canary);

  const beforeHooks = hooks.steps(steps, 'beforePromotion', {
    verdict: '$.staging.output', proceed: promoted, rejected: () => byHook('RejectBeforePromotion', { verdict: path.objectAt('$.staging.output') }), broken: recover,
  });
  const shadow = child(steps, 'RunStaging', staging.stateMachine, '$.acquired.slot.stagingName', '$.staging', recover);
  shadow.next(new sfn.Choice(steps, 'IsPromoted')
    .when(sfn.Condition.stringEquals('$.staging.output.decision', 'promote'), beforeHooks)
    .otherwise(rejected));
  const enterStaging = stage('EnterStaging', version, 'Staging', 'tried on an endpoint of its own, then on real requests beside the version in production');
  enterStaging.next(hooks.steps(steps, 'beforeShadow', { proceed: shadow, rejected: () => byHook('RejectBeforeShadow', {}), broken: recover }));

  const route = new sfn.Choice(steps, 'MayRelease')
    .when(sfn.Condition.stringEquals('$.acquired.status', 'waiting'), new sfn.Succeed(steps, 'Waiting', { comment: 'The slot is taken; whoever frees it goes on with the newest version' }))
    .when(sfn.Condition.stringEquals('$.acquired.status', 'ignored'), new sfn.Succeed(steps, 'NothingToRelease'))
    .otherwise(enterStaging);
  const superseded = superseding(steps, { registry, eventBus, endpointName, items: '$.acquired.superseded', fence: '$.acquired.fence', onFailure: recover });
  superseded.next(route);

  // versions that come at once are looked at together: only the newest of them is worth a release
  const join = keep('JoinQueue', { action: 'join', input: path.objectAt('$') }, path.DISCARD);
  const gather = new sfn.Wait(steps, 'Gather', { time: sfn.WaitTime.duration(GATHERING) });
  const acquire = keep('AcquireSlot', { action: 'acquire', endpointName, input: path.objectAt('$') }, '$.acquired');
  return join.next(gather).next(acquire).next(superseded);
}

export interface SupersedingOptions {
  readonly registry: IModelRegistry;
  readonly eventBus: events.IEventBus;
  readonly endpointName: string;
  /** Path of the versions with their reasons. */
  readonly items: string;
  /** Path of what each change has to show. */
  readonly fence: string;
  readonly onFailure: sfn.IChainable;
}

/** Has the registry say of older versions that a newer one takes their place, and tells of it. */
export function superseding(steps: Construct, options: SupersedingOptions): sfn.Map {
  const { registry, endpointName, eventBus, items, fence, onFailure } = options;
  const map = new sfn.Map(steps, 'SupersedeOlder', {
    itemsPath: items,
    itemSelector: { version: path.stringAt('$$.Map.Item.Value.version'), reason: path.stringAt('$$.Map.Item.Value.reason'), fence: path.objectAt(fence) },
    maxConcurrency: 1,
    resultPath: path.DISCARD,
  });
  const supersede = lifecycle(steps, 'Supersede', registry, {
    version: path.stringAt('$.version'), stage: 'Superseded', reason: path.stringAt('$.reason'), fence: path.objectAt('$.fence'), once: true, result: '$.changed',
  });
  const untold = new sfn.Fail(steps, 'SupersededUntold', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
  supersede.next(announce(steps, 'TellSuperseded', MlopsEventType.RELEASE_SUPERSEDED, sfn.TaskInput.fromObject({
    endpoint: endpointName, version: path.stringAt('$.version'), reason: path.stringAt('$.reason'), account: path.stringAt('$.changed.account'), time: NOW,
  }), new sfn.Succeed(steps, 'Superseded'), eventBus, untold));
  map.itemProcessor(supersede);
  map.addCatch(onFailure, ON_ERROR);
  return map;
}

export interface StageStep {
  readonly version: string;
  /** The stage, or its path. */
  readonly stage: string;
  readonly reason: string;
  /** What the stage was decided on: its path, or an object of paths. */
  readonly detail?: string | Record<string, unknown>;
  /** What the change has to show: the release that it is part of. */
  readonly fence: unknown;
  /** Add nothing where the version is at the stage already. */
  readonly once?: boolean;
  /** Path of the answer, which holds the version's account; absent: nowhere. */
  readonly result?: string;
}

/** Moves a version to a stage of its life, in the ledger and on its model package. */
export function lifecycle(
  steps: Construct, id: string, registry: IModelRegistry, change: StageStep,
): tasks.LambdaInvoke {
  return invoke(steps, id, lifecycleOf(registry), {
    version: change.version,
    stage: change.stage,
    reason: change.reason,
    ...(change.detail === undefined ? {} : { detail: typeof change.detail === 'string' ? path.objectAt(change.detail) : change.detail }),
    time: NOW,
    fence: change.fence,
    ...(change.once === true ? { once: true } : {}),
  }, change.result);
}

export interface FreeingOptions {
  readonly slot: lambda.IFunction;
  readonly registry: IModelRegistry;
  readonly eventBus: events.IEventBus;
  /** Path of the execution whose slot it is. */
  readonly execution: string;
  readonly then: sfn.IChainable;
  readonly onFailure: sfn.IChainable;
}

/** Frees the slot and calls the newest version that waits for it. */
export function freeing(steps: Construct, options: FreeingOptions): sfn.State {
  const { registry, then } = options;
  const free = invoke(steps, 'FreeSlot', options.slot, {
    action: 'free', table: registry.ledger.tableName, execution: path.stringAt(options.execution),
  }, '$.freed').addCatch(options.onFailure, ON_ERROR);
  const due = announce(steps, 'TellDue', RELEASE_DUE, sfn.TaskInput.fromObject({
    model: registry.modelName,
    version: path.stringAt('$.freed.next.version'),
    modelPackageArn: path.stringAt('$.freed.next.modelPackageArn'),
    time: NOW,
  }), then, options.eventBus);
  free.next(new sfn.Choice(steps, 'IsAnyWaiting').when(sfn.Condition.isPresent('$.freed.next.version'), due).otherwise(then));
  return free;
}

/** Runs another state machine to its end. The name is the slot's, so that a retry finds the execution that is under way already. */
function child(
  steps: Construct, id: string, machine: sfn.IStateMachine, name: string, result: string, onFailure: sfn.IChainable,
): tasks.StepFunctionsStartExecution {
  const task = new tasks.StepFunctionsStartExecution(steps, id, {
    stateMachine: byName(machine),
    integrationPattern: sfn.IntegrationPattern.RUN_JOB,
    name: path.stringAt(name),
    input: sfn.TaskInput.fromObject({
      version: path.stringAt('$.acquired.slot.version'),
      modelPackageArn: path.stringAt('$.acquired.slot.modelPackageArn'),
      fence: FENCE,
    }),
    resultSelector: { output: path.objectAt('$.Output') },
    resultPath: result,
  });
  task.addRetry({
    errors: ['StepFunctions.AWSStepFunctionsException', 'StepFunctions.ExecutionLimitExceededException'],
    interval: Duration.seconds(5),
    backoffRate: 2,
    maxAttempts: 5,
  });
  task.addCatch(onFailure, ON_ERROR);
  return task;
}

/** A hook has rejected what serves already: recovery is the way back, and the release has ended as it should. */
function takeBack(steps: Construct, options: ReleaseStepsOptions): sfn.State {
  const failed = new sfn.Fail(steps, 'NotTakenBack', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
  const back = new tasks.StepFunctionsStartExecution(steps, 'TakeBackByHook', {
    stateMachine: byName(options.recovery),
    integrationPattern: sfn.IntegrationPattern.RUN_JOB,
    input: sfn.TaskInput.fromObject({ execution: path.stringAt('$$.Execution.Id'), reason: path.stringAt('$.judged.reason'), stage: 'RolledBack' }),
    resultPath: path.DISCARD,
  });
  retry(back);
  back.addCatch(failed, ON_ERROR);
  back.next(new sfn.Succeed(steps, 'RolledBackByHook'));
  return back;
}

/** Undoes the release, then fails: the rule on failed executions finds nothing left to do, unless this has failed as well. */
function recovery(steps: Construct, options: ReleaseStepsOptions): sfn.State {
  const failed = new sfn.Fail(steps, 'ReleaseFailed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
  const recover = new tasks.StepFunctionsStartExecution(steps, 'Recover', {
    stateMachine: byName(options.recovery),
    integrationPattern: sfn.IntegrationPattern.RUN_JOB,
    input: sfn.TaskInput.fromObject({
      execution: path.stringAt('$$.Execution.Id'),
      // as JSON, which the recovery puts into words: the cause of a failed workflow is JSON itself
      reason: path.jsonToString(path.objectAt('$.failure')),
    }),
    resultPath: path.DISCARD,
  });
  retry(recover);
  recover.addCatch(failed, { errors: ['States.ALL'], resultPath: path.DISCARD });
  recover.next(failed);
  return recover;
}
