import { Aws, Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { PlanQualityFunction } from './plan-quality-function';
import { PublishQualityFunction } from './publish-quality-function';
import { MonitorSettings } from './quality-settings';
import { allow } from '../private/allow';
import { eventFor, newHandler } from '../private/handler';
import { acknowledgeMachine, machineDefaults } from '../private/machine-defaults';
import { HandlerArea } from '../private/model-resources';
import { IObservationStore } from '../serving/observation-store';

export interface QualityWorkflowProps {
  readonly observations: IObservationStore;
  readonly settings: MonitorSettings;
  readonly encryptionKey?: kms.IKey;
}

/** Plan, query, publish. A run that fails is made up for by the next one, whose window begins where the last success ended. */
export class QualityWorkflow extends Construct {
  public readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: QualityWorkflowProps) {
    super(scope, id);
    const planner = this.planner(props);
    const publisher = this.publisher(props);

    const steps = new Construct(this, 'Steps');
    const plan = new tasks.LambdaInvoke(steps, 'Plan', {
      lambdaFunction: planner,
      payload: sfn.TaskInput.fromObject(eventFor(planner, { time: sfn.JsonPath.stringAt('$.time') })),
      payloadResponseOnly: true,
      resultPath: '$.plan',
    });
    const query = new sfn.CustomState(steps, 'Query', {
      stateJson: {
        Type: 'Task',
        Resource: `arn:${Aws.PARTITION}:states:::athena:startQueryExecution.sync`,
        Parameters: {
          'QueryString.$': '$.plan.sql',
          'WorkGroup': props.observations.workGroupName,
          'QueryExecutionContext': { Database: props.observations.databaseName },
        },
        ResultSelector: { 'id.$': '$.QueryExecution.QueryExecutionId' },
        ResultPath: '$.query',
        TimeoutSeconds: Duration.minutes(30).toSeconds(),
      },
    });
    const publish = this.publication(steps, 'Publish', publisher, { queryExecutionId: sfn.JsonPath.stringAt('$.query.id') });
    const publishNothing = this.publication(steps, 'PublishNothing', publisher, {});
    const failed = new sfn.Fail(steps, 'Failed', {
      error: 'QualityNotEvaluated',
      cause: 'The labels of this window were not evaluated; the next run begins with them',
    });
    for (const task of [plan, publish, publishNothing]) {
      task.addRetry({ errors: ['States.TaskFailed', 'States.Timeout'], interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 4 });
      task.addCatch(failed, { errors: ['States.ALL'], resultPath: '$.failure' });
    }
    query.addRetry({ errors: ['States.TaskFailed', 'States.Timeout'], interval: Duration.seconds(10), backoffRate: 2, maxAttempts: 3 });
    query.addCatch(failed, { errors: ['States.ALL'], resultPath: '$.failure' });

    const evaluated = new sfn.Succeed(steps, 'Evaluated', { outputPath: '$.published' });
    const definition = plan.next(new sfn.Choice(steps, 'AnythingToEvaluate')
      .when(sfn.Condition.stringEquals('$.plan.next', 'query'), query.next(publish).next(evaluated))
      .when(sfn.Condition.stringEquals('$.plan.next', 'publish'), publishNothing.next(evaluated))
      .otherwise(new sfn.Succeed(steps, 'NothingNew')));

    const defaults = machineDefaults(this, props.encryptionKey);
    props.observations.grantQuery(defaults.role);
    this.stateMachine = new sfn.StateMachine(this, 'Resource', {
      ...defaults,
      comment: `Evaluates the predictions of ${props.settings.endpointName}`,
      definitionBody: sfn.DefinitionBody.fromChainable(definition),
      timeout: Duration.hours(2),
    });
    acknowledgeMachine(this.stateMachine, [planner.functionArn, publisher.functionArn]);
  }

  private publication(steps: Construct, id: string, publisher: lambda.IFunction, query: Record<string, string>): tasks.LambdaInvoke {
    return new tasks.LambdaInvoke(steps, id, {
      lambdaFunction: publisher,
      payload: sfn.TaskInput.fromObject(eventFor(publisher, { window: sfn.JsonPath.objectAt('$.plan.window'), ...query })),
      payloadResponseOnly: true,
      resultPath: '$.published',
    });
  }

  private planner(props: QualityWorkflowProps): lambda.IFunction {
    const scope = new Construct(this, 'Planner');
    const planner = newHandler(scope, PlanQualityFunction, {
      area: HandlerArea.EVIDENCE,
      description: 'Says which labels of an endpoint are to be evaluated',
      encryptionKey: props.encryptionKey,
      environment: { SETTINGS: JSON.stringify(props.settings) },
      timeout: Duration.minutes(5),
    });
    readsState(planner, props.observations, ['captures/*']);
    return planner;
  }

  private publisher(props: QualityWorkflowProps): lambda.IFunction {
    const { bucket } = props.observations;
    const scope = new Construct(this, 'Publisher');
    const publisher = newHandler(scope, PublishQualityFunction, {
      area: HandlerArea.EVIDENCE,
      description: 'Publishes how well an endpoint predicts',
      encryptionKey: props.encryptionKey,
      environment: { SETTINGS: JSON.stringify(props.settings) },
    });
    readsState(publisher, props.observations);
    props.observations.grantReadResults(publisher);
    allow(publisher, {
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects('quality/*')],
      because: 'There is a report for each window',
    });
    allow(publisher, {
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': 'cdk-mlops' } },
      because: 'cloudwatch:PutMetricData cannot be limited to a resource; it is limited to the namespace',
    });
    return publisher;
  }
}

/** Lets a handler read what is known from one evaluation to the next. */
export function readsState(grantee: iam.IGrantable, observations: IObservationStore, folders: string[] = []): void {
  const { bucket, encryptionKey } = observations;
  allow(grantee, {
    actions: ['s3:ListBucket'],
    resources: [bucket.bucketArn],
    conditions: { StringLike: { 's3:prefix': ['quality/latest/*', ...folders] } },
  });
  allow(grantee, {
    actions: ['s3:GetObject'],
    resources: [bucket.arnForObjects('quality/latest/*')],
    because: 'There is one object for each endpoint that shares the store',
  });
  if (encryptionKey !== undefined) allow(grantee, { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [encryptionKey.keyArn] });
}
