import { chooseBlockHours, HourOfLosses, HourOfPairs } from '../../src/domain/verdict';

/** What a simulated comparison is like. */
export interface Sample {
  /** Challenger's expected loss over the champion's. */
  readonly ratio: number;
  /** Correlation between the two models' errors. */
  readonly correlation?: number;
  /** Autocorrelation of the errors from request to request. */
  readonly phi?: number;
  readonly tail?: 'gauss' | 't4' | 'outlier';
  readonly hours: number;
  readonly perHour: number;
  readonly seed: number;
}

export interface SampledHour {
  readonly hour: string;
  readonly pairs: number;
  readonly champion: number;
  readonly challenger: number;
}

/** How many simulated runs a test takes: fewer where it runs once for each mutant. */
export function runs(count: number): number {
  return process.env.MUTATION_TESTING === 'true' ? Math.ceil(count / 6) : count;
}

/** Numbers from 0 to 1 that are the same in every run (Mulberry32). */
export function randoms(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The n-th hour of the simulated comparisons. */
export function hourText(n: number): string {
  return new Date(Date.UTC(2013, 6, 1) + n * 3_600_000).toISOString();
}

/** Squared errors of both models, summed by hour. Errors have unit variance for the champion. */
export function sample({ ratio, correlation = 0, phi = 0, tail = 'gauss', hours: count, perHour, seed }: Sample): SampledHour[] {
  const random = randoms(seed);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const noise = () => {
    if (tail === 't4') return (gauss() / Math.sqrt((gauss() ** 2 + gauss() ** 2 + gauss() ** 2 + gauss() ** 2) / 4)) / Math.SQRT2;
    if (tail === 'outlier') return ((random() < 0.01 ? 10 : 1) * gauss()) / Math.sqrt(1.99);
    return gauss();
  };
  const series = () => {
    let value = noise();
    return () => (value = phi * value + Math.sqrt(1 - phi * phi) * noise());
  };
  const [shared, own] = [series(), series()];
  return Array.from({ length: count }, (_, i) => {
    let [champion, challenger] = [0, 0];
    for (let k = 0; k < perHour; k += 1) {
      const error = shared();
      champion += error ** 2;
      challenger += ratio * (correlation * error + Math.sqrt(1 - correlation ** 2) * own()) ** 2;
    }
    return { hour: hourText(i), pairs: perHour, champion, challenger };
  });
}

/** As a comparison that starts with the first of them. */
export function hours(sampled: readonly SampledHour[]): HourOfPairs[] {
  return sampled.map((each, i) => ({ ...each, hour: hourText(i) }));
}

export function lossesOf(sampled: readonly SampledHour[]): HourOfLosses[] {
  return sampled.map(({ hour, pairs, champion }) => ({ hour, pairs, loss: champion }));
}

/** The block length as a window of thirty days chooses it. */
export function blockHoursOf(history: readonly SampledHour[]): number {
  return chooseBlockHours(lossesOf(history), { maxHours: (30 * 24) / 20 }).blockHours;
}
