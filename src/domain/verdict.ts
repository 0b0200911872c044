import { RunningMean, TIGHTEST_AT } from './confidence-sequence';
import { Block, centred, HOUR, hourNumber, HourSums, hourText, lagOne, toBlocks } from './loss-blocks';
import { sum } from './regression-metrics';

/**
 * The shadow verdict: is the challenger good enough on the requests that both models answered?
 *
 * For each request d = loss(challenger) − (1 + tolerance) × loss(champion). Requests close in time err alike, so the
 * unit is a block of consecutive hours. On the blocks runs an asymptotic confidence sequence for the mean of d
 * (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence
 * sequences", Theorem 2.2): it holds at all times at once, so that looking often does not inflate its errors.
 *
 * The theorem asks for blocks that are nearly independent, and of that three things take care: the length of a block is
 * chosen from the champion's past, a past that rises and falls with the day takes whole days, and what autocorrelation the blocks
 * of the comparison still show widens the bounds.
 *
 * Simulated with `npm run bench:verdict` (1,000 runs of each cell, one request an hour, 90 days, looking after every 1, 50 or 500
 * pairs; tolerance 2 %, alpha 0.05), over errors correlated by 0, 0.6 and 0.95, Gaussian, Student's t with 4 degrees and 1 % gross
 * outliers, AR(1) with 0 to 0.95 and with a daily cycle: of challengers that are worse than tolerated at most 1.2 % are promoted
 * in any cell (ratio 1.05, Gaussian, AR(1) 0.8, correlation 0); of those exactly as much worse as is tolerated at most 2.6 %
 * (Gaussian, AR(1) 0.8, correlation 0.6). The same sequence on single requests promotes up to 47 %. A challenger that is 10 % better,
 * errors independent in time and correlated by 0.6, is promoted at a median of 1,218 pairs (1,208 on single requests). Where
 * errors last for days or outliers outweigh all else, the verdict is seldom certain: of challengers that are 20 % better, correlation
 * 0.6, 15 % are promoted within 90 days where AR(1) is 0.95, and 7 % where one error in a hundred is ten times the size.
 */

/** Sums over one hour of requests that both models answered and whose label arrived. */
export interface HourOfPairs {
  /** The hour, as ISO 8601 or as `yyyy/MM/dd/HH`, UTC. */
  readonly hour: string;
  readonly pairs: number;
  /** Sum of the champion's losses. */
  readonly champion: number;
  /** Sum of the challenger's losses. */
  readonly challenger: number;
}

/** Sums over one hour of the champion's requests before the comparison. */
export interface HourOfLosses {
  readonly hour: string;
  readonly pairs: number;
  /** Sum of the losses. */
  readonly loss: number;
}

export interface VerdictSettings {
  /** By how much the challenger may be worse and still pass, as a fraction of the champion's mean loss. */
  readonly tolerance: number;
  /** Error level of the two-sided confidence sequence. */
  readonly alpha: number;
  /** Fewer pairs never promote. */
  readonly minSamples: number;
  /** Length of a block, from `chooseBlockHours` or from the user. Fixed before the comparison starts. */
  readonly blockHours: number;
  /** Fewer blocks decide nothing. 20 where absent. */
  readonly minBlocks?: number;
}

export interface VerdictInput {
  /** When the comparison started: blocks are counted from the full hour before it. ISO 8601. */
  readonly start: string;
  /** Hours that end at or before this time are complete: their labels have arrived. ISO 8601. */
  readonly until: string;
  /** Whether no more hours will come. */
  readonly windowOver: boolean;
  readonly hours: readonly HourOfPairs[];
  readonly settings: VerdictSettings;
}

/** The confidence sequence after so many blocks. */
export interface SequencePoint {
  readonly blocks: number;
  readonly pairs: number;
  readonly mean: number;
  readonly lower: number;
  readonly upper: number;
  /** End of the last block, ISO 8601. */
  readonly until: string;
}

export interface Verdict {
  readonly decision: 'promote' | 'reject' | 'inconclusive' | 'continue';
  /** Why, in words. */
  readonly reason: string;
  readonly pairs: number;
  readonly blocks: number;
  readonly blockHours: number;
  readonly tolerance: number;
  /** Mean of d, and its bounds. Absent with fewer than `minBlocks` blocks. */
  readonly mean?: number;
  readonly lower?: number;
  readonly upper?: number;
  /** Mean loss of each model over the pairs. Absent where there are none. */
  readonly championLoss?: number;
  readonly challengerLoss?: number;
  /** The sequence from the third block to the decision. Before `minBlocks` it only shows how the bounds narrow. */
  readonly sequence: readonly SequencePoint[];
}

export interface BlockLength {
  readonly blockHours: number;
  /** Why this length, in words. */
  readonly reason: string;
  /** Lag-1 autocorrelation of the champion's block means at this length. Absent where there is too little history. */
  readonly autocorrelation?: number;
}

