/**
 * The contract between the local cloud's core and its stand-ins.
 *
 * The core deploys a synthesized cloud assembly: it hands each CloudFormation resource, intrinsics resolved, to the
 * stand-in that knows its type, and routes each AWS call, by the service name in its signature, to the stand-in that
 * serves it. A stand-in that does not know a type, a property or a call throws `Unsupported`.
 */

import { ChildProcess } from 'child_process';

/** The CloudFormation or API members of something; JSON as it came. */
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type JsonObject = { [member: string]: Json };

/** Said for everything that the local cloud does not do, with the name of what was asked. */
export class Unsupported extends Error {
  readonly code = 'UnsupportedByLocalCloud';
  constructor(what: string) {
    super(`the local cloud does not support ${what}`);
    this.name = 'UnsupportedByLocalCloud';
  }
}

/** An error as the AWS service would answer it. */
export class AwsError extends Error {
  constructor(readonly code: string, message: string, readonly status = 400) {
    super(message);
    this.name = code;
  }
}

/** The one clock of the local cloud. Time stands still but for `advanceTo`. */
export interface Clock {
  now(): Date;
  /** Runs `task` when the clock reaches `at` (at once, in order, where that is past). Returns its cancellation. */
  at(at: Date, task: () => void | Promise<void>, label: string): () => void;
  /** Same, in milliseconds from now. */
  after(milliseconds: number, task: () => void | Promise<void>, label: string): () => void;
  /** Registers work in flight: the clock does not move before it has settled. Returns the same promise. */
  busy<T>(work: Promise<T>, label?: string): Promise<T>;
  /** Resolves when nothing is in flight. */
  settle(): Promise<void>;
  /** Moves to `to`, firing on the way each task that falls due, letting its work settle before the next. */
  advanceTo(to: Date): Promise<void>;
}

/** Who makes a call: found by the access key in its signature. */
export interface Principal {
  /** ARN of the role (or of the local operator, who may do everything). */
  readonly arn: string;
  readonly name: string;
  /** Whether calls of this principal are decided by the policies of the assembly. */
  readonly restricted: boolean;
  /** Whether it is a person, whose calls are told of and recorded. */
  readonly person?: boolean;
}

/** One AWS API call. */
export interface Call {
  readonly service: string;
  /** For JSON protocols the operation's name, else METHOD and path. */
  readonly operation: string;
  readonly input: JsonObject;
  readonly principal: Principal;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | undefined>;
  readonly body: Buffer;
}

/** An answer that is not plain JSON (for example a model's prediction). */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer | string;
}
export const isRawAnswer = (answer: unknown): answer is RawAnswer =>
  typeof answer === 'object' && answer !== null && 'status' in answer && 'headers' in answer && 'body' in answer;

/** What answers the calls of one service. */
export interface Service {
  /** The service's name in the SigV4 credential scope, e.g. `sagemaker` (both for the API and the runtime), `monitoring`, `states`. */
  readonly scopes: string[];
  /** The input with what IAM decides about, where a call names that by something of the service's own. */
  completed?(call: Call): JsonObject;
  handle(call: Call): Promise<JsonObject | RawAnswer>;
}

/** A resource of a template, with every intrinsic resolved. */
export interface Resource {
  readonly type: string;
  readonly logicalId: string;
  /** Path of logical ids through nested stacks, unique in the assembly. */
  readonly path: string;
  readonly stackName: string;
  readonly properties: JsonObject;
  /** The raw `Metadata` of the resource (e.g. aws:cdk:path). */
  readonly metadata: JsonObject;
}

/** What `Ref` and `Fn::GetAtt` answer for a deployed resource. */
export interface Deployed {
  readonly ref: string;
  readonly attributes: Record<string, string>;
}

/** Makes resources of some CloudFormation types. */
export interface Provisioner {
  readonly types: string[];
  create(resource: Resource, cloud: Cloud): Promise<Deployed>;
  /** Deletes what `create` made. A stack with a resource that lacks it cannot be deleted. */
  delete?(resource: Resource, deployed: Deployed, cloud: Cloud): Promise<void>;
}

/** What an event, a schedule or an alarm may be delivered to. */
export interface Target {
  /** The service part of the target's ARN, e.g. `states`, `lambda`, `codepipeline`. */
  readonly services: string[];
  /** Hands the input over, as the service takes it in; does not wait for what comes of it. */
  deliver(targetArn: string, input: Json, roleArn?: string): Promise<void>;
}

