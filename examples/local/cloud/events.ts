import { RuleTarget, ruleTarget, targetInput } from './event-target';
import { onlyKnown } from './members';
import { physicalName } from './names';
import { schedule } from './schedule';
import { Cloud, Deployed, JsonObject, Provisioner, Resource, StandIn, Unsupported } from './types';
import { jsonCall } from './wire';

const QUEUE = 'local-cloud-events.fifo';

interface Rule {
  readonly arn: string;
  readonly name: string;
  readonly targets: RuleTarget[];
}

/**
 * EventBridge. ministack matches the patterns; each rule there sends to one queue of the runner, with the rule as the
 * message group. The runner makes the targets' inputs and delivers them. Schedules run on the local cloud's clock.
 */
export class EventBridge implements StandIn {
  readonly describes = [
    { service: 'EventBridge', by: 'ministack matches the patterns; targets, inputs and schedules first-party, on the local clock' },
  ];
  readonly provisioners: Provisioner[] = [
    { types: ['AWS::Events::Rule'], create: (resource) => this.createRule(resource) },
    { types: ['AWS::Events::EventBus'], create: (resource) => this.createBus(resource) },
    { types: ['AWS::Events::EventBusPolicy'], create: async ({ path }) => ({ ref: path, attributes: {} }) },
  ];
  private readonly rules = new Map<string, Rule>();
  private readonly times = new Map<string, string>();
  private cloud!: Cloud;
  private queueUrl = '';
  private draining: Promise<boolean> = Promise.resolve(false);

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
    const answer = await jsonCall(cloud, 'sqs', 'AmazonSQS.CreateQueue', {
      QueueName: QUEUE,
      // The same event for two rules is two messages: duplicates are told apart within a rule only.
      Attributes: { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' },
    });
    this.queueUrl = String(answer.QueueUrl);
  }

  /** Remembers the time that a caller has given to an event. */
  stamp(eventId: string, time: string): void {
    this.times.set(eventId, time);
  }

  /** Takes what ministack has matched and delivers it; answers whether there was anything. One drain at a time. */
  drain(): Promise<boolean> {
    this.draining = this.draining.catch(() => false).then(() => this.drainOnce());
    return this.draining;
  }

  private async drainOnce(): Promise<boolean> {
    for (let any = false; ; any = true) {
      const answer = await jsonCall(this.cloud, 'sqs', 'AmazonSQS.ReceiveMessage', {
        QueueUrl: this.queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0, MessageSystemAttributeNames: ['MessageGroupId'],
      });
      const messages = (answer.Messages ?? []) as { Body: string; ReceiptHandle: string; Attributes: { MessageGroupId: string } }[];
      if (messages.length === 0) return any;
      await jsonCall(this.cloud, 'sqs', 'AmazonSQS.DeleteMessageBatch', {
        QueueUrl: this.queueUrl, Entries: messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      });
      for (const { Body, Attributes } of messages) await this.deliver(Attributes.MessageGroupId, JSON.parse(Body) as JsonObject);
    }
  }

  private async deliver(group: string, event: JsonObject): Promise<void> {
    const rule = this.rules.get(group);
    if (!rule) throw new Error(`an event for the unknown rule ${group}`);
    const time = this.times.get(String(event.id)) ?? `${this.cloud.clock.now().toISOString().slice(0, 19)}Z`;
    for (const target of rule.targets) await this.send(rule, target, { ...event, time });
  }

  private async send(rule: Rule, target: RuleTarget, event: JsonObject): Promise<void> {
    const input = targetInput(target, event, rule, this.cloud.clock.now());
    try {
      await this.cloud.deliver(target.arn, input, target.roleArn);
    } catch (error) {
      if (error instanceof Unsupported || !target.deadLetterQueue) throw error;
      await this.cloud.deliver(target.deadLetterQueue, event);
    }
  }

  private async createRule(resource: Resource): Promise<Deployed> {
    const { properties } = resource;
    onlyKnown(properties, ['Name', 'Description', 'EventBusName', 'EventPattern', 'ScheduleExpression', 'State', 'Targets', 'RoleArn', 'Tags'], resource.type);
    const name = String(properties.Name ?? physicalName(resource));
    const bus = busName(properties.EventBusName as string | undefined);
    const { region, account, partition } = this.cloud;
    const arn = `arn:${partition}:events:${region}:${account}:rule/${bus === 'default' ? '' : `${bus}/`}${name}`;
    const rule: Rule = { arn, name, targets: ((properties.Targets ?? []) as JsonObject[]).map(ruleTarget) };
    const enabled = properties.State !== 'DISABLED';
    if (properties.EventPattern !== undefined) {
      const group = `${bus}.${name}`;
      this.rules.set(group, rule);
      await jsonCall(this.cloud, 'events', 'AWSEvents.PutRule', {
        Name: name, EventBusName: bus, EventPattern: JSON.stringify(properties.EventPattern), State: enabled ? 'ENABLED' : 'DISABLED',
      });
      const put = await jsonCall(this.cloud, 'events', 'AWSEvents.PutTargets', {
        Rule: name, EventBusName: bus,
        Targets: [{ Id: 'runner', Arn: `arn:${partition}:sqs:${region}:${account}:${QUEUE}`, SqsParameters: { MessageGroupId: group } }],
      });
      if (put.FailedEntryCount) throw new Error(`ministack refused the target of the rule ${name}: ${JSON.stringify(put.FailedEntries)}`);
    }
    if (properties.ScheduleExpression !== undefined && enabled) this.every(String(properties.ScheduleExpression), rule);
    return { ref: bus === 'default' ? name : `${bus}|${name}`, attributes: { Arn: arn } };
  }

  private every(expression: string, rule: Rule): void {
    const next = schedule(expression, this.cloud.clock.now());
    const arm = (): void => {
      const at = next(this.cloud.clock.now());
      if (!at) return;
      this.cloud.clock.at(at, async () => {
        arm();
        const { region, account } = this.cloud;
        const event: JsonObject = {
          'version': '0', 'id': crypto.randomUUID(), 'detail-type': 'Scheduled Event', 'source': 'aws.events', account,
          'time': `${at.toISOString().slice(0, 19)}Z`, region, 'resources': [rule.arn], 'detail': {},
        };
        for (const target of rule.targets) await this.send(rule, target, event);
      }, `schedule ${rule.name}`);
    };
    arm();
  }

  private async createBus(resource: Resource): Promise<Deployed> {
    onlyKnown(resource.properties, ['Name', 'Tags', 'Description', 'KmsKeyIdentifier'], resource.type);
    const name = String(resource.properties.Name);
    await jsonCall(this.cloud, 'events', 'AWSEvents.CreateEventBus', { Name: name });
    const { region, account, partition } = this.cloud;
    return { ref: name, attributes: { Name: name, Arn: `arn:${partition}:events:${region}:${account}:event-bus/${name}` } };
  }
}

function busName(nameOrArn: string | undefined): string {
  return nameOrArn === undefined ? 'default' : nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
}
