import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { failures, files, HEADER, hours, PipelineRuns } from './pipeline-runs';
import { program, python, query, sparkEnvironment } from './spark';
import { DatasetCandidate } from '../../src/domain/dataset';

let runs: PipelineRuns;
beforeAll(() => { runs = new PipelineRuns(); });
afterAll(() => runs.stop());

test('the program as Glue starts it makes a dataset of the weather', async () => {
  const { argv: args, out, report: file } = runs.argv({ source: runs.csv('cli', hours(240)) });
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
    const { out, report } = await runs.job({ source: runs.csv('time', hours(240)) });
    const [found] = await query(`SELECT (SELECT max(time_hour) FROM '${out}/*/train/*.parquet') AS newest, (SELECT min(time_hour) FROM '${out}/*/holdout/*.parquet') AS oldest,
      (SELECT count(*) FROM '${out}/*/holdout/*.parquet') AS held`);
    expect(String(found.newest) < String(found.oldest)).toBe(true);
    expect(report.split).toEqual({ method: 'time', column: 'time_hour', share: 0.2, from: expect.stringMatching(/^2013-01-08T\d\d:00:00.000Z$/) });
    expect(Number(found.held) / 432).toBeCloseTo(0.2, 1);
  });

  test('never holds out again what the latest version trained on before its own holdout', async () => {
    const source = runs.csv('floor', hours(240));
    const { report } = await runs.job({ source, more: ['--not_before', '2013-01-09T06:00:00Z'] });
    expect(report.split.from).toBe('2013-01-09T06:00:00.000Z');
    const { report: starved } = await runs.job({ source, more: ['--not_before', '2014-01-01T00:00:00Z'] });
    expect(failures(starved)).toEqual(['the holdout split has rows: 0']);
  });

  test('is by the row where there is no time: the same rows stay held out when rows are added', async () => {
    const first = await runs.job({ source: runs.csv('hash1', hours(200)), timeColumn: undefined });
    const second = await runs.job({ source: runs.csv('hash2', hours(240)), timeColumn: undefined });
    expect(first.report.split).toEqual({ method: 'hash', share: 0.2 });
    expect(first.report.rows.holdout / 352).toBeCloseTo(0.2, 1);
    const [crossed] = await query(`SELECT count(*) AS n FROM '${first.out}/*/holdout/*.parquet' a JOIN '${second.out}/*/train/*.parquet' b USING (origin, time_hour)`);
    expect(crossed.n).toBe('0');
  });

  test('has the share that was asked for', async () => {
    const { report } = await runs.job({ source: runs.csv('share', hours(240)), more: ['--holdout_share', '0.5'] });
    expect(report.rows.holdout / 432).toBeCloseTo(0.5, 1);
  });
});

describe('the content hash', () => {
  test('is the same for the same rows in another order and in other files, and another for other rows', async () => {
    const rows = hours(120);
    const { report } = await runs.job({ source: runs.csv('order1', rows) });
    const shuffled = runs.csv('order2', [...rows].reverse().slice(0, 77));
    fs.writeFileSync(path.join(shuffled, 'more.csv'), `${[HEADER, ...[...rows].reverse().slice(77)].join('\n')}\n`);
    const { report: reordered } = await runs.job({ source: shuffled, time: '2013-03-01T00:00:00.000Z' });
    expect(reordered.contentHash).toBe(report.contentHash);
    const changed = rows.map((row, i) => (i === 60 ? row.replace(/,10,2013/, ',9,2013') : row));
    expect((await runs.job({ source: runs.csv('order3', changed) })).report.contentHash).not.toBe(report.contentHash);
  });

  test('that is the latest version\'s writes no rows', async () => {
    const source = runs.csv('again', hours(120));
    const { report } = await runs.job({ source });
    const again = await runs.job({ source, more: ['--parent_hash', report.contentHash] });
    expect(again.report).toMatchObject({ unchanged: true, contentHash: report.contentHash });
    expect(files(again.out)).toEqual([]);
  });

  test('tells a missing value in one column from one in another', async () => {
    const pair = runs.script('pair', "def transform(spark, source):\n    return spark.read.csv(source, header=True, schema='a double, b double, y double')\n");
    const made = async (name: string, rows: string[]) => (await runs.job({ source: runs.csv(name, rows, 'a,b,y'), script: pair, target: 'y', timeColumn: undefined, more: ['--holdout_share', '0.5'] })).report;
    const rest = Array.from({ length: 20 }, (_, i) => `${i},${i},${i}`);
    expect((await made('null1', ['1,,5', ...rest])).contentHash).not.toBe((await made('null2', [',1,5', ...rest])).contentHash);
  });
});

test('a retry writes the same folder again', async () => {
  const { argv: args, out } = runs.argv({ source: runs.csv('retry', hours(120)) });
  await runs.spark.send(args);
  const { report } = await runs.spark.send(args);
  expect(files(out)).toHaveLength(2);
  expect(fs.readdirSync(out)).toEqual([report!.version]);
});

describe('errors', () => {
  test('a script without transform', async () => {
    expect((await runs.job({ source: runs.folder, script: runs.script('empty_script', 'x = 1\n') })).error).toContain('defines no function transform(spark, source)');
  });

  test('a file with other columns than the script expects', async () => {
    expect((await runs.job({ source: runs.csv('foreign', ['1,2'], 'a,b') })).error).toMatch(/header|CSV/);
  });

  test('an unknown rule', async () => {
    expect((await runs.job({ source: runs.csv('unknown', hours(60)), rules: [{ rule: 'fancy', column: 'temp' }] })).error).toContain("unknown quality rule 'fancy'");
  });
});
