/**
 * Serving parity: does a model answer, where it is served, what it answered where it was evaluated? A difference means
 * that rows are prepared in two ways (training-serving skew), or that another model is served than the one that was judged.
 */

/** A row of the holdout, as a request, and what the evaluation predicted for it. */
export interface SampleRow {
  readonly payload: string;
  readonly prediction: number;
}

/** What came back for one row. */
export interface ServedAnswer {
  readonly expected: number;
  /** The body of the answer. Absent where there was none. */
  readonly body?: string;
  /** Why there was no answer. */
  readonly error?: string;
  /** Measured in real time, from the request to its answer. */
  readonly measuredMilliseconds: number;
}

export interface ParityLimits {
  /** By how much an answer may differ, relative to the prediction. */
  readonly tolerance: number;
  readonly maxLatencyP95Milliseconds: number;
}

/** What a sample showed about a model where it is served. */
export interface ParityReport {
  /** `unchecked`: there was no sample. */
  readonly status: 'passed' | 'failed' | 'unchecked';
  /** In words. */
  readonly reason: string;
  /** Rows of the sample that were asked. */
  readonly asked: number;
  readonly failed: number;
  readonly notNumbers: number;
  readonly different: number;
  /** The largest difference, relative to the prediction. */
  readonly worstDifference?: number;
  readonly measuredLatencyP95Milliseconds?: number;
}

export class UnreadableSample extends Error {
  public readonly name = 'UnreadableSample';
}

/** Rows of a sample in JSON lines; of a longer one `most` rows, spread evenly. */
export function readSample(text: string, most: number): SampleRow[] {
  const rows = text.split('\n').flatMap((line, i) => line.trim() === '' ? [] : [sampleRow(line, i + 1)]);
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, i) => rows[Math.floor(i * rows.length / most)]);
}

function sampleRow(line: string, number: number): SampleRow {
  const row = parsed(line);
  if (typeof row !== 'object' || row === null || !('payload' in row) || !('prediction' in row)
    || typeof row.payload !== 'string' || typeof row.prediction !== 'number' || !Number.isFinite(row.prediction)) {
    throw new UnreadableSample(`line ${number} of the sample is no {"payload": "<row>", "prediction": <number>}`);
  }
  return { payload: row.payload, prediction: row.prediction };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The one finite number that a body holds, or undefined. */
export function servedNumber(body: string): number | undefined {
  const text = body.trim();
  if (!/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** The 95th percentile by nearest rank: a value that was measured, below or at which 95 % of them are. */
export function latencyP95(milliseconds: readonly number[]): number | undefined {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1];
}

/** How many of so many answers may be slower than the limit before their 95th percentile is. */
export function slowAllowed(answers: number): number {
  return answers - Math.ceil(answers * 0.95);
}

/**
 * The difference relative to the prediction. Predictions near zero are measured by the size that predictions of the
 * sample have as a rule (their median), since the last digits of a number that is almost nothing say nothing.
 */
function relativeDifference(answer: number, expected: number, usual: number): number {
  const difference = Math.abs(answer - expected);
  return difference === 0 ? 0 : difference / Math.max(Math.abs(expected), usual);
}

/** Judges the answers to a sample, every problem named. `rows`: of the sample; fewer answers mean that asking was given up. */
export function parityReport(answers: readonly ServedAnswer[], rows: number, limits: ParityLimits): ParityReport {
  if (rows === 0) return unchecked('the sample is empty');
  const failed = answers.filter((answer) => answer.body === undefined);
  const read = answers.flatMap(({ body, expected }) => body === undefined ? [] : [{ body, expected, value: servedNumber(body) }]);
  const notNumbers = read.filter(({ value }) => value === undefined);
  const sizes = answers.map(({ expected }) => Math.abs(expected)).sort((a, b) => a - b);
  const usual = sizes[Math.floor(sizes.length / 2)] ?? 0;
  const compared = read.flatMap(({ expected, value }) =>
    value === undefined ? [] : [{ expected, value, difference: relativeDifference(value, expected, usual) }]);
  const different = compared.filter(({ difference }) => difference > limits.tolerance);
  const worst = [...compared].sort((a, b) => b.difference - a.difference)[0];
  const p95 = latencyP95(answers.map(({ measuredMilliseconds }) => measuredMilliseconds));
  const slow = answers.filter(({ measuredMilliseconds }) => measuredMilliseconds > limits.maxLatencyP95Milliseconds).length > slowAllowed(rows);

  const problems: string[] = [];
  const of = `of ${answers.length} rows of the holdout`;
  if (failed.length > 0) problems.push(`${failed.length} ${of} were not answered, the first: ${brief(failed[0].error ?? 'no reason was given')}`);
  if (notNumbers.length > 0) problems.push(`${notNumbers.length} ${of} were answered without a finite number, the first: '${brief(notNumbers[0].body)}'`);
  if (different.length > 0) {
    problems.push(`${different.length} ${of} were answered otherwise than the evaluation did, at worst ${worst.value} instead of ${worst.expected}`
      + ` (relative difference ${short(worst.difference)}, at most ${limits.tolerance} is allowed)`);
  }
  if (slow) problems.push(`the measured p95 latency is ${short(p95 ?? 0)} ms, at most ${limits.maxLatencyP95Milliseconds} ms are allowed`);
  if (problems.length === 0 && answers.length < rows) problems.push(`only ${answers.length} of ${rows} rows of the holdout were asked`);
  return {
    status: problems.length === 0 ? 'passed' : 'failed',
    reason: problems.length > 0
      ? problems.join('; ')
      : `the staging endpoint answered ${answers.length} rows of the holdout as the evaluation did, measured p95 latency ${short(p95 ?? 0)} ms`,
    asked: answers.length,
    failed: failed.length,
    notNumbers: notNumbers.length,
    different: different.length,
    ...(worst === undefined ? {} : { worstDifference: worst.difference }),
    ...(p95 === undefined ? {} : { measuredLatencyP95Milliseconds: p95 }),
  };
}

const NOTHING = { asked: 0, failed: 0, notNumbers: 0, different: 0 };

/** The version came up and answered nothing, since there was nothing to ask it. */
export function unchecked(why: string): ParityReport {
  return { status: 'unchecked', reason: `${why}: parity was not checked`, ...NOTHING };
}

/** The sample that the version's package names could not be used. */
export function unusable(why: string): ParityReport {
  return { status: 'failed', reason: why, ...NOTHING };
}

function short(value: number): number {
  return Number(value.toPrecision(3));
}

function brief(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`;
}
