import { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { AddressInfo, createServer, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Cloud } from '../cloud/types';

export interface JobRequest {
  readonly id: string;
  readonly script: string;
  readonly arguments: readonly string[];
  readonly pyFiles: readonly string[];
  readonly folder: string;
  readonly log: string;
  readonly environment: Record<string, string>;
}

interface Worker {
  readonly child: ChildProcess;
  readonly server: Server;
  /** The worker's connection, once its JVM is up. */
  readonly connected: Promise<Socket>;
}

/** A Python process that keeps one Spark JVM warm and runs jobs in it, one after the other. */
export class SparkWorker {
  private worker: Promise<Worker> | undefined;
  private pending: { readonly id: string; readonly settle: (error: string | undefined) => void } | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly cloud: Cloud, private readonly scratch: string, private readonly logs: string) {}

  /** Starts the process and its JVM ahead of the first job. */
  warm(): void {
    this.worker ??= this.start();
    // a failed start is told by the job that needs the worker
    this.worker.catch(() => undefined);
  }

  /** Runs a job after those before it; resolves with the error it ended with, or nothing. */
  async run(request: JobRequest): Promise<string | undefined> {
    const mine = this.turn.then(async () => {
      this.warm();
      const worker = await this.worker;
      return new Promise<string | undefined>((resolve, reject) => {
        this.pending = { id: request.id, settle: resolve };
        worker?.connected.then((socket) => socket.write(`${JSON.stringify(request)}\n`)).catch(reject);
      });
    });
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** Breaks a running job off by ending the process; the next job gets a new one. */
  async kill(id: string): Promise<void> {
    if (this.pending?.id === id) await this.stop();
  }

  async stop(): Promise<void> {
    const ending = this.worker;
    this.worker = undefined;
    const worker = await ending?.catch(() => undefined);
    if (worker === undefined) return;
    const { child, server } = worker;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
    server.close();
  }

  private async start(): Promise<Worker> {
    mkdirSync(this.scratch, { recursive: true });
    mkdirSync(this.logs, { recursive: true });
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const child = this.cloud.spawn('glue-worker', this.cloud.python, ['-u', join(__dirname, 'spark_worker.py')], {
      cwd: this.scratch,
      env: { GLUE_PORT: String(port), GLUE_SCRATCH: this.scratch, GLUE_WORKER_LOG: join(this.logs, 'worker.log'), HOME: this.scratch, LANG: 'C.UTF-8', TZ: 'UTC' },
    });
    const connected = new Promise<Socket>((resolve, reject) => {
      const ended = (how: string): void => {
        const problem = `the Spark worker ended (${how}), see ${join(this.logs, 'worker.log')}`;
        server.close();
        this.worker = undefined;
        this.settle(problem);
        reject(new Error(problem));
      };
      child.once('error', (error) => ended(error.message));
      child.once('exit', (code, signal) => ended(String(code ?? signal)));
      server.once('connection', (socket) => {
        socket.on('error', () => undefined);
        createInterface({ input: socket }).on('line', (line) => this.answered(line));
        resolve(socket);
      });
    });
    connected.catch(() => undefined);
    return { child, server, connected };
  }

  private answered(line: string): void {
    const answer = JSON.parse(line) as { id: string; error: string | null };
    if (answer.id === this.pending?.id) this.settle(answer.error ?? undefined);
  }

  private settle(error: string | undefined): void {
    const { pending } = this;
    this.pending = undefined;
    pending?.settle(error);
  }
}
