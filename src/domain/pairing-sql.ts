/**
 * The SQL that pairs what two models answered to the same requests, and aggregates it in blocks of time.
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
  /** Start of block 0, ISO 8601. */
  readonly from: string;
  /** End of the last block that is closed, ISO 8601: requests from here on are left for a later look. */
  readonly until: string;
  /** Labels that arrived up to here are read, ISO 8601. */
  readonly labelsUntil: string;
  readonly blockSeconds: number;
  readonly tolerance: number;
  readonly loss: PairingLoss;
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

/** The row that carries the counters of no block. */
export const TOTALS_BLOCK = -1;

/** Columns of the pairing result, in order. */
export const PAIRING_COLUMNS = [
  'block', 'n', 'sum_d', 'champion_loss', 'challenger_loss', 'requests', 'without_champion', 'without_challenger', 'without_label',
  'bad_champion', 'bad_challenger', 'bad_label', 'batched', 'duplicate_captures', 'duplicate_labels', 'unidentified', 'unknown_labels',
] as const;

/**
 * One row for each closed block that has requests, ordered by block, after a first one with `block` = -1.
 *
 * - `n`, `sum_d`, `champion_loss`, `challenger_loss`: over requests that both models answered with one number and that have a label;
 *   d = loss(challenger) − (1 + tolerance) × loss(champion)
 * - `requests`: distinct requests that either model answered
 * - `without_champion`, `without_challenger`, `without_label`: requests that lack that side
 * - `bad_champion`, `bad_challenger`, `bad_label`: the side is there and is no number; `batched`: the champion answered several numbers
 * - `duplicate_captures` (the first capture counts), `duplicate_labels` (the latest label counts)
 * - on the first row: `unidentified` captures (no inference id or no time) and `unknown_labels`, which fit no captured request
 *   (labels of requests from before the comparison are among them)
 */
export function pairingSql(query: PairingQuery): string {
  const weight = number(1 + query.tolerance);
  return `WITH ${captured([query.configName], query.endpointName, [query.championVariant, query.challengerVariant], query.from, query.until)},
${predictions()},
requests AS (
  SELECT id,
    max(CASE WHEN variant = ${text(query.championVariant)} THEN raw END) AS champion_raw,
    max(CASE WHEN variant = ${text(query.challengerVariant)} THEN raw END) AS challenger_raw,
    coalesce(max(CASE WHEN variant = ${text(query.championVariant)} THEN moment END), max(moment)) AS moment,
    sum(copies) - count(*) AS duplicates
  FROM predictions GROUP BY id
),
${labels(query.from, query.labelsUntil)},
joined AS (
  SELECT requests.id AS id, champion_raw, challenger_raw, labels.raw AS label_raw, duplicates, coalesce(labels.copies - 1, 0) AS label_duplicates,
    ${bounded('champion_raw')} AS champion, ${bounded('challenger_raw')} AS challenger, ${bounded('labels.raw')} AS label,
    ${severalNumbers('champion_raw')} AS is_batched,
    ${bucket('requests.moment', query.from, query.blockSeconds)} AS block
  FROM requests LEFT JOIN labels ON labels.id = requests.id
  WHERE requests.moment >= ${timestamp(query.from)} AND requests.moment < ${timestamp(query.until)}
),
losses AS (
  SELECT block, champion_raw, challenger_raw, label_raw, champion, challenger, label, is_batched, duplicates, label_duplicates,
    ${loss('champion', query.loss)} AS champion_loss, ${loss('challenger', query.loss)} AS challenger_loss,
    champion IS NOT NULL AND challenger IS NOT NULL AND label IS NOT NULL AS is_pair
  FROM joined
)
SELECT block,
  count_if(is_pair) AS n,
  coalesce(sum(challenger_loss - ${weight} * champion_loss) FILTER (WHERE is_pair), 0E0) AS sum_d,
  coalesce(sum(champion_loss) FILTER (WHERE is_pair), 0E0) AS champion_loss,
  coalesce(sum(challenger_loss) FILTER (WHERE is_pair), 0E0) AS challenger_loss,
  count(*) AS requests,
  count_if(champion_raw IS NULL) AS without_champion,
  count_if(challenger_raw IS NULL) AS without_challenger,
  count_if(label_raw IS NULL) AS without_label,
  count_if(champion_raw IS NOT NULL AND champion IS NULL AND NOT is_batched) AS bad_champion,
  count_if(challenger_raw IS NOT NULL AND challenger IS NULL AND NOT coalesce(is_batched, false)) AS bad_challenger,
  count_if(label_raw IS NOT NULL AND label IS NULL) AS bad_label,
  count_if(coalesce(is_batched, false)) AS batched,
  CAST(sum(duplicates) AS BIGINT) AS duplicate_captures,
  CAST(sum(label_duplicates) AS BIGINT) AS duplicate_labels,
  0 AS unidentified,
  0 AS unknown_labels
FROM losses GROUP BY block
UNION ALL
SELECT ${TOTALS_BLOCK}, 0, 0E0, 0E0, 0E0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  (SELECT count(*) FROM captured WHERE id IS NULL OR moment IS NULL),
  (SELECT count(*) FROM labels LEFT JOIN requests ON requests.id = labels.id WHERE requests.id IS NULL)
ORDER BY 1`;
}

