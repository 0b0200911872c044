import { Lambda } from './lambda';
import { FunctionError } from './lambda-environment';
import { hasSdkAction, sdkCall, TaskError } from './sdk-services';
import { Job, JOBS, OPTIMIZED, stopInput } from './task-jobs';
import { AwsError, Cloud, Json, JsonObject } from './types';

/** Local time between two looks at a job that is waited for. */
const POLL_MILLISECONDS = 10_000;
const PREFIX = /^arn:aws:states:::/;

/** What a task knows of the execution that it belongs to. */
export interface TaskSurroundings {
  readonly cloud: Cloud;
  readonly roleArn: string;
  /** Aborted when the execution ends before the task. */
  readonly signal: AbortSignal;
  /** Starts a nested execution; resolves with its description when it has ended. */
  startExecution(input: JsonObject): Promise<{ started: JsonObject; ended: Promise<JsonObject>; stop: () => void }>;
}

/** Whether the local cloud runs tasks of this resource. */
export function supportsTask(resource: string): boolean {
  if (/^arn:aws:lambda:[^:]*:[^:]*:function:/.test(resource)) return true;
  if (!PREFIX.test(resource)) return false;
  const [service, action, ...rest] = resource.replace(PREFIX, '').split(':');
  if (service === 'aws-sdk') return hasSdkAction(action, rest[0] ?? '');
  const name = `${service}:${action}`;
  if (['lambda:invoke', 'states:startExecution', 'states:startExecution.sync'].includes(name)) return rest.length === 0 || rest[0] === '2';
  if (rest.length > 0) return false;
  if (name.endsWith('.sync')) return name.replace(/\.sync$/, '') in JOBS;
  return OPTIMIZED[service]?.actions.includes(action) ?? false;
}

/** Does a task; rejects with an error whose name is the one that Step Functions would give. */
export async function runTask(resource: string, input: Json, around: TaskSurroundings): Promise<Json> {
  if (around.signal.aborted) throw new TaskError('States.Runtime', 'the execution has ended');
  const { cloud } = around;
  const parameters = input as JsonObject;
  if (!PREFIX.test(resource)) return invoke(around, resource, input);
  const [service, action, ...rest] = resource.replace(PREFIX, '').split(':');
  if (service === 'aws-sdk') return cloud.clock.busy(sdkCall(cloud, action, rest[0], parameters, around.roleArn), `task ${action}:${rest[0]}`);
  if (service === 'lambda') {
    const Payload = await invoke(around, String(parameters.FunctionName), parameters.Payload ?? {});
    return { ExecutedVersion: '$LATEST', Payload, StatusCode: 200 };
  }
  if (service === 'states') return nested(action, rest[0], parameters, around);
  const started = await optimized(service, action.replace('.sync', ''), parameters, around);
  return action.endsWith('.sync') ? waitFor(`${service}:${action.replace('.sync', '')}`, parameters, started, around) : started;
}

async function invoke({ cloud, roleArn }: TaskSurroundings, nameOrArn: string, event: Json): Promise<Json> {
  try {
    if (nameOrArn.startsWith('arn:')) cloud.check?.(roleArn, 'lambda:InvokeFunction', nameOrArn);
    return await cloud.find(Lambda).invoke(nameOrArn, event);
  } catch (error) {
    if (error instanceof FunctionError) throw new TaskError(error.errorType, JSON.stringify(error.payload));
    const { name, message } = error as Error;
    throw new TaskError(`Lambda.${name === 'ResourceNotFoundException' ? name : 'AWSLambdaException'}`, message);
  }
}

async function optimized(service: string, action: string, input: JsonObject, around: TaskSurroundings): Promise<JsonObject> {
  const { cloud, roleArn } = around;
  const { service: sdk, name, base } = OPTIMIZED[service];
  try {
    const answer = await cloud.clock.busy(sdkCall(cloud, sdk, action, encoded(service, input), roleArn), `task ${service}:${action}`);
    if (service === 'events' && Number(answer.FailedEntryCount ?? 0) > 0) throw new TaskError('EventBridge.FailedEntry', JSON.stringify(answer));
    return answer;
  } catch (error) {
    // Optimized integrations keep the older names of their service and of its base class.
    if (!(error instanceof TaskError) || error.name === 'EventBridge.FailedEntry') throw error;
    const [prefix, kind] = error.name.split('.');
    throw new TaskError(`${name}.${kind === `${prefix}Exception` ? base : kind}`, error.message);
  }
}

/** Details, messages and bodies may be given as JSON; the APIs want text. */
function encoded(service: string, input: JsonObject): JsonObject {
  const text = (value: Json): Json => typeof value === 'string' || value === undefined ? value : JSON.stringify(value);
  if (service === 'events') return { ...input, Entries: (input.Entries as JsonObject[]).map((entry) => ({ ...entry, Detail: text(entry.Detail) })) };
  if (service === 'sns') return { ...input, Message: text(input.Message) };
  if (service === 'sqs') return { ...input, MessageBody: text(input.MessageBody) };
  return input;
}

async function waitFor(resource: string, input: JsonObject, started: JsonObject, around: TaskSurroundings): Promise<Json> {
  const job = JOBS[resource];
  const key = job.key(input, started);
  const { cloud, roleArn, signal } = around;
  const stop = (): void => {
    const stopping = sdkCall(cloud, job.service, job.stop, stopInput(resource, key), roleArn);
    cloud.clock.busy(stopping, `stop of ${resource}`).catch((error: Error) => cloud.log(`${resource} was not stopped: ${error.message}`));
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await polled(job, key, around);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function polled(job: Job, key: JsonObject, { cloud, roleArn, signal }: TaskSurroundings): Promise<Json> {
  for (;;) {
    await new Promise<void>((resolve) => cloud.clock.after(POLL_MILLISECONDS, resolve, `look at ${JSON.stringify(key)}`));
    if (signal.aborted) throw new TaskError('States.Runtime', 'the execution has ended');
    const described = await cloud.clock.busy(sdkCall(cloud, job.service, job.describe, key, roleArn), `${job.describe} ${JSON.stringify(key)}`);
    const ended = job.ended(described);
    if (ended?.succeeded) return job.output(described);
    if (ended) throw new TaskError('States.TaskFailed', JSON.stringify(job.output(described)));
  }
}

async function nested(action: string, version: string | undefined, input: JsonObject, around: TaskSurroundings): Promise<Json> {
  const { started, ended, stop } = await around.startExecution(input).catch((error: Error) => {
    if (error instanceof AwsError) throw new TaskError(`StepFunctions.${error.code.endsWith('Exception') ? error.code : `${error.code}Exception`}`, error.message);
    throw error;
  });
  if (action === 'startExecution') return { ExecutionArn: started.executionArn, StartDate: started.startDate };
  around.signal.addEventListener('abort', stop, { once: true });
  const description = await ended;
  around.signal.removeEventListener('abort', stop);
  const output = Object.fromEntries(Object.entries(description).map(([name, value]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, value]));
  if (description.status !== 'SUCCEEDED') throw new TaskError('States.TaskFailed', JSON.stringify(output));
  // `.sync:2` answers the output as JSON, `.sync` as text.
  return version === '2' ? { ...output, Output: JSON.parse(String(description.output)) as Json } : output;
}
