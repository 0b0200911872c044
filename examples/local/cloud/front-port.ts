import { Agent, createServer, IncomingMessage, request, Server, ServerResponse } from 'http';
import { XML } from './authorization';
import { Principals } from './principals';
import { AwsError, Call, Clock, isRawAnswer, JsonObject, Principal, Service, Unsupported } from './types';

/** A call that ministack answers. Its input is known only where it is read on the way. */
export type ProxiedCall = Pick<Call, 'service' | 'operation' | 'method' | 'path' | 'input'>;

/** What the front port asks and tells on the way. */
export interface FrontPortHooks {
  /** Throws where the principal may not do it. Asked for restricted principals and for people only. */
  authorize(call: Call): Promise<void>;
  /** After ministack has answered a call that may have put something into a queue of the local cloud. */
  proxied(call: ProxiedCall, answer: JsonObject | undefined): void;
  /** Something was called that the local cloud does not do, or a stand-in failed. */
  fault(error: Error, call: Call): void;
}

/** Services of ministack whose calls are read on their way through. */
const READ_ON_THE_WAY = new Set(['events', 'sns']);

/** The one port of the local cloud: routes by the service in the signature to a stand-in, else to ministack. */
export class FrontPort {
  private readonly services = new Map<string, Service>();
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  private readonly server: Server;

  constructor(
    private readonly clock: Clock, private readonly principals: Principals, private readonly hooks: FrontPortHooks,
    private readonly ministackPort: () => number,
  ) {
    this.server = createServer((incoming, outgoing) => {
      const work = this.handle(incoming, outgoing).catch((error: Error) => {
        if (!outgoing.headersSent) outgoing.writeHead(500);
        outgoing.end(String(error.message));
      });
      void this.clock.busy(work, `${incoming.headers['x-amz-target']?.toString() ?? `${incoming.method} ${incoming.url}`}`);
    });
    this.server.keepAliveTimeout = 600_000;
    this.server.requestTimeout = 0;
  }

  register(service: Service): void {
    for (const scope of service.scopes) {
      if (this.services.has(scope)) throw new Error(`two stand-ins for the service ${scope}`);
      this.services.set(scope, service);
    }
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.server.address();
    if (typeof address !== 'object' || !address) throw new Error('the front port has no address');
    return address.port;
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Calls a stand-in without the wire. */
  async call(service: string, operation: string, input: JsonObject, principal: Principal): Promise<JsonObject> {
    const found = this.services.get(service);
    if (!found) throw new Unsupported(`the service ${service}`);
    const answer = await found.handle({ service, operation, input, principal, method: 'POST', path: '/', headers: {}, body: Buffer.alloc(0) });
    if (isRawAnswer(answer)) throw new Unsupported(`${service} ${operation} from inside`);
    return answer;
  }

  private async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/';
    const signed = scopeOf(incoming, path);
    const principal = signed && this.principals.find(signed.accessKeyId);
    if (!signed || !principal) {
      await drainBody(incoming);
      const code = signed ? 'UnrecognizedClientException' : 'MissingAuthenticationToken';
      answerError(outgoing, new AwsError(code, 'the request has no signature of a principal of this local cloud', 403), incoming);
      return;
    }
    const service = this.services.get(signed.service);
    if (!service && !isLookedAt(principal) && !READ_ON_THE_WAY.has(signed.service)) {
      await this.proxy(incoming, outgoing, incoming);
      if (incoming.method !== 'GET' && incoming.method !== 'HEAD') {
        this.hooks.proxied({ service: signed.service, operation: '', method: incoming.method ?? '', path, input: {} }, undefined);
      }
      return;
    }
    const call = decode(incoming, path, signed.service, principal, await drainBody(incoming));
    try {
      if (isLookedAt(principal)) await this.hooks.authorize(service?.completed === undefined ? call : { ...call, input: service.completed(call) });
      if (service) {
        encode(outgoing, await service.handle(call), incoming);
        return;
      }
    } catch (error) {
      const problem = error instanceof Error ? error : new Error(String(error));
      if (!(problem instanceof AwsError)) this.hooks.fault(problem, call);
      answerError(outgoing, problem, incoming, XML.has(call.service));
      return;
    }
    const body = await this.proxy(incoming, outgoing, call.body);
    this.hooks.proxied(call, incoming.headers['x-amz-target'] ? JSON.parse(body.toString()) as JsonObject : undefined);
  }

