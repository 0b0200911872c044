import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { program, python, query, SparkJobs, sparkEnvironment } from './spark';
import { DatasetCandidate } from '../../src/domain/dataset';

const weather = path.join(__dirname, '../../examples/regression-platform/pipelines/weather.py');
const HEADER = 'origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour';
let folder: string;
let spark: SparkJobs;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'run-pipeline-'));
  spark = new SparkJobs(folder);
});
afterAll(async () => {
  await spark.stop();
  fs.rmSync(folder, { recursive: true });
});

/** Hourly rows of two airports; the temperature tells the hour, so that lags and labels can be checked by arithmetic. */
function hours(count: number): string[] {
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

function csv(name: string, rows: string[], header = HEADER): string {
  const source = path.join(folder, name);
  fs.mkdirSync(source, { recursive: true });
  fs.writeFileSync(path.join(source, 'rows.csv'), `${[header, ...rows].join('\n')}\n`);
  return source;
}

function script(name: string, text: string): string {
  const file = path.join(folder, `${name}.py`);
  fs.writeFileSync(file, text);
  return file;
}

interface Given { source: string; script?: string; target?: string; timeColumn?: string; time?: string; rules?: object[]; more?: string[] }

let runs = 0;
function argv(given: Given): { out: string; report: string; argv: string[] } {
  const out = path.join(folder, `out-${++runs}`);
  const report = path.join(folder, `report-${runs}`, 'candidate.json');
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

async function job(given: Given): Promise<{ out: string; report: DatasetCandidate; error?: string }> {
  const { out, report, argv: args } = argv(given);
  const answer = await spark.send(args);
  if (answer.error === undefined) expect(JSON.parse(fs.readFileSync(report, 'utf8'))).toEqual(answer.report);
  return { out, report: answer.report as DatasetCandidate, error: answer.error };
}

function files(where: string): string[] {
  const names = fs.existsSync(where) ? fs.readdirSync(where, { recursive: true }) as string[] : [];
  return names.filter((name) => !fs.statSync(path.join(where, name)).isDirectory()).sort();
}

const failures = (report: DatasetCandidate) => report.quality.rules.filter((rule) => !rule.passed).map((rule) => `${rule.rule}: ${rule.observed}`);

test('the program as Glue starts it makes a dataset of the weather', async () => {
  const { argv: args, out, report: file } = argv({ source: csv('cli', hours(240)) });
  execFileSync(python, [program, ...args], { env: sparkEnvironment(), stdio: 'pipe' });
  const report = JSON.parse(fs.readFileSync(file, 'utf8')) as DatasetCandidate;
  expect(report.version).toMatch(/^20130201T000000000Z-[0-9a-f]{8}$/);
  expect(report.version.slice(-8)).toBe(report.contentHash.slice(0, 8));
  // 240 hours, of which the last 24 have no label yet
  expect(report.rows.train + report.rows.holdout).toBe(2 * 216);
  expect(files(out).map((name) => name.replace(/part-.*/, 'part'))).toEqual([`${report.version}/holdout/part`, `${report.version}/train/part`]);
  const version = path.join(out, report.version);
  const [lags] = await query(`SELECT count(*) AS n, max(abs(temp_in_24h - temp - 2.4)) AS label, max(abs(temp - temp_lag_3 - 0.3)) AS lag3,
    max(abs(temp - temp_lag_6 - 0.6)) AS lag6,
    max(abs(temp - temp_lag_24 - 2.4)) AS lag24, max(wind_speed) AS wind FROM '${version}/*/*.parquet'`);
  expect(lags).toMatchObject({ n: '432', wind: 8 });
  for (const name of ['label', 'lag3', 'lag6', 'lag24']) expect(Number(lags[name])).toBeLessThan(1e-9);
});

describe('the split', () => {
  test('is by time: nothing held out is older than anything trained on', async () => {
    const { out, report } = await job({ source: csv('time', hours(240)) });
    const [found] = await query(`SELECT (SELECT max(time_hour) FROM '${out}/*/train/*.parquet') AS newest, (SELECT min(time_hour) FROM '${out}/*/holdout/*.parquet') AS oldest,
      (SELECT count(*) FROM '${out}/*/holdout/*.parquet') AS held`);
    expect(String(found.newest) < String(found.oldest)).toBe(true);
    expect(report.split).toEqual({ method: 'time', column: 'time_hour', share: 0.2, from: expect.stringMatching(/^2013-01-08T\d\d:00:00.000Z$/) });
    expect(Number(found.held) / 432).toBeCloseTo(0.2, 1);
  });

  test('never holds out again what the latest version trained on before its own holdout', async () => {
    const source = csv('floor', hours(240));
    const { report } = await job({ source, more: ['--not_before', '2013-01-09T06:00:00Z'] });
    expect(report.split.from).toBe('2013-01-09T06:00:00.000Z');
    const { report: starved } = await job({ source, more: ['--not_before', '2014-01-01T00:00:00Z'] });
    expect(failures(starved)).toEqual(['the holdout split has rows: 0']);
  });

  test('is by the row where there is no time: the same rows stay held out when rows are added', async () => {
    const first = await job({ source: csv('hash1', hours(200)), timeColumn: undefined });
    const second = await job({ source: csv('hash2', hours(240)), timeColumn: undefined });
    expect(first.report.split).toEqual({ method: 'hash', share: 0.2 });
    expect(first.report.rows.holdout / 352).toBeCloseTo(0.2, 1);
    const [crossed] = await query(`SELECT count(*) AS n FROM '${first.out}/*/holdout/*.parquet' a JOIN '${second.out}/*/train/*.parquet' b USING (origin, time_hour)`);
    expect(crossed.n).toBe('0');
  });

  test('has the share that was asked for', async () => {
    const { report } = await job({ source: csv('share', hours(240)), more: ['--holdout_share', '0.5'] });
    expect(report.rows.holdout / 432).toBeCloseTo(0.5, 1);
  });
});

describe('the content hash', () => {
  test('is the same for the same rows in another order and in other files, and another for other rows', async () => {
    const rows = hours(120);
    const { report } = await job({ source: csv('order1', rows) });
    const shuffled = csv('order2', [...rows].reverse().slice(0, 77));
    fs.writeFileSync(path.join(shuffled, 'more.csv'), `${[HEADER, ...[...rows].reverse().slice(77)].join('\n')}\n`);
    const { report: reordered } = await job({ source: shuffled, time: '2013-03-01T00:00:00.000Z' });
    expect(reordered.contentHash).toBe(report.contentHash);
    const changed = rows.map((row, i) => (i === 60 ? row.replace(/,10,2013/, ',9,2013') : row));
    expect((await job({ source: csv('order3', changed) })).report.contentHash).not.toBe(report.contentHash);
  });

  test('that is the latest version\'s writes no rows', async () => {
    const source = csv('again', hours(120));
    const { report } = await job({ source });
    const again = await job({ source, more: ['--parent_hash', report.contentHash] });
    expect(again.report).toMatchObject({ unchanged: true, contentHash: report.contentHash });
    expect(files(again.out)).toEqual([]);
  });

  test('tells a missing value in one column from one in another', async () => {
    const pair = script('pair', "def transform(spark, source):\n    return spark.read.csv(source, header=True, schema='a double, b double, y double')\n");
    const made = async (name: string, rows: string[]) => (await job({ source: csv(name, rows, 'a,b,y'), script: pair, target: 'y', timeColumn: undefined, more: ['--holdout_share', '0.5'] })).report;
    const rest = Array.from({ length: 20 }, (_, i) => `${i},${i},${i}`);
    expect((await made('null1', ['1,,5', ...rest])).contentHash).not.toBe((await made('null2', [',1,5', ...rest])).contentHash);
  });
});

test('a retry writes the same folder again', async () => {
  const { argv: args, out } = argv({ source: csv('retry', hours(120)) });
  await spark.send(args);
  const { report } = await spark.send(args);
  expect(files(out)).toHaveLength(2);
  expect(fs.readdirSync(out)).toEqual([report!.version]);
});

describe('quality', () => {
  test('each broken rule is told with what was seen, and nothing is written', async () => {
    const { out, report } = await job({
      source: csv('broken', hours(240)),
      rules: [
        { rule: 'notNull', column: 'pressure', maxShare: 0.05 },
        { rule: 'range', column: 'temp', min: 0, max: 20 },
        { rule: 'unique', columns: ['origin'] },
        { rule: 'rowCount', min: 1000 },
        { rule: 'notNull', column: 'snow', maxShare: 0 },
      ],
    });
    expect(report.quality.passed).toBe(false);
    expect(failures(report)).toEqual([
      expect.stringMatching(/^pressure is missing in at most 5 % of the rows: 0\.1/),
      'temp is within 0 .. 20: 31 rows outside',
      'origin is unique: 430 repeated rows',
      'at least 1000 rows: 432',
      'snow is missing in at most 0 % of the rows: no column snow',
    ]);
    expect(files(out)).toEqual([]);
  });

  test('rules that hold are in the report as well, the script\'s own among them', async () => {
    const { report } = await job({ source: csv('held', hours(120)), rules: [{ rule: 'notNull', column: 'pressure', maxShare: 0.5 }] });
    expect(report.quality.passed).toBe(true);
    expect(report.quality.rules.map((rule) => rule.rule)).toEqual(expect.arrayContaining(['origin, time_hour is unique', 'temp_in_24h is numeric', 'the holdout split has rows']));
  });

  test('a script that makes no rows publishes none', async () => {
    const { report } = await job({ source: csv('few', hours(20)) });
    expect(failures(report)).toEqual(expect.arrayContaining(['at least 1 rows: 0', 'the train split has rows: 0']));
  });

  test.each([
    ['text', "'high'", 'y is numeric: string'],
    ['gaps', 'CASE WHEN x > 3 THEN x END', 'y is missing in at most 0 % of the rows: 0.3'],
    ['nan', "CASE WHEN x > 9 THEN double('NaN') ELSE x END", 'y is missing in at most 0 % of the rows: 0.1'],
  ])('the target must be numbers without gaps: %s', async (name, expression, failure) => {
    const made = script(`target_${name}`, `def transform(spark, source):\n    return spark.range(1, 11).toDF('x').selectExpr('x', "${expression} AS y")\n`);
    const { report } = await job({ source: folder, script: made, target: 'y', timeColumn: undefined, more: ['--holdout_share', '0.5'] });
    expect(failures(report)).toContain(failure);
  });

  test('a target or time column that is not there is told', async () => {
    const { report } = await job({ source: csv('absent', hours(120)), target: 'rain', timeColumn: 'when' });
    expect(failures(report)).toEqual([
      'rain is numeric: no column rain', 'rain is missing in at most 0 % of the rows: no column rain', 'when is missing in at most 0 % of the rows: no column when',
    ]);
  });
});

describe('errors', () => {
  test('a script without transform', async () => {
    expect((await job({ source: folder, script: script('empty_script', 'x = 1\n') })).error).toContain('defines no function transform(spark, source)');
  });

  test('a file with other columns than the script expects', async () => {
    expect((await job({ source: csv('foreign', ['1,2'], 'a,b') })).error).toMatch(/header|CSV/);
  });

  test('an unknown rule', async () => {
    expect((await job({ source: csv('unknown', hours(60)), rules: [{ rule: 'fancy', column: 'temp' }] })).error).toContain("unknown quality rule 'fancy'");
  });
});

test('rows of a database are kept before they are used', async () => {
  const { argv: args } = argv({ source: path.join(folder, 'snapshots'), more: ['--connection', 'warehouse', '--query', 'SELECT "id", "y" FROM APP.numbers WHERE "id" < 3', '--secret', 'the-secret'] });
  const { report: uri, error } = await spark.send(args, `jdbc:derby:${path.join(folder, 'derby')}`);
  expect(error).toBeUndefined();
  expect(uri).toBe(path.join(folder, 'snapshots', '20130201T000000000Z'));
  expect(await query(`SELECT id, y FROM '${uri}/*.parquet' ORDER BY 1`)).toEqual([{ id: 1, y: 2 }, { id: 2, y: 4 }]);
});
