import { CodePipelineClient, ListPipelineExecutionsCommand, StopPipelineExecutionCommand } from '@aws-sdk/client-codepipeline';
import { merge } from './act-first-release';
import { outcome } from './act-revisions';
import { everybodyTries } from './tries';
import { World, hours } from './world';

/** What a merge left in the ledger: its rejection, if there was one, and whether it took a number. */
async function traceOf(world: World, commit: string): Promise<{ rejection?: { stage: string; reason: string }; registered: boolean }> {
  return {
    rejection: (await world.ledger.rejected()).find((one) => one.commit === commit),
    registered: (await world.ledger.versions()).some((one) => one.commit === commit),
  };
}

/** Boosted trees fit the past and do not carry over: the gate's time-ordered holdout shows it. Meanwhile somebody tries to stop the run. */
export async function stoppedAct(world: World): Promise<void> {
  const { checks, outputs, cloud, scenario } = world;
  const before = (await world.executions(outputs.TrainingWorkflow)).length;
  const commit = await merge(world, 'boosted-trees', 'feat: boosted trees on every feature', {
    features: scenario.features.all, hyperparameters: { algorithm: 'gradient_boosting' },
  });
  await stopAttempt(world);
  await everybodyTries(world);
  await world.quiet(outputs.TrainingWorkflow, before + 1, hours(24, world.now));
  await cloud.clock.settle();
  const { rejection, registered } = await traceOf(world, commit);
  checks.shows('the gate stops a model that is worse on time-ordered data, and it takes no number', rejection?.stage === 'gate' && !registered,
    rejection?.reason ?? (registered ? 'it passed the gate' : 'it left no trace'));
  // a model that passed is released like any other, and the next release waits for it
  if (registered) await outcome(world, (one) => one.commit === commit);
  const failed = cloud.decided.filter(({ action, allowed }) => action === 'codepipeline:StopPipelineExecution' && !allowed);
  checks.must('a data scientist cannot stop the running pipeline', failed.length > 0, failed.map(({ by }) => by.replace(/^explicit deny: /, 'denied by ')).join('; '));
  const alerts = world.mailbox.filter(({ message }) => /StopPipelineExecution/.test(message));
  checks.must('the attempt to stop it is alerted', alerts.length > 0, alerts[0]?.message.split('\n')[0] ?? 'no alert arrived');
}

async function stopAttempt(world: World): Promise<void> {
  const operator = world.cloud.client(CodePipelineClient);
  const scientist = world.cloud.client(CodePipelineClient, world.outputs.DataScientistRole);
  const running = async () => (await operator.send(new ListPipelineExecutionsCommand({ pipelineName: world.outputs.PipelineName })))
    .pipelineExecutionSummaries?.find(({ status }) => status === 'InProgress');
  let run = await running();
  for (let wait = 0; run === undefined && wait < 2400; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    run = await running();
  }
  if (run === undefined) throw new Error('the merge started no pipeline execution');
  await scientist.send(new StopPipelineExecutionCommand({
    pipelineName: world.outputs.PipelineName, pipelineExecutionId: run.pipelineExecutionId, abandon: true, reason: 'it is my model',
  })).catch((error: Error) => {
    if (!/AccessDenied/.test(error.name)) throw error;
  });
}

/** A setting that scikit-learn refuses: the training job fails, and nothing is registered. */
export async function crashAct(world: World): Promise<void> {
  const { checks, outputs, scenario } = world;
  const before = (await world.executions(outputs.TrainingWorkflow)).length;
  const commit = await merge(world, 'negative-penalty', 'feat: try a negative penalty', { features: scenario.features.few, hyperparameters: { algorithm: 'ridge', alpha: '-1' } });
  await world.quiet(outputs.TrainingWorkflow, before + 1, hours(24, world.now));
  const { rejection, registered } = await traceOf(world, commit);
  checks.must('a training that crashes takes no number and leaves its reason', rejection?.stage === 'training' && !registered,
    rejection === undefined ? 'it left no trace' : rejection.reason.slice(0, 200));
}
