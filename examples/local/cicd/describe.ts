import { Stage } from './definition';
import { PipelineExecution } from './execution';
import { Pipeline } from './pipeline';
import { JsonObject } from '../cloud/types';

const epoch = (date: Date): number => date.getTime() / 1000;

/** Revisions as the API lists them: the artifact's for executions, the action's for summaries. */
const revisions = (execution: PipelineExecution): JsonObject[] =>
  [...execution.revisions].map(([action, { commit }]) => ({ name: action, actionName: action, revisionId: commit }));

export const describeExecution = (execution: PipelineExecution): JsonObject => ({
  pipelineName: execution.definition.name,
  pipelineVersion: 1,
  pipelineExecutionId: execution.id,
  status: execution.status,
  executionMode: 'QUEUED',
  artifactRevisions: revisions(execution),
  trigger: { triggerType: execution.trigger.split(' ')[0], triggerDetail: execution.trigger.split(' ').slice(1).join(' ') },
  ...(execution.reason === undefined ? {} : { statusSummary: execution.reason }),
});

export const summarize = (execution: PipelineExecution): JsonObject => ({
  pipelineExecutionId: execution.id,
  status: execution.status,
  startTime: epoch(execution.started),
  lastUpdateTime: epoch(execution.ended ?? execution.started),
  sourceRevisions: revisions(execution),
  executionMode: 'QUEUED',
  ...(execution.reason === undefined ? {} : { statusSummary: execution.reason }),
});

/** How far the latest run that came to a stage got there. */
function describeStage(stage: Stage, executions: readonly PipelineExecution[]): JsonObject {
  const states = (execution: PipelineExecution) => stage.actions.map(({ name }) => execution.actions.get(`${stage.name}/${name}`));
  const latest = executions.filter((execution) => states(execution).some((state) => state !== undefined)).at(-1);
  const found = latest === undefined ? [] : states(latest);
  const status = found.some((state) => state?.status === 'Failed') ? 'Failed'
    : found.some((state) => state?.status === 'Abandoned') ? 'Stopped'
      : found.every((state) => state?.status === 'Succeeded') ? 'Succeeded' : 'InProgress';
  return {
    stageName: stage.name,
    inboundTransitionState: { enabled: true },
    actionStates: stage.actions.map(({ name }, i): JsonObject => {
      const state = found[i];
      return {
        actionName: name,
        ...(state === undefined ? {} : {
          latestExecution: {
            status: state.status,
            lastStatusChange: epoch(state.changed),
            ...(state.externalId === undefined ? {} : { externalExecutionId: state.externalId }),
            ...(state.error === undefined ? {} : { errorDetails: { message: state.error } }),
          },
        }),
      };
    }),
    ...(latest === undefined ? {} : { latestExecution: { pipelineExecutionId: latest.id, status } }),
  };
}

export const describeState = ({ definition, executions }: Pipeline): JsonObject => ({
  pipelineName: definition.name,
  pipelineVersion: 1,
  stageStates: definition.stages.map((stage) => describeStage(stage, executions)),
});

export const describePipeline = ({ definition }: Pipeline, pipelineArn: string): JsonObject => ({
  pipeline: {
    name: definition.name,
    roleArn: definition.roleArn,
    version: 1,
    pipelineType: 'V2',
    executionMode: 'QUEUED',
    stages: definition.stages.map(({ name, actions }) => ({
      name,
      actions: actions.map((action) => {
        const [category, owner, provider] = action.kind.split('/');
        return {
          name: action.name,
          actionTypeId: { category, owner, provider, version: '1' },
          runOrder: action.runOrder,
          configuration: action.configuration,
          inputArtifacts: action.inputs.map((artifact) => ({ name: artifact })),
          outputArtifacts: action.outputs.map((artifact) => ({ name: artifact })),
        };
      }),
    })),
  },
  metadata: { pipelineArn },
});
