import { failures, files, hours, PipelineRuns } from './pipeline-runs';

let runs: PipelineRuns;
beforeAll(() => { runs = new PipelineRuns(); });
afterAll(() => runs.stop());

describe('quality', () => {
  test('each broken rule is told with what was seen, and nothing is written', async () => {
    const { out, report } = await runs.job({
      source: runs.csv('broken', hours(240)),
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
    const { report } = await runs.job({ source: runs.csv('held', hours(120)), rules: [{ rule: 'notNull', column: 'pressure', maxShare: 0.5 }] });
    expect(report.quality.passed).toBe(true);
    expect(report.quality.rules.map((rule) => rule.rule)).toEqual(expect.arrayContaining(['origin, time_hour is unique', 'temp_in_24h is numeric', 'the holdout split has rows']));
  });

  test('a script that makes no rows publishes none', async () => {
    const { report } = await runs.job({ source: runs.csv('few', hours(20)) });
    expect(failures(report)).toEqual(expect.arrayContaining(['at least 1 rows: 0', 'the train split has rows: 0']));
  });

  test.each([
    ['text', "'high'", 'y is numeric: string'],
    ['gaps', 'CASE WHEN x > 3 THEN x END', 'y is missing in at most 0 % of the rows: 0.3'],
    ['nan', "CASE WHEN x > 9 THEN double('NaN') ELSE x END", 'y is missing in at most 0 % of the rows: 0.1'],
  ])('the target must be numbers without gaps: %s', async (name, expression, failure) => {
    const made = runs.script(`target_${name}`, `def transform(spark, source):\n    return spark.range(1, 11).toDF('x').selectExpr('x', "${expression} AS y")\n`);
    const { report } = await runs.job({ source: runs.folder, script: made, target: 'y', timeColumn: undefined, more: ['--holdout_share', '0.5'] });
    expect(failures(report)).toContain(failure);
  });

  test('a target or time column that is not there is told', async () => {
    const { report } = await runs.job({ source: runs.csv('absent', hours(120)), target: 'rain', timeColumn: 'when' });
    expect(failures(report)).toEqual([
      'rain is numeric: no column rain', 'rain is missing in at most 0 % of the rows: no column rain', 'when is missing in at most 0 % of the rows: no column when',
    ]);
  });
});
