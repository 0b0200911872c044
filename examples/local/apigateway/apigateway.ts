import { createHash, randomUUID } from 'node:crypto';

import { Api } from './api';
import { Exchange } from './exchange';
import { Backends, Reply } from './integration';
import { Lookup, Method } from './method';
import { imported } from './open-api';
import { flag, object, onlyKnown, optionalText, parseObject, text, textMap } from '../cloud/members';
import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, RawAnswer, Resource, Service, StandIn, Unsupported } from '../cloud/types';
import { Firehose } from '../firehose/firehose';
import { SageMaker } from '../sagemaker/sagemaker';

const SERVED: Backends = {
  'firehose': (cloud) => cloud.find(Firehose),
  'runtime.sagemaker': (cloud) => cloud.find(SageMaker).services[0],
};

/**
 * Amazon API Gateway's REST APIs: the template's methods, with validators, mappings and AWS integrations.
 *
 * A stage answers at the front port below `/<api>/<stage>`, to requests that are signed for `execute-api`.
 */
export class ApiGateway implements StandIn, Service, Provisioner {
  readonly describes = [{ service: 'API Gateway', by: 'the synthesized methods: validators, VTL mappings by velocityjs, AWS integrations; stages do not throttle' }];
  readonly services = [this];
  readonly provisioners = [this];
  readonly scopes = ['execute-api'];
  readonly types = ['Account', 'Deployment', 'Method', 'Model', 'RequestValidator', 'Resource', 'RestApi', 'Stage'].map((name) => `AWS::ApiGateway::${name}`);
  private readonly apis = new Map<string, Api>();
  private cloud: Cloud | undefined;

  constructor(private readonly backends: Backends = SERVED) {}

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  /** Where the address of a stage, as the template's outputs give it, is answered on this machine. */
  localUrl(url: string): string {
    const { host, pathname } = new URL(url);
    return `${this.at.endpoint}/${host.split('.')[0]}${pathname}`;
  }

  async create(resource: Resource): Promise<Deployed> {
    const { properties, type, path } = resource;
    const id = createHash('sha256').update(path).digest('hex').replace(/[^0-9a-z]/g, '').slice(0, 10);
    const kind = type.slice('AWS::ApiGateway::'.length);
    switch (kind) {
      case 'Account': return { ref: id, attributes: { Id: id } };
      case 'RestApi': return this.createApi(properties, type, id);
      case 'Resource':
        onlyKnown(properties, ['ParentId', 'PathPart', 'RestApiId'], type);
        this.api(properties).addResource(id, text(properties, 'ParentId'), text(properties, 'PathPart'));
        return { ref: id, attributes: { ResourceId: id } };
      case 'Model': return this.createModel(properties, type, id);
      case 'RequestValidator':
        onlyKnown(properties, ['Name', 'RestApiId', 'ValidateRequestBody', 'ValidateRequestParameters'], type);
        this.api(properties).validators.set(id, { body: flag(properties, 'ValidateRequestBody', false), parameters: flag(properties, 'ValidateRequestParameters', false) });
        return { ref: id, attributes: { RequestValidatorId: id } };
      case 'Method': {
        const api = this.api(properties);
        const method = new Method(properties, type, lookup(api), this.backends);
        api.addMethod(text(properties, 'ResourceId'), method);
        return { ref: id, attributes: {} };
      }
      case 'Deployment':
        onlyKnown(properties, ['Description', 'RestApiId'], type);
        this.api(properties).deployments.add(id);
        return { ref: id, attributes: { DeploymentId: id } };
      default: return this.createStage(properties, type);
    }
  }

  async handle(call: Call): Promise<RawAnswer> {
    const requestId = randomUUID();
    try {
      const reply = await this.answer(call, requestId);
      return { ...reply, headers: { ...reply.headers, 'x-amzn-requestid': requestId } };
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return {
        status: error.status,
        headers: { 'content-type': 'application/json', 'x-amzn-requestid': requestId, 'x-amzn-errortype': error.code },
        body: JSON.stringify({ message: error.message }),
      };
    }
  }

