import { Duration, Stack, Token } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CheckParityFunction } from './check-parity-function';
import { DeployFunction } from './deploy-function';
import { JudgeShadowFunction } from './judge-shadow-function';
import { PlanShadowFunction } from './plan-shadow-function';
import { grantReadScaling } from './scaling-access';
import { ShadowSettings } from './shadow-plan';
import { ShadowSegment } from './shadow-segment';
import { ParityCheck, shadowSteps } from './shadow-steps';
import { grantDeploying, grantPlanning, grantStaging, hostingSettings, settling, STAGING_NAMES, workflowMachine } from './workflow';
import { segmentProblems } from '../domain/segments';
import { ParityLimits, slowAllowed } from '../domain/serving-parity';
import { MIN_BLOCKS, verdictProblems } from '../domain/verdict';
import { allow } from '../private/allow';
import { newHandler } from '../private/handler';
import { HandlerClass } from '../private/handler-pool';
import { HandlerArea } from '../private/model-resources';
import { Problems } from '../private/problems';
import { acknowledgeWildcard } from '../private/wildcards';
import { IModelRegistry } from '../registry/model-registry';
import { grantFence } from '../registry/slot-access';
import { CHANGE_TIMEOUT, stagingEndpointArn } from '../serving/hosting-names';
import { IModelEndpoint } from '../serving/model-endpoint';
import { stopOnRemoval } from '../serving/removal';

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
   * Percentage of the production requests that the shadow sees as well, above 0 and at most 100. The shadow has this share of the
   * instances that production may be scaled out to, for as long as the comparison takes: nothing scales it.
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
   * Requests that both models must have answered, with labels, before the challenger may be promoted. The bounds of the comparison are
   * tightest at about four times as many.
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
   * After what time the label of a request has arrived, as a rule: at least 15 minutes, which it takes until SageMaker has
   * written what it captured.
   *
   * @default Duration.days(1)
   */
  readonly labelDelay?: Duration;
  /**
   * Length of the blocks of time that are compared, whole hours. Requests close in time err alike, so that blocks are
   * the unit of the comparison, and at least 20 of them decide.
   *
   * @default - measured: the shortest length at which the champion's past losses are independent, a whole day where they rise and
   * fall with the hour of the day; one day where there is no past
   */
  readonly blockLength?: Duration;
  /**
   * Parts of the requests on each of which the challenger must not be worse, such as regions; at most 5. A challenger that is better on
   * the whole and for certain worse on one of them, by more than the tolerance, is rejected, and the reason names it. The error level
   * is split evenly over all values of all segments (`alpha` / 21 for one segment without listed values). Segments only ever reject:
   * a promotion does not wait until a segment has enough data.
   *
   * @default - requests are judged on the whole only
   */
  readonly segments?: ShadowSegment[];
  /**
   * Share of the requests that the shadow may fail, or answer without a number, before it is rejected.
   *
   * @default 0.01
   */
  readonly maxErrorRate?: number;
  /**
   * The 95th percentile of the shadow's latency, in the median hour, above which it is rejected, 1 ms to 60 seconds.
   *
   * @default Duration.seconds(1)
   */
  readonly maxLatencyP95?: Duration;
  /**
   * Whether a version first has to answer a sample of the holdout on a short-lived endpoint of its own, as the
   * evaluation answered it, before it sees any real request.
   *
   * @default true
   */
  readonly stagingEndpoint?: boolean;
  /**
   * Instances of the staging endpoint, of the type that production has.
   *
   * @default 1
   */
  readonly stagingInstanceCount?: number;
  /**
   * So many rows of the sample are asked at most, 1 to 150.
   *
   * @default 50
   */
  readonly sampleSize?: number;
  /**
   * By how much an answer of the staging endpoint may differ from what the evaluation predicted for the row, relative to
   * the prediction. Predictions near zero are measured by the usual size of the sample's predictions.
   *
   * @default 0.000001
   */
  readonly parityTolerance?: number;
  /**
   * The 95th percentile of the staging endpoint's latency, as the check measures it from request to answer, above which the
   * version is rejected; at most the 60 seconds that SageMaker gives a model. The first answer of the new container is not
   * measured.
   *
   * @default Duration.seconds(1)
   */
  readonly maxStagingLatencyP95?: Duration;
  /**
   * The bucket that samples are in, as objects that end in `.jsonl`.
   *
   * @default - the registry's bucket of artifacts; without a registry there is no sample, and parity is not checked
   */
  readonly samples?: s3.IBucket;
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

