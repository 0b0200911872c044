import { createHash } from 'crypto';
import * as fs from 'fs';
import * as path from 'path';
import { failures, files, PipelineRuns } from './pipeline-runs';
import { query } from './spark';
import { DatasetCandidate } from '../../src/domain/dataset';

let runs: PipelineRuns;
beforeAll(() => { runs = new PipelineRuns(); });
afterAll(() => runs.stop());

const COLUMNS = 'id,y,at';
const ROWS = `SCHEMA = "id int, y double, at timestamp"

def transform(spark, source):
    return spark.read.csv(source, header=True, schema=SCHEMA, enforceSchema=False)
`;
const row = (id: number, y = id) => `${id},${y},2013-01-${String(id).padStart(2, '0')}T00:00:00Z`;
const range = (from: number, until: number) => Array.from({ length: until - from }, (_, i) => row(from + i));

/** The latest version of a dataset whose runs read new files only, as the handlers would keep it. */
class Growing {
  private scripts = 0;
  parent: { version: string; out: string; report: DatasetCandidate } | undefined;

  constructor(private readonly name: string, private readonly text = ROWS) {}

  get source(): string {
    return path.join(runs.folder, this.name);
  }

  /** Puts files in, and lets a run read just these. */
  async read(added: Record<string, string[]>, script = this.text) {
    for (const [file, rows] of Object.entries(added)) runs.csv(this.name, rows, COLUMNS, file);
    const inputs = path.join(runs.folder, `${this.name}-inputs.json`);
    fs.writeFileSync(inputs, JSON.stringify({ reading: 'newFiles', files: Object.keys(added).map((one) => ({ path: one })), kept: [], key: ['id'] }));
    const more = ['--inputs', inputs];
    if (this.parent !== undefined) {
      const { version, out, report } = this.parent;
      more.push('--parent', `${out}/${version}/`, '--parent_hash', report.contentHash, '--parent_rows', String(report.rows.train + report.rows.holdout));
    }
    const made = await runs.job({ source: this.source, script: runs.script(`rows_${this.name}_${++this.scripts}`, script), target: 'y', timeColumn: 'at', more });
    const { out: written, report, error } = made;
    if (error === undefined && report.quality.passed && !report.unchanged) this.parent = { version: report.version, out: written, report };
    return made;
  }

  /** What one run over everything makes of the same files. */
  async whole() {
    return (await runs.job({ source: this.source, script: runs.script(`rows_${this.name}`, this.text), target: 'y', timeColumn: 'at' })).report;
  }

  async rows(): Promise<string> {
    const found = await query(`SELECT id, y FROM '${this.parent!.out}/${this.parent!.version}/*/*.parquet' ORDER BY id`);
    return found.map(({ id, y }) => `${String(id)}:${String(y)}`).join(' ');
  }
}

