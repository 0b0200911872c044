import { Models } from './models';
import { arnOf, checkName, invalid, nameOf, page, parseS3 } from './support';
import { Cloud, JsonObject } from '../cloud/types';
import { array, integer, object, oneOf, only, optionalNumber, optionalObject, optionalString, seconds, string, strings } from '../cloudwatch/shape';

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

/** Endpoint configs, by SageMaker's rules. */
export class EndpointConfigs {
  private readonly configs = new Map<string, EndpointConfig>();

  constructor(private readonly cloud: Cloud, private readonly models: Models, private readonly inUse: (config: string) => string | undefined) {}

  create(input: JsonObject): JsonObject {
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
      body: { ...input, EndpointConfigArn: arn, CreationTime: seconds(this.cloud.clock.now().getTime()) },
      production,
      shadow: shadows[0],
      capture: capture(optionalObject(input.DataCaptureConfig, 'DataCaptureConfig')),
    });
    return { EndpointConfigArn: arn };
  }

  get(name: string): EndpointConfig {
    const config = this.configs.get(name);
    if (config === undefined) throw invalid(`Could not find endpoint configuration "${arnOf(this.cloud, 'endpoint-config', name.toLowerCase())}".`);
    return config;
  }

  describe(input: JsonObject): JsonObject {
    const { Tags, ...body } = this.get(string(input, 'EndpointConfigName')).body;
    return body;
  }

  delete(input: JsonObject): JsonObject {
    const { name } = this.get(string(input, 'EndpointConfigName'));
    const endpoint = this.inUse(name);
    // SageMaker's documentation forbids it, since the endpoint's instance type is lost with it.
    if (endpoint !== undefined) throw invalid(`Endpoint configuration ${name} is in use by endpoint ${endpoint}`);
    this.configs.delete(name);
    return {};
  }

  list(input: JsonObject): JsonObject {
    only(input, 'ListEndpointConfigs', ['NameContains', 'MaxResults', 'NextToken', 'SortBy', 'SortOrder']);
    const wanted = [...this.configs.values()].filter(({ name }) => name.includes(optionalString(input, 'NameContains') ?? '')).reverse();
    const { items, next } = page(wanted, input);
    return {
      EndpointConfigs: items.map(({ name, arn, body }) => ({
        EndpointConfigName: name, EndpointConfigArn: arn, CreationTime: body.CreationTime,
      })),
      ...next,
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
      modelName: this.models.model(nameOf(string(given, 'ModelName'))).name,
      instanceType: string(given, 'InstanceType'),
      instanceCount: integer(given, 'InitialInstanceCount', 1, 10_000),
      weight,
      startupSeconds: optionalNumber(given, 'ContainerStartupHealthCheckTimeoutInSeconds') ?? 120,
    };
  }
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
