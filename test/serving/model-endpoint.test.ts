import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ModelEndpoint } from '../../src/serving/model-endpoint';
import { ObservationStore } from '../../src/serving/observation-store';
import { synthesizeUnderNag } from '../support/nag';

test('an endpoint has a name that SageMaker takes, two instances and leave to capture', () => {
  const stack = new Stack(new App(), 'Stack');
  const endpoint = new ModelEndpoint(stack, 'Endpoint');
  expect(endpoint.endpointName).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
  expect(endpoint.instanceCount).toBe(2);
  expect(endpoint.instanceType).toBe('ml.m5.large');
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::SageMaker::Endpoint', 0);
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Action: 'cloudwatch:DescribeAlarms' }), Match.objectLike({ Action: 's3:PutObject' })]) },
  });
});

test('an imported endpoint has its names and the defaults', () => {
  const stack = new Stack(new App(), 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } });
  const endpoint = ModelEndpoint.fromModelEndpointAttributes(stack, 'Endpoint', {
    endpointName: 'Houses',
    executionRole: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::111122223333:role/houses'),
    observations: ObservationStore.fromObservationStoreAttributes(stack, 'Observations', {
      bucket: s3.Bucket.fromBucketName(stack, 'Bucket', 'observed'), databaseName: 'observed', workGroupName: 'observers',
    }),
    productionVariantName: 'main',
  });
  expect(endpoint).toMatchObject({ endpointName: 'Houses', productionVariantName: 'main', shadowVariantName: 'Shadow', instanceCount: 2 });
  expect(stack.resolve(endpoint.endpointArn)).toEqual({
    'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':sagemaker:eu-central-1:111122223333:endpoint/houses']],
  });
  endpoint.grantInvoke(new iam.User(stack, 'Caller'));
  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: { Statement: [Match.objectLike({ Action: 'sagemaker:InvokeEndpoint' })] },
  });
});

test('fails with every wrong property in one error', () => {
  const stack = new Stack(new App(), 'Stack');
  expect(() => new ModelEndpoint(stack, 'Endpoint', { endpointName: 'a_b', instanceType: 'm5.large', instanceCount: 0 }))
    .toThrow(/1\. endpointName.*'a_b'[^]*2\. instanceType.*'m5.large'[^]*3\. instanceCount.*got 0/);
});

test('metrics are those of the production variant', () => {
  const endpoint = new ModelEndpoint(new Stack(new App(), 'Stack'), 'Endpoint', { endpointName: 'houses' });
  expect(endpoint.metricModelLatency()).toMatchObject({ metricName: 'ModelLatency', dimensions: { EndpointName: 'houses', VariantName: 'AllTraffic' } });
  expect(endpoint.metricServerErrors({ label: 'failed' })).toMatchObject({ metricName: 'Invocation5XXErrors', statistic: 'Sum', label: 'failed' });
  expect(endpoint.metricInvocations()).toMatchObject({ metricName: 'Invocations', statistic: 'Sum' });
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const endpoint = new ModelEndpoint(stack, 'Endpoint');
    endpoint.allowModelsFrom(s3.Bucket.fromBucketName(stack, 'Artifacts', 'artifacts'), ecr.Repository.fromRepositoryName(stack, 'Images', 'images'));
  })).not.toThrow();
});
