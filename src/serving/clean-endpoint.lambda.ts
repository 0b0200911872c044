import { deleteAlarms, deleteEndpoint, deleteModels, ownModels, stagingEndpoints, stopExecutions, stopScaling } from './remains-io';
import { answering, CustomResourceRequest, hasTime, pause, RunContext } from '../private/custom-resource-io';
import { perModel } from '../private/model-io';

/** What the custom resource tells. */
interface Cleaning {
  readonly EndpointName: string;
  readonly ExecutionRoleArn: string;
  /** State machines that change the endpoint. */
  readonly StateMachineArns?: string[];
  /** Seconds between two looks. */
  readonly Pause: string;
  /** Seconds after which a change is over that a stopped execution had begun. */
  readonly Settle: string;
}

/**
 * Removes what releases have made at run time, when the stack that made them possible is deleted: CloudFormation knows
 * nothing of it. Safe to repeat; what it has not finished in time it says.
 */
async function handle(request: CustomResourceRequest<Cleaning>, context: RunContext): Promise<void> {
  const { ResourceProperties: wanted } = request;
  await answering(request, `clean-${wanted.EndpointName}`, async () => {
    if (request.RequestType === 'Delete') await clean(wanted, context);
  });
}

async function clean(wanted: Cleaning, context: RunContext): Promise<void> {
  const { EndpointName } = wanted;
  await stopReleases(wanted, context);
  await stopScaling(EndpointName);
  const models = await ownModels(EndpointName, wanted.ExecutionRoleArn);
  const staging = await stagingEndpoints(EndpointName, models);
  for (let left = await deleted([EndpointName, ...staging]); left.length > 0; left = await deleted([EndpointName, ...staging])) {
    if (!hasTime(context, Number(wanted.Pause))) {
      throw new Error(`${left.join(', ')}: SageMaker deletes no endpoint that is changing. Delete the stack again once it has settled.`);
    }
    await pause(Number(wanted.Pause));
  }
  await deleteAlarms(EndpointName);
  await deleteModels(EndpointName, models);
}

/** Stopping one release may let another begin: until none is left. What a stopped execution had asked for is waited for. */
async function stopReleases({ EndpointName, StateMachineArns = [], Pause, Settle }: Cleaning, context: RunContext): Promise<void> {
  let stopped = false;
  for (;;) {
    let running = 0;
    for (const arn of StateMachineArns) running += await stopExecutions(arn, `the stack of the endpoint ${EndpointName} is being deleted`);
    if (running === 0) break;
    stopped = true;
    if (!hasTime(context, Number(Pause))) throw new Error(`${running} executions of ${StateMachineArns.join(', ')} are still running. Delete the stack again.`);
    await pause(Number(Pause));
  }
  if (stopped) await pause(Number(Settle));
}

/** Deletes what can be deleted; answers what is still there, with its status. */
async function deleted(endpointNames: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const name of endpointNames) {
    const status = await deleteEndpoint(name);
    if (status !== undefined) left.push(`the endpoint ${name} is ${status}`);
  }
  return left;
}

export const handler = perModel(handle);