/** Blocks below which nothing is decided. */
export const MIN_BLOCKS = 20;
/** Blocks below which there is no spread to draw bounds from. */
const FIRST_POINT = 3;
/** Lengths that are tried, in hours. */
export const BLOCK_LENGTHS: readonly number[] = [1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 96, 168];

/** Little traffic may take so many times the least number of blocks to come to the least number of pairs. */
const MOST_NEEDED = 10;

const MAX_AUTOCORRELATION = 0.1;
/** Half-days that alternate more than this show that losses rise and fall with the day. */
const ALTERNATING = -0.3;
const DAY = 24;
/** An autocorrelation over fewer blocks than this says nothing. */
const MIN_HISTORY_BLOCKS = 10;

/**
 * The block length for a comparison, from the champion's own losses before it, so that the choice cannot lean on the
 * outcome: the shortest length whose block means have a lag-1 autocorrelation of at most 0.1, but at least a day where the halves
 * of the days alternate. One day where there is no history to tell.
 *
 * `maxHours` caps it, usually at window / minimum number of blocks: longer blocks could not decide within the window.
 * What autocorrelation a capped length leaves is paid for by `shadowVerdict`, which widens its bounds by it.
 */
export function chooseBlockHours(history: readonly HourOfLosses[], options: { readonly maxHours?: number } = {}): BlockLength {
  const maxHours = Math.max(1, options.maxHours ?? Infinity);
  const byHour = history.map(({ hour, pairs, loss }) => ({ hour: hourNumber(hour), pairs, value: loss })).filter(({ pairs }) => pairs > 0);
  const first = byHour.reduce((least, { hour }) => Math.min(least, hour), Infinity);
  const end = byHour.reduce((most, { hour }) => Math.max(most, hour + 1), -Infinity);

  let longest: { readonly blockHours: number; readonly autocorrelation: number } | undefined;
  for (const blockHours of BLOCK_LENGTHS.filter((hours) => hours <= maxHours)) {
    const blocks = toBlocks(byHour, first, end, blockHours);
    if (blocks.length < MIN_HISTORY_BLOCKS) break;
    const autocorrelation = lagOne(centred(blocks));
    if (autocorrelation <= MAX_AUTOCORRELATION) {
      const days = wholeDays(byHour, first, end);
      if (days !== undefined && blockHours < DAY && DAY <= maxHours) return days;
      return {
        blockHours,
        autocorrelation,
        reason: `${hoursInWords(blockHours)}: the shortest blocks of the champion's past losses with a lag-1 autocorrelation of at most ${MAX_AUTOCORRELATION}`,
      };
    }
    longest = { blockHours, autocorrelation };
  }
  const fallback = Math.max(1, Math.min(Math.max(longest?.blockHours ?? 0, DAY), Math.floor(maxHours)));
  return longest === undefined
    ? { blockHours: fallback, reason: `${hoursInWords(fallback)}: the champion has too little history to tell how long its errors last` }
    : {
      blockHours: fallback,
      autocorrelation: longest.autocorrelation,
      reason: `${hoursInWords(fallback)}: no shorter blocks of the champion's past losses are independent, and longer ones could not decide`,
    };
}

/**
 * One day, where the halves of the champion's days alternate. A daily cycle makes blocks of a quarter of a day look independent
 * of their neighbours, and puts its own swing into the bounds; over whole days it cancels out.
 */
function wholeDays(byHour: readonly HourSums[], first: number, end: number): BlockLength | undefined {
  const halves = toBlocks(byHour, first, end, DAY / 2);
  if (halves.length < 2 * MIN_HISTORY_BLOCKS || lagOne(centred(halves)) > ALTERNATING) return undefined;
  const autocorrelation = lagOne(centred(toBlocks(byHour, first, end, DAY)));
  return { blockHours: DAY, autocorrelation, reason: `${hoursInWords(DAY)}: the champion's past losses rise and fall with the hour of the day` };
}

/**
 * Decides on what is there: **promote** when the upper bound is below 0 with enough pairs, **reject** when the lower
 * bound is above 0, **inconclusive** when the window is over with neither, else **continue**.
 *
 * It decides at the first block at which a bound clears 0, so that the outcome does not depend on how often or when
 * somebody looked.
 */
