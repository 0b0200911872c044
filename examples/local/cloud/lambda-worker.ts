/**
 * The inside of a Lambda function's execution environment: a thread that loads the shipped bundle and answers events
 * one by one. Node runs this file as it is, so it imports built-in modules only and uses no syntax beyond types.
 */
import { createRequire } from 'module';
import { parentPort, workerData } from 'worker_threads';

interface Invocation {
  readonly id: string;
  readonly event: unknown;
  readonly functionArn: string;
  readonly deadline: number;
}

type Handler = (event: unknown, context: unknown) => unknown;

const { folder, handler, memory } = workerData as { folder: string; handler: string; memory: string };
const port = parentPort!;

const failure = (error: unknown) => error instanceof Error || (typeof error === 'object' && error !== null && 'name' in error && 'message' in error)
  ? { errorType: String(error.name), errorMessage: String(error.message), trace: String((error as Error).stack ?? '').split('\n') }
  : { errorType: typeof error, errorMessage: String(error), trace: [] };

function load(): Handler {
  const [module, name] = [handler.slice(0, handler.lastIndexOf('.')), handler.slice(handler.lastIndexOf('.') + 1)];
  const loaded = createRequire(`${folder}/`)(`./${module}`) as Record<string, unknown>;
  if (typeof loaded[name] !== 'function') throw Object.assign(new Error(`${handler} is undefined or not exported`), { name: 'Runtime.HandlerNotFound' });
  return loaded[name] as Handler;
}

async function answer(handle: Handler, invocation: Invocation): Promise<void> {
  const context = {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: invocation.functionArn,
    memoryLimitInMB: memory,
    awsRequestId: invocation.id,
    logGroupName: `/aws/lambda/${process.env.AWS_LAMBDA_FUNCTION_NAME}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, invocation.deadline - Date.now()),
  };
  try {
    const result = await handle(invocation.event, context);
    port.postMessage({ id: invocation.id, payload: JSON.stringify(result) ?? 'null' });
  } catch (error) {
    port.postMessage({ id: invocation.id, error: failure(error) });
  }
}

try {
  const handle = load();
  port.on('message', (invocation: Invocation) => void answer(handle, invocation));
  port.postMessage({ ready: true });
} catch (error) {
  port.postMessage({ unusable: failure(error) });
}
