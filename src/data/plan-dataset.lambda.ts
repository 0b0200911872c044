import { S3Client } from '@aws-sdk/client-s3';
import { listOrigin, readLatest } from './dataset-io';
import { DatasetLocation, DatasetOrigin } from '../domain/dataset';

export interface PlanDatasetEvent {
  /** When the run started, ISO 8601. */
  readonly time: string;
  /** ARN of the execution. */
  readonly execution: string;
}

export interface DatasetPlan {
  readonly time: string;
  readonly run: string;
  /** There is nothing to read. */
  readonly empty: boolean;
  readonly sources: DatasetOrigin[];
  /** Key of the report that the job writes. */
  readonly reportKey: string;
  /** The job's arguments for this run; the others are the job's own. */
  readonly arguments: Record<string, string>;
}

const s3 = new S3Client({});

/** Looks at what there is to read and at the latest version, before the job runs. */
export async function handler(event: PlanDatasetEvent): Promise<DatasetPlan> {
  const env = process.env as Record<string, string>;
  const location = new DatasetLocation(env.BUCKET, env.PREFIX);
  const run = event.execution.slice(event.execution.lastIndexOf(':') + 1);
  const reportKey = `${env.RUNS_PREFIX}/${run}/candidate.json`;

  const fromDatabase = env.QUERY !== undefined;
  const source: DatasetOrigin = fromDatabase
    ? { uri: `s3://${env.SOURCE_BUCKET}/${env.SOURCE_PREFIX}`, query: env.QUERY }
    : await listOrigin(s3, env.SOURCE_BUCKET, env.SOURCE_PREFIX);
  const { manifest } = await readLatest(s3, location);

  return {
    time: event.time,
    run,
    empty: source.objects === 0,
    sources: [source],
    reportKey,
    arguments: {
      '--time': event.time,
      '--report': location.uri(reportKey),
      ...(manifest === undefined ? {} : { '--parent_hash': manifest.contentHash }),
      ...(manifest?.split.from === undefined ? {} : { '--not_before': manifest.split.from }),
    },
  };
}
