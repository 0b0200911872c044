import {
  aws_dynamodb as dynamodb, aws_events as events, aws_events_targets as targets, aws_kms as kms, aws_lambda as lambda, aws_s3 as s3, aws_sqs as sqs,
  aws_stepfunctions as sfn, CfnOutput, CfnResource, CustomResource, Duration, NestedStack, RemovalPolicy, Stack,
} from 'aws-cdk-lib';
import { Clouds } from './cloud-support';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { StepFunctions } from '../../examples/local/cloud/step-functions';

const clouds = new Clouds();
afterAll(() => clouds.stop());

const types = (cloud: LocalCloud): string[] => [...cloud.resources.values()].map(({ resource }) => resource.type);

/** A function that answers CloudFormation as its resource's `Answer` says, and remembers what it was asked in a bucket. */
function custom(stack: Stack, id: string, code: string, properties: Record<string, unknown> = {}): CustomResource {
  const handler = new lambda.Function(stack, `${id}Handler`, {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    timeout: Duration.seconds(20),
    code: lambda.Code.fromInline(`
      const answer = (event, body, headers = { 'content-type': '' }) => fetch(event.ResponseURL, { method: 'PUT', headers, body: JSON.stringify({
        Status: 'SUCCESS', PhysicalResourceId: event.PhysicalResourceId ?? 'made', StackId: event.StackId, RequestId: event.RequestId,
        LogicalResourceId: event.LogicalResourceId, ...body }) });
      exports.handler = async (event) => { ${code} };`),
  });
  return new CustomResource(stack, id, { serviceToken: handler.functionArn, resourceType: `Custom::${id}`, properties });
}

test('a custom resource is what its function answers over HTTP, and is told of its deletion', async () => {
  const cloud = await clouds.deploy((stack) => {
    const made = custom(stack, 'Thing', `
      if (event.RequestType === 'Delete' && event.PhysicalResourceId !== 'thing-7') throw new Error('unknown ' + event.PhysicalResourceId);
      await answer(event, event.RequestType === 'Create' ? { PhysicalResourceId: 'thing-7', Data: { Size: event.ResourceProperties.Size } } : {});
    `, { Size: 7 });
    new CfnOutput(stack, 'Size', { value: made.getAttString('Size') });
    new CfnOutput(stack, 'Ref', { value: made.ref });
  });
  expect(cloud.outputs.get('Test')).toEqual({ Size: '7', Ref: 'thing-7' });
  await cloud.deleteStack('Test');
  expect(types(cloud)).toEqual([]);
});

test.each([
  ['says that it failed', 'await answer(event, { Status: "FAILED", Reason: "no room" });', /no room/],
  ['ends without an answer', '', /the function ended without an answer/],
  ['throws', 'throw new Error("broken");', /broken/],
  ['answers somebody else\'s request', 'await answer(event, { RequestId: "other" });', /RequestId is other/],
  ['signs a content type that is not part of the URL', 'await answer(event, {}, { "content-type": "application/json" });', /without an answer/],
])('a stack whose function %s is not deployed', async (_, code, error) => {
  await expect(clouds.deploy((stack) => { custom(stack, 'Thing', code); })).rejects.toThrow(error);
});

test('a stack is deleted in reverse order, nested stacks and rules included; what is to be retained stays', async () => {
  const cloud = await clouds.deploy((stack) => {
    const key = new kms.Key(stack, 'Key', { removalPolicy: RemovalPolicy.DESTROY, alias: 'alias/own' });
    const kept = new s3.Bucket(stack, 'Kept', { bucketName: 'kept', encryptionKey: key });
    const gone = new s3.Bucket(stack, 'Gone', { bucketName: 'gone', removalPolicy: RemovalPolicy.DESTROY });
    gone.node.addDependency(kept);
    new dynamodb.Table(stack, 'Table', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING }, encryptionKey: key, removalPolicy: RemovalPolicy.DESTROY,
    });
    const nested = new NestedStack(stack, 'Nested');
    const machine = new sfn.StateMachine(nested, 'Machine', {
      stateMachineName: 'machine', definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Wait(nested, 'Wait', { time: sfn.WaitTime.duration(Duration.days(9)) })),
    });
    new events.Rule(nested, 'Often', { schedule: events.Schedule.rate(Duration.minutes(1)), targets: [new targets.SfnStateMachine(machine)] });
    new events.Rule(nested, 'Asked', { eventPattern: { source: ['test'] }, targets: [new targets.SqsQueue(new sqs.Queue(nested, 'Queue'))] });
  });
  const { clock } = cloud;
  await clock.advanceTo(new Date(clock.now().getTime() + 90_000));
  const { executions } = cloud.find(StepFunctions);
  expect([...executions.values()].map(({ status }) => status)).toEqual(['RUNNING']);

  await cloud.deleteStack('Test');
  expect(types(cloud)).toEqual([]);
  await clock.advanceTo(new Date(clock.now().getTime() + 600_000));
  expect([...executions.values()].map(({ status }) => status)).toEqual(['ABORTED']);
  await expect(cloud.s3.put('kept', 'key', 'body')).resolves.toBeUndefined();
  await expect(cloud.s3.put('gone', 'key', 'body')).rejects.toThrow();
  await expect(cloud.deleteStack('Test')).rejects.toThrow('there is no stack Test');
  expect(cloud.faults).toEqual([]);
});

test('what cannot be deleted is named; nothing of the stack is deleted where its kind is not known', async () => {
  const cloud = await clouds.deploy((stack) => {
    new s3.Bucket(stack, 'Full', { bucketName: 'full', removalPolicy: RemovalPolicy.DESTROY });
    new sqs.Queue(stack, 'Last');
  });
  await cloud.s3.put('full', 'key', 'body');
  await expect(cloud.deleteStack('Test')).rejects.toThrow(/Test\/Full.*AWS::S3::Bucket/);
  expect(types(cloud)).toEqual(['AWS::S3::Bucket']);

  const other = await clouds.deploy((stack) => {
    new sqs.Queue(stack, 'Queue');
    new CfnResource(stack, 'Emptied', { type: 'Custom::S3AutoDeleteObjects', properties: { ServiceToken: 'arn:aws:lambda:eu-central-1:111122223333:function:none' } });
  });
  await expect(other.deleteStack('Test')).rejects.toThrow('does not support deleting the resource type Custom::S3AutoDeleteObjects (Test/Emptied)');
  expect(types(other)).toHaveLength(2);
});
