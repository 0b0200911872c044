import { Duration, Stack, Token } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { DeployFunction } from './deploy-function';
import { JudgeShadowFunction } from './judge-shadow-function';
import { PlanShadowFunction } from './plan-shadow-function';
import { ShadowSettings } from './shadow-plan';
import { announce, grantDeploying, grantPlanning, hostingSettings, invoke, retry, waitForEndpoint, workflowMachine } from './workflow';
import { MlopsEventType } from '../domain/events';
import { MIN_BLOCKS, verdictProblems } from '../domain/verdict';
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';
import { Problems } from '../private/problems';
import { IModelRegistry } from '../registry/model-registry';
import { IModelEndpoint } from '../serving/model-endpoint';

/** What the comparison of two models measures on each request. */
export enum ShadowLoss {
  /** The square of the error: a few large errors weigh more than many small ones. */
  SQUARED = 'SQUARED',
  /** The absolute value of the error: each unit of error weighs the same. */
  ABSOLUTE = 'ABSOLUTE',
}

/** Options of a `ShadowStaging`, whatever endpoint it challenges. */
export interface ShadowStagingOptions {
  /**
   * Percentage of the production requests that the shadow sees as well, above 0 and at most 100.
   *
   * @default 100
   */
  readonly samplingPercentage?: number;
  /**
   * How long a comparison may take: 1 hour to 90 days. At its end the verdict is `inconclusive` where neither model
   * is better for certain.
   *
   * @default Duration.days(30)
   */
  readonly window?: Duration;
  /**
   * How often the comparison is looked at. Looking often costs queries, never certainty.
   *
   * @default Duration.hours(6)
   */
  readonly evaluateEvery?: Duration;
  /**
   * Requests that both models must have answered, with labels, before the challenger may be promoted.
   *
   * @default 200
   */
  readonly minSamples?: number;
  /**
   * By how much the challenger's mean loss may be worse than the champion's and still pass, as a fraction.
   *
   * @default 0.02
   */
  readonly tolerance?: number;
  /**
   * The probability with which chance alone may decide wrongly, over the whole comparison.
   *
   * @default 0.05
   */
  readonly alpha?: number;
  /**
   * What is measured on each request.
   *
   * @default ShadowLoss.SQUARED
   */
  readonly loss?: ShadowLoss;
  /**
   * After what time the label of a request has arrived, as a rule.
   *
   * @default Duration.days(1)
   */
  readonly labelDelay?: Duration;
  /**
   * Length of the blocks of time that are compared, whole hours. Requests close in time err alike, so that blocks are
   * the unit of the comparison, and at least 20 of them decide.
   *
   * @default - measured: the shortest length at which the champion's past losses are independent; one day where there is no past
   */
  readonly blockLength?: Duration;
  /**
   * Share of the requests that the shadow may fail, or answer without a number, before it is rejected.
   *
   * @default 0.01
   */
  readonly maxErrorRate?: number;
  /**
   * The 95th percentile of the shadow's latency, in the median hour, above which it is rejected.
   *
   * @default Duration.seconds(1)
   */
  readonly maxLatencyP95?: Duration;
  /**
   * Where the event `ShadowVerdict` goes.
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

/** Properties of a `ShadowStaging`. */
export interface ShadowStagingProps extends ShadowStagingOptions {
  /** The endpoint whose production model is challenged. */
  readonly endpoint: IModelEndpoint;
  /**
   * The registry that versions come from.
   *
   * @default - model packages of any group of the account and region may be staged
   */
  readonly registry?: IModelRegistry;
}

interface Parts {
  readonly planner: lambda.IFunction;
  readonly deployer: lambda.IFunction;
  readonly judge: lambda.IFunction;
  readonly eventBus?: events.IEventBus;
}

/**
 * Tries a model version on real requests before it serves any.
 *
 * The version becomes the shadow variant of the endpoint: it receives a copy of the production requests, and its
 * answers are captured but never returned. As labels arrive, the losses of both models on the same requests are
 * compared block by block with an always-valid confidence sequence, until the challenger is good enough (`promote`),
 * worse than allowed (`reject`), or the window ends (`inconclusive`, never a promotion). Whatever happens, the endpoint
 * ends on the config that it was found on.
 *
 * Start `stateMachine` with `{"version", "modelPackageArn"}` (`version` defaults to what the package says). Its output:
 * `{"decision", "reason", "version", "champion", "pairs", "blocks", "lower", "upper", "tolerance", "blockHours", "counts",
 * "sequence"}`. The event `ShadowVerdict` says the same. Callers of the endpoint must send an inference id with each
 * request: it is what pairs both answers and the label.
 *
 * @example
 * declare const endpoint: IModelEndpoint;
 * new ShadowStaging(this, 'Staging', { endpoint, window: Duration.days(14), tolerance: 0.01 });
 */
export class ShadowStaging extends Construct {
  /** Runs one comparison for each execution. */
  public readonly stateMachine: sfn.IStateMachine;
  /** The endpoint whose production model is challenged. */
  public readonly endpoint: IModelEndpoint;

