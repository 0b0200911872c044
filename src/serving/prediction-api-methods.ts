import { Duration } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as iam from 'aws-cdk-lib/aws-iam';
import { GroundTruthStream } from './ground-truth-stream';
import { IModelEndpoint } from './model-endpoint';

/** The id by which a prediction and its label find each other: the request's own. */
const INFERENCE_ID = 'context.requestId';

/** An integration with an AWS service, as its construct and a definition of the API take it. */
export type IntegrationProps = apigateway.AwsIntegrationProps & { readonly options: apigateway.IntegrationOptions };

const inferenceIdHeader = { 'method.response.header.X-Inference-Id': INFERENCE_ID };
const contentTypeHeader = { 'method.response.header.Content-Type': '\'application/json\'' };
const says = (message: string): Record<string, string> => ({ 'application/json': JSON.stringify({ message }) });

/** Hands the body to the endpoint as it is, under the request's id, and the answer back. */
export function predictionIntegration(endpoint: IModelEndpoint, credentialsRole: iam.IRole): IntegrationProps {
  return {
    service: 'runtime.sagemaker',
    path: `endpoints/${endpoint.endpointName}/invocations`,
    integrationHttpMethod: 'POST',
    options: {
      credentialsRole,
      timeout: Duration.seconds(29),
      passthroughBehavior: apigateway.PassthroughBehavior.WHEN_NO_TEMPLATES,
      requestParameters: {
        'integration.request.header.Content-Type': 'method.request.header.Content-Type',
        'integration.request.header.Accept': 'method.request.header.Accept',
        'integration.request.header.X-Amzn-SageMaker-Inference-Id': INFERENCE_ID,
      },
      integrationResponses: [
        { statusCode: '200', responseParameters: { ...inferenceIdHeader, 'method.response.header.Content-Type': 'integration.response.header.Content-Type' } },
        // SageMaker answers 424 where the container failed; its text names the container's log, which is no business of callers
        { statusCode: '502', selectionPattern: '424|5\\d{2}', responseParameters: { ...inferenceIdHeader, ...contentTypeHeader }, responseTemplates: says('The model could not answer') },
        { statusCode: '400', selectionPattern: '4(?!24)\\d{2}', responseParameters: { ...inferenceIdHeader, ...contentTypeHeader }, responseTemplates: says('The request was refused') },
      ],
    },
  };
}

export const predictionMethod: apigateway.MethodOptions = {
  operationName: 'Predict',
  requestParameters: { 'method.request.header.Content-Type': true, 'method.request.header.Accept': false },
  methodResponses: ['200', '400', '502'].map((statusCode) => ({
    statusCode,
    responseParameters: { 'method.response.header.X-Inference-Id': true, 'method.response.header.Content-Type': true },
  })),
};

/** What a label looks like; ids hold no character that would need escaping in JSON. */
export const groundTruthSchema: apigateway.JsonSchema = {
  schema: apigateway.JsonSchemaVersion.DRAFT4,
  title: 'GroundTruth',
  type: apigateway.JsonSchemaType.OBJECT,
  required: ['inferenceId', 'value'],
  additionalProperties: false,
  properties: {
    inferenceId: { type: apigateway.JsonSchemaType.STRING, pattern: '^[A-Za-z0-9][A-Za-z0-9._:/=+@-]{0,63}$' },
    value: { type: apigateway.JsonSchemaType.NUMBER },
  },
};

/**
 * Writes the label as one line of Model Monitor's ground-truth format, with the time at which it came; the line break belongs to
 * the line.
 */
const groundTruthLine = [
  '#set($head = \'{"groundTruthData":{"data":"\')',
  '#set($middle = \'","encoding":"CSV"},"eventMetadata":{"eventId":"\')',
  '#set($between = \'","eventTime":"\')',
  '#set($tail = \'"},"eventVersion":"0"}\')',
  '#set($value = $input.path(\'$.value\'))',
  '#set($id = $input.path(\'$.inferenceId\'))',
  '#set($time = $context.requestTimeEpoch)',
  '#set($line = "$head$value$middle$id$between$time$tail',
  '")',
].join('\n');

/** Turns a label into a record of the stream. */
export function groundTruthIntegration(stream: GroundTruthStream, credentialsRole: iam.IRole): IntegrationProps {
  return {
    service: 'firehose',
    action: 'PutRecord',
    integrationHttpMethod: 'POST',
    options: {
      credentialsRole,
      timeout: Duration.seconds(29),
      passthroughBehavior: apigateway.PassthroughBehavior.NEVER,
      requestParameters: { 'integration.request.header.Content-Type': '\'application/x-amz-json-1.1\'' },
      requestTemplates: {
        'application/json': `${groundTruthLine}\n{"DeliveryStreamName":"${stream.streamName}","Record":{"Data":"$util.base64Encode($line)"}}`,
      },
      integrationResponses: [
        { statusCode: '202', responseTemplates: { 'application/json': '{"accepted":true}' } },
        { statusCode: '503', selectionPattern: '[45]\\d{2}', responseTemplates: says('The label was not taken, send it again') },
      ],
    },
  };
}

export const groundTruthMethod: apigateway.MethodOptions = {
  operationName: 'SubmitGroundTruth',
  methodResponses: [{ statusCode: '202' }, { statusCode: '503' }],
};
