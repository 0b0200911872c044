import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { HookRun } from './hook-run';
import { HOOK_RUNNING } from '../domain/release-hook';
import { allow } from '../private/allow';
import { invoke, retry } from '../staging/workflow';

const path = sfn.JsonPath;
const UNANSWERED = { errors: ['States.ALL'], resultPath: '$.unanswered' };
/** Lambda itself was out of order: the hook has not said anything. */
const LAMBDA_TRANSIENT = ['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException', 'Lambda.TooManyRequestsException'];

/** Looks at one of which it is not known how long it may take: for a day and a half. */
const MOST_LOOKS = 17;

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
  return asked(ask, run, run.failed());
}

/**
 * Asks a state machine of the user's. Its execution's name is derived from the release's, so that it is started once: who asks
 * again, because the answer was lost, waits for the execution that is under way, and reads what one has said that is over. Step
 * Functions lets it run on where it does not answer in time: it is stopped.
 */
export function askStateMachine(run: HookRun, machine: sfn.IStateMachine, timeout: Duration): sfn.State {
  const suffix = run.id.replace(/[^A-Z0-9]/g, '');
  const releaseName = path.stringAt('$.acquired.slot.releaseName');
  const ask = new tasks.StepFunctionsStartExecution(run.steps, `Ask${run.id}`, {
    stateMachine: machine,
    integrationPattern: sfn.IntegrationPattern.RUN_JOB,
    name: path.format(`{}-${suffix}`, releaseName),
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
  const failed = run.failed();
  const execution = path.format(`${executionsOf(machine)}:{}-${suffix}`, releaseName);
  const stop = new tasks.CallAwsService(run.steps, `Stop${run.id}`, {
    service: 'sfn',
    action: 'stopExecution',
    parameters: { ExecutionArn: execution, Cause: 'the release goes on without its answer' },
    // what the task above may do already
    iamResources: [`${executionsOf(machine)}*`],
    iamAction: 'states:StopExecution',
    resultPath: path.DISCARD,
  });
  stop.addRetry({ errors: ['Sfn.ExecutionDoesNotExistException'], maxAttempts: 0 });
  retry(stop);
  stop.addCatch(failed, { errors: ['States.ALL'], resultPath: path.DISCARD });
  stop.next(failed);
  ask.addCatch(look(run, machine, execution, timeout, stop), { errors: ['StepFunctions.ExecutionAlreadyExistsException'], resultPath: '$.unanswered' });
  return asked(ask, run, stop);
}

/** Reads what an execution has said that was asked before. Step Functions may take a while to tell that it is over. */
function look(run: HookRun, machine: sfn.IStateMachine, execution: string, timeout: Duration, late: sfn.IChainable): sfn.State {
  allow(run.keeper, {
    actions: ['states:DescribeExecution'], resources: [`${executionsOf(machine)}:*`], because: 'The execution is named after the release.',
  });
  const task = invoke(run.steps, `LookAt${run.id}`, run.keeper, {
    ...run.payload, action: 'lookAtExecution', execution, input: path.objectAt('$.hooked.input'),
  }, '$.judged', {
    // after 1, 2, 4, ... seconds, which together are no longer than it may take
    errors: [HOOK_RUNNING],
    interval: Duration.seconds(1),
    backoffRate: 2,
    maxAttempts: timeout.isUnresolved() ? MOST_LOOKS : Math.floor(Math.log2(timeout.toSeconds({ integral: false }) + 1)),
  });
  task.addCatch(late, { errors: [HOOK_RUNNING], resultPath: '$.unanswered' });
  task.addCatch(run.broken, { errors: ['States.ALL'], resultPath: '$.failure' });
  task.next(run.decided);
  return task;
}

/** The part of the ARN that all executions of a state machine share. */
function executionsOf(machine: sfn.IStateMachine): string {
  const stack = Stack.of(machine);
  const resourceName = stack.splitArn(machine.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName;
  return stack.formatArn({ service: 'states', resource: 'execution', resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
}

function asked<T extends sfn.TaskStateBase>(ask: T, run: HookRun, unanswered: sfn.IChainable): T {
  ask.addCatch(unanswered, UNANSWERED);
  ask.next(run.answered);
  return ask;
}
