import { Action, PipelineDefinition } from './definition';
import { AwsError } from '../cloud/types';

export type ExecutionStatus = 'InProgress' | 'Stopping' | 'Stopped' | 'Succeeded' | 'Failed';
export type ActionStatus = 'InProgress' | 'Succeeded' | 'Failed' | 'Abandoned';

export interface ActionState {
  status: ActionStatus;
  changed: Date;
  externalId?: string;
  error?: string;
}

export interface Revision {
  readonly commit: string;
  readonly branch: string;
  readonly repository: string;
}

/** One run of a pipeline. */
export class PipelineExecution {
  status: ExecutionStatus = 'InProgress';
  reason?: string;
  ended?: Date;
  /** The stage to begin with; later than the first where a stage is tried again. */
  firstStage = 0;
  attempt = 1;
  /** Whether the run has left the queue. */
  running = false;
  /** Revisions of the source actions, fixed when the run was asked for. */
  readonly revisions = new Map<string, Revision>();
  /** Folders of artifacts, by name. */
  readonly artifacts = new Map<string, string>();
  /** Output variables of actions, by namespace. */
  readonly variables = new Map<string, Record<string, string>>();
  /** States of actions, by `<stage>/<action>`. */
  readonly actions = new Map<string, ActionState>();

  constructor(
    readonly id: string, readonly definition: PipelineDefinition, readonly trigger: string, readonly started: Date,
    variables: Record<string, string>,
  ) {
    const unknown = Object.keys(variables).find((name) => !(name in definition.variables));
    if (unknown !== undefined) throw new AwsError('ValidationException', `the pipeline ${definition.name} has no variable ${unknown}`);
    const all = Object.entries(definition.variables).map(([name, value]): [string, string] => {
      const given = variables[name] ?? value;
      if (given === undefined) throw new AwsError('ValidationException', `the pipeline variable ${name} has no value`);
      return [name, given];
    });
    this.variables.set('variables', Object.fromEntries(all));
    this.variables.set('codepipeline', { PipelineExecutionId: id });
  }

  get over(): boolean {
    return this.status === 'Stopped' || this.status === 'Succeeded' || this.status === 'Failed';
  }

  /** The configuration of an action with its `#{namespace.variable}` filled in. */
  configured(action: Action): Record<string, string> {
    const fill = (value: string): string => value.replace(/#\{([^.}]+)\.([^}]+)\}/g, (written, namespace: string, name: string) => {
      const found = this.variables.get(namespace)?.[name];
      if (found === undefined) throw new AwsError('InvalidVariable', `${action.name}: ${written} has no value`);
      return found;
    });
    return Object.fromEntries(Object.entries(action.configuration).map(([name, value]) => [name, fill(value)]));
  }

  artifact(name: string): string {
    const folder = this.artifacts.get(name);
    if (folder === undefined) throw new AwsError('InvalidArtifact', `there is no artifact ${name}`);
    return folder;
  }
}
