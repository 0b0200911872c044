import { sqlText, sqlTexts } from './capture-sql';
import { MOST_VALUES, OTHER_VALUES, SegmentSource } from './segments';

/**
 * The part of the pairing SQL that sums segments by themselves. Besides what the whole query uses, `regexp_extract` with a group and
 * `row_number()`; a group that does not match is NULL in Trino and '' in DuckDB, and neither is a value here.
 */

/** Columns `segment_0`, `segment_1`, … of the value that a request has, NULL where it has none or none that is told apart. */
export function segmentValues(sources: readonly SegmentSource[]): string {
  return sources.map((source, i) => `,\n    ${listed(source)} AS segment_${i}`).join('');
}

function listed(source: SegmentSource): string {
  const value = source.column === undefined ? jsonValue(source.field ?? '') : csvValue(source.column);
  return source.values === undefined ? value : `CASE WHEN ${value} IN (${sqlTexts(source.values)}) THEN ${value} END`;
}

/** A column of the first row, with or without quotes. */
function csvValue(column: number): string {
  const before = column === 0 ? '' : `(?:(?:[ \\t]*"(?:[^"]|"")*"[ \\t]*|[^",\\r\\n]*),){${column}}`;
  const pattern = sqlText(`\\A${before}(?:[ \\t]*"((?:[^"]|"")*)"|[ \\t]*([^",\\r\\n]*?))[ \\t]*(?:[,\\r\\n]|\\z)`);
  return eitherGroup(pattern);
}

/** The first field of that name with a text, a number, true or false. A quote within a text is escaped, so that texts never look like fields. */
function jsonValue(field: string): string {
  const name = field.replace(/[.*+?^${}()|[\]]/g, '\\$&');
  return eitherGroup(sqlText(`"${name}"\\s*:\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(-?[0-9][0-9.eE+-]*|true|false))`));
}

function eitherGroup(pattern: string): string {
  const group = (n: number) => `nullif(regexp_extract(asked, ${pattern}, ${n}), '')`;
  return `coalesce(${group(1)}, ${group(2)})`;
}

/**
 * `segmented`: the pairs once for each segment, with the value's name. Where no values are listed the first that are seen keep their names
 * for good, so that a value never moves from one sum to another as requests come in.
 */
export function segmentCtes(sources: readonly SegmentSource[], blockHours: number): string {
  if (sources.length === 0) return '';
  const each = (select: (source: SegmentSource, i: number) => string) => sources.map(select).join('\n  UNION ALL ');
  return `,
valued AS (
  ${each((_, i) => `SELECT ${i} AS segment, segment_${i} AS value, moment, hour, is_pair, champion_loss, challenger_loss FROM losses`)}
),
places AS (
  SELECT segment, value, row_number() OVER (PARTITION BY segment ORDER BY min(moment), value) AS place
  FROM valued WHERE value IS NOT NULL GROUP BY segment, value
),
segmented AS (
  SELECT valued.segment AS segment, CASE WHEN place <= ${MOST_VALUES} THEN valued.value ELSE ${sqlText(OTHER_VALUES)} END AS segment_value,
    CAST(floor(CAST(hour AS DOUBLE) / ${blockHours}E0) * ${blockHours}E0 AS BIGINT) AS block, champion_loss, challenger_loss
  FROM valued LEFT JOIN places ON places.segment = valued.segment AND places.value = valued.value
  WHERE is_pair
)`;
}

/** The rows of the segments, with the columns of the whole. */
export function segmentRows(sources: readonly SegmentSource[]): string {
  if (sources.length === 0) return '';
  return `
UNION ALL
SELECT block, count(*), sum(champion_loss), sum(challenger_loss), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, segment, segment_value
FROM segmented GROUP BY block, segment, segment_value`;
}
