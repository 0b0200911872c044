import { createHash } from 'node:crypto';
import { AwsError, Cloud, JsonObject, Unsupported } from '../cloud/types';
import { array, integer, object, oneOf, only, optionalNumber, optionalObject, optionalString, seconds, string, strings } from '../cloudwatch/shape';
import { imageFolder } from './image';
import { Packages } from './packages';
import { arnOf, checkName, invalid, nameOf, page, roleMay, s3Arn } from './support';

/** A model as it is served. */
export interface Model {
  readonly name: string;
  readonly arn: string;
  readonly body: JsonObject;
  readonly image: string;
  readonly modelData?: { bucket: string; key: string };
  readonly environment: Record<string, string>;
  readonly isolated: boolean;
  readonly roleArn: string;
  /** Equal for models that run the same container on the same artifact. */
  readonly fingerprint: string;
}

export interface Variant {
  readonly name: string;
  readonly modelName: string;
  readonly instanceType: string;
  readonly instanceCount: number;
  readonly weight: number;
  readonly startupSeconds: number;
}

export interface Capture {
  readonly bucket: string;
  readonly prefix: string;
  readonly percentage: number;
  readonly input: boolean;
  readonly output: boolean;
  readonly csv: string[];
  readonly json: string[];
}

export interface EndpointConfig {
  readonly name: string;
  readonly arn: string;
  readonly body: JsonObject;
  readonly production: Variant[];
  readonly shadow?: Variant;
  readonly capture?: Capture;
}

export function parseS3(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(uri);
  if (match === null) throw invalid(`${uri} is not an S3 URI`);
  return { bucket: match[1], key: match[2] };
}

/** Models and endpoint configs. */
export class Models {
  private readonly models = new Map<string, Model>();
  private readonly configs = new Map<string, EndpointConfig>();

  constructor(private readonly cloud: Cloud, private readonly packages: Packages, private readonly inUse: (config: string) => string | undefined) {}

  async createModel(input: JsonObject): Promise<JsonObject> {
    only(input, 'CreateModel', ['ModelName', 'PrimaryContainer', 'Containers', 'ExecutionRoleArn', 'VpcConfig', 'EnableNetworkIsolation', 'Tags']);
    const name = checkName(string(input, 'ModelName'), 'modelName');
    const arn = arnOf(this.cloud, 'model', name.toLowerCase());
    if (this.models.has(name)) throw invalid(`Cannot create already existing model "${arn}".`);
    const containers = input.PrimaryContainer === undefined ? array(input.Containers, 'Containers') : [input.PrimaryContainer];
    if (containers.length !== 1) throw new Unsupported(`a model of ${containers.length} containers`);
    let container = object(containers[0], 'PrimaryContainer');
    only(container, 'PrimaryContainer', ['Image', 'ModelDataUrl', 'ModelDataSource', 'Environment', 'Mode', 'ModelPackageName', 'ContainerHostname', 'ImageDigest']);
    if (container.Mode !== undefined && container.Mode !== 'SingleModel') throw new Unsupported(`a container of mode ${String(container.Mode)}`);
    const packageName = optionalString(container, 'ModelPackageName');
    if (packageName !== undefined) container = { ...this.packages.container(packageName), ...container };
    const image = string(container, 'Image');
    imageFolder(this.cloud, image);
    const roleArn = string(input, 'ExecutionRoleArn');
    const data = modelDataUri(container);
    if (data !== undefined) await this.checkModelData(data, roleArn);
    const environment = Object.fromEntries(Object.entries(optionalObject(container.Environment, 'Environment') ?? {}).map(([key, value]) => [key, String(value)]));
    const isolated = input.EnableNetworkIsolation === true || input.EnableNetworkIsolation === 'true';
    this.models.set(name, {
      name,
      arn,
      body: { ...input, ModelArn: arn, CreationTime: this.now() },
      image,
      modelData: data,
      environment,
      isolated,
      roleArn,
      fingerprint: createHash('sha256').update(JSON.stringify([image, data, environment, isolated, roleArn])).digest('hex').slice(0, 16),
    });
    return { ModelArn: arn };
  }

