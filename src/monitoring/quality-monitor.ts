import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { qualityDashboard } from './quality-dashboard';
import { MonitorSettings } from './quality-settings';
import { QualityWorkflow, readsState } from './quality-workflow';
import { ReportDegradationFunction } from './report-degradation-function';
import { allow } from '../private/allow';
import { ALARM_STATE } from '../private/event-router';
import { eventFor, newHandler } from '../private/handler';
import { byName } from '../private/machine-defaults';
import { HandlerArea, ModelResources, SCHEDULED_TIME } from '../private/model-resources';
import { Problems } from '../private/problems';
import { IModelEndpoint } from '../serving/model-endpoint';

/** Options of a `QualityMonitor`, whatever endpoint it watches. */
export interface QualityMonitorOptions {
  /**
   * How often to evaluate: 1, 2, 3, 4, 6, 8, 12 or 24 hours.
   *
   * @default Duration.hours(1)
   */
  readonly every?: Duration;
  /**
   * By when labels are expected. Predictions of this age without a label lower the label coverage.
   *
   * @default Duration.days(1)
   */
  readonly labelDelay?: Duration;
  /**
   * After this a label is no longer looked for a prediction.
   *
   * @default Duration.days(7)
   */
  readonly maxLabelDelay?: Duration;
  /**
   * The alarm goes off where the RMSE exceeds this multiple of the one with which the version was accepted.
   *
   * @default 1.5
   */
  readonly rmseRatioLimit?: number;
  /**
   * The RMSE that the alarm looks at is taken over the last windows that together hold this many labels.
   *
   * @default 200
   */
  readonly minSamples?: number;
  /**
   * Evaluations among which those over the limit are counted.
   *
   * @default 3
   */
  readonly evaluationPeriods?: number;
  /**
   * Evaluations over the limit, among the last `evaluationPeriods`, that make the alarm go off.
   *
   * @default - two, or one where `evaluationPeriods` is one
   */
  readonly datapointsToAlarm?: number;
  /**
   * Labels are missing where fewer than this share of the due predictions has one, in three evaluations in a row.
   *
   * @default 0.5
   */
  readonly minLabelCoverage?: number;
  /**
   * Encrypts logs and the environment of functions. The key must let CloudWatch Logs use it.
   *
   * @default - the services' own encryption
   */
  readonly encryptionKey?: kms.IKey;
}

/** Properties of a `QualityMonitor`. */
export interface QualityMonitorProps extends QualityMonitorOptions {
  /** The endpoint whose predictions are judged. */
  readonly endpoint: IModelEndpoint;
  /**
   * Where alarms are told.
   *
   * @default - nowhere; the alarms can be seen
   */
  readonly alerts?: sns.ITopic;
  /**
   * The bus that gets the event `QualityDegraded`.
   *
   * @default - the account's default bus
   */
  readonly eventBus?: events.IEventBus;
}

const HOURS = [1, 2, 3, 4, 6, 8, 12, 24];
const NAMESPACE = 'cdk-mlops';
/** Evaluations without enough labels, or without any evaluation, before somebody is told. */
const PATIENCE = 3;

/**
 * Tells how good a model's predictions were, as soon as their labels arrive.
 *
 * Each run evaluates the labels that arrived since the last one, each once, and publishes MSE, RMSE, MAE, R², the
 * number of labels and their coverage for each version behind each variant, as CloudWatch metrics (namespace
 * `cdk-mlops`, at the time of the window's end) and as a report below `quality/` in the observation store. Three alarms
 * look at the production variant: its RMSE against the accepted one, missing labels, and a monitor that has fallen silent.
 *
 * @example
 * declare const endpoint: ModelEndpoint;
 * declare const alerts: sns.Topic;
 * new QualityMonitor(this, 'Quality', { endpoint, alerts, rmseRatioLimit: 1.3 });
 */
export class QualityMonitor extends Construct {
  /** Goes off where the model in production is worse than it was accepted to be. */
  public readonly alarm: cloudwatch.Alarm;
  /** Goes off where labels stay away. */
  public readonly missingLabelsAlarm: cloudwatch.Alarm;
  /** Loses its data where evaluations stay away. */
  public readonly silenceAlarm: cloudwatch.Alarm;
  /** Shows the metrics of all versions. */
  public readonly dashboard: cloudwatch.Dashboard;
  /** Evaluates; its input is `{"time": …}`. */
  public readonly stateMachine: sfn.IStateMachine;
  private readonly endpoint: IModelEndpoint;
  private readonly every: Duration;

