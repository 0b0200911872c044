import { PAIRING_COLUMNS } from '../domain/pairing-sql';
import { numberIn, QueryRow } from '../serving/athena-io';

/** How the shadow's fleet did, from its metrics. */
export interface ShadowHealth {
  readonly invocations: number;
  readonly serverErrors: number;
  readonly modelErrors: number;
  /** The 95th percentile of the model's latency in microseconds, for each hour that has one. */
  readonly latencyP95: readonly number[];
}

/** The counters of the pairing query, over all hours. */
export type Counts = Readonly<Record<string, number>>;

const COUNTED = PAIRING_COLUMNS.filter((column) => !['hour', 'champion_loss', 'challenger_loss'].includes(column));
/** Below so many requests a share says nothing. */
const LEAST_REQUESTS = 50;
const LEAST_HOURS = 3;

export function sumCounts(rows: readonly QueryRow[]): Counts {
  return Object.fromEntries(COUNTED.map((column) => [column, rows.reduce((sum, row) => sum + numberIn(row, column), 0)]));
}

/**
 * Why the shadow is not fit to serve, whatever its predictions are worth; undefined where it is.
 *
 * Requests are compared with the champion's: an answer that the champion gave and the shadow did not, or that is no
 * number, is an error. Where only a sample of the requests is mirrored, missing answers count as far as they exceed
 * what sampling explains (three standard deviations above its mean).
 */
export function healthProblem(
  health: ShadowHealth, counts: Counts, limits: { samplingPercentage: number; maxErrorRate: number; maxLatencyP95Milliseconds: number },
): string | undefined {
  const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;
  const allowed = `at most ${percent(limits.maxErrorRate)} are allowed`;

  const failed = Math.max(health.serverErrors, health.modelErrors);
  if (health.invocations >= LEAST_REQUESTS && failed / health.invocations > limits.maxErrorRate) {
    return `the shadow failed ${failed} of ${health.invocations} requests (${percent(failed / health.invocations)}), ${allowed}`;
  }

  const answered = counts.requests - counts.without_champion - counts.bad_champion - counts.batched;
  const sampled = limits.samplingPercentage / 100;
  const unsampled = answered * (1 - sampled) + 3 * Math.sqrt(answered * sampled * (1 - sampled));
  const missing = Math.max(0, Math.round(counts.without_challenger - unsampled));
  const wrong = counts.bad_challenger + missing;
  if (answered >= LEAST_REQUESTS && wrong / answered > limits.maxErrorRate) {
    return `of ${answered} requests that the champion answered the shadow left ${missing} unanswered and ${counts.bad_challenger} without a number`
      + ` (${percent(wrong / answered)}), ${allowed}`;
  }

  const sorted = [...health.latencyP95].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] / 1000;
  if (sorted.length >= LEAST_HOURS && median > limits.maxLatencyP95Milliseconds) {
    return `the shadow's p95 latency is ${Number(median.toPrecision(4))} ms in the median hour, at most ${limits.maxLatencyP95Milliseconds} ms are allowed`;
  }
  return undefined;
}
