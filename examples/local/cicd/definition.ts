import { flag, object, objects, onlyKnown, optionalNumber, optionalText, text, textMap } from '../cloud/members';
import { physicalName } from '../cloud/names';
import { JsonObject, Resource, Unsupported } from '../cloud/types';

export interface Action {
  readonly name: string;
  /** Category, owner and provider, e.g. `Build/AWS/CodeBuild`. */
  readonly kind: string;
  readonly configuration: Record<string, string>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly namespace: string | undefined;
  readonly roleArn: string | undefined;
  readonly runOrder: number;
}

export interface Stage {
  readonly name: string;
  readonly actions: readonly Action[];
}

const CONFIGURATIONS: Record<string, readonly string[]> = {
  'Source/AWS/CodeCommit': ['RepositoryName', 'BranchName', 'PollForSourceChanges', 'OutputArtifactFormat'],
  'Source/AWS/CodeStarSourceConnection': ['ConnectionArn', 'FullRepositoryId', 'BranchName', 'OutputArtifactFormat', 'DetectChanges'],
  'Build/AWS/CodeBuild': ['ProjectName', 'PrimarySource', 'EnvironmentVariables'],
  'Test/AWS/CodeBuild': ['ProjectName', 'PrimarySource', 'EnvironmentVariables'],
  'Invoke/AWS/StepFunctions': ['StateMachineArn', 'ExecutionNamePrefix', 'InputType', 'Input'],
};

/** A pipeline of the template. */
export class PipelineDefinition {
  readonly name: string;
  readonly roleArn: string;
  readonly stages: readonly Stage[];
  readonly variables: Record<string, string | undefined>;

  constructor(resource: Resource) {
    const { properties, type } = resource;
    onlyKnown(properties, [
      'ArtifactStore', 'ArtifactStores', 'ExecutionMode', 'Name', 'PipelineType', 'RestartExecutionOnUpdate', 'RoleArn', 'Stages', 'Tags', 'Triggers', 'Variables',
      'DisableInboundStageTransitions',
    ], type);
    const mode = optionalText(properties, 'ExecutionMode') ?? 'SUPERSEDED';
    if (mode !== 'QUEUED') throw new Unsupported(`${type}.ExecutionMode ${mode} (only QUEUED)`);
    if (objects(properties, 'DisableInboundStageTransitions').length > 0) throw new Unsupported(`${type}.DisableInboundStageTransitions`);
    for (const trigger of objects(properties, 'Triggers')) checkTrigger(trigger, type);
    this.name = optionalText(properties, 'Name') ?? physicalName(resource, 100);
    this.roleArn = text(properties, 'RoleArn');
    this.variables = Object.fromEntries(objects(properties, 'Variables').map((variable) => [text(variable, 'Name'), optionalText(variable, 'DefaultValue')]));
    this.stages = objects(properties, 'Stages').map((stage) => readStage(stage, type));
  }
}

/** A push to the branch of the source action is what starts a pipeline; a trigger may say the same once more. */
function checkTrigger(trigger: JsonObject, type: string): void {
  for (const push of objects(object(trigger, 'GitConfiguration'), 'Push')) {
    if (push.Tags !== undefined || push.FilePaths !== undefined) throw new Unsupported(`${type}.Triggers.GitConfiguration.Push with tags or file paths`);
  }
  if (objects(object(trigger, 'GitConfiguration'), 'PullRequest').length > 0) throw new Unsupported(`${type}.Triggers.GitConfiguration.PullRequest`);
}

function readStage(stage: JsonObject, type: string): Stage {
  const name = text(stage, 'Name');
  onlyKnown(stage, ['Name', 'Actions'], `${type}.Stages.${name}`);
  return { name, actions: objects(stage, 'Actions').map((action) => readAction(action, `${type}.Stages.${name}`)) };
}

function readAction(action: JsonObject, where: string): Action {
  const name = text(action, 'Name');
  onlyKnown(action, [
    'ActionTypeId', 'Configuration', 'InputArtifacts', 'Name', 'Namespace', 'OutputArtifacts', 'Region', 'RoleArn', 'RunOrder', 'TimeoutInMinutes',
  ], `${where}.${name}`);
  const id = object(action, 'ActionTypeId');
  const kind = `${text(id, 'Category')}/${text(id, 'Owner')}/${text(id, 'Provider')}`;
  if (!(kind in CONFIGURATIONS)) throw new Unsupported(`the pipeline action ${kind} (${where}.${name})`);
  onlyKnown(object(action, 'Configuration'), CONFIGURATIONS[kind], `${where}.${name}.Configuration`);
  if (flag(object(action, 'Configuration'), 'PollForSourceChanges', false)) throw new Unsupported(`PollForSourceChanges (${where}.${name})`);
  const artifacts = (member: string): string[] => objects(action, member).map((artifact) => text(artifact, 'Name'));
  return {
    name,
    kind,
    configuration: textMap(action, 'Configuration'),
    inputs: artifacts('InputArtifacts'),
    outputs: artifacts('OutputArtifacts'),
    namespace: optionalText(action, 'Namespace'),
    roleArn: optionalText(action, 'RoleArn'),
    runOrder: optionalNumber(action, 'RunOrder') ?? 1,
  };
}
