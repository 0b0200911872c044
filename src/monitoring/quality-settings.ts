import { QualitySettings } from '../domain/quality-report';
import { QualityTiming } from '../domain/quality-window';

/** What the handlers of a quality monitor are told, in the environment variable `SETTINGS`. */
export interface MonitorSettings extends QualitySettings, QualityTiming {
  readonly bucketName: string;
  readonly variants: readonly string[];
}

export function settingsFromEnvironment(): MonitorSettings {
  return JSON.parse(process.env.SETTINGS ?? '') as MonitorSettings;
}
