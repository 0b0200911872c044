import { ArnFormat, Aws, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { InlineRole } from './inline-role';
import { acknowledgeWildcard } from './wildcards';
import { MlopsEventType } from '../domain/events';

/** What events of a model start there. Each member is for one kind of event. */
export interface ModelRoutes {
  /** The pipeline that a merge starts, on the commit of that merge. */
  readonly delivery?: { readonly pipeline: string; readonly sourceAction: string };
  /** ARN of the state machine that a published dataset starts. */
  readonly training?: string;
  /** ARN of the state machine that a registered version starts, and one whose turn it is. */
  readonly releases?: string;
  /** ARN of the state machine that the end of another starts, but for its own. */
  readonly recovery?: string;
  /** ARN of the state machine whose end is also told. */
  readonly rollback?: string;
  /** The function that is told of the end of a rollback, and with which event. */
  readonly rollbackEnded?: CalledFunction;
  /** The function that is told of the end of a recovery, and with which event. */
  readonly recoveryEnded?: CalledFunction;
  /** The function that is called from time to time. */
  readonly periodic?: CalledFunction;
  /** The function that is told of an alarm. */
  readonly alarm?: CalledFunction;
}

export interface CalledFunction {
  readonly function: string;
  /** The event is added. */
  readonly event: Record<string, unknown>;
}

/** The detail type of what Step Functions tells of executions, and CloudWatch of alarms. */
export const EXECUTION_STATUS = 'Step Functions Execution Status Change';
export const ALARM_STATE = 'CloudWatch Alarm State Change';
const SCHEDULED = 'Scheduled Event';
/** What CodeCommit tells of a branch. */
const BRANCH_STATE = 'CodeCommit Repository State Change';

/** As long as EventBridge itself would try: nothing is lost because a service is out of order for some hours. */
const RETRY = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 10, BackoffRate: 2, MaxDelaySeconds: 600, MaxAttempts: 150 }];
const THERE_ALREADY = 'StepFunctions.ExecutionAlreadyExistsException';

/**
 * Hands events on to what they start in a model. A bus has room for few rules, so that a model has one for all of them, whose
 * input holds the event at `event` and the `ModelRoutes` at `model`. An event that comes twice starts one execution: it has
 * the event's id for a name.
 */
export class EventRouter extends Construct {
  public readonly stateMachine: sfn.StateMachine;
  private readonly role: InlineRole;
  private readonly called = new Set<string>();

