import { Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { evaluationState, JobSettings, trainingState } from './training-jobs';
import { RejectionStage } from '../domain/training-run';
import { eventFor } from '../private/handler';

export interface TrainingStatesOptions {
  readonly training: JobSettings;
  readonly evaluation: JobSettings;
  readonly prepare: lambda.IFunction;
  readonly gate: lambda.IFunction;
  readonly explain: lambda.IFunction;
  readonly registration: sfn.IStateMachine;
}

const RUN = sfn.JsonPath.stringAt('$$.Execution.Id');
const TIME = sfn.JsonPath.stringAt('$$.State.EnteredTime');

const REGISTRATION_TRANSIENT = [
  'StepFunctions.ExecutionLimitExceededException', 'StepFunctions.ThrottlingException', 'StepFunctions.SdkClientException',
  'StepFunctions.AWSStepFunctionsException',
];

/** The states of a training run. Whatever stops a run is recorded in the registry before the run fails. */
export function trainingStates(scope: Construct, options: TrainingStatesOptions): sfn.IChainable {
  const recordingFailed = new sfn.Fail(scope, 'RecordingFailed', {
    comment: 'The registry could not be reached: the run left no record but this execution',
    errorPath: '$.failure.Error',
    causePath: '$.failure.Cause',
  });

  const register = new sfn.CustomState(scope, 'Register', {
    stateJson: {
      Type: 'Task',
      Comment: 'Gives the version, or records the rejection',
      Resource: `arn:${Stack.of(scope).partition}:states:::states:startExecution.sync:2`,
      Parameters: { 'StateMachineArn': options.registration.stateMachineArn, 'Input.$': '$' },
      ResultSelector: { 'result.$': '$.Output' },
      ResultPath: '$.registration',
      TimeoutSeconds: Duration.days(1).toSeconds(),
      Retry: [
        { ErrorEquals: REGISTRATION_TRANSIENT, IntervalSeconds: 10, MaxAttempts: 6, BackoffRate: 2 },
      ],
    },
  });
  register.addCatch(recordingFailed, { resultPath: '$.failure' });
  register.next(new sfn.Choice(scope, 'IsRegistered')
    .when(sfn.Condition.stringEquals('$.decision', 'register'), new sfn.Succeed(scope, 'Registered', { comment: 'The model has a version', outputPath: '$.registration.result' }))
    .otherwise(new sfn.Fail(scope, 'ModelRejected', { error: 'ModelRejected', causePath: '$.reason' })));

  /** Says why the run was stopped, then has it recorded. */
  const stopped = (stage: RejectionStage, name: string, withError: boolean): sfn.IChainable => {
    const explain = invoke(scope, name, options.explain, {
      state: sfn.JsonPath.objectAt('$'),
      stage,
      run: RUN,
      time: TIME,
      ...(withError ? { error: sfn.JsonPath.objectAt('$.error') } : {}),
    });
    explain.addCatch(recordingFailed, { resultPath: '$.failure' });
    return explain.next(register);
  };
  const failedIn = (stage: RejectionStage, name: string): [sfn.IChainable, sfn.CatchProps] => [stopped(stage, name, true), { resultPath: '$.error' }];

  const evaluationFailed = failedIn('evaluation', 'ExplainEvaluationFailure');
  const gate = invoke(scope, 'Gate', options.gate, { plan: sfn.JsonPath.objectAt('$'), time: TIME });
  gate.addCatch(...evaluationFailed);
  gate.next(register);

  const evaluateChampion = new sfn.CustomState(scope, 'EvaluateChampion', {
    stateJson: evaluationState(scope, options.evaluation, {
      suffix: 'c',
      image: '$.champion.imageUri',
      modelDataUrl: '$.champion.modelDataUrl',
      configUri: '$.champion.configUri',
      outputUri: '$.champion.outputUri',
    }),
  });
  evaluateChampion.addCatch(...evaluationFailed);
  evaluateChampion.next(gate);

  const evaluateChallenger = new sfn.CustomState(scope, 'EvaluateChallenger', {
    stateJson: evaluationState(scope, options.evaluation, {
      suffix: 'e',
      image: '$.imageUri',
      modelDataUrl: '$.training.modelDataUrl',
      configUri: '$.configUri',
      outputUri: '$.outputUri',
    }),
  });
  evaluateChallenger.addCatch(...evaluationFailed);
  evaluateChallenger.next(new sfn.Choice(scope, 'HasChampion')
    .when(sfn.Condition.booleanEquals('$.hasChampion', true), evaluateChampion)
    .otherwise(gate));

  const train = new sfn.CustomState(scope, 'Train', { stateJson: trainingState(scope, options.training) });
  train.addCatch(...failedIn('training', 'ExplainTrainingFailure'));
  train.next(evaluateChallenger);

  const prepare = invoke(scope, 'Prepare', options.prepare, { input: sfn.JsonPath.objectAt('$'), run: RUN, time: TIME });
  prepare.addCatch(...failedIn('data', 'ExplainPreparationFailure'));
  return prepare.next(new sfn.Choice(scope, 'WhatToDo')
    .when(sfn.Condition.stringEquals('$.outcome', 'train'), train)
    .when(sfn.Condition.stringEquals('$.outcome', 'registered'), new sfn.Succeed(scope, 'AlreadyRegistered', { comment: 'This commit was trained on this dataset before' }))
    .when(sfn.Condition.stringEquals('$.outcome', 'nothing'), new sfn.Succeed(scope, 'NothingToRevise', { comment: 'No version has been registered yet' }))
    .otherwise(stopped('data', 'ExplainRejection', false)));
}

/** Asks a function and goes on with its answer. */
function invoke(scope: Construct, id: string, handler: lambda.IFunction, payload: Record<string, unknown>): tasks.LambdaInvoke {
  const task = new tasks.LambdaInvoke(scope, id, {
    lambdaFunction: handler,
    payload: sfn.TaskInput.fromObject(eventFor(handler, payload)),
    payloadResponseOnly: true,
    retryOnServiceExceptions: false,
    taskTimeout: sfn.Timeout.duration(Duration.minutes(10)),
  });
  // what handlers refuse for good they answer; what they throw may pass
  task.addRetry({ errors: ['States.TaskFailed', 'States.Timeout'], interval: Duration.seconds(2), maxAttempts: 5, backoffRate: 2 });
  return task;
}