  constructor(scope: Construct, id: string, props: ShadowStagingProps) {
    super(scope, id);
    this.endpoint = props.endpoint;
    const settings = this.settings(props);
    this.check(props, settings);

    const planner = this.handler('Planner', PlanShadowFunction, 'Plans the comparison of a model version with the one in production', props);
    const deployer = this.handler('Deployer', DeployFunction, 'Puts a shadow on the endpoint and takes it off again', props);
    const judge = this.handler('Judge', JudgeShadowFunction, 'Decides which of two models answers better', props);
    grantPlanning(planner, props.endpoint, props.registry?.modelPackageGroupName);
    grantDeploying(deployer, props.endpoint);
    props.endpoint.observations.grantQuery(judge);
    allow(judge, { actions: ['sagemaker:DescribeEndpoint'], resources: [props.endpoint.endpointArn] });
    allow(judge, { actions: ['cloudwatch:GetMetricData'], resources: ['*'], because: 'cloudwatch:GetMetricData cannot be limited to a resource.' });

    const machine = workflowMachine(this, {
      start: this.definition(settings, { planner, deployer, judge, eventBus: props.eventBus }),
      comment: `Compares a model version with the one that the endpoint ${props.endpoint.endpointName} serves`,
      encryptionKey: props.encryptionKey,
      functions: [planner, deployer, judge],
    });
    props.endpoint.observations.grantQuery(machine);
    this.stateMachine = machine;
  }

  private settings(props: ShadowStagingProps): ShadowSettings {
    return {
      ...hostingSettings(props.endpoint),
      samplingPercentage: props.samplingPercentage ?? 100,
      windowHours: (props.window ?? Duration.days(30)).toHours({ integral: false }),
      evaluateEveryMinutes: (props.evaluateEvery ?? Duration.hours(6)).toMinutes({ integral: false }),
      minSamples: props.minSamples ?? 200,
      tolerance: props.tolerance ?? 0.02,
      alpha: props.alpha ?? 0.05,
      loss: props.loss ?? ShadowLoss.SQUARED,
      labelDelayMinutes: (props.labelDelay ?? Duration.days(1)).toMinutes({ integral: false }),
      ...(props.blockLength === undefined ? {} : { blockHours: props.blockLength.toHours({ integral: false }) }),
      maxErrorRate: props.maxErrorRate ?? 0.01,
      maxLatencyP95Milliseconds: (props.maxLatencyP95 ?? Duration.seconds(1)).toMilliseconds(),
    };
  }

  private check(props: ShadowStagingProps, settings: ShadowSettings): void {
    const { samplingPercentage, windowHours, evaluateEveryMinutes, labelDelayMinutes, blockHours, maxErrorRate } = settings;
    const problems = new Problems(this);
    for (const problem of verdictProblems(settings)) problems.check(false, problem);
    const name = props.endpoint.endpointName;
    problems
      .check(Token.isUnresolved(name) || /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/.test(name),
        `the endpoint's name must be 1 to 63 letters, digits and single inner hyphens, got '${name}'`)
      .check(Token.isUnresolved(samplingPercentage) || (samplingPercentage > 0 && samplingPercentage <= 100),
        `samplingPercentage must be above 0 and at most 100, got ${samplingPercentage}`)
      .check(windowHours >= 1 && windowHours <= 90 * 24, `window must be 1 hour to 90 days, got ${windowHours} hours`)
      .check(evaluateEveryMinutes >= 5, `evaluateEvery must be at least 5 minutes, got ${evaluateEveryMinutes} minutes`)
      // one look leaves about 20 events in the execution's history, which holds 25,000
      .check(windowHours * 60 / evaluateEveryMinutes <= 1000,
        `at most 1000 looks fit into one execution, got ${Math.ceil(windowHours * 60 / evaluateEveryMinutes)}: `
        + `evaluate every ${Math.ceil(windowHours * 60 / 1000)} minutes or less often`)
      .check(labelDelayMinutes >= 0 && labelDelayMinutes < windowHours * 60,
        `labelDelay must be shorter than the window of ${windowHours} hours, got ${labelDelayMinutes / 60} hours: no label would arrive within it`)
      .check(blockHours === undefined || blockHours * MIN_BLOCKS <= windowHours - labelDelayMinutes / 60,
        `${MIN_BLOCKS} blocks of ${blockHours} hours and a label delay of ${labelDelayMinutes / 60} hours do not fit into the window of ${windowHours} hours: `
        + 'shorten the blocks or lengthen the window')
      .check(maxErrorRate >= 0 && maxErrorRate < 1, `maxErrorRate must be at least 0 and below 1, got ${maxErrorRate}`)
      .check(settings.maxLatencyP95Milliseconds >= 1, `maxLatencyP95 must be at least 1 ms, got ${settings.maxLatencyP95Milliseconds} ms`)
      .throwIfAny();
  }

