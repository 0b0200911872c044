import { mkdirSync, writeFileSync } from 'fs';
import * as path from 'path';
import { FunctionUrls, isUrlCall } from './function-urls';
import { FunctionCode, FunctionError } from './lambda-environment';
import { FunctionPool } from './lambda-pool';
import { onlyKnown } from './members';
import { physicalName } from './names';
import {
  AwsError, Call, Cloud, Deployed, Json, JsonObject, Provisioner, RawAnswer, Resource, Service, StandIn, Target, Unsupported,
} from './types';

const MAX_ENVIRONMENTS = 4;
/** What is only a part of its function ends with it. */
const withFunction = async (): Promise<void> => undefined;
const PROPERTIES = [
  'Architectures', 'Code', 'DeadLetterConfig', 'Description', 'Environment', 'EphemeralStorage', 'FunctionName', 'Handler', 'KmsKeyArn',
  'LoggingConfig', 'MemorySize', 'ReservedConcurrentExecutions', 'Role', 'Runtime', 'Tags', 'Timeout', 'TracingConfig', 'VpcConfig',
];

interface Function {
  readonly code: FunctionCode;
  readonly pool: FunctionPool;
  asynchronous: { attempts: number; onSuccess?: string; onFailure?: string };
}

/** Lambda: the shipped bundles, in threads that stay warm. Their timeouts are real seconds. */
export class Lambda implements StandIn {
  readonly describes = [{ service: 'Lambda', by: 'the shipped bundle in a worker thread, error names kept' }];
  readonly services: Service[] = [{ scopes: ['lambda'], handle: (call) => this.handle(call) }];
  readonly targets: Target[] = [{ services: ['lambda'], deliver: async (arn, input) => this.invokeLater(arn, input) }];
  readonly provisioners: Provisioner[] = [
    { types: ['AWS::Lambda::Function'], create: (resource) => this.createFunction(resource), delete: (_, { ref }) => this.deleteFunction(ref) },
    { types: ['AWS::Lambda::Permission'], create: async ({ path: at }) => ({ ref: at, attributes: {} }), delete: withFunction },
    { types: ['AWS::Lambda::Url'], create: (resource) => this.urls.create(resource), delete: async (_, deployed) => this.urls.delete(deployed) },
    { types: ['AWS::Lambda::EventInvokeConfig'], create: (resource) => this.configureInvocation(resource), delete: withFunction },
    { types: ['AWS::Lambda::Version'], create: (resource) => this.createVersion(resource), delete: withFunction },
    { types: ['AWS::Lambda::Alias'], create: (resource) => this.createAlias(resource), delete: withFunction },
  ];
  readonly urls = new FunctionUrls(() => this.cloud, (name, event) => this.invoke(name, event));
  private readonly functions = new Map<string, Function>();
  private cloud!: Cloud;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.functions.values()].map(({ pool }) => pool.stop()));
  }

  /** Invokes a function that may itself wait for the clock, which does not wait for it. */
  async run(nameOrArn: string, event: Json): Promise<Json> {
    return this.find(nameOrArn).pool.invoke(event);
  }

  /** Invokes a function and waits for its answer; rejects with a `FunctionError`. */
  invoke(nameOrArn: string, event: Json): Promise<Json> {
    const called = this.find(nameOrArn);
    return this.cloud.clock.busy(called.pool.invoke(event), `function ${called.code.name}`);
  }

  /** Invokes as an event does: twice more, a minute and then two later, where the function fails. */
  invokeLater(nameOrArn: string, event: Json): void {
    const called = this.find(nameOrArn);
    const attempt = async (number: number): Promise<void> => {
      try {
        const result = await called.pool.invoke(event);
        if (called.asynchronous.onSuccess) await this.report(called.asynchronous.onSuccess, called, event, number, { responsePayload: result });
      } catch (error) {
        if (!(error instanceof FunctionError)) throw error;
        this.cloud.log(`function ${called.code.name} failed (attempt ${number}): ${error.errorType}: ${error.errorMessage}`);
        if (number < called.asynchronous.attempts) {
          this.cloud.clock.after(number * 60_000, () => attempt(number + 1), `another attempt of ${called.code.name}`);
        } else if (called.asynchronous.onFailure) {
          await this.report(called.asynchronous.onFailure, called, event, number, { responsePayload: error.payload });
        }
      }
    };
    this.cloud.clock.after(0, () => attempt(1), `function ${called.code.name}`);
  }

  private async report(target: string, called: Function, event: Json, attempts: number, outcome: JsonObject): Promise<void> {
    const failed = 'errorType' in (outcome.responsePayload as JsonObject ?? {});
    await this.cloud.deliver(target, {
      version: '1.0',
      timestamp: this.cloud.clock.now().toISOString(),
      requestContext: {
        requestId: crypto.randomUUID(),
        functionArn: `${called.code.arn}:$LATEST`,
        condition: failed ? 'RetriesExhausted' : 'Success',
        approximateInvokeCount: attempts,
      },
      requestPayload: event,
      responseContext: { statusCode: 200, executedVersion: '$LATEST', ...failed ? { functionError: 'Unhandled' } : {} },
      ...outcome,
    });
  }

  private async handle(call: Call): Promise<JsonObject | RawAnswer> {
    if (isUrlCall(call)) return this.urls.handle(call);
    const match = /^\/2015-03-31\/functions\/([^/?]+)\/invocations/.exec(call.path);
    if (!match || call.method !== 'POST') throw new Unsupported(`lambda ${call.operation}`);
    const name = decodeURIComponent(match[1]);
    const event = call.body.length === 0 ? {} : JSON.parse(call.body.toString()) as Json;
    const headers = { 'content-type': 'application/json', 'x-amz-executed-version': '$LATEST' };
    if (call.headers['x-amz-invocation-type'] === 'Event') {
      this.invokeLater(name, event);
      return { status: 202, headers, body: '' };
    }
    try {
      return { status: 200, headers, body: JSON.stringify(await this.invoke(name, event)) };
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      return { status: 200, headers: { ...headers, 'x-amz-function-error': 'Unhandled' }, body: JSON.stringify(error.payload) };
    }
  }

  private find(nameOrArn: string): Function {
    const name = /function:([^:]+)/.exec(nameOrArn)?.[1] ?? nameOrArn.split(':')[0];
    const found = this.functions.get(name);
    if (!found) throw new AwsError('ResourceNotFoundException', `Function not found: ${nameOrArn}`, 404);
    return found;
  }

  private async createFunction(resource: Resource): Promise<Deployed> {
    const { properties } = resource;
    onlyKnown(properties, PROPERTIES, resource.type);
    const name = String(properties.FunctionName ?? physicalName(resource));
    const arn = `arn:${this.cloud.partition}:lambda:${this.cloud.region}:${this.cloud.account}:function:${name}`;
    const runtime = String(properties.Runtime);
    if (runtime.startsWith('nodejs')) {
      this.functions.set(name, this.made(resource, name, arn));
    } else if (!resource.logicalId.startsWith('BucketNotificationsHandler')) {
      // (The CDK's handler of Custom::S3BucketNotifications is never called: that resource is made directly.)
      throw new Unsupported(`the runtime ${runtime} of AWS::Lambda::Function`);
    }
    return { ref: name, attributes: { Arn: arn } };
  }

  private async deleteFunction(name: string): Promise<void> {
    const pool = this.functions.get(name)?.pool;
    this.functions.delete(name);
    await pool?.stop();
  }

  private made(resource: Resource, name: string, arn: string): Function {
    const { Code, Environment, Handler, MemorySize, ReservedConcurrentExecutions, Role, Timeout, DeadLetterConfig } = resource.properties;
    const memory = Number(MemorySize ?? 128);
    const code: FunctionCode = {
      name,
      arn,
      memory,
      handler: String(Handler),
      folder: this.codeFolder(Code as JsonObject, name),
      timeoutSeconds: Number(Timeout ?? 3),
      logFile: path.join(this.cloud.folders.logs, `${name}.log`),
      environment: {
        ...this.cloud.environment(String(Role)),
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
        ...(Environment as { Variables?: Record<string, string> } | undefined)?.Variables,
      },
    };
    return {
      code,
      pool: new FunctionPool(code, Math.min(MAX_ENVIRONMENTS, Number(ReservedConcurrentExecutions ?? MAX_ENVIRONMENTS))),
      asynchronous: { attempts: 3, onFailure: (DeadLetterConfig as { TargetArn?: string } | undefined)?.TargetArn },
    };
  }

  private codeFolder(code: JsonObject, name: string): string {
    onlyKnown(code, ['S3Bucket', 'S3Key', 'ZipFile'], 'AWS::Lambda::Function.Code');
    if (typeof code.S3Key === 'string') return this.cloud.assetPath(code.S3Key);
    const folder = path.join(this.cloud.folders.temp, 'functions', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'index.js'), String(code.ZipFile));
    return folder;
  }

  private async configureInvocation({ properties, type, path: at }: Resource): Promise<Deployed> {
    onlyKnown(properties, ['FunctionName', 'Qualifier', 'MaximumRetryAttempts', 'MaximumEventAgeInSeconds', 'DestinationConfig'], type);
    const configured = this.find(String(properties.FunctionName));
    const { OnSuccess, OnFailure } = (properties.DestinationConfig ?? {}) as Record<string, { Destination?: string } | undefined>;
    configured.asynchronous = {
      attempts: 1 + Number(properties.MaximumRetryAttempts ?? 2),
      onSuccess: OnSuccess?.Destination,
      onFailure: OnFailure?.Destination ?? configured.asynchronous.onFailure,
    };
    return { ref: at, attributes: {} };
  }

  private async createVersion({ properties }: Resource): Promise<Deployed> {
    const { arn } = this.find(String(properties.FunctionName)).code;
    return { ref: `${arn}:1`, attributes: { Version: '1', FunctionArn: `${arn}:1` } };
  }

  private async createAlias({ properties, type }: Resource): Promise<Deployed> {
    onlyKnown(properties, ['FunctionName', 'FunctionVersion', 'Name', 'Description'], type);
    const { arn } = this.find(String(properties.FunctionName)).code;
    return { ref: `${arn}:${String(properties.Name)}`, attributes: { AliasArn: `${arn}:${String(properties.Name)}` } };
  }
}
