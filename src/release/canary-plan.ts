import { ReleaseNames } from '../domain/release-names';
import { DeploymentConfig, ReleasePlan } from '../domain/release-plan';
import { Fence } from '../registry/fence';
import { Candidate, CreateConfigRequest, CreateModelRequest, HostingSettings } from '../staging/hosting-plan';

export interface CanarySettings extends HostingSettings {
  readonly shift: ReleasePlan;
  /** Alarms of the user that guard the deployment. */
  readonly alarmNames: string[];
  /** Alarms of the user that are looked at after it, for so long. */
  readonly watchAlarmNames: string[];
  readonly watchMinutes: number;
  readonly maxErrorRate: number;
  readonly maxLatencyP95Milliseconds: number;
}

export interface PlanReleaseEvent {
  /** What the state machine was started with. */
  readonly input: { readonly version?: string; readonly modelPackageArn: string; readonly fence?: Fence | null };
  /** The execution: it makes the names of what is created. */
  readonly run: string;
  readonly time: string;
  readonly settings: CanarySettings;
}

export type FleetLimits = Pick<CanarySettings, 'endpointName' | 'productionVariantName' | 'maxErrorRate' | 'maxLatencyP95Milliseconds'>;

/** One alarm on the fleet of one release. */
export interface FleetAlarm {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: { readonly Name: string; readonly Value: string }[];
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly Statistic?: 'Average';
  readonly ExtendedStatistic?: string;
  readonly Threshold: number;
  readonly ComparisonOperator: 'GreaterThanThreshold';
  readonly TreatMissingData: 'notBreaching';
}

/** Everything that the release does, decided before anything is changed. */
export interface CanaryPlan {
  /** ISO 8601. */
  readonly plannedAt: string;
  readonly candidate: Candidate;
  readonly names: ReleaseNames;
  /** The release that it is part of; null where it is part of none. */
  readonly fence: Fence | null;
  readonly model: CreateModelRequest;
  readonly config: CreateConfigRequest;
  /** Whether there is no endpoint yet. */
  readonly first: boolean;
  /** How traffic is to move and what guards it, in words; null where there is none to move. */
  readonly shift: string | null;
  readonly previousConfigName: string | null;
  readonly previousVersion: string | null;
  readonly alarms: FleetAlarm[];
  readonly alarmNames: string[];
  readonly deploymentConfig: DeploymentConfig;
  /** The size below which production must not be afterwards; null where it stays as it is. */
  readonly leastInstanceCount: number | null;
  /** Why the release must not start; null where it may. */
  readonly blocked: string | null;
  readonly settings: CanarySettings;
}

/**
 * Alarms on the new fleet only: SageMaker publishes the dimension `EndpointConfigName` for each fleet, so that errors of
 * the old fleet cannot stop the new one, nor hide behind it. An hour without requests is no error.
 */
export function fleetAlarms(configName: string, settings: FleetLimits): FleetAlarm[] {
  const base = {
    Namespace: 'AWS/SageMaker',
    Dimensions: [
      { Name: 'EndpointName', Value: settings.endpointName },
      { Name: 'VariantName', Value: settings.productionVariantName },
      { Name: 'EndpointConfigName', Value: configName },
    ],
    Period: 60,
    ComparisonOperator: 'GreaterThanThreshold' as const,
    TreatMissingData: 'notBreaching' as const,
  };
  const errors = { ...base, Statistic: 'Average' as const, Threshold: settings.maxErrorRate, EvaluationPeriods: 1, DatapointsToAlarm: 1 };
  const share = `more than ${Number((100 * settings.maxErrorRate).toPrecision(3))} % of the requests`;
  return [
    { ...errors, AlarmName: `${configName}-5xx`, AlarmDescription: `The new fleet fails ${share}`, MetricName: 'Invocation5XXErrors' },
    { ...errors, AlarmName: `${configName}-model-errors`, AlarmDescription: `The new model fails ${share}`, MetricName: 'InvocationModelErrors' },
    {
      ...base,
      AlarmName: `${configName}-latency`,
      AlarmDescription: `The new model's p95 latency is above ${settings.maxLatencyP95Milliseconds} ms`,
      MetricName: 'ModelLatency',
      ExtendedStatistic: 'p95',
      // microseconds
      Threshold: settings.maxLatencyP95Milliseconds * 1000,
      // the first minute of a fleet is slow by nature
      EvaluationPeriods: 3,
      DatapointsToAlarm: 2,
    },
  ];
}

/** Alarms that each release brings itself. */
export const OWN_ALARMS = 3;