  private handler<T extends lambda.Function>(
    id: string, type: new (scope: Construct, id: string, props: lambda.FunctionOptions) => T, description: string, props: ShadowStagingProps,
  ): T {
    const scope = new Construct(this, id);
    return new type(scope, 'Function', handlerDefaults(scope, { description, encryptionKey: props.encryptionKey, timeout: Duration.minutes(2) }));
  }

  private definition(settings: ShadowSettings, run: Parts): sfn.IChainable {
    const steps = new Construct(this, 'Steps');
    const path = sfn.JsonPath;
    const now = path.stringAt('$$.State.EnteredTime');
    const plan = path.objectAt('$.plan');
    const failed = new sfn.Fail(steps, 'ShadowFailed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
    const back = this.restoration(steps, run, failed);
    const onError = { errors: ['States.ALL'], resultPath: '$.failure' };

    const look = this.looks(steps, run.judge, back);
    const start = invoke(steps, 'StartComparison', run.judge, {
      action: 'start', plan, time: now, historyQueryId: path.stringAt('$.history.QueryExecution.QueryExecutionId'),
    }, '$.judged').addCatch(back, onError);
    start.next(look);
    const refused = invoke(steps, 'Refused', run.judge, {
      action: 'refused', plan, time: now, endpoint: path.objectAt('$.endpoint'),
    }, '$.judged').addCatch(back, onError);
    refused.next(back);
    const broken = new sfn.Pass(steps, 'ShadowBroken', {
      parameters: { Error: 'EndpointBroken', Cause: path.format('the endpoint is {} after the update', path.stringAt('$.endpoint.EndpointStatus')) },
      resultPath: '$.failure',
    });
    broken.next(back);
    const attached = waitForEndpoint(steps, 'Shadow', {
      endpoint: this.endpoint, wanted: '$.plan.names.shadowEndpointConfig', arrived: start, elsewhere: refused, broken, failed: back,
    });

    const createModel = invoke(steps, 'CreateModel', run.deployer, { action: 'createModel', request: path.objectAt('$.plan.model') }).addCatch(back, onError);
    const createConfig = invoke(steps, 'CreateConfig', run.deployer, { action: 'createConfig', request: path.objectAt('$.plan.config') }).addCatch(back, onError);
    const attach = invoke(steps, 'AttachShadow', run.deployer, {
      action: 'updateEndpoint',
      endpointName: settings.endpointName,
      configName: path.stringAt('$.plan.names.shadowEndpointConfig'),
      onlyFrom: path.array(path.stringAt('$.plan.champion.configName')),
    }).addCatch(back, onError);
    createModel.next(createConfig).next(attach).next(attached);

    const history = this.query(steps, 'QueryChampionLosses', '$.plan.history.sql', '$.history', failed);
    history.next(createModel);
    const noHistory = new sfn.Pass(steps, 'NoHistory', {
      result: sfn.Result.fromObject({ QueryExecution: { QueryExecutionId: null } }), resultPath: '$.history',
    });
    noHistory.next(createModel);
    const planning = invoke(steps, 'PlanComparison', run.planner, { input: path.objectAt('$'), run: path.stringAt('$$.Execution.Id'), time: now, settings }, '$.plan')
      .addCatch(failed, onError);
    return planning.next(new sfn.Choice(steps, 'HasHistory').when(sfn.Condition.isPresent('$.plan.history'), history).otherwise(noHistory));
  }

  /** Looks again and again until there is a decision. */
  private looks(steps: Construct, judge: lambda.IFunction, back: sfn.IChainable): sfn.State {
    const path = sfn.JsonPath;
    const wait = new sfn.Wait(steps, 'WaitForLook', { time: sfn.WaitTime.timestampPath('$.judged.look.at') });
    const pairs = this.query(steps, 'QueryPairs', '$.judged.look.sql', '$.pairs', back);
    const decide = invoke(steps, 'Judge', judge, {
      action: 'look',
      plan: path.objectAt('$.plan'),
      time: path.stringAt('$$.State.EnteredTime'),
      comparison: path.objectAt('$.judged.comparison'),
      look: path.objectAt('$.judged.look'),
      queryId: path.stringAt('$.pairs.QueryExecution.QueryExecutionId'),
    }, '$.judged').addCatch(back, { errors: ['States.ALL'], resultPath: '$.failure' });
    wait.next(pairs);
    pairs.next(decide);
    decide.next(new sfn.Choice(steps, 'IsDecided').when(sfn.Condition.stringEquals('$.judged.decision', 'continue'), wait).otherwise(back));
    return wait;
  }

  /** Puts the champion's own config back, removes what was made for the comparison, then tells what came of it. */
  private restoration(steps: Construct, { deployer, eventBus }: Parts, failed: sfn.Fail): sfn.State {
    const path = sfn.JsonPath;
    const onError = { errors: ['States.ALL'], resultPath: '$.failure' };
    const done = new sfn.Succeed(steps, 'Done', { outputPath: '$.judged.result' });
    const tell = announce(steps, 'TellVerdict', MlopsEventType.SHADOW_VERDICT, sfn.TaskInput.fromJsonPathAt('$.judged.event'), done, eventBus);
    const outcome = new sfn.Choice(steps, 'HasVerdict')
      .when(sfn.Condition.and(sfn.Condition.not(sfn.Condition.isPresent('$.failure')), sfn.Condition.isPresent('$.judged.result')), tell)
      .otherwise(failed);
    const tidy = invoke(steps, 'RemoveShadow', deployer, {
      action: 'remove',
      unlessServedBy: this.endpoint.endpointName,
      configName: path.stringAt('$.plan.names.shadowEndpointConfig'),
      modelName: path.stringAt('$.plan.names.model'),
    }).addCatch(outcome, { errors: ['States.ALL'], resultPath: path.DISCARD });
    tidy.next(outcome);
    const lost = new sfn.Pass(steps, 'ChampionNotBack', {
      parameters: {
        Error: 'ChampionNotBack',
        Cause: path.format('the endpoint is {} on {} and could not be put back on {}', path.stringAt('$.endpoint.EndpointStatus'),
          path.stringAt('$.endpoint.EndpointConfigName'), path.stringAt('$.plan.champion.configName')),
      },
      resultPath: '$.failure',
    });
    lost.next(failed);
    const restore = invoke(steps, 'RestoreChampion', deployer, {
      action: 'updateEndpoint',
      endpointName: this.endpoint.endpointName,
      configName: path.stringAt('$.plan.champion.configName'),
      onlyFrom: path.array(path.stringAt('$.plan.names.shadowEndpointConfig')),
    }, '$.restored').addCatch(failed, onError);
    restore.next(waitForEndpoint(steps, 'Champion', {
      endpoint: this.endpoint, wanted: '$.restored.configName', arrived: tidy, elsewhere: lost, broken: lost, failed,
    }));
    return restore;
  }

  private query(steps: Construct, id: string, sql: string, result: string, onFailure: sfn.IChainable): sfn.CustomState {
    const { observations } = this.endpoint;
    const state = new sfn.CustomState(steps, id, {
      stateJson: {
        Type: 'Task',
        Resource: `arn:${Stack.of(this).partition}:states:::athena:startQueryExecution.sync`,
        Parameters: {
          'QueryString.$': sql,
          'QueryExecutionContext': { Database: observations.databaseName },
          'WorkGroup': observations.workGroupName,
        },
        ResultPath: result,
        TimeoutSeconds: 1800,
      },
    });
    retry(state);
    state.addCatch(onFailure, { errors: ['States.ALL'], resultPath: '$.failure' });
    return state;
  }
}
