import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';

import { plainVariables } from './build-project';
import { CodeBuild } from './codebuild';
import { CodeCommit } from './codecommit';
import { Action } from './definition';
import { ActionState, PipelineExecution } from './execution';
import { BareRepository } from './git';
import { AwsError, Cloud, Json, Unsupported } from '../cloud/types';

const FIRST_LOOK_MS = 1_000;
const LAST_LOOK_MS = 5 * 60_000;
const INVOKE_LIMIT_MS = 7 * 24 * 3_600_000;

interface Outcome {
  readonly status: string;
  readonly error?: string;
  readonly cause?: string;
}

/** Where a source action finds its repository. */
export async function sourceOf(cloud: Cloud, action: Action): Promise<{ repository: BareRepository; name: string; branch: string }> {
  const codeCommit = cloud.find(CodeCommit);
  const { RepositoryName: own, FullRepositoryId: connected, BranchName: branch } = action.configuration;
  return own !== undefined
    ? { repository: codeCommit.repository(own), name: own, branch }
    : { repository: await codeCommit.connected(connected), name: connected, branch };
}

/** Runs the actions of a pipeline. What takes real time is in flight for the clock; waiting for a state machine is not. */
export class ActionRunner {
  constructor(private readonly cloud: Cloud, private readonly folder: string) {}

  async run(execution: PipelineExecution, stage: string, action: Action, state: ActionState): Promise<void> {
    const home = join(this.folder, execution.id, `${stage}-${action.name}`);
    const { clock } = this.cloud;
    const label = `${execution.definition.name}: ${action.name}`;
    switch (action.kind) {
      case 'Source/AWS/CodeCommit':
      case 'Source/AWS/CodeStarSourceConnection': return clock.busy(this.source(execution, action, state, home), label);
      case 'Build/AWS/CodeBuild':
      case 'Test/AWS/CodeBuild': return clock.busy(this.build(execution, action, state, home), label);
      case 'Invoke/AWS/StepFunctions': return this.invoke(execution, action, state);
      default: throw new Unsupported(`the pipeline action ${action.kind}`);
    }
  }

  private async source(execution: PipelineExecution, action: Action, state: ActionState, home: string): Promise<void> {
    const { repository } = await sourceOf(this.cloud, action);
    const revision = execution.revisions.get(action.name);
    if (revision === undefined) throw new AwsError('ConfigurationError', `${action.name} has no revision`);
    const commit = await repository.commit(revision.commit);
    state.externalId = commit.id;
    await rm(home, { recursive: true, force: true });
    await mkdir(join(home, '..'), { recursive: true });
    const format = action.configuration.OutputArtifactFormat ?? 'CODE_ZIP';
    await repository.checkout(commit.id, home, format === 'CODEBUILD_CLONE_REF');
    execution.artifacts.set(action.outputs[0], home);
    if (action.namespace !== undefined) {
      execution.variables.set(action.namespace, {
        CommitId: commit.id,
        CommitMessage: commit.message,
        AuthorDate: commit.authored,
        CommitterDate: commit.committed,
        BranchName: revision.branch,
        ...(action.configuration.RepositoryName === undefined
          ? { FullRepositoryName: revision.repository, ConnectionArn: action.configuration.ConnectionArn }
          : { RepositoryName: revision.repository }),
      });
    }
  }

  private async build(execution: PipelineExecution, action: Action, state: ActionState, home: string): Promise<void> {
    const configuration = execution.configured(action);
    const primary = configuration.PrimarySource ?? action.inputs[0];
    const source = join(home, 'src');
    await rm(home, { recursive: true, force: true });
    await cp(execution.artifact(primary), source, { recursive: true, verbatimSymlinks: true });
    const variables = JSON.parse(configuration.EnvironmentVariables ?? '[]') as Record<string, Json>[];
    const revision = [...execution.revisions.values()][0];
    const build = await this.cloud.find(CodeBuild).run(configuration.ProjectName, {
      source,
      others: new Map(action.inputs.filter((name) => name !== primary).map((name) => [name, execution.artifact(name)])),
      outputs: new Map(action.outputs.map((name) => [name, join(home, 'artifacts', name)])),
      environment: plainVariables(variables, 'name', 'value', 'type'),
      sourceVersion: revision.commit,
      initiator: `codepipeline/${execution.definition.name}`,
    }, ({ id }) => { state.externalId = id; });
    if (build.status !== 'SUCCEEDED') throw new AwsError('JobFailed', `Build ${build.id} ${build.status}: ${build.reason}`);
    for (const name of action.outputs) execution.artifacts.set(name, join(home, 'artifacts', name));
    if (action.namespace !== undefined) execution.variables.set(action.namespace, build.exported);
  }

  private async invoke(execution: PipelineExecution, action: Action, state: ActionState): Promise<void> {
    const configuration = execution.configured(action);
    const { clock } = this.cloud;
    // the action's role starts the state machine; without one of its own it is the pipeline's
    const sfn = this.cloud.client(SFNClient, action.roleArn ?? execution.definition.roleArn);
    const started = await clock.busy(this.startExecution(sfn, execution, action, configuration), `${execution.definition.name}: ${action.name}`);
    state.externalId = started;
    const { status, cause, error } = await this.outcome(sfn, started, execution);
    const why = error === undefined ? '' : ` with ${error}: ${cause ?? ''}`;
    if (status !== 'SUCCEEDED') throw new AwsError('JobFailed', `Execution ${started} ${status}${why}`);
    const variables = { ExecutionArn: started, StateMachineArn: configuration.StateMachineArn };
    if (action.namespace !== undefined) execution.variables.set(action.namespace, variables);
  }

  private async startExecution(sfn: SFNClient, execution: PipelineExecution, action: Action, configuration: Record<string, string>): Promise<string> {
    const { StateMachineArn: stateMachineArn, InputType: type = 'Literal', Input: written, ExecutionNamePrefix: prefix } = configuration;
    if (type !== 'Literal' && type !== 'FilePath') throw new Unsupported(`InputType ${type} of the action ${action.name}`);
    const input = type === 'FilePath' ? await readFile(join(execution.artifact(action.inputs[0]), written), 'utf8') : written;
    const unique = execution.attempt === 1 ? execution.id : `${execution.id}-${execution.attempt}`;
    const name = prefix === undefined ? unique : `${prefix}-${unique}`;
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, input: input ?? '{}', name }));
    if (executionArn === undefined) throw new Error(`no execution of ${stateMachineArn} was started`);
    return executionArn;
  }

  /** Looks at the execution, at longer and longer intervals of the clock, until it has ended. */
  private async outcome(sfn: SFNClient, executionArn: string, execution: PipelineExecution): Promise<Outcome> {
    const { clock } = this.cloud;
    const limit = clock.now().getTime() + INVOKE_LIMIT_MS;
    return new Promise((resolve, reject) => {
      let pause = FIRST_LOOK_MS;
      const look = async (): Promise<void> => {
        try {
          const { status, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
          if (status !== 'RUNNING') {resolve({ status: String(status), error, cause });} else if (execution.over) {resolve({ status: 'ABANDONED' });} else if (clock.now().getTime() >= limit) {resolve({ status: 'TIMED_OUT after 7 days' });} else {
            clock.after(pause, look, `${execution.definition.name} looks at ${executionArn}`);
            pause = Math.min(pause * 2, LAST_LOOK_MS);
          }
        } catch (error) {
          reject(error);
        }
      };
      clock.after(0, look, `${execution.definition.name} looks at ${executionArn}`);
    });
  }
}