/** A part of the local cloud. Every member is optional: a stand-in has those that it needs. */
export interface StandIn {
  /** For the report: which AWS service, by what it is stood in for. */
  readonly describes: { service: string; by: string }[];
  readonly services?: Service[];
  readonly provisioners?: Provisioner[];
  readonly targets?: Target[];
  /** Called once before anything is deployed. */
  start?(cloud: Cloud): Promise<void>;
  /** Stops every process, server and timer of the stand-in; also after a failed start. */
  stop?(): Promise<void>;
}

/** Where things are kept; all below one folder that the run owns. */
export interface Folders {
  readonly root: string;
  /** Files of S3 objects are not here: S3 is reached over the wire. */
  readonly temp: string;
  readonly logs: string;
}

/** An IAM decision with what decided it. */
export interface Decision {
  readonly allowed: boolean;
  /** The deciding statement's Sid and policy, or `implicit deny`. */
  readonly by: string;
}

/** What the stand-ins have of the cloud that they are part of. */
export interface Cloud {
  readonly region: string;
  readonly account: string;
  readonly partition: string;
  /** URL of the front port, for SDK clients and processes. */
  readonly endpoint: string;
  readonly clock: Clock;
  readonly folders: Folders;
  /** Container images: the local runner of an image URI is a checked-out folder that holds the image's programs. */
  readonly images: Map<string, string>;
  /** Python that runs images, jobs and scripts. */
  readonly python: string;
  /** S3 over the wire, the short way. */
  readonly s3: ObjectStore;
  /** Every deployed resource, by `path`. */
  readonly resources: ReadonlyMap<string, { resource: Resource; deployed: Deployed }>;
  /** SDK client at the front port, as the local operator or as a role. Clients are cached. */
  client<T>(type: new (configuration: ClientConfiguration) => T, roleArn?: string): T;
  /** Environment variables (AWS_ENDPOINT_URL, keys, region, …) for a process that acts as the role. */
  environment(roleArn?: string): Record<string, string>;
  /** Puts an event as an AWS service would (`aws.*` sources allowed) onto the default bus. */
  emit(source: string, detailType: string, detail: JsonObject, resources?: string[]): Promise<void>;
  /** Starts a state machine, function, queue, topic or pipeline as an event target would. */
  deliver(targetArn: string, input: Json, roleArn?: string): Promise<void>;
  /** Finds the stand-in of a class, for the few that talk to each other directly. */
  find<T extends StandIn>(type: abstract new (...args: never[]) => T): T;
  /** Local file or folder of a file asset, by its S3 object key in the assembly's asset manifest. */
  assetPath(objectKey: string): string;
  /** Decides a call by the assembly's policies (identity, boundary, resource). */
  decide(principalArn: string, action: string, resourceArn: string, context?: Record<string, string>): Decision;
  /** Throws where the policies of the assembly decide about this role, and do not allow it. For calls that need no wire. */
  check?(roleArn: string | undefined, action: string, resourceArn: string): void;
  /**
   * Starts a program in a process group that ends when the cloud stops or this process dies, however it dies.
   * Its output goes to `<logs>/<name>.log` unless `pipe` asks for it.
   */
  spawn(name: string, program: string, args: string[], options: SpawnOptions): ChildProcess;
  log(line: string): void;
}

export interface SpawnOptions {
  readonly cwd?: string;
  /** The whole environment but for PATH, HOME, LANG and TMPDIR, which are the run's. */
  readonly env?: Record<string, string>;
  readonly pipe?: boolean;
}

export interface ClientConfiguration {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { accessKeyId: string; secretAccessKey: string };
  readonly forcePathStyle?: boolean;
}

export interface ObjectStore {
  get(bucket: string, key: string): Promise<Buffer>;
  put(bucket: string, key: string, body: Buffer | string): Promise<void>;
  list(bucket: string, prefix: string): Promise<{ key: string; size: number }[]>;
  /** Copies every object below a prefix into a folder, keeping the paths below the prefix. */
  download(bucket: string, prefix: string, folder: string): Promise<number>;
  upload(folder: string, bucket: string, prefix: string): Promise<number>;
}
