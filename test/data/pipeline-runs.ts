import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { SparkJobs } from './spark';
import { DatasetCandidate } from '../../src/domain/dataset';

export const weather = path.join(__dirname, '../../examples/regression-platform/pipelines/weather.py');
export const HEADER = 'origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour';

/** Hourly rows of two airports; the temperature tells the hour, so that lags and labels can be checked by arithmetic. */
export function hours(count: number): string[] {
  return ['JFK', 'EWR'].flatMap((origin) => Array.from({ length: count }, (_, i) => {
    const at = new Date(Date.UTC(2013, 0, 1, i));
    const local = new Date(at.getTime() - 5 * 3_600_000);
    const temp = i / 10 + (origin === 'JFK' ? 0.05 : 0);
    return [
      origin, local.getUTCFullYear(), local.getUTCMonth() + 1, local.getUTCDate(), local.getUTCHours(),
      temp, temp - 5, 50, 'NA', i === 7 ? 1048 : 8, 'NA', 0, i % 10 === 0 ? 'NA' : 1012, 10, at.toISOString().replace('.000', ''),
    ].join(',');
  }));
}

export interface Given {
  readonly source: string;
  readonly script?: string;
  readonly target?: string;
  readonly timeColumn?: string;
  readonly time?: string;
  readonly rules?: object[];
  readonly more?: string[];
}

export interface Made {
  readonly out: string;
  readonly report: DatasetCandidate;
  readonly error?: string;
}

/** Runs of the pipeline's program on real Spark, in a folder of their own. */
export class PipelineRuns {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'run-pipeline-'));
  readonly spark = new SparkJobs(this.folder);
  private runs = 0;

  async stop(): Promise<void> {
    await this.spark.stop();
    fs.rmSync(this.folder, { recursive: true });
  }

  /** A source folder with a file of these rows. */
  csv(name: string, rows: string[], header = HEADER, file = 'rows.csv'): string {
    const source = path.join(this.folder, name);
    fs.mkdirSync(source, { recursive: true });
    fs.writeFileSync(path.join(source, file), `${[header, ...rows].join('\n')}\n`);
    return source;
  }

  script(name: string, text: string): string {
    const file = path.join(this.folder, `${name}.py`);
    fs.writeFileSync(file, text);
    return file;
  }

  argv(given: Given): { out: string; report: string; argv: string[] } {
    const out = path.join(this.folder, `out-${++this.runs}`);
    const report = path.join(this.folder, `report-${this.runs}`, 'candidate.json');
    const timeColumn = 'timeColumn' in given ? given.timeColumn : 'time_hour';
    return {
      out,
      report,
      argv: [
        '--JOB_NAME', 'of-glue', '--dataset', 'Weather', '--source', given.source, '--script', given.script ?? weather, '--output', out, '--report', report,
        '--target', given.target ?? 'temp_in_24h', '--time', given.time ?? '2013-02-01T00:00:00.000Z', '--shuffle_partitions', '2',
        ...(timeColumn === undefined ? [] : ['--time_column', timeColumn]), '--rules', JSON.stringify(given.rules ?? []), ...(given.more ?? []),
      ],
    };
  }

  async job(given: Given): Promise<Made> {
    const { out, report, argv } = this.argv(given);
    const answer = await this.spark.send(argv);
    if (answer.error === undefined) expect(JSON.parse(fs.readFileSync(report, 'utf8'))).toEqual(answer.report);
    return { out, report: answer.report as DatasetCandidate, error: answer.error };
  }
}

export function files(where: string): string[] {
  const names = fs.existsSync(where) ? fs.readdirSync(where, { recursive: true }) as string[] : [];
  return names.filter((name) => !fs.statSync(path.join(where, name)).isDirectory()).sort();
}

export const failures = (report: DatasetCandidate) => report.quality.rules.filter((rule) => !rule.passed).map((rule) => `${rule.rule}: ${rule.observed}`);
