import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { AnswerApprovalFunction } from './answer-approval-function';
import { HookRun } from './hook-run';
import { MlopsEventType } from '../domain/events';
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';
import { IModelRegistry } from '../registry/model-registry';
import { grantSlot } from '../registry/slot-access';
import { announce, invoke } from '../staging/workflow';

const path = sfn.JsonPath;
const ON_ERROR = { errors: ['States.ALL'], resultPath: '$.failure' };
/** Looks within a window: an execution's history holds 25,000 events, of which each look takes about ten. */
const MOST_LOOKS = 300;

export interface ApprovalUrlProps {
  readonly registry: IModelRegistry;
  /** Which question of a version the answers are for. */
  readonly key: string;
  readonly encryptionKey?: kms.IKey;
}

/** Takes in the answers of approvers. */
export class ApprovalUrl extends Construct {
  public readonly url: string;
  private readonly handler: lambda.Function;

  constructor(scope: Construct, id: string, { registry, key, encryptionKey }: ApprovalUrlProps) {
    super(scope, id);
    this.handler = new AnswerApprovalFunction(this, 'Function', handlerDefaults(this, {
      description: `Takes in approvals of versions of the model ${registry.modelName}`,
      encryptionKey,
      environment: { LEDGER_TABLE: registry.ledger.tableName, HOOK_KEY: key },
    }));
    grantSlot(this.handler, registry, ['dynamodb:GetItem', 'dynamodb:UpdateItem']);
    this.url = this.handler.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.AWS_IAM }).url;
  }

  /** Both are asked for by IAM: who may call the URL may not thereby invoke the function past it. */
  public grantAnswer(grantee: iam.IGrantable): void {
    const resources = [this.handler.functionArn];
    allow(grantee, { actions: ['lambda:InvokeFunctionUrl'], resources, conditions: { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } } });
    allow(grantee, { actions: ['lambda:InvokeFunction'], resources, conditions: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } } });
  }
}

/** Asks, tells that it is asked, and looks for the answer until the window is over. */
export function approvalSteps(run: HookRun, { url }: ApprovalUrl, window: Duration): sfn.State {
  const { steps, id, keeper } = run;
  const windowMinutes = window.toMinutes({ integral: false });
  const waiting = sfn.Condition.booleanEquals('$.asked.waiting', true);

  const wait = new sfn.Wait(steps, `WaitFor${id}`, { time: sfn.WaitTime.duration(Duration.minutes(Math.max(1, Math.ceil(windowMinutes / MOST_LOOKS)))) });
  const look = invoke(steps, `LookAt${id}`, keeper, { ...run.payload, action: 'look' }, '$.asked').addCatch(run.broken, ON_ERROR);
  wait.next(look).next(new sfn.Choice(steps, `IsAnswered${id}`).when(waiting, wait).otherwise(run.answered));
  const tell = announce(steps, `Tell${id}`, MlopsEventType.APPROVAL_REQUESTED, sfn.TaskInput.fromJsonPathAt('$.asked.event'), wait, run.eventBus);
  const ask = invoke(steps, `Ask${id}`, keeper, {
    ...run.payload, action: 'ask', input: path.objectAt('$.hooked.input'), execution: path.stringAt('$$.Execution.Id'), url, windowMinutes,
  }, '$.asked').addCatch(run.broken, ON_ERROR);
  ask.next(new sfn.Choice(steps, `IsAsked${id}`).when(waiting, tell).otherwise(run.answered));
  return ask;
}
