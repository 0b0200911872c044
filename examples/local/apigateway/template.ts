import { Compile, parse } from 'velocityjs';

import { Exchange, jsonOf, valueAt } from './exchange';
import { Json, Unsupported } from '../cloud/types';

/** What API Gateway's templates may use beside the request. */
const util = {
  base64Encode: (value: string) => Buffer.from(String(value), 'utf8').toString('base64'),
  base64Decode: (value: string) => Buffer.from(String(value), 'base64').toString('utf8'),
  escapeJavaScript: (value: string) => JSON.stringify(String(value)).slice(1, -1).replaceAll("'", "\\'").replaceAll('/', '\\/'),
  parseJson: (value: string) => JSON.parse(String(value)) as Json,
  urlEncode: (value: string) => encodeURIComponent(String(value)),
  urlDecode: (value: string) => decodeURIComponent(String(value)),
};

/** A mapping template, compiled once. */
export class Template {
  private readonly compiled: ReturnType<typeof parse>;

  constructor(written: string) {
    const unknown = [...written.matchAll(/\$!?\{?util\.(\w+)/g)].map(([, name]) => name).find((name) => !(name in util));
    if (unknown !== undefined) throw new Unsupported(`$util.${unknown} in a mapping template`);
    this.compiled = parse(written);
  }

  /** The text for a body, which is the request's or the integration's answer. */
  render(exchange: Exchange, body: Buffer): string {
    const read = (): Json => jsonOf(body) ?? null;
    const all = { path: exchange.path, querystring: exchange.query, header: exchange.headers };
    const input = {
      body: body.toString('utf8'),
      json: (path: string) => JSON.stringify(valueAt(read(), path) ?? null),
      path: (path: string) => valueAt(read(), path),
      params: (name?: string) => (name === undefined ? all : exchange.path[name] ?? exchange.query[name] ?? exchange.headers[name.toLowerCase()] ?? ''),
    };
    return new Compile(this.compiled).render({ input, util, context: exchange.context, stageVariables: exchange.stageVariables });
  }
}
