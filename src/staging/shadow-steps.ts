import { Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ShadowSettings } from './shadow-plan';
import { announce, change, invoke, notBack, retry, waitForEndpoint } from './workflow';
import { MlopsEventType } from '../domain/events';
import { ParityLimits } from '../domain/serving-parity';
import { IModelEndpoint } from '../serving/model-endpoint';

/** What a staging endpoint is asked, and by whom. */
export interface ParityCheck {
  readonly check: lambda.IFunction;
  readonly sampleSize: number;
  readonly limits: ParityLimits;
  /** The only bucket that samples are read from. */
  readonly sampleBucket?: string;
}

export interface ShadowStepsOptions {
  readonly endpoint: IModelEndpoint;
  readonly settings: ShadowSettings;
  readonly planner: lambda.IFunction;
  readonly deployer: lambda.IFunction;
  readonly judge: lambda.IFunction;
  /** Absent: versions have no staging endpoint. */
  readonly parity?: ParityCheck;
  readonly eventBus?: events.IEventBus;
}

const path = sfn.JsonPath;
const NOW = path.stringAt('$$.State.EnteredTime');
const PLAN = path.objectAt('$.plan');
const ON_ERROR = { errors: ['States.ALL'], resultPath: '$.failure' };
const IGNORED = { errors: ['States.ALL'], resultPath: path.DISCARD };
const HAS_FAILED = sfn.Condition.isPresent('$.failure');

