import { Json, JsonObject, Unsupported } from '../cloud/types';

/** A request on its way through a method. */
export interface Exchange {
  readonly method: string;
  readonly headers: Record<string, string | undefined>;
  readonly query: Record<string, string>;
  readonly path: Record<string, string>;
  readonly body: Buffer;
  readonly context: JsonObject;
  readonly stageVariables: Record<string, string>;
}

/** What an integration answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** Value at a JSONPath of members and indexes. */
export function valueAt(value: Json, path: string): Json | undefined {
  const steps = [...path.matchAll(/\.([A-Za-z0-9_-]+)|\['([^']+)'\]|\["([^"]+)"\]|\[(\d+)\]/g)];
  if (`$${steps.map(([step]) => step).join('')}` !== path) throw new Unsupported(`the JSONPath ${path} in API Gateway`);
  let at: Json | undefined = value;
  for (const [, name, quoted, doubleQuoted, index] of steps) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Array.isArray(at) ? at[Number(index)] : at[name ?? quoted ?? doubleQuoted];
  }
  return at;
}

/** JSON of a body; nothing where it is none. */
export function jsonOf(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

const asText = (value: Json | undefined): string | undefined =>
  value === undefined || value === null ? undefined : typeof value === 'string' ? value : JSON.stringify(value);

/** The value of a mapping expression, such as `method.request.header.Accept`, `context.requestId` or `'text'`. */
export function mapped(expression: string, exchange: Exchange, answer?: Answer): string | undefined {
  const literal = /^'(.*)'$/s.exec(expression);
  if (literal !== null) return literal[1];
  const [, source, name] = /^(method\.request\.(?:header|querystring|path)|integration\.response\.header|context|stageVariables)\.(.+)$/.exec(expression) ?? [];
  switch (source) {
    case 'method.request.header': return exchange.headers[name.toLowerCase()];
    case 'method.request.querystring': return exchange.query[name];
    case 'method.request.path': return exchange.path[name];
    case 'integration.response.header': return answer?.headers[name.toLowerCase()];
    case 'context': return asText(valueAt(exchange.context, `$.${name}`));
    case 'stageVariables': return exchange.stageVariables[name];
    default: return mappedBody(expression, exchange, answer);
  }
}

function mappedBody(expression: string, exchange: Exchange, answer: Answer | undefined): string | undefined {
  const [, source, path] = /^(method\.request|integration\.response)\.body(?:\.(.+))?$/.exec(expression) ?? [];
  if (source === undefined) throw new Unsupported(`the mapping expression ${expression}`);
  const body = source === 'method.request' ? exchange.body : answer?.body ?? Buffer.alloc(0);
  if (path === undefined) return body.toString('utf8');
  return asText(valueAt(jsonOf(body) ?? null, `$.${path}`));
}
