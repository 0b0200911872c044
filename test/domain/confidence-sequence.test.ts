import * as fc from 'fast-check';
import { mixtureMargin, RunningMean } from '../../src/domain/confidence-sequence';
import { Block } from '../../src/domain/loss-blocks';

const ALPHA = 0.05;
const BEST = 80;

function boundsOf(blocks: readonly Block[], sample: readonly Block[] = []) {
  const running = new RunningMean(sample);
  blocks.forEach((block) => running.add(block));
  return running.bounds(ALPHA, BEST);
}

/** What the bounds leave on either side of the mean, in units of the mixture's margin. */
function widthOf(blocks: readonly Block[], sample: readonly Block[] = []): number {
  const { lower, upper } = boundsOf(blocks, sample);
  return (upper - lower) / 2 / mixtureMargin(blocks.length, ALPHA, BEST);
}

/** Blocks whose sums are so much above `mean` per pair. */
const around = (mean: number, rows: readonly (readonly [index: number, pairs: number, above: number])[]): Block[] =>
  rows.map(([index, pairs, above]) => ({ index, pairs, value: above + mean * pairs }));

/**
 * Nine blocks of 18 pairs, two to a block, in three runs. What they lose above the mean adds up to 0, its squares to 42, and the
 * products of neighbours to 2·3 + 3·1 + 1·3 + 3·2 + 2·1 − 1·3 = 17.
 */
const gapped = [
  [0, 1, 2], [1, 2, 3], [2, 3, 1],
  [4, 2, -1], [5, 1, -3], [6, 3, -2],
  [9, 3, 2], [10, 1, 1], [11, 2, -3],
] as const;
// variance 42 / (2² × 8), autocorrelation 17/42 less half a standard error 1/6 = 5/21, which widens by (1 + 5/21) / (1 − 5/21) = 13/8
const GAPPED_WIDTH = Math.sqrt((42 / 32) * (13 / 8));

describe('the bounds of the mean', () => {
  test.each([0, 2, -3])('of unequal blocks with gaps, whose neighbours are alike, around %d', (mean) => {
    const blocks = around(mean, gapped);
    expect(boundsOf(blocks).mean).toBeCloseTo(mean, 12);
    expect(widthOf(blocks)).toBeCloseTo(GAPPED_WIDTH, 10);
    expect(boundsOf(blocks).upper - mean).toBeCloseTo(mean - boundsOf(blocks).lower, 10);
  });

  test('take only blocks without a gap between them for neighbours', () => {
    // without gaps two more products count: 1·(−1) + (−2)·2 = −5
    const joined = gapped.map(([, pairs, above], i) => [i, pairs, above] as const);
    const correlation = 12 / 42 - 1 / 6;
    expect(widthOf(around(2, joined))).toBeCloseTo(Math.sqrt((42 / 32) * (1 + correlation) / (1 - correlation)), 10);
    const scattered = gapped.map(([, pairs, above], i) => [2 * i, pairs, above] as const);
    expect(widthOf(around(2, scattered))).toBeCloseTo(Math.sqrt(42 / 32), 10);
  });

  test.each<[string, number[], number]>([
    ['are not narrowed by neighbours that differ', [1, -1, 1, -1], Math.sqrt(4 / 3)],
    // products 1 − 1 + 1 over squares of 4, and half a standard error is 1/4
    ['let go what chance shows', [1, 1, -1, -1], Math.sqrt(4 / 3)],
    // products 7 − 1 + 7 over squares of 16, less half a standard error 1/8: 0.6875
    ['widen by what is more', [1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1], Math.sqrt((16 / 15) * (1.6875 / 0.3125))],
    ['widen at most as for an autocorrelation of 0.95', [...Array<number>(200).fill(1), ...Array<number>(200).fill(-1)], Math.sqrt((400 / 399) * 39)],
  ])('%s', (_, above, width) => {
    expect(widthOf(around(5, above.map((each, i) => [i, 1, each])))).toBeCloseTo(width, 9);
  });

  test('are the mean itself where all blocks lose the same', () => {
    expect(boundsOf(around(2, [[0, 1, 0], [1, 4, 0], [2, 2, 0]]))).toEqual({ mean: 2, lower: 2, upper: 2 });
  });

  test('keep their digits far from 0, given a sample of the blocks', () => {
    const far = around(2 ** 30, gapped);
    expect(boundsOf(far, far.slice(0, 3)).mean).toBeCloseTo(2 ** 30, 6);
    expect(widthOf(far, far.slice(0, 3))).toBeCloseTo(GAPPED_WIDTH, 6);
  });

  test('do not depend on the sample, and move with the losses', () => {
    const row = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: -9, max: 9 }));
    fc.assert(fc.property(fc.array(row, { minLength: 3, maxLength: 30 }), fc.integer({ min: -20, max: 20 }), (rows, shift) => {
      let index = 0;
      const blocks = rows.map(([step, pairs, value]) => ({ index: index += step, pairs, value }));
      const moved = boundsOf(blocks.map((each) => ({ ...each, value: each.value + shift * each.pairs })), blocks.slice(0, 2));
      const { mean, lower, upper } = boundsOf(blocks);
      expect(moved.mean).toBeCloseTo(mean + shift, 6);
      expect(moved.lower).toBeCloseTo(lower + shift, 4);
      expect(moved.upper).toBeCloseTo(upper + shift, 4);
    }));
  });
});

test.each([
  // −2 ln 0.05 = 5.99146 and ln 6.99146 = 1.94469, so that ρ² = 7.93615 / best
  [100, 100, 0.30352],
  [25, 100, 0.65286],
  [400, 100, 0.15636],
])('the margin after %d of %d observations', (t, best, margin) => {
  expect(mixtureMargin(t, 0.05, best)).toBeCloseTo(margin, 5);
});
