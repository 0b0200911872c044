import { rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { unpack } from './archive';
import { ImageProcess, runImage } from './image';
import { Model } from './models';
import { freePort } from '../cloud/free-port';
import { AwsError, Cloud } from '../cloud/types';

/** A container must answer within this many (real) seconds. */
const INVOCATION_SECONDS = 60;

export interface ModelAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** A container that did not become healthy. */
export class StartFailure extends Error {}

/** One serving container as a real process: SageMaker's contract of GET /ping and POST /invocations. */
export class ModelServer {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 16 });
  private readonly base: string;
  private process?: ImageProcess;
  private port = 0;

  constructor(private readonly cloud: Cloud, private readonly model: Model) {
    this.base = join(cloud.folders.temp, `serve-${model.fingerprint}-${serial += 1}`);
  }

  async start(startupSeconds: number): Promise<void> {
    const { cloud, model, base } = this;
    if (model.modelData !== undefined) {
      const archive = `${base}.tar.gz`;
      writeFileSync(archive, await cloud.s3.get(model.modelData.bucket, model.modelData.key));
      await unpack(cloud.python, archive, join(base, 'model'));
      rmSync(archive);
    }
    this.port = await freePort();
    this.process = runImage(cloud, model.image, {
      name: `serve-${model.name}`,
      command: ['serve'],
      base,
      environment: {
        // An isolated container has no credentials; that it also has no network is not enforced here.
        ...(model.isolated ? {} : cloud.environment(model.roleArn)),
        ...model.environment,
        SAGEMAKER_BIND_HOST: '127.0.0.1',
        SAGEMAKER_BIND_TO_PORT: String(this.port),
      },
    });
    let ended: number | undefined;
    void this.process.exited.then((code) => (ended = code));
    const patience = performance.now() + startupSeconds * 1000;
    while (ended !== undefined || !await this.healthy()) {
      if (ended !== undefined || performance.now() > patience) {
        const why = ended === undefined ? `no answer within ${startupSeconds} s` : `the container ended with exit code ${ended}`;
        await this.stop();
        throw new StartFailure(`did not pass the ping health check (${why}). Please check the log ${this.process.logFile}.`);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  invoke(body: Buffer, headers: Record<string, string>): Promise<ModelAnswer> {
    return this.call('POST', '/invocations', body, headers, INVOCATION_SECONDS);
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    await this.process?.end();
    rmSync(this.base, { recursive: true, force: true });
  }

  private async healthy(): Promise<boolean> {
    try {
      return (await this.call('GET', '/ping', Buffer.alloc(0), {}, 2)).status === 200;
    } catch {
      return false;
    }
  }

  private call(method: string, path: string, body: Buffer, headers: Record<string, string>, seconds: number): Promise<ModelAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: '127.0.0.1', port: this.port, method, path, agent: this.agent, headers: { ...headers, 'content-length': body.length },
      }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 500, headers: incoming.headers, body: Buffer.concat(chunks) }));
      });
      outgoing.setTimeout(seconds * 1000, () => outgoing.destroy(new AwsError('ModelError', `the model did not answer within ${seconds} seconds`, 424)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

let serial = 0;

/**
 * The running containers. One process stands for all instances of all fleets that run the same container on the same
 * artifact, so that a small machine can hold two fleets, a shadow and a staging endpoint.
 */
export class ModelServers {
  private readonly running = new Map<string, { server: ModelServer; users: number; started: Promise<void> }>();

  constructor(private readonly cloud: Cloud) {}

  async acquire(model: Model, startupSeconds: number): Promise<ModelServer> {
    let entry = this.running.get(model.fingerprint);
    if (entry === undefined) {
      const server = new ModelServer(this.cloud, model);
      entry = { server, users: 0, started: server.start(startupSeconds) };
      this.running.set(model.fingerprint, entry);
    }
    entry.users += 1;
    try {
      await entry.started;
    } catch (error) {
      if (this.running.get(model.fingerprint) === entry) this.running.delete(model.fingerprint);
      throw error;
    }
    return entry.server;
  }

  async release(model: Model): Promise<void> {
    const entry = this.running.get(model.fingerprint);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.running.delete(model.fingerprint);
    await entry.server.stop();
  }

  async stop(): Promise<void> {
    const all = [...this.running.values()];
    this.running.clear();
    await Promise.all(all.map(async ({ server }) => server.stop()));
  }
}