  private proxy(incoming: IncomingMessage, outgoing: ServerResponse, body: IncomingMessage | Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const onward = request({
        host: '127.0.0.1', port: this.ministackPort(), method: incoming.method, path: incoming.url, headers: incoming.headers, agent: this.agent,
      }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        const chunks: Buffer[] = [];
        if (Buffer.isBuffer(body)) answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.pipe(outgoing);
        answer.on('end', () => resolve(Buffer.concat(chunks)));
        answer.on('error', reject);
      });
      onward.on('error', reject);
      if (Buffer.isBuffer(body)) onward.end(body);
      else body.pipe(onward);
    });
  }
}

/** Access key and service of a signed request. */
function scopeOf(incoming: IncomingMessage, path: string): { accessKeyId: string; service: string } | undefined {
  const header = incoming.headers.authorization ?? decodeURIComponent(/[?&]X-Amz-Credential=([^&]+)/.exec(path)?.[1] ?? '').replace(/^/, 'Credential=');
  const match = /Credential=([^/,]+)\/\d+\/[^/]+\/([^/]+)\/aws4_request/.exec(header);
  return match ? { accessKeyId: match[1], service: match[2] } : undefined;
}

/** (By events: an iterator over the chunks costs as much as all else that is done with a small request.) */
function drainBody(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    incoming.on('error', reject);
    incoming.on('close', () => reject(new Error('the caller went away')));
  });
}

function decode(incoming: IncomingMessage, path: string, service: string, principal: Principal, body: Buffer): Call {
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]));
  const target = headers['x-amz-target'];
  const type = headers['content-type'] ?? '';
  const method = incoming.method ?? 'GET';
  const base = { service, principal, method, path, headers, body };
  if (target) return { ...base, operation: target.slice(target.lastIndexOf('.') + 1), input: parse(body) };
  if (type.includes('x-www-form-urlencoded')) {
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    return { ...base, operation: form.Action ?? '', input: form };
  }
  return { ...base, operation: `${method} ${path}`, input: type.includes('json') ? parse(body) : {} };
}

function parse(body: Buffer): JsonObject {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString()) as JsonObject;
  } catch {
    // A REST call may carry any bytes under a JSON content type; who serves it has the raw body.
    return {};
  }
}

function encode(outgoing: ServerResponse, answer: Awaited<ReturnType<Service['handle']>>, incoming: IncomingMessage): void {
  if (isRawAnswer(answer)) {
    outgoing.writeHead(answer.status, answer.headers);
    outgoing.end(answer.body);
    return;
  }
  outgoing.writeHead(200, { 'content-type': jsonType(incoming) });
  outgoing.end(JSON.stringify(answer));
}

function answerError(outgoing: ServerResponse, error: Error, incoming: IncomingMessage, xml = false): void {
  const code = error instanceof AwsError || error instanceof Unsupported ? error.code : 'InternalFailure';
  const status = error instanceof AwsError ? error.status : error instanceof Unsupported ? 400 : 500;
  if (xml) {
    const inner = `<Code>${code}</Code><Message>${error.message.replace(/[<>&]/g, (sign) => `&#${sign.charCodeAt(0)};`)}</Message>`;
    // S3's errors are the whole document, those of the query protocol are wrapped.
    const rest = incoming.headers['content-type']?.includes('x-www-form-urlencoded') !== true;
    outgoing.writeHead(status, { 'content-type': 'application/xml' });
    outgoing.end(rest ? `<Error>${inner}</Error>` : `<ErrorResponse><Error><Type>Sender</Type>${inner}</Error></ErrorResponse>`);
    return;
  }
  outgoing.writeHead(status, { 'content-type': jsonType(incoming), 'x-amzn-errortype': code });
  outgoing.end(JSON.stringify({ __type: code, message: error.message, Message: error.message }));
}

function jsonType(incoming: IncomingMessage): string {
  const type = incoming.headers['content-type'] ?? '';
  return type.startsWith('application/x-amz-json') ? type : 'application/json';
}

function isLookedAt({ restricted, person }: Principal): boolean {
  return restricted || person === true;
}
