import { ChildProcess } from 'child_process';
import * as path from 'path';
import { RunFolder } from './children';
import { freePort } from './free-port';
import { JsonObject } from './types';

const START_SECONDS = 120;

/** The ministack process of a run: S3, DynamoDB, SQS, SNS, EventBridge's rules, KMS, SSM. */
export class Ministack {
  port = 0;
  private process?: ChildProcess;

  constructor(
    private readonly folder: RunFolder, private readonly python: string, private readonly account: string, private readonly region: string,
  ) {}

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.port = await freePort();
    const { root, temp } = this.folder;
    const child = this.folder.spawnDirect('ministack', this.python, [path.join(__dirname, 'ministack_front.py')], {
      TMPDIR: temp,
      STATE_DIR: path.join(root, 'ministack', 'state'),
      S3_DATA_DIR: path.join(root, 'ministack', 's3'),
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(this.port),
      MINISTACK_ACCOUNT_ID: this.account,
      MINISTACK_REGION: this.region,
      SFTP_ENABLED: '0',
      IOT_MTLS_ENABLED: '0',
      LOG_LEVEL: 'WARNING',
    });
    this.process = child;
    const deadline = performance.now() + START_SECONDS * 1000;
    while (!await this.healthy()) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`ministack ended at its start (exit code ${child.exitCode}); see ${path.join(this.folder.logs, 'ministack.log')}`);
      }
      if (performance.now() > deadline) throw new Error(`ministack did not answer within ${START_SECONDS} s`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Puts an event of an AWS service onto the default bus; answers its id. */
  async putServiceEvent(entry: JsonObject): Promise<string> {
    const response = await fetch(`${this.endpoint}/_local/events`, { method: 'POST', body: JSON.stringify({ Entries: [entry] }) });
    const answer = await response.json() as { Entries?: { EventId?: string; ErrorCode?: string; ErrorMessage?: string }[] };
    const put = answer.Entries?.[0];
    if (!put?.EventId) throw new Error(`ministack refused an event of ${String(entry.Source)}: ${put?.ErrorCode} ${put?.ErrorMessage}`);
    return put.EventId;
  }

  get running(): boolean {
    return this.process !== undefined && this.process.exitCode === null;
  }

  private async healthy(): Promise<boolean> {
    try {
      return (await fetch(`${this.endpoint}/_ministack/health`)).ok;
    } catch {
      return false;
    }
  }
}