export function shadowVerdict(input: VerdictInput): Verdict {
  const { settings } = input;
  const { tolerance, alpha, minSamples, blockHours } = settings;
  const minBlocks = settings.minBlocks ?? MIN_BLOCKS;
  const start = Math.floor(Date.parse(input.start) / HOUR);
  const end = Math.floor(Date.parse(input.until) / HOUR);
  const hours = input.hours.map((each) => ({ ...each, at: hourNumber(each.hour) })).filter(({ at }) => at >= start && at < end);
  const blocks = toBlocks(hours.map(({ at, pairs, champion, challenger }) => ({ hour: at, pairs, value: challenger - (1 + tolerance) * champion })),
    start, end, blockHours);

  const sequence: SequencePoint[] = [];
  let pairs = 0;
  let decision: Verdict['decision'] = input.windowOver ? 'inconclusive' : 'continue';
  let used = 0;
  const running = new RunningMean(blocks.slice(0, minBlocks));
  const tightest = tightestAt(blocks.slice(0, minBlocks), minBlocks, minSamples);
  for (const block of blocks) {
    used += 1;
    pairs += block.pairs;
    running.add(block);
    if (used < FIRST_POINT) continue;
    const bounds = running.bounds(alpha, tightest);
    sequence.push({ blocks: used, pairs, ...bounds, until: hourText(start + (block.index + 1) * blockHours) });
    if (used < minBlocks) continue;
    if (bounds.upper < 0 && pairs >= minSamples) decision = 'promote';
    else if (bounds.lower > 0) decision = 'reject';
    else continue;
    break;
  }

  const usedHours = used === 0 ? [] : hours.filter(({ at }) => at < start + (blocks[used - 1].index + 1) * blockHours);
  const last = used < minBlocks ? undefined : sequence.at(-1);
  const losses = pairs === 0 ? {} : {
    championLoss: sum(usedHours.map(({ champion }) => champion)) / pairs,
    challengerLoss: sum(usedHours.map(({ challenger }) => challenger)) / pairs,
  };
  const verdict = {
    decision,
    pairs,
    blocks: used,
    blockHours,
    tolerance,
    ...(last === undefined ? {} : { mean: last.mean, lower: last.lower, upper: last.upper }),
    ...losses,
    sequence,
  };
  return { ...verdict, reason: reasonFor(verdict, settings, minBlocks) };
}

/**
 * The number of blocks at which the bounds are tightest: a multiple of the blocks that the least number of pairs takes. It comes
 * from how many pairs there are, not from what they lost, and from no later blocks than those before the first decision.
 */
function tightestAt(first: readonly Block[], minBlocks: number, minSamples: number): number {
  const needed = minSamples * first.length / sum(first.map(({ pairs }) => pairs));
  return TIGHTEST_AT * Math.min(Math.max(minBlocks, needed), MOST_NEEDED * minBlocks);
}

/** What is wrong with the settings, in words; empty where they can be used. */
export function verdictProblems(settings: Omit<VerdictSettings, 'blockHours'> & { readonly blockHours?: number }): string[] {
  const problems: string[] = [];
  const { tolerance, alpha, minSamples, blockHours, minBlocks } = settings;
  if (!(tolerance >= 0 && tolerance <= 1)) problems.push(`the tolerance must be 0 to 1 (a fraction of the champion's loss), got ${tolerance}`);
  if (!(alpha > 0 && alpha <= 0.2)) problems.push(`alpha must be above 0 and at most 0.2, got ${alpha}`);
  if (!(Number.isInteger(minSamples) && minSamples >= 1)) problems.push(`minSamples must be a whole number of at least 1, got ${minSamples}`);
  if (blockHours !== undefined && !(Number.isInteger(blockHours) && blockHours >= 1)) problems.push(`a block must be a whole number of hours, got ${blockHours} hours`);
  if (minBlocks !== undefined && !(Number.isInteger(minBlocks) && minBlocks >= MIN_BLOCKS)) problems.push(`at least ${MIN_BLOCKS} blocks must decide, got ${minBlocks}`);
  return problems;
}

function reasonFor(verdict: Omit<Verdict, 'reason'>, settings: VerdictSettings, minBlocks: number): string {
  const { pairs, blocks, blockHours, lower, upper, championLoss, challengerLoss } = verdict;
  const basis = `${pairs} pairs in ${blocks} blocks of ${hoursInWords(blockHours)}`;
  const percent = `${Number((settings.tolerance * 100).toPrecision(4))} %`;
  const losses = championLoss === undefined || challengerLoss === undefined
    ? ''
    : `mean loss ${figure(challengerLoss)} against the champion's ${figure(championLoss)}${championLoss > 0 ? ` (ratio ${figure(challengerLoss / championLoss)})` : ''}`;
  const bounds = lower === undefined || upper === undefined ? '' : `, bounds ${figure(lower)} to ${figure(upper)}`;
  switch (verdict.decision) {
    case 'promote': return `not worse than the champion by more than ${percent}: ${losses}${bounds} over ${basis}`;
    case 'reject': return `worse than the champion by more than ${percent}: ${losses}${bounds} over ${basis}`;
    default: break;
  }
  const soFar = losses === '' ? 'no request has been answered by both and labelled' : `${losses}${bounds} over ${basis}`;
  const lack = blocks < minBlocks
    ? `not enough data, ${minBlocks} blocks of ${hoursInWords(blockHours)} are needed`
    : `${pairs < settings.minSamples ? `not enough data, ${settings.minSamples} pairs are needed` : 'neither better nor worse for certain'}`;
  return `${verdict.decision === 'inconclusive' ? 'the window is over' : 'undecided so far'}: ${lack}; ${soFar}`;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(5)));
}

function hoursInWords(hours: number): string {
  if (hours % 24 === 0) return hours === 24 ? 'one day' : `${hours / 24} days`;
  return hours === 1 ? 'one hour' : `${hours} hours`;
}
