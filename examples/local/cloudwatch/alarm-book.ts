import { Alarm } from './alarm';
import { AlarmState, Evaluation } from './alarm-evaluation';
import { AlarmEvaluator, Ticker } from './alarm-evaluator';
import { StateChange } from './alarm-history';
import { announce } from './alarm-notice';
import { alarmName } from './composite-rule';
import { MetricStore } from './metric-store';
import { AwsError, Cloud, JsonObject } from '../cloud/types';

/** Every alarm, by name, with what keeps it up to date. */
export class AlarmBook {
  /** Called at once, in the same moment of the clock, when an alarm changes its state. */
  readonly listeners = new Set<(alarm: Alarm) => void>();
  /** Every change of state, in order, also of alarms that have been deleted since. */
  readonly history: StateChange[] = [];
  private readonly alarms = new Map<string, Alarm>();
  private readonly evaluators = new Map<string, AlarmEvaluator>();
  private readonly ticker: Ticker;

  constructor(private readonly cloud: Cloud, private readonly store: MetricStore) {
    this.ticker = new Ticker(cloud.clock);
  }

  put(input: JsonObject, kind: 'metric' | 'composite'): Alarm {
    const alarm = new Alarm(input, kind, this.store, this.cloud);
    const before = this.alarms.get(alarm.name);
    if (before !== undefined) {
      if ((before.composite === undefined) !== (kind === 'metric')) {
        throw new AwsError('ValidationError', `Alarm ${alarm.name} exists and is not a ${kind} alarm`);
      }
      Object.assign(alarm, { state: before.state, reason: before.reason, reasonData: before.reasonData, stateSince: before.stateSince });
      this.evaluators.get(alarm.name)?.stop();
    }
    for (const other of alarm.composite?.alarms ?? []) {
      if (!this.alarms.has(other)) throw new AwsError('ValidationError', `Could not save the composite alarm as alarms [${other}] in the alarm rule do not exist`);
    }
    this.alarms.set(alarm.name, alarm);
    if (alarm.metric) {
      const decide = (one: Alarm, outcome: Evaluation): void => this.decide(one, outcome);
      this.evaluators.set(alarm.name, new AlarmEvaluator(this.ticker, alarm, alarm.metric, decide));
    }
    if (alarm.composite) this.cloud.clock.after(0, () => this.evaluateComposite(alarm), `alarm ${alarm.name}`);
    return alarm;
  }

  find(nameOrArn: string): Alarm | undefined {
    return this.alarms.get(alarmName(nameOrArn));
  }

  get(nameOrArn: string): Alarm {
    const alarm = this.find(nameOrArn);
    if (alarm === undefined) throw new AwsError('ResourceNotFound', `Unknown alarm ${nameOrArn}`, 404);
    return alarm;
  }

  all(): Alarm[] {
    return [...this.alarms.values()];
  }

  delete(names: string[]): void {
    for (const name of names.map(alarmName)) {
      // One unknown name fails the whole call.
      this.get(name);
      const user = this.all().find((alarm) => alarm.composite?.alarms.includes(name) === true && !names.includes(alarm.name));
      if (user !== undefined) throw new AwsError('ValidationError', `Alarm ${name} is used by the composite alarm ${user.name}`);
    }
    for (const name of names.map(alarmName)) {
      this.evaluators.get(name)?.stop();
      this.evaluators.delete(name);
      this.alarms.delete(name);
    }
  }

  setState(name: string, state: AlarmState, reason: string, reasonData?: string): void {
    const alarm = this.get(name);
    this.decide(alarm, { state, reason }, reasonData);
    // What was set by hand lasts until the next evaluation.
    this.evaluators.get(alarm.name)?.touch();
  }

  stop(): void {
    for (const evaluator of this.evaluators.values()) evaluator.stop();
  }

  private decide(alarm: Alarm, { state, reason }: Evaluation, reasonData?: string): void {
    if (state === undefined || state === alarm.state || this.alarms.get(alarm.name) !== alarm) return;
    const before = { state: alarm.state, reason: alarm.reason, since: alarm.stateSince };
    Object.assign(alarm, { state, reason, reasonData, stateSince: this.cloud.clock.now() });
    this.history.push({
      at: alarm.stateSince,
      alarm: alarm.name,
      composite: alarm.composite !== undefined,
      from: before.state,
      fromReason: before.reason,
      to: state,
      reason,
    });
    this.cloud.log(`alarm ${alarm.name}: ${before.state} -> ${state}`);
    const announced = announce(this.cloud, alarm, before).catch((error: Error) => this.cloud.log(`alarm ${alarm.name}: action failed: ${error.message}`));
    void this.cloud.clock.busy(announced, `actions of alarm ${alarm.name}`);
    for (const listener of this.listeners) listener(alarm);
    for (const other of this.all()) if (other.composite?.alarms.includes(alarm.name) === true) this.evaluateComposite(other);
  }

  private evaluateComposite(alarm: Alarm): void {
    const holds = alarm.composite?.holds((name) => this.find(name)?.state ?? 'INSUFFICIENT_DATA') === true;
    this.decide(alarm, {
      state: holds ? 'ALARM' : 'OK',
      reason: `The rule ${String(alarm.input.AlarmRule)} ${holds ? 'holds' : 'does not hold'}`,
    });
  }
}
