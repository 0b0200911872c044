import { sdkName } from './sdk-services';
import { Json, JsonObject } from './types';

/** How Step Functions waits for a job that it has started (`.sync`). */
export interface Job {
  /** Service and actions, by the SDK integration's names. */
  readonly service: string;
  readonly describe: string;
  readonly stop: string;
  /** What names the job, for describing and stopping it. */
  readonly key: (input: JsonObject, started: JsonObject) => JsonObject;
  /** The state of a described job: undefined while it runs. */
  readonly ended: (described: JsonObject) => { succeeded: boolean } | undefined;
  /** The task's output, of the described job. */
  readonly output: (described: JsonObject) => Json;
}

const at = (value: JsonObject, ...path: string[]): Json | undefined =>
  path.reduce<Json | undefined>((inner, name) => (inner as JsonObject | undefined)?.[name], value);

const byStatus = (path: string[], good: string[], bad: string[]) => (described: JsonObject) => {
  const status = String(at(described, ...path));
  if (good.includes(status)) return { succeeded: true };
  return bad.includes(status) ? { succeeded: false } : undefined;
};

const sageMakerJob = (kind: string): Job => ({
  service: 'sagemaker',
  describe: `describe${kind}Job`,
  stop: `stop${kind}Job`,
  key: (input) => ({ [`${kind}JobName`]: input[`${kind}JobName`] }),
  ended: byStatus([`${kind}JobStatus`], ['Completed'], ['Failed', 'Stopped']),
  output: (described) => described,
});

/** The jobs that a task may wait for, by the resource behind `arn:aws:states:::`. */
export const JOBS: Record<string, Job> = {
  'sagemaker:createTrainingJob': sageMakerJob('Training'),
  'sagemaker:createProcessingJob': sageMakerJob('Processing'),
  'sagemaker:createTransformJob': sageMakerJob('Transform'),
  'athena:startQueryExecution': {
    service: 'athena',
    describe: 'getQueryExecution',
    stop: 'stopQueryExecution',
    key: (_, started) => ({ QueryExecutionId: started.QueryExecutionId }),
    ended: byStatus(['QueryExecution', 'Status', 'State'], ['SUCCEEDED'], ['FAILED', 'CANCELLED']),
    output: (described) => described,
  },
  'glue:startJobRun': {
    service: 'glue',
    describe: 'getJobRun',
    stop: 'batchStopJobRun',
    key: (input, started) => ({ JobName: input.JobName, RunId: started.JobRunId }),
    ended: byStatus(['JobRun', 'JobRunState'], ['SUCCEEDED'], ['FAILED', 'STOPPED', 'TIMEOUT', 'ERROR', 'EXPIRED']),
    output: (described) => described.JobRun,
  },
};

/** The input that stops a job, where it is not the one that describes it. */
export function stopInput(resource: string, key: JsonObject): JsonObject {
  return resource === 'glue:startJobRun' ? { JobName: key.JobName, JobRunIds: [key.RunId] } : key;
}

/** Services whose optimized integration passes the call on as it is, and how that names its errors. */
export const OPTIMIZED: Record<string, { readonly service: string; readonly name: string; readonly base: string; readonly actions: string[] }> = {
  sagemaker: {
    service: 'sagemaker',
    name: 'SageMaker',
    base: 'AmazonSageMakerException',
    actions: ['createTrainingJob', 'createProcessingJob', 'createTransformJob', 'createModel', 'createEndpointConfig', 'createEndpoint', 'updateEndpoint'],
  },
  athena: {
    service: 'athena',
    name: 'Athena',
    base: 'AmazonAthenaException',
    actions: ['startQueryExecution', 'stopQueryExecution', 'getQueryExecution', 'getQueryResults'],
  },
  glue: { service: 'glue', name: 'Glue', base: 'AWSGlueException', actions: ['startJobRun'] },
  dynamodb: { service: 'dynamodb', name: 'DynamoDB', base: 'AmazonDynamoDBException', actions: ['getItem', 'putItem', 'updateItem', 'deleteItem'] },
  events: { service: 'eventbridge', name: 'EventBridge', base: 'AmazonEventBridgeException', actions: ['putEvents'] },
  sns: { service: 'sns', name: 'SNS', base: 'AmazonSNSException', actions: ['publish'] },
  sqs: { service: 'sqs', name: 'SQS', base: 'AmazonSQSException', actions: ['sendMessage'] },
};

/** The error that a task of this resource ends with where the service behind it is out of order. */
export function serviceError(resource: string): string {
  const [service, action] = resource.replace(/^arn:aws:states:::/, '').split(':');
  if (service === 'aws-sdk') return `${sdkName(action)}.SdkClientException`;
  if (service === 'states') return 'StepFunctions.AWSStepFunctionsException';
  const optimized = OPTIMIZED[service];
  return optimized === undefined ? 'Lambda.SdkClientException' : `${optimized.name}.${optimized.base}`;
}
