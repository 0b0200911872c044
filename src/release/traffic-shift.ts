import { Duration } from 'aws-cdk-lib';
import { ReleasePlan } from '../domain/release-plan';

/** What all traffic shifts may be told. */
export interface TrafficShiftOptions {
  /**
   * How long the old fleet is kept after the last step, at most 1 hour.
   *
   * @default - it goes at once
   */
  readonly terminationWait?: Duration;
  /**
   * After what time SageMaker gives the deployment up and rolls back: 10 minutes to 8 hours, more than all waits together.
   *
   * @default - all waits and half an hour, at least 1 hour
   */
  readonly timeout?: Duration;
}

/**
 * How production traffic moves from the old fleet to the new one. Alarms are watched after each step, and a firing one
 * takes all steps back.
 *
 * @example
 * const shift = TrafficShift.linear(25, Duration.minutes(10));
 */
export class TrafficShift {
  /**
   * First a part of the fleet, at most half of it, then the rest.
   *
   * @param percent size of the canary in percent of the fleet's capacity, 1 to 50
   * @param wait how long the canary is watched, at most 1 hour
   */
  public static canary(percent: number, wait: Duration, options: TrafficShiftOptions = {}): TrafficShift {
    return new TrafficShift('canary', { type: 'CAPACITY_PERCENT', value: percent }, wait, options);
  }

  /**
   * First some instances, at most half of them, then the rest.
   *
   * @param instances size of the canary
   * @param wait how long the canary is watched, at most 1 hour
   */
  public static canaryInstances(instances: number, wait: Duration, options: TrafficShiftOptions = {}): TrafficShift {
    return new TrafficShift('canary', { type: 'INSTANCE_COUNT', value: instances }, wait, options);
  }

  /**
   * In equal steps.
   *
   * @param percent size of a step in percent of the fleet's capacity, 10 to 50
   * @param wait how long each step is watched, at most 1 hour
   */
  public static linear(percent: number, wait: Duration, options: TrafficShiftOptions = {}): TrafficShift {
    return new TrafficShift('linear', { type: 'CAPACITY_PERCENT', value: percent }, wait, options);
  }

  /**
   * In steps of some instances, of 10 to 50 % of the fleet each.
   *
   * @param instances size of a step
   * @param wait how long each step is watched, at most 1 hour
   */
  public static linearInstances(instances: number, wait: Duration, options: TrafficShiftOptions = {}): TrafficShift {
    return new TrafficShift('linear', { type: 'INSTANCE_COUNT', value: instances }, wait, options);
  }

  /**
   * The whole fleet in one step.
   *
   * @param wait how long the new fleet is watched before the old one goes, at most 1 hour; 5 minutes where not given
   */
  public static allAtOnce(wait: Duration = Duration.minutes(5), options: TrafficShiftOptions = {}): TrafficShift {
    return new TrafficShift('allAtOnce', undefined, wait, options);
  }

  /** @internal */
  public readonly _plan: ReleasePlan;

  private constructor(kind: ReleasePlan['kind'], step: ReleasePlan['step'], wait: Duration, options: TrafficShiftOptions) {
    this._plan = {
      kind,
      ...(step === undefined ? {} : { step }),
      waitSeconds: wait.toSeconds({ integral: false }),
      ...(options.terminationWait === undefined ? {} : { terminationWaitSeconds: options.terminationWait.toSeconds({ integral: false }) }),
      ...(options.timeout === undefined ? {} : { maximumExecutionTimeoutSeconds: options.timeout.toSeconds({ integral: false }) }),
    };
  }
}
