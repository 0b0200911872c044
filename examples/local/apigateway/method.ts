import { Exchange, jsonOf } from './exchange';
import { Backends, declaredHeaders, Integration, Reply } from './integration';
import { compileSchema } from './schema';
import { flag, object, onlyKnown, optionalText, text, textMap } from '../cloud/members';
import { AwsError, Cloud, JsonObject, Unsupported } from '../cloud/types';

export interface Validator {
  readonly body: boolean;
  readonly parameters: boolean;
}

/** What a method refers to by id. */
export interface Lookup {
  validator(id: string): Validator;
  /** The JSON schema of a model. */
  schema(model: string): JsonObject;
}

type Check = ReturnType<typeof compileSchema>;

/** A method of a resource: what it demands of a request, and the integration behind it. */
export class Method {
  readonly httpMethod: string;
  private readonly required: string[];
  private readonly models: Map<string, Check>;
  private readonly validator: Validator;
  private readonly integration: Integration;

  constructor(properties: JsonObject, type: string, lookup: Lookup, backends: Backends) {
    onlyKnown(properties, [
      'ApiKeyRequired', 'AuthorizationType', 'HttpMethod', 'Integration', 'MethodResponses', 'OperationName', 'RequestModels', 'RequestParameters', 'RequestValidatorId',
      'ResourceId', 'RestApiId',
    ], type);
    const authorization = optionalText(properties, 'AuthorizationType') ?? 'NONE';
    if (authorization !== 'AWS_IAM') throw new Unsupported(`${type}.AuthorizationType ${authorization} (only AWS_IAM)`);
    if (flag(properties, 'ApiKeyRequired', false)) throw new Unsupported(`${type}.ApiKeyRequired`);
    const validator = optionalText(properties, 'RequestValidatorId');
    this.httpMethod = text(properties, 'HttpMethod');
    this.required = Object.entries(textMap(properties, 'RequestParameters')).filter(([, needed]) => needed === 'true').map(([name]) => name);
    this.models = new Map(Object.entries(textMap(properties, 'RequestModels')).map(([content, model]) => [content.toLowerCase(), compileSchema(lookup.schema(model))]));
    this.validator = validator === undefined ? { body: false, parameters: false } : lookup.validator(validator);
    this.integration = new Integration(object(properties, 'Integration'), `${type}.Integration`, backends);
    this.integration.check(declaredHeaders(properties), type);
  }

  async answer(exchange: Exchange, cloud: Cloud): Promise<Reply> {
    this.validate(exchange);
    return this.integration.run(exchange, cloud);
  }

  private validate(exchange: Exchange): void {
    if (this.validator.parameters) {
      const missing = this.required.filter((name) => !given(exchange, name)).map((name) => name.slice(name.lastIndexOf('.') + 1));
      if (missing.length > 0) throw new AwsError('BadRequestException', `Missing required request parameters: [${missing.join(', ')}]`);
    }
    // a body of a type without a model is not looked at
    const check = this.models.get((exchange.headers['content-type'] ?? 'application/json').split(';')[0].trim().toLowerCase());
    if (!this.validator.body || check === undefined) return;
    const value = jsonOf(exchange.body);
    if (value === undefined || !check(value)) throw new AwsError('BadRequestException', 'Invalid request body');
  }
}

function given(exchange: Exchange, parameter: string): boolean {
  const [, , place, ...rest] = parameter.split('.');
  const name = rest.join('.');
  switch (place) {
    case 'header': return (exchange.headers[name.toLowerCase()] ?? '') !== '';
    case 'querystring': return (exchange.query[name] ?? '') !== '';
    case 'path': return (exchange.path[name] ?? '') !== '';
    default: throw new Unsupported(`the request parameter ${parameter}`);
  }
}
