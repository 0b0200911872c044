import { Duration, RemovalPolicy } from 'aws-cdk-lib';
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
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';
import { acknowledgeWildcard } from '../private/wildcards';

export interface DatasetWorkflowProps {
  readonly dataset: IDataset;
  readonly source: DataSourceConfig;
  readonly jobName: string;
  readonly runsPrefix: string;
  readonly eventBus: events.IEventBus;
  readonly alerts?: sns.ITopic;
  readonly encryptionKey?: kms.IKey;
}

/** Plan, run the job, publish; a failure on the way is told and ends the run. */
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
        sources: sfn.JsonPath.objectAt('$.plan.sources'),
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
    for (const task of [plan, run, publish]) task.addCatch(ending, { errors: ['States.ALL'], resultPath: '$.failure' });

    const rejected = new sfn.Pass(steps, 'Rejected', { inputPath: '$.publication.failure', resultPath: '$.failure' }).next(ending);
    const definition = plan.next(new sfn.Choice(steps, 'AnythingToRead')
      .when(sfn.Condition.booleanEquals('$.plan.empty', true), new sfn.Succeed(steps, 'NothingToRead'))
      .otherwise(run.next(publish).next(new sfn.Choice(steps, 'Verdict')
        .when(sfn.Condition.stringEquals('$.publication.outcome', 'rejected'), rejected)
        .otherwise(new sfn.Succeed(steps, 'Done', { outputPath: '$.publication' })))));

    this.stateMachine = this.machine(definition, props, [planner, publisher]);
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

  private planner(props: DatasetWorkflowProps): lambda.Function {
    const { dataset, source } = props;
    const scope = new Construct(this, 'Planner');
    const planner = new PlanDatasetFunction(scope, 'Function', handlerDefaults(scope, {
      description: `Looks at what there is to read for the dataset ${dataset.datasetName}`,
      encryptionKey: props.encryptionKey,
      environment: {
        BUCKET: dataset.bucket.bucketName,
        PREFIX: dataset.prefix,
        RUNS_PREFIX: props.runsPrefix,
        SOURCE_BUCKET: source.bucket.bucketName,
        SOURCE_PREFIX: source.prefix,
        ...(source.query === undefined ? {} : { QUERY: source.query }),
      },
    }));
    grantObjects(planner, { bucket: dataset.bucket, prefix: dataset.prefix, actions: ['s3:GetObject'], list: true, reason: 'Versions come and go.' });
    grantList(planner, source.bucket, source.prefix);
    return planner;
  }

  private publisher(props: DatasetWorkflowProps): lambda.Function {
    const { bucket, datasetName, prefix } = props.dataset;
    const scope = new Construct(this, 'Publisher');
    const publisher = new PublishDatasetFunction(scope, 'Function', handlerDefaults(scope, {
      description: `Publishes versions of the dataset ${datasetName}`,
      encryptionKey: props.encryptionKey,
      environment: { BUCKET: bucket.bucketName, PREFIX: prefix, EVENT_BUS: props.eventBus.eventBusName },
    }));
    grantObjects(publisher, { bucket, prefix, actions: ['s3:GetObject'], list: true, writes: true, reason: 'Versions come and go.' });
    grantObjects(publisher, { bucket, prefix: props.runsPrefix, actions: ['s3:GetObject'], reason: 'Each run has a report of its own.' });
    allow(publisher, {
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects(`${prefix}/*/manifest.json`), bucket.arnForObjects(`${prefix}/latest.json`)],
      because: 'Each version has a manifest of its own.',
    });
    allow(publisher, { actions: ['events:PutEvents'], resources: [props.eventBus.eventBusArn] });
    return publisher;
  }
}
