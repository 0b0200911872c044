import { ChildProcess } from 'child_process';
import { appendFileSync } from 'fs';
import * as path from 'path';
import { Assembly } from './assembly';
import { Authorization, Decided } from './authorization';
import { RunFolder } from './children';
import { LocalClock } from './clock';
import { CustomResources } from './custom-resources';
import { Declared } from './declared';
import { Deployer } from './deployer';
import { EventBridge } from './events';
import { FrontPort } from './front-port';
import { PolicyEvaluator } from './iam';
import { Lambda } from './lambda';
import { Ministack } from './ministack';
import { MinistackResources } from './ministack-provisioners';
import { Notifications } from './notifications';
import { S3ObjectStore } from './object-store';
import { Principals } from './principals';
import { S3Wire } from './s3-wire';
import { Scheduler } from './scheduler';
import { SecurityTokens } from './security-tokens';
import { StepFunctions } from './step-functions';
import {
  AwsError, ClientConfiguration, Cloud, Decision, Deployed, Json, JsonObject, ObjectStore, Resource, SpawnOptions, StandIn, Unsupported,
} from './types';
import { jsonCall } from './wire';

export interface LocalCloudOptions {
  /** The folder that the run owns. It is emptied. */
  readonly root: string;
  /** Where the clock starts. */
  readonly startTime: Date;
  /** The stand-ins beside the core's own. */
  readonly standIns?: StandIn[];
  /** Python with ministack. Default: the checkout's `.venv`. */
  readonly python?: string;
  /** Container images by URI: the folder that holds the programs. */
  readonly images?: Map<string, string>;
  /** Used where the stacks are agnostic of them. */
  readonly account?: string;
  readonly region?: string;
  readonly patienceSeconds?: number;
  /** Rejects when the start is to be given up. */
  readonly interrupted?: Promise<never>;
  /**
   * Whose calls the synthesized policies decide: those of people (see `restrict`), or also those that functions and
   * state machines make in their roles.
   */
  readonly enforce?: 'people' | 'everyone';
  /** Told each line that is also written to `<root>/logs/cloud.log`. */
  readonly onLog?: (line: string) => void;
}

/** Real seconds that a stand-in may take to stop; its processes are ended anyhow. */
const STOP_SECONDS = 10;

/** A cloud assembly, running on this machine. */
export class LocalCloud implements Cloud {
  /** Starts everything and deploys the assembly. Whatever fails, nothing is left running. */
  static async start(assemblyFolder: string, options: LocalCloudOptions): Promise<LocalCloud> {
    const cloud = new LocalCloud(new Assembly(assemblyFolder), options);
    try {
      await (options.interrupted === undefined ? cloud.begin() : Promise.race([cloud.begin(), options.interrupted]));
    } catch (error) {
      await cloud.stop();
      throw error;
    }
    return cloud;
  }

  readonly region: string;
  readonly account: string;
  readonly partition = 'aws';
  readonly clock: LocalClock;
  readonly folders: { root: string; temp: string; logs: string };
  readonly images: Map<string, string>;
  readonly python: string;
  readonly s3: ObjectStore;
  /** What was asked of the local cloud and is not supported, and what broke inside it. A run with faults has not come out. */
  readonly faults: string[] = [];
  readonly standIns: StandIn[];
  endpoint = '';
  private readonly folder: RunFolder;
  private readonly ministack: Ministack;
  private readonly front: FrontPort;
  private readonly principals: Principals;
  private readonly events = new EventBridge();
  private readonly notifications = new Notifications();
  private readonly deployer: Deployer;
  private readonly authorization = new Authorization(this);
  private readonly evaluator: PolicyEvaluator;
  private readonly clients = new Map<unknown, Map<string, unknown>>();
  private readonly touched = new Set<EventBridge | Notifications>();
  private roles: { among: number; arns: Set<string> } = { among: 0, arns: new Set() };
  private taken = false;
  private stopping = false;

