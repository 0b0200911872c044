import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { LineOutputs } from './line-app';
import { LocalCloud } from '../../../examples/local/cloud/local-cloud';

const STEP_MINUTES = 15;

/** Callers of the endpoint, and the truth about what they asked, which is known at once. */
export class LineTraffic {
  /** Live, y = 2 x + level. */
  level = 0;
  /** How far labels scatter. */
  scatter = 1;
  labelled = true;
  /** So many requests come at a time. */
  requests = 2;
  /** Requests since the start that were answered, and those that were not. */
  readonly counts = { answered: 0, failed: 0 };
  private serial = 0;

  constructor(private readonly cloud: LocalCloud, private readonly out: LineOutputs) {}

  /** Plays on until something is so. */
  async playUntil(reached: () => boolean | Promise<boolean>, limit: Date): Promise<void> {
    const { clock } = this.cloud;
    await clock.settle();
    while (!await reached()) {
      if (clock.now() >= limit) throw new Error(`not reached by ${limit.toISOString()}: ${reached.toString()}`);
      await this.send();
      const step = STEP_MINUTES * 60_000;
      await clock.advanceTo(new Date((Math.floor(clock.now().getTime() / step) + 1) * step));
    }
  }

  /** What the endpoint answers for x, or undefined where it does not answer. */
  async ask(x: number, InferenceId?: string): Promise<number | undefined> {
    try {
      const { Body } = await this.cloud.client(SageMakerRuntimeClient).send(new InvokeEndpointCommand({
        EndpointName: this.out.Endpoint, Body: String(x), ContentType: 'text/csv', InferenceId,
      }));
      return Number(Buffer.from(Body).toString());
    } catch {
      return undefined;
    }
  }

  /** Asks what is asked now, and tells the truth about it. */
  async send(): Promise<void> {
    const now = this.cloud.clock.now().toISOString();
    const labels: string[] = [];
    await this.cloud.clock.busy(Promise.all(Array.from({ length: this.requests }, async () => {
      const serial = this.serial += 1;
      const [x, eventId] = [serial % 20, `request-${serial}`];
      const answer = await this.ask(x, eventId);
      this.counts[answer === undefined ? 'failed' : 'answered'] += 1;
      const data = String(2 * x + this.level + this.scatter * noise(serial));
      labels.push(JSON.stringify({ groundTruthData: { data, encoding: 'CSV' }, eventMetadata: { eventId }, eventVersion: '0' }));
    })), 'requests');
    if (!this.labelled) return;
    const hour = now.slice(0, 13).replace(/[-T]/g, '/');
    await this.cloud.s3.put(this.out.Observations, `ground-truth/${hour}/${this.serial}.jsonl`, labels.join('\n'));
  }
}

/** The same on every run, with a mean of about 0 and a variance of about 1. */
export function noise(i: number): number {
  const turn = Math.sin((i + 1) * 12.9898) * 43758.5453;
  return (turn - Math.floor(turn) - 0.5) * Math.sqrt(12);
}
