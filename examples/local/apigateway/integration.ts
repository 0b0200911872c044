import { Answer, Exchange, jsonOf, mapped } from './exchange';
import { Template } from './template';
import { object, objects, onlyKnown, optionalText, text, textMap } from '../cloud/members';
import { AwsError, Call, Cloud, isRawAnswer, JsonObject, Principal, Service, Unsupported } from '../cloud/types';

/** What a caller gets. */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer | string;
}

/** The services that an integration may call, by their name in its URI. */
export type Backends = Record<string, (cloud: Cloud) => Service>;

const HEADER = 'integration.request.header.';
const QUERY = 'integration.request.querystring.';
const PATH = 'integration.request.path.';

const media = (type: string | undefined): string => (type ?? 'application/json').split(';')[0].trim().toLowerCase();
const templates = (from: JsonObject, name: string): Map<string, Template> =>
  new Map(Object.entries(textMap(from, name)).map(([type, written]) => [media(type), new Template(written)]));

/** One way in which a method may answer. */
class IntegrationResponse {
  readonly status: number;
  private readonly pattern: RegExp | undefined;
  private readonly headers: [string, string][];
  private readonly templates: Map<string, Template>;

  constructor(from: JsonObject, where: string) {
    onlyKnown(from, ['StatusCode', 'SelectionPattern', 'ResponseParameters', 'ResponseTemplates', 'ContentHandling'], where);
    if (from.ContentHandling !== undefined) throw new Unsupported(`${where}.ContentHandling`);
    const pattern = optionalText(from, 'SelectionPattern');
    this.status = Number(text(from, 'StatusCode'));
    this.pattern = pattern === undefined || pattern === '' ? undefined : new RegExp(`^(?:${pattern})$`, 's');
    this.headers = Object.entries(textMap(from, 'ResponseParameters')).map(([target, expression]) => {
      if (!target.startsWith('method.response.header.')) throw new Unsupported(`${where}.ResponseParameters ${target}`);
      return [target.slice('method.response.header.'.length), expression];
    });
    this.templates = templates(from, 'ResponseTemplates');
  }

  get isDefault(): boolean {
    return this.pattern === undefined;
  }

  get headerNames(): string[] {
    return this.headers.map(([name]) => name);
  }

  matches(status: number): boolean {
    return this.pattern?.test(String(status)) ?? false;
  }

  reply(exchange: Exchange, answer: Answer): Reply {
    const template = this.templates.get(media(exchange.headers.accept)) ?? [...this.templates.values()][0];
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    for (const [name, expression] of this.headers) {
      const value = mapped(expression, exchange, answer);
      if (value !== undefined) headers[name.toLowerCase()] = value;
    }
    return { status: this.status, headers, body: template === undefined ? answer.body : template.render(exchange, answer.body) };
  }
}

/** An integration with an AWS service. */
export class Integration {
  private readonly service: string;
  private readonly target: { readonly kind: string; readonly value: string };
  private readonly method: string;
  private readonly roleArn: string;
  private readonly parameters: [string, string][];
  private readonly requestTemplates: Map<string, Template>;
  private readonly passthrough: string;
  private readonly responses: IntegrationResponse[];

  constructor(from: JsonObject, where: string, private readonly backends: Backends) {
    onlyKnown(from, [
      'Credentials', 'IntegrationHttpMethod', 'IntegrationResponses', 'PassthroughBehavior', 'RequestParameters', 'RequestTemplates', 'TimeoutInMillis', 'Type', 'Uri',
    ], where);
    if (text(from, 'Type') !== 'AWS') throw new Unsupported(`${where}.Type ${text(from, 'Type')}`);
    const uri = text(from, 'Uri');
    const [, service, kind, value] = /^arn:[^:]+:apigateway:[^:]+:([^:]+):(path|action)\/(.*)$/s.exec(uri) ?? [];
    if (service === undefined || !(service in backends)) throw new Unsupported(`${where}.Uri ${uri}`);
    this.service = service;
    this.target = { kind, value };
    this.method = text(from, 'IntegrationHttpMethod');
    this.roleArn = text(from, 'Credentials');
    this.parameters = Object.entries(textMap(from, 'RequestParameters'));
    this.requestTemplates = templates(from, 'RequestTemplates');
    this.passthrough = optionalText(from, 'PassthroughBehavior') ?? 'WHEN_NO_MATCH';
    this.responses = objects(from, 'IntegrationResponses').map((response) => new IntegrationResponse(response, `${where}.IntegrationResponses`));
  }

