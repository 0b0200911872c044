import { ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface JobRequest {
  readonly id: string;
  readonly script: string;
  readonly arguments: readonly string[];
  readonly pyFiles: readonly string[];
  readonly folder: string;
  readonly log: string;
  readonly environment: Record<string, string>;
}

interface Pending {
  readonly resolve: (error: string | undefined) => void;
  readonly id: string;
}

/**
 * A Python process that keeps one Spark JVM warm and runs jobs in it, one after the other. It ends with its standard
 * input, so it does not outlive this process however that dies.
 */
export class SparkWorker {
  private process: ChildProcess | undefined;
  private pending: Pending | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly python: string, private readonly scratch: string, private readonly logs: string) {}

  /** Starts the process and its JVM ahead of the first job. */
  warm(): void {
    if (this.process !== undefined) return;
    mkdirSync(this.scratch, { recursive: true });
    mkdirSync(this.logs, { recursive: true });
    const child = spawn(this.python, ['-u', join(__dirname, 'spark_worker.py')], {
      cwd: this.scratch,
      detached: true,
      env: {
        PATH: process.env.PATH, LANG: 'C.UTF-8', TZ: 'UTC', PYTHONDONTWRITEBYTECODE: '1',
        HOME: this.scratch, GLUE_SCRATCH: this.scratch, GLUE_WORKER_LOG: join(this.logs, 'worker.log'),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.process = child;
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => this.answered(line));
    const ended = (how: string): void => {
      if (this.process === child) this.process = undefined;
      this.settle(`the Spark worker ended (${how}), see ${join(this.logs, 'worker.log')}`);
    };
    child.on('error', (error) => ended(error.message));
    child.on('exit', (code, signal) => ended(String(code ?? signal)));
  }

  /** Runs a job after those before it; resolves with the error it ended with, or nothing. */
  async run(request: JobRequest): Promise<string | undefined> {
    const mine = this.turn.then(async () => {
      this.warm();
      return await new Promise<string | undefined>((resolve) => {
        this.pending = { resolve, id: request.id };
        this.process?.stdin?.write(`${JSON.stringify(request)}\n`);
      });
    });
    this.turn = mine;
    return mine;
  }

  /** Breaks a running job off by ending the process; the next job gets a new one. */
  kill(id: string): void {
    if (this.pending?.id === id) this.end();
  }

  async stop(): Promise<void> {
    const child = this.process;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    this.end();
    await gone;
  }

  private end(): void {
    const child = this.process;
    this.process = undefined;
    // the JVM is in the same process group
    if (child?.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }

  private answered(line: string): void {
    const answer: { id: string; error: string | null } = JSON.parse(line);
    if (answer.id === this.pending?.id) this.settle(answer.error ?? undefined);
  }

  private settle(error: string | undefined): void {
    const { pending } = this;
    this.pending = undefined;
    pending?.resolve(error);
  }
}
