import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SQSClient, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { CfnOutput, aws_events as events, aws_events_targets as targets, aws_s3 as s3, aws_sqs as sqs } from 'aws-cdk-lib';
import { Clouds, only } from './cloud-support';

const clouds = new Clouds();
afterAll(() => clouds.stop());

test('a bucket and a custom event reach a queue through rules, with the times of the local clock', async () => {
  const cloud = await clouds.deploy((stack) => {
    const bucket = new s3.Bucket(stack, 'Bucket', { versioned: true });
    (bucket.node.defaultChild as s3.CfnBucket).notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    const queue = new sqs.Queue(stack, 'Queue');
    new events.Rule(stack, 'Rule', {
      eventPattern: { source: ['aws.s3', 'cdk-mlops'], detailType: ['Object Created', 'ModelRegistered'] },
      targets: [new targets.SqsQueue(queue, {
        message: events.RuleTargetInput.fromObject({
          time: events.EventField.time, type: events.EventField.detailType, text: `it's "${events.EventField.fromPath('$.detail.object.key')}"`, version: events.EventField.fromPath('$.detail.version'),
        }),
      })],
    });
    new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl });
  });
  await cloud.s3.put(only(cloud, 'AWS::S3::Bucket').ref, 'a/b "c".json', '{}');
  await cloud.client(EventBridgeClient).send(new PutEventsCommand({
    Entries: [{ Source: 'cdk-mlops', DetailType: 'ModelRegistered', Detail: '{"version":"V1.0.0"}' }],
  }));
  await cloud.clock.settle();
  const answer = await cloud.client(SQSClient).send(new ReceiveMessageCommand({ QueueUrl: cloud.outputs.get('Test')!.QueueUrl, MaxNumberOfMessages: 10 }));
  expect(answer.Messages!.map(({ Body }) => JSON.parse(Body!))).toEqual([
    { time: '2013-03-01T00:00:00Z', type: 'Object Created', text: 'it\'s "a/b "c".json"', version: '0' },
    { time: '2013-03-01T00:00:00Z', type: 'ModelRegistered', text: 'it\'s ""', version: 'V1.0.0' },
  ]);
  expect(cloud.faults).toEqual([]);
});
