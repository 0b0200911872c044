import { _Object, GetObjectCommand, ListObjectsV2Command, ListObjectsV2CommandOutput, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand, CreateEndpointConfigCommand, CreateEndpointConfigCommandInput, CreateModelCommand, DeleteEndpointCommand,
  DeleteEndpointConfigCommand, DeleteModelCommand, DeploymentConfig, DescribeEndpointCommand, DescribeEndpointCommandOutput,
  DescribeEndpointConfigCommand, DescribeEndpointConfigCommandOutput, DescribeModelPackageCommand, SageMakerClient, UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { Candidate, Champion, Container, CreateConfigRequest, CreateModelRequest, DeploymentRecord, Evaluation, HostingSettings } from './hosting-plan';
import { leaveConfig } from './scaling-io';
import { ScaledVariant } from './scaling-plan';
import { volumeKeyProblem } from './volume-key';
import { clientFor } from '../private/model-io';

const sagemaker = clientFor(SageMakerClient);
const s3 = clientFor(S3Client);
const CHANGING: string[] = ['Creating', 'Updating', 'SystemUpdating', 'RollingBack'];

/** The endpoint takes no change at the moment: worth trying again in a while. */
export class EndpointBusy extends Error {
  public readonly name = 'EndpointBusy';
}

/** The endpoint cannot be used as asked; trying again does not help. */
export class EndpointUnsuitable extends Error {
  public readonly name = 'EndpointUnsuitable';
}

/** What the model package says about a version. `version` is the caller's name for it, if it has one. */
export async function readCandidate(modelPackageArn: string, version?: string): Promise<Candidate> {
  const answer = await sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName: modelPackageArn }));
  const facts = answer.CustomerMetadataProperties ?? {};
  const containers = (answer.InferenceSpecification?.Containers ?? []).map((container): Container => ({
    Image: container.Image ?? '',
    ...(container.ModelDataUrl === undefined ? {} : { ModelDataUrl: container.ModelDataUrl }),
    ...(container.Environment === undefined ? {} : { Environment: container.Environment }),
  }));
  if (containers.length === 0) throw new EndpointUnsuitable(`the model package ${modelPackageArn} has no inference container`);
  return {
    version: version ?? facts.version ?? `package-${answer.ModelPackageVersion ?? modelPackageArn.split('/').pop()}`,
    modelPackageArn,
    containers,
    evaluation: evaluationOf(facts),
    sampleUri: facts.sample ?? null,
  };
}

export async function describeEndpoint(endpointName: string): Promise<DescribeEndpointCommandOutput | undefined> {
  try {
    return await sagemaker.send(new DescribeEndpointCommand({ EndpointName: endpointName }));
  } catch (error) {
    if (says(error, /could not find|does not exist/i)) return undefined;
    throw error;
  }
}

/** An endpoint that is changing is worth waiting for, one that is out of order is not. */
export function requireInService(endpoint: DescribeEndpointCommandOutput): void {
  const { EndpointName: name, EndpointStatus: status } = endpoint;
  if (status === undefined || CHANGING.includes(status)) throw new EndpointBusy(`the endpoint ${name} is ${status}`);
  if (status !== 'InService') throw new EndpointUnsuitable(`the endpoint ${name} is ${status}`);
}

/** The one production variant that a release replaces. */
export async function readChampion(endpoint: DescribeEndpointCommandOutput, settings: HostingSettings): Promise<Champion> {
  const configName = endpoint.EndpointConfigName ?? '';
  const config = await sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: configName }));
  const [variant, ...others] = config.ProductionVariants ?? [];
  const where = `endpoint config ${configName} of ${settings.endpointName}`;
  if (others.length > 0) throw new EndpointUnsuitable(`${where} has ${others.length + 1} production variants, a release needs exactly 1`);
  if (variant?.InstanceType === undefined || variant.ModelName === undefined) {
    throw new EndpointUnsuitable(`${where} has no instance-based production variant; serverless variants take neither shadows nor canaries`);
  }
  if (variant.VariantName !== settings.productionVariantName) {
    throw new EndpointUnsuitable(`${where} calls its production variant ${variant.VariantName}, expected ${settings.productionVariantName}`);
  }
  const unusable = volumeKeyProblem(config.KmsKeyId, settings.volumeKeyArn);
  if (unusable !== undefined) throw new EndpointUnsuitable(`${where} ${unusable}`);
  const served = (await readDeployment(settings.bucketName, configName)).find((record) => record.variant === variant.VariantName);
  const live = endpoint.ProductionVariants?.find((each) => each.VariantName === variant.VariantName);
  return {
    version: served?.version ?? variant.ModelName,
    configName,
    modelName: variant.ModelName,
    instanceCount: live?.DesiredInstanceCount ?? live?.CurrentInstanceCount ?? variant.InitialInstanceCount ?? settings.instanceCount,
    evaluation: { mse: served?.mse, rmse: served?.rmse, mae: served?.mae, r2: served?.r2 },
    variant: { ...variant, VariantName: variant.VariantName, ModelName: variant.ModelName, InstanceType: variant.InstanceType },
    ...(config.KmsKeyId === undefined ? {} : { volumeKeyId: config.KmsKeyId }),
  };
}

