import { ActionRunner } from './actions';
import { Action, PipelineDefinition, Stage } from './definition';
import { ActionState, ExecutionStatus, PipelineExecution } from './execution';
import { JsonObject, Unsupported } from '../cloud/types';

/** Says what happens to a pipeline; `detail` has what is not common to all its events. */
export type Announce = (kind: 'Pipeline' | 'Stage' | 'Action', execution: PipelineExecution, detail: JsonObject) => Promise<void>;

/** One pipeline and its executions, one at a time in the order in which they were asked for. */
export class Pipeline {
  readonly executions: PipelineExecution[] = [];
  private readonly queue: PipelineExecution[] = [];
  private current: PipelineExecution | undefined;

  constructor(
    readonly definition: PipelineDefinition, private readonly runner: ActionRunner, private readonly announce: Announce,
    private readonly now: () => Date, private readonly broken: (error: unknown) => void,
  ) {}

  /** Puts a run at the end of the queue. */
  async add(execution: PipelineExecution): Promise<void> {
    if (!this.executions.includes(execution)) this.executions.push(execution);
    this.queue.push(execution);
    await this.announce('Pipeline', execution, { state: execution.attempt === 1 ? 'STARTED' : 'RESUMED' });
    this.next();
  }

  /** Tries a failed stage again. */
  async retry(execution: PipelineExecution, stageName: string, all: boolean): Promise<void> {
    execution.firstStage = this.definition.stages.findIndex(({ name }) => name === stageName);
    for (const [key, state] of execution.actions) {
      if (key.startsWith(`${stageName}/`) && (all || state.status !== 'Succeeded')) execution.actions.delete(key);
    }
    Object.assign(execution, { status: 'InProgress', reason: undefined, ended: undefined, running: false, attempt: execution.attempt + 1 });
    await this.add(execution);
  }

  /** Ends a run after the actions that are under way, or (`abandon`) without waiting for them. */
  async stop(execution: PipelineExecution, abandon: boolean, reason: string | undefined): Promise<void> {
    execution.reason = reason;
    if (!execution.running || abandon) {
      for (const state of execution.actions.values()) if (state.status === 'InProgress') state.status = 'Abandoned';
      await this.end(execution, 'Stopped');
      return;
    }
    execution.status = 'Stopping';
    await this.announce('Pipeline', execution, { state: 'STOPPING' });
  }

  /** Starts the next run, where none is under way. Not in flight for the clock as a whole: its parts are. */
  private next(): void {
    if (this.current !== undefined) return;
    this.current = this.queue.shift();
    if (this.current === undefined) return;
    const execution = this.current;
    execution.running = true;
    this.run(execution).catch(this.broken);
  }

  private async run(execution: PipelineExecution): Promise<void> {
    try {
      for (const stage of this.definition.stages.slice(execution.firstStage)) {
        await this.runStage(execution, stage);
        // read anew: a stop may have come in between
        const status: ExecutionStatus = execution.status;
        if (status === 'Stopping') await this.end(execution, 'Stopped');
        if (execution.over) return;
      }
      await this.end(execution, 'Succeeded');
    } catch (error) {
      execution.reason ??= error instanceof Error ? error.message : String(error);
      await this.end(execution, 'Failed');
    }
  }

  private async runStage(execution: PipelineExecution, stage: Stage): Promise<void> {
    await this.announce('Stage', execution, { stage: stage.name, state: 'STARTED' });
    const orders = [...new Set(stage.actions.map(({ runOrder }) => runOrder))].sort((a, b) => a - b);
    for (const order of orders) {
      const actions = stage.actions.filter(({ runOrder }) => runOrder === order);
      const ends = await Promise.allSettled(actions.map(async (action) => this.runAction(execution, stage, action)));
      const failed = ends.find((end) => end.status === 'rejected');
      if (execution.over) return;
      if (failed !== undefined) {
        await this.announce('Stage', execution, { stage: stage.name, state: 'FAILED' });
        throw failed.reason;
      }
      if (execution.status === 'Stopping') return;
    }
    await this.announce('Stage', execution, { stage: stage.name, state: 'SUCCEEDED' });
  }

  private async runAction(execution: PipelineExecution, stage: Stage, action: Action): Promise<void> {
    const key = `${stage.name}/${action.name}`;
    if (execution.actions.get(key)?.status === 'Succeeded') return;
    const state: ActionState = { status: 'InProgress', changed: this.now() };
    execution.actions.set(key, state);
    const say = async (how: string): Promise<void> => this.announce('Action', execution, {
      stage: stage.name, action: action.name, state: how, ...(state.externalId === undefined ? {} : { 'execution-result': { 'external-execution-id': state.externalId } }),
    });
    await say('STARTED');
    try {
      await this.runner.run(execution, stage.name, action, state);
    } catch (error) {
      if (error instanceof Unsupported) execution.reason = error.message;
      state.error = error instanceof Error ? error.message : String(error);
      if (state.status === 'InProgress') Object.assign(state, { status: 'Failed', changed: this.now() });
      if (!execution.over) await say('FAILED');
      throw error;
    }
    if (state.status !== 'InProgress') return;
    Object.assign(state, { status: 'Succeeded', changed: this.now() });
    await say('SUCCEEDED');
  }

  private async end(execution: PipelineExecution, status: 'Stopped' | 'Succeeded' | 'Failed'): Promise<void> {
    if (execution.over) return;
    execution.status = status;
    execution.ended = this.now();
    const waiting = this.queue.indexOf(execution);
    if (waiting >= 0) this.queue.splice(waiting, 1);
    await this.announce('Pipeline', execution, { state: status.toUpperCase() });
    if (this.current === execution) this.current = undefined;
    this.next();
  }
}
