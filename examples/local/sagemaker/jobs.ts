import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ImageProcess } from './image';
import { arnOf, checkName, invalid, page } from './support';
import { AwsError, Cloud, JsonObject } from '../cloud/types';
import { optionalString, seconds, string } from '../cloudwatch/shape';

export type JobStatus = 'InProgress' | 'Completed' | 'Failed' | 'Stopping' | 'Stopped';

/** A job's failure, said as SageMaker says it in FailureReason. */
export class JobFailure extends Error {}

/** Where a kind of job differs from the others. */
export interface JobKind {
  readonly kind: 'training' | 'processing';
  /** Prefix of its members: TrainingJobName, TrainingJobStatus, … */
  readonly member: 'TrainingJob' | 'ProcessingJob';
  readonly eventType: string;
  /** Throws for what cannot be run, before the job exists. */
  check(input: JsonObject): void;
  /** Runs it in a folder that stands for /opt/ml; throws a JobFailure. */
  run(job: Job, base: string): Promise<void>;
}

export class Job {
  status: JobStatus = 'InProgress';
  /** What it learns while it runs, added to what describe answers. */
  readonly found: JsonObject = {};
  readonly transitions: JsonObject[] = [];
  process?: ImageProcess;
  stopReason?: 'StopRequested' | 'MaxRuntimeExceeded';
  finished: Promise<void> = Promise.resolve();

  constructor(readonly name: string, readonly arn: string, readonly input: JsonObject, private readonly cloud: Cloud) {}

  now(): number {
    return seconds(this.cloud.clock.now().getTime());
  }

  step(status: string, message: string): void {
    const last = this.transitions[this.transitions.length - 1];
    if (last !== undefined) last.EndTime = this.now();
    this.transitions.push({ Status: status, StartTime: this.now(), StatusMessage: message });
    this.found.SecondaryStatus = status;
  }

  /** Runs a process for at most so many (real) seconds; a job that was stopped meanwhile ends it. */
  async await(process: ImageProcess, maxSeconds: number): Promise<number> {
    this.process = process;
    // somebody may have stopped it before it had a process
    if (this.stopReason !== undefined) void process.end();
    const overdue = setTimeout(() => {
      this.stopReason ??= 'MaxRuntimeExceeded';
      void process.end();
    }, Math.min(maxSeconds * 1000, 2 ** 31 - 1));
    try {
      return await process.exited;
    } finally {
      clearTimeout(overdue);
    }
  }
}

/** Training or processing jobs. A job takes real seconds, while the local clock stands still. */
export class Jobs {
  private readonly jobs = new Map<string, Job>();

  constructor(private readonly cloud: Cloud, private readonly kind: JobKind) {}

  async create(input: JsonObject): Promise<JsonObject> {
    const { member, kind } = this.kind;
    const name = checkName(string(input, `${member}Name`), `${kind}JobName`);
    const arn = arnOf(this.cloud, `${kind}-job`, name.toLowerCase());
    if (this.jobs.has(name)) throw new AwsError('ResourceInUse', `Job name must be unique within an AWS account and region, and a ${kind} job with this name already exists (${arn})`);
    this.kind.check(input);
    const job = new Job(name, arn, input, this.cloud);
    this.jobs.set(name, job);
    Object.assign(job.found, { CreationTime: job.now() });
    job.step('Starting', 'Preparing the instances');
    await this.tell(job);
    job.finished = this.cloud.clock.busy(this.run(job), `${kind} job ${name}`);
    return { [`${member}Arn`]: arn };
  }

  /** Resolves, at the latest when the job has ended, with what describe then answers. */
  async finished(name: string): Promise<JsonObject> {
    await this.job(name).finished;
    return this.describe({ [`${this.kind.member}Name`]: name });
  }

  describe(input: JsonObject): JsonObject {
    const { member } = this.kind;
    const job = this.job(string(input, `${member}Name`));
    const { Tags, ...given } = job.input;
    return { ...given, ...job.found, [`${member}Arn`]: job.arn, [`${member}Status`]: job.status, SecondaryStatusTransitions: [...job.transitions] };
  }

  list(input: JsonObject): JsonObject {
    const { member } = this.kind;
    const wanted = [...this.jobs.values()].filter((job) => job.name.includes(optionalString(input, 'NameContains') ?? '')
      && (input.StatusEquals === undefined || job.status === input.StatusEquals)).reverse();
    const { items, next } = page(wanted, input);
    return {
      [`${member}Summaries`]: items.map((job) => ({
        [`${member}Name`]: job.name, [`${member}Arn`]: job.arn, [`${member}Status`]: job.status, CreationTime: job.found.CreationTime,
      })),
      ...next,
    };
  }

  async stop(input: JsonObject): Promise<JsonObject> {
    const job = this.job(string(input, `${this.kind.member}Name`));
    if (job.status !== 'InProgress') throw invalid(`The request was rejected because the job is in status ${job.status}.`);
    job.status = 'Stopping';
    job.stopReason = 'StopRequested';
    void job.process?.end();
    return {};
  }

  private job(name: string): Job {
    const job = this.jobs.get(name);
    if (job === undefined) throw invalid('Requested resource not found.');
    return job;
  }

  private async run(job: Job): Promise<void> {
    const started = performance.now();
    const base = join(this.cloud.folders.temp, `${this.kind.kind}-${job.name}`);
    try {
      await this.kind.run(job, base);
      job.status = 'Completed';
      job.step('Completed', 'Job completed');
    } catch (error) {
      if (job.stopReason !== undefined) {
        job.status = 'Stopped';
        job.step(job.stopReason === 'MaxRuntimeExceeded' ? 'MaxRuntimeExceeded' : 'Stopped', 'Job stopped');
      } else {
        if (!(error instanceof JobFailure)) this.cloud.log(`${this.kind.kind} job ${job.name}: ${(error as Error).stack}`);
        const reason = error instanceof JobFailure ? error.message : `InternalServerError: ${(error as Error).message}`;
        job.status = 'Failed';
        job.found.FailureReason = reason.slice(0, 1024);
        job.step('Failed', 'Job failed');
      }
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
    job.transitions[job.transitions.length - 1].EndTime = job.now();
    // Durations are the machine's own.
    const took = Math.round(performance.now() - started) / 1000;
    if (this.kind.kind === 'training') Object.assign(job.found, { TrainingTimeInSeconds: Math.ceil(took), BillableTimeInSeconds: Math.ceil(took) });
    Object.assign(job.found, { [`${this.kind.kind === 'training' ? 'Training' : 'Processing'}EndTime`]: job.now(), LastModifiedTime: job.now() });
    this.cloud.log(`${this.kind.kind} job ${job.name}: ${job.status} after ${took} real seconds`);
    await this.tell(job);
  }

  private async tell(job: Job): Promise<void> {
    const { member } = this.kind;
    const { SecondaryStatusTransitions, ...detail } = this.describe({ [`${member}Name`]: job.name });
    const times = Object.entries(detail).map(([name, value]) => [name, /Time$/.test(name) && typeof value === 'number' ? value * 1000 : value]);
    await this.cloud.emit('aws.sagemaker', this.kind.eventType, Object.fromEntries(times) as JsonObject, [job.arn]);
  }
}
