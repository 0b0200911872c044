import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { Catalog } from './catalog';
import { Job } from './job';
import { JobRunner } from './job-runner';
import { object, onlyKnown, optionalText, text, texts } from '../cloud/members';
import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, Resource, Service, StandIn, Unsupported } from '../cloud/types';

interface Run {
  readonly id: string;
  readonly job: Job;
  readonly given: JsonObject;
  readonly started: Date;
  state: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'STOPPED' | 'TIMEOUT';
  attempt: number;
  error?: string;
  completed?: Date;
  /** Real seconds. */
  seconds: number;
}

const epoch = (date: Date): number => date.getTime() / 1000;

/** AWS Glue: the Data Catalog, and Spark jobs run by PySpark in local mode. */
export class Glue implements StandIn, Service, Provisioner {
  readonly describes = [{ service: 'Glue jobs', by: 'PySpark in local mode' }, { service: 'Glue Data Catalog', by: 'the tables of the template and those that handlers make, in memory' }];
  readonly services = [this];
  readonly provisioners = [this];
  readonly scopes = ['glue'];
  readonly types = ['AWS::Glue::Database', 'AWS::Glue::Table', 'AWS::Glue::Job', 'AWS::Glue::Connection', 'AWS::Glue::SecurityConfiguration'];
  readonly catalog = new Catalog();
  private readonly jobs = new Map<string, Job>();
  private readonly runs = new Map<string, Run>();
  private cloud: Cloud | undefined;
  private runner: JobRunner | undefined;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
    this.runner = new JobRunner(cloud);
  }

  async stop(): Promise<void> {
    await this.runner?.stop();
  }

  async create(resource: Resource): Promise<Deployed> {
    const { type, properties, logicalId } = resource;
    switch (type) {
      case 'AWS::Glue::Database': {
        const name = optionalText(object(properties, 'DatabaseInput'), 'Name') ?? logicalId.toLowerCase();
        this.catalog.addDatabase(name);
        return { ref: name, attributes: {} };
      }
      case 'AWS::Glue::Table': {
        onlyKnown(properties, ['CatalogId', 'DatabaseName', 'TableInput'], type);
        return { ref: this.catalog.addTable(text(properties, 'DatabaseName'), object(properties, 'TableInput')), attributes: {} };
      }
      case 'AWS::Glue::Job': {
        const job = new Job(resource);
        this.jobs.set(job.name, job);
        this.runner?.warm();
        return { ref: job.name, attributes: {} };
      }
      case 'AWS::Glue::Connection': return { ref: optionalText(object(properties, 'ConnectionInput'), 'Name') ?? logicalId, attributes: {} };
      default: return { ref: text(properties, 'Name'), attributes: {} };
    }
  }

  async delete({ type, properties }: Resource, { ref }: Deployed): Promise<void> {
    if (type === 'AWS::Glue::Database') this.catalog.deleteDatabase(ref);
    if (type === 'AWS::Glue::Table') this.catalog.deleteTable(text(properties, 'DatabaseName'), ref);
    if (type === 'AWS::Glue::Job') this.jobs.delete(ref);
  }

  async handle({ operation, input }: Call): Promise<JsonObject> {
    switch (operation) {
      case 'StartJobRun': return this.startJobRun(input);
      case 'GetJobRun': return { JobRun: this.describe(this.run(input)) };
      case 'GetJobRuns': {
        const name = text(input, 'JobName');
        return { JobRuns: [...this.runs.values()].filter(({ job }) => job.name === name).reverse().map((run) => this.describe(run)) };
      }
      case 'BatchStopJobRun': return this.batchStopJobRun(input);
      case 'GetJob': {
        const job = this.job(text(input, 'JobName'));
        return { Job: { Name: job.name, Role: job.roleArn, Command: { ScriptLocation: job.scriptLocation }, DefaultArguments: job.arguments } };
      }
      case 'ListJobs': return { JobNames: [...this.jobs.keys()] };
      default: {
        const answer = this.catalog.handle(operation, input);
        if (answer === undefined) throw new Unsupported(`glue:${operation}`);
        return answer;
      }
    }
  }

  private get at(): { cloud: Cloud; runner: JobRunner } {
    if (this.cloud === undefined || this.runner === undefined) throw new Error('Glue has not been started');
    return { cloud: this.cloud, runner: this.runner };
  }

  private startJobRun(input: JsonObject): JsonObject {
    onlyKnown(input, ['JobName', 'JobRunId', 'Arguments', 'Timeout', 'MaxCapacity', 'WorkerType', 'NumberOfWorkers', 'ExecutionClass'], 'glue:StartJobRun');
    if (input.JobRunId !== undefined) throw new Unsupported('glue:StartJobRun.JobRunId (retry of a run)');
    const job = this.job(text(input, 'JobName'));
    if (job.connections.length > 0) throw new Unsupported(`the connection ${job.connections.join(', ')} of the Glue job ${job.name}`);
    const running = [...this.runs.values()].filter((run) => run.job === job && run.state === 'RUNNING');
    if (running.length >= job.maxConcurrentRuns) throw new AwsError('ConcurrentRunsExceededException', `Concurrent runs exceeded for ${job.name}`);
    const run: Run = {
      id: `jr_${randomUUID().replaceAll('-', '')}`, job, given: input, started: this.at.cloud.clock.now(), state: 'RUNNING', attempt: 0, seconds: 0,
    };
    const merged = job.merged(input);
    this.runs.set(run.id, run);
    void this.at.cloud.clock.busy(this.work(run, merged), `Glue job ${job.name}`);
    return { JobRunId: run.id };
  }

  private async work(run: Run, merged: Record<string, string>): Promise<void> {
    const { cloud, runner } = this.at;
    const began = performance.now();
    for (; run.state === 'RUNNING'; run.attempt++) {
      const error = await runner.run(run.job, run.attempt === 0 ? run.id : `${run.id}_attempt_${run.attempt}`, merged);
      run.seconds = Math.round((performance.now() - began) / 1000);
      if (run.state !== 'RUNNING') break;
      run.error = error;
      if (error === undefined) run.state = 'SUCCEEDED';
      else if (run.attempt >= run.job.maxRetries) run.state = error.startsWith('timeout') ? 'TIMEOUT' : 'FAILED';
    }
    run.completed = cloud.clock.now();
    if (run.error !== undefined) cloud.log(`Glue job ${run.job.name} ${run.state}: ${run.error} (${join(cloud.folders.logs, 'glue', `${run.id}.log`)})`);
    await cloud.emit('aws.glue', 'Glue Job State Change', {
      jobName: run.job.name, jobRunId: run.id, state: run.state, severity: run.state === 'SUCCEEDED' ? 'INFO' : 'ERROR', message: run.error ?? 'Job run succeeded',
    });
  }

  private async batchStopJobRun(input: JsonObject): Promise<JsonObject> {
    const stopped = texts(input, 'JobRunIds').map((id) => this.run({ JobName: text(input, 'JobName'), RunId: id }));
    for (const run of stopped) {
      if (run.state !== 'RUNNING') continue;
      run.state = 'STOPPED';
      await this.at.runner.kill(run.id);
    }
    return { SuccessfulSubmissions: stopped.map((run) => ({ JobName: run.job.name, JobRunId: run.id })), Errors: [] };
  }

  private describe({ id, job, given, state, attempt, error, started, completed, seconds }: Run): JsonObject {
    return {
      Id: id,
      JobName: job.name,
      Attempt: Math.min(attempt, job.maxRetries),
      JobRunState: state,
      Arguments: object(given, 'Arguments'),
      StartedOn: epoch(started),
      ...(completed === undefined ? {} : { CompletedOn: epoch(completed) }),
      ...(error === undefined ? {} : { ErrorMessage: error }),
      ExecutionTime: seconds,
      Timeout: job.timeoutMinutes,
    };
  }

  private job(name: string): Job {
    const job = this.jobs.get(name);
    if (job === undefined) throw new AwsError('EntityNotFoundException', `Job with name: ${name} not found.`);
    return job;
  }

  private run(input: JsonObject): Run {
    const run = this.runs.get(text(input, 'RunId'));
    if (run === undefined || run.job.name !== text(input, 'JobName')) throw new AwsError('EntityNotFoundException', `Job run ${text(input, 'RunId')} not found.`);
    return run;
  }
}
