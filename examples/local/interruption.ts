import { constants } from 'os';

/** The run was told to end. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(readonly signal: NodeJS.Signals) {
    super(`interrupted by ${signal}: everything that was started has been stopped`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Real time that stopping may take. What is left then ends with this process: its children read from its pipes. */
const STOP_SECONDS = 25;

/**
 * Ctrl-C, a signal, or the end of the process that this one was started by. As long as there is nothing to stop, signals
 * end the process at once; `arm` makes them an error that ends the run in order.
 */
export class Interruption {
  /** Rejects when the run is to end. */
  readonly came: Promise<never>;
  private told = false;
  private reject?: (error: Interrupted) => void;

  constructor() {
    this.came = new Promise((_, reject) => { this.reject = reject; });
    // who does not wait for it at the time is not concerned
    this.came.catch(() => undefined);
  }

  arm(): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.interrupt(signal));
    if (process.send !== undefined) process.once('disconnect', () => this.interrupt('SIGHUP'));
  }

  /** A terminal's Ctrl-C reaches a process more than once; the first counts. */
  private interrupt(signal: NodeJS.Signals): void {
    if (this.told) return;
    this.told = true;
    const interrupted = new Interrupted(signal);
    setTimeout(() => process.exit(interrupted.exitCode), STOP_SECONDS * 1000).unref();
    this.reject?.(interrupted);
  }
}
