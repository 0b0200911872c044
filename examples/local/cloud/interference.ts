import { TaskError } from './sdk-services';
import { serviceError } from './task-jobs';
import { Clock, Json } from './types';

/**
 * What is done to one state of a state machine on purpose, so that what comes of it can be seen. Nothing here happens by
 * itself, and everything that it causes says "injected".
 */
export interface Interference {
  readonly machineArn: string;
  readonly state: string;
  /**
   * `error`: the service behind the task answers with an error, and nothing was done. `timeout`: nothing was done, and
   * nobody answers. `abort`: the execution is stopped while it is in the state; what it has asked for is done all the
   * same. `killed`: it is done, and the answer is lost. Only `abort` can happen to a state that is no task.
   */
  readonly kind: 'error' | 'timeout' | 'abort' | 'killed';
  /** So many attempts are hit, all of them in the first execution that comes to the state. @default - every attempt */
  readonly attempts?: number;
}

/** What became of an interference. */
export interface Interfered {
  /** How often it was met. */
  readonly hits: number;
  /** The execution that it was met in. */
  readonly execution?: string;
}

interface Active extends Interfered {
  readonly asked: Interference;
  hits: number;
  execution?: string;
}

/** Seconds until a task is given up that nobody answers, where the state does not say when. */
const PATIENCE_SECONDS = 120;

/** The interferences of a run. */
export class Interferences {
  private active: Active[] = [];

  add(asked: Interference): Interfered & { end(): void } {
    const added: Active & { end(): void } = { asked, hits: 0, end: () => { this.active = this.active.filter((each) => each !== added); } };
    this.active.push(added);
    return added;
  }

  /** The one that an execution meets in a state now. */
  meet(machineArn: string, state: string, execution: string): Interference | undefined {
    const met = this.active.find(({ asked, hits, execution: first }) => asked.machineArn === machineArn && asked.state === state
      && (first ?? execution) === execution && hits < (asked.attempts ?? Infinity));
    if (met === undefined) return undefined;
    met.hits += 1;
    met.execution = execution;
    return met.asked;
  }
}

/** A task and its surroundings, as an interference sees them. */
export interface Interfering {
  readonly resource: string;
  readonly clock: Clock;
  readonly timeoutSeconds?: number;
  /** Does the task for real; without waiting for the job that it starts. */
  start(): Promise<Json>;
  /** Stops the execution. */
  stop(): void;
}

/** What a task comes to that is interfered with. */
export async function interfered(kind: Interference['kind'], { resource, clock, timeoutSeconds = PATIENCE_SECONDS, start, stop }: Interfering): Promise<Json> {
  const isFunction = resource.startsWith('arn:aws:lambda:') || resource.startsWith('arn:aws:states:::lambda:');
  switch (kind) {
    case 'error': throw new TaskError(serviceError(resource), 'injected: the service is out of order');
    case 'timeout':
      await new Promise<void>((resolve) => clock.after(timeoutSeconds * 1000, resolve, 'injected timeout'));
      throw isFunction
        ? new TaskError('Sandbox.Timedout', `{"errorMessage":"injected: Task timed out after ${timeoutSeconds}.00 seconds"}`)
        : new TaskError('States.Timeout', 'injected: nobody answers');
    case 'abort': {
      // what the task has asked for is done all the same, at the very time that the execution is stopped
      const done = await start();
      stop();
      return done;
    }
    case 'killed':
      await start();
      throw isFunction
        ? new TaskError('Lambda.Unknown', 'injected: The cause could not be determined because Lambda did not return an error type.')
        : new TaskError(serviceError(resource), 'injected: the answer was lost');
  }
}