/** One staging: the version alone, then as the champion's shadow. Whatever is made on the way is removed on every way out. */
export function shadowSteps(steps: Construct, run: ShadowStepsOptions): sfn.IChainable {
  const { endpoint, settings, judge, deployer } = run;
  const failed = new sfn.Fail(steps, 'ShadowFailed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
  const tidy = tidying(steps, run, failed);
  const back = restoration(steps, run, tidy, failed);
  // what the staging endpoint showed goes into every verdict
  const parity = run.parity === undefined ? {} : { parity: path.objectAt('$.parity') };

  const look = looks(steps, run, parity, back);
  const start = invoke(steps, 'StartComparison', judge, {
    action: 'start', plan: PLAN, time: NOW, historyQueryId: path.stringAt('$.history.QueryExecution.QueryExecutionId'), ...parity,
  }, '$.judged').addCatch(back, ON_ERROR);
  start.next(look);
  const refused = invoke(steps, 'Refused', judge, {
    action: 'refused', plan: PLAN, time: NOW, endpoint: path.objectAt('$.endpoint'), ...parity,
  }, '$.judged').addCatch(back, ON_ERROR);
  refused.next(back);
  const broken = new sfn.Pass(steps, 'ShadowBroken', {
    parameters: { Error: 'EndpointBroken', Cause: path.format('the endpoint is {} after the update', path.stringAt('$.endpoint.EndpointStatus')) },
    resultPath: '$.failure',
  });
  broken.next(back);
  const attached = waitForEndpoint(steps, 'Shadow', {
    endpoint, wanted: '$.plan.names.shadowEndpointConfig', arrived: start, elsewhere: refused, broken, failed: back,
  });
  const createConfig = change(steps, 'CreateConfig', deployer, { action: 'createConfig', request: path.objectAt('$.plan.config') }).addCatch(back, ON_ERROR);
  const attach = change(steps, 'AttachShadow', deployer, {
    action: 'updateEndpoint',
    endpointName: settings.endpointName,
    configName: path.stringAt('$.plan.names.shadowEndpointConfig'),
    onlyFrom: path.array(path.stringAt('$.plan.champion.configName')),
  }).addCatch(back, ON_ERROR);
  createConfig.next(attach).next(attached);

  const history = query(steps, 'QueryChampionLosses', endpoint, '$.plan.history.sql', '$.history', tidy);
  history.next(createConfig);
  const noHistory = new sfn.Pass(steps, 'NoHistory', {
    result: sfn.Result.fromObject({ QueryExecution: { QueryExecutionId: null } }), resultPath: '$.history',
  });
  noHistory.next(createConfig);
  const hasHistory = new sfn.Choice(steps, 'HasHistory').when(sfn.Condition.isPresent('$.plan.history'), history).otherwise(noHistory);
  const passed = new sfn.Choice(steps, 'IsToBeCompared')
    .when(HAS_FAILED, tidy)
    .when(sfn.Condition.stringEquals('$.judged.decision', 'compare'), hasHistory)
    .otherwise(tidy);

  const createModel = change(steps, 'CreateModel', deployer, { action: 'createModel', request: path.objectAt('$.plan.model') }).addCatch(tidy, ON_ERROR);
  const planning = invoke(steps, 'PlanComparison', run.planner, {
    input: path.objectAt('$'), run: path.stringAt('$$.Execution.Id'), time: NOW, settings,
  }, '$.plan').addCatch(failed, ON_ERROR);
  planning.next(createModel);
  createModel.next(run.parity === undefined
    ? invoke(steps, 'JudgeUnstaged', judge, { action: 'staged', plan: PLAN, time: NOW }, '$.judged').addCatch(tidy, ON_ERROR).next(passed)
    : staging(steps, run, run.parity, passed, tidy));
  return planning;
}

/** The version on an endpoint of its own, which is gone when the next step begins. */
function staging(
  steps: Construct, { endpoint, judge, deployer }: ShadowStepsOptions, parity: ParityCheck, next: sfn.IChainable, tidy: sfn.IChainable,
): sfn.State {
  const name = path.stringAt('$.plan.names.stagingEndpoint');
  // an endpoint costs as long as it is there: a staging that could not remove its own has failed
  const remove = change(steps, 'RemoveStaging', deployer, { action: 'remove', endpointName: name, configName: name, untilGone: true }).addCatch(tidy, ON_ERROR);
  remove.next(next);
  const judged = invoke(steps, 'JudgeStaging', judge, { action: 'staged', plan: PLAN, time: NOW, parity: path.objectAt('$.parity') }, '$.judged')
    .addCatch(remove, ON_ERROR);
  judged.next(remove);
  const check = invoke(steps, 'CheckParity', parity.check, {
    endpointName: name,
    sampleUri: path.stringAt('$.plan.candidate.sampleUri'),
    ...(parity.sampleBucket === undefined ? {} : { sampleBucket: parity.sampleBucket }),
    sampleSize: parity.sampleSize,
    limits: parity.limits,
  }, '$.parity').addCatch(remove, ON_ERROR);
  check.next(judged);
  const notStaged = invoke(steps, 'NotStaged', judge, { action: 'notStaged', plan: PLAN, time: NOW, endpoint: path.objectAt('$.endpoint') }, '$.judged')
    .addCatch(remove, ON_ERROR);
  notStaged.next(remove);
  const create = change(steps, 'CreateStaging', deployer, { action: 'createEndpoint', endpointName: name, configName: name }).addCatch(remove, ON_ERROR);
  create.next(waitForEndpoint(steps, 'Staging', {
    endpoint,
    stagingName: '$.plan.names.stagingEndpoint',
    wanted: '$.plan.names.stagingEndpoint',
    arrived: check,
    elsewhere: notStaged,
    broken: notStaged,
    failed: remove,
  }));
  const config = change(steps, 'CreateStagingConfig', deployer, { action: 'createConfig', request: path.objectAt('$.plan.staging') }).addCatch(remove, ON_ERROR);
  config.next(create);
  return config;
}

/** An hour: a comparison of weeks does not end because Athena was out of order meanwhile. */
const PATIENCE: sfn.RetryProps = {
  errors: ['States.TaskFailed', 'States.Timeout'], interval: Duration.seconds(5), backoffRate: 2, maxAttempts: 12, maxDelay: Duration.minutes(10),
};

/** Looks again and again until there is a decision. */
function looks(steps: Construct, { endpoint, judge }: ShadowStepsOptions, parity: Record<string, unknown>, back: sfn.IChainable): sfn.State {
  const wait = new sfn.Wait(steps, 'WaitForLook', { time: sfn.WaitTime.timestampPath('$.judged.look.at') });
  const pairs = query(steps, 'QueryPairs', endpoint, '$.judged.look.sql', '$.pairs', back);
  const decide = invoke(steps, 'Judge', judge, {
    action: 'look',
    plan: PLAN,
    time: NOW,
    comparison: path.objectAt('$.judged.comparison'),
    look: path.objectAt('$.judged.look'),
    queryId: path.stringAt('$.pairs.QueryExecution.QueryExecutionId'),
    ...parity,
  }, '$.judged', PATIENCE).addCatch(back, ON_ERROR);
  wait.next(pairs);
  pairs.next(decide);
  decide.next(new sfn.Choice(steps, 'IsDecided').when(sfn.Condition.stringEquals('$.judged.decision', 'continue'), wait).otherwise(back));
  return wait;
}

/** Removes what was made for the comparison, then tells what came of it. */
function tidying(steps: Construct, { endpoint, deployer, eventBus }: ShadowStepsOptions, failed: sfn.Fail): sfn.State {
  const done = new sfn.Succeed(steps, 'Done', { outputPath: '$.judged.result' });
  const tell = announce(steps, 'TellVerdict', MlopsEventType.SHADOW_VERDICT, sfn.TaskInput.fromJsonPathAt('$.judged.event'), done, eventBus);
  const outcome = new sfn.Choice(steps, 'HasVerdict')
    .when(sfn.Condition.and(sfn.Condition.not(HAS_FAILED), sfn.Condition.isPresent('$.judged.result')), tell)
    .otherwise(failed);
  const tidy = change(steps, 'RemoveShadow', deployer, {
    action: 'remove',
    unlessServedBy: endpoint.endpointName,
    configName: path.stringAt('$.plan.names.shadowEndpointConfig'),
    modelName: path.stringAt('$.plan.names.model'),
  }).addCatch(outcome, IGNORED);
  tidy.next(outcome);
  return tidy;
}

/** Puts the champion's own config back. */
function restoration(steps: Construct, { endpoint, deployer }: ShadowStepsOptions, tidy: sfn.IChainable, failed: sfn.Fail): sfn.State {
  const lost = notBack(steps, 'ChampionNotBack', '$.plan.champion.configName', failed);
  const restore = change(steps, 'RestoreChampion', deployer, {
    action: 'updateEndpoint',
    endpointName: endpoint.endpointName,
    configName: path.stringAt('$.plan.champion.configName'),
    onlyFrom: path.array(path.stringAt('$.plan.names.shadowEndpointConfig')),
  }, '$.restored').addCatch(failed, ON_ERROR);
  restore.next(waitForEndpoint(steps, 'Champion', {
    endpoint, wanted: '$.restored.configName', arrived: tidy, elsewhere: lost, broken: lost, failed,
  }));
  return restore;
}

function query(
  steps: Construct, id: string, { observations }: IModelEndpoint, sql: string, result: string, onFailure: sfn.IChainable,
): sfn.CustomState {
  const state = new sfn.CustomState(steps, id, {
    stateJson: {
      Type: 'Task',
      Resource: `arn:${Stack.of(steps).partition}:states:::athena:startQueryExecution.sync`,
      Parameters: {
        'QueryString.$': sql,
        'QueryExecutionContext': { Database: observations.databaseName },
        'WorkGroup': observations.workGroupName,
      },
      ResultPath: result,
      TimeoutSeconds: 1800,
    },
  });
  state.addRetry(PATIENCE);
  retry(state);
  state.addCatch(onFailure, ON_ERROR);
  return state;
}
