import { createHash } from 'node:crypto';
import { FleetSize } from './fleet-size';
import { Cloud, JsonObject, Unsupported } from '../cloud/types';
import { Alarm } from '../cloudwatch/alarm';
import { CloudWatch } from '../cloudwatch/cloudwatch';
import { number, object, only, optionalNumber, oneOf } from '../cloudwatch/shape';

const NAMESPACE = 'AWS/SageMaker';
const METRIC = 'InvocationsPerInstance';
const COOLDOWN = 300;
/** While an update is under way nothing is scaled; it is tried again. */
const AGAIN_SECONDS = 60;
/** A cooldown begins once the fleet has its new size and has been measured with it for a whole minute. */
const SETTLING_SECONDS = 120;

/**
 * One target tracking policy: two alarms on the requests of an instance, three minutes above the target or fifteen well
 * below it, and a fleet that is sized in proportion when one fires, at most once in a cooldown.
 */
export class TargetTracking {
  readonly alarms: string[];
  private readonly target: number;
  private readonly cooldowns: { readonly in: number; readonly out: number };
  private readonly shrinks: boolean;
  private ended = false;
  private waiting = false;

  constructor(private readonly cloud: Cloud, private readonly fleet: FleetSize, name: string, configuration: JsonObject) {
    only(configuration, 'TargetTrackingScalingPolicyConfiguration', [
      'TargetValue', 'PredefinedMetricSpecification', 'ScaleInCooldown', 'ScaleOutCooldown', 'DisableScaleIn',
    ]);
    const metric = object(configuration.PredefinedMetricSpecification, 'PredefinedMetricSpecification');
    oneOf(metric, 'PredefinedMetricType', ['SageMakerVariantInvocationsPerInstance']);
    if (metric.ResourceLabel !== undefined) throw new Unsupported('ResourceLabel of SageMakerVariantInvocationsPerInstance');
    this.target = number(configuration, 'TargetValue');
    this.cooldowns = { in: optionalNumber(configuration, 'ScaleInCooldown') ?? COOLDOWN, out: optionalNumber(configuration, 'ScaleOutCooldown') ?? COOLDOWN };
    this.shrinks = configuration.DisableScaleIn !== true && configuration.DisableScaleIn !== 'true';
    const id = createHash('sha256').update(`${fleet.resourceId}|${name}`).digest('hex').slice(0, 12);
    this.alarms = ['High', 'Low'].map((side) => `TargetTracking-${fleet.resourceId}-Alarm${side}-${id}`);
    const [high, low] = this.alarms;
    this.put(high, 'GreaterThanThreshold', this.target, 3);
    this.put(low, 'LessThanThreshold', this.target * 0.9, 15);
    this.watch.alarms.listeners.add(this.changed);
  }

  end(): void {
    this.ended = true;
    this.watch.alarms.listeners.delete(this.changed);
    this.watch.alarms.delete(this.alarms.filter((name) => this.watch.alarms.find(name) !== undefined));
  }

  private get watch(): CloudWatch {
    return this.cloud.find(CloudWatch);
  }

  private put(AlarmName: string, ComparisonOperator: string, Threshold: number, EvaluationPeriods: number): void {
    const { endpointName, variantName } = this.fleet;
    this.watch.alarms.put({
      AlarmName,
      ComparisonOperator,
      Threshold,
      EvaluationPeriods,
      Namespace: NAMESPACE,
      MetricName: METRIC,
      Dimensions: [{ Name: 'EndpointName', Value: endpointName }, { Name: 'VariantName', Value: variantName }],
      Period: 60,
      Statistic: 'Sum',
      TreatMissingData: 'missing',
    }, 'metric');
  }

  private readonly changed = ({ name, state }: Alarm): void => {
    if (state === 'ALARM' && this.alarms.includes(name)) this.later(0);
  };

  private later(seconds: number): void {
    if (this.waiting || this.ended) return;
    this.waiting = true;
    this.cloud.clock.after(seconds * 1000, async () => {
      this.waiting = false;
      await this.scale();
    }, `scaling of ${this.fleet.resourceId}`);
  }

  /** Sizes the fleet in proportion to the last whole minute. */
  private async scale(): Promise<void> {
    const firing = this.alarms.findIndex((name) => this.watch.alarms.find(name)?.state === 'ALARM');
    if (this.ended || firing < 0 || (firing === 1 && !this.shrinks)) return;
    const size = await this.fleet.now();
    if (size === undefined) return this.later(AGAIN_SECONDS);
    const { endpointName: EndpointName, variantName: VariantName } = this.fleet;
    const minute = Math.floor(this.cloud.clock.now().getTime() / 60_000) * 60_000;
    const load = this.watch.series(NAMESPACE, METRIC, { EndpointName, VariantName }).window(minute - 60_000, minute, false)?.sum;
    if (load === undefined) return this.later(AGAIN_SECONDS);
    const wanted = this.fleet.within(Math.ceil(size * load / this.target - 1e-9));
    if (firing === 0 ? wanted > size : wanted < size) await this.fleet.set(wanted);
    this.later(SETTLING_SECONDS + (firing === 0 ? this.cooldowns.out : this.cooldowns.in));
  }
}
