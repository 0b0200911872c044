import { sum } from './regression-metrics';

/**
 * The shadow verdict: is the challenger good enough on the requests that both models answered?
 *
 * For each request d = loss(challenger) − (1 + tolerance) × loss(champion). Requests close in time err alike, so the
 * unit is a block of consecutive hours. On the blocks runs an asymptotic confidence sequence for the mean of d
 * (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence
 * sequences", Theorem 2.2): it holds at all times at once, so that looking often does not inflate its errors.
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
  /** The sequence from the first permitted look to the decision. */
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
/** Lengths that are tried, in hours. */
export const BLOCK_LENGTHS: readonly number[] = [1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 96, 168];

const HOUR = 3_600_000;
const MAX_AUTOCORRELATION = 0.1;
/** An autocorrelation over fewer blocks than this says nothing. */
const MIN_HISTORY_BLOCKS = 10;
const NO_HISTORY_HOURS = 24;
/** The sequence is tightest at this many times the least number of blocks. */
const BEST_BLOCKS = 3;

/**
 * The block length for a comparison, from the champion's own losses before it, so that the choice cannot lean on the
 * outcome: the shortest length whose block means have a lag-1 autocorrelation of at most 0.1. One day where there is
 * no history to tell.
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
      return {
        blockHours,
        autocorrelation,
        reason: `${hoursInWords(blockHours)}: the shortest blocks of the champion's past losses with a lag-1 autocorrelation of at most ${MAX_AUTOCORRELATION}`,
      };
    }
    longest = { blockHours, autocorrelation };
  }
  const fallback = Math.max(1, Math.min(Math.max(longest?.blockHours ?? 0, NO_HISTORY_HOURS), Math.floor(maxHours)));
  return longest === undefined
    ? { blockHours: fallback, reason: `${hoursInWords(fallback)}: the champion has too little history to tell how long its errors last` }
    : {
      blockHours: fallback,
      autocorrelation: longest.autocorrelation,
      reason: `${hoursInWords(fallback)}: no shorter blocks of the champion's past losses are independent, and longer ones could not decide`,
    };
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
  for (const block of blocks) {
    used += 1;
    pairs += block.pairs;
    running.add(block);
    if (used < minBlocks) continue;
    const bounds = running.bounds(alpha, BEST_BLOCKS * minBlocks);
    sequence.push({ blocks: used, pairs, ...bounds, until: new Date((start + (block.index + 1) * blockHours) * HOUR).toISOString() });
    if (bounds.upper < 0 && pairs >= minSamples) decision = 'promote';
    else if (bounds.lower > 0) decision = 'reject';
    else continue;
    break;
  }

  const usedHours = used === 0 ? [] : hours.filter(({ at }) => at < start + (blocks[used - 1].index + 1) * blockHours);
  const last = sequence.at(-1);
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

interface Block {
  /** Counted from the first block, empty ones included. */
  readonly index: number;
  readonly pairs: number;
  readonly value: number;
}

/** Full blocks between two hours; blocks without a pair are left out. */
function toBlocks(hours: readonly { readonly hour: number; readonly pairs: number; readonly value: number }[], start: number, end: number, length: number): Block[] {
  const full = Math.floor((end - start) / length);
  const byIndex = new Map<number, { pairs: number[]; values: number[] }>();
  for (const { hour, pairs, value } of hours) {
    const at = () => new Date(hour * HOUR).toISOString();
    if (!Number.isInteger(pairs) || pairs < 0 || !Number.isFinite(value)) throw new Error(`the sums of hour ${at()} are not numbers: ${pairs} pairs, ${value}`);
    if (pairs === 0 && value !== 0) throw new Error(`hour ${at()} has losses without a pair: ${value}`);
    const index = Math.floor((hour - start) / length);
    if (pairs === 0 || index < 0 || index >= full) continue;
    const block = byIndex.get(index) ?? { pairs: [], values: [] };
    block.pairs.push(pairs);
    block.values.push(value);
    byIndex.set(index, block);
  }
  return [...byIndex.entries()].sort(([a], [b]) => a - b).map(([index, block]) => ({ index, pairs: sum(block.pairs), value: sum(block.values) }));
}

interface Residual {
  readonly index: number;
  readonly residual: number;
}