  constructor(scope: Construct, id: string, props: QualityMonitorProps) {
    super(scope, id);
    const { endpoint } = props;
    const every = props.every ?? Duration.hours(1);
    const labelDelay = props.labelDelay ?? Duration.days(1);
    const maxLabelDelay = props.maxLabelDelay ?? Duration.days(7);
    const limit = props.rmseRatioLimit ?? 1.5;
    const minSamples = props.minSamples ?? 200;
    const evaluationPeriods = props.evaluationPeriods ?? 3;
    const datapointsToAlarm = props.datapointsToAlarm ?? Math.min(2, evaluationPeriods);
    const minLabelCoverage = props.minLabelCoverage ?? 0.5;
    this.validate({ every, labelDelay, maxLabelDelay, limit, minSamples, evaluationPeriods, datapointsToAlarm, minLabelCoverage });
    this.endpoint = endpoint;
    this.every = every;

    const settings: MonitorSettings = {
      bucketName: endpoint.observations.bucket.bucketName,
      endpointName: endpoint.endpointName,
      productionVariant: endpoint.productionVariantName,
      variants: [endpoint.productionVariantName, endpoint.shadowVariantName],
      everyHours: every.toHours(),
      labelDelayHours: labelDelay.toHours(),
      maxLabelDelayHours: maxLabelDelay.toHours(),
      minSamples,
    };
    const { stateMachine } = new QualityWorkflow(this, 'Workflow', { observations: endpoint.observations, settings, encryptionKey: props.encryptionKey });
    this.stateMachine = stateMachine;
    const model = ModelResources.of(this);
    // a quarter past, when the labels of the hour before have been written
    const when = events.Schedule.cron({ minute: '15', hour: every.toHours() === 24 ? '0' : every.toHours() === 1 ? '*' : `0/${every.toHours()}` });
    const description = `Evaluates the predictions of ${endpoint.endpointName}`;
    if (model === undefined) {
      new events.Rule(this, 'Schedule', {
        description,
        schedule: when,
        targets: [new targets.SfnStateMachine(stateMachine, { input: events.RuleTargetInput.fromObject({ time: events.EventField.time }) })],
      });
    } else {
      model.schedule(this, 'Schedule', {
        description, when, action: 'states:StartExecution', arn: byName(stateMachine).stateMachineArn, input: { time: SCHEDULED_TIME },
      });
    }

    this.alarm = new cloudwatch.Alarm(this, 'Alarm', {
      metric: this.metricRmseRatio(),
      alarmDescription: `The RMSE of ${endpoint.endpointName} exceeds ${limit} times the one with which the version in production was accepted`,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: limit,
      evaluationPeriods,
      datapointsToAlarm,
      treatMissingData: cloudwatch.TreatMissingData.MISSING,
    });
    this.missingLabelsAlarm = new cloudwatch.Alarm(this, 'MissingLabels', {
      metric: this.variantMetric('LabelCoverage', cloudwatch.Stats.MINIMUM),
      alarmDescription: `Fewer than ${minLabelCoverage * 100} % of the predictions of ${endpoint.endpointName} got a label in time`,
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: minLabelCoverage,
      evaluationPeriods: PATIENCE,
      // there is no figure where no prediction is due, and then no label is missing
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    this.silenceAlarm = new cloudwatch.Alarm(this, 'Silence', {
      metric: this.variantMetric('SampleCount', cloudwatch.Stats.SAMPLE_COUNT),
      alarmDescription: `Has no data where the predictions of ${endpoint.endpointName} are no longer evaluated`,
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 1,
      evaluationPeriods: PATIENCE,
      // before the first evaluation there is no data either, but no change of state that would be told
      treatMissingData: cloudwatch.TreatMissingData.MISSING,
    });
    if (props.alerts !== undefined) this.tell(new actions.SnsAction(props.alerts));
    this.announce(settings, props);

    this.dashboard = qualityDashboard(this, 'Dashboard', {
      endpoint, every, limit, ratio: this.metricRmseRatio(), alarms: [this.alarm, this.missingLabelsAlarm, this.silenceAlarm],
    });
  }

  /** RMSE of the version in production over the one with which it was accepted. */
  public metricRmseRatio(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.variantMetric('RMSERatio', cloudwatch.Stats.MAXIMUM, options);
  }

  /** Labels that arrived for the production variant. */
  public metricSampleCount(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.variantMetric('SampleCount', cloudwatch.Stats.MAXIMUM, options);
  }

  /** Share of the production variant's due predictions that have a label. */
  public metricLabelCoverage(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.variantMetric('LabelCoverage', cloudwatch.Stats.MINIMUM, options);
  }

  /** A metric (`MSE`, `RMSE`, `MAE`, `R2`, `SampleCount` or `LabelCoverage`) of one version in production, such as `V1.4.2`. */
  public metricOfVersion(metricName: string, version: string, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const dimensions = { Variant: this.endpoint.productionVariantName, ModelVersion: version };
    return this.metric(metricName, dimensions, { statistic: cloudwatch.Stats.AVERAGE, ...options });
  }

  private variantMetric(metricName: string, statistic: string, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(metricName, { Variant: this.endpoint.productionVariantName }, { statistic, ...options });
  }

  private metric(metricName: string, dimensions: Record<string, string>, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: { Endpoint: this.endpoint.endpointName, ...dimensions },
      period: this.every,
      ...options,
    });
  }

