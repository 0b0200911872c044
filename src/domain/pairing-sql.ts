import { dateHour, sqlAnswer, sqlLabelOrder, sqlNumber, sqlText, sqlTexts } from './capture-sql';
import { segmentCtes, segmentRows, segmentValues } from './segment-sql';
import { SegmentSource } from './segments';

/**
 * The SQL that pairs what two models answered to the same requests, and sums their losses hour by hour.
 *
 * One text for Amazon Athena (Trino) and DuckDB: it uses only what both engines compute alike. Tables and columns are
 * those of the observation store. Every request counts once, and everything that cannot be paired is a number in the
 * result, never a silent drop.
 */

/** What the comparison measures: the square of an error, or its absolute value. */
export type PairingLoss = 'SQUARED' | 'ABSOLUTE';

export interface PairingQuery {
  /** Endpoint config under which both variants were captured. */
  readonly configName: string;
  readonly endpointName: string;
  readonly championVariant: string;
  readonly challengerVariant: string;
  /** Start of hour 0, ISO 8601, on the hour. */
  readonly from: string;
  /** End of the last hour whose labels have arrived, ISO 8601: requests from here on are left for a later look. */
  readonly until: string;
  /** Labels that arrived up to here are read, ISO 8601. */
  readonly labelsUntil: string;
  readonly loss: PairingLoss;
  /** Parts of the requests that are summed by themselves, in blocks of so many hours. */
  readonly segments?: { readonly sources: readonly SegmentSource[]; readonly blockHours: number };
}

export interface LossHistoryQuery {
  /** Endpoint configs under which the champion was captured. */
  readonly configNames: string[];
  readonly endpointName: string;
  readonly championVariant: string;
  readonly from: string;
  readonly until: string;
  readonly labelsUntil: string;
  readonly loss: PairingLoss;
}

/** The row that carries the counters of no hour. */
export const TOTALS_HOUR = -1;

/** Columns of the pairing result, in order. */
export const PAIRING_COLUMNS = [
  'hour', 'pairs', 'champion_loss', 'challenger_loss', 'requests', 'without_champion', 'without_challenger', 'without_label',
  'bad_champion', 'bad_challenger', 'bad_label', 'batched', 'duplicate_captures', 'split_captures', 'duplicate_labels', 'unidentified', 'unknown_labels',
] as const;

/**
 * One row for each hour that has requests, numbered from `from`, after a first one with `hour` = -1.
 *
 * - `pairs`, `champion_loss`, `challenger_loss`: number and sums of losses of the requests that both models answered with
 *   one number and that have a label
 * - `requests`: distinct requests that either model answered
 * - `without_champion`, `without_challenger`, `without_label`: requests that lack that side
 * - `bad_champion`, `bad_challenger`, `bad_label`: the side is there and is no number; `batched`: the champion answered
 *   several numbers, so that one label cannot tell about them
 * - `duplicate_captures` (the first capture counts), `duplicate_labels` (the latest label counts)
 * - `split_captures`: requests whose captures are filed under more than one hour; they count in the hour of the champion's answer
 * - on the row with `hour` = -1: `unidentified` captures (no inference id or no time) and `unknown_labels`, which fit no captured request
 *   (labels of requests from before the comparison are among them)
 */
export function pairingSql(query: PairingQuery): string {
  const sources = query.segments?.sources ?? [];
  const side = (variant: string, column: string) => `max(CASE WHEN variant = ${sqlText(variant)} THEN ${column} END)`;
  const champion = (column: string) => side(query.championVariant, column);
  const whole = sources.length === 0 ? '' : ', CAST(NULL AS BIGINT) AS segment, CAST(NULL AS VARCHAR) AS segment_value';
  return `WITH ${captured([query.configName], query.endpointName, [query.championVariant, query.challengerVariant], query.from, query.until, sources.length > 0)},
${predictions(sources.length > 0)},
requests AS (
  SELECT id, ${champion('raw')} AS champion_raw, ${side(query.challengerVariant, 'raw')} AS challenger_raw,
    coalesce(${champion('moment')}, max(moment)) AS moment, sum(copies) - count(*) AS duplicates,
    min(first_hour) <> max(last_hour) AS is_split${sources.length === 0 ? '' : `, ${champion('asked')} AS asked`}
  FROM predictions GROUP BY id
),
${labels(query.from, query.labelsUntil)},
joined AS (
  SELECT champion_raw, challenger_raw, labels.raw AS label_raw, duplicates, is_split, coalesce(labels.copies - 1, 0) AS label_duplicates,
    ${answer('champion_raw')} AS champion, ${answer('challenger_raw')} AS challenger, ${sqlNumber('labels.raw')} AS label,
    coalesce(${several('champion_raw')}, false) AS is_batched, ${hourFrom(query.from, 'requests.moment')} AS hour, requests.moment AS moment${segmentValues(sources)}
  FROM requests LEFT JOIN labels ON labels.id = requests.id
  WHERE requests.moment >= ${timestamp(query.from)} AND requests.moment < ${timestamp(query.until)}
),
losses AS (
  SELECT joined.*, ${loss('champion', query.loss)} AS champion_loss, ${loss('challenger', query.loss)} AS challenger_loss,
    champion IS NOT NULL AND challenger IS NOT NULL AND label IS NOT NULL AS is_pair
  FROM joined
)${segmentCtes(sources, query.segments?.blockHours ?? 1)}
SELECT hour,
  count_if(is_pair) AS pairs,
  coalesce(sum(champion_loss) FILTER (WHERE is_pair), 0E0) AS champion_loss,
  coalesce(sum(challenger_loss) FILTER (WHERE is_pair), 0E0) AS challenger_loss,
  count(*) AS requests,
  count_if(champion_raw IS NULL) AS without_champion,
  count_if(challenger_raw IS NULL) AS without_challenger,
  count_if(label_raw IS NULL) AS without_label,
  count_if(champion_raw IS NOT NULL AND champion IS NULL AND NOT is_batched) AS bad_champion,
  count_if(challenger_raw IS NOT NULL AND challenger IS NULL AND NOT is_batched) AS bad_challenger,
  count_if(label_raw IS NOT NULL AND label IS NULL) AS bad_label,
  count_if(is_batched) AS batched,
  CAST(sum(duplicates) AS BIGINT) AS duplicate_captures,
  count_if(is_split) AS split_captures,
  CAST(sum(label_duplicates) AS BIGINT) AS duplicate_labels,
  0 AS unidentified,
  0 AS unknown_labels${whole}
FROM losses GROUP BY hour
UNION ALL
SELECT ${TOTALS_HOUR}, 0, 0E0, 0E0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  (SELECT count(*) FROM captured WHERE id IS NULL OR moment IS NULL),
  (SELECT count(*) FROM labels LEFT JOIN requests ON requests.id = labels.id WHERE requests.id IS NULL)${whole}${segmentRows(sources)}
ORDER BY 1`;
}

