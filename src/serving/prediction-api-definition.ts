import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as iam from 'aws-cdk-lib/aws-iam';
import { groundTruthMethod, groundTruthSchema, IntegrationProps, predictionMethod } from './prediction-api-methods';

const HEADER = 'method.request.header.';
const ANSWERED = 'method.response.header.';

/** The API as one document, which makes one resource of it: the same methods, integrations and validation, for callers that sign with IAM. */
export function apiDefinition(
  stack: Stack, role: iam.IRole, title: string, predict: IntegrationProps, label: IntegrationProps,
): Record<string, unknown> {
  const { schema, ...labels } = groundTruthSchema;
  return {
    'swagger': '2.0',
    'info': { title, version: '1' },
    'x-amazon-apigateway-request-validators': { All: { validateRequestBody: true, validateRequestParameters: true } },
    'x-amazon-apigateway-request-validator': 'All',
    'paths': {
      '/predictions': { post: operation(stack, role, predictionMethod, predict) },
      '/ground-truth': {
        post: operation(stack, role, groundTruthMethod, label, {
          consumes: ['application/json'], parameters: [{ in: 'body', name: 'GroundTruth', required: true, schema: { $ref: '#/definitions/GroundTruth' } }],
        }),
      },
    },
    'definitions': { GroundTruth: labels },
    'securityDefinitions': { sigv4: { 'type': 'apiKey', 'name': 'Authorization', 'in': 'header', 'x-amazon-apigateway-authtype': 'awsSigv4' } },
  };
}

interface More {
  readonly consumes?: string[];
  readonly parameters?: object[];
}

function operation(
  stack: Stack, role: iam.IRole, method: apigateway.MethodOptions, integration: IntegrationProps, more: More = {},
): Record<string, unknown> {
  const { options } = integration;
  const parameters = Object.entries(method.requestParameters ?? {}).map(([name, required]) => ({ name: name.slice(HEADER.length), in: 'header', required, type: 'string' }));
  return {
    'operationId': method.operationName,
    ...more,
    'parameters': [...parameters, ...more.parameters ?? []],
    'responses': Object.fromEntries((method.methodResponses ?? []).map(({ statusCode, responseParameters = {} }) => [statusCode, {
      description: statusCode,
      headers: Object.fromEntries(Object.keys(responseParameters).map((name) => [name.slice(ANSWERED.length), { type: 'string' }])),
    }])),
    'security': [{ sigv4: [] }],
    'x-amazon-apigateway-integration': {
      type: 'aws',
      httpMethod: integration.integrationHttpMethod,
      uri: stack.formatArn({
        service: 'apigateway',
        account: integration.service,
        resource: integration.path === undefined ? 'action' : 'path',
        resourceName: integration.path ?? integration.action,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
      credentials: role.roleArn,
      timeoutInMillis: options.timeout?.toMilliseconds(),
      passthroughBehavior: options.passthroughBehavior?.toLowerCase(),
      requestParameters: options.requestParameters,
      requestTemplates: options.requestTemplates,
      responses: Object.fromEntries((options.integrationResponses ?? []).map(({ selectionPattern, ...response }) => [selectionPattern ?? 'default', response])),
    },
  };
}
