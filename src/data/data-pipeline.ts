import { Duration, Names, Token } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { IDataLake } from './data-lake';
import { DataQualityRule } from './data-quality-rule';
import { DataScript } from './data-script';
import { DataSource } from './data-source';
import { Dataset, IDataset } from './dataset';
import { DatasetJob } from './dataset-job';
import { DatasetWorkflow } from './dataset-workflow';
import { SourceReading } from './source-reading';
import { claimName } from '../private/claimed-names';
import { surely } from '../private/lost-events';
import { Problems } from '../private/problems';

/** Options of a data pipeline, whatever lake it belongs to. */
export interface DataPipelineOptions {
  /** Where the rows come from. */
  readonly source: DataSource;

  /** What makes the dataset of them. */
  readonly script: DataScript;

  /** Column that models predict. It must be numeric and never missing. */
  readonly target: string;

  /**
   * Column with the time of a row. The newest rows are then held out of training, so that a model is judged on a time
   * that it has not seen.
   *
   * @default - rows are held out by a hash of the row
   */
  readonly timeColumn?: string;

  /**
   * What of the source is read for a version. A source behind a connection is asked its whole query each time.
   *
   * @default SourceReading.everything()
   */
  readonly reading?: SourceReading;

  /**
   * Name of the dataset: letters, digits and hyphens, at most 63.
   *
   * @default - the construct's id
   */
  readonly datasetName?: string;

  /**
   * Share of the rows that are held out of training.
   *
   * @default 0.2
   */
  readonly holdoutShare?: number;

  /**
   * What the rows must satisfy. A run that breaks a rule publishes nothing.
   *
   * @default - there are rows, and the target (and the time column, where there is one) is never missing
   */
  readonly quality?: DataQualityRule[];

  /**
   * When to run, by the clock. It adds to a start on arrival and to starts by hand.
   *
   * @default - not by the clock
   */
  readonly schedule?: events.Schedule;

  /**
   * Whether to run when a file arrives in the source. The bucket must send its events to EventBridge, as the source
   * zone does. Where many arrive, one run works and one waits, which will see all that has arrived until its turn; the
   * others end at once.
   *
   * @default false
   */
  readonly runOnArrival?: boolean;

  /**
   * Type of the Glue workers.
   *
   * @default 'G.1X'
   */
  readonly workerType?: string;

  /**
   * Number of Glue workers.
   *
   * @default 2
   */
  readonly workerCount?: number;

  /**
   * Longest time that the job may take.
   *
   * @default Duration.hours(2)
   */
  readonly timeout?: Duration;

  /**
   * How often a job that failed is tried again, 0 to 10. A repetition writes the same folder; rows that break a rule are no
   * failure of the job, and are not tried again.
   *
   * @default 1
   */
  readonly maxRetries?: number;
}

/** Properties of `DataPipeline`. */
export interface DataPipelineProps extends DataPipelineOptions {
  /** The data lake with the source zone and the curated zone. */
  readonly lake: IDataLake;

  /**
   * Bus that gets the event `DatasetPublished`.
   *
   * @default - the account's default bus
   */
  readonly eventBus?: events.IEventBus;

  /**
   * Topic that is told when a run fails, by a broken rule or otherwise.
   *
   * @default - nobody is told
   */
  readonly alerts?: sns.ITopic;

  /**
   * Queue for events that should have started a run and could not be delivered in a day of tries. Its policy must let
   * EventBridge send to it.
   *
   * @default - such an event is dropped; what it told of is read by the next run
   */
  readonly lostEvents?: sqs.IQueue;

  /**
   * Key of logs and functions. It must let CloudWatch Logs use it.
   *
   * @default - the source zone's key for the job's logs, the service's own for the rest
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * Makes versions of a dataset: a Glue Spark job runs the team's script, checks the rows and splits them; then the
 * version is published at once or not at all, listed in the Glue catalog, and announced by the event `DatasetPublished`.
 * The same content again is no new version. Rows that break a rule are published in no version: the last one stays, and
 * the report of what was observed is kept in `runs/<dataset>/<execution>/quality.json` and named by the alert.
 *
 * It runs by hand (start the state machine), by a schedule or when files arrive. One run of a pipeline works at a time, and
 * one may wait; whoever comes then is served by the one that waits.
 *
 * @example
 * declare const lake: DataLake;
 * const weather = new DataPipeline(this, 'Weather', {
 *   lake,
 *   source: DataSource.upload(),
 *   script: DataScript.fromAsset('pipelines/weather.py'),
 *   target: 'temp_in_24h',
 *   timeColumn: 'time_hour',
 * });
 */
export class DataPipeline extends Construct {
  /** The dataset that the pipeline publishes. */
  public readonly dataset: IDataset;

  /**
   * The workflow. Its output is `{"outcome": "published" | "unchanged", "version": …}`; where there is nothing to do, the
   * outcome is `merged` (another run does this one's work), `empty` or `nothingNew`.
   */
  public readonly stateMachine: sfn.IStateMachine;

  /** Name of the Glue job. */
  public readonly jobName: string;

  /** Role of the Glue job. */
  public readonly jobRole: iam.IRole;

  /** S3 URI of what the pipeline reads; uploads go there. */
  public readonly sourceUri: string;