describe('new files only', () => {
  test('the rows of each file are added to those before, and it comes to the same as reading everything', async () => {
    const dataset = new Growing('added');
    expect((await dataset.read({ 'b.csv': range(1, 11) })).report.rows).toEqual({ train: 7, holdout: 3 });
    expect((await dataset.read({ 'c [1]{2}*.csv': range(11, 16), 'a.csv': range(16, 21) })).report.files).toEqual(['a.csv', 'c [1]{2}*.csv']);
    expect(await dataset.rows()).toBe(Array.from({ length: 20 }, (_, i) => `${i + 1}:${i + 1}`).join(' '));
    const whole = await dataset.whole();
    expect(dataset.parent!.report.contentHash).toBe(whole.contentHash);
    expect(whole.files).toEqual(['a.csv', 'b.csv', 'c [1]{2}*.csv']);
  });

  test('a corrected file takes the place of its rows', async () => {
    const dataset = new Growing('corrected');
    await dataset.read({ 'a.csv': range(1, 11) });
    await dataset.read({ 'a.csv': [...range(1, 10), row(10, 99)] });
    expect(await dataset.rows()).toMatch(/^1:1 .* 9:9 10:99$/);
    expect(dataset.parent!.report.contentHash).toBe((await dataset.whole()).contentHash);
  });

  test('the same rows again change nothing, and are not written', async () => {
    const dataset = new Growing('repeated');
    const { report } = await dataset.read({ 'a.csv': range(1, 11) });
    const again = await dataset.read({ 'copy.csv': range(3, 6) });
    expect(again.report).toMatchObject({ unchanged: true, contentHash: report.contentHash });
    expect(files(again.out)).toEqual([]);
  });

  test('without a file, the rules are looked at all the same', async () => {
    const dataset = new Growing('none');
    const { report } = await dataset.read({ 'a.csv': range(1, 11) });
    expect((await dataset.read({})).report).toMatchObject({ unchanged: true, contentHash: report.contentHash, files: null });
  });

  test('two rows of one run that have the same key are stopped at the gate', async () => {
    const dataset = new Growing('twins');
    expect(failures((await dataset.read({ 'a.csv': range(1, 11), 'b.csv': [row(3, 7)] })).report)).toEqual(['id is unique: 1 repeated rows']);
  });

  test('a script that makes other columns, or not the key, is told what to do', async () => {
    const dataset = new Growing('changed');
    await dataset.read({ 'a.csv': range(1, 11) });
    const changed = (how: string) => dataset.read({ 'b.csv': [row(11)] }, ROWS.replace('enforceSchema=False)', `enforceSchema=False).${how}`));
    expect((await changed('selectExpr("*", "1 AS z")')).error).toMatch(/makes other columns than the last version has.*'z'.*"rebuild": true/);
    expect((await changed('withColumnRenamed("id", "number")')).error).toContain('the key id needs the columns id');
  });
});

test('the report says which files were opened, and the hash of the script', async () => {
  const source = runs.csv('opened', range(1, 11), COLUMNS, 'a plain name.csv');
  runs.csv('opened/below', range(11, 13), COLUMNS, 'b.csv');
  const script = runs.script('opened', ROWS.replace('enforceSchema=False', 'enforceSchema=False, recursiveFileLookup=True'));
  const { report } = await runs.job({ source, script, target: 'y', timeColumn: 'at' });
  expect(report.files).toEqual(['a plain name.csv', 'below/b.csv']);
  expect(report.scriptHash).toBe(createHash('sha256').update(fs.readFileSync(script)).digest('hex'));
});

describe('a database', () => {
  const given = (more: string[] = ['--secret', 'the-secret']) => runs.argv({
    source: path.join(runs.folder, 'snapshots'), more: ['--connection', 'warehouse', '--query', 'SELECT "id", "y" FROM READER.numbers WHERE "id" < 3', ...more],
  }).argv;
  const url = () => `jdbc:derby:${path.join(runs.folder, 'derby')}`;

  test('gives rows that are kept before they are used, to whom its secret lets in', async () => {
    const { report: uri, error } = await runs.spark.send(given(), url());
    expect(error).toBeUndefined();
    expect(uri).toBe(path.join(runs.folder, 'snapshots', '20130201T000000000Z'));
    expect(await query(`SELECT id, y FROM '${uri}/*.parquet' ORDER BY 1`)).toEqual([{ id: 1, y: 2 }, { id: 2, y: 4 }]);
    // a repetition reads again into the same place
    expect((await runs.spark.send(given(), url())).error).toBeUndefined();
    expect(await query(`SELECT count(*) AS n FROM '${uri}/*.parquet'`)).toEqual([{ n: '2' }]);
  });

  test('gives nothing for another password', async () => {
    expect((await runs.spark.send(given(['--secret', 'another-secret']), url())).error).toMatch(/authentication|08004/i);
  });

  test('is not asked in the clear where the connection forbids it', async () => {
    expect((await runs.spark.send(given(), `${url()};enforce`)).error).toContain('the connection enforces encryption');
  });
});
