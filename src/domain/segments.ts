import { RunningMean, TIGHTEST_AT } from './confidence-sequence';
import { HOUR, hourNumber, hourText, toBlocks } from './loss-blocks';
import { sum } from './regression-metrics';
import { HourOfPairs, MIN_BLOCKS, shadowVerdict, Verdict, VerdictInput } from './verdict';

/**
 * Segments of the requests, such as a region: a challenger that is better on the whole but worse on one of them is no better to those
 * whom it serves there.
 *
 * For each value of each segment runs the same confidence sequence on the same blocks as for the whole, of those requests alone. The
 * error level is split evenly over all values that could be seen (Bonferroni), so that naming segments does not make a wrong rejection
 * likelier than `alpha`. Segments can only reject, and nothing waits for them: a challenger that is good enough on the whole is
 * promoted, also where a segment has too little data to tell.
 */

/** Where the value of a segment is in the payload of a request. */
export interface SegmentSource {
  readonly name: string;
  /** A column of the CSV row, counted from 0. */
  readonly column?: number;
  /** A field of the JSON payload, at whatever depth. */
  readonly field?: string;
  /** The values that are told apart; absent: the first `MOST_VALUES` that are seen. */
  readonly values?: readonly string[];
}

/** Sums over some hours of the requests that have one value of one segment. */
export interface SegmentPairs extends HourOfPairs {
  readonly segment: string;
  readonly value: string;
}

/** What is known about one value of one segment. */
export interface SegmentVerdict {
  readonly segment: string;
  readonly value: string;
  /** Whether the challenger is worse there for certain. */
  readonly isWorse: boolean;
  readonly pairs: number;
  readonly blocks: number;
  /** Mean of d, and its bounds. Absent with fewer than 20 blocks. */
  readonly mean?: number;
  readonly lower?: number;
  readonly upper?: number;
  /** Mean loss of each model over these pairs. */
  readonly championLoss: number;
  readonly challengerLoss: number;
  /** End of the last block that this rests on, ISO 8601. */
  readonly until: string;
}

/** Values of a segment that are told apart; the rest goes together. */
export const MOST_VALUES = 20;
/** Stands for all values that are not told apart, and for requests without one. */
export const OTHER_VALUES = '(other)';

export interface SegmentedInput extends VerdictInput {
  readonly sources: readonly SegmentSource[];
  readonly pairs: readonly SegmentPairs[];
}

/** The error level for one value of one segment. */
export function segmentAlpha(alpha: number, sources: readonly SegmentSource[]): number {
  return alpha / sum(sources.map(({ values }) => (values?.length ?? MOST_VALUES) + 1));
}

/**
 * The verdict with what each segment shows: a segment on which the challenger is worse rejects it.
 *
 * It decides at the first block at which the whole or a segment is certain, on what there was up to then: the outcome does not depend on
 * how often or when somebody looked.
 */
export function segmentedVerdict(input: SegmentedInput): { verdict: Verdict; segments: SegmentVerdict[] } {
  const whole = shadowVerdict(input);
  const isDecided = whole.decision === 'promote' || whole.decision === 'reject';
  const segments = segmentVerdicts({ ...input, until: isDecided ? whole.sequence.at(-1)?.until ?? input.until : input.until });
  const ends = segments.filter(({ isWorse }) => isWorse).map(({ until }) => until).sort();
  if (ends.length === 0) return { verdict: whole, segments };

  const then = { ...input, until: ends[0], windowOver: false };
  const [wholeThen, segmentsThen] = [shadowVerdict(then), segmentVerdicts(then)];
  if (wholeThen.decision === 'reject') return { verdict: wholeThen, segments: segmentsThen };
  const worse = segmentsThen.filter(({ isWorse }) => isWorse).map((each) => reasonFor(each, wholeThen));
  const more = worse.length > MOST_NAMED ? [`and on ${worse.length - MOST_NAMED} more`] : [];
  const reason = [...worse.slice(0, MOST_NAMED), ...more, `on the whole: ${wholeThen.reason}`].join('; ');
  return { verdict: { ...wholeThen, decision: 'reject', reason }, segments: segmentsThen };
}