  model(name: string): Model {
    const model = this.models.get(name);
    if (model === undefined) throw invalid(`Could not find model "${arnOf(this.cloud, 'model', name.toLowerCase())}".`);
    return model;
  }

  describeModel(input: JsonObject): JsonObject {
    const { Tags, ...body } = this.model(string(input, 'ModelName')).body;
    return body;
  }

  deleteModel(input: JsonObject): JsonObject {
    this.models.delete(this.model(string(input, 'ModelName')).name);
    return {};
  }

  listModels(input: JsonObject): JsonObject {
    only(input, 'ListModels', ['NameContains', 'MaxResults', 'NextToken', 'SortBy', 'SortOrder']);
    const wanted = [...this.models.values()].filter(({ name }) => name.includes(optionalString(input, 'NameContains') ?? '')).reverse();
    const { items, next } = page(wanted, input);
    return { Models: items.map(({ name, arn, body }) => ({ ModelName: name, ModelArn: arn, CreationTime: body.CreationTime })), ...next };
  }

  createConfig(input: JsonObject): JsonObject {
    only(input, 'CreateEndpointConfig', ['EndpointConfigName', 'ProductionVariants', 'ShadowProductionVariants', 'DataCaptureConfig', 'Tags', 'KmsKeyId']);
    const name = checkName(string(input, 'EndpointConfigName'), 'endpointConfigName');
    const arn = arnOf(this.cloud, 'endpoint-config', name.toLowerCase());
    if (this.configs.has(name)) throw invalid(`Cannot create already existing endpoint configuration "${arn}".`);
    const variants = (member: string): Variant[] => array(input[member], member).map((item) => this.variant(object(item, member)));
    const production = variants('ProductionVariants');
    const shadows = variants('ShadowProductionVariants');
    if (production.length < 1 || production.length > 10) throw invalid(`ProductionVariants must have 1 to 10 items, got ${production.length}`);
    if (shadows.length > 0 && (production.length !== 1 || shadows.length !== 1)) {
      throw invalid('With ShadowProductionVariants you can only specify one variant for ProductionVariants and one variant for ShadowProductionVariants, '
        + `got ${production.length} and ${shadows.length}`);
    }
    const names = [...production, ...shadows].map((variant) => variant.name);
    if (new Set(names).size !== names.length) throw invalid(`Variant names must be unique, got ${names.join(', ')}`);
    if (production.every((variant) => variant.weight === 0)) throw invalid('The sum of the InitialVariantWeights must be above 0');
    this.configs.set(name, {
      name,
      arn,
      body: { ...input, EndpointConfigArn: arn, CreationTime: this.now() },
      production,
      shadow: shadows[0],
      capture: capture(optionalObject(input.DataCaptureConfig, 'DataCaptureConfig')),
    });
    return { EndpointConfigArn: arn };
  }

  config(name: string): EndpointConfig {
    const config = this.configs.get(name);
    if (config === undefined) throw invalid(`Could not find endpoint configuration "${arnOf(this.cloud, 'endpoint-config', name.toLowerCase())}".`);
    return config;
  }

  describeConfig(input: JsonObject): JsonObject {
    const { Tags, ...body } = this.config(string(input, 'EndpointConfigName')).body;
    return body;
  }

  deleteConfig(input: JsonObject): JsonObject {
    const { name } = this.config(string(input, 'EndpointConfigName'));
    const endpoint = this.inUse(name);
    // SageMaker's documentation forbids it, since the endpoint's instance type is lost with it.
    if (endpoint !== undefined) throw invalid(`Endpoint configuration ${name} is in use by endpoint ${endpoint}`);
    this.configs.delete(name);
    return {};
  }

  listConfigs(input: JsonObject): JsonObject {
    only(input, 'ListEndpointConfigs', ['NameContains', 'MaxResults', 'NextToken', 'SortBy', 'SortOrder']);
    const wanted = [...this.configs.values()].filter(({ name }) => name.includes(optionalString(input, 'NameContains') ?? '')).reverse();
    const { items, next } = page(wanted, input);
    return {
      EndpointConfigs: items.map(({ name, arn, body }) => ({ EndpointConfigName: name, EndpointConfigArn: arn, CreationTime: body.CreationTime })), ...next,
    };
  }

