import { createHash } from 'node:crypto';
import { imageFolder } from './image';
import { checkVpcConfig } from './network';
import { Packages } from './packages';
import { Rights } from './rights';
import { arnOf, checkName, invalid, page, parseS3 } from './support';
import { AwsError, Cloud, JsonObject, Unsupported } from '../cloud/types';
import { array, object, only, optionalObject, optionalString, seconds, string } from '../cloudwatch/shape';

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

/** What can be served. */
export class Models {
  private readonly models = new Map<string, Model>();

  constructor(private readonly cloud: Cloud, private readonly packages: Packages) {}

  async create(input: JsonObject): Promise<JsonObject> {
    only(input, 'CreateModel', ['ModelName', 'PrimaryContainer', 'Containers', 'ExecutionRoleArn', 'VpcConfig', 'EnableNetworkIsolation', 'Tags']);
    const name = checkName(string(input, 'ModelName'), 'modelName');
    const arn = arnOf(this.cloud, 'model', name.toLowerCase());
    checkVpcConfig(input.VpcConfig);
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
    const unpulled = new Rights(this.cloud, roleArn).pull(image);
    if (unpulled !== undefined) throw invalid(`Could not pull the image ${image}. ${unpulled}`);
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

  describe(input: JsonObject): JsonObject {
    const { Tags, ...body } = this.model(string(input, 'ModelName')).body;
    return body;
  }

  delete(input: JsonObject): JsonObject {
    this.models.delete(this.model(string(input, 'ModelName')).name);
    return {};
  }

  list(input: JsonObject): JsonObject {
    only(input, 'ListModels', ['NameContains', 'MaxResults', 'NextToken', 'SortBy', 'SortOrder']);
    const wanted = [...this.models.values()].filter(({ name }) => name.includes(optionalString(input, 'NameContains') ?? '')).reverse();
    const { items, next } = page(wanted, input);
    return { Models: items.map(({ name, arn, body }) => ({ ModelName: name, ModelArn: arn, CreationTime: body.CreationTime })), ...next };
  }

  private async checkModelData({ bucket, key }: { bucket: string; key: string }, roleArn: string): Promise<void> {
    const unread = new Rights(this.cloud, roleArn).read(bucket, key);
    if (unread !== undefined) throw invalid(`Could not access model data at s3://${bucket}/${key}. ${unread}`);
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