  /** @param started patterns of the names of the state machines and pipelines that are started */
  constructor(scope: Construct, id: string, started: { readonly machines: string; readonly pipelines: string }, encryptionKey: kms.IKey) {
    super(scope, id);
    const role = this.role = new InlineRole(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('states.amazonaws.com'), description: 'Starts what events of models are about',
    });
    const machines = Stack.of(this).formatArn({ service: 'states', resource: 'stateMachine', resourceName: started.machines, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    const pipelines = Stack.of(this).formatArn({ service: 'codepipeline', resource: started.pipelines });
    role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['states:StartExecution'], resources: [machines] }));
    role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['codepipeline:StartPipelineExecution'], resources: [pipelines] }));
    acknowledgeWildcard(role, pipelines, 'The pipelines of all models have names that begin alike; models come and go.');
    acknowledgeWildcard(role, machines, 'The state machines of all models have names that begin alike; models come and go.');
    acknowledgeWildcard(role, '*', 'Log delivery and tracing have no resources in IAM.');
    this.stateMachine = new sfn.StateMachine(this, 'Resource', {
      comment: 'Starts what events of models are about',
      definitionBody: sfn.DefinitionBody.fromChainable(this.steps(new Construct(this, 'Steps'))),
      role,
      timeout: Duration.days(2),
      tracingEnabled: true,
      logs: {
        level: sfn.LogLevel.ALL,
        includeExecutionData: true,
        destination: new logs.LogGroup(this, 'Logs', { encryptionKey, retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.DESTROY }),
      },
    });
  }

  /** Lets the router call a function of all models. */
  public calls(functionArn: string): void {
    if (this.called.has(functionArn)) return;
    this.called.add(functionArn);
    this.role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] }));
  }

  /** Tells of events that could not be handed on in a day of tries. Their executions hold them, and can be redriven for two weeks. */
  public alarmOn(alerts: sns.ITopic): void {
    const period = Duration.minutes(5);
    const alarm = new cloudwatch.Alarm(this, 'Alarm', {
      alarmDescription: `An event of a model was not handed on in a day of tries; redrive the failed execution of ${this.stateMachine.stateMachineName}, which holds it`,
      metric: new cloudwatch.MathExpression({
        expression: 'failed + late',
        usingMetrics: { failed: this.stateMachine.metricFailed({ period }), late: this.stateMachine.metricTimedOut({ period }) },
        label: 'events not handed on',
        period,
      }),
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: 0,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new actions.SnsAction(alerts));
  }

  private steps(steps: Construct): sfn.IChainable {
    const done = new sfn.Succeed(steps, 'Done');
    const task = (id: string, service: string, parameters: Record<string, unknown>): sfn.CustomState => {
      const state = new sfn.CustomState(steps, id, {
        stateJson: {
          Type: 'Task', Resource: `arn:${Aws.PARTITION}:states:::${service}`, Parameters: parameters, ResultPath: null, Retry: RETRY,
        },
      });
      state.next(done);
      return state;
    };
    const start = (id: string, machine: keyof ModelRoutes, input: Record<string, unknown>, then: sfn.IChainable = done): sfn.CustomState => {
      const state = new sfn.CustomState(steps, id, {
        stateJson: {
          Type: 'Task',
          Resource: `arn:${Aws.PARTITION}:states:::states:startExecution`,
          Parameters: { 'StateMachineArn.$': `$.model.${machine}`, 'Name.$': '$.event.id', ...input },
          ResultPath: null,
          Retry: [{ ErrorEquals: [THERE_ALREADY], MaxAttempts: 0 }, ...RETRY],
        },
      });
      state.addCatch(then, { errors: [THERE_ALREADY], resultPath: sfn.JsonPath.DISCARD });
      state.next(then);
      return state;
    };
    const call = (id: string, called: keyof ModelRoutes, event: Record<string, unknown>): sfn.Pass => {
      const told = new sfn.Pass(steps, id, { parameters: event, resultPath: '$.told' });
      told.next(task(`Call${id}`, 'lambda:invoke', {
        'FunctionName.$': `$.model.${called}.function`, 'Payload.$': `States.JsonMerge($.model.${called}.event, $.told, false)`,
      }));
      return told;
    };

    const kind = '$.event[\'detail-type\']';
    const is = (type: string): sfn.Condition => sfn.Condition.stringEquals(kind, type);
    // the commit of this very merge: by the time that a waiting run begins, the branch may have moved on
    const deliver = task('StartDelivery', 'aws-sdk:codepipeline:startPipelineExecution', {
      'Name.$': '$.model.delivery.pipeline',
      'ClientRequestToken.$': '$.event.id',
      'SourceRevisions': [{ 'ActionName.$': '$.model.delivery.sourceAction', 'RevisionType': 'COMMIT_ID', 'RevisionValue.$': '$.event.detail.commitId' }],
    });
    const end = { 'execution.$': '$.event.detail.executionArn', 'status.$': '$.event.detail.status', 'time.$': '$.event.time' };
    const broken = { Input: { 'execution.$': '$.event.detail.executionArn', 'reason.$': 'States.Format(\'its execution is {}\', $.event.detail.status)' } };
    const isOf = (machine: keyof ModelRoutes): sfn.Condition => sfn.Condition.stringEqualsJsonPath('$.event.detail.stateMachineArn', `$.model.${machine}`);
    const ended = new sfn.Choice(steps, 'WhatEnded')
      .when(isOf('recovery'), call('RecoveryEnded', 'recoveryEnded', end))
      .when(isOf('rollback'), start('RecoverRollback', 'recovery', broken, call('RollbackEnded', 'rollbackEnded', end)))
      .otherwise(start('StartRecovery', 'recovery', broken));
    return new sfn.Choice(steps, 'WhatHappened')
      .when(is(MlopsEventType.DATASET_PUBLISHED), start('StartTraining', 'training', { Input: { 'dataset.$': '$.event.detail.version' } }))
      .when(is(BRANCH_STATE), deliver)
      .when(is(EXECUTION_STATUS), ended)
      .when(is(SCHEDULED), call('Periodic', 'periodic', { 'time.$': '$.event.time' }))
      .when(is(ALARM_STATE), call('Alarm', 'alarm', { 'time.$': '$.event.time', 'detail.$': '$.event.detail' }))
      .otherwise(start('StartRelease', 'releases', { 'Input.$': '$.event.detail' }));
  }
}
