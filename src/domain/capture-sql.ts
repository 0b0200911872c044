/**
 * Pieces of SQL over the tables of an observation store. One text for Amazon Athena (Trino) and DuckDB: only what both
 * engines compute alike.
 */

/** A string literal. */
export function sqlText(value: string): string {
  return `'${value.replace(/'/g, '\'\'')}'`;
}

/** String literals, for `IN (…)`. */
export function sqlTexts(values: readonly string[]): string {
  return values.map(sqlText).join(', ');
}

/** The partition value (`yyyy/MM/dd/HH`) of the hour that a time is in. */
export function dateHour(time: string | Date): string {
  return new Date(time).toISOString().slice(0, 13).replace(/[-T]/g, '/');
}

/**
 * The number that a column's text is, or NULL.
 *
 * Engines cast `1_000`, `0x1p3`, `1d` or `NaN` in their own ways: only plain decimal text is a number, and only where
 * its square is one too.
 */
export function sqlNumber(column: string): string {
  const plain = `CASE WHEN translate(${column}, '0123456789+-.eE ' || chr(9) || chr(10) || chr(13), '') = '' THEN TRY_CAST(${column} AS DOUBLE) END`;
  return `CASE WHEN ${plain} BETWEEN -1E150 AND 1E150 THEN ${plain} END`;
}

/**
 * The text of a single prediction: a bare number, or a number in JSON as `[1.5]`, `{"predictions":[1.5]}` or
 * `{"predictions":[{"score":1.5}]}`. What is taken away leaves a space, so that two numbers never become one.
 */
export function sqlAnswer(column: string): string {
  const compact = `translate(${column}, ' ' || chr(9) || chr(10) || chr(13), '')`;
  const bare = ['{"predictions":', '{"score":', '[', ']', '}'].reduce((text, removed) => `replace(${text}, ${sqlText(removed)}, ' ')`, compact);
  return `CASE WHEN strpos(${column}, '[') > 0 THEN ${bare} ELSE ${column} END`;
}

/**
 * Orders the labels of a request: by the hour of their arrival, then by `eventTime` (milliseconds since 1970), which labels have that
 * came through a prediction API. Labels of one hour without it are told apart by their text, so that every query takes the same one.
 */
export function sqlLabelOrder(column: string): string {
  return `datehour || ' ' || coalesce(eventmetadata.eventtime, '') || ' ' || coalesce(${column}, '')`;
}

/** Which captures a query reads; hours are partition values, `until` excluded. */
export interface CaptureRange {
  readonly configNames: readonly string[];
  readonly endpointName: string;
  readonly variants: readonly string[];
  readonly fromHour: string;
  readonly untilHour: string;
}

/**
 * One row for each variant and request: `variant`, `id`, `config_name`, `datehour`, `made_at` and `prediction`, which is NULL
 * where the answer is no number. Where a request was captured again, the first capture counts.
 */
export function predictionsCte(range: CaptureRange): string {
  return `captured AS (
  SELECT variant, config_name, datehour, coalesce(nullif(eventmetadata.inferenceid, ''), eventmetadata.eventid) AS id,
    coalesce(eventmetadata.inferencetime, '') AS made_at, capturedata.endpointoutput.data AS raw
  FROM captures
  WHERE config_name IN (${sqlTexts(range.configNames)}) AND endpoint = ${sqlText(range.endpointName)}
    AND variant IN (${sqlTexts(range.variants)})
    AND datehour >= ${sqlText(range.fromHour)} AND datehour < ${sqlText(range.untilHour)}
),
answered AS (
  SELECT variant, id, min(datehour) AS datehour, min(made_at) AS made_at,
    min_by(config_name, made_at || raw) AS config_name, min_by(raw, made_at || raw) AS raw
  FROM captured WHERE id IS NOT NULL AND raw IS NOT NULL GROUP BY variant, id
),
unwrapped AS (SELECT variant, id, config_name, datehour, made_at, ${sqlAnswer('raw')} AS answer FROM answered),
predictions AS (SELECT variant, id, config_name, datehour, made_at, ${sqlNumber('answer')} AS prediction FROM unwrapped)`;
}

/**
 * One row for each labelled request: `id`, `label` and `first_seen`, the hour in which its first label arrived. Labels that
 * are no numbers do not count; of several the latest does.
 */
export function labelsCte(fromHour: string, untilHour: string): string {
  return `received AS (
  SELECT eventmetadata.eventid AS id, datehour, ${sqlLabelOrder('groundtruthdata.data')} AS arrived, ${sqlNumber('groundtruthdata.data')} AS label
  FROM ground_truth
  WHERE datehour >= ${sqlText(fromHour)} AND datehour < ${sqlText(untilHour)}
),
labels AS (
  SELECT id, min(datehour) AS first_seen, max_by(label, arrived) AS label
  FROM received WHERE id IS NOT NULL AND label IS NOT NULL GROUP BY id
)`;
}