  constructor(scope: Construct, id: string, props: DataPipelineProps) {
    super(scope, id);
    const datasetName = props.datasetName ?? (Token.isUnresolved(id) ? Names.uniqueResourceName(this, { maxLength: 63 }) : id);
    const holdoutShare = props.holdoutShare ?? 0.2;
    const workerCount = props.workerCount ?? 2;
    const timeout = props.timeout ?? Duration.hours(2);
    const maxRetries = props.maxRetries ?? 1;
    const reading = props.reading ?? SourceReading.everything();
    const taken = claimName(this, `dataset of ${props.lake.node.path}`, { name: datasetName });
    validate(this, { ...props, taken, datasetName, holdoutShare, workerCount, timeout, maxRetries, reading });

    const { curatedZone, databaseName } = props.lake;
    const { target: targetColumn, timeColumn } = props;
    this.dataset = Dataset.fromDatasetAttributes({ datasetName, bucket: curatedZone, databaseName, target: targetColumn, timeColumn });
    const runsPrefix = `runs/${datasetName}`;
    const job = new DatasetJob(this, 'Job', {
      lake: props.lake,
      dataset: this.dataset,
      source: props.source,
      script: props.script,
      runsPrefix,
      holdoutShare,
      quality: props.quality ?? [],
      workerType: props.workerType ?? 'G.1X',
      workerCount,
      timeout,
      encryptionKey: props.encryptionKey,
    });
    this.jobName = job.jobName;
    this.jobRole = job.role;
    new Problems(this)
      .check(reading._mode === 'everything' || job.source.connectionName === undefined,
        'newFiles is for files: a query gives all its rows each time; leave reading out, or narrow the query')
      .check(!(props.runOnArrival ?? false) || job.source.connectionName === undefined,
        'runOnArrival is for files: rows of a database do not arrive; give a schedule instead')
      .throwIfAny();
    this.sourceUri = `s3://${job.source.bucket.bucketName}/${job.source.prefix}`;

    const workflow = new DatasetWorkflow(this, 'Workflow', {
      dataset: this.dataset,
      source: job.source,
      scriptUri: job.scriptUri,
      reading,
      checksAge: (props.quality ?? []).some((rule) => rule._render().rule === 'fresh'),
      timeout,
      maxRetries,
      jobName: job.jobName,
      runsPrefix,
      eventBus: props.eventBus ?? events.EventBus.fromEventBusName(this, 'DefaultBus', 'default'),
      alerts: props.alerts,
      encryptionKey: props.encryptionKey,
    });
    this.stateMachine = workflow.stateMachine;

    const target = surely(new targets.SfnStateMachine(workflow.stateMachine), props.lostEvents);
    if (props.schedule !== undefined) new events.Rule(this, 'Schedule', { schedule: props.schedule, targets: [target] });
    if (props.runOnArrival ?? false) {
      new events.Rule(this, 'Arrival', {
        eventPattern: {
          source: ['aws.s3'],
          detailType: ['Object Created'],
          detail: {
            bucket: { name: [job.source.bucket.bucketName] },
            ...(job.source.prefix === '' ? {} : { object: { key: [{ prefix: job.source.prefix }] } }),
          },
        },
        targets: [target],
      });
    }
  }
}

interface Given extends DataPipelineProps {
  readonly taken?: string;
  readonly datasetName: string;
  readonly holdoutShare: number;
  readonly workerCount: number;
  readonly timeout: Duration;
  readonly maxRetries: number;
  readonly reading: SourceReading;
}

function validate(construct: Construct, given: Given): void {
  const { taken, datasetName, holdoutShare, workerCount, timeout, maxRetries } = given;
  const problems = new Problems(construct)
    .note(taken)
    .check(Token.isUnresolved(datasetName) || /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(datasetName),
      `datasetName must be letters, digits and hyphens, at most 63, and begin with a letter or digit, got '${datasetName}'`)
    .check(given.target !== '', 'target must name the column to predict, got an empty string')
    .check(given.timeColumn === undefined || given.timeColumn !== given.target, `timeColumn and target must differ, got ${given.target} for both`)
    .check(Token.isUnresolved(holdoutShare) || (holdoutShare > 0 && holdoutShare < 1), `holdoutShare must be above 0 and below 1, got ${holdoutShare}`)
    .check(Token.isUnresolved(workerCount) || (Number.isInteger(workerCount) && workerCount >= 2 && workerCount <= 299),
      `workerCount must be a whole number of 2..299, got ${workerCount}`)
    .check(timeout.isUnresolved() || (timeout.toMinutes({ integral: false }) >= 1 && timeout.toDays({ integral: false }) <= 7),
      `timeout must be 1 minute to 7 days, got ${timeout.toHumanString()}`)
    .check(Token.isUnresolved(maxRetries) || (Number.isInteger(maxRetries) && maxRetries >= 0 && maxRetries <= 10),
      `maxRetries must be a whole number of 0..10, got ${maxRetries}`);
  const needsTime = (rule: DataQualityRule): boolean => rule._render().rule === 'fresh' && rule._render().column === undefined;
  problems.check(given.timeColumn !== undefined || !(given.quality ?? []).some(needsTime),
    'freshness needs a column of times: give it one, or give the pipeline a timeColumn');
  const parts = [given.script, given.reading, ...given.quality ?? []];
  problems.note(...parts.flatMap((part) => part._problems()));
  problems.throwIfAny();
}
