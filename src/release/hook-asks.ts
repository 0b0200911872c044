import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { HookRun } from './hook-run';

const path = sfn.JsonPath;
const UNANSWERED = { errors: ['States.ALL'], resultPath: '$.unanswered' };
/** Lambda itself was out of order: the hook has not said anything. */
const LAMBDA_TRANSIENT = ['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException', 'Lambda.TooManyRequestsException'];

/** Asks a function of the user's: what it throws is an answer, and not asked for twice. */
export function askLambda(run: HookRun, handler: lambda.IFunction, timeout: Duration): sfn.State {
  const ask = new tasks.LambdaInvoke(run.steps, `Ask${run.id}`, {
    lambdaFunction: handler,
    inputPath: '$.hooked.input',
    payloadResponseOnly: true,
    retryOnServiceExceptions: false,
    taskTimeout: sfn.Timeout.duration(timeout),
    resultSelector: { answer: path.objectAt('$') },
    resultPath: '$.asked',
  });
  ask.addRetry({ errors: LAMBDA_TRANSIENT, interval: Duration.seconds(5), backoffRate: 2, maxAttempts: 5 });
  return asked(ask, run);
}

/** Asks a state machine of the user's. Its execution's name is derived from the release's, so that it is started once. */
export function askStateMachine(run: HookRun, machine: sfn.IStateMachine, timeout: Duration): sfn.State {
  const ask = new tasks.StepFunctionsStartExecution(run.steps, `Ask${run.id}`, {
    stateMachine: machine,
    integrationPattern: sfn.IntegrationPattern.RUN_JOB,
    name: path.format(`{}-${run.id.replace(/[^A-Z0-9]/g, '')}`, path.stringAt('$.acquired.slot.releaseName')),
    input: sfn.TaskInput.fromJsonPathAt('$.hooked.input'),
    taskTimeout: sfn.Timeout.duration(timeout),
    resultSelector: { answer: path.objectAt('$.Output') },
    resultPath: '$.asked',
  });
  ask.addRetry({
    errors: ['StepFunctions.AWSStepFunctionsException', 'StepFunctions.ExecutionLimitExceededException'],
    interval: Duration.seconds(5),
    backoffRate: 2,
    maxAttempts: 5,
  });
  return asked(ask, run);
}

function asked<T extends sfn.TaskStateBase>(ask: T, run: HookRun): T {
  ask.addCatch(run.failed(), UNANSWERED);
  ask.next(run.answered);
  return ask;
}
