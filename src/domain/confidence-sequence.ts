import { Block, meanOf } from './loss-blocks';

/** The sequence is tightest at this many times the least data that may decide. */
export const TIGHTEST_AT = 4;

/** Mean of d per pair over the blocks added so far, with the variance that blocks of consecutive time give it. */
export class RunningMean {
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
    // Blocks that still err alike carry less than they seem to: the variance of the mean of an AR(1) series. Half a
    // standard error of the estimate is let go, for independent blocks show that much by chance.
    const measured = total > 0 ? products / total : 0;
    const correlation = Math.min(0.95, Math.max(0, measured - 0.5 / Math.sqrt(this.blocks)));
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
