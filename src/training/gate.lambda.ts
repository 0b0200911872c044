import { isThere, readJson, splitUri } from './training-io';
import { ModelEvaluation } from '../domain/events';
import { GateRules, judgeGate } from '../domain/gate';
import { EvaluationReport, evaluationOf } from '../domain/regression-metrics';
import { RegistrationRequest, RunPlan, TrainedModel } from '../domain/training-run';
import { perModel, setting } from '../private/model-io';

export interface GateEvent {
  readonly plan: RunPlan & { readonly training: TrainedModel };
  readonly time: string;
}

/** Judges the candidate by what the evaluations wrote, and makes the request to register or to reject it. */
async function handle({ plan, time }: GateEvent): Promise<RegistrationRequest> {
  const request = {
    run: plan.run,
    tag: plan.spec.tag,
    commit: plan.commit,
    ...(plan.author === undefined ? {} : { author: plan.author }),
    dataset: plan.dataset,
    imageUri: plan.imageUri,
    spec: plan.spec,
    modelDataUrl: plan.training.modelDataUrl,
    trainingJobName: plan.training.jobName,
    trainingJobArn: plan.training.jobArn,
    manifestUri: plan.manifestUri,
    evaluationUri: `${plan.outputUri}evaluation.json`,
    // an evaluation may do without: a version whose package names a sample must answer it
    ...(await isThere(`${plan.outputUri}sample.jsonl`) ? { sampleUri: `${plan.outputUri}sample.jsonl` } : {}),
    time,
  };
  const candidate = await readEvaluation(plan.outputUri);
  if (typeof candidate === 'string') return { ...request, decision: 'reject', stage: 'evaluation', reason: candidate };
  const champion = plan.champion === undefined ? undefined : await readEvaluation(plan.champion.outputUri);
  if (typeof champion === 'string') {
    return { ...request, evaluation: candidate, decision: 'reject', stage: 'evaluation', reason: `the champion's evaluation: ${champion}` };
  }
  const rules = JSON.parse(setting('RULES') ?? '{"limits":[]}') as GateRules;
  const { passed, reason } = judgeGate(rules, candidate, champion);
  const said = plan.championSkipped === undefined ? reason : `${reason}; ${plan.championSkipped}`;
  const judged = {
    ...request,
    evaluation: candidate,
    ...(champion === undefined ? {} : { championVersion: plan.champion?.version, championEvaluation: champion }),
    reason: said.slice(0, 1000),
  };
  return passed ? { ...judged, decision: 'register' } : { ...judged, decision: 'reject', stage: 'gate' };
}

/** The numbers of an evaluation, or what is wrong with it: a job that wrote none will not do so when asked again. */
async function readEvaluation(outputUri: string): Promise<ModelEvaluation | string> {
  const { bucket, key } = splitUri(`${outputUri}evaluation.json`);
  try {
    const report = await readJson(bucket, key);
    if (report === undefined) return 'the evaluation job wrote no evaluation.json';
    return evaluationOf(report as EvaluationReport);
  } catch (error) {
    if (error instanceof SyntaxError) return 'evaluation.json is not JSON';
    if (error instanceof Error && error.message.startsWith('evaluation.json')) return error.message;
    throw error;
  }
}

export const handler = perModel(handle);
