import { mostInstances, RegisteredScaling, ScaledVariant, ScalingSettings } from './scaling-plan';
import { cleanName, ReleaseNames, releaseNames } from '../domain/release-names';
import { VpcConfig } from '../domain/vpc-config';

/** What is known about the version that is about to be deployed, from its model package. */
export interface Candidate {
  readonly version: string;
  readonly modelPackageArn: string;
  readonly containers: Container[];
  readonly evaluation: Evaluation;
  /** Where the evaluation left rows of the holdout with its predictions; null where the package names none. */
  readonly sampleUri: string | null;
}

export interface Container {
  readonly Image: string;
  readonly ModelDataUrl?: string;
  readonly Environment?: Record<string, string>;
}

/** Metrics that the version's package promises; those that it does not name are absent. */
export interface Evaluation {
  readonly mse?: number;
  readonly rmse?: number;
  readonly mae?: number;
  readonly r2?: number;
}

/** Where and how the endpoint's fleets run; the part of a request that the construct knows. */
export interface HostingSettings {
  readonly endpointName: string;
  readonly executionRoleArn: string;
  readonly productionVariantName: string;
  readonly shadowVariantName: string;
  readonly instanceType: string;
  readonly instanceCount: number;
  /** Whether a fleet below `instanceCount` is too small, and not scaled in on purpose. */
  readonly growing?: boolean;
  /** How production is to be scaled. Absent: not by releases. */
  readonly autoscaling?: ScalingSettings;
  readonly bucketName: string;
  /** Encrypts captures. */
  readonly keyArn?: string;
  /** The key that may encrypt the volumes of instances: it does where the endpoint's present config says so, or there is none yet. */
  readonly volumeKeyArn?: string;
  /** The network of models; their containers see none of it. */
  readonly vpcConfig?: VpcConfig;
}

export interface CreateModelRequest {
  readonly ModelName: string;
  readonly ExecutionRoleArn: string;
  readonly EnableNetworkIsolation: boolean;
  readonly VpcConfig?: VpcConfig;
  readonly PrimaryContainer?: Container;
  readonly Containers?: Container[];
}

export interface VariantRequest {
  readonly VariantName: string;
  readonly ModelName: string;
  readonly InstanceType: string;
  readonly InitialInstanceCount: number;
  readonly InitialVariantWeight: number;
}

export interface CreateConfigRequest {
  readonly EndpointConfigName: string;
  readonly ProductionVariants: VariantRequest[];
  readonly ShadowProductionVariants?: VariantRequest[];
  readonly DataCaptureConfig?: object;
  readonly KmsKeyId?: string;
}

/** One line of `deployments/<endpoint config>.jsonl`: what a variant of the config serves. */
export interface DeploymentRecord extends Evaluation {
  readonly config_name: string;
  readonly variant: string;
  readonly version: string;
  readonly released_at: string;
}

/** The champion as the endpoint serves it before anything is changed. */
export interface Champion {
  readonly version: string;
  readonly configName: string;
  readonly modelName: string;
  readonly instanceCount: number;
  readonly evaluation: Evaluation;
  /** The variant as its config describes it. */
  readonly variant: Omit<VariantRequest, 'InitialInstanceCount' | 'InitialVariantWeight'>;
  /** Encrypts the volumes of its instances. Absent where SageMaker's own key does. */
  readonly volumeKeyId?: string;
}

/** The production variant, as whoever scales it has to know it. */
export function scaledVariant(settings: HostingSettings): ScaledVariant {
  return {
    endpointName: settings.endpointName,
    variantName: settings.productionVariantName,
    bucketName: settings.bucketName,
    autoscaling: settings.autoscaling ?? null,
  };
}

/** The size below which production must not be after a release; null where it stays as it is. */
export function leastInstanceCount({ autoscaling, growing, instanceCount }: HostingSettings): number | null {
  if (autoscaling !== undefined) return autoscaling.minCapacity;
  return growing === true ? instanceCount : null;
}

/** Room for `V<tag of 16>.<manual>.<auto>`; longer names of versions are cut. */
const LONGEST_VERSION = 29;

/** Names of what one run makes for a version. They begin with the endpoint's `ownPrefix`, which permissions rely on. */
export function namesFor(endpointName: string, version: string, run: string): ReleaseNames {
  return releaseNames(endpointName, cleanName(version, LONGEST_VERSION), run);
}

