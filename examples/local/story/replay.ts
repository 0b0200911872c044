import { ApiClient } from './client';
import { LABEL_DELAY, Request } from './scenario';
import { Clock } from '../cloud/types';

interface Label {
  readonly at: Date;
  readonly id: string;
  readonly value: number;
}

const HOUR = 3_600_000;

/** Replays requests in the data's own time, and their labels when they become known. */
export class Replay {
  readonly traffic = { sent: 0, answered: 0, failed: 0 };
  /** The first few failures, for the report. */
  readonly failures: string[] = [];
  private position = Infinity;
  private readonly labels: Label[] = [];
  private labelled = 0;

  constructor(private readonly clock: Clock, private readonly client: ApiClient, private readonly requests: readonly Request[]) {}

  /** Requests go out from this time on: nothing serves those before. */
  startAt(time: Date): void {
    const first = this.requests.findIndex(({ at }) => at >= time);
    this.position = first < 0 ? this.requests.length : first;
  }

  /** Plays on to a time. */
  async to(time: Date): Promise<void> {
    for (;;) {
      const request = this.requests[this.position];
      const label = this.labels[this.labelled];
      const next = Math.min(request?.at.getTime() ?? Infinity, label?.at.getTime() ?? Infinity);
      if (next > time.getTime()) break;
      await this.clock.advanceTo(new Date(next));
      await this.sendAll(next);
    }
    await this.clock.advanceTo(time);
  }

  /** Plays on until something is so, looking at every full hour (or every few), at most to the limit; answers whether it is. */
  async until(reached: () => boolean | Promise<boolean>, limit: Date, everyHours = 1): Promise<boolean> {
    await this.clock.settle();
    for (;;) {
      if (await reached()) return true;
      const now = this.clock.now().getTime();
      if (now >= limit.getTime()) return false;
      await this.to(new Date(Math.min(limit.getTime(), (Math.floor(now / HOUR) + everyHours) * HOUR)));
      await this.clock.settle();
    }
  }

  /** Everything that falls on one moment goes out side by side, as from many clients. */
  private async sendAll(moment: number): Promise<void> {
    const sending: Promise<void>[] = [];
    while (this.position < this.requests.length && this.requests[this.position].at.getTime() <= moment) {
      sending.push(this.predict(this.requests[this.position++]));
    }
    while (this.labelled < this.labels.length && this.labels[this.labelled].at.getTime() <= moment) {
      sending.push(this.label(this.labels[this.labelled++]));
    }
    await this.clock.busy(Promise.all(sending), 'requests');
  }

  private async predict(request: Request): Promise<void> {
    this.traffic.sent++;
    const answer = await this.client.post('predictions', { instances: [request.instance] });
    const id = answer.headers['x-inference-id'];
    if (answer.status !== 200 || typeof id !== 'string') {
      this.fail(`${request.at.toISOString()}: ${answer.status} ${answer.body.slice(0, 200)}`);
      return;
    }
    this.traffic.answered++;
    this.labels.push({ at: new Date(request.at.getTime() + LABEL_DELAY), id, value: request.label });
  }

  private async label(label: Label): Promise<void> {
    const answer = await this.client.post('ground-truth', { inferenceId: label.id, value: label.value });
    if (answer.status >= 300) throw new Error(`the label of ${label.id} was refused: ${answer.status} ${answer.body.slice(0, 200)}`);
  }

  private fail(what: string): void {
    this.traffic.failed++;
    if (this.failures.length < 5) this.failures.push(what);
  }
}
