import { Candidate, Champion, CreateConfigRequest, CreateModelRequest, HostingSettings } from './hosting-plan';
import { PairingLoss } from '../domain/pairing-sql';
import { ReleaseNames } from '../domain/release-names';
import { SegmentSource } from '../domain/segments';
import { MIN_BLOCKS } from '../domain/verdict';
import { Fence } from '../registry/fence';

export interface ShadowSettings extends HostingSettings {
  readonly samplingPercentage: number;
  readonly windowHours: number;
  readonly evaluateEveryMinutes: number;
  readonly minSamples: number;
  readonly tolerance: number;
  readonly alpha: number;
  readonly loss: PairingLoss;
  readonly labelDelayMinutes: number;
  /** The user's own block length. */
  readonly blockHours?: number;
  /** Absent: the requests are judged on the whole only. */
  readonly segments?: readonly SegmentSource[];
  readonly maxErrorRate: number;
  readonly maxLatencyP95Milliseconds: number;
  readonly stagingInstanceCount: number;
}

export interface PlanShadowEvent {
  /** What the state machine was started with. */
  readonly input: { readonly version?: string; readonly modelPackageArn: string; readonly fence?: Fence | null };
  /** The execution: it makes the names of what is created. */
  readonly run: string;
  readonly time: string;
  readonly settings: ShadowSettings;
}

/** Everything that the comparison does, decided before anything is changed. */
export interface ShadowPlan {
  readonly candidate: Candidate;
  /** Absent where no version is in production. */
  readonly champion?: Champion;
  readonly names: ReleaseNames;
  /** The release that it is part of; null where it is part of none. */
  readonly fence: Fence | null;
  readonly model: CreateModelRequest;
  /** The endpoint config, and by its name the endpoint, that the candidate answers on before it sees real requests. */
  readonly staging: CreateConfigRequest;
  /** The endpoint config with the candidate as the champion's shadow. Absent without a champion. */
  readonly config?: CreateConfigRequest;
  /** Queries the champion's own losses before the comparison. Absent where a block length is given or no history can exist. */
  readonly history?: { readonly sql: string; readonly from: string };
  readonly settings: ShadowSettings;
}

/** Longer blocks than these could not come to a decision within the window. */
export function longestBlockHours(settings: ShadowSettings): number {
  return Math.max(1, Math.floor((settings.windowHours - settings.labelDelayMinutes / 60) / MIN_BLOCKS));
}
