import { sum } from './regression-metrics';

export const HOUR = 3_600_000;

/** Sums over consecutive hours: the unit of a comparison. */
export interface Block {
  /** Counted from the first block, empty ones included. */
  readonly index: number;
  readonly pairs: number;
  readonly value: number;
}

/** Sums over one hour, counted from 1970. */
export interface HourSums {
  readonly hour: number;
  readonly pairs: number;
  readonly value: number;
}

/** Full blocks between two hours; blocks without a pair are left out. */
export function toBlocks(hours: readonly HourSums[], start: number, end: number, length: number): Block[] {
  const full = Math.floor((end - start) / length);
  const byIndex = new Map<number, { pairs: number[]; values: number[] }>();
  for (const { hour, pairs, value } of hours) {
    if (!Number.isInteger(pairs) || pairs < 0 || !Number.isFinite(value)) throw new Error(`the sums of hour ${hourText(hour)} are not numbers: ${pairs} pairs, ${value}`);
    if (pairs === 0 && value !== 0) throw new Error(`hour ${hourText(hour)} has losses without a pair: ${value}`);
    const index = Math.floor((hour - start) / length);
    if (pairs === 0 || index < 0 || index >= full) continue;
    const block = byIndex.get(index) ?? { pairs: [], values: [] };
    block.pairs.push(pairs);
    block.values.push(value);
    byIndex.set(index, block);
  }
  return [...byIndex.entries()].sort(([a], [b]) => a - b).map(([index, block]) => ({ index, pairs: sum(block.pairs), value: sum(block.values) }));
}

export interface Residual {
  readonly index: number;
  readonly residual: number;
}

/** Mean per pair, weighted by pairs, since a request counts the same in a busy and in a quiet hour. */
export function meanOf(blocks: readonly Block[]): number {
  return sum(blocks.map(({ value }) => value)) / sum(blocks.map(({ pairs }) => pairs));
}

/** What each block adds to or takes from that mean (for equal blocks: the block's mean minus the mean of all). */
export function centred(blocks: readonly Block[]): Residual[] {
  const mean = meanOf(blocks);
  const average = sum(blocks.map(({ pairs }) => pairs)) / blocks.length;
  return blocks.map(({ index, pairs, value }) => ({ index, residual: (value - mean * pairs) / average }));
}

/** Lag-1 autocorrelation; blocks with a gap between them are no neighbours. */
export function lagOne(residuals: readonly Residual[]): number {
  const total = sum(residuals.map(({ residual }) => residual ** 2));
  if (!(total > 0)) return 0;
  return sum(residuals.slice(1).map(({ index, residual }, i) => (index === residuals[i].index + 1 ? residual * residuals[i].residual : 0))) / total;
}

/** ISO 8601 of an hour since 1970. */
export function hourText(hour: number): string {
  return new Date(hour * HOUR).toISOString();
}

/** Hours since 1970, from ISO 8601 or `yyyy/MM/dd/HH`. */
export function hourNumber(text: string): number {
  const parts = /^(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)$/.exec(text);
  const milliseconds = parts === null ? Date.parse(text) : Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]), Number(parts[4]));
  if (Number.isNaN(milliseconds)) throw new Error(`not an hour: '${text}', expected ISO 8601 or yyyy/MM/dd/HH`);
  return Math.floor(milliseconds / HOUR);
}
