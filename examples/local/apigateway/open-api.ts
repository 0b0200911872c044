import { Api } from './api';
import { Validator } from './method';
import { flag, object, objects, onlyKnown, optionalText, text, textMap } from '../cloud/members';
import { Json, JsonObject, Unsupported } from '../cloud/types';

const EXTENSION = 'x-amazon-apigateway-';

/** A method of a definition, as a template's `AWS::ApiGateway::Method` would have it. */
export interface DefinedMethod {
  readonly resourceId: string;
  readonly properties: JsonObject;
}

/** Reads a Swagger document as API Gateway imports it: resources and models are made in the API, its methods are answered. */
export function imported(body: JsonObject, api: Api): DefinedMethod[] {
  onlyKnown(body, ['swagger', 'info', 'paths', 'definitions', 'securityDefinitions', `${EXTENSION}request-validators`, `${EXTENSION}request-validator`], 'the definition of an API');
  if (text(body, 'swagger') !== '2.0') throw new Unsupported(`a definition of Swagger ${text(body, 'swagger')}`);
  for (const [name, schema] of Object.entries(object(body, 'definitions'))) api.models.set(name, schema as JsonObject);
  for (const [name, validator] of Object.entries(object(body, `${EXTENSION}request-validators`))) api.validators.set(name, validatorOf(validator as JsonObject));
  const schemes = object(body, 'securityDefinitions');
  return Object.entries(object(body, 'paths')).flatMap(([path, operations]) => {
    const resourceId = api.addPath(path);
    return Object.entries(operations as JsonObject).map(([method, operation]) => ({
      resourceId, properties: methodOf(method, operation as JsonObject, schemes, optionalText(body, `${EXTENSION}request-validator`)),
    }));
  });
}

function validatorOf(from: JsonObject): Validator {
  onlyKnown(from, ['validateRequestBody', 'validateRequestParameters'], 'a request validator');
  return { body: flag(from, 'validateRequestBody', false), parameters: flag(from, 'validateRequestParameters', false) };
}

function methodOf(method: string, operation: JsonObject, schemes: JsonObject, validator: string | undefined): JsonObject {
  onlyKnown(operation, ['operationId', 'consumes', 'parameters', 'responses', 'security', `${EXTENSION}integration`], 'an operation');
  const parameters = objects(operation, 'parameters');
  const bodies = parameters.filter((parameter) => parameter.in === 'body');
  return {
    HttpMethod: method.toUpperCase(),
    OperationName: text(operation, 'operationId'),
    AuthorizationType: isSigned(objects(operation, 'security'), schemes) ? 'AWS_IAM' : 'NONE',
    ...(validator === undefined ? {} : { RequestValidatorId: validator }),
    RequestParameters: Object.fromEntries(parameters.filter((parameter) => parameter.in === 'header')
      .map((parameter) => [`method.request.header.${text(parameter, 'name')}`, String(parameter.required === true)])),
    RequestModels: Object.fromEntries(bodies.flatMap((parameter) => (operation.consumes as string[]).map((type) =>
      [type, text(object(parameter, 'schema'), '$ref').replace('#/definitions/', '')]))),
    MethodResponses: Object.entries(object(operation, 'responses')).map(([StatusCode, response]) => ({
      StatusCode,
      ResponseParameters: Object.fromEntries(Object.keys(object(response as JsonObject, 'headers')).map((name) => [`method.response.header.${name}`, 'true'])),
    })),
    Integration: integrationOf(object(operation, `${EXTENSION}integration`)),
  };
}

function isSigned(security: JsonObject[], schemes: JsonObject): boolean {
  return security.some((alternative) => Object.keys(alternative).some((name) => (schemes[name] as JsonObject | undefined)?.[`${EXTENSION}authtype`] === 'awsSigv4'));
}

function integrationOf(from: JsonObject): JsonObject {
  onlyKnown(from, [
    'type', 'httpMethod', 'uri', 'credentials', 'timeoutInMillis', 'passthroughBehavior', 'requestParameters', 'requestTemplates', 'responses',
  ], 'an integration');
  return given({
    Type: text(from, 'type').toUpperCase(),
    IntegrationHttpMethod: from.httpMethod,
    Uri: from.uri,
    Credentials: from.credentials,
    TimeoutInMillis: from.timeoutInMillis,
    PassthroughBehavior: optionalText(from, 'passthroughBehavior')?.toUpperCase(),
    RequestParameters: from.requestParameters,
    RequestTemplates: from.requestTemplates,
    IntegrationResponses: Object.entries(object(from, 'responses')).map(([pattern, response]) => given({
      StatusCode: text(response as JsonObject, 'statusCode'),
      SelectionPattern: pattern === 'default' ? undefined : pattern,
      ResponseParameters: textMap(response as JsonObject, 'responseParameters'),
      ResponseTemplates: textMap(response as JsonObject, 'responseTemplates'),
    })),
  });
}

function given(members: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject;
}
