import { RuleTarget, ruleTarget, targetInput } from './event-target';
import { ProxiedCall } from './front-port';
import { onlyKnown } from './members';
import { physicalName } from './names';
import { RunnerQueue } from './runner-queue';
import { schedule } from './schedule';
import { Cloud, Deployed, JsonObject, Provisioner, Resource, StandIn, Unsupported } from './types';
import { jsonCall } from './wire';

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
    { types: ['AWS::Events::Rule'], create: (resource) => this.createRule(resource), delete: (resource, { ref }) => this.deleteRule(resource, ref) },
    { types: ['AWS::Events::EventBus'], create: (resource) => this.createBus(resource), delete: (_, { ref }) => this.deleteBus(ref) },
    { types: ['AWS::Events::EventBusPolicy'], create: async ({ path }) => ({ ref: path, attributes: {} }), delete: async () => undefined },
  ];
  /** Buckets that tell EventBridge of their objects. */
  readonly notifyingBuckets = new Set<string>();
  private readonly rules = new Map<string, Rule>();
  private readonly times = new Map<string, string>();
  /** What takes a rule's schedule back, by its resource's path. */
  private readonly armed = new Map<string, () => void>();
  private cloud!: Cloud;
  private readonly queue = new RunnerQueue('local-cloud-events.fifo', ({ body, group }) => this.matched(group!, body));

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
    // The same event for two rules is two messages: duplicates are told apart within a rule only.
    await this.queue.create(cloud, { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' });
  }

  /** Whether a call that ministack has answered may have put something into the queue. */
  concerns(call: ProxiedCall, answer: JsonObject | undefined): boolean {
    if (call.service === 's3') return this.notifyingBuckets.has(decodeURIComponent(call.path.split(/[/?]/)[1] ?? ''));
    if (call.service !== 'events' || call.operation !== 'PutEvents') return false;
    // ministack gives every event the time at which it came; the caller's own is kept here.
    const entries = call.input.Entries as JsonObject[];
    ((answer?.Entries ?? []) as JsonObject[]).forEach(({ EventId }, index) => {
      const time = entries[index]?.Time;
      if (EventId && typeof time === 'number') this.times.set(String(EventId), `${new Date(time * 1000).toISOString().slice(0, 19)}Z`);
    });
    return true;
  }

  /** Takes what ministack has matched and delivers it; answers whether there was anything. */
  drain(): Promise<boolean> {
    return this.queue.drain(this.cloud);
  }

  private async matched(group: string, event: JsonObject): Promise<void> {
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
        Rule: name,
        EventBusName: bus,
        Targets: [{ Id: 'runner', Arn: this.queue.arn(this.cloud), SqsParameters: { MessageGroupId: group } }],
      });
      if (put.FailedEntryCount) throw new Error(`ministack refused the target of the rule ${name}: ${JSON.stringify(put.FailedEntries)}`);
    }
    const { ScheduleExpression } = properties;
    if (ScheduleExpression !== undefined && enabled) this.armed.set(resource.path, this.every(String(ScheduleExpression), rule));
    return { ref: bus === 'default' ? name : `${bus}|${name}`, attributes: { Arn: arn } };
  }

  private async deleteRule({ path, properties }: Resource, ref: string): Promise<void> {
    this.armed.get(path)?.();
    if (properties.EventPattern === undefined) return;
    const [Name, EventBusName] = [ref.slice(ref.indexOf('|') + 1), busName(properties.EventBusName as string | undefined)];
    // an event that the rule matched before it was deleted is on its way
    await this.drain();
    await jsonCall(this.cloud, 'events', 'AWSEvents.RemoveTargets', { Rule: Name, EventBusName, Ids: ['runner'] });
    await jsonCall(this.cloud, 'events', 'AWSEvents.DeleteRule', { Name, EventBusName });
  }

  private async deleteBus(Name: string): Promise<void> {
    await jsonCall(this.cloud, 'events', 'AWSEvents.DeleteEventBus', { Name });
  }

  private every(expression: string, rule: Rule): () => void {
    let cancel = (): void => undefined;
    const next = schedule(expression, this.cloud.clock.now());
    const arm = (): void => {
      const at = next(this.cloud.clock.now());
      if (!at) return;
      cancel = this.cloud.clock.at(at, async () => {
        arm();
        const { region, account } = this.cloud;
        const event: JsonObject = {
          'version': '0',
          'id': crypto.randomUUID(),
          'detail-type': 'Scheduled Event',
          'source': 'aws.events',
          account,
          'time': `${at.toISOString().slice(0, 19)}Z`,
          region,
          'resources': [rule.arn],
          'detail': {},
        };
        for (const target of rule.targets) await this.send(rule, target, event);
      }, `schedule ${rule.name}`);
    };
    arm();
    return () => cancel();
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
