import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { render } from 'velocityjs';
import { ModelEndpoint } from '../../src/serving/model-endpoint';
import { PredictionApi, PredictionApiProps } from '../../src/serving/prediction-api';
import { synthesizeUnderNag } from '../support/nag';

const synthesize = (props: Partial<PredictionApiProps> = {}, use: (api: PredictionApi, stack: Stack) => void = () => undefined): Template => {
  const stack = new Stack(new App(), 'Stack');
  const endpoint = new ModelEndpoint(stack, 'Endpoint', { endpointName: 'houses' });
  use(new PredictionApi(stack, 'Api', { endpoint, ...props }), stack);
  return Template.fromStack(stack);
};

interface Method {
  readonly Properties: {
    readonly OperationName: string;
    readonly AuthorizationType: string;
    readonly RequestParameters?: Record<string, boolean>;
    readonly Integration: {
      readonly RequestTemplates?: Record<string, { 'Fn::Join': [string, unknown[]] }>;
      readonly RequestParameters: Record<string, string>;
      readonly IntegrationResponses: { readonly StatusCode: string; readonly SelectionPattern?: string }[];
      readonly Uri: unknown;
    };
  };
}

const method = (template: Template, operation: string): Method['Properties'] => {
  const methods = Object.values(template.findResources('AWS::ApiGateway::Method')) as Method[];
  const found = methods.find(({ Properties }) => Properties.OperationName === operation);
  if (found === undefined) throw new Error(`no method ${operation}`);
  return found.Properties;
};

test('a prediction goes to the endpoint as it is, under the id of the request', () => {
  const { Integration, AuthorizationType, RequestParameters } = method(synthesize(), 'Predict');
  expect(AuthorizationType).toBe('AWS_IAM');
  expect(RequestParameters).toEqual({ 'method.request.header.Content-Type': true, 'method.request.header.Accept': false });
  expect(Integration).toMatchObject({
    Type: 'AWS',
    PassthroughBehavior: 'WHEN_NO_TEMPLATES',
    RequestParameters: {
      'integration.request.header.X-Amzn-SageMaker-Inference-Id': 'context.requestId',
      'integration.request.header.Content-Type': 'method.request.header.Content-Type',
    },
    Uri: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':apigateway:', { Ref: 'AWS::Region' }, ':runtime.sagemaker:path/endpoints/houses/invocations']] },
  });
  expect(Integration.RequestTemplates).toBeUndefined();
});

test.each([[200, '200'], [400, '400'], [413, '400'], [424, '502'], [429, '400'], [500, '502'], [503, '502']])('SageMaker\'s %d becomes %s', (status, answer) => {
  const { Integration } = method(synthesize(), 'Predict');
  const matching = Integration.IntegrationResponses.filter(({ SelectionPattern }) => SelectionPattern !== undefined && new RegExp(`^(?:${SelectionPattern})$`).test(String(status)));
  const fallback = Integration.IntegrationResponses.filter(({ SelectionPattern }) => SelectionPattern === undefined);
  expect((matching.length > 0 ? matching : fallback).map(({ StatusCode }) => StatusCode)).toEqual([answer]);
});

test.each([[12.5, '12.5'], [-3, '-3'], [0, '0']])('a label of %d becomes one line of ground truth', (value, text) => {
  const { Integration } = method(synthesize(), 'SubmitGroundTruth');
  const [, parts] = Integration.RequestTemplates!['application/json']['Fn::Join'];
  const template = parts.map((part) => typeof part === 'string' ? part : 'labels').join('');
  const body: Record<string, unknown> = { inferenceId: 'a-1', value };
  const rendered = render(template, {
    input: { path: (path: string) => body[path.slice(2)] },
    context: { requestTimeEpoch: 1_372_636_800_000 },
    util: { base64Encode: (data: string) => Buffer.from(data).toString('base64') },
  });
  const request = JSON.parse(rendered) as { DeliveryStreamName: string; Record: { Data: string } };
  expect(request.DeliveryStreamName).toBe('labels');
  expect(Buffer.from(request.Record.Data, 'base64').toString())
    .toBe(`{"groundTruthData":{"data":"${text}","encoding":"CSV"},"eventMetadata":{"eventId":"a-1","eventTime":"1372636800000"},"eventVersion":"0"}\n`);
});

test('labels are validated against a schema whose ids need no escaping', () => {
  const template = synthesize();
  template.hasResourceProperties('AWS::ApiGateway::RequestValidator', { ValidateRequestBody: true, ValidateRequestParameters: true });
  const [model] = Object.values(template.findResources('AWS::ApiGateway::Model')) as { Properties: { Schema: { properties: { inferenceId: { pattern: string } } } } }[];
  const pattern = new RegExp(model.Properties.Schema.properties.inferenceId.pattern);
  expect(['a', '7b9d-f0', 'order:17/2', 'x'.repeat(64)].filter((id) => !pattern.test(id))).toEqual([]);
  expect(['', '"', 'a"', 'a\\', '$x', 'a b', 'x'.repeat(65)].filter((id) => pattern.test(id))).toEqual([]);
});

test('labels are written by the hour they arrive in', () => {
  synthesize({ labelBuffer: Duration.minutes(5) }).hasResourceProperties('AWS::KinesisFirehose::DeliveryStream', {
    DeliveryStreamEncryptionConfigurationInput: { KeyType: 'CUSTOMER_MANAGED_CMK' },
    ExtendedS3DestinationConfiguration: {
      Prefix: 'ground-truth/!{timestamp:yyyy/MM/dd/HH}/',
      FileExtension: '.jsonl',
      BufferingHints: { IntervalInSeconds: 300, SizeInMBs: 5 },
      EncryptionConfiguration: { KMSEncryptionConfig: Match.anyValue() },
    },
  });
});

test('grants reach one method each', () => {
  const template = synthesize({}, (api, stack) => {
    const user = new iam.User(stack, 'Client');
    api.grantPredict(user);
    api.grantSubmitGroundTruth(user);
  });
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).map(({ Properties }) => JSON.stringify(Properties));
  const [granted] = policies.filter((policy) => policy.includes('execute-api:Invoke'));
  expect(granted).toContain('/POST/predictions');
  expect(granted).toContain('/POST/ground-truth');
});

test('the account\'s logging role is made once, and only where asked', () => {
  synthesize().resourceCountIs('AWS::ApiGateway::Account', 1);
  synthesize({ manageAccountLogging: false }).resourceCountIs('AWS::ApiGateway::Account', 0);
});

test('fails with all wrong properties in one error', () => {
  expect(() => synthesize({ labelBuffer: Duration.seconds(10), rateLimit: 0, burstLimit: -1 })).toThrow(/1\. labelBuffer.*10[^]*2\. rateLimit[^]*3\. burstLimit/);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const api = new PredictionApi(stack, 'Api', { endpoint: new ModelEndpoint(stack, 'Endpoint') });
    api.grantPredict(new iam.Role(stack, 'Client', { assumedBy: new iam.AccountPrincipal('111122223333') }));
  })).not.toThrow();
});