export async function describeConfig(configName: string): Promise<DescribeEndpointConfigCommandOutput> {
  return sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: configName }));
}

/** Configs, newest first, under which a version served as the production variant. */
export async function configsOf(version: string, settings: HostingSettings, prefix: string, most: number): Promise<string[]> {
  const newest = [...await listed(settings.bucketName, `deployments/${prefix}`)]
    .sort((a, b) => (b.LastModified?.getTime() ?? 0) - (a.LastModified?.getTime() ?? 0))
    .map((each) => /^deployments\/(.+)\.jsonl$/.exec(each.Key ?? '')?.[1])
    .filter((name): name is string => name !== undefined)
    .slice(0, most);
  const served = await Promise.all(newest.map(async (name) => (await readDeployment(settings.bucketName, name))
    .some((record) => record.variant === settings.productionVariantName && record.version === version)));
  return newest.filter((_, i) => served[i]);
}

/** All that is there: a page is of a thousand, by name. */
async function listed(Bucket: string, Prefix: string): Promise<_Object[]> {
  const found: _Object[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }));
    found.push(...page.Contents ?? []);
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return found;
}

export async function recordDeployment(bucketName: string, records: DeploymentRecord[]): Promise<void> {
  const body = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  await s3.send(new PutObjectCommand({
    Bucket: bucketName, Key: `deployments/${records[0].config_name}.jsonl`, Body: body, ContentType: 'application/jsonlines',
  }));
}

async function readDeployment(bucketName: string, configName: string): Promise<DeploymentRecord[]> {
  try {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucketName, Key: `deployments/${configName}.jsonl` }));
    const body = await answer.Body?.transformToString() ?? '';
    return body.split('\n').filter((line) => line.trim() !== '').map((line): DeploymentRecord => JSON.parse(line));
  } catch (error) {
    if (error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'AccessDenied')) return [];
    throw error;
  }
}

/** Creates the model unless an earlier, interrupted try has. */
export async function createModel(request: CreateModelRequest): Promise<void> {
  await unlessThere(() => sagemaker.send(new CreateModelCommand(request)));
}

/** Creates the endpoint config unless an earlier, interrupted try has. */
export async function createConfig(request: CreateConfigRequest): Promise<void> {
  const input: CreateEndpointConfigCommandInput = { ...request as CreateEndpointConfigCommandInput };
  await unlessThere(() => sagemaker.send(new CreateEndpointConfigCommand(input)));
}

/** Creates the endpoint unless an earlier, interrupted try has. One that failed to come up, which takes no update, makes room first. */
export async function createEndpoint(endpointName: string, configName: string): Promise<void> {
  const endpoint = await describeEndpoint(endpointName);
  if (endpoint !== undefined && endpoint.EndpointConfigName !== configName) {
    if (endpoint.EndpointStatus === 'Failed') await remove({ endpointName });
    else if (endpoint.EndpointStatus !== 'Deleting') throw new EndpointUnsuitable(`somebody else created the endpoint ${endpointName} meanwhile`);
    throw new EndpointBusy(`the endpoint ${endpointName} is being deleted`);
  }
  await unlessThere(() => sagemaker.send(new CreateEndpointCommand({ EndpointName: endpointName, EndpointConfigName: configName })));
}

export interface EndpointUpdate {
  readonly endpointName: string;
  readonly configName: string;
  readonly deploymentConfig?: DeploymentConfig;
  /** Change the endpoint only if it is on one of these configs. Any where absent. */
  readonly onlyFrom?: string[];
  /** Instances that the config asks for and the fleet must not stay below. Absent or null: the fleet stays as large as it is. */
  readonly leastInstanceCount?: number | null;
  /** The variant whose scaling is to outlive the move. */
  readonly scaled?: ScaledVariant | null;
}

/**
 * Moves the endpoint to a config. Safe to repeat: a move that is under way or done is not started again.
 * Answers the config that the endpoint will be on: another one only where `onlyFrom` forbids the move.
 */