/** Those on which the challenger is worse first, then by name. */
function segmentVerdicts(input: SegmentedInput): SegmentVerdict[] {
  const groups = new Map<string, SegmentPairs[]>();
  for (const each of input.pairs) {
    const key = JSON.stringify([each.segment, each.value]);
    const group = groups.get(key) ?? [];
    group.push(each);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap((pairs) => verdictOn(pairs, input))
    .sort((a, b) => Number(b.isWorse) - Number(a.isWorse) || compare(a.segment, b.segment) || compare(a.value, b.value));
}

function verdictOn(pairs: readonly SegmentPairs[], { start, until, settings, sources }: SegmentedInput): SegmentVerdict[] {
  const { tolerance, blockHours } = settings;
  const alpha = segmentAlpha(settings.alpha, sources);
  const minBlocks = settings.minBlocks ?? MIN_BLOCKS;
  const [first, end] = [start, until].map((time) => Math.floor(Date.parse(time) / HOUR));
  const hours = pairs.map((each) => ({ ...each, hour: hourNumber(each.hour) })).filter(({ hour }) => hour >= first && hour < end);
  const blocks = toBlocks(hours.map((each) => ({ ...each, value: each.challenger - (1 + tolerance) * each.champion })), first, end, blockHours);
  if (blocks.length === 0) return [];

  const running = new RunningMean(blocks.slice(0, minBlocks));
  let bounds: { mean: number; lower: number; upper: number } | undefined;
  let used = 0;
  for (const block of blocks) {
    running.add(block);
    used += 1;
    if (used < minBlocks) continue;
    bounds = running.bounds(alpha, TIGHTEST_AT * minBlocks);
    if (bounds.lower > 0) break;
  }
  const last = first + (blocks[used - 1].index + 1) * blockHours;
  const counted = hours.filter(({ hour }) => hour < last);
  const total = sum(counted.map((each) => each.pairs));
  return [{
    segment: pairs[0].segment,
    value: pairs[0].value,
    isWorse: bounds !== undefined && bounds.lower > 0,
    pairs: total,
    blocks: used,
    ...bounds,
    championLoss: sum(counted.map(({ champion }) => champion)) / total,
    challengerLoss: sum(counted.map(({ challenger }) => challenger)) / total,
    until: hourText(last),
  }];
}

function reasonFor({ segment, value, pairs, blocks, championLoss, challengerLoss, lower, upper }: SegmentVerdict, { tolerance }: Verdict): string {
  const figure = (number: number) => String(Number(number.toPrecision(5)));
  const bounds = lower === undefined || upper === undefined ? '' : `, bounds ${figure(lower)} to ${figure(upper)}`;
  return `worse than the champion by more than ${figure(tolerance * 100)} % where ${segment} is ${value}: mean loss ${figure(challengerLoss)} against the champion's `
    + `${figure(championLoss)}${bounds} over ${pairs} pairs in ${blocks} blocks`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** What is wrong with the segments, in words; empty where they can be used. */
export function segmentProblems(sources: readonly SegmentSource[]): string[] {
  const problems: string[] = [];
  const check = (holds: boolean, problem: string) => { if (!holds) problems.push(problem); };
  check(sources.length <= MOST_SEGMENTS, `at most ${MOST_SEGMENTS} segments can be told apart, got ${sources.length}`);
  const names = sources.map(({ name }) => name);
  const twice = names.filter((name, i) => names.indexOf(name) < i);
  check(twice.length === 0, `segments must have names of their own, got twice: ${twice.join(', ')}`);
  for (const { name, column, field, values } of sources) {
    check(/^[\p{L}\p{N}_ .-]{1,64}$/u.test(name), `the name of a segment must be 1 to 64 letters, digits, spaces, '_', '.' or '-', got '${name}'`);
    check(column === undefined || (Number.isInteger(column) && column >= 0 && column <= MOST_COLUMN),
      `segment '${name}': the column must be a whole number of 0 to ${MOST_COLUMN}, counted from 0, got ${column}`);
    check(field === undefined || /^[^"\\\p{Cc}]{1,128}$/u.test(field),
      `segment '${name}': a field must have 1 to 128 characters, without quotes, backslashes and control characters, got '${field}'`);
    if (values === undefined) continue;
    check(values.length >= 1 && values.length <= MOST_VALUES, `segment '${name}': 1 to ${MOST_VALUES} values can be told apart, got ${values.length}`);
    const bad = values.filter((value, i) => value === '' || value.length > 128 || value === OTHER_VALUES || values.indexOf(value) < i);
    check(bad.length === 0, `segment '${name}': values must differ, have 1 to 128 characters and not be '${OTHER_VALUES}', got ${bad.map((value) => `'${value}'`).join(', ')}`);
  }
  return problems;
}

/** A reason names so many. */
const MOST_NAMED = 3;
/** More would leave no error level to any of them. */
const MOST_SEGMENTS = 5;
/** Regular expressions repeat a group so often at most. */
const MOST_COLUMN = 999;
