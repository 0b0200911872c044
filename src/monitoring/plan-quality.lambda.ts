import { capturingConfigs, readSettings, readState } from './quality-io';
import { qualitySql } from '../domain/quality-sql';
import { QualityWindow, qualityWindow } from '../domain/quality-window';
import { perModel } from '../private/model-io';

export interface PlanQualityEvent {
  /** When the schedule fired, ISO 8601. */
  readonly time: string;
}

export interface QualityPlan {
  /** `query`: run `sql` and publish; `publish`: nothing was predicted, publish that; `nothing`: all of it is evaluated already. */
  readonly next: 'query' | 'publish' | 'nothing';
  readonly window?: QualityWindow;
  readonly sql?: string;
}

/** Says which labels are to be evaluated, and with which query. */
async function handle(event: PlanQualityEvent): Promise<QualityPlan> {
  const settings = readSettings();
  const { bucketName, endpointName, variants } = settings;
  const state = await readState(bucketName, endpointName);
  const window = qualityWindow(event.time, settings, state?.to);
  if (window === undefined) return { next: 'nothing' };
  const configNames = await capturingConfigs(bucketName, endpointName, variants, window.predictedFrom);
  if (configNames.length === 0) return { next: 'publish', window };
  return { next: 'query', window, sql: qualitySql({ endpointName, variants, configNames, ...window }) };
}

export const handler = perModel(handle);
