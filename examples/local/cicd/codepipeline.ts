import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { ActionRunner, sourceOf } from './actions';
import { CodeCommit } from './codecommit';
import { PipelineDefinition } from './definition';
import { describeExecution, describePipeline, describeState, summarize } from './describe';
import { PipelineExecution } from './execution';
import { Pipeline } from './pipeline';
import { flag, objects, onlyKnown, optionalText, text } from '../cloud/members';
import { AwsError, Call, Cloud, Deployed, Json, JsonObject, Provisioner, Resource, Service, StandIn, Target, Unsupported } from '../cloud/types';

/** AWS CodePipeline: the stages of the template, one execution after the other (QUEUED). */
export class CodePipeline implements StandIn, Service, Provisioner {
  readonly describes = [{ service: 'CodePipeline', by: 'the stages of the template, in QUEUED mode; artifacts are folders' }];
  readonly services = [this];
  readonly provisioners = [this];
  readonly targets: Target[] = [{ services: ['codepipeline'], deliver: async (arn, input) => this.deliver(arn, input) }];
  readonly scopes = ['codepipeline'];
  readonly types = ['AWS::CodePipeline::Pipeline'];
  private readonly pipelines = new Map<string, Pipeline>();
  private cloud: Cloud | undefined;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
    cloud.find(CodeCommit).onPush(async (repository, branch) => this.pushed(repository, branch));
  }

  async create(resource: Resource, cloud: Cloud): Promise<Deployed> {
    const definition = new PipelineDefinition(resource);
    const { name } = definition;
    const runner = new ActionRunner(cloud, join(cloud.folders.root, 'pipelines', name));
    const arn = this.arn(name);
    const announce = async (kind: string, execution: PipelineExecution, detail: JsonObject): Promise<void> => {
      await cloud.emit('aws.codepipeline', `CodePipeline ${kind} Execution State Change`, {
        'pipeline': name, 'execution-id': execution.id, 'version': 1, 'start-time': execution.started.toISOString(), ...detail,
      }, [arn]);
    };
    const broken = (error: unknown): void => cloud.log(`FAULT in the pipeline ${name}: ${String(error)}`);
    this.pipelines.set(name, new Pipeline(definition, runner, announce, () => cloud.clock.now(), broken));
    return { ref: name, attributes: { Version: '1', Arn: arn } };
  }

  /** Executions of a pipeline, oldest first. */
  executions(name: string): readonly PipelineExecution[] {
    return this.pipeline(name).executions;
  }

  async handle({ operation, input, principal }: Call): Promise<JsonObject> {
    switch (operation) {
      case 'StartPipelineExecution': {
        onlyKnown(input, ['name', 'variables', 'clientRequestToken', 'sourceRevisions'], 'codepipeline:StartPipelineExecution');
        const { id } = await this.begin(text(input, 'name'), `StartPipelineExecution ${principal.arn}`, input);
        return { pipelineExecutionId: id };
      }
      case 'StopPipelineExecution': return this.stopExecution(input);
      case 'RetryStageExecution': return this.retryStage(input);
      case 'GetPipeline': return describePipeline(this.pipeline(text(input, 'name')), this.arn(text(input, 'name')));
      case 'GetPipelineState': return describeState(this.pipeline(text(input, 'name')));
      case 'GetPipelineExecution': return { pipelineExecution: describeExecution(this.execution(input)) };
      case 'ListPipelines': return { pipelines: [...this.pipelines.keys()].map((name) => ({ name, version: 1, pipelineType: 'V2', executionMode: 'QUEUED' })) };
      case 'ListPipelineExecutions': return { pipelineExecutionSummaries: [...this.pipeline(text(input, 'pipelineName')).executions].reverse().map(summarize) };
      default: throw new Unsupported(`codepipeline:${operation}`);
    }
  }

  private get at(): Cloud {
    if (this.cloud === undefined) throw new Error('CodePipeline has not been started');
    return this.cloud;
  }

  private arn(name: string): string {
    return `arn:${this.at.partition}:codepipeline:${this.at.region}:${this.at.account}:${name}`;
  }

  private async deliver(targetArn: string, input: Json): Promise<void> {
    const overrides = typeof input === 'object' && input !== null && !Array.isArray(input) && 'sourceRevisions' in input ? input : {};
    await this.begin(targetArn.slice(targetArn.lastIndexOf(':') + 1), 'CloudWatchEvent', overrides);
  }

  /** A connection tells its pipelines of a push by itself; CodeCommit does so through an event rule. */
  private async pushed(repository: string, branch: string): Promise<void> {
    for (const [name, { definition }] of this.pipelines) {
      const watches = definition.stages.flatMap(({ actions }) => actions).some(({ kind, configuration }) =>
        kind === 'Source/AWS/CodeStarSourceConnection' && configuration.FullRepositoryId === repository && configuration.BranchName === branch
        && configuration.DetectChanges !== 'false');
      if (watches) await this.begin(name, `WebhookV2 ${repository}`, {});
    }
  }

  /** Asks for a run. What it will build is fixed now, as the source stage of a real one runs at once even where later stages wait. */
  private async begin(name: string, trigger: string, input: JsonObject): Promise<PipelineExecution> {
    const pipeline = this.pipeline(name);
    const token = optionalText(input, 'clientRequestToken');
    const known = pipeline.executions.find(({ id }) => id === token);
    if (known !== undefined) return known;
    const variables = Object.fromEntries(objects(input, 'variables').map((variable) => [text(variable, 'name'), text(variable, 'value')]));
    const execution = new PipelineExecution(token ?? randomUUID(), pipeline.definition, trigger, this.at.clock.now(), variables);
    const overrides = new Map(objects(input, 'sourceRevisions').map((revision) => {
      if (text(revision, 'revisionType') !== 'COMMIT_ID') throw new Unsupported(`source revisions of type ${text(revision, 'revisionType')}`);
      return [text(revision, 'actionName'), text(revision, 'revisionValue')];
    }));
    for (const action of pipeline.definition.stages.flatMap(({ actions }) => actions).filter(({ kind }) => kind.startsWith('Source/'))) {
      const source = await sourceOf(this.at, action);
      const commit = overrides.get(action.name) ?? await source.repository.head(source.branch);
      if (commit === undefined) throw new AwsError('ConfigurationError', `${source.name} has no branch ${source.branch}`);
      execution.revisions.set(action.name, { commit, branch: source.branch, repository: source.name });
    }
    await pipeline.add(execution);
    return execution;
  }

  private async stopExecution(input: JsonObject): Promise<JsonObject> {
    const execution = this.execution(input);
    if (execution.over) throw new AwsError('PipelineExecutionNotStoppableException', `Pipeline execution is in a terminal state: ${execution.status}`);
    if (execution.status === 'Stopping' && !flag(input, 'abandon', false)) {
      throw new AwsError('DuplicatedStopRequestException', 'Pipeline execution has already been requested to be stopped');
    }
    await this.pipeline(text(input, 'pipelineName')).stop(execution, flag(input, 'abandon', false), optionalText(input, 'reason'));
    return { pipelineExecutionId: execution.id };
  }

  private async retryStage(input: JsonObject): Promise<JsonObject> {
    const execution = this.execution(input);
    const [name, mode] = [text(input, 'stageName'), text(input, 'retryMode')];
    const stage = execution.definition.stages.find((candidate) => candidate.name === name);
    if (stage === undefined) throw new AwsError('StageNotFoundException', `The pipeline has no stage ${name}`);
    const failed = stage.actions.some((action) => execution.actions.get(`${name}/${action.name}`)?.status === 'Failed');
    if (execution.status !== 'Failed' || !failed) throw new AwsError('StageNotRetryableException', `The stage ${name} has no failed action to retry`);
    await this.pipeline(text(input, 'pipelineName')).retry(execution, name, mode === 'ALL_ACTIONS');
    return { pipelineExecutionId: execution.id };
  }

  private pipeline(name: string): Pipeline {
    const found = this.pipelines.get(name);
    if (found === undefined) throw new AwsError('PipelineNotFoundException', `The account does not have a pipeline with name '${name}'`);
    return found;
  }

  private execution(input: JsonObject): PipelineExecution {
    const id = text(input, 'pipelineExecutionId');
    const found = this.pipeline(text(input, 'pipelineName')).executions.find((execution) => execution.id === id);
    if (found === undefined) throw new AwsError('PipelineExecutionNotFoundException', `No pipeline execution ${id}`);
    return found;
  }
}
