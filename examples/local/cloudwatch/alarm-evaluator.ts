import { Cloud } from '../cloud/types';
import { Alarm, MetricWatch } from './alarm';
import { evaluateAlarm, Evaluation } from './alarm-evaluation';
import { MINUTE } from './metric-store';

/** How many future evaluations are looked through before the evaluator wakes up again to look on. */
const LOOK_AHEAD = 24;

/**
 * Evaluates one metric alarm at whole minutes, as CloudWatch does, but only at those minutes at which the outcome can
 * differ: after data arrived, and when a data point enters, moves within or leaves the evaluation range. So an alarm
 * costs nothing while nothing happens to it, however far the clock moves.
 */
export class AlarmEvaluator {
  private scheduled?: { at: number; cancel: () => void };
  private readonly touched = (): void => this.wake(nextMinute(this.cloud.clock.now().getTime()));
  private stopped = false;

  constructor(
    private readonly cloud: Cloud,
    private readonly alarm: Alarm,
    private readonly watch: MetricWatch,
    private readonly decide: (alarm: Alarm, evaluation: Evaluation) => void,
  ) {
    for (const series of watch.queries.series) series.watchers.add(this.touched);
    this.touched();
  }

  stop(): void {
    this.stopped = true;
    this.scheduled?.cancel();
    for (const series of this.watch.queries.series) series.watchers.delete(this.touched);
  }

  /** Looks again at the next minute, e.g. because the state was set by hand. */
  touch(): void {
    this.touched();
  }

  private wake(at: number): void {
    if (this.stopped || (this.scheduled !== undefined && this.scheduled.at <= at)) return;
    this.scheduled?.cancel();
    const cancel = this.cloud.clock.at(new Date(at), () => this.run(at), `alarm ${this.alarm.name}`);
    this.scheduled = { at, cancel };
  }

  private run(at: number): void {
    this.scheduled = undefined;
    if (this.stopped) return;
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

const nextMinute = (time: number): number => (Math.floor(time / MINUTE) + 1) * MINUTE;
