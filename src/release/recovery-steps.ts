import { Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { freeing, lifecycle, superseding } from './release-steps';
import { MlopsEvents, MlopsEventType } from '../domain/events';
import { IModelRegistry } from '../registry/model-registry';
import { IModelEndpoint } from '../serving/model-endpoint';
import { scaledVariant } from '../staging/hosting-plan';
import { announce, hostingSettings, invoke, notBack, retry, waitForEndpoint } from '../staging/workflow';

export interface RecoveryStepsOptions {
  readonly registry: IModelRegistry;
  readonly endpoint: IModelEndpoint;
  readonly slot: lambda.IFunction;
  readonly deployer: lambda.IFunction;
  readonly recoverer: lambda.IFunction;
  readonly eventBus: events.IEventBus;
  /** The state machines that a release starts. */
  readonly machines: { readonly stagingMachineArn: string; readonly releaseMachineArn: string };
  /** Longer than any handler runs that may have looked at the slot before it was taken over. */
  readonly letChangesEnd: Duration;
}

const path = sfn.JsonPath;
const NOW = path.stringAt('$$.State.EnteredTime');
const ME = path.stringAt('$$.Execution.Id');
const FENCE = path.objectAt('$.taken.fence');
const ON_ERROR = { errors: ['States.ALL'], resultPath: '$.failure' };
const IGNORED = { errors: ['States.ALL'], resultPath: path.DISCARD };

/**
 * Undoes a release. First the slot is taken over, so that nobody else can change anything; what was under way by then is
 * waited for. Every step may be repeated, and so may the whole: who takes over from a recovery that broke begins anew.
 */
export function recoverySteps(steps: Construct, options: RecoveryStepsOptions): sfn.IChainable {
  const { registry, recoverer, machines, letChangesEnd, slot, eventBus } = options;
  const failed = new sfn.Fail(steps, 'RecoveryFailed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
  const free = freeing(steps, { slot, registry, eventBus, execution: '$$.Execution.Id', then: new sfn.Succeed(steps, 'Recovered'), onFailure: failed });

  const inspect = invoke(steps, 'Inspect', recoverer, {
    action: 'inspect', fence: FENCE, endpointName: options.endpoint.endpointName, ...machines,
  }, '$.wreck').addCatch(failed, ON_ERROR);
  inspect.next(endpointBack(steps, options, inspect, concluding(steps, options, free, failed), failed));

  const wait = new sfn.Wait(steps, 'LetChangesEnd', { time: sfn.WaitTime.duration(letChangesEnd) });
  wait.next(inspect);
  const stop = invoke(steps, 'StopChildren', recoverer, {
    action: 'stop', fence: FENCE, executions: path.listAt('$.taken.executions'), reason: path.stringAt('$.taken.reason'),
  }).addCatch(failed, ON_ERROR);
  stop.next(wait);

  // whoever concluded may have been interrupted before the outcome was told: told twice is better than never
  const retold = tellAgain(steps, options, free, failed);
  const takeOver = invoke(steps, 'TakeOver', recoverer, {
    action: 'takeOver',
    table: registry.ledger.tableName,
    by: ME,
    input: path.objectAt('$'),
    ...machines,
  }, '$.taken').addCatch(failed, ON_ERROR);
  return takeOver.next(new sfn.Choice(steps, 'WhatIsLeft')
    .when(sfn.Condition.and(sfn.Condition.stringEquals('$.taken.status', 'broken'), sfn.Condition.booleanEquals('$.taken.settled', true)), inspect)
    .when(sfn.Condition.stringEquals('$.taken.status', 'broken'), stop)
    .when(sfn.Condition.stringEquals('$.taken.status', 'concluded'),
      new sfn.Choice(steps, 'HasNews').when(sfn.Condition.isPresent('$.taken.news.type'), retold).otherwise(free))
    .otherwise(new sfn.Succeed(steps, 'NothingToRecover')));
}

/** Gives the endpoint back what it served, in whatever state it is. */
function endpointBack(
  steps: Construct, { endpoint, deployer, recoverer }: RecoveryStepsOptions, inspect: sfn.State, tidied: sfn.IChainable, failed: sfn.Fail,
): sfn.Choice {
  const { endpointName } = endpoint;
  const step = (id: string, payload: Record<string, unknown>, result?: string) =>
    invoke(steps, id, deployer, { ...payload, fence: FENCE }, result).addCatch(failed, ON_ERROR);
  const account = (id: string, reason: string) => {
    const state = new sfn.Pass(steps, id, { parameters: { reason }, resultPath: '$.account' });
    state.next(tidied);
    return state;
  };
  const restored = account('Restored', path.stringAt('$.taken.reason'));
  const recreated = account('Recreated', path.format(
    '{}; the endpoint had failed and was made anew on {}: it did not answer from {} to {}',
    path.stringAt('$.taken.reason'), path.stringAt('$.wreck.lastGood'), path.stringAt('$.recreating.since'), NOW));
  const lost = notBack(steps, 'NotRestored', '$.wreck.lastGood', failed);

  // a release may have taken the scaling off, because of another instance type; a deleted endpoint has lost it
  const scaled = scaledVariant(hostingSettings(endpoint));
  const scaleAgain = step('ScaleLastGood', { action: 'scaleAgain', scaled, configName: path.stringAt('$.endpoint.EndpointConfigName') });
  scaleAgain.next(restored);
  const scaleAnew = step('ScaleAnew', { action: 'scaleNew', scaled, previousConfigName: path.stringAt('$.wreck.lastGood') });
  scaleAnew.next(recreated);

  // a failed endpoint takes no update: what is left is to delete it and to make it anew
  const note = invoke(steps, 'NoteRecreation', recoverer, { action: 'recreating', fence: FENCE, time: NOW }, '$.recreating').addCatch(failed, ON_ERROR);
  const clear = step('RemoveFailed', { action: 'remove', endpointName, onlyFailed: true, untilGone: true });
  const create = step('CreateAnew', { action: 'createEndpoint', endpointName, configName: path.stringAt('$.wreck.lastGood') });
  note.next(clear).next(create).next(waitForEndpoint(steps, 'Anew', {
    endpoint, wanted: '$.wreck.lastGood', arrived: scaleAnew, elsewhere: lost, broken: lost, failed,
  }));

  const hasFailed = new sfn.Choice(steps, 'HasFailed')
    .when(sfn.Condition.stringEquals('$.endpoint.EndpointStatus', 'Failed'), note)
    .otherwise(lost);
  const restore = invoke(steps, 'RestoreLastGood', deployer, {
    action: 'updateEndpoint',
    endpointName,
    configName: path.stringAt('$.wreck.lastGood'),
    onlyFrom: path.array(path.stringAt('$.wreck.shadowConfig'), path.stringAt('$.wreck.releaseConfig')),
    scaled,
    fence: FENCE,
  }, '$.restored')
    // it has failed, or is gone, since it was looked at
    .addCatch(inspect, { errors: ['EndpointUnsuitable'], resultPath: path.DISCARD })
    .addCatch(failed, ON_ERROR);
  restore.next(waitForEndpoint(steps, 'LastGood', {
    endpoint, wanted: '$.restored.configName', arrived: scaleAgain, elsewhere: lost, broken: hasFailed, failed,
  }));
  const remove = step('RemoveEndpoint', { action: 'remove', endpointName });
  remove.next(restored);
  return new sfn.Choice(steps, 'WhatAboutTheEndpoint')
    .when(sfn.Condition.stringEquals('$.wreck.endpoint', 'restore'), restore)
    .when(sfn.Condition.stringEquals('$.wreck.endpoint', 'recreate'), note)
    .when(sfn.Condition.stringEquals('$.wreck.endpoint', 'remove'), remove)
    .otherwise(restored);
}

/** Tidies up, has the registry say what is so, and tells of it. */
function concluding(steps: Construct, options: RecoveryStepsOptions, free: sfn.IChainable, failed: sfn.Fail): sfn.State {
  const { registry, slot, eventBus, endpoint } = options;
  const reason = path.stringAt('$.account.reason');
  const conclude = invoke(steps, 'Conclude', slot, {
    action: 'takenBack', table: registry.ledger.tableName, endpointName: endpoint.endpointName, execution: ME, time: NOW, reason,
  }, '$.concluded').addCatch(failed, ON_ERROR);
  conclude.next(announce(steps, 'TellRolledBack', MlopsEventType.RELEASE_ROLLED_BACK, sfn.TaskInput.fromJsonPathAt('$.concluded.event'), free, eventBus, failed));
  const restored = lifecycle(steps, 'EnterProductionAgain', registry, {
    version: path.stringAt('$.wreck.restored'), stage: 'Production', reason: path.format('back in production: {}', reason), fence: FENCE,
  }).addCatch(failed, ON_ERROR);
  restored.next(conclude);
  const reject = lifecycle(steps, 'Reject', registry, {
    version: path.stringAt('$.wreck.version'), stage: path.stringAt('$.taken.stage'), reason, fence: FENCE, once: true,
  })
    .addCatch(failed, ON_ERROR);
  reject.next(new sfn.Choice(steps, 'IsInProductionAgain').when(sfn.Condition.isString('$.wreck.restored'), restored).otherwise(conclude));
  // the release may have ended before it told the versions that it took the place of
  const superseded = superseding(steps, {
    registry, eventBus, endpointName: endpoint.endpointName, items: '$.wreck.superseded', fence: '$.taken.fence', onFailure: failed,
  });
  superseded.next(reject);
  return tidying(steps, options, superseded);
}

/** Removes alarms, the staging endpoint, configs and models of the broken release, as far as it goes: what is left over costs little. */
function tidying(steps: Construct, { endpoint, deployer, recoverer }: RecoveryStepsOptions, next: sfn.IChainable): sfn.State {
  const unlessServedBy = endpoint.endpointName;
  const remove = (id: string, payload: Record<string, unknown>, then: sfn.IChainable) => {
    const state = invoke(steps, id, deployer, { action: 'remove', ...payload, fence: FENCE }).addCatch(then, IGNORED);
    state.next(then);
    return state;
  };
  const release = remove('RemoveRelease', {
    unlessServedBy, configName: path.stringAt('$.wreck.releaseConfig'), modelName: path.stringAt('$.wreck.releaseModel'),
  }, next);
  const shadow = remove('RemoveShadow', {
    unlessServedBy, configName: path.stringAt('$.wreck.shadowConfig'), modelName: path.stringAt('$.wreck.shadowModel'),
  }, release);
  const stagingName = path.stringAt('$.wreck.stagingEndpoint');
  const staging = remove('RemoveStaging', { endpointName: stagingName, configName: stagingName, untilGone: true }, shadow);
  const alarms = invoke(steps, 'RemoveAlarms', recoverer, { action: 'clean', fence: FENCE, alarmNames: path.listAt('$.wreck.alarmNames') })
    .addCatch(staging, IGNORED);
  alarms.next(staging);
  return alarms;
}

/** Puts the event on the bus that was kept with the outcome. */
function tellAgain(steps: Construct, { eventBus }: RecoveryStepsOptions, next: sfn.IChainable, untold: sfn.IChainable): sfn.State {
  const task = new sfn.CustomState(steps, 'TellAgain', {
    stateJson: {
      Type: 'Task',
      Resource: `arn:${Stack.of(steps).partition}:states:::events:putEvents`,
      Parameters: {
        Entries: [{ 'EventBusName': eventBus.eventBusName, 'Source': MlopsEvents.SOURCE, 'DetailType.$': '$.taken.news.type', 'Detail.$': '$.taken.news.detail' }],
      },
      ResultPath: null,
    },
  });
  retry(task);
  // the slot is kept until somebody was told: the next recovery tries again
  task.addCatch(untold, ON_ERROR);
  task.next(next);
  return task;
}