  private constructor(private readonly assembly: Assembly, private readonly options: LocalCloudOptions) {
    this.account = common(assembly.stacks.map(({ account }) => account), 'account') ?? options.account ?? '111122223333';
    this.region = common(assembly.stacks.map(({ region }) => region), 'region') ?? options.region ?? 'eu-central-1';
    this.python = options.python ?? path.resolve(__dirname, '../../../.venv/bin/python');
    this.images = options.images ?? new Map<string, string>();
    this.clock = new LocalClock({ start: options.startTime, patienceSeconds: options.patienceSeconds });
    this.folder = new RunFolder(path.resolve(options.root), this.python);
    this.folders = this.folder;
    this.ministack = new Ministack(this.folder, this.python, this.account, this.region);
    this.principals = new Principals(this.account, this.partition, (roleArn) => options.enforce === 'everyone' && this.hasRole(roleArn));
    this.front = new FrontPort(this.clock, this.principals, {
      authorize: (call) => this.authorization.authorize(call),
      proxied: (call, answer) => {
        if (this.events.concerns(call, answer)) this.take(this.events);
        if (this.notifications.concerns(call)) this.take(this.notifications);
      },
      fault: (error, call) => this.fault(`${call.service} ${call.operation}`, error),
    }, () => this.ministack.port);
    this.evaluator = new PolicyEvaluator(() => this.resources, this.account);
    this.s3 = new S3ObjectStore(() => new S3Wire(this.endpoint, this.region));
    const running: StandIn[] = [
      new MinistackResources(), this.events, this.notifications, new Scheduler(), new Lambda(), new CustomResources(), new StepFunctions(),
      new SecurityTokens(this.principals),
      ...options.standIns ?? [],
    ];
    const made = running.flatMap((standIn) => standIn.provisioners ?? []).flatMap(({ types }) => types);
    this.standIns = [...running, new Declared(new Set(made))];
    const provisioners = this.standIns.flatMap((standIn) => standIn.provisioners ?? []);
    this.deployer = new Deployer(assembly, this, provisioners, { dynamic: (service, rest) => this.dynamic(service, rest) });
  }

  get resources(): ReadonlyMap<string, { resource: Resource; deployed: Deployed }> {
    return this.deployer.resources;
  }

  /** Outputs of the stacks, by stack name. */
  get outputs(): ReadonlyMap<string, Record<string, string>> {
    return this.deployer.outputs;
  }

  client<T>(type: new (configuration: ClientConfiguration) => T, roleArn?: string): T {
    const byKey = this.clients.get(type) ?? new Map<string, unknown>();
    this.clients.set(type, byKey);
    const accessKeyId = this.principals.keyOf(roleArn);
    const known = byKey.get(accessKeyId) as T | undefined;
    if (known) return known;
    const made = new type({
      endpoint: this.endpoint, region: this.region, credentials: { accessKeyId, secretAccessKey: 'local' }, forcePathStyle: true,
    });
    byKey.set(accessKeyId, made);
    return made;
  }

