import { appendFileSync } from 'fs';
import * as path from 'path';
import { CreateTopicCommand, DeleteTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { ProxiedCall } from './front-port';
import { onlyKnown } from './members';
import { physicalName } from './names';
import { RunnerQueue } from './runner-queue';
import { Cloud, Deployed, Json, JsonObject, Provisioner, Resource, StandIn, Target, Unsupported } from './types';

/** A message that a topic has sent, as a line of the mailbox file. */
export interface Mail {
  /** Time of the local clock. */
  readonly at: string;
  readonly topic: string;
  readonly subject?: string;
  readonly message: string;
}

/** SNS: ministack's topics. Each also sends to a queue of the runner, whose messages become lines of a mailbox file. */
export class Notifications implements StandIn {
  readonly describes = [{ service: 'SNS', by: 'ministack; every message is a line in mailbox.jsonl, which stands for the subscribers\' mail' }];
  readonly mails: Mail[] = [];
  readonly targets: Target[] = [{ services: ['sns'], deliver: (arn, input) => this.publish(arn, input) }];
  readonly provisioners: Provisioner[] = [
    { types: ['AWS::SNS::Topic'], create: (resource) => this.topic(resource), delete: (_, { ref }) => this.deleteTopic(ref) },
    // a subscription ends with its topic
    { types: ['AWS::SNS::Subscription'], create: (resource) => this.subscription(resource), delete: async () => undefined },
  ];
  /** Functions that subscribe to a topic. */
  private readonly functions = new Map<string, string[]>();
  private cloud!: Cloud;
  private readonly queue = new RunnerQueue('local-cloud-mailbox', ({ body }) => this.arrived(body));

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
    await this.queue.create(cloud);
  }

  get file(): string {
    return path.join(this.cloud.folders.root, 'mailbox.jsonl');
  }

  /** Whether a call that ministack has answered may have put something into the queue. */
  concerns(call: ProxiedCall): boolean {
    return call.service === 'sns' && call.operation.startsWith('Publish');
  }

  /** Takes what topics have sent; answers whether there was anything. */
  drain(): Promise<boolean> {
    return this.queue.drain(this.cloud);
  }

  private async arrived(envelope: JsonObject): Promise<void> {
    const topicArn = String(envelope.TopicArn);
    const mail: Mail = {
      at: this.cloud.clock.now().toISOString(),
      topic: topicArn.slice(topicArn.lastIndexOf(':') + 1),
      ...typeof envelope.Subject === 'string' ? { subject: envelope.Subject } : {},
      message: String(envelope.Message),
    };
    this.mails.push(mail);
    appendFileSync(this.file, `${JSON.stringify(mail)}\n`);
    for (const subscriber of this.functions.get(topicArn) ?? []) {
      const Sns = { ...envelope, Timestamp: mail.at, MessageAttributes: envelope.MessageAttributes ?? {} };
      await this.cloud.deliver(subscriber, { Records: [{ EventSource: 'aws:sns', EventVersion: '1.0', EventSubscriptionArn: `${topicArn}:local`, Sns }] });
    }
  }

  private async publish(topicArn: string, input: Json): Promise<void> {
    const Message = typeof input === 'string' ? input : JSON.stringify(input);
    await this.cloud.client(SNSClient).send(new PublishCommand({ TopicArn: topicArn, Message }));
  }

  private async topic(resource: Resource): Promise<Deployed> {
    const { properties, type } = resource;
    onlyKnown(properties, ['TopicName', 'DisplayName', 'KmsMasterKeyId', 'Subscription', 'Tags', 'TracingConfig', 'SignatureVersion'], type);
    const name = String(properties.TopicName ?? physicalName(resource, 255));
    const { TopicArn } = await this.cloud.client(SNSClient).send(new CreateTopicCommand({ Name: name }));
    await this.subscribe(TopicArn!, 'sqs', this.queue.arn(this.cloud), {});
    for (const { Protocol, Endpoint } of (properties.Subscription ?? []) as JsonObject[]) {
      await this.subscribe(TopicArn!, String(Protocol), String(Endpoint), {});
    }
    return { ref: TopicArn!, attributes: { TopicArn: TopicArn!, TopicName: name } };
  }

  private async deleteTopic(TopicArn: string): Promise<void> {
    this.functions.delete(TopicArn);
    await this.cloud.client(SNSClient).send(new DeleteTopicCommand({ TopicArn }));
  }

  private async subscription({ properties, type, path: at }: Resource): Promise<Deployed> {
    onlyKnown(properties, ['TopicArn', 'Protocol', 'Endpoint', 'RawMessageDelivery', 'FilterPolicy', 'FilterPolicyScope', 'RedrivePolicy', 'Region'], type);
    const attributes: Record<string, string> = {};
    for (const name of ['RawMessageDelivery', 'FilterPolicy', 'FilterPolicyScope']) {
      const value = properties[name];
      if (value !== undefined) attributes[name] = typeof value === 'string' ? value : JSON.stringify(value);
    }
    await this.subscribe(String(properties.TopicArn), String(properties.Protocol), String(properties.Endpoint), attributes);
    return { ref: at, attributes: {} };
  }

  private async subscribe(topicArn: string, protocol: string, endpoint: string, attributes: Record<string, string>): Promise<void> {
    // Mail, and messages to telephones, are what the mailbox stands for.
    if (['email', 'email-json', 'sms'].includes(protocol)) return;
    if (protocol === 'lambda') {
      if ('FilterPolicy' in attributes) throw new Unsupported('FilterPolicy of a function\'s AWS::SNS::Subscription');
      this.functions.set(topicArn, [...this.functions.get(topicArn) ?? [], endpoint]);
    } else if (protocol === 'sqs') {
      await this.cloud.client(SNSClient).send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint: endpoint, Attributes: attributes }));
    } else {
      throw new Unsupported(`the protocol ${protocol} of AWS::SNS::Subscription`);
    }
  }
}
