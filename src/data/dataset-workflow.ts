import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { DataSourceConfig } from './data-source';
import { IDataset } from './dataset';
import { grantList, grantObjects } from './object-access';
import { PlanDatasetFunction } from './plan-dataset-function';
import { PublishDatasetFunction } from './publish-dataset-function';
import { SourceReading } from './source-reading';
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';
import { PlatformResources } from '../private/platform-resources';
import { acknowledgeWildcard } from '../private/wildcards';

export interface DatasetWorkflowProps {
  readonly dataset: IDataset;
  readonly source: DataSourceConfig;
  readonly scriptUri: string;
  readonly reading: SourceReading;
  /** Whether a rule looks at the age of the rows, which can break though nothing arrives. */
  readonly checksAge: boolean;
  /** The longest that a run's job may take. */
  readonly timeout: Duration;
  /** How often a job that failed is tried again. */
  readonly maxRetries: number;
  readonly jobName: string;
  readonly runsPrefix: string;
  readonly eventBus: events.IEventBus;
  readonly alerts?: sns.ITopic;
  readonly encryptionKey?: kms.IKey;
}

/** A source of very many files, of which there may be many versions, takes its time to be listed. */
const LISTING = Duration.minutes(5);

/** Wait for one's turn, plan, run the job, publish; a failure on the way is told and ends the run. */
export class DatasetWorkflow extends Construct {
  public readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: DatasetWorkflowProps) {
    super(scope, id);
    const planner = this.planner(props);
    const publisher = this.publisher(props);

    const steps = new Construct(this, 'Steps');
    const plan = new tasks.LambdaInvoke(steps, 'Plan', {
      lambdaFunction: planner,
      payload: sfn.TaskInput.fromObject({
        time: sfn.JsonPath.stringAt('$$.State.EnteredTime'),
        execution: sfn.JsonPath.stringAt('$$.Execution.Id'),
        input: sfn.JsonPath.objectAt('$$.Execution.Input'),
        attempt: sfn.JsonPath.numberAt('$.plan.attempt'),
      }),
      payloadResponseOnly: true,
      resultPath: '$.plan',
    });
    const run = new tasks.GlueStartJobRun(steps, 'RunJob', {
      glueJobName: props.jobName,
      integrationPattern: sfn.IntegrationPattern.RUN_JOB,
      arguments: sfn.TaskInput.fromJsonPathAt('$.plan.arguments'),
      resultPath: sfn.JsonPath.DISCARD,
    });
    const publish = new tasks.LambdaInvoke(steps, 'Publish', {
      lambdaFunction: publisher,
      payload: sfn.TaskInput.fromObject({
        run: sfn.JsonPath.stringAt('$.plan.run'),
        reportKey: sfn.JsonPath.stringAt('$.plan.reportKey'),
        readingKey: sfn.JsonPath.stringAt('$.plan.readingKey'),
        attempt: sfn.JsonPath.numberAt('$.plan.attempt'),
      }),
      payloadResponseOnly: true,
      resultPath: '$.publication',
    });

    const failed = new sfn.Fail(steps, 'Failed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
    const ending = this.ending(steps, failed, props);
    for (const task of [plan, publish]) {
      task.addRetry({ errors: ['States.TaskFailed', 'States.Timeout'], interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 4 });
    }
    run.addRetry({ errors: ['Glue.ConcurrentRunsExceededException'], interval: Duration.minutes(1), backoffRate: 1, maxAttempts: 1_000 });
    run.addRetry({
      errors: ['Glue.InternalServiceException', 'Glue.OperationTimeoutException', 'Glue.ResourceNumberLimitExceededException', 'Glue.ThrottlingException'],
      interval: Duration.seconds(30),
      backoffRate: 2,
      maxAttempts: 6,
    });
    if (props.maxRetries > 0) run.addRetry({ errors: ['States.TaskFailed'], interval: Duration.seconds(30), backoffRate: 2, maxAttempts: props.maxRetries });
    for (const task of [plan, run, publish]) task.addCatch(ending, { errors: ['States.ALL'], resultPath: '$.failure' });

    const rejected = new sfn.Pass(steps, 'Rejected', {
      parameters: {
        Error: sfn.JsonPath.stringAt('$.publication.failure.Error'),
        Cause: sfn.JsonPath.format('{}. Report: {}', sfn.JsonPath.stringAt('$.publication.failure.Cause'), sfn.JsonPath.stringAt('$.publication.reportUri')),
      },
      resultPath: '$.failure',
    }).next(ending);
    const turn = new sfn.Wait(steps, 'WaitForTurn', { time: sfn.WaitTime.duration(pause(props.timeout)) });
    const outcome = (name: string): sfn.Condition => sfn.Condition.stringEquals('$.plan.outcome', name);
    run.next(publish).next(new sfn.Choice(steps, 'Verdict')
      .when(sfn.Condition.stringEquals('$.publication.outcome', 'rejected'), rejected)
      // what the run read is not what is there any more
      .when(sfn.Condition.stringEquals('$.publication.outcome', 'again'), plan)
      .otherwise(new sfn.Succeed(steps, 'Done', { outputPath: '$.publication' })));
    plan.next(new sfn.Choice(steps, 'WhatToDo')
      .when(outcome('run'), run)
      .when(outcome('wait'), turn.next(plan))
      .when(outcome('merged'), new sfn.Succeed(steps, 'LeftToAnotherRun', { outputPath: '$.plan' }))
      .otherwise(new sfn.Succeed(steps, 'NothingToRead', { outputPath: '$.plan' })));
    const definition = new sfn.Pass(steps, 'Begin', { result: sfn.Result.fromObject({ attempt: 0 }), resultPath: '$.plan' }).next(plan);

    this.stateMachine = this.machine(definition, props, [planner, publisher]);
    this.letAsk(planner);
  }

  private ending(steps: Construct, failed: sfn.Fail, props: DatasetWorkflowProps): sfn.IChainable & sfn.State {
    if (props.alerts === undefined) return failed;
    const alert = new tasks.SnsPublish(steps, 'Alert', {
      topic: props.alerts,
      subject: `Data pipeline ${props.dataset.datasetName} failed`.slice(0, 100),
      message: sfn.TaskInput.fromText(sfn.JsonPath.format(
        `The data pipeline ${props.dataset.datasetName} published nothing; the last version stays. {}: {}`,
        sfn.JsonPath.stringAt('$.failure.Error'), sfn.JsonPath.stringAt('$.failure.Cause'),
      )),
      resultPath: sfn.JsonPath.DISCARD,
    });
    alert.addRetry({ errors: ['States.TaskFailed'], interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 4 });
    alert.addCatch(failed, { errors: ['States.ALL'], resultPath: sfn.JsonPath.DISCARD });
    alert.next(failed);
    return alert;
  }

  private machine(definition: sfn.IChainable, props: DatasetWorkflowProps, functions: lambda.IFunction[]): sfn.StateMachine {
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('states.amazonaws.com') });
    const machine = new sfn.StateMachine(this, 'Resource', {
      stateMachineName: PlatformResources.of(this)?.nameOfPipeline(props.dataset.datasetName, this),
      definitionBody: sfn.DefinitionBody.fromChainable(definition),
      role,
      comment: `Publishes versions of the dataset ${props.dataset.datasetName}`,
      logs: {
        destination: new logs.LogGroup(this, 'Logs', {
          encryptionKey: props.encryptionKey, retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: sfn.LogLevel.ALL,
        includeExecutionData: true,
      },
      tracingEnabled: true,
    });
    acknowledgeWildcard(role, '*', 'Log delivery and tracing have no resources in IAM.');
    for (const invoked of functions) acknowledgeWildcard(role, `${invoked.functionArn}:*`, 'A version of the function is the function.');
    return machine;
  }

  /** Lets the planner ask whether other runs are over. A policy of its own: the function's must not wait for the state machine. */
  private letAsk(planner: lambda.Function): void {
    const executions = Stack.of(this).formatArn({
      service: 'states', resource: 'execution', resourceName: `${this.stateMachine.stateMachineName}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const policy = new iam.Policy(this, 'Turns', {
      statements: [new iam.PolicyStatement({ actions: ['states:DescribeExecution'], resources: [executions] })],
      roles: [planner.role!],
    });
    acknowledgeWildcard(policy, executions, 'Each run is an execution of its own.');
  }

  private planner(props: DatasetWorkflowProps): lambda.Function {
    const { dataset, source } = props;
    const scope = new Construct(this, 'Planner');
    const planner = new PlanDatasetFunction(scope, 'Function', handlerDefaults(scope, {
      description: `Looks at what there is to read for the dataset ${dataset.datasetName}`,
      encryptionKey: props.encryptionKey,
      timeout: LISTING,
      environment: {
        BUCKET: dataset.bucket.bucketName,
        PREFIX: dataset.prefix,
        RUNS_PREFIX: props.runsPrefix,
        SOURCE_BUCKET: source.bucket.bucketName,
        SOURCE_PREFIX: source.prefix,
        ...(source.query === undefined ? {} : { QUERY: source.query }),
        ...readingEnvironment(props),
      },
    }));
    grantObjects(planner, { bucket: dataset.bucket, prefix: dataset.prefix, actions: ['s3:GetObject'], list: true, writes: true, reason: 'Versions come and go.' });
    allow(planner, { actions: ['s3:GetObject', 's3:PutObject'], resources: [dataset.bucket.arnForObjects(`${props.runsPrefix}/slot.json`)] });
    allow(planner, {
      actions: ['s3:PutObject'], resources: [dataset.bucket.arnForObjects(`${props.runsPrefix}/*/reading*.json`)], because: 'Each run has a plan of its own.',
    });
    grantList(planner, source.bucket, source.prefix, true);
    return planner;
  }

  private publisher(props: DatasetWorkflowProps): lambda.Function {
    const { bucket, databaseName, datasetName, prefix, tableName } = props.dataset;
    const scope = new Construct(this, 'Publisher');
    const publisher = new PublishDatasetFunction(scope, 'Function', handlerDefaults(scope, {
      description: `Publishes versions of the dataset ${datasetName}`,
      encryptionKey: props.encryptionKey,
      timeout: LISTING,
      environment: {
        BUCKET: bucket.bucketName,
        PREFIX: prefix,
        EVENT_BUS: props.eventBus.eventBusName,
        SOURCE_BUCKET: props.source.bucket.bucketName,
        SOURCE_PREFIX: props.source.prefix,
        SCRIPT_URI: props.scriptUri,
        ...(databaseName === undefined ? {} : { DATABASE: databaseName }),
        ...readingEnvironment(props),
      },
    }));
    grantList(publisher, props.source.bucket, props.source.prefix, true);
    if (databaseName !== undefined) this.grantTable(publisher, databaseName, tableName);
    grantObjects(publisher, { bucket, prefix, actions: ['s3:GetObject'], writes: true, reason: 'Versions come and go.' });
    grantList(publisher, bucket, prefix, true);
    grantObjects(publisher, { bucket, prefix: props.runsPrefix, actions: ['s3:GetObject'], reason: 'Each run has a report of its own.' });
    allow(publisher, {
      actions: ['s3:PutObject'],
      resources: [`${prefix}/*/manifest.json`, `${prefix}/latest.json`, `${props.runsPrefix}/*/quality.json`].map((key) => bucket.arnForObjects(key)),
      because: 'Each version has a manifest of its own, and each run that was stopped a report.',
    });
    allow(publisher, { actions: ['events:PutEvents'], resources: [props.eventBus.eventBusArn] });
    return publisher;
  }

  private grantTable(publisher: lambda.Function, databaseName: string, tableName: string): void {
    const stack = Stack.of(this);
    allow(publisher, {
      actions: ['glue:CreateTable', 'glue:GetTable', 'glue:UpdateTable'],
      resources: [
        stack.formatArn({ service: 'glue', resource: 'catalog' }),
        stack.formatArn({ service: 'glue', resource: 'database', resourceName: databaseName }),
        stack.formatArn({ service: 'glue', resource: 'table', resourceName: `${databaseName}/${tableName}` }),
      ],
    });
  }
}

/** How often a run that waits asks for its turn: some 200 times in the longest job, so that its history has room. */
function pause(timeout: Duration): Duration {
  return timeout.isUnresolved() ? Duration.minutes(1) : Duration.seconds(Math.max(60, Math.ceil(timeout.toSeconds() / 200)));
}

function readingEnvironment({ reading, checksAge }: DatasetWorkflowProps): Record<string, string> {
  return {
    READING: reading._mode,
    ...(reading._key === undefined ? {} : { KEY: JSON.stringify(reading._key) }),
    ...(checksAge ? { CHECKS_AGE: 'true' } : {}),
  };
}
