import { AslEngine, Definition, Run } from './asl-engine';
import { interfered, Interferences } from './interference';
import { runTask, TaskSurroundings } from './tasks';
import { Cloud, Json, JsonObject } from './types';

export interface StateMachine {
  readonly arn: string;
  readonly name: string;
  readonly roleArn: string;
  readonly definition: Definition;
  /** Resource of each task state. */
  readonly tasks: Map<string, string>;
  /** Seconds after which each task is given up that says so. */
  readonly timeouts: Map<string, number>;
  readonly created: Date;
}

export type Status = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** A line of an execution's history, as GetExecutionHistory has it. */
export type HistoryEvent = JsonObject & { id: number; type: string };

interface End {
  readonly status: Exclude<Status, 'RUNNING'>;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

/** One execution of a state machine, from its start to its end. */
export class Execution {
  readonly arn: string;
  readonly started: Date;
  readonly history: HistoryEvent[] = [];
  /** Resolves with the description when the execution has ended, however it has. */
  readonly ended: Promise<JsonObject>;
  stopped?: Date;
  private end?: End;
  private readonly abortion = new AbortController();
  private readonly run: Run;

  constructor(
    private readonly cloud: Cloud, engine: AslEngine, readonly machine: StateMachine, readonly name: string, readonly input: string,
    private readonly startExecution: TaskSurroundings['startExecution'], private readonly interferences: Interferences,
    private readonly onChange: (execution: Execution) => Promise<void>,
  ) {
    this.arn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
    this.started = cloud.clock.now();
    this.record('ExecutionStarted', { executionStartedEventDetails: { input, roleArn: machine.roleArn } });
    const parsed = JSON.parse(input) as Json;
    const tasks = Object.fromEntries([...machine.tasks].map(([state, resource]) => [state, (value: Json) => this.task(state, resource, value)]));
    this.run = engine.run(machine.definition, parsed, { context: this.context(parsed), tasks, observer: this.observer() });
    this.ended = this.run.result.then(
      (output) => this.finish({ status: 'SUCCEEDED', output: JSON.stringify(output) }),
      (error: Error) => this.finish(endOf(error)),
    ).then(() => this.describe());
    this.changed();
  }

  get status(): Status {
    return this.end?.status ?? 'RUNNING';
  }

  get output(): string | undefined {
    return this.end?.output;
  }

  /** Ends the execution as StopExecution does. */
  stop(error?: string, cause?: string): void {
    if (this.end) return;
    this.finish({ status: 'ABORTED', error, cause });
    this.run.abort();
  }

  describe(): JsonObject {
    const { output, error, cause } = this.end ?? {};
    return {
      executionArn: this.arn,
      stateMachineArn: this.machine.arn,
      name: this.name,
      status: this.status,
      startDate: this.started.getTime() / 1000,
      ...this.stopped ? { stopDate: this.stopped.getTime() / 1000 } : {},
      input: this.input,
      inputDetails: { included: true },
      ...output === undefined ? {} : { output, outputDetails: { included: true } },
      ...error === undefined ? {} : { error },
      ...cause === undefined ? {} : { cause },
    };
  }

  private task(state: string, resource: string, input: Json): Promise<Json> {
    const around = { cloud: this.cloud, roleArn: this.machine.roleArn, startExecution: this.startExecution, signal: this.abortion.signal };
    const met = this.interferences.meet(this.machine.arn, state, this.arn);
    if (met === undefined) return runTask(resource, input, around);
    this.cloud.log(`injected: ${met.kind} in ${state} of ${this.arn}`);
    const timeoutSeconds = this.machine.timeouts.get(state);
    return interfered(met.kind, {
      resource,
      clock: this.cloud.clock,
      start: () => runTask(resource.replace(/\.sync(:2)?$/, ''), input, around),
      stop: () => this.stop('Injected', 'injected: somebody stops the execution'),
      ...timeoutSeconds === undefined ? {} : { timeoutSeconds },
    });
  }

  /** A state that is no task can only be left by the end of the whole execution. */
  private waitIn(state: string): void {
    if (this.machine.tasks.has(state) || this.interferences.meet(this.machine.arn, state, this.arn)?.kind !== 'abort') return;
    this.cloud.clock.after(0, () => this.stop('Injected', 'injected: somebody stops the execution'), 'injected abort');
  }

  private context(Input: Json): JsonObject {
    return {
      Execution: { Id: this.arn, Name: this.name, Input, RoleArn: this.machine.roleArn, StartTime: this.started.toISOString() },
      StateMachine: { Id: this.machine.arn, Name: this.machine.name },
    };
  }

  private observer() {
    return {
      entered: (name: string, type: string, input: Json) => {
        this.record(`${type}StateEntered`, { stateEnteredEventDetails: { name, input: JSON.stringify(input) } });
        this.waitIn(name);
      },
      exited: (name: string, type: string, output: Json) =>
        this.record(`${type}StateExited`, { stateExitedEventDetails: { name, output: JSON.stringify(output) } }),
      failed: (name: string, type: string, error: Error) =>
        this.record(`${type}Failed`, { taskFailedEventDetails: { resource: name, resourceType: type, error: error.name, cause: error.message } }),
    };
  }

  private record(type: string, details: JsonObject): void {
    if (this.end) return;
    const id = this.history.length + 1;
    this.history.push({ id, previousEventId: id - 1, type, timestamp: this.cloud.clock.now().getTime() / 1000, ...details });
  }

  private finish(end: End): void {
    if (this.end) return;
    const { status: _, ...given } = end;
    const details = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const kind = end.status === 'TIMED_OUT' ? 'TimedOut' : `${end.status.charAt(0)}${end.status.slice(1).toLowerCase()}`;
    this.record(`Execution${kind}`, { [`execution${kind}EventDetails`]: details });
    this.end = end;
    this.stopped = this.cloud.clock.now();
    this.abortion.abort();
    this.changed();
  }

  private changed(): void {
    this.cloud.clock.busy(this.onChange(this), `event of ${this.arn}`)
      .catch((error: Error) => this.cloud.log(`the status of ${this.arn} was not announced: ${error.message}`));
  }
}

/** How an execution ended, of what the engine threw. */
function endOf(error: Error): End {
  if (error.name === 'ExecutionTimeoutError') return { status: 'TIMED_OUT' };
  if (error.name === 'ExecutionAbortedError') return { status: 'ABORTED' };
  const cause = error.cause instanceof Error ? error.cause : error;
  return { status: 'FAILED', error: cause.name, cause: cause.message };
}
