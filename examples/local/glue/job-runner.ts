import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';

import { Job, scriptArguments } from './job';
import { S3Folder } from './s3-folder';
import { SparkWorker } from './spark-worker';
import { parseS3Uri } from '../cloud/members';
import { Cloud } from '../cloud/types';

/** Runs a job's script where its `s3://` arguments are local folders, and takes what it wrote back to S3. */
export class JobRunner {
  private readonly worker: SparkWorker;
  private readonly folder: S3Folder;
  private readonly logs: string;
  private readonly stopped = new Set<string>();

  constructor(private readonly cloud: Cloud) {
    this.logs = join(cloud.folders.logs, 'glue');
    this.worker = new SparkWorker(cloud, join(cloud.folders.temp, 'spark'), this.logs);
    this.folder = new S3Folder(join(cloud.folders.temp, 'glue-s3'));
  }

  warm(): void {
    this.worker.warm();
  }

  async stop(): Promise<void> {
    await this.worker.stop();
  }

  async kill(runId: string): Promise<void> {
    this.stopped.add(runId);
    await this.worker.kill(runId);
  }

  /** Resolves with the error of the job, or nothing. */
  async run(job: Job, runId: string, merged: Record<string, string>): Promise<string | undefined> {
    try {
      return await this.attempt(job, runId, merged);
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
  }

  private async attempt(job: Job, runId: string, merged: Record<string, string>): Promise<string | undefined> {
    const { cloud, folder } = this;
    const s3 = cloud.client(S3Client, job.roleArn);
    const home = join(cloud.folders.temp, 'glue', runId);
    await mkdir(home, { recursive: true });
    const script = await this.fetch(job.scriptLocation, home);
    const extra = (merged['--extra-py-files'] ?? '').split(',').filter((uri) => uri !== '');
    const pyFiles = await Promise.all(extra.map(async (uri) => this.fetch(uri, home)));
    const own = scriptArguments(merged);
    const uris = [...new Set(own.flatMap((argument) => S3Folder.urisIn(argument)))];
    const assets = uris.filter((uri) => this.asset(parseS3Uri(uri).key) !== undefined);
    const data = uris.filter((uri) => !assets.includes(uri));
    for (const uri of assets) await this.fetch(uri, dirname(folder.path(uri)));
    for (const uri of data) await folder.pull(s3, uri);
    const timeout = setTimeout(() => void this.worker.kill(runId), job.timeoutMinutes * 60_000);
    const began = performance.now();
    const error = await this.worker.run({
      id: runId,
      script,
      arguments: [...own.map((argument) => folder.localize(argument)), '--JOB_NAME', job.name, '--JOB_RUN_ID', runId],
      pyFiles,
      folder: home,
      log: join(this.logs, `${runId}.log`),
      environment: cloud.environment(job.roleArn),
    });
    clearTimeout(timeout);
    if (performance.now() - began >= job.timeoutMinutes * 60_000) return `timeout after ${job.timeoutMinutes} minutes`;
    if (this.stopped.has(runId)) return 'stopped';
    // what a failed job wrote stays written, as in S3
    for (const uri of data) await folder.push(s3, uri);
    return error;
  }

  /** A script or library: of the assembly's assets where it is one, else of S3. */
  private async fetch(uri: string, home: string): Promise<string> {
    const { bucket, key } = parseS3Uri(uri);
    const target = join(home, basename(key));
    await mkdir(home, { recursive: true });
    const asset = this.asset(key);
    if (asset !== undefined) await copyFile(asset, target);
    else await writeFile(target, await this.cloud.s3.get(bucket, key));
    return target;
  }

  private asset(key: string): string | undefined {
    try {
      return this.cloud.assetPath(key);
    } catch {
      return undefined;
    }
  }
}
