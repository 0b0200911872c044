import { onlyKnown } from './members';
import { physicalName } from './names';
import { schedule } from './schedule';
import { sdkCall } from './sdk-services';
import { Cloud, Deployed, Json, JsonObject, Provisioner, Resource, StandIn, Unsupported } from './types';

const PROPERTIES = [
  'Name', 'GroupName', 'Description', 'ScheduleExpression', 'ScheduleExpressionTimezone', 'FlexibleTimeWindow', 'State', 'StartDate', 'EndDate', 'Target', 'KmsKeyArn',
];
const UNIVERSAL = /^arn:[^:]+:scheduler:::aws-sdk:([^:]+):([^:]+)$/;

/** EventBridge Scheduler: schedules fire on the local clock. */
export class Scheduler implements StandIn {
  readonly describes = [{ service: 'EventBridge Scheduler', by: 'first-party, on the local clock' }];
  readonly provisioners: Provisioner[] = [
    { types: ['AWS::Scheduler::Schedule'], create: (resource) => this.create(resource), delete: async ({ path }) => { this.armed.get(path)?.(); } },
    { types: ['AWS::Scheduler::ScheduleGroup'], create: (resource) => this.group(resource), delete: async () => undefined },
  ];
  /** What takes a schedule back, by its resource's path. */
  private readonly armed = new Map<string, () => void>();
  private cloud!: Cloud;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  private async group(resource: Resource): Promise<Deployed> {
    const name = String(resource.properties.Name ?? physicalName(resource));
    return { ref: name, attributes: { Arn: this.arn('schedule-group', name) } };
  }

  private async create(resource: Resource): Promise<Deployed> {
    const { properties, type } = resource;
    onlyKnown(properties, PROPERTIES, type);
    const target = properties.Target as JsonObject;
    onlyKnown(target, ['Arn', 'RoleArn', 'Input', 'RetryPolicy', 'DeadLetterConfig'], `${type}.Target`);
    if ((properties.FlexibleTimeWindow as JsonObject).Mode !== 'OFF') throw new Unsupported(`FlexibleTimeWindow of ${type}`);
    if (!['UTC', 'Etc/UTC'].includes(String(properties.ScheduleExpressionTimezone ?? 'UTC'))) throw new Unsupported(`ScheduleExpressionTimezone of ${type}`);
    const name = String(properties.Name ?? physicalName(resource));
    const arn = this.arn('schedule', `${String(properties.GroupName ?? 'default')}/${name}`);
    if (properties.State !== 'DISABLED') this.armed.set(resource.path, this.arm(name, arn, properties, target));
    return { ref: name, attributes: { Arn: arn } };
  }

  private arm(name: string, arn: string, properties: JsonObject, target: JsonObject): () => void {
    let cancel = (): void => undefined;
    const { clock } = this.cloud;
    const [first, end] = [properties.StartDate, properties.EndDate].map((date) => typeof date === 'string' ? new Date(date) : undefined);
    const next = schedule(String(properties.ScheduleExpression), first ?? clock.now());
    const again = (): void => {
      const from = first && first > clock.now() ? new Date(first.getTime() - 1) : clock.now();
      const at = next(from);
      if (!at || (end && at > end)) return;
      cancel = clock.at(at, async () => {
        again();
        await this.fire(arn, target, at);
      }, `schedule ${name}`);
    };
    again();
    return () => cancel();
  }

  private async fire(arn: string, target: JsonObject, at: Date): Promise<void> {
    const time = `${at.toISOString().slice(0, 19)}Z`;
    const text = typeof target.Input === 'string' ? target.Input : JSON.stringify({
      'version': '0',
      'id': crypto.randomUUID(),
      'detail-type': 'Scheduled Event',
      'source': 'aws.scheduler',
      'account': this.cloud.account,
      time,
      'region': this.cloud.region,
      'resources': [arn],
      'detail': '{}',
    });
    const attributes: Record<string, string> = {
      'schedule-arn': arn, 'scheduled-time': time, 'execution-id': crypto.randomUUID(), 'attempt-number': '1',
    };
    const input = parsed(text.replace(/<aws\.scheduler\.([a-z-]+)>/g, (whole, name: string) => attributes[name] ?? whole));
    const universal = UNIVERSAL.exec(String(target.Arn));
    if (universal) await sdkCall(this.cloud, universal[1], universal[2], input as JsonObject, String(target.RoleArn));
    else await this.cloud.deliver(String(target.Arn), input, String(target.RoleArn));
  }

  private arn(kind: string, name: string): string {
    return `arn:${this.cloud.partition}:scheduler:${this.cloud.region}:${this.cloud.account}:${kind}/${name}`;
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