/**
 * The model is created from the containers of the package, not by the package's name, so that a version can be tried
 * on real requests while its approval is still pending.
 */
export function createModelRequest(candidate: Candidate, modelName: string, settings: HostingSettings): CreateModelRequest {
  const base = {
    ModelName: modelName,
    ExecutionRoleArn: settings.executionRoleArn,
    EnableNetworkIsolation: true,
    ...(settings.vpcConfig === undefined ? {} : { VpcConfig: settings.vpcConfig }),
  };
  return candidate.containers.length === 1
    ? { ...base, PrimaryContainer: candidate.containers[0] }
    : { ...base, Containers: candidate.containers };
}

/**
 * The champion unchanged, and the candidate beside it as the shadow of `samplingPercentage` of its requests. Nothing scales the
 * shadow: it has instances for the requests of the largest fleet that production may be scaled out to meanwhile.
 */
export function shadowConfigRequest(
  champion: Champion, names: ReleaseNames, samplingPercentage: number, settings: HostingSettings, scaling?: RegisteredScaling,
): CreateConfigRequest {
  const mostScaled = scaling === undefined ? settings.autoscaling?.maxCapacity ?? 0 : mostInstances(scaling);
  const answering = Math.max(champion.instanceCount, mostScaled);
  return {
    EndpointConfigName: names.shadowEndpointConfig,
    ProductionVariants: [{ ...champion.variant, InitialInstanceCount: champion.instanceCount, InitialVariantWeight: 1 }],
    ShadowProductionVariants: [variant(settings.shadowVariantName, names.model, settings.instanceType,
      Math.max(1, Math.ceil(answering * samplingPercentage / 100)), samplingPercentage / 100)],
    DataCaptureConfig: dataCapture(names.shadowEndpointConfig, settings),
    ...volumeKey(champion, settings),
  };
}

/** The candidate alone, on instances like those of production, for nobody but the check of its answers: nothing is captured. */
export function stagingConfigRequest(
  names: ReleaseNames, champion: Champion | undefined, instanceCount: number, settings: HostingSettings,
): CreateConfigRequest {
  return {
    EndpointConfigName: names.stagingEndpoint,
    ProductionVariants: [variant(settings.productionVariantName, names.model, settings.instanceType, instanceCount, 1)],
    ...volumeKey(champion, settings),
  };
}

/** The candidate alone, as the production variant. */
export function productionConfigRequest(
  names: ReleaseNames, champion: Champion | undefined, instanceCount: number, settings: HostingSettings,
): CreateConfigRequest {
  return {
    EndpointConfigName: names.endpointConfig,
    ProductionVariants: [variant(settings.productionVariantName, names.model, settings.instanceType, instanceCount, 1)],
    DataCaptureConfig: dataCapture(names.endpointConfig, settings),
    ...volumeKey(champion, settings),
  };
}

export function deploymentRecord(
  configName: string, variantName: string, served: { version: string; evaluation: Evaluation }, time: string,
): DeploymentRecord {
  return { config_name: configName, variant: variantName, version: served.version, ...served.evaluation, released_at: time };
}

function variant(VariantName: string, ModelName: string, InstanceType: string, InitialInstanceCount: number, weight: number): VariantRequest {
  return { VariantName, ModelName, InstanceType, InitialInstanceCount, InitialVariantWeight: weight };
}

/** What was encrypted with a key of the customer stays so. */
function volumeKey(champion: Champion | undefined, { volumeKeyArn }: HostingSettings): Pick<CreateConfigRequest, 'KmsKeyId'> {
  const key = champion === undefined ? volumeKeyArn : champion.volumeKeyId;
  return key === undefined ? {} : { KmsKeyId: key };
}

/** A prefix of its own for each config keeps the captures of one version apart from those of the next. */
function dataCapture(configName: string, settings: HostingSettings): object {
  return {
    EnableCapture: true,
    InitialSamplingPercentage: 100,
    DestinationS3Uri: `s3://${settings.bucketName}/captures/${configName}`,
    ...(settings.keyArn === undefined ? {} : { KmsKeyId: settings.keyArn }),
    CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
    CaptureContentTypeHeader: { CsvContentTypes: ['text/csv'], JsonContentTypes: ['application/json'] },
  };
}
