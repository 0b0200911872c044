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

  /** Ten rows of an id, a number, a text and a time, the newest of 31 January. */
  const TEN = "spark.range(10).selectExpr('id', 'CASE WHEN id < 9 THEN id * 1.5E0 END AS y0', 'id * 2.0E0 AS y', "
    + "\"CASE WHEN id = 3 THEN 'none' ELSE string(id) END AS word\", \"timestamp_seconds(1359590400 + id * 7200) AS at\")";
  const verdict = async (rule: object, more: string[] = []) => {
    const made = runs.script('ten', `def transform(spark, source):\n    return ${TEN}\n`);
    const { report, error } = await runs.job({ source: runs.folder, script: made, target: 'y', timeColumn: 'at', rules: [rule], more });
    return error ?? report.quality.rules.filter((one) => /columns are|at most|within|unique|than the last/.test(one.rule) && !/^(y|at) is missing/.test(one.rule))
      .map((one) => `${one.rule}: ${one.passed ? 'passed' : 'failed'}, ${one.observed}`).join('; ');
  };

  test.each<[object, string, string[]?]>([
    [{ rule: 'schema', columns: { id: 'bigint', y0: 'double', word: 'string', at: 'timestamp' } }, 'columns are id bigint, y0 double, word string, at timestamp: passed, as declared'],
    [{ rule: 'schema', columns: { id: 'int', y0: 'double', rain: 'double' } }, 'columns are id int, y0 double, rain double: failed, id is bigint, no column rain'],
    [{ rule: 'notNull', column: 'y0', maxShare: 0.1 }, 'y0 is missing in at most 10 % of the rows: passed, 0.1'],
    [{ rule: 'notNull', column: 'y0', maxShare: 0.05 }, 'y0 is missing in at most 5 % of the rows: failed, 0.1'],
    [{ rule: 'range', column: 'y0', min: 0, max: 12 }, 'y0 is within 0 .. 12: passed, 0 rows outside'],
    [{ rule: 'range', column: 'y0', min: 1.5, max: 10.5 }, 'y0 is within 1.5 .. 10.5: failed, 2 rows outside'],
    [{ rule: 'range', column: 'word', min: 0, max: 100 }, 'word is within 0 .. 100: failed, 1 rows outside'],
    [{ rule: 'unique', columns: ['id', 'word'] }, 'id, word is unique: passed, 0 repeated rows'],
    [{ rule: 'rowCount', max: 10 }, 'at most 10 rows: passed, 10'],
    [{ rule: 'rowCount', min: 1, max: 9 }, 'at least 1 and at most 9 rows: failed, 10'],
    [{ rule: 'fresh', seconds: 6 * 3600 }, 'at is at most 6 hours old: passed, 2013-01-31T18:00:00.000Z, 6.0 hours before the run'],
    [{ rule: 'fresh', seconds: 6 * 3600 - 1, column: 'at' }, 'at is at most 5.99972 hours old: failed, 2013-01-31T18:00:00.000Z, 6.0 hours before the run'],
    [{ rule: 'fresh', seconds: 3 * 86_400, column: 'when' }, 'when is at most 3 days old: failed, no column when'],
    [{ rule: 'rowCountChange', maxDecrease: 0.2, maxIncrease: 0.5 }, 'at most 20 % fewer and at most 50 % more rows than the last version: passed, 10, the first version'],
    [{ rule: 'rowCountChange', maxDecrease: 0.2 }, 'at most 20 % fewer rows than the last version: passed, 10 after 12', ['--parent_rows', '12']],
    [{ rule: 'rowCountChange', maxDecrease: 0.2 }, 'at most 20 % fewer rows than the last version: failed, 10 after 13', ['--parent_rows', '13']],
    [{ rule: 'rowCountChange', maxIncrease: 0.5 }, 'at most 50 % more rows than the last version: failed, 10 after 6', ['--parent_rows', '6']],
    [{ rule: 'rowCountChange', maxIncrease: 1 }, 'at most 100 % more rows than the last version: passed, 10 after 6', ['--parent_rows', '6']],
  ])('%j', async (...[rule, expected, more]) => expect(await verdict(rule, more)).toBe(expected));

  test('what the table of the dataset calls its partitions, no column is called', async () => {
    const made = runs.script('reserved', "def transform(spark, source):\n    return spark.range(9).selectExpr('id AS y', '1 AS dataset_split')\n");
    expect((await runs.job({ source: runs.folder, script: made, target: 'y', timeColumn: undefined })).error).toContain("dataset_split: the dataset's table has a column of this name");
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
