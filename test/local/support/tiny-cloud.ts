import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

import { RunFolder } from '../../../examples/local/cloud/children';
import { LocalClock } from '../../../examples/local/cloud/clock';
import { FrontPort } from '../../../examples/local/cloud/front-port';
import { Ministack } from '../../../examples/local/cloud/ministack';
import { Principals } from '../../../examples/local/cloud/principals';
import {
  ClientConfiguration, Cloud, Deployed, Json, JsonObject, ObjectStore, Resource, SpawnOptions, StandIn, Unsupported,
} from '../../../examples/local/cloud/types';

export const PYTHON = resolve(__dirname, '../../../.venv/bin/python');

/** The parts of the local cloud that a stand-in's own test needs: S3, the front port, the clock and the stand-ins given. */
export class TinyCloud implements Cloud {
  readonly region = 'eu-west-1';
  readonly account = '000000000000';
  readonly partition = 'aws';
  endpoint = '';
  readonly clock: LocalClock;
  readonly folders: { root: string; temp: string; logs: string };
  readonly images = new Map<string, string>();
  readonly python = PYTHON;
  readonly resources = new Map<string, { resource: Resource; deployed: Deployed }>();
  readonly events: { source: string; type: string; detail: JsonObject; at: string }[] = [];
  readonly deliveries: { targetArn: string; input: Json }[] = [];
  readonly faults: Error[] = [];
  readonly lines: string[] = [];
  readonly assets = new Map<string, string>();
  readonly s3: ObjectStore = new WireStore(() => this.client(S3Client));
  readonly principals = new Principals(this.account, this.partition, () => false);
  /** Which decisions of the policies are wanted. */
  denied: string[] = [];
  private readonly front: FrontPort;
  private readonly folder: RunFolder;
  private readonly ministack: Ministack;
  private readonly clients = new Map<string, object>();

  constructor(private readonly standIns: StandIn[], start = new Date('2013-05-01T00:00:00Z')) {
    this.clock = new LocalClock({ start });
    this.folder = new RunFolder(mkdtempSync(join(tmpdir(), 'tiny-cloud-')), PYTHON);
    this.folders = this.folder;
    this.ministack = new Ministack(this.folder, PYTHON, this.account, this.region);
    this.front = new FrontPort(this.clock, this.principals, {
      authorize: async () => undefined, proxied: () => undefined, fault: (error) => { this.faults.push(error); },
    }, () => this.ministack.port);
  }

  async start(...buckets: string[]): Promise<void> {
    this.folder.take();
    if (buckets.length > 0) await this.ministack.start();
    this.endpoint = `http://127.0.0.1:${await this.front.start()}`;
    for (const standIn of this.standIns) {
      for (const service of standIn.services ?? []) this.front.register(service);
      await standIn.start?.(this);
    }
    for (const bucket of buckets) await this.client(S3Client).send(new CreateBucketCommand({ Bucket: bucket }));
  }

  async stop(): Promise<void> {
    for (const standIn of this.standIns) await standIn.stop?.();
    for (const client of this.clients.values()) if ('destroy' in client && typeof client.destroy === 'function') client.destroy();
    await this.front.stop();
    await this.folder.stop();
    rmSync(this.folder.root, { recursive: true, force: true });
  }

  async create(type: string, logicalId: string, properties: JsonObject): Promise<Deployed> {
    const provisioner = this.standIns.flatMap((standIn) => standIn.provisioners ?? []).find(({ types }) => types.includes(type));
    if (provisioner === undefined) throw new Unsupported(type);
    const resource: Resource = { type, logicalId, path: `Stack/${logicalId}`, stackName: 'Stack', properties, metadata: {} };
    const deployed = await provisioner.create(resource, this);
    this.resources.set(resource.path, { resource, deployed });
    return deployed;
  }

  client<T>(type: new (configuration: ClientConfiguration) => T, roleArn?: string): T {
    const id = `${type.name} ${roleArn ?? ''}`;
    const made = (this.clients.get(id) as T | undefined) ?? new type({
      endpoint: this.endpoint,
      region: this.region,
      forcePathStyle: true,
      credentials: { accessKeyId: this.principals.keyOf(roleArn), secretAccessKey: 'local' },
    });
    this.clients.set(id, made as object);
    return made;
  }

  environment(roleArn?: string): Record<string, string> {
    return { AWS_ENDPOINT_URL: this.endpoint, AWS_ACCESS_KEY_ID: this.principals.keyOf(roleArn), AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: this.region };
  }

  async emit(source: string, type: string, detail: JsonObject): Promise<void> {
    this.events.push({ source, type, detail, at: this.clock.now().toISOString() });
  }

  async deliver(targetArn: string, input: Json): Promise<void> {
    this.deliveries.push({ targetArn, input });
  }

  find<T extends StandIn>(type: abstract new (...args: never[]) => T): T {
    const found = this.standIns.find((standIn) => standIn instanceof type);
    if (found === undefined) throw new Error(`no ${type.name}`);
    return found as T;
  }

  assetPath(objectKey: string): string {
    const found = this.assets.get(objectKey);
    if (found === undefined) throw new Error(`no asset ${objectKey}`);
    return found;
  }

  decide(principalArn: string, action: string, resourceArn: string): { allowed: boolean; by: string } {
    return { allowed: !this.denied.includes(`${principalArn} ${action} ${resourceArn}`), by: 'the test' };
  }

  spawn(name: string, program: string, args: string[], options: SpawnOptions) {
    return this.folder.spawn(name, program, args, options);
  }

  log(line: string): void {
    this.lines.push(line);
  }
}

class WireStore implements ObjectStore {
  constructor(private readonly client: () => S3Client) {}

  async get(bucket: string, key: string): Promise<Buffer> {
    const { Body: body } = await this.client().send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return Buffer.from(await body?.transformToByteArray() ?? []);
  }

  async put(bucket: string, key: string, body: Buffer | string): Promise<void> {
    await this.client().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  }

  async list(bucket: string, prefix: string): Promise<{ key: string; size: number }[]> {
    const { Contents: contents } = await this.client().send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    return (contents ?? []).map(({ Key: key, Size: size }) => ({ key: key ?? '', size: size ?? 0 }));
  }

  async download(bucket: string, prefix: string, folder: string): Promise<number> {
    const found = await this.list(bucket, prefix);
    for (const { key } of found) {
      const file = join(folder, key.slice(prefix.length));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, await this.get(bucket, key));
    }
    return found.length;
  }

  async upload(folder: string, bucket: string, prefix: string): Promise<number> {
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      await this.put(bucket, `${prefix}${relative(folder, path)}`, await readFile(path));
    }
    return files.length;
  }
}