/** More would say no more, and slow ones not fit into one call. */
const MOST_ROWS = 150;
/** SageMaker's limit for one answer. */
const LONGEST_ANSWER_SECONDS = 60;
/** Lambda's limit for one call. */
const PARITY_MINUTES = 15;
/** Until what was captured is written, of both variants. */
const CAPTURE_MINUTES = 15;

function parityLimits(props: ShadowStagingOptions): ParityLimits & { readonly rows: number } {
  return {
    rows: props.sampleSize ?? 50,
    tolerance: props.parityTolerance ?? 0.000001,
    maxLatencyP95Milliseconds: (props.maxStagingLatencyP95 ?? Duration.seconds(1)).toMilliseconds({ integral: false }),
  };
}

/**
 * Tries a model version, first on an endpoint of its own, then on real requests, before it serves any.
 *
 * The version is deployed to a short-lived staging endpoint: same image, network isolation, role and instance type as in
 * production. There it must answer the sample of the holdout that its evaluation left (the model package's customer
 * metadata property `sample`: JSON lines `{"payload": "<csv row>", "prediction": 1.5}`), without an error, in time, and with
 * the evaluation's own predictions, or it is rejected. A version whose package names no sample must come up, and answers
 * nothing: the reason then says `no sample: parity was not checked`. The staging endpoint is removed before anything else
 * happens. Where no version is in production yet there is nothing to compare with, and the decision is `promote`.
 *
 * Then the version becomes the shadow variant of the endpoint: it receives a copy of the production requests, and its
 * answers are captured but never returned. As labels arrive, the losses of both models on the same requests are
 * compared block by block with an always-valid confidence sequence, until the challenger is good enough (`promote`),
 * worse than allowed (`reject`), or the window ends (`inconclusive`, never a promotion). Whatever it decides, the endpoint
 * ends on the config that it was found on. An execution that is stopped from outside leaves its shadow: within a
 * `ReleaseWorkflow` that is recovered, and otherwise up to you.
 *
 * Start `stateMachine` with `{"version", "modelPackageArn"}` (`version` defaults to what the package says). Its output:
 * `{"decision", "reason", "version", "champion", "pairs", "blocks", "lower", "upper", "tolerance", "blockHours", "counts",
 * "segments", "parity", "sequence"}`. The event `ShadowVerdict` says the same. Callers of the endpoint must send an inference id with each
 * request: it is what pairs both answers and the label.
 *
 * Each request counts once, and what cannot be compared is told in `counts`, over all hours: `pairs`; `requests` that either
 * model answered; `without_champion`, `without_challenger` and `without_label`, which lack that side; `bad_champion`,
 * `bad_challenger` and `bad_label`, where it is no number; `batched`, where one request held several rows; `duplicate_captures`, of
 * which the first counts; `split_captures`, whose captures are filed under different hours, and which count in the hour of the
 * champion's answer; `duplicate_labels`, of which the last by `eventTime` counts (labels without one come by their file's hour); `unidentified` captures, without an inference id or
 * a time; and `unknown_labels`, which fit no request of the comparison.
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
  /**
   * No execution lasts longer.
   *
   * @internal
   */
  public readonly _longest: Duration;
  private readonly deployer: lambda.IFunction;

  constructor(scope: Construct, id: string, props: ShadowStagingProps) {
    super(scope, id);
    this.endpoint = props.endpoint;
    const settings = this.settings(props);
    this.check(props, settings);

    const planner = this.handler('Planner', PlanShadowFunction, 'Plans the comparison of a model version with the one in production', props);
    const deployer = this.deployer = this.handler('Deployer', DeployFunction, 'Changes what the endpoint serves', props, CHANGE_TIMEOUT);
    const judge = this.handler('Judge', JudgeShadowFunction, 'Decides which of two models answers better', props, undefined, HandlerArea.EVIDENCE);
    grantPlanning(planner, props.endpoint, props.registry?.modelPackageGroupName);
    grantReadScaling(planner);
    grantDeploying(deployer, props.endpoint);
    props.endpoint.observations.grantQuery(judge);
    allow(judge, { actions: ['sagemaker:DescribeEndpoint'], resources: [props.endpoint.endpointArn] });
    allow(judge, { actions: ['cloudwatch:GetMetricData'], resources: ['*'], because: 'cloudwatch:GetMetricData cannot be limited to a resource.' });
    const parity = props.stagingEndpoint ?? true ? this.parityCheck(props) : undefined;
    if (parity !== undefined) grantStaging(deployer, props.endpoint);

    // the window, one more look, and all the waiting for the staging endpoint and for production to be changed and changed back
    this._longest = Duration.minutes(Math.ceil(settings.windowHours * 60 + settings.evaluateEveryMinutes) + settling(9).toMinutes());
    const machine = workflowMachine(this, {
      timeout: this._longest,
      start: shadowSteps(new Construct(this, 'Steps'), {
        endpoint: props.endpoint, settings, planner, deployer, judge, parity, eventBus: props.eventBus,
      }),
      comment: `Compares a model version with the one that the endpoint ${props.endpoint.endpointName} serves`,
      encryptionKey: props.encryptionKey,
      functions: [planner, deployer, judge, ...(parity === undefined ? [] : [parity.check])],
    });
    if (parity !== undefined) acknowledgeWildcard(machine.role, stagingEndpointArn(props.endpoint), STAGING_NAMES);
    props.endpoint.observations.grantQuery(machine);
    this.stateMachine = machine;
    stopOnRemoval(this.endpoint, [machine]);
  }

  /**
   * Lets what changes the endpoint look up whether its release still holds the registry's slot.
   *
   * @internal
   */
  public _fence(registry: IModelRegistry): void {
    grantFence(this.deployer, registry);
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
      ...((props.segments ?? []).length === 0 ? {} : { segments: (props.segments ?? []).map(({ _source }) => _source) }),
      maxErrorRate: props.maxErrorRate ?? 0.01,
      maxLatencyP95Milliseconds: (props.maxLatencyP95 ?? Duration.seconds(1)).toMilliseconds(),
      stagingInstanceCount: props.stagingInstanceCount ?? 1,
    };
  }

  private check(props: ShadowStagingProps, settings: ShadowSettings): void {
    const { samplingPercentage, windowHours, evaluateEveryMinutes, labelDelayMinutes, blockHours, maxErrorRate } = settings;
    const problems = new Problems(this);
    problems.note(...verdictProblems(settings), ...segmentProblems(settings.segments ?? []));
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
      .check(labelDelayMinutes >= CAPTURE_MINUTES,
        `labelDelay must be at least ${CAPTURE_MINUTES} minutes, got ${labelDelayMinutes}: what is captured is written that late, one variant's before the other's`)
      .check(labelDelayMinutes < windowHours * 60,
        `labelDelay must be shorter than the window of ${windowHours} hours, got ${labelDelayMinutes / 60} hours: no label would arrive within it`)
      .check(blockHours === undefined || blockHours * MIN_BLOCKS <= windowHours - labelDelayMinutes / 60,
        `${MIN_BLOCKS} blocks of ${blockHours} hours and a label delay of ${labelDelayMinutes / 60} hours do not fit into the window of ${windowHours} hours: `
        + 'shorten the blocks or lengthen the window')
      .check(maxErrorRate >= 0 && maxErrorRate < 1, `maxErrorRate must be at least 0 and below 1, got ${maxErrorRate}`)
      .check(settings.maxLatencyP95Milliseconds >= 1 && settings.maxLatencyP95Milliseconds <= LONGEST_ANSWER_SECONDS * 1000,
        `maxLatencyP95 must be 1 ms to the ${LONGEST_ANSWER_SECONDS} s that SageMaker gives a model to answer, got ${settings.maxLatencyP95Milliseconds} ms`)
      .check(!props.endpoint.serverless,
        'the endpoint\'s production variant is serverless, and SageMaker puts no shadow beside such a variant: staging needs a variant on instances')
      .check(Token.isUnresolved(props.endpoint.instanceType) || !props.endpoint.instanceType.startsWith('ml.inf1.'),
        `SageMaker runs no shadow on instances of the type '${props.endpoint.instanceType}'`);
    this.checkStaging(props, problems);
    problems.throwIfAny();
  }

  private checkStaging(props: ShadowStagingProps, problems: Problems): void {
    const { sampleSize, parityTolerance, maxStagingLatencyP95: latency, stagingInstanceCount, samples } = props;
    if (props.stagingEndpoint === false) {
      for (const [name, value] of Object.entries({ sampleSize, parityTolerance, maxStagingLatencyP95: latency, stagingInstanceCount, samples })) {
        problems.check(value === undefined, `${name} is about the staging endpoint, and stagingEndpoint is false`);
      }
      return;
    }
    const limits = parityLimits(props);
    const seconds = limits.maxLatencyP95Milliseconds / 1000;
    const { rows } = limits;
    const whole = Number.isInteger(rows) && rows >= 1 && rows <= MOST_ROWS;
    const longest = rows * seconds + (slowAllowed(rows) + 2) * LONGEST_ANSWER_SECONDS;
    const instances = stagingInstanceCount ?? 1;
    problems
      .check(Token.isUnresolved(rows) || whole, `sampleSize must be a whole number of 1 to ${MOST_ROWS}, got ${rows}`)
      .check(Token.isUnresolved(limits.tolerance) || (limits.tolerance >= 0 && limits.tolerance < 1),
        `parityTolerance must be at least 0 and below 1, got ${limits.tolerance}`)
      .check(seconds >= 0.001 && seconds <= LONGEST_ANSWER_SECONDS,
        `maxStagingLatencyP95 must be 1 ms to the ${LONGEST_ANSWER_SECONDS} s that SageMaker gives a model to answer, got ${seconds} s`)
      .check(Token.isUnresolved(rows) || !whole || longest <= PARITY_MINUTES * 60,
        `${rows} rows with a p95 latency of up to ${seconds} s may take ${Math.ceil(longest)} s, and the check has ${PARITY_MINUTES * 60} s: `
        + 'lower sampleSize or maxStagingLatencyP95')
      .check(Token.isUnresolved(instances) || (Number.isInteger(instances) && instances >= 1),
        `stagingInstanceCount must be a whole number of at least 1, got ${instances}`);
  }

  private parityCheck(props: ShadowStagingProps): ParityCheck {
    const check = this.handler('ParityCheck', CheckParityFunction, 'Asks versions what their evaluation asked', props, Duration.minutes(PARITY_MINUTES), HandlerArea.EVIDENCE);
    const samples = props.samples ?? props.registry?.artifacts;
    allow(check, { actions: ['sagemaker:InvokeEndpoint'], resources: [stagingEndpointArn(props.endpoint)], because: STAGING_NAMES });
    if (samples !== undefined) {
      allow(check, { actions: ['s3:GetObject'], resources: [samples.arnForObjects('*.jsonl')], because: 'Each evaluation leaves a sample of its own.' });
      if (samples.encryptionKey !== undefined) {
        allow(check, {
          actions: ['kms:Decrypt'],
          resources: [samples.encryptionKey.keyArn],
          conditions: { StringEquals: { 'kms:ViaService': `s3.${Stack.of(this).region}.amazonaws.com` } },
        });
      }
    }
    const { rows, ...limits } = parityLimits(props);
    return { check, sampleSize: rows, limits, ...(samples === undefined ? {} : { sampleBucket: samples.bucketName }) };
  }

  private handler(
    id: string, type: HandlerClass, description: string, props: ShadowStagingProps, timeout = Duration.minutes(2), area = HandlerArea.RELEASE,
  ): lambda.IFunction {
    return newHandler(new Construct(this, id), type, { area, description, encryptionKey: props.encryptionKey, timeout });
  }
}
