/** How large errors are distributed. */
export const TAILS = ['gauss', 't4', 'outliers'] as const;
export type Tail = typeof TAILS[number];

/** How errors depend on time: AR(1) from request to request with this coefficient, or a daily cycle. */
export const TIMES = ['AR 0', 'AR 0.5', 'AR 0.8', 'AR 0.95', 'daily'] as const;
export type Time = typeof TIMES[number];

/** Challenger's expected squared error over the champion's. */
export const RATIOS = [0.80, 0.90, 0.95, 1.00, 1.02, 1.05, 1.10, 1.30] as const;
/** Correlation between the errors of the two models. */
export const CORRELATIONS = [0, 0.6, 0.95] as const;
/** Pairs from one look to the next. */
export const LOOKS = [1, 50, 500] as const;

/** What is judged: the shipped verdict first, then what others do. */
export const METHODS = ['verdict', 'fixed', 'threshold', 't-test', 'single'] as const;
export type Method = typeof METHODS[number];
export const METHOD_NAMES: Readonly<Record<Method, string>> = {
  'verdict': 'this verdict: blocks of time, always-valid bounds',
  'fixed': 'fixed sample of 200, point threshold',
  'threshold': 'point threshold at every look from 200 pairs on',
  't-test': 't-test (two-sided, 5 %) at every look from 200 pairs on',
  'single': 'the same confidence sequence on single requests',
};

/** The defaults of a `ShadowStaging`. */
export const TOLERANCE = 0.02;
export const ALPHA = 0.05;
export const MIN_SAMPLES = 200;
export const LABEL_DELAY_HOURS = 24;

/** Streams that are alike. */
export interface Scenario {
  readonly tail: Tail;
  readonly time: Time;
  readonly perHour: number;
  readonly windowDays: number;
  /** The champion's past that the length of the blocks is chosen from. */
  readonly historyDays: number;
  readonly correlations: readonly number[];
  readonly ratios: readonly number[];
}

/** A request an hour, since at that rate errors last for the most blocks, and the longest window that can be had. */
const MAIN = { perHour: 1, windowDays: 90, historyDays: 30, correlations: CORRELATIONS, ratios: RATIOS };

/** The grid: every tail in every kind of time, each with all correlations and ratios. */
export const GRID: readonly Scenario[] = TIMES.flatMap((time) => TAILS.map((tail) => ({ tail, time, ...MAIN })));

/** Beyond the grid: the default window of 30 days, more traffic, and less of a past to choose the blocks from. */
export const BEYOND: readonly Scenario[] = [
  ...TAILS.map((tail) => ({ tail, time: 'AR 0.95' as const, perHour: 1, windowDays: 30, historyDays: 30 })),
  ...[7, 0].map((historyDays) => ({ tail: 'gauss' as const, time: 'AR 0.95' as const, perHour: 1, windowDays: 30, historyDays })),
  ...(['AR 0', 'AR 0.95', 'daily'] as const).map((time) => ({ tail: 'gauss' as const, time, perHour: 10, windowDays: 30, historyDays: 30 })),
].map((each) => ({ ...each, correlations: [0.6], ratios: [0.80, 0.90, 1.02, 1.05, 1.10] }));

export function nameOf({ tail, time, perHour, windowDays, historyDays }: Scenario): string {
  return `${tail}, ${time}, ${perHour} an hour, window ${windowDays} days, past ${historyDays} days`;
}
