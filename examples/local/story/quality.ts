import { execFile } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { promisify } from 'util';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { World } from './world';
import { S3Wire } from '../cloud/s3-wire';

/** What the quality monitor has written about a version in a window. */
export interface QualityRow {
  readonly variant: string;
  readonly version: string;
  readonly from: string;
  readonly to: string;
  readonly samples: number;
  readonly coverage?: number;
  readonly mse: number;
  readonly rmse: number;
  readonly mae: number;
  readonly r2?: number;
}

interface MonitorReport {
  readonly window: { readonly from: string; readonly to: string };
  readonly results: readonly {
    readonly variant: string;
    readonly modelVersion: string;
    readonly dataset: { readonly item_count: number };
    readonly regression_metrics: Partial<Record<'mse' | 'rmse' | 'mae' | 'r2', { readonly value: number }>>;
    readonly labels: { readonly coverage?: number };
  }[];
}

/** The monitor's reports, in the order of time. */
export async function qualityRows(world: World): Promise<QualityRow[]> {
  const { s3 } = world.cloud;
  const bucket = world.outputs.ObservationBucket;
  const keys = (await s3.list(bucket, 'quality/')).map(({ key }) => key).filter((key) => !key.startsWith('quality/latest/')).sort();
  const reports = await Promise.all(keys.map(async (key) => JSON.parse((await s3.get(bucket, key)).toString()) as MonitorReport));
  return reports.flatMap(({ window, results }) => results.filter(({ dataset }) => dataset.item_count > 0).map((result): QualityRow => ({
    variant: result.variant,
    version: result.modelVersion,
    from: window.from,
    to: window.to,
    samples: result.dataset.item_count,
    coverage: result.labels.coverage,
    mse: result.regression_metrics.mse?.value ?? NaN,
    rmse: result.regression_metrics.rmse?.value ?? NaN,
    mae: result.regression_metrics.mae?.value ?? NaN,
    r2: result.regression_metrics.r2?.value,
  })));
}

const METRICS = { mse: 'MSE', rmse: 'RMSE', mae: 'MAE', r2: 'R2' } as const;
type Metric = keyof typeof METRICS;

export interface Comparison {
  readonly figures: number;
  readonly versions: number;
  /** The largest relative difference, and where it was. */
  readonly worst: number;
  readonly where: string;
}

/** Compares every figure in CloudWatch with scikit-learn's on the same pairs, read from the captured files themselves. */
export async function compareWithScikitLearn(world: World): Promise<Comparison> {
  const { cloud, outputs } = world;
  const rows = await qualityRows(world);
  const folder = fs.mkdtempSync(path.join(cloud.folders.temp, 'accuracy-'));
  for (const prefix of ['captures', 'ground-truth', 'deployments']) await gather(world, outputs.ObservationBucket, prefix, path.join(folder, `${prefix}.jsonl`));
  const windows = new Map(rows.map(({ from, to }) => [to, { from, to }]));
  fs.writeFileSync(path.join(folder, 'windows.json'), JSON.stringify([...windows.values()]));
  const { stdout } = await promisify(execFile)(cloud.python, [path.join(__dirname, 'accuracy.py'), folder], { maxBuffer: 1e9 });
  const expected = JSON.parse(stdout) as (Record<Metric, number | null> & { to: string; variant: string; version: string; samples: number })[];

  let worst = 0;
  let where = '';
  let figures = 0;
  const differs = (value: number, place: string) => {
    figures++;
    if (!(value <= worst)) [worst, where] = [value, place];
  };
  const identities = [...new Set(expected.map(({ variant, version }) => `${variant}/${version}`))];
  for (const identity of identities) {
    const [variant, version] = identity.split('/');
    const published = await datapoints(world, variant, version);
    for (const row of expected.filter((one) => one.variant === variant && one.version === version)) {
      for (const metric of Object.keys(METRICS) as Metric[]) {
        const value = row[metric];
        const seen = published[metric].get(Date.parse(row.to));
        const place = `${METRICS[metric]} of ${version} (${variant}) until ${row.to}`;
        if (value === null) {
          differs(seen === undefined ? 0 : Infinity, place);
        } else {
          differs(seen === undefined ? Infinity : Math.abs(seen - value) / Math.max(1, Math.abs(value)), place);
        }
      }
    }
  }
  fs.rmSync(folder, { recursive: true });
  return { figures, versions: new Set(expected.map(({ version }) => version)).size, worst, where };
}

/** The objects below a prefix as one file, a line each: a file each would take longer than everything that is done with them. */
async function gather(world: World, bucket: string, prefix: string, file: string): Promise<void> {
  const s3 = new S3Wire(world.cloud.endpoint, world.cloud.region);
  const keys = (await s3.list(bucket, { prefix: `${prefix}/` })).map(({ key }) => key).sort();
  const bodies = await s3.getAll(bucket, keys);
  fs.writeFileSync(file, keys.map((key, i) => `${JSON.stringify({ key, body: bodies[i].toString() })}\n`).join(''));
}

async function datapoints(world: World, variant: string, version: string): Promise<Record<Metric, Map<number, number>>> {
  const client = world.cloud.client(CloudWatchClient);
  const dimensions = [{ Name: 'Endpoint', Value: world.outputs.EndpointName }, { Name: 'Variant', Value: variant }, { Name: 'ModelVersion', Value: version }];
  const found = { mse: new Map<number, number>(), rmse: new Map<number, number>(), mae: new Map<number, number>(), r2: new Map<number, number>() };
  let token: string | undefined;
  do {
    const page = await client.send(new GetMetricDataCommand({
      StartTime: world.scenario.at.start,
      EndTime: new Date(world.now.getTime() + 86_400_000),
      NextToken: token,
      MetricDataQueries: (Object.keys(METRICS) as Metric[]).map((metric) => ({
        Id: metric, MetricStat: { Metric: { Namespace: 'cdk-mlops', MetricName: METRICS[metric], Dimensions: dimensions }, Period: 3600, Stat: 'Average' },
      })),
    }));
    for (const { Id, Timestamps, Values } of page.MetricDataResults ?? []) {
      Timestamps?.forEach((time, index) => found[Id as Metric].set(time.getTime(), Values?.[index] ?? NaN));
    }
    token = page.NextToken;
  } while (token !== undefined);
  return found;
}
