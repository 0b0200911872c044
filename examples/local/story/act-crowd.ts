import { CodePipelineClient, ListPipelineExecutionsCommand } from '@aws-sdk/client-codepipeline';
import { SageMakerClient, DescribeEndpointCommand } from '@aws-sdk/client-sagemaker';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { merge } from './act-first-release';
import { newerThan, outcome, runsThrough, seen } from './act-revisions';
import { VersionRecord } from './ledger';
import { ENDED, World, hours } from './world';

/**
 * Three merges in a row. While the first is tried, the other two wait; then somebody with all rights aborts its release.
 * Production is as it was, the newest goes on, and the one between is superseded.
 */
export async function crowdAct(world: World): Promise<void> {
  const { checks, outputs, replay, scenario, ledger } = world;
  const champion = await ledger.champion();
  const config = await servedConfig(world);
  const first = await candidate(world, 'a-penalty', { features: scenario.features.all, hyperparameters: { algorithm: 'ridge', alpha: '2' } });
  if (first !== undefined) await replay.until(async () => await servedConfig(world) !== config, hours(48, world.now));
  const [second, third] = await mergedInARow(world, [
    { branch: 'another-penalty', spec: { features: scenario.features.all, hyperparameters: { algorithm: 'ridge', alpha: '3' } } },
    { branch: 'misleading-feature', spec: { features: scenario.features.misleading, hyperparameters: { algorithm: 'ridge', alpha: '1' } } },
  ]);

  const [release] = await world.executions(outputs.ReleaseWorkflow, 'RUNNING');
  const mails = world.mailbox.length;
  if (release !== undefined) await world.cloud.client(SFNClient, world.cloud.administrator).send(new StopExecutionCommand({ executionArn: release.arn, cause: 'an administrator\'s mistake' }));
  const now = async (one: VersionRecord | undefined) => (await ledger.versions()).find(({ version }) => version === one?.version);
  const hasEnded = async (one: VersionRecord | undefined) => ENDED.has((await now(one))?.stage ?? '');
  await replay.until(async () => await hasEnded(first) && await hasEnded(second), hours(12, world.now));
  const [aborted, passedOver] = [await now(first), await now(second)];
  checks.shows('a release that somebody aborts is recovered, and production is as it was',
    aborted?.stage === 'Rejected' && /ABORTED/.test(aborted.reason ?? '') && await ledger.champion() === champion, seen(aborted));
  checks.must('whoever aborts it is told of', release === undefined || world.mailbox.slice(mails).some(({ message }) => /StopExecution/.test(message)),
    release === undefined ? 'no release was under way' : 'StopExecution by somebody outside the platform');
  checks.shows('a version that waits is superseded by a newer one', passedOver?.stage === 'Superseded', `${seen(passedOver)}${third === undefined ? '' : `; ${third.version} goes on`}`);
}

/** A feature that follows the past passes the gate and fails on live requests. */
export async function misleadingAct(world: World): Promise<void> {
  const { checks, ledger } = world;
  const champion = await ledger.champion();
  const newest = (await ledger.versions()).at(-1);
  const record = await outcome(world, ({ version }) => version === newest?.version);
  checks.shows('a model that passes the gate and is worse live is rejected by the shadow verdict',
    record?.stage === 'Rejected' && record.reason?.startsWith('reject') === true && await ledger.champion() === champion, seen(record));
}

type Spec = Parameters<typeof merge>[3];

/** Merges while the pipeline runs for the ones before: they wait in its queue, and all run. Answers what comes of each. */
async function mergedInARow(world: World, branches: readonly { branch: string; spec: Spec }[]): Promise<(VersionRecord | undefined)[]> {
  const { checks, ledger, outputs, replay } = world;
  const known = (await pipelineRuns(world)).length;
  const trainings = (await world.executions(outputs.TrainingWorkflow)).length;
  const commits: string[] = [];
  for (const { branch, spec } of branches) commits.push(await merge(world, branch, `feat: ${branch.replaceAll('-', ' ')}`, spec));
  const mine = async () => (await pipelineRuns(world)).slice(0, -known || undefined);
  const together = (await mine()).filter((status) => status === 'InProgress').length;
  await replay.to(hours(1, world.now));
  await replay.until(async () => (await mine()).every((status) => status !== 'InProgress'), hours(24, world.now));
  const trained = (await world.executions(outputs.TrainingWorkflow)).slice(0, -trainings || undefined);
  checks.must('a merge during a run waits in the pipeline\'s queue, and runs', together === branches.length && trained.length === branches.length,
    `${together} of ${branches.length} merges were under way at once, ${trained.length} were trained, one after the other: ${(await mine()).join(', ')}`);
  const versions = await ledger.versions();
  return commits.map((commit) => versions.find((one) => one.commit === commit));
}

/** How the runs of the pipeline stand, newest first. */
async function pipelineRuns(world: World): Promise<string[]> {
  const { pipelineExecutionSummaries: runs } = await world.cloud.client(CodePipelineClient)
    .send(new ListPipelineExecutionsCommand({ pipelineName: world.outputs.PipelineName }));
  return (runs ?? []).map(({ status }) => status ?? '');
}

/** A merge, and the version that comes of it, unless the gate stops it. */
async function candidate(world: World, branch: string, spec: Spec): Promise<VersionRecord | undefined> {
  const known = await world.ledger.versions();
  const commit = await merge(world, branch, `feat: ${branch.replaceAll('-', ' ')}`, spec);
  await runsThrough(world);
  return (await world.ledger.versions()).find((one) => newerThan(known)(one) && one.commit === commit);
}

/** The endpoint's config: another one while a shadow is beside the champion. */
async function servedConfig(world: World): Promise<string | undefined> {
  const sagemaker = world.cloud.client(SageMakerClient);
  return (await sagemaker.send(new DescribeEndpointCommand({ EndpointName: world.outputs.EndpointName }))).EndpointConfigName;
}
