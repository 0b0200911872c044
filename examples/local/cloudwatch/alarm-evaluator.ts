import { Alarm, MetricWatch } from './alarm';
import { evaluateAlarm, Evaluation } from './alarm-evaluation';
import { MINUTE } from './metric-store';
import { Clock } from '../cloud/types';

/** How many future evaluations are looked through before the evaluator wakes up again to look on. */
const LOOK_AHEAD = 8;

/** One task of the clock for all alarms that look at the same minute. */
export class Ticker {
  private readonly minutes = new Map<number, { due: Set<() => void>; cancel: () => void }>();

  constructor(readonly clock: Clock) {}

  at(minute: number, look: () => void): void {
    let entry = this.minutes.get(minute);
    if (entry === undefined) {
      const due = new Set<() => void>();
      const cancel = this.clock.at(new Date(minute), () => {
        this.minutes.delete(minute);
        for (const one of due) one();
      }, 'evaluation of alarms');
      entry = { due, cancel };
      this.minutes.set(minute, entry);
    }
    entry.due.add(look);
  }

  cancel(minute: number, look: () => void): void {
    const entry = this.minutes.get(minute);
    if (entry?.due.delete(look) !== true || entry.due.size > 0) return;
    entry.cancel();
    this.minutes.delete(minute);
  }
}

/**
 * Evaluates one metric alarm at whole minutes, as CloudWatch does, but only at those minutes at which the outcome can
 * differ: after data arrived, and when a data point enters, moves within or leaves the evaluation range. So an alarm
 * costs nothing while nothing happens to it, however far the clock moves.
 */
export class AlarmEvaluator {
  private scheduled?: number;
  private stopped = false;

  constructor(
    private readonly ticker: Ticker,
    private readonly alarm: Alarm,
    private readonly watch: MetricWatch,
    private readonly decide: (alarm: Alarm, evaluation: Evaluation) => void,
  ) {
    for (const series of watch.queries.series) series.watchers.add(this.touch);
    this.touch();
  }

  /** Looks again at the next minute: data came, or the state was set by hand. */
  readonly touch = (): void => this.wake((Math.floor(this.ticker.clock.now().getTime() / MINUTE) + 1) * MINUTE);

  stop(): void {
    this.stopped = true;
    if (this.scheduled !== undefined) this.ticker.cancel(this.scheduled, this.look);
    for (const series of this.watch.queries.series) series.watchers.delete(this.touch);
  }

  private readonly look = (): void => this.run();

  private wake(at: number): void {
    if (this.stopped || (this.scheduled !== undefined && this.scheduled <= at)) return;
    if (this.scheduled !== undefined) this.ticker.cancel(this.scheduled, this.look);
    this.scheduled = at;
    this.ticker.at(at, this.look);
  }

  private run(): void {
    if (this.stopped || this.scheduled === undefined) return;
    const at = this.scheduled;
    this.scheduled = undefined;
    this.decide(this.alarm, this.evaluate(at));
    let next = this.nextChange(at);
    for (let looked = 1; next !== undefined; looked += 1) {
      const state = this.evaluate(next).state ?? this.alarm.state;
      if (state !== this.alarm.state || looked === LOOK_AHEAD) return this.wake(next);
      next = this.nextChange(next);
    }
  }

  private evaluate(at: number): Evaluation {
    const { queries, returned, periodSeconds, rule } = this.watch;
    return evaluateAlarm(rule, queries.points(returned, this.alarm.starts(at), periodSeconds));
  }

  /** The first minute after `at` whose windows hold other samples than those of `at`, if no data come. */
  private nextChange(at: number): number | undefined {
    const starts = this.alarm.starts(at);
    const period = this.watch.periodSeconds * 1000;
    let next: number | undefined;
    for (const series of this.watch.queries.series) {
      for (const minute of series.minutesFrom(starts[0])) {
        // A sample enters the newest window at the minute's end and moves into an older one each period after that.
        const entered = minute + MINUTE;
        const change = at < entered ? entered : entered + (Math.floor((at - entered) / period) + 1) * period;
        if (change - entered <= starts.length * period && (next === undefined || change < next)) next = change;
      }
    }
    return next;
  }
}