  private get at(): Cloud {
    if (this.cloud === undefined) throw new Error('API Gateway has not been started');
    return this.cloud;
  }

  private async answer(call: Call, requestId: string): Promise<Reply> {
    const { clock, account } = this.at;
    const [pathname, search = ''] = call.path.split('?', 2);
    const [, apiId, stage, ...rest] = pathname.split('/');
    const api = this.apis.get(apiId);
    const variables = api?.stages.get(stage ?? '');
    const path = `/${rest.join('/')}`;
    const route = variables === undefined ? undefined : api?.route(call.method, path);
    // API Gateway says the same of a path that is not there
    if (variables === undefined || route === undefined) throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
    const now = clock.now();
    const exchange: Exchange = {
      method: call.method,
      headers: call.headers,
      query: Object.fromEntries(new URLSearchParams(search)),
      path: route.parameters,
      body: call.body,
      stageVariables: variables,
      context: {
        requestId,
        extendedRequestId: requestId,
        apiId,
        stage,
        accountId: account,
        httpMethod: call.method,
        path: pathname.slice(apiId.length + 1),
        resourcePath: route.resourcePath,
        protocol: 'HTTP/1.1',
        requestTimeEpoch: now.getTime(),
        requestTime: now.toUTCString(),
        identity: { userArn: call.principal.arn, caller: call.principal.name, user: call.principal.name, accountId: account, sourceIp: '127.0.0.1', userAgent: call.headers['user-agent'] ?? '' },
      },
    };
    return route.method.answer(exchange, this.at);
  }

  private createApi(properties: JsonObject, type: string, id: string): Deployed {
    onlyKnown(properties, ['ApiKeySourceType', 'Body', 'Description', 'DisableExecuteApiEndpoint', 'EndpointConfiguration', 'Name', 'Policy', 'Tags'], type);
    if (properties.Policy !== undefined) throw new Unsupported(`${type}.Policy`);
    const api = new Api(id, `${id}root`);
    this.apis.set(id, api);
    for (const { resourceId, properties: method } of properties.Body === undefined ? [] : imported(object(properties, 'Body'), api)) {
      api.addMethod(resourceId, new Method(method, `${type}.Body`, lookup(api), this.backends));
    }
    return { ref: id, attributes: { RootResourceId: api.rootId, RestApiId: id } };
  }

  private createModel(properties: JsonObject, type: string, id: string): Deployed {
    onlyKnown(properties, ['ContentType', 'Description', 'Name', 'RestApiId', 'Schema'], type);
    const name = optionalText(properties, 'Name') ?? `model${id}`;
    const schema = typeof properties.Schema === 'string' ? parseObject(properties.Schema, 'a schema') : object(properties, 'Schema');
    this.api(properties).models.set(name, schema);
    return { ref: name, attributes: {} };
  }

  private createStage(properties: JsonObject, type: string): Deployed {
    onlyKnown(properties, [
      'AccessLogSetting', 'DeploymentId', 'Description', 'MethodSettings', 'RestApiId', 'StageName', 'Tags', 'TracingEnabled', 'Variables',
    ], type);
    const api = this.api(properties);
    const deployment = text(properties, 'DeploymentId');
    if (!api.deployments.has(deployment)) throw new AwsError('BadRequestException', `there is no deployment ${deployment}`);
    api.stages.set(text(properties, 'StageName'), textMap(properties, 'Variables'));
    return { ref: text(properties, 'StageName'), attributes: {} };
  }

  private api(properties: JsonObject): Api {
    const id = text(properties, 'RestApiId');
    const found = this.apis.get(id);
    if (found === undefined) throw new AwsError('NotFoundException', `there is no API ${id}`);
    return found;
  }
}

const lookup = (api: Api): Lookup => ({
  validator: (id) => {
    const found = api.validators.get(id);
    if (found === undefined) throw new AwsError('NotFoundException', `there is no request validator ${id}`);
    return found;
  },
  schema: (model) => {
    const found = api.models.get(model);
    if (found === undefined) throw new AwsError('NotFoundException', `there is no model ${model}`);
    return found;
  },
});
