import { QualitySettings } from '../domain/quality-report';
import { QualityTiming } from '../domain/quality-window';

/** What the handlers of a quality monitor are told, in the setting `SETTINGS`. */
export interface MonitorSettings extends QualitySettings, QualityTiming {
  readonly bucketName: string;
  readonly variants: readonly string[];
}