  /** A header may be answered only where the method declares it, as API Gateway demands. */
  check(declared: ReadonlyMap<number, readonly string[]>, where: string): void {
    for (const { status, headerNames } of this.responses) {
      const known = declared.get(status);
      if (known === undefined) throw new AwsError('NotFoundException', `${where}: there is no method response ${status}`);
      const missing = headerNames.find((name) => !known.includes(name));
      if (missing !== undefined) throw new AwsError('BadRequestException', `${where}: Invalid mapping expression specified: method.response.header.${missing} of ${status} is not declared`);
    }
  }

  async run(exchange: Exchange, cloud: Cloud): Promise<Reply> {
    const body = this.requestBody(exchange);
    if (body === undefined) return { status: 415, headers: { 'content-type': 'application/json' }, body: '{"message": "Unsupported Media Type"}' };
    const answer = await this.ask(this.call(exchange, body), cloud);
    const response = this.responses.find((candidate) => candidate.matches(answer.status)) ?? this.responses.find(({ isDefault }) => isDefault);
    if (response === undefined) return { status: 500, headers: { 'content-type': 'application/json' }, body: '{"message": "Internal server error"}' };
    return response.reply(exchange, answer);
  }

  private requestBody(exchange: Exchange): Buffer | undefined {
    const template = this.requestTemplates.get(media(exchange.headers['content-type']));
    if (template !== undefined) return Buffer.from(template.render(exchange, exchange.body));
    const passes = this.passthrough === 'WHEN_NO_MATCH' || (this.passthrough === 'WHEN_NO_TEMPLATES' && this.requestTemplates.size === 0);
    return passes ? exchange.body : undefined;
  }

  private call(exchange: Exchange, body: Buffer): Call {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    const query = new URLSearchParams();
    let path = this.target.value.replace(/^\/*/, '/');
    for (const [target, expression] of this.parameters) {
      const value = mapped(expression, exchange);
      if (value === undefined) continue;
      if (target.startsWith(HEADER)) headers[target.slice(HEADER.length).toLowerCase()] = value;
      else if (target.startsWith(QUERY)) query.set(target.slice(QUERY.length), value);
      else if (target.startsWith(PATH)) path = path.replaceAll(`{${target.slice(PATH.length)}}`, encodeURIComponent(value));
      else throw new Unsupported(`the request parameter ${target} of an integration`);
    }
    const action = this.target.kind === 'action';
    const json = jsonOf(body);
    const input = action && typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {};
    const url = action ? '/' : `${path}${query.size > 0 ? `?${query.toString()}` : ''}`;
    const principal: Principal = { arn: this.roleArn, name: this.roleArn.slice(this.roleArn.lastIndexOf('/') + 1), restricted: false };
    return {
      service: this.service, operation: action ? this.target.value : `${this.method} ${url}`, input, principal, method: this.method, path: url, headers, body,
    };
  }

  private async ask(call: Call, cloud: Cloud): Promise<Answer> {
    const json = (status: number, value: JsonObject, headers: Record<string, string> = {}): Answer =>
      ({ status, headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(JSON.stringify(value)) });
    try {
      const answer = await this.backends[this.service](cloud).handle(call);
      if (!isRawAnswer(answer)) return json(200, answer);
      const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value]));
      return { status: answer.status, headers, body: Buffer.from(answer.body) };
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return json(error.status, { message: error.message }, { 'x-amzn-errortype': error.code });
    }
  }
}

/** The declared headers of each method response. */
export function declaredHeaders(method: JsonObject): ReadonlyMap<number, readonly string[]> {
  return new Map(objects(method, 'MethodResponses').map((response) => [
    Number(text(response, 'StatusCode')), Object.keys(object(response, 'ResponseParameters')).map((name) => name.replace('method.response.header.', '')),
  ]));
}
