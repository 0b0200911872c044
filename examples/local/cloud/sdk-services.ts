import { createRequire } from 'module';
import { AwsError, ClientConfiguration, Cloud, Json, JsonObject, Unsupported } from './types';
import { jsonCall } from './wire';

/**
 * AWS SDK integrations of Step Functions and Scheduler (`aws-sdk:service:action`), made with the project's own SDK
 * clients. Both say members in PascalCase whatever the service's model says, and name errors after the classes of the
 * Java SDK: `DynamoDb.ConditionalCheckFailedException`, and the service's base class for errors that its model does
 * not have, e.g. `SageMaker.SageMakerException` for a ValidationException.
 */
interface SdkService {
  readonly client: string;
  /** The service's name in error names. */
  readonly name: string;
  /** The model writes members in camelCase. */
  readonly camel?: true;
}

const SERVICES: Record<string, SdkService> = {
  applicationautoscaling: { client: 'application-auto-scaling', name: 'ApplicationAutoScaling' },
  athena: { client: 'athena', name: 'Athena' },
  cloudwatch: { client: 'cloudwatch', name: 'CloudWatch' },
  codepipeline: { client: 'codepipeline', name: 'CodePipeline', camel: true },
  dynamodb: { client: 'dynamodb', name: 'DynamoDb' },
  eventbridge: { client: 'eventbridge', name: 'EventBridge' },
  firehose: { client: 'firehose', name: 'Firehose' },
  glue: { client: 'glue', name: 'Glue' },
  kms: { client: 'kms', name: 'Kms' },
  lambda: { client: 'lambda', name: 'Lambda' },
  s3: { client: 's3', name: 'S3' },
  sagemaker: { client: 'sagemaker', name: 'SageMaker' },
  sagemakerruntime: { client: 'sagemaker-runtime', name: 'SageMakerRuntime' },
  sfn: { client: 'sfn', name: 'Sfn', camel: true },
  sns: { client: 'sns', name: 'Sns' },
  sqs: { client: 'sqs', name: 'Sqs' },
  sts: { client: 'sts', name: 'Sts' },
};

interface Client {
  send(command: object): Promise<Record<string, unknown>>;
}
type SdkModule = Record<string, new (argument: unknown) => object>;

/** An error of a task: what `Retry` and `Catch` match, and what they pass on. */
export class TaskError extends Error {
  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
  }
}

const load = createRequire(__filename);

/** Actions of services whose SDK client the project has no other use for: the JSON protocol's target. */
const WITHOUT_CLIENT: Record<string, { name: string; target: string; actions: string[] }> = {
  ecr: { name: 'Ecr', target: 'AmazonEC2ContainerRegistry_V20150921', actions: ['batchDeleteImage'] },
};

export function hasSdkAction(service: string, action: string): boolean {
  if (WITHOUT_CLIENT[service]?.actions.includes(action) === true) return true;
  return service in SERVICES && commandOf(SERVICES[service], action) !== undefined;
}

/** The service's name in error names. */
export function sdkName(service: string): string {
  return SERVICES[service]?.name ?? service;
}

/** Calls an action as the role does; throws a `TaskError`. */
export async function sdkCall(cloud: Cloud, service: string, action: string, input: JsonObject, roleArn: string | undefined): Promise<JsonObject> {
  if (WITHOUT_CLIENT[service]?.actions.includes(action) === true) return plainCall(cloud, service, action, input, roleArn);
  const sdk = SERVICES[service];
  const command = sdk && commandOf(sdk, action);
  if (!command) throw new Unsupported(`aws-sdk:${service}:${action}`);
  const module = moduleOf(sdk);
  const client = cloud.client(clientOf(sdk) as unknown as new (configuration: ClientConfiguration) => Client, roleArn);
  try {
    const { $metadata, ...answer } = await client.send(new command(typed(sdk.camel ? recased(input, lower) : input)));
    const plain = await toJson(answer) as JsonObject;
    return sdk.camel ? recased(plain, upper) as JsonObject : plain;
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'UnsupportedByLocalCloud') throw new Unsupported(`${message.replace(/^the local cloud does not support /, '')}`);
    throw new TaskError(`${sdk.name}.${errorClass(module, name, sdk)}`, `${message} (Service: ${sdk.name}, Error Code: ${name})`);
  }
}

async function plainCall(cloud: Cloud, service: string, action: string, input: JsonObject, roleArn: string | undefined): Promise<JsonObject> {
  const { name, target } = WITHOUT_CLIENT[service];
  const caller = { endpoint: cloud.endpoint, region: cloud.region, accessKeyId: cloud.environment(roleArn).AWS_ACCESS_KEY_ID };
  try {
    return recased(await jsonCall(caller, service, `${target}.${upper(action)}`, recased(input, lower) as JsonObject), upper) as JsonObject;
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw new TaskError(`${name}.${error.code}`, `${error.message} (Service: ${name}, Error Code: ${error.code})`);
  }
}

function errorClass(module: SdkModule, code: string, sdk: SdkService): string {
  const modeled = module[code] as { prototype?: unknown } | undefined;
  if (!(modeled?.prototype instanceof Error)) return `${sdk.name}Exception`;
  return code.endsWith('Exception') ? code : `${code.replace(/Error$/, '')}Exception`;
}

function moduleOf(sdk: SdkService): SdkModule {
  return load(`@aws-sdk/client-${sdk.client}`) as SdkModule;
}

/** What the modules' clients are called, which is looked for among thousands of names. */
const clients = new Map<string, string>();

function clientOf(sdk: SdkService): SdkModule[string] {
  const module = moduleOf(sdk);
  const name = clients.get(sdk.client) ?? Object.keys(module).find((each) => each.endsWith('Client') && !each.startsWith('__')) ?? '';
  clients.set(sdk.client, name);
  return module[name];
}

function commandOf(sdk: SdkService, action: string): SdkModule[string] | undefined {
  return moduleOf(sdk)[`${upper(action)}Command`];
}

const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
const lower = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

function recased(value: Json, change: (name: string) => string): Json {
  if (Array.isArray(value)) return value.map((item) => recased(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [change(name), recased(inner, change)]));
}

const TIMES = /(Time|TimeAfter|TimeBefore|Timestamp)$/;
const BLOBS = /^(Body|Data|Payload)$/;

/** The SDK's types for what a definition can only write as text: points in time, and bytes. */
function typed(value: Json, member = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => typed(item, member));
  if (typeof value === 'object' && value !== null && !BLOBS.test(member)) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, typed(inner, name)]));
  }
  if (BLOBS.test(member)) return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return typeof value === 'string' && TIMES.test(member) && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : value;
}

async function toJson(value: unknown): Promise<Json> {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return Promise.all(value.map(toJson));
  if (typeof value !== 'object') return value as Json;
  if ('transformToString' in value) return (value as { transformToString(): Promise<string> }).transformToString();
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(await Promise.all(entries.map(async ([name, inner]) => [name, await toJson(inner)] as const)));
}