  private tell(action: cloudwatch.IAlarmAction): void {
    this.alarm.addAlarmAction(action);
    this.alarm.addOkAction(action);
    this.missingLabelsAlarm.addAlarmAction(action);
    this.missingLabelsAlarm.addOkAction(action);
    this.silenceAlarm.addInsufficientDataAction(action);
  }

  private announce(settings: MonitorSettings, props: QualityMonitorProps): void {
    const busArn = props.eventBus?.eventBusArn
      ?? Stack.of(this).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default', arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
    const scope = new Construct(this, 'Announcer');
    const announcer = newHandler(scope, ReportDegradationFunction, {
      area: HandlerArea.EVIDENCE,
      description: 'Announces that an endpoint predicts worse than was accepted',
      encryptionKey: props.encryptionKey,
      environment: { SETTINGS: JSON.stringify(settings), EVENT_BUS: props.eventBus?.eventBusName ?? 'default' },
    });
    readsState(announcer, this.endpoint.observations);
    allow(announcer, { actions: ['events:PutEvents'], resources: [busArn] });
    const model = props.eventBus === undefined ? ModelResources.of(this) : undefined;
    if (model !== undefined) {
      model.platform.router.calls(announcer.functionArn);
      model.route({ alarm: { function: announcer.functionArn, event: eventFor(announcer, {}) } }, {
        source: 'aws.cloudwatch', detailTypes: [ALARM_STATE], detail: { alarmName: [this.alarm.alarmName], state: { value: ['ALARM'] } },
      });
      return;
    }
    new events.Rule(this, 'Degraded', {
      description: `${settings.endpointName} predicts worse than was accepted`,
      eventPattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: { alarmName: [this.alarm.alarmName], state: { value: ['ALARM'] } },
      },
      targets: [new targets.LambdaFunction(announcer)],
    });
  }

  private validate(given: Given): void {
    const hours = (duration: Duration): number => duration.toHours({ integral: false });
    const whole = (value: number, least: number): boolean => Number.isInteger(value) && value >= least;
    const { every, labelDelay, maxLabelDelay, evaluationPeriods, datapointsToAlarm } = given;
    new Problems(this)
      .check(HOURS.includes(hours(every)), `every must be ${HOURS.join(', ')} hours, got ${every.toString()}`)
      .check(whole(hours(labelDelay), 1), `labelDelay must be whole hours, at least 1, got ${labelDelay.toString()}`)
      .check(whole(hours(maxLabelDelay), 1) && hours(maxLabelDelay) <= 90 * 24, `maxLabelDelay must be whole hours, at most 90 days, got ${maxLabelDelay.toString()}`)
      .check(hours(labelDelay) <= hours(maxLabelDelay), `labelDelay must not exceed maxLabelDelay (${maxLabelDelay.toString()}), got ${labelDelay.toString()}`)
      .check(given.limit > 0, `rmseRatioLimit must be positive, got ${given.limit}`)
      .check(whole(given.minSamples, 1), `minSamples must be a whole number of at least 1, got ${given.minSamples}`)
      .check(given.minLabelCoverage >= 0 && given.minLabelCoverage <= 1, `minLabelCoverage must be 0..1, got ${given.minLabelCoverage}`)
      .check(whole(evaluationPeriods, 1) && evaluationPeriods * hours(every) <= 7 * 24,
        `evaluationPeriods must be a whole number whose periods of ${every.toString()} span at most 7 days, CloudWatch's most, got ${evaluationPeriods}`)
      .check(whole(datapointsToAlarm, 1) && datapointsToAlarm <= evaluationPeriods,
        `datapointsToAlarm must be 1 to evaluationPeriods (${evaluationPeriods}), got ${datapointsToAlarm}`)
      .throwIfAny();
  }
}

interface Given {
  readonly every: Duration;
  readonly labelDelay: Duration;
  readonly maxLabelDelay: Duration;
  readonly limit: number;
  readonly minSamples: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly minLabelCoverage: number;
}
