import { Clock } from './types';

/** Options of a `LocalClock`. */
export interface LocalClockOptions {
  readonly start: Date;
  /** Real seconds without any work in flight getting done, after which the clock gives up and names what hangs. */
  readonly patienceSeconds?: number;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly label: string;
  readonly task: () => void | Promise<void>;
  cancelled: boolean;
}

/** Takes in what an outside queue holds; answers whether it held anything. */
export type Drain = () => Promise<boolean>;

/**
 * A discrete-event clock: time jumps from one due task to the next, and only while nothing is in flight.
 *
 * Work that waits for the clock itself must not be registered as busy: the clock would wait for it for ever.
 */
export class LocalClock implements Clock {
  private readonly timers: Timer[] = [];
  private readonly inFlight = new Map<symbol, { label: string; since: number }>();
  private readonly drains: Drain[] = [];
  private readonly patience: number;
  private time: number;
  private order = 0;
  private advancing = false;
  private listeners: (() => void)[] = [];
  private broken?: Error;
  private closed?: Error;

  constructor(options: LocalClockOptions) {
    this.time = options.start.getTime();
    this.patience = (options.patienceSeconds ?? 600) * 1000;
  }

  now(): Date {
    return new Date(this.time);
  }

  at(at: Date, task: () => void | Promise<void>, label: string): () => void {
    if (Number.isNaN(at.getTime())) throw new Error(`timer "${label}" has no valid time`);
    const timer: Timer = { at: at.getTime(), order: this.order++, label, task, cancelled: false };
    if (timer.at > this.time) {
      this.push(timer);
    } else {
      const started = new Promise<void>((resolve) => setImmediate(() => {
        this.fire(timer);
        resolve();
      }));
      void this.busy(started, label);
    }
    return () => { timer.cancelled = true; };
  }

  after(milliseconds: number, task: () => void | Promise<void>, label: string): () => void {
    return this.at(new Date(this.time + milliseconds), task, label);
  }

  busy<T>(work: Promise<T>, label = 'work'): Promise<T> {
    const token = Symbol(label);
    this.inFlight.set(token, { label, since: performance.now() });
    const done = () => {
      this.inFlight.delete(token);
      this.listeners.splice(0).forEach((tell) => tell());
    };
    work.then(done, done);
    return work;
  }

  /** Adds an outside queue that must be empty before the clock may move. */
  drain(drain: Drain): void {
    this.drains.push(drain);
  }

  /** Ends every wait for the clock with this error; nothing fires any more. */
  close(reason: Error): void {
    this.closed = reason;
    this.timers.length = 0;
    this.listeners.splice(0).forEach((tell) => tell());
  }

  /** What is in flight, by label. */
  pending(): string[] {
    return [...this.inFlight.values()].map(({ label }) => label);
  }

  /** When the next task falls due. */
  next(): Date | undefined {
    while (this.timers.length > 0 && this.timers[0].cancelled) this.pop();
    return this.timers.length > 0 ? new Date(this.timers[0].at) : undefined;
  }

  async settle(): Promise<void> {
    for (let found = true; found || this.inFlight.size > 0;) {
      await this.idle();
      found = false;
      for (const drain of this.drains) found = await drain() || found;
    }
    const error = this.broken;
    this.broken = undefined;
    if (error) throw error;
  }

  async advanceTo(to: Date): Promise<void> {
    if (this.advancing) throw new Error('the clock is being moved already: a task of the clock must not move it');
    this.advancing = true;
    try {
      await this.settle();
      for (let next = this.next(); next && next <= to; next = this.next()) {
        this.time = Math.max(this.time, next.getTime());
        this.fire(this.pop());
        await this.settle();
      }
      this.time = Math.max(this.time, to.getTime());
    } finally {
      this.advancing = false;
    }
  }

  /** Moves from task to task until `reached` says so, at most to `limit`; answers whether it was reached. */
  async advanceUntil(reached: () => boolean | Promise<boolean>, limit: Date): Promise<boolean> {
    await this.settle();
    for (;;) {
      if (await reached()) return true;
      const next = this.next();
      if (!next || next > limit) return false;
      await this.advanceTo(next);
    }
  }

  private fire(timer: Timer): void {
    if (timer.cancelled || this.closed) return;
    const failed = (error: unknown) => {
      this.broken ??= new Error(`${timer.label}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    };
    try {
      const work = timer.task();
      if (work !== undefined) this.busy(work, timer.label).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** Waits until nothing is in flight, and a turn of the event loop has shown that nothing starts by itself. */
  private async idle(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (this.closed) throw this.closed;
      if (this.inFlight.size === 0) return;
      await this.somethingDone();
    }
  }

  private somethingDone(): Promise<void> {
    return new Promise((resolve, reject) => {
      const guard = setTimeout(() => {
        const now = performance.now();
        const named = [...this.inFlight.values()].map(({ label, since }) => `${label} (${Math.round((now - since) / 1000)} s)`);
        reject(new Error(`nothing was finished for ${this.patience / 1000} s of real time; in flight: ${named.join(', ')}`));
      }, this.patience);
      this.listeners.push(() => {
        clearTimeout(guard);
        resolve();
      });
    });
  }

  private push(timer: Timer): void {
    const heap = this.timers;
    heap.push(timer);
    for (let child = heap.length - 1; child > 0;) {
      const parent = Math.floor((child - 1) / 2);
      if (!before(heap[child], heap[parent])) break;
      [heap[child], heap[parent]] = [heap[parent], heap[child]];
      child = parent;
    }
  }

  private pop(): Timer {
    const heap = this.timers;
    const top = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && before(heap[right], heap[left]) ? right : left;
      if (!before(heap[child], heap[parent])) break;
      [heap[child], heap[parent]] = [heap[parent], heap[child]];
      parent = child;
    }
    return top;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at !== b.at ? a.at < b.at : a.order < b.order;
}
