import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { MlopsEvents, MlopsEventType } from '../domain/events';
import { eventFor } from '../private/handler';
import { acknowledgeMachine, machineDefaults } from '../private/machine-defaults';

export interface RegistrationWorkflowProps {
  readonly modelName: string;
  /** Runs each step of a registration. */
  readonly registrar: lambda.IFunction;
  readonly eventBus: events.IEventBus;
  readonly encryptionKey?: kms.IKey;
}

/** Errors of the registrar, and of SageMaker and DynamoDB behind it, that no retry cures. */
const LASTING_ERRORS = [
  'InvalidCandidate', 'LedgerBroken', 'RunAlreadyRegistered', 'RunAlreadyRejected', 'UnknownVersion', 'ValidationException', 'VersionAbandoned',
];

/**
 * Registers or rejects one candidate. Each step may be repeated, and so may the whole execution: the ledger knows the
 * run. A version whose package cannot be made is given up with the reason, never left open.
 */
export class RegistrationWorkflow extends Construct {
  public readonly stateMachine: sfn.StateMachine;
  private readonly steps: Construct;

  constructor(scope: Construct, id: string, private readonly props: RegistrationWorkflowProps) {
    super(scope, id);
    this.steps = new Construct(this, 'Steps');
    const definition = new sfn.Choice(this.steps, 'Decide')
      .when(sfn.Condition.stringEquals('$.decision', 'register'), this.registration())
      .when(sfn.Condition.stringEquals('$.decision', 'reject'), this.rejection())
      .otherwise(new sfn.Fail(this.steps, 'UnknownDecision', { error: 'UnknownDecision', cause: 'the decision is neither register nor reject' }));

    this.stateMachine = new sfn.StateMachine(this, 'Resource', {
      ...machineDefaults(this, props.encryptionKey),
      definitionBody: sfn.DefinitionBody.fromChainable(definition),
      comment: `Registers versions of the model ${props.modelName}`,
      timeout: Duration.hours(12),
    });
    acknowledgeMachine(this.stateMachine, [props.registrar.functionArn]);
  }

  private registration(): sfn.IChainable {
    const { steps } = this;
    const failed = (name: string, path: string) => new sfn.Fail(steps, name, { errorPath: `${path}.Error`, causePath: `${path}.Cause` });

    const allocate = this.step('Allocate', { step: 'allocate', candidate: sfn.JsonPath.objectAt('$') }, '$.allocation');
    allocate.addCatch(failed('AllocationFailed', '$.failure'), { errors: ['States.ALL'], resultPath: '$.failure' });

    const ofVersion = { version: sfn.JsonPath.stringAt('$.allocation.version'), run: sfn.JsonPath.stringAt('$.run') };
    const register = this.step('Register', { step: 'register', ...ofVersion }, '$.registration');
    const abandon = this.step('Abandon', { step: 'abandon', ...ofVersion, reason: sfn.JsonPath.stringAt('$.failure.Cause') }, sfn.JsonPath.DISCARD);
    const notRegistered = failed('RegistrationFailed', '$.failure');
    register.addCatch(abandon, { errors: ['States.ALL'], resultPath: '$.failure' });
    abandon.addCatch(notRegistered, { errors: ['States.ALL'], resultPath: sfn.JsonPath.DISCARD });
    abandon.next(notRegistered);

    const notAnnounced = failed('AnnouncementFailed', '$.failure');
    const announce = this.announcement('Announce', MlopsEventType.MODEL_REGISTERED, '$.registration.event');
    const note = this.step('NoteAnnouncement', { step: 'announced', version: ofVersion.version }, sfn.JsonPath.DISCARD);
    for (const task of [announce, note]) task.addCatch(notAnnounced, { errors: ['States.ALL'], resultPath: '$.failure' });

    const registered = new sfn.Pass(steps, 'Registered', {
      parameters: {
        'version.$': '$.registration.version',
        'modelPackageArn.$': '$.registration.modelPackageArn',
        'created.$': '$.registration.created',
        'cause.$': '$.registration.cause',
      },
    });
    return allocate.next(register).next(new sfn.Choice(steps, 'IsAnnounced')
      .when(sfn.Condition.booleanEquals('$.registration.announce', true), announce.next(note).next(registered))
      .otherwise(registered));
  }

  private rejection(): sfn.IChainable {
    const { steps } = this;
    const failed = new sfn.Fail(steps, 'RejectionFailed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
    const record = this.step('RecordRejection', { step: 'reject', candidate: sfn.JsonPath.objectAt('$') }, '$.rejection');
    const announce = this.announcement('AnnounceRejection', MlopsEventType.MODEL_REJECTED, '$.rejection.event');
    for (const task of [record, announce]) task.addCatch(failed, { errors: ['States.ALL'], resultPath: '$.failure' });
    return record.next(announce).next(new sfn.Pass(steps, 'Rejected', {
      parameters: { 'rejected.$': '$.rejection.rejected', 'reason.$': '$.rejection.reason' },
    }));
  }

  private step(name: string, payload: Record<string, unknown>, resultPath: string): tasks.LambdaInvoke {
    const task = new tasks.LambdaInvoke(this.steps, name, {
      lambdaFunction: this.props.registrar,
      payload: sfn.TaskInput.fromObject(eventFor(this.props.registrar, { ...payload, time: sfn.JsonPath.stringAt('$$.State.EnteredTime') })),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      resultPath,
    });
    task.addRetry({ errors: LASTING_ERRORS, maxAttempts: 0 });
    return retried(task);
  }

  private announcement(name: string, detailType: MlopsEventType, detailPath: string): tasks.EventBridgePutEvents {
    return retried(new tasks.EventBridgePutEvents(this.steps, name, {
      entries: [{ eventBus: this.props.eventBus, source: MlopsEvents.SOURCE, detailType, detail: sfn.TaskInput.fromJsonPathAt(detailPath) }],
      resultPath: sfn.JsonPath.DISCARD,
    }));
  }
}

/** An hour of patience with services that are down. */
function retried<T extends sfn.TaskStateBase>(task: T): T {
  task.addRetry({ errors: ['States.TaskFailed', 'States.Timeout'], interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 13, maxDelay: Duration.minutes(10) });
  return task;
}