/** The champion's own losses, hour by hour from `from`: columns `hour`, `pairs`, `loss`. Hours without a labelled answer have no row. */
export function lossHistorySql(query: LossHistoryQuery): string {
  return `WITH ${captured(query.configNames, query.endpointName, [query.championVariant], query.from, query.until)},
${predictions()},
${labels(query.from, query.labelsUntil)},
joined AS (
  SELECT ${hourFrom(query.from, 'predictions.moment')} AS hour, ${answer('predictions.raw')} AS champion, ${sqlNumber('labels.raw')} AS label
  FROM predictions JOIN labels ON labels.id = predictions.id
  WHERE predictions.moment >= ${timestamp(query.from)} AND predictions.moment < ${timestamp(query.until)}
)
SELECT hour, count(*) AS pairs, sum(${loss('champion', query.loss)}) AS loss
FROM joined WHERE champion IS NOT NULL AND label IS NOT NULL
GROUP BY hour ORDER BY hour`;
}

/** Hours `from` + 0, 1, … as ISO 8601. */
export function hourAt(from: string, index: number): string {
  return new Date(Date.parse(from) + index * 3_600_000).toISOString();
}

function captured(configNames: string[], endpointName: string, variants: string[], from: string, until: string, withInput = false): string {
  return `captured AS (
  SELECT variant, nullif(eventmetadata.inferenceid, '') AS id, eventmetadata.inferencetime AS made_at, datehour,
    TRY_CAST(substr(eventmetadata.inferencetime, 1, 10) || ' ' || substr(eventmetadata.inferencetime, 12, 8) AS TIMESTAMP) AS moment,
    coalesce(capturedata.endpointoutput.data, '') AS raw${withInput ? ', coalesce(capturedata.endpointinput.data, \'\') AS asked' : ''}
  FROM captures
  WHERE config_name IN (${sqlTexts(configNames)}) AND endpoint = ${sqlText(endpointName)} AND variant IN (${sqlTexts(variants)})
    AND datehour BETWEEN ${sqlText(dateHour(hourAt(from, -1)))} AND ${sqlText(dateHour(hourAt(until, 1)))}
)`;
}

/** One row for each variant and request: the first capture counts. */
function predictions(withInput = false): string {
  return `predictions AS (
  SELECT variant, id, min(moment) AS moment, min_by(raw, made_at || raw) AS raw, count(*) AS copies,
    min(datehour) AS first_hour, max(datehour) AS last_hour${withInput ? ', min_by(asked, made_at || raw) AS asked' : ''}
  FROM captured WHERE id IS NOT NULL AND moment IS NOT NULL GROUP BY variant, id
)`;
}

/** One row for each labelled request: the latest label counts. */
function labels(from: string, until: string): string {
  return `received AS (
  SELECT eventmetadata.eventid AS id, ${sqlLabelOrder('groundtruthdata.data')} AS arrived, coalesce(groundtruthdata.data, '') AS raw FROM ground_truth
  WHERE datehour BETWEEN ${sqlText(dateHour(from))} AND ${sqlText(dateHour(until))}
),
labels AS (
  SELECT id, max_by(raw, arrived) AS raw, count(*) AS copies FROM received WHERE id IS NOT NULL GROUP BY id
)`;
}

/** The one number that a model answered, or NULL. */
function answer(column: string): string {
  return `CASE WHEN NOT ${several(column)} THEN ${sqlNumber(sqlAnswer(column))} END`;
}

/** Whether an answer holds several numbers: a payload of many rows, or a model with many outputs. */
function several(column: string): string {
  const numbers = (text: string) => `translate(${text}, '0123456789+-.eE, ' || chr(9) || chr(10) || chr(13), '') = ''`;
  const unwrapped = sqlAnswer(column);
  return `((${numbers(column)} AND strpos(${column}, chr(10)) > 0 AND TRY_CAST(${column} AS DOUBLE) IS NULL) OR (${numbers(unwrapped)} AND strpos(${unwrapped}, ',') > 0))`;
}

function loss(prediction: string, kind: PairingLoss): string {
  return kind === 'SQUARED' ? `(${prediction} - label) * (${prediction} - label)` : `abs(${prediction} - label)`;
}

function hourFrom(from: string, column: string): string {
  return `CAST(floor(CAST(date_diff('second', ${timestamp(from)}, ${column}) AS DOUBLE) / 3600E0) AS BIGINT)`;
}

function timestamp(iso: string): string {
  return `TIMESTAMP '${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')}'`;
}