/** Mean per pair, weighted by pairs, since a request counts the same in a busy and in a quiet hour. */
function meanOf(blocks: readonly Block[]): number {
  return sum(blocks.map(({ value }) => value)) / sum(blocks.map(({ pairs }) => pairs));
}

/** What each block adds to or takes from that mean (for equal blocks: the block's mean minus the mean of all). */
function centred(blocks: readonly Block[]): Residual[] {
  const mean = meanOf(blocks);
  const average = sum(blocks.map(({ pairs }) => pairs)) / blocks.length;
  return blocks.map(({ index, pairs, value }) => ({ index, residual: (value - mean * pairs) / average }));
}

function lagOne(residuals: readonly Residual[]): number {
  const total = sum(residuals.map(({ residual }) => residual ** 2));
  if (!(total > 0)) return 0;
  return sum(residuals.slice(1).map(({ index, residual }, i) => (index === residuals[i].index + 1 ? residual * residuals[i].residual : 0))) / total;
}

/** Mean of d per pair over the blocks added so far, with the variance that blocks of consecutive time give it. */
class RunningMean {
  private blocks = 0;
  private pairs = 0;
  private value = 0;
  private squares = { value: 0, cross: 0, pairs: 0 };
  private neighbours = { value: 0, cross: 0, pairs: 0 };
  private last: Block | undefined;
  private readonly origin: number;

  /** `sample` only places the origin near the mean, so that the sums of squares keep their digits. */
  constructor(sample: readonly Block[]) {
    this.origin = sample.length === 0 ? 0 : meanOf(sample);
  }

  add(block: Block): void {
    const value = block.value - this.origin * block.pairs;
    this.blocks += 1;
    this.pairs += block.pairs;
    this.value += value;
    this.squares = plus(this.squares, value * value, value * block.pairs, block.pairs ** 2);
    const { last } = this;
    if (last !== undefined && last.index + 1 === block.index) {
      this.neighbours = plus(this.neighbours, value * last.value, (value * last.pairs + last.value * block.pairs) / 2, block.pairs * last.pairs);
    }
    this.last = { ...block, value };
  }

  bounds(alpha: number, best: number): { mean: number; lower: number; upper: number } {
    const mean = this.value / this.pairs;
    const average = this.pairs / this.blocks;
    // sums of (value − mean × pairs)² over blocks, and of the products of neighbours
    const total = Math.max(0, this.squares.value - 2 * mean * this.squares.cross + mean * mean * this.squares.pairs);
    const products = this.neighbours.value - 2 * mean * this.neighbours.cross + mean * mean * this.neighbours.pairs;
    const variance = total / (average * average * (this.blocks - 1));
    // blocks that still err alike carry less than they seem to: the variance of the mean of an AR(1) series
    const correlation = total > 0 ? Math.min(0.95, Math.max(0, products / total)) : 0;
    const margin = Math.sqrt(variance * (1 + correlation) / (1 - correlation)) * mixtureMargin(this.blocks, alpha, best);
    const centre = mean + this.origin;
    return { mean: centre, lower: centre - margin, upper: centre + margin };
  }
}

interface Products {
  readonly value: number;
  readonly cross: number;
  readonly pairs: number;
}

function plus(sums: Products, value: number, cross: number, pairs: number): Products {
  return { value: sums.value + value, cross: sums.cross + cross, pairs: sums.pairs + pairs };
}

/** The margin of the Gaussian mixture for unit variance after `t` observations, tightest around `best` of them. */
export function mixtureMargin(t: number, alpha: number, best: number): number {
  const log = -2 * Math.log(alpha);
  const rho2 = (log + Math.log(log + 1)) / best;
  return Math.sqrt((2 * (t * rho2 + 1) / (t * t * rho2)) * Math.log(Math.sqrt(t * rho2 + 1) / alpha));
}

function hourNumber(text: string): number {
  const parts = /^(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)$/.exec(text);
  const milliseconds = parts === null ? Date.parse(text) : Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]), Number(parts[4]));
  if (Number.isNaN(milliseconds)) throw new Error(`not an hour: '${text}', expected ISO 8601 or yyyy/MM/dd/HH`);
  return Math.floor(milliseconds / HOUR);
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
