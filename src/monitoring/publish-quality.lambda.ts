import { CloudWatchClient, MetricDatum, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { readSettings, readState, writeJson } from './quality-io';
import { qualityOutcome, QualityReport, qualityReportKey, QualityRow, qualityStateKey } from '../domain/quality-report';
import { QualityWindow } from '../domain/quality-window';
import { clientFor, perModel } from '../private/model-io';
import { numberIn, QueryRow, readQueryResult } from '../serving/athena-io';

const cloudwatch = clientFor(CloudWatchClient);
/** The most figures that one call may carry. */
const FIGURES_PER_CALL = 1000;

export interface PublishQualityEvent {
  readonly window: QualityWindow;
  /** The query's execution; absent where nothing was predicted. */
  readonly queryExecutionId?: string;
}

export interface PublishedQuality {
  readonly report: string;
  readonly results: QualityReport['results'];
}

/**
 * Publishes what the query found. May be repeated: a window that was published entirely is left alone, and figures that
 * are sent again for the same time change neither average nor maximum.
 */
async function handle(event: PublishQualityEvent): Promise<PublishedQuality> {
  const settings = readSettings();
  const { bucketName, endpointName } = settings;
  const before = await readState(bucketName, endpointName);
  if (before !== undefined && before.to >= event.window.to) return { report: qualityReportKey(endpointName, event.window), results: [] };

  const rows = event.queryExecutionId === undefined ? [] : (await readQueryResult(event.queryExecutionId)).map(qualityRow);
  const { report, state, figures } = qualityOutcome(event.window, rows, before, settings);
  const data = figures.map(({ name, value, dimensions }): MetricDatum => ({
    MetricName: name,
    Value: value,
    Unit: name === 'SampleCount' ? 'Count' : 'None',
    Timestamp: new Date(event.window.to),
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  }));
  for (let i = 0; i < data.length; i += FIGURES_PER_CALL) {
    await cloudwatch.send(new PutMetricDataCommand({ Namespace: 'cdk-mlops', MetricData: data.slice(i, i + FIGURES_PER_CALL) }));
  }
  await writeJson(bucketName, state.report, report);
  await writeJson(bucketName, qualityStateKey(endpointName), state);
  return { report: state.report, results: report.results };
}

function qualityRow(row: QueryRow): QualityRow {
  return {
    variant: textIn(row, 'variant'),
    version: textIn(row, 'version'),
    configName: textIn(row, 'config_name'),
    samples: numberIn(row, 'samples'),
    mse: maybeNumberIn(row, 'mse'),
    rmse: maybeNumberIn(row, 'rmse'),
    mae: maybeNumberIn(row, 'mae'),
    r2: maybeNumberIn(row, 'r2'),
    due: numberIn(row, 'due'),
    dueLabelled: numberIn(row, 'due_labelled'),
    dueUnreadable: numberIn(row, 'due_unreadable'),
    accepted: {
      mse: maybeNumberIn(row, 'accepted_mse'),
      rmse: maybeNumberIn(row, 'accepted_rmse'),
      mae: maybeNumberIn(row, 'accepted_mae'),
      r2: maybeNumberIn(row, 'accepted_r2'),
    },
    currentVersion: textIn(row, 'current_version'),
  };
}

function textIn(row: QueryRow, column: string): string {
  const text = row[column];
  if (text === undefined || text === '') throw new Error(`the query answered nothing for ${column}`);
  return text;
}

function maybeNumberIn(row: QueryRow, column: string): number | undefined {
  return row[column] === undefined || row[column] === '' ? undefined : numberIn(row, column);
}

export const handler = perModel(handle);
