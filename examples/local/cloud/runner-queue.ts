import { Cloud, JsonObject } from './types';
import { jsonCall } from './wire';

/** A message that ministack has put into a queue of the runner. */
export interface RunnerMessage {
  readonly body: JsonObject;
  readonly group?: string;
}

/** A queue in ministack by which it tells the runner what it has matched or sent. */
export class RunnerQueue {
  private url = '';
  private draining: Promise<boolean> = Promise.resolve(false);

  constructor(readonly name: string, private readonly take: (message: RunnerMessage) => Promise<void>) {}

  async create(cloud: Cloud, attributes: Record<string, string> = {}): Promise<void> {
    this.url = String((await jsonCall(cloud, 'sqs', 'AmazonSQS.CreateQueue', { QueueName: this.name, Attributes: attributes })).QueueUrl);
  }

  arn({ partition, region, account }: Cloud): string {
    return `arn:${partition}:sqs:${region}:${account}:${this.name}`;
  }

  /** Takes every message, in order; answers whether there was one. One drain at a time. A message that fails does not hold the others. */
  drain(cloud: Cloud): Promise<boolean> {
    this.draining = this.draining.catch(() => false).then(() => this.drainOnce(cloud));
    return this.draining;
  }

  private async drainOnce(cloud: Cloud): Promise<boolean> {
    const failures: unknown[] = [];
    for (let any = false; ; any = true) {
      const answer = await jsonCall(cloud, 'sqs', 'AmazonSQS.ReceiveMessage', {
        QueueUrl: this.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 0, MessageSystemAttributeNames: ['MessageGroupId'],
      });
      const messages = (answer.Messages ?? []) as { Body: string; ReceiptHandle: string; Attributes?: { MessageGroupId?: string } }[];
      if (messages.length === 0) {
        if (failures.length > 0) throw failures[0];
        return any;
      }
      await jsonCall(cloud, 'sqs', 'AmazonSQS.DeleteMessageBatch', {
        QueueUrl: this.url, Entries: messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      });
      for (const { Body, Attributes } of messages) {
        await this.take({ body: JSON.parse(Body) as JsonObject, group: Attributes?.MessageGroupId }).catch((error: unknown) => failures.push(error));
      }
    }
  }
}