/** The champion's own losses, hour by hour from `from`: columns `hour`, `n`, `sum_loss`. Hours without a labelled answer have no row. */
export function lossHistorySql(query: LossHistoryQuery): string {
  return `WITH ${captured(query.configNames, query.endpointName, [query.championVariant], query.from, query.until)},
${predictions()},
${labels(query.from, query.labelsUntil)},
joined AS (
  SELECT ${bucket('predictions.moment', query.from, 3600)} AS hour, ${bounded('predictions.raw')} AS champion, ${bounded('labels.raw')} AS label
  FROM predictions JOIN labels ON labels.id = predictions.id
  WHERE predictions.moment >= ${timestamp(query.from)} AND predictions.moment < ${timestamp(query.until)}
)
SELECT hour, count(*) AS n, sum(${loss('champion', query.loss)}) AS sum_loss
FROM joined WHERE champion IS NOT NULL AND label IS NOT NULL
GROUP BY hour ORDER BY hour`;
}

function captured(configNames: string[], endpointName: string, variants: string[], from: string, until: string): string {
  return `captured AS (
  SELECT variant, nullif(eventmetadata.inferenceid, '') AS id, eventmetadata.inferencetime AS at_text,
    TRY_CAST(substr(eventmetadata.inferencetime, 1, 10) || ' ' || substr(eventmetadata.inferencetime, 12, 8) AS TIMESTAMP) AS moment,
    coalesce(capturedata.endpointoutput.data, '') AS raw
  FROM captures
  WHERE config_name IN (${configNames.map(text).join(', ')}) AND endpoint = ${text(endpointName)} AND variant IN (${variants.map(text).join(', ')})
    AND datehour BETWEEN ${text(dateHour(from, -1))} AND ${text(dateHour(until, 1))}
)`;
}

/** One row for each variant and request: the first capture counts. */
function predictions(): string {
  return `predictions AS (
  SELECT variant, id, min(moment) AS moment, min_by(raw, at_text || raw) AS raw, count(*) AS copies
  FROM captured WHERE id IS NOT NULL AND moment IS NOT NULL GROUP BY variant, id
)`;
}

/** One row for each labelled request: the latest label counts. */
function labels(from: string, until: string): string {
  return `labels AS (
  SELECT eventmetadata.eventid AS id, max_by(coalesce(groundtruthdata.data, ''), datehour || coalesce(groundtruthdata.data, '')) AS raw, count(*) AS copies
  FROM ground_truth
  WHERE datehour BETWEEN ${text(dateHour(from, 0))} AND ${text(dateHour(until, 0))} AND eventmetadata.eventid IS NOT NULL
  GROUP BY eventmetadata.eventid
)`;
}

/** Both engines cast `1_000`, `0x1p3` or `NaN` in their own ways: only plain decimal text is a number, and only where its square is one too. */
function bounded(column: string): string {
  const plain = `CASE WHEN ${without(column, '0123456789+-.eE ')} = '' THEN TRY_CAST(${column} AS DOUBLE) END`;
  return `CASE WHEN ${plain} BETWEEN -1E150 AND 1E150 THEN ${plain} END`;
}

/** Several numbers in one answer: a payload of many rows, or a model with many outputs. */
function severalNumbers(column: string): string {
  return `(${without(column, '0123456789+-.eE, ')} = '' AND ${without(column, '+-.eE, ')} <> '' AND TRY_CAST(${column} AS DOUBLE) IS NULL)`;
}

function without(column: string, characters: string): string {
  return `translate(${column}, '${characters}' || chr(9) || chr(10) || chr(13), '')`;
}

function loss(prediction: string, kind: PairingLoss): string {
  return kind === 'SQUARED' ? `(${prediction} - label) * (${prediction} - label)` : `abs(${prediction} - label)`;
}

function bucket(column: string, from: string, seconds: number): string {
  return `CAST(floor(CAST(date_diff('second', ${timestamp(from)}, ${column}) AS DOUBLE) / ${number(seconds)}) AS BIGINT)`;
}

function text(value: string): string {
  return `'${value.replace(/'/g, '\'\'')}'`;
}

/** A double literal: engines differ in the type of a literal without exponent. */
function number(value: number): string {
  return /e/i.test(String(value)) ? String(value) : `${value}E0`;
}

function timestamp(iso: string): string {
  return `TIMESTAMP '${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')}'`;
}

/** The partition value of the hour of a time. */
function dateHour(iso: string, plusHours: number): string {
  return new Date(Date.parse(iso) + plusHours * 3_600_000).toISOString().slice(0, 13).replace(/[-T]/g, '/');
}
