import { randomUUID } from 'node:crypto';
import { Capture } from './endpoint-configs';
import { Rights } from './rights';
import { Cloud, JsonObject } from '../cloud/types';

const SOON = 5 * 60_000;
/** So many records make a file worth writing before the hour is over. */
const ENOUGH = 100;

export interface Exchange {
  readonly at: Date;
  readonly inferenceId?: string;
  readonly input: { contentType: string; body: Buffer };
  readonly output: { contentType: string; body: Buffer };
}

/**
 * Data capture of one variant of one fleet, in SageMaker's files. A busy variant's file is written within five minutes, a
 * quiet one's at the end of the hour, so that months of requests do not become a file each.
 */
export class CaptureWriter {
  private lines: string[] = [];
  private hour = '';
  private first = new Date(0);
  private carried = 0;
  private cancel?: () => void;
  private permitted = false;

  constructor(
    private readonly cloud: Cloud,
    private readonly capture: Capture,
    private readonly endpointName: string,
    private readonly variantName: string,
    private readonly roleArn: string,
  ) {}

  record(exchange: Exchange): void {
    // Evenly spread instead of drawn: the share is exact and every run the same.
    this.carried += this.capture.percentage / 100;
    if (this.carried < 1 - 1e-9) return;
    this.carried -= 1;
    const hour = exchange.at.toISOString().slice(0, 13).replace(/[-T]/g, '/');
    if (hour !== this.hour && this.lines.length > 0) void this.cloud.clock.busy(this.flush(), 'data capture');
    if (this.lines.length === 0) this.begin(hour, exchange.at);
    this.lines.push(this.line(exchange));
  }

  /** Writes what is buffered. */
  async flush(): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
    if (this.lines.length === 0) return;
    const { bucket, prefix } = this.capture;
    const stamp = this.first.toISOString();
    const name = `${stamp.slice(14, 16)}-${stamp.slice(17, 19)}-${stamp.slice(20, 23)}-${randomUUID()}.jsonl`;
    const key = [prefix, this.endpointName, this.variantName, this.hour, name].filter((part) => part !== '').join('/');
    const body = `${this.lines.join('\n')}\n`;
    this.lines = [];
    const denied = this.permitted ? undefined : new Rights(this.cloud, this.roleArn).write(bucket, key);
    if (denied !== undefined) throw new Error(`data capture of ${this.endpointName}: ${denied}`);
    this.permitted = true;
    await this.cloud.s3.put(bucket, key, body);
  }

  private begin(hour: string, at: Date): void {
    this.hour = hour;
    this.first = at;
    const label = `data capture of ${this.endpointName}/${this.variantName}`;
    const lastMoment = Math.floor(at.getTime() / 3_600_000) * 3_600_000 + 3_599_999;
    const atHoursEnd = (): void => {
      this.cancel = this.cloud.clock.at(new Date(lastMoment), () => this.flush(), label);
    };
    if (at.getTime() + SOON >= lastMoment) return atHoursEnd();
    this.cancel = this.cloud.clock.after(SOON, () => (this.lines.length >= ENOUGH ? this.flush() : atHoursEnd()), label);
  }

  private line({ at, inferenceId, input, output }: Exchange): string {
    const side = (mode: 'INPUT' | 'OUTPUT', { contentType, body }: Exchange['input']): JsonObject => {
      const type = contentType.split(';')[0].trim().toLowerCase();
      const encoding = this.capture.csv.includes(type) ? 'CSV' : this.capture.json.includes(type) ? 'JSON' : 'BASE64';
      return { observedContentType: contentType, mode, data: body.toString(encoding === 'BASE64' ? 'base64' : 'utf8'), encoding };
    };
    return JSON.stringify({
      captureData: {
        ...(this.capture.input && { endpointInput: side('INPUT', input) }),
        ...(this.capture.output && { endpointOutput: side('OUTPUT', output) }),
      },
      eventMetadata: {
        eventId: randomUUID(),
        ...(inferenceId !== undefined && { inferenceId }),
        inferenceTime: `${at.toISOString().slice(0, 19)}Z`,
      },
      eventVersion: '0',
    });
  }
}
