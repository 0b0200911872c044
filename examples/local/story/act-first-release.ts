import * as path from 'path';
import { ListEndpointsCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { StageRecord } from './ledger';
import { writeModel, Spec } from './repository';
import { World, hours } from './world';

const template = path.join(__dirname, '..', '..', 'regression-platform', 'model');

/**
 * The scientist changes the model on a branch and pushes it; its pull request is merged into main, which is git's own
 * merge, pushed as CodeCommit. Answers the commit.
 */
export async function merge(world: World, branch: string, message: string, spec: Spec): Promise<string> {
  const commit = await world.repository.merge(branch, message, (folder) => writeModel(template, folder, { ...spec, target: world.scenario.target }));
  await world.repository.pushMain(world.cloud.environment());
  return commit;
}

/** The data engineer uploads raw data; the data pipeline publishes the first version of the dataset. */
export async function dataAct(world: World): Promise<void> {
  const { outputs, checks, scenario } = world;
  await world.upload(scenario.batches.first);
  await world.quiet(outputs.DataWorkflow, 1, hours(6, world.now));
  const [run] = await world.executions(outputs.DataWorkflow);
  const { status, output, cause } = run === undefined ? { status: 'not started', output: {}, cause: '' } : await world.output(run.arn);
  checks.must('the data pipeline publishes the first dataset version', status === 'SUCCEEDED' && output.outcome === 'published',
    status === 'SUCCEEDED' ? `version ${String(output.version)}` : `${status}: ${cause ?? ''}`);
  // a dataset without a model: the automatic revision finds nothing to revise
  await world.quiet(outputs.TrainingWorkflow, 1, hours(6, world.now));
}

function parityOf(verdict: StageRecord | undefined): unknown {
  const parity = verdict?.detail?.parity;
  return typeof parity === 'object' && parity !== null && 'status' in parity ? parity.status : undefined;
}

/** Staging endpoints that are there, by the cloud's own account. */
async function stagingEndpoints(world: World): Promise<string[]> {
  const { Endpoints } = await world.cloud.client(SageMakerClient).send(new ListEndpointsCommand({ NameContains: '-staging' }));
  return (Endpoints ?? []).map(({ EndpointName }) => EndpointName ?? '');
}

/** A merge starts the pipeline; the model is trained, evaluated, registered, and becomes production. */
export async function firstReleaseAct(world: World): Promise<void> {
  const { checks, scenario, replay } = world;
  const commit = await merge(world, 'first-model', 'feat: a first model', { features: scenario.features.few });
  const record = await world.released('V1.0.0', hours(24, world.now));
  checks.must('a merge is trained, evaluated, registered as V1.0.0 and released', record?.stage === 'Production' && record.commit === commit && record.cause === 'manual',
    record === undefined ? 'no version was registered' : `${record.version} of commit ${commit.slice(0, 8)} is in ${record.stage}, RMSE on the holdout ${record.evaluation.rmse.toFixed(2)}`);
  // the first version has no rival: what it is promoted on is what its own staging endpoint answered
  const verdict = record?.history?.find(({ stage }) => stage === 'Canary');
  const left = await stagingEndpoints(world);
  checks.must('a staging endpoint answers the holdout as the evaluation did, and is gone', parityOf(verdict) === 'passed' && left.length === 0,
    verdict?.reason ?? 'the version was not promoted');
  replay.startAt(world.now);
  await replay.to(hours(30, world.now));
  checks.must('the production model answers requests over HTTP', replay.traffic.answered > 0 && replay.traffic.failed === 0,
    `${replay.traffic.answered} of ${replay.traffic.sent} answered${replay.failures.length > 0 ? `; ${replay.failures[0]}` : ''}`);
}
