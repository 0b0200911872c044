import { createHash } from 'crypto';
import { FunctionError } from './lambda-environment';
import { onlyKnown } from './members';
import { sessionOf } from './principals';
import { AwsError, Call, Cloud, Deployed, Json, JsonObject, RawAnswer, Resource, Unsupported } from './types';

/** Where function URLs are answered at the front port, to requests that are signed for `lambda`: below it the function's name. */
const PREFIX = '/lambda-url/';

export function isUrlCall({ path }: Pick<Call, 'path'>): boolean {
  return path.startsWith(PREFIX);
}

/** The function that a call to a URL is for. */
export function calledFunction({ path }: Pick<Call, 'path'>): string {
  return decodeURIComponent(path.slice(PREFIX.length).split(/[/?]/)[0]);
}

/** Function URLs with IAM: whom the policies let in is handed on to the function, as Lambda does in its payload format 2.0. */
export class FunctionUrls {
  private readonly functions = new Map<string, string>();

  constructor(private readonly cloud: () => Cloud, private readonly invoke: (name: string, event: Json) => Promise<Json>) {}

  async create({ properties, type }: Resource): Promise<Deployed> {
    onlyKnown(properties, ['AuthType', 'InvokeMode', 'TargetFunctionArn'], type);
    if (properties.AuthType !== 'AWS_IAM') throw new Unsupported(`${type} with AuthType ${String(properties.AuthType)}`);
    if ((properties.InvokeMode ?? 'BUFFERED') !== 'BUFFERED') throw new Unsupported(`${type} with InvokeMode ${String(properties.InvokeMode)}`);
    const arn = String(properties.TargetFunctionArn);
    const name = arn.slice(arn.indexOf(':function:') + ':function:'.length);
    const id = createHash('sha256').update(arn).digest('hex').slice(0, 32);
    this.functions.set(id, name);
    return { ref: arn, attributes: { FunctionArn: arn, FunctionUrl: `https://${id}.lambda-url.${this.cloud().region}.on.aws/` } };
  }

  delete({ attributes }: Deployed): void {
    this.functions.delete(new URL(attributes.FunctionUrl).host.split('.')[0]);
  }

  /** Where a function URL, as the template's outputs give it, is answered on this machine. */
  localUrl(url: string): string {
    const { host, pathname } = new URL(url);
    const name = this.functions.get(host.split('.')[0]);
    if (name === undefined) throw new Error(`${url} is no function URL of this local cloud`);
    return `${this.cloud().endpoint}${PREFIX}${name}${pathname}`;
  }

  async handle(call: Call): Promise<RawAnswer> {
    const name = calledFunction(call);
    const id = [...this.functions].find(([, each]) => each === name)?.[0];
    if (id === undefined) throw new AwsError('ForbiddenException', 'Forbidden', 403);
    try {
      return answerOf(await this.invoke(name, this.event(call, id)));
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      return { status: 502, headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'InternalFailure' }, body: '{"Message":"Internal Server Error"}' };
    }
  }

  private event({ method, path, headers, body, principal }: Call, id: string): JsonObject {
    const { account: accountId, region, clock } = this.cloud();
    const { pathname, search, searchParams } = new URL(path, 'http://local');
    const rawPath = `/${pathname.slice(PREFIX.length).split('/').slice(1).join('/')}`;
    const isText = /^(text\/|application\/(json|xml|javascript))/.test(headers['content-type'] ?? '');
    const now = clock.now();
    return {
      version: '2.0',
      routeKey: '$default',
      rawPath,
      rawQueryString: search.slice(1),
      headers: Object.fromEntries(Object.entries(headers).filter(([header, value]) => value !== undefined && header !== 'authorization')) as JsonObject,
      ...(search === '' ? {} : { queryStringParameters: Object.fromEntries(searchParams) }),
      requestContext: {
        accountId,
        apiId: id,
        authentication: null,
        authorizer: {
          iam: {
            accessKey: 'LOCAL', accountId, callerId: principal.name, cognitoIdentity: null, principalOrgId: null, userArn: sessionOf(principal), userId: principal.name,
          },
        },
        domainName: `${id}.lambda-url.${region}.on.aws`,
        domainPrefix: id,
        http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: headers['user-agent'] ?? '' },
        requestId: crypto.randomUUID(),
        routeKey: '$default',
        stage: '$default',
        time: now.toUTCString(),
        timeEpoch: now.getTime(),
      },
      ...(body.length === 0 ? {} : { body: body.toString(isText ? 'utf8' : 'base64') }),
      isBase64Encoded: body.length > 0 && !isText,
    };
  }
}

/** A function may answer with a status, or with anything else, which is then the body. */
function answerOf(result: Json): RawAnswer {
  const { statusCode, headers, body, isBase64Encoded } = (typeof result === 'object' && result !== null && 'statusCode' in result ? result : {}) as {
    statusCode?: number; headers?: Record<string, string>; body?: string; isBase64Encoded?: boolean;
  };
  if (statusCode === undefined) return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(result) };
  return {
    status: statusCode, headers: { 'content-type': 'application/json', ...headers }, body: isBase64Encoded === true ? Buffer.from(body ?? '', 'base64') : body ?? '',
  };
}