  private variant(given: JsonObject): Variant {
    only(given, 'a production variant', [
      'VariantName', 'ModelName', 'InitialInstanceCount', 'InstanceType', 'InitialVariantWeight',
      'ContainerStartupHealthCheckTimeoutInSeconds', 'ModelDataDownloadTimeoutInSeconds', 'VolumeSizeInGB',
    ]);
    const weight = optionalNumber(given, 'InitialVariantWeight') ?? 1;
    if (weight < 0) throw invalid(`InitialVariantWeight must be at least 0, got ${weight}`);
    return {
      name: checkName(string(given, 'VariantName'), 'variantName'),
      modelName: this.model(nameOf(string(given, 'ModelName'))).name,
      instanceType: string(given, 'InstanceType'),
      instanceCount: integer(given, 'InitialInstanceCount', 1, 10_000),
      weight,
      startupSeconds: optionalNumber(given, 'ContainerStartupHealthCheckTimeoutInSeconds') ?? 120,
    };
  }

  private async checkModelData({ bucket, key }: { bucket: string; key: string }, roleArn: string): Promise<void> {
    if (!roleMay(this.cloud, roleArn, 's3:GetObject', s3Arn(this.cloud, bucket, key))) {
      throw invalid(`Could not access model data at s3://${bucket}/${key}. Please ensure that the role "${roleArn}" exists and that its policies allow s3:GetObject.`);
    }
    const found = await this.cloud.s3.list(bucket, key).catch((error: Error) => {
      throw new AwsError('ValidationException', `Could not access model data at s3://${bucket}/${key}: ${error.message}`);
    });
    if (!found.some((item) => item.key === key)) throw invalid(`Could not find model data at s3://${bucket}/${key}.`);
  }

  private now(): number {
    return seconds(this.cloud.clock.now().getTime());
  }
}

function modelDataUri(container: JsonObject): { bucket: string; key: string } | undefined {
  const source = optionalObject(container.ModelDataSource, 'ModelDataSource');
  if (source === undefined) {
    const url = optionalString(container, 'ModelDataUrl');
    return url === undefined ? undefined : parseS3(url);
  }
  const s3 = object(source.S3DataSource, 'S3DataSource');
  if (s3.S3DataType !== 'S3Object' || s3.CompressionType !== 'Gzip') throw new Unsupported('a ModelDataSource other than one gzip object');
  return parseS3(string(s3, 'S3Uri'));
}

function capture(given: JsonObject | undefined): Capture | undefined {
  if (given === undefined) return undefined;
  only(given, 'DataCaptureConfig', ['EnableCapture', 'InitialSamplingPercentage', 'DestinationS3Uri', 'KmsKeyId', 'CaptureOptions', 'CaptureContentTypeHeader']);
  const modes = array(given.CaptureOptions, 'CaptureOptions')
    .map((item) => oneOf(object(item, 'CaptureOptions[]'), 'CaptureMode', ['Input', 'Output', 'InputAndOutput']));
  if (modes.length < 1) throw invalid('CaptureOptions must have 1 to 32 items');
  const percentage = integer(given, 'InitialSamplingPercentage', 0, 100);
  const headers = optionalObject(given.CaptureContentTypeHeader, 'CaptureContentTypeHeader') ?? {};
  const { bucket, key } = parseS3(string(given, 'DestinationS3Uri'));
  if (given.EnableCapture === false || given.EnableCapture === 'false') return undefined;
  return {
    bucket,
    prefix: key.replace(/\/+$/, ''),
    percentage,
    input: modes.some((mode) => mode !== 'Output'),
    output: modes.some((mode) => mode !== 'Input'),
    csv: strings(headers.CsvContentTypes, 'CsvContentTypes'),
    json: strings(headers.JsonContentTypes, 'JsonContentTypes'),
  };
}