  environment(roleArn?: string): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: this.region,
      AWS_DEFAULT_REGION: this.region,
      AWS_ACCESS_KEY_ID: this.principals.keyOf(roleArn),
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    };
  }

  /**
   * Deletes a stack as CloudFormation does. Time does not move by itself meanwhile: functions that wait for something
   * need somebody who moves the clock.
   */
  async deleteStack(name: string): Promise<void> {
    await this.deployer.deleteStack(name);
  }

  /** Somebody with all rights, whose calls are recorded like anybody's. */
  get administrator(): string {
    return this.principals.administrator;
  }

  /** From now on the calls of this role are decided by the policies of the assembly, as a person's are. */
  restrict(roleArn: string): void {
    this.principals.restrict(roleArn);
  }

  async emit(source: string, detailType: string, detail: JsonObject, resources: string[] = []): Promise<void> {
    const work = this.ministack.putServiceEvent({ Source: source, DetailType: detailType, Detail: JSON.stringify(detail), Resources: resources });
    await this.clock.busy(work, `event ${source} ${detailType}`);
    this.take(this.events);
  }

  async deliver(targetArn: string, input: Json, roleArn?: string): Promise<void> {
    const service = targetArn.split(':')[2];
    if (service === 'sqs') {
      const [account, name] = targetArn.split(':').slice(4);
      const MessageBody = typeof input === 'string' ? input : JSON.stringify(input);
      await jsonCall(this, 'sqs', 'AmazonSQS.SendMessage', { QueueUrl: `${this.endpoint}/${account}/${name}`, MessageBody });
      return;
    }
    const target = this.standIns.flatMap((standIn) => standIn.targets ?? []).find(({ services }) => services.includes(service));
    if (!target) throw new Unsupported(`${targetArn} as a target of events`);
    await target.deliver(targetArn, input, roleArn);
  }

  find<T extends StandIn>(type: abstract new (...args: never[]) => T): T {
    const found = this.standIns.find((standIn): standIn is T => standIn instanceof type);
    if (!found) throw new Error(`this local cloud has no ${type.name}`);
    return found;
  }

  assetPath(objectKey: string): string {
    return this.assembly.assetPath(objectKey);
  }

  decide(principalArn: string, action: string, resourceArn: string, context?: Record<string, string>): Decision {
    return this.evaluator.decide(principalArn, action, resourceArn, { 'aws:RequestedRegion': this.region, ...context });
  }

  check(roleArn: string | undefined, action: string, resourceArn: string): void {
    if (roleArn === undefined || this.options.enforce !== 'everyone' || !this.hasRole(roleArn)) return;
    const decision = this.decide(roleArn, action, resourceArn);
    if (decision.allowed) return;
    throw new AwsError('AccessDeniedException', `${roleArn} is not authorized to perform: ${action} on resource: ${resourceArn} (${decision.by})`, 403);
  }

  /** What was decided about calls of people, and what was denied to anybody. */
  get decided(): readonly Decided[] {
    return this.authorization.decided;
  }

  spawn(name: string, program: string, args: string[], options: SpawnOptions): ChildProcess {
    return this.folder.spawn(name, program, args, options);
  }

  log(line: string): void {
    if (this.stopping) return;
    appendFileSync(path.join(this.folders.logs, 'cloud.log'), `${this.clock.now().toISOString()} ${line}\n`);
    this.options.onLog?.(line);
  }

  /** Stops every process, server and timer. Logs and what the run has written stay. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.clock.close(new Error('the local cloud has been stopped'));
    for (const standIn of [...this.standIns].reverse()) {
      await atMost(STOP_SECONDS, standIn.stop?.()).catch((error: unknown) => this.options.onLog?.(`while stopping: ${String(error)}`));
    }
    for (const byKey of this.clients.values()) {
      for (const client of byKey.values()) (client as { destroy?: () => void }).destroy?.();
    }
    await this.front.stop();
    if (this.taken) await this.folder.stop();
  }

  private async begin(): Promise<void> {
    this.folder.take();
    this.taken = true;
    await this.ministack.start();
    this.endpoint = `http://127.0.0.1:${await this.front.start()}`;
    for (const standIn of this.standIns) standIn.services?.forEach((service) => this.front.register(service));
    for (const standIn of this.standIns) await standIn.start?.(this);
    await this.deployer.deploy();
    this.clock.drain(() => this.takeLate());
  }

  /** Takes what a call has put into a queue of the runner; the clock waits for it. */
  private take(source: EventBridge | Notifications): void {
    this.touched.add(source);
    this.clock.busy(source.drain(), 'delivery of events').catch((error: Error) => this.fault('delivery of an event', error));
  }

  /** One more look, before time moves, at the queues that something was put into. */
  private async takeLate(): Promise<boolean> {
    const sources = [...this.touched];
    this.touched.clear();
    const found = await Promise.all(sources.map((source) => source.drain()));
    return found.includes(true);
  }

  /** Roles that the assembly only names have no policies here and are believed. */
  private hasRole(roleArn: string): boolean {
    if (this.roles.among !== this.resources.size) {
      const roles = [...this.resources.values()].filter(({ resource }) => resource.type === 'AWS::IAM::Role');
      this.roles = { among: this.resources.size, arns: new Set(roles.map(({ deployed }) => deployed.attributes.Arn)) };
    }
    return this.roles.arns.has(roleArn);
  }

  private fault(where: string, error: Error): void {
    // What is in flight when everything is stopped fails; that is no fault.
    if (this.stopping) return;
    this.faults.push(`${where}: ${error.message}`);
    this.log(`FAULT ${where}: ${error.stack ?? error.message}`);
  }

  private async dynamic(service: string, rest: string): Promise<string> {
    if (service !== 'ssm') throw new Unsupported(`the dynamic reference {{resolve:${service}:${rest}}}`);
    const answer = await jsonCall(this, 'ssm', 'AmazonSSM.GetParameter', { Name: rest });
    return String((answer.Parameter as JsonObject).Value);
  }
}

async function atMost(seconds: number, work: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((_, reject) => { timer = setTimeout(() => reject(new Error(`not stopped within ${seconds} s`)), seconds * 1000); });
  await Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

function common(values: (string | undefined)[], what: string): string | undefined {
  const distinct = new Set(values.filter((value) => value !== undefined));
  if (distinct.size > 1) throw new Unsupported(`stacks in more than one ${what} (${[...distinct].join(', ')})`);
  return [...distinct][0];
}