export async function updateEndpoint(update: EndpointUpdate): Promise<string> {
  const { endpointName, configName } = update;
  const endpoint = await describeEndpoint(endpointName);
  if (endpoint === undefined) throw new EndpointUnsuitable(`there is no endpoint ${endpointName}`);
  const current = endpoint.EndpointConfigName ?? '';
  const status = endpoint.EndpointStatus;
  if (status === 'Updating' && endpoint.PendingDeploymentSummary?.EndpointConfigName === configName) return configName;
  if (status === undefined || CHANGING.includes(status)) throw new EndpointBusy(`the endpoint ${endpointName} is ${status}`);
  if (status === 'InService' && current === configName) return configName;
  if (update.onlyFrom !== undefined && !update.onlyFrom.includes(current)) return current;
  if (status === 'Failed' || status === 'Deleting') throw new EndpointUnsuitable(`the endpoint ${endpointName} is ${status} and takes no update`);
  if (update.scaled !== undefined && update.scaled !== null) await leaveConfig(update.scaled, current, await typeChanges(current, configName));
  const sizes = (endpoint.ProductionVariants ?? []).map((variant) => variant.DesiredInstanceCount ?? variant.CurrentInstanceCount ?? Infinity);
  try {
    await sagemaker.send(new UpdateEndpointCommand({
      EndpointName: endpointName,
      EndpointConfigName: configName,
      // capacity that was scaled out stays: a release must not throw the fleet back to its initial size
      RetainAllVariantProperties: true,
      ...(Math.min(...sizes) < (update.leastInstanceCount ?? 0) ? { ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredInstanceCount' }] } : {}),
      ...(update.deploymentConfig === undefined ? {} : { DeploymentConfig: update.deploymentConfig }),
    }));
  } catch (error) {
    if (says(error, /in-progress|is updating/i)) throw new EndpointBusy(`the endpoint ${endpointName} was taken by another update`);
    throw error;
  }
  return configName;
}

/** Whether the instances do. Of a config that somebody has deleted nothing is known: then they may. */
async function typeChanges(from: string, to: string): Promise<boolean> {
  const typesOf = async (name: string): Promise<string | undefined> => {
    try {
      return (await describeConfig(name)).ProductionVariants?.map((variant) => variant.InstanceType).join();
    } catch (error) {
      if (says(error, /could not find|does not exist/i)) return undefined;
      throw error;
    }
  };
  const before = await typesOf(from);
  return before === undefined || before !== await typesOf(to);
}

export interface Removal {
  readonly endpointName?: string;
  readonly configName?: string;
  readonly modelName?: string;
  /** The endpoint that must not be on the config. SageMaker would delete it all the same, and the endpoint could not scale or be patched any more. */
  readonly unlessServedBy?: string;
  /** Answer only when the endpoint is gone. */
  readonly untilGone?: boolean;
  /** Remove the endpoint only where it has failed for good. */
  readonly onlyFailed?: boolean;
}

/** Removes what a release created; what is not there any more is fine. */
export async function remove(removal: Removal): Promise<void> {
  const { endpointName, configName, modelName } = removal;
  const endpoint = removal.unlessServedBy === undefined ? undefined : await describeEndpoint(removal.unlessServedBy);
  if (configName !== undefined && [endpoint?.EndpointConfigName, endpoint?.PendingDeploymentSummary?.EndpointConfigName].includes(configName)) {
    if (endpoint?.EndpointStatus === 'InService') throw new EndpointUnsuitable(`the endpoint ${removal.unlessServedBy} still serves on ${configName}`);
    throw new EndpointBusy(`the endpoint ${removal.unlessServedBy} is ${endpoint?.EndpointStatus} on ${configName}`);
  }
  if (endpointName !== undefined && (removal.onlyFailed !== true || await hasFailed(endpointName))) {
    await ifThere(() => sagemaker.send(new DeleteEndpointCommand({ EndpointName: endpointName })));
    if (removal.untilGone === true && await describeEndpoint(endpointName) !== undefined) {
      throw new EndpointBusy(`the endpoint ${endpointName} is being deleted`);
    }
  }
  if (configName !== undefined) await ifThere(() => sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: configName })));
  if (modelName !== undefined) await ifThere(() => sagemaker.send(new DeleteModelCommand({ ModelName: modelName })));
}

/** A failed endpoint takes no update; one that is being deleted was a failed one a moment ago. */
async function hasFailed(endpointName: string): Promise<boolean> {
  return ['Failed', 'Deleting'].includes((await describeEndpoint(endpointName))?.EndpointStatus ?? '');
}

async function unlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!says(error, /already exist/i)) throw error;
  }
}

async function ifThere(removal: () => Promise<unknown>): Promise<void> {
  try {
    await removal();
  } catch (error) {
    if (says(error, /in-progress|is updating|is being/i)) throw new EndpointBusy(messageOf(error));
    if (!says(error, /could not find|does not exist/i)) throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** SageMaker reports most of its errors as ValidationException: the message tells them apart. */
function says(error: unknown, message: RegExp): boolean {
  return message.test(messageOf(error));
}

function evaluationOf(facts: Record<string, string>): Evaluation {
  const number = (text: string | undefined): number | undefined => {
    const value = text === undefined || text === '' ? NaN : Number(text);
    return Number.isFinite(value) ? value : undefined;
  };
  return { mse: number(facts.mse), rmse: number(facts.rmse), mae: number(facts.mae), r2: number(facts.r2) };
}
