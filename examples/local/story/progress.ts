import { Check } from '../report/report';

/** Progress on the screen: real elapsed time, the data's own date, what happens. Also keeps how long each step took. */
export class Progress {
  readonly timings: { step: string; seconds: number }[] = [];
  private readonly started = performance.now();
  private step?: { name: string; since: number };
  private clock?: () => Date;

  constructor(private readonly out: NodeJS.WritableStream = process.stdout) {}

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** From now on lines carry the local cloud's date. */
  follow(now: () => Date): void {
    this.clock = now;
  }

  begin(name: string): void {
    this.end();
    this.step = { name, since: performance.now() };
    this.say(name);
  }

  end(): void {
    if (this.step !== undefined) this.timings.push({ step: this.step.name, seconds: (performance.now() - this.step.since) / 1000 });
    this.step = undefined;
  }

  say(line: string): void {
    const date = this.clock?.().toISOString().slice(0, 16).replace('T', ' ') ?? ''.padEnd(16);
    this.out.write(`${this.seconds.toFixed(0).padStart(4)} s  ${date}  ${line}\n`);
  }

  check(check: Check): void {
    this.say(`  ${check.ok ? check.shown ? '✓' : '·' : '✗'} ${check.step}: ${check.shown ? '' : 'not shown by this data, '}${check.detail}`);
  }
}
