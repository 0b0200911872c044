import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { CanaryRelease } from './canary-release';
import { LONGEST_RECOVERY } from './release-recovery';
import { RollbackReleaseFunction } from './rollback-release-function';
import { MlopsEventType } from '../domain/events';
import { NOTHING_TO_GO_BACK_TO } from '../domain/retention';
import { allow } from '../private/allow';
import { newHandler } from '../private/handler';
import { byName, starterRole } from '../private/machine-defaults';
import { HandlerArea } from '../private/model-resources';
import { IModelRegistry } from '../registry/model-registry';
import { grantSlot } from '../registry/slot-access';
import { CHANGE_TIMEOUT } from '../serving/hosting-names';
import { announce, invoke, retry, workflowMachine } from '../staging/workflow';

export interface ReleaseRollbackProps {
  readonly registry: IModelRegistry;
  readonly release: CanaryRelease;
  readonly recovery: sfn.IStateMachine;
  readonly alarms: cloudwatch.IAlarm[];
  readonly eventBus: events.IEventBus;
  readonly encryptionKey?: kms.IKey;
}

const path = sfn.JsonPath;
const ON_ERROR = { errors: ['States.ALL'], resultPath: '$.failure' };
/** How often it is looked at whether the slot is free. */
const LOOK = Duration.seconds(30);

/**
 * Brings production back to the release before. It says what is to be undone, by taking the slot; recovery undoes it, and so
 * it also goes on where the rollback itself breaks.
 */
export class ReleaseRollback extends Construct {
  public readonly stateMachine: sfn.StateMachine;
  private alarms = 0;

  constructor(scope: Construct, id: string, private readonly props: ReleaseRollbackProps) {
    super(scope, id);
    const { registry, release } = props;
    const { endpoint } = release;
    const handler = new Construct(this, 'Planner');
    const planner = newHandler(handler, RollbackReleaseFunction, {
      area: HandlerArea.RELEASE, description: 'Says what a model goes back to', encryptionKey: props.encryptionKey, timeout: CHANGE_TIMEOUT,
    });
    grantSlot(planner, registry, ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query']);
    allow(planner, { actions: ['sagemaker:DescribeEndpoint'], resources: [endpoint.endpointArn] });
    this.stateMachine = workflowMachine(this, {
      start: this.steps(new Construct(this, 'Steps'), planner),
      timeout: Duration.minutes(2 * LONGEST_RECOVERY.toMinutes()),
      comment: `Brings the model ${registry.modelName} back to its last good release`,
      encryptionKey: props.encryptionKey,
      functions: [planner],
    });
    for (const alarm of props.alarms) this.startOn(alarm);
  }

  /** Starts by itself when the alarm begins to fire; answers what sees to it. */
  public startOn(alarm: cloudwatch.IAlarm): events.Rule {
    const rule = new events.Rule(this, `Alarm${this.alarms += 1}`, {
      description: `Brings the model ${this.props.registry.modelName} back to its last good release`,
      eventPattern: {
        source: ['aws.cloudwatch'], detailType: ['CloudWatch Alarm State Change'], resources: [alarm.alarmArn], detail: { state: { value: ['ALARM'] } },
      },
      targets: [new targets.SfnStateMachine(byName(this.stateMachine), {
        role: starterRole(this),
        input: events.RuleTargetInput.fromObject({
          reason: `alarm ${events.EventField.fromPath('$.detail.alarmName')} is firing: ${events.EventField.fromPath('$.detail.state.reason')}`,
          at: events.EventField.fromPath('$.time'),
        }),
      })],
    });
    rule.node.addDependency(this.stateMachine);
    return rule;
  }

  /** Lets a principal start a rollback by hand. */
  public grantStart(grantee: iam.IGrantable): iam.Grant {
    return allow(grantee, { actions: ['states:StartExecution'], resources: [this.stateMachine.stateMachineArn] });
  }

  private steps(steps: Construct, planner: lambda.IFunction): sfn.IChainable {
    const { registry, release, eventBus } = this.props;
    const { endpointName } = release.endpoint;
    const failed = new sfn.Fail(steps, 'RollbackFailed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
    const impossible = new sfn.Fail(steps, 'NothingToGoBackTo', { error: NOTHING_TO_GO_BACK_TO, causePath: '$.plan.reason' });
    const done = new sfn.Succeed(steps, 'WentBack');
    const tell = announce(steps, 'TellImpossible', MlopsEventType.ROLLBACK_IMPOSSIBLE, sfn.TaskInput.fromObject({
      endpoint: endpointName,
      version: path.stringAt('$.plan.version'),
      reason: path.stringAt('$.plan.reason'),
      time: path.stringAt('$$.State.EnteredTime'),
      // what was not told is told as a rollback that failed
    }), impossible, eventBus, failed);

    const plan = invoke(steps, 'PlanRollback', planner, {
      table: registry.ledger.tableName,
      endpointName,
      execution: path.stringAt('$$.Execution.Id'),
      input: path.objectAt('$$.Execution.Input'),
      startedAt: path.stringAt('$$.Execution.StartTime'),
      time: path.stringAt('$$.State.EnteredTime'),
      releaseMachineArn: release.stateMachine.stateMachineArn,
    }, '$.plan').addCatch(failed, ON_ERROR);
    const wait = new sfn.Wait(steps, 'WaitForSlot', { time: sfn.WaitTime.duration(LOOK) });
    wait.next(plan);

    const undo = this.recover(steps, 'UndoRelease', {
      execution: path.stringAt('$.plan.holder'), reason: path.stringAt('$.plan.reason'), stage: path.stringAt('$.plan.stage'),
    }, failed);
    undo.next(new sfn.Choice(steps, 'IsProductionBack').when(sfn.Condition.booleanEquals('$.plan.suffices', true), done).otherwise(plan));
    const restore = this.recover(steps, 'GoBack', {
      execution: path.stringAt('$$.Execution.Id'), reason: path.stringAt('$.plan.reason'), stage: 'RolledBack',
    }, failed);
    restore.next(done);

    const is = (status: string): sfn.Condition => sfn.Condition.stringEquals('$.plan.status', status);
    plan.next(new sfn.Choice(steps, 'WhatIsToDo')
      .when(is('taken'), restore)
      .when(is('undo'), undo)
      .when(is('wait'), wait)
      .when(is('impossible'), tell)
      .otherwise(new sfn.Succeed(steps, 'NothingToDo')));
    return plan;
  }

  private recover(steps: Construct, id: string, input: Record<string, string>, failed: sfn.Fail): tasks.StepFunctionsStartExecution {
    const task = new tasks.StepFunctionsStartExecution(steps, id, {
      stateMachine: byName(this.props.recovery),
      integrationPattern: sfn.IntegrationPattern.RUN_JOB,
      input: sfn.TaskInput.fromObject(input),
      resultPath: path.DISCARD,
    });
    retry(task);
    task.addCatch(failed, ON_ERROR);
    return task;
  }
}
