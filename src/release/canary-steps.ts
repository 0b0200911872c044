import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CanarySettings } from './canary-plan';
import { IModelEndpoint } from '../serving/model-endpoint';
import { scaledVariant } from '../staging/hosting-plan';
import { ScaledVariant } from '../staging/scaling-plan';
import { change, invoke, notBack, waitForEndpoint } from '../staging/workflow';

export interface CanaryStepsOptions {
  readonly endpoint: IModelEndpoint;
  readonly settings: CanarySettings;
  readonly planner: lambda.IFunction;
  readonly deployer: lambda.IFunction;
  readonly guard: lambda.IFunction;
  readonly watchEvery: Duration;
}

const path = sfn.JsonPath;
const ON_ERROR = { errors: ['States.ALL'], resultPath: '$.failure' };
const IGNORED = { errors: ['States.ALL'], resultPath: path.DISCARD };

/**
 * The steps of a release. Its outcome is at `$.outcome`, what went wrong with the machinery at `$.failure`; every path
 * that has changed the endpoint ends by way of `RemoveAlarms`.
 */
export function canarySteps(steps: Construct, options: CanaryStepsOptions): sfn.IChainable {
  const { endpoint, settings, planner, deployer, guard } = options;
  const now = path.stringAt('$$.State.EnteredTime');
  const plan = path.objectAt('$.plan');
  const failed = new sfn.Fail(steps, 'ReleaseFailed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
  const ending = conclusion(steps, options, failed);
  const scaled = scaledVariant(settings);
  const scaleAgain = change(steps, 'ScalePrevious', deployer, { action: 'scaleAgain', scaled, configName: path.stringAt('$.endpoint.EndpointConfigName') })
    .addCatch(ending, ON_ERROR);
  scaleAgain.next(ending);
  const back = rollback(steps, options, scaled, scaleAgain, ending);
  const removed = removal(steps, options, ending);

  const production = outcome(steps, 'Released', 'production', 'all traffic is on the new fleet', ending);
  const switched = new sfn.Pass(steps, 'Switched', { parameters: { at: now }, resultPath: '$.switched' });
  const scale = change(steps, 'ScaleNew', deployer, { action: 'scaleNew', scaled, previousConfigName: path.stringAt('$.plan.previousConfigName') })
    .addCatch(back, ON_ERROR);

  const rolledBack = invoke(steps, 'ExplainRollback', guard, { action: 'explain', plan, endpoint: path.objectAt('$.endpoint') }, '$.explained')
    .addCatch(outcome(steps, 'RolledBackUnexplained', 'rolled-back', 'SageMaker rolled back, and the alarms could not be read', scaleAgain), IGNORED);
  rolledBack.next(outcome(steps, 'RolledBack', 'rolled-back', path.stringAt('$.explained.reason'), scaleAgain));
  const broken = new sfn.Pass(steps, 'EndpointBroken', {
    parameters: { Error: 'EndpointBroken', Cause: path.format('the endpoint is {} after the update', path.stringAt('$.endpoint.EndpointStatus')) },
    resultPath: '$.failure',
  });
  broken.next(back);
  switched.next(scale).next(settings.watchMinutes > 0 ? watching(steps, { ...options, over: production, broken, back, ending }) : production);

  const put = invoke(steps, 'PutAlarms', guard, { action: 'put', plan }).addCatch(back, ON_ERROR);
  const update = change(steps, 'ShiftTraffic', deployer, {
    action: 'updateEndpoint',
    endpointName: endpoint.endpointName,
    configName: path.stringAt('$.plan.names.endpointConfig'),
    deploymentConfig: path.objectAt('$.plan.deploymentConfig'),
    onlyFrom: path.array(path.stringAt('$.plan.previousConfigName')),
    leastInstanceCount: path.objectAt('$.plan.leastInstanceCount'),
    scaled,
  }).addCatch(back, ON_ERROR);
  put.next(update).next(waitForEndpoint(steps, 'Shift', {
    endpoint, wanted: '$.plan.names.endpointConfig', arrived: switched, elsewhere: rolledBack, broken, failed: back,
  }));

  const explained = invoke(steps, 'ExplainFailure', guard, { action: 'explain', plan, endpoint: path.objectAt('$.endpoint') }, '$.explained')
    .addCatch(removed, ON_ERROR);
  explained.next(outcome(steps, 'NotCreated', 'rolled-back', path.stringAt('$.explained.reason'), removed));
  const scaleFirst = change(steps, 'ScaleFirst', deployer, { action: 'scaleNew', scaled, previousConfigName: null }).addCatch(removed, ON_ERROR);
  scaleFirst.next(outcome(steps, 'Created', 'production', 'the first version of the endpoint', ending));
  const create = change(steps, 'CreateEndpoint', deployer, {
    action: 'createEndpoint', endpointName: endpoint.endpointName, configName: path.stringAt('$.plan.names.endpointConfig'),
  }).addCatch(removed, ON_ERROR);
  create.next(waitForEndpoint(steps, 'Creation', {
    endpoint,
    wanted: '$.plan.names.endpointConfig',
    arrived: scaleFirst,
    elsewhere: explained,
    broken: explained,
    failed: removed,
  }));

  const model = change(steps, 'CreateModel', deployer, { action: 'createModel', request: path.objectAt('$.plan.model') });
  const config = change(steps, 'CreateConfig', deployer, { action: 'createConfig', request: path.objectAt('$.plan.config') });
  const nothingChanged = new sfn.Choice(steps, 'WasFirst').when(sfn.Condition.booleanEquals('$.plan.first', true), removed).otherwise(back);
  model.addCatch(nothingChanged, ON_ERROR);
  config.addCatch(nothingChanged, ON_ERROR);
  model.next(config).next(new sfn.Choice(steps, 'IsFirst').when(sfn.Condition.booleanEquals('$.plan.first', true), create).otherwise(put));

  const blocked = outcome(steps, 'Blocked', 'rolled-back', path.stringAt('$.plan.blocked'), ending);
  const planning = invoke(steps, 'PlanRelease', planner, { input: path.objectAt('$'), run: path.stringAt('$$.Execution.Id'), time: now, settings }, '$.plan')
    .addCatch(failed, ON_ERROR);
  return planning.next(new sfn.Choice(steps, 'MayStart').when(sfn.Condition.isString('$.plan.blocked'), blocked).otherwise(model));
}

function outcome(steps: Construct, id: string, what: 'production' | 'rolled-back', reason: string, next: sfn.IChainable): sfn.Pass {
  const state = new sfn.Pass(steps, id, { parameters: { outcome: what, reason }, resultPath: '$.outcome' });
  state.next(next);
  return state;
}

interface WatchOptions extends CanaryStepsOptions {
  /** The version has done well, and still serves. */
  readonly over: sfn.IChainable;
  /** It serves no more. */
  readonly broken: sfn.IChainable;
  readonly back: sfn.IChainable;
  readonly ending: sfn.IChainable;
}

/** Looks at the alarms until the window is over. */
function watching(steps: Construct, options: WatchOptions): sfn.State {
  const { over, broken, back, ending } = options;
  const moved = outcome(steps, 'MovedOn', 'rolled-back', path.format('something else moved the endpoint to {} while it was watched',
    path.stringAt('$.endpoint.EndpointConfigName')), ending);
  const wait = new sfn.Wait(steps, 'WaitForWatch', { time: sfn.WaitTime.duration(options.watchEvery) });
  const watch = invoke(steps, 'Watch', options.guard, {
    action: 'watch', plan: path.objectAt('$.plan'), endpoint: path.objectAt('$.endpoint'), switchedAt: path.stringAt('$.switched.at'), time: path.stringAt('$$.State.EnteredTime'),
  }, '$.watched').addCatch(back, ON_ERROR);
  const bad = outcome(steps, 'TakeBack', 'rolled-back', path.stringAt('$.watched.reason'), back);
  wait.next(watch).next(new sfn.Choice(steps, 'IsWatchOver')
    .when(sfn.Condition.stringEquals('$.watched.verdict', 'bad'), bad)
    .when(sfn.Condition.stringEquals('$.watched.verdict', 'over'), waitForEndpoint(steps, 'Watched', {
      endpoint: options.endpoint, wanted: '$.plan.names.endpointConfig', arrived: over, elsewhere: moved, broken, failed: back,
    }))
    .otherwise(wait));
  return wait;
}

/** Puts the config back that served before, at once and with all its capacity. */
function rollback(
  steps: Construct, options: CanaryStepsOptions, scaled: ScaledVariant, restored: sfn.IChainable, ending: sfn.IChainable,
): sfn.State {
  const { endpoint, deployer } = options;
  const lost = notBack(steps, 'PreviousNotBack', '$.plan.previousConfigName', ending);
  const restore = change(steps, 'RestorePrevious', deployer, {
    action: 'updateEndpoint',
    endpointName: endpoint.endpointName,
    configName: path.stringAt('$.plan.previousConfigName'),
    onlyFrom: path.array(path.stringAt('$.plan.names.endpointConfig')),
    scaled,
  }, '$.restored').addCatch(ending, ON_ERROR);
  restore.next(waitForEndpoint(steps, 'Previous', { endpoint, wanted: '$.restored.configName', arrived: restored, elsewhere: lost, broken: lost, failed: ending }));
  return restore;
}

/** Removes an endpoint that never came up. */
function removal(steps: Construct, options: CanaryStepsOptions, ending: sfn.IChainable): sfn.State {
  const remove = change(steps, 'RemoveEndpoint', options.deployer, { action: 'remove', endpointName: options.endpoint.endpointName }).addCatch(ending, ON_ERROR);
  remove.next(ending);
  return remove;
}

/** Removes what only this release needed, and answers. */
function conclusion(steps: Construct, options: CanaryStepsOptions, failed: sfn.Fail): sfn.State {
  const { deployer, guard } = options;
  const result = (id: string, served: string) => new sfn.Pass(steps, id, {
    parameters: {
      outcome: path.stringAt('$.outcome.outcome'),
      reason: path.stringAt('$.outcome.reason'),
      shift: path.stringAt('$.plan.shift'),
      version: path.stringAt('$.plan.candidate.version'),
      endpointConfigName: path.stringAt(served),
      previousConfigName: path.stringAt('$.plan.previousConfigName'),
      previousVersion: path.stringAt('$.plan.previousVersion'),
    },
  });
  const inProduction = sfn.Condition.and(
    sfn.Condition.not(sfn.Condition.isPresent('$.failure')), sfn.Condition.stringEquals('$.outcome.outcome', 'production'),
  );
  const hasFailed = new sfn.Choice(steps, 'HasFailed')
    .when(sfn.Condition.isPresent('$.failure'), failed)
    // usually the previous one, unless something else has moved the endpoint meanwhile
    .when(sfn.Condition.and(sfn.Condition.booleanEquals('$.plan.first', false), sfn.Condition.isPresent('$.endpoint.EndpointConfigName')),
      result('AnswerServing', '$.endpoint.EndpointConfigName'))
    .otherwise(result('AnswerPrevious', '$.plan.previousConfigName'));
  const tidy = change(steps, 'RemoveCandidate', deployer, {
    action: 'remove',
    unlessServedBy: options.endpoint.endpointName,
    configName: path.stringAt('$.plan.names.endpointConfig'),
    modelName: path.stringAt('$.plan.names.model'),
  }).addCatch(hasFailed, IGNORED);
  tidy.next(hasFailed);
  const which = new sfn.Choice(steps, 'IsInProduction').when(inProduction, result('AnswerProduction', '$.plan.names.endpointConfig')).otherwise(tidy);
  const alarms = invoke(steps, 'RemoveAlarms', guard, { action: 'delete', plan: path.objectAt('$.plan') }).addCatch(which, IGNORED);
  alarms.next(which);
  return alarms;
}
