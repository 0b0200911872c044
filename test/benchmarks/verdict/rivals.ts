import { ALPHA, LOOKS, MIN_SAMPLES, TOLERANCE } from './scenarios';
import { Streams } from './streams';
import { mixtureMargin, TIGHTEST_AT } from '../../../src/domain/confidence-sequence';

/** How a comparison ended: after so many pairs in a promotion (positive), a rejection (negative), or not at all (0). */
export type Outcome = number;

/** The quantile of the normal distribution for a two-sided test at 5 %. */
const Z = 1.959963984540054;
/** Margins of the confidence sequence for unit variance, by the number of requests. */
const margins: number[] = [];

/**
 * What four other rules decide on the requests of one comparison, for each look interval: a fixed sample, a point
 * threshold, a t-test, and the confidence sequence with each request as if it were independent of the others. All
 * start at the same least number of pairs.
 *
 * Sums of the two losses and of their squares and products give the mean and the variance of
 * d = ratio × challenger − (1 + tolerance) × champion at every request.
 */
export function rivals({ champion, challenger }: Streams, from: number, ratio: number): Record<'fixed' | 'threshold' | 't-test' | 'single', Outcome[]> {
  const decided = { 'fixed': LOOKS.map(() => 0), 'threshold': LOOKS.map(() => 0), 't-test': LOOKS.map(() => 0), 'single': LOOKS.map(() => 0) };
  const pairs = champion.length - from;
  let [total, squares] = [0, 0];
  for (let n = 1; n <= pairs; n += 1) {
    const d = ratio * challenger[from + n - 1] - (1 + TOLERANCE) * champion[from + n - 1];
    total += d;
    squares += d * d;
    if (n < MIN_SAMPLES) continue;
    const mean = total / n;
    const deviation = Math.sqrt(Math.max(0, (squares - n * mean * mean) / (n - 1)));
    margins[n] ??= mixtureMargin(n, ALPHA, TIGHTEST_AT * MIN_SAMPLES);
    for (let i = 0; i < LOOKS.length; i += 1) {
      if (n % LOOKS[i] !== 0 && n !== pairs) continue;
      // a fixed sample is looked at once
      if (decided.fixed[i] === 0) decided.fixed[i] = mean <= 0 ? n : -n;
      if (decided.threshold[i] === 0 && mean <= 0) decided.threshold[i] = n;
      if (decided['t-test'][i] === 0) decided['t-test'][i] = beyond(mean, (Z * deviation) / Math.sqrt(n), n);
      if (decided.single[i] === 0) decided.single[i] = beyond(mean, deviation * margins[n], n);
    }
  }
  // the sample of 200 does not depend on how often somebody looks; it is judged at its end
  return { ...decided, fixed: LOOKS.map(() => decided.fixed[0]) };
}

function beyond(mean: number, margin: number, n: number): Outcome {
  if (mean + margin < 0) return n;
  return mean - margin > 0 ? -n : 0;
}
