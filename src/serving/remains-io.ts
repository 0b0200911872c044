import { ApplicationAutoScalingClient, DeregisterScalableTargetCommand, DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import { CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmsCommand, MetricAlarm } from '@aws-sdk/client-cloudwatch';
import {
  DeleteEndpointCommand, DeleteEndpointConfigCommand, DeleteModelCommand, DescribeEndpointCommand, DescribeModelCommand,
  ListEndpointConfigsCommand, ListEndpointsCommand, ListModelsCommand, SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { ListExecutionsCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { isReleaseAlarm, releaseOf } from '../domain/own-names';
import { ownPrefix } from '../domain/release-names';
import { clientFor } from '../private/model-io';

const autoscaling = clientFor(ApplicationAutoScalingClient);
const cloudwatch = clientFor(CloudWatchClient);
const sagemaker = clientFor(SageMakerClient);
const states = clientFor(SFNClient);

/** DeleteAlarms takes so many at once. */
const ALARMS_AT_ONCE = 100;

/** Stops what a state machine runs; answers how many executions there were. A machine that is gone runs nothing. */
export async function stopExecutions(stateMachineArn: string, cause: string): Promise<number> {
  const running = await all(async (nextToken) => {
    const answer = await states.send(new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', nextToken }));
    return { items: answer.executions, next: answer.nextToken };
  }).catch((error: unknown) => unlessNamed(error, 'StateMachineDoesNotExist', []));
  for (const { executionArn } of running) {
    await states.send(new StopExecutionCommand({ executionArn, error: 'StackDeleted', cause }))
      .catch((error: unknown) => unlessNamed(error, 'ExecutionDoesNotExist', undefined));
  }
  return running.length;
}

/** Deregisters the endpoint's variants, which takes their scaling policies along. */
export async function stopScaling(endpointName: string): Promise<void> {
  const targets = await all(async (NextToken) => {
    const answer = await autoscaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker', NextToken }));
    return { items: answer.ScalableTargets, next: answer.NextToken };
  });
  for (const { ResourceId, ScalableDimension } of targets) {
    if (ResourceId?.startsWith(`endpoint/${endpointName}/variant/`) !== true) continue;
    await autoscaling.send(new DeregisterScalableTargetCommand({ ServiceNamespace: 'sagemaker', ResourceId, ScalableDimension }))
      .catch((error: unknown) => unlessNamed(error, 'ObjectNotFoundException', undefined));
  }
}

/** Names of the models that releases to the endpoint have made: called as they call them, and with the endpoint's role. */
export async function ownModels(endpointName: string, executionRoleArn: string): Promise<Set<string>> {
  const listed = await all(async (NextToken) => {
    const answer = await sagemaker.send(new ListModelsCommand({ NameContains: ownPrefix(endpointName), NextToken }));
    return { items: answer.Models, next: answer.NextToken };
  });
  const named = listed.map(({ ModelName }) => ModelName ?? '').filter((name) => releaseOf(endpointName, name) === name);
  const own = new Set<string>();
  for (const ModelName of named) {
    const model = await ifThere(() => sagemaker.send(new DescribeModelCommand({ ModelName })));
    if (model?.ExecutionRoleArn === executionRoleArn) own.add(ModelName);
  }
  return own;
}

/** Names of the staging endpoints of the models that are there. */
export async function stagingEndpoints(endpointName: string, models: ReadonlySet<string>): Promise<string[]> {
  const listed = await all(async (NextToken) => {
    const answer = await sagemaker.send(new ListEndpointsCommand({ NameContains: ownPrefix(endpointName), NextToken }));
    return { items: answer.Endpoints, next: answer.NextToken };
  });
  return listed.map(({ EndpointName }) => EndpointName ?? '').filter((name) => name !== endpointName && models.has(releaseOf(endpointName, name) ?? ''));
}

/**
 * Deletes an endpoint where it may be deleted now. Answers its status, or undefined where it is gone: one that is changing
 * cannot be deleted before it has settled.
 */
export async function deleteEndpoint(EndpointName: string): Promise<string | undefined> {
  const endpoint = await ifThere(() => sagemaker.send(new DescribeEndpointCommand({ EndpointName })));
  const status = endpoint?.EndpointStatus;
  if (status === undefined || !['InService', 'OutOfService', 'Failed', 'UpdateRollbackFailed'].includes(status)) return status;
  try {
    await ifThere(() => sagemaker.send(new DeleteEndpointCommand({ EndpointName })));
    return 'Deleting';
  } catch (error) {
    if (/in-progress|is updating|is being/i.test(messageOf(error))) return 'Updating';
    throw error;
  }
}

export async function deleteAlarms(endpointName: string): Promise<void> {
  const alarms = await all<MetricAlarm>(async (NextToken) => {
    const answer = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNamePrefix: ownPrefix(endpointName), AlarmTypes: ['MetricAlarm'], NextToken }));
    return { items: answer.MetricAlarms, next: answer.NextToken };
  });
  const own = alarms.filter(({ AlarmName, Dimensions }) => isReleaseAlarm(endpointName, AlarmName ?? '')
    && Dimensions?.some(({ Name, Value }) => Name === 'EndpointName' && Value === endpointName) === true).map(({ AlarmName }) => AlarmName ?? '');
  for (let from = 0; from < own.length; from += ALARMS_AT_ONCE) {
    await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: own.slice(from, from + ALARMS_AT_ONCE) }));
  }
}

/** Configs first: by its model a config is known as the endpoint's own, also when this is done again. */
export async function deleteModels(endpointName: string, models: ReadonlySet<string>): Promise<void> {
  const configs = await all(async (NextToken) => {
    const answer = await sagemaker.send(new ListEndpointConfigsCommand({ NameContains: ownPrefix(endpointName), NextToken }));
    return { items: answer.EndpointConfigs, next: answer.NextToken };
  });
  for (const { EndpointConfigName } of configs) {
    if (!models.has(releaseOf(endpointName, EndpointConfigName ?? '') ?? '')) continue;
    await ifThere(() => sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName })));
  }
  for (const ModelName of models) await ifThere(() => sagemaker.send(new DeleteModelCommand({ ModelName })));
}

async function all<T>(page: (token: string | undefined) => Promise<{ items?: T[]; next?: string }>): Promise<T[]> {
  const found: T[] = [];
  let token: string | undefined;
  do {
    const { items, next } = await page(token);
    found.push(...items ?? []);
    token = next;
  } while (token !== undefined);
  return found;
}

async function ifThere<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (/could not find|does not exist/i.test(messageOf(error))) return undefined;
    throw error;
  }
}

function unlessNamed<T>(error: unknown, name: string, otherwise: T): T {
  if (error instanceof Error && error.name === name) return otherwise;
  throw error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
