import { createWriteStream, WriteStream } from 'fs';
import * as path from 'path';
import { Worker } from 'worker_threads';
import { Json } from './types';

/** A function that has failed, with the error's own name kept. */
export class FunctionError extends Error {
  constructor(readonly errorType: string, readonly errorMessage: string, readonly trace: string[] = []) {
    super(errorMessage);
    this.name = errorType;
  }

  /** As the Lambda service answers it. */
  get payload(): { errorType: string; errorMessage: string; trace: string[] } {
    return { errorType: this.errorType, errorMessage: this.errorMessage, trace: this.trace };
  }
}

/** What an execution environment is made from. */
export interface FunctionCode {
  readonly name: string;
  readonly arn: string;
  readonly folder: string;
  readonly handler: string;
  readonly memory: number;
  readonly timeoutSeconds: number;
  readonly environment: Record<string, string>;
  readonly logFile: string;
}

interface Answer {
  readonly ready?: true;
  readonly unusable?: FunctionError['payload'];
  readonly id?: string;
  readonly payload?: string;
  readonly error?: FunctionError['payload'];
}

/** `node_modules` of the checkout: the AWS SDK that the Lambda runtime brings along. */
const MODULES = path.resolve(__dirname, '../../../node_modules');

/** One warm execution environment: a thread, one invocation at a time. */
export class ExecutionEnvironment {
  private readonly worker: Worker;
  private readonly log: WriteStream;
  private readonly ready: Promise<void>;
  private waiting?: (answer: Answer) => void;
  alive = true;

  constructor(private readonly code: FunctionCode) {
    this.worker = new Worker(path.join(__dirname, 'lambda-worker.ts'), {
      env: { ...code.environment, NODE_PATH: MODULES, TZ: ':UTC', PATH: process.env.PATH },
      execArgv: ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', '--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: Math.max(code.memory, 128) },
      workerData: { folder: code.folder, handler: code.handler, memory: String(code.memory) },
      stdout: true,
      stderr: true,
    });
    this.log = createWriteStream(code.logFile, { flags: 'a' });
    this.worker.stdout.pipe(this.log, { end: false });
    this.worker.stderr.pipe(this.log, { end: false });
    this.worker.on('message', (answer: Answer) => this.waiting?.(answer));
    this.worker.on('error', (error) => this.end({ errorType: 'Runtime.ExitError', errorMessage: error.message, trace: [] }));
    this.worker.on('exit', (exit) => this.end({ errorType: 'Runtime.ExitError', errorMessage: `the runtime exited with ${exit}`, trace: [] }));
    this.ready = new Promise((resolve, reject) => {
      this.waiting = (answer) => answer.ready ? resolve() : reject(asError(answer.unusable ?? answer.error!));
    });
    // An environment that cannot start says so to whoever invokes it.
    this.ready.catch(() => undefined);
  }

  async invoke(event: Json): Promise<Json> {
    await this.ready;
    const id = crypto.randomUUID();
    const limit = this.code.timeoutSeconds * 1000;
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => {
        const errorMessage = `RequestId: ${id} Error: Task timed out after ${this.code.timeoutSeconds.toFixed(2)} seconds`;
        this.end({ errorType: 'Sandbox.Timedout', errorMessage, trace: [] });
        void this.stop();
      }, limit);
      this.waiting = (answer) => {
        clearTimeout(timeout);
        this.waiting = undefined;
        if (answer.error) reject(asError(answer.error));
        else resolve(JSON.parse(answer.payload!) as Json);
      };
      this.worker.postMessage({ id, event, functionArn: this.code.arn, deadline: Date.now() + limit });
    });
  }

  async stop(): Promise<void> {
    this.alive = false;
    await this.worker.terminate();
    this.log.end();
  }

  private end(error: FunctionError['payload']): void {
    this.alive = false;
    this.waiting?.({ error });
  }
}

function asError({ errorType, errorMessage, trace }: FunctionError['payload']): FunctionError {
  return new FunctionError(errorType, errorMessage, trace);
}
