import { chooseBlockHours, HourOfLosses, HourOfPairs, shadowVerdict, Verdict, VerdictInput, verdictProblems, VerdictSettings } from '../../src/domain/verdict';

const hourOf = (n: number) => new Date(Date.UTC(2013, 6, 1) + n * 3_600_000).toISOString();
const settings: VerdictSettings = { tolerance: 0.02, alpha: 0.05, minSamples: 200, blockHours: 1 };

/** Hours of ten pairs; the champion loses 1 a pair, the challenger now less and now more than `challenger` by 0.1. */
const swinging = (count: number, challenger: number, champion = 1): HourOfPairs[] => Array.from({ length: count }, (_, i) => (
  { hour: hourOf(i), pairs: 10, champion: 10 * champion, challenger: 10 * (challenger + (i % 2 === 0 ? 0.1 : -0.1)) }
));

type Looking = Partial<Pick<VerdictInput, 'start' | 'until' | 'windowOver'>>;

function judge(hours: readonly HourOfPairs[], change: Partial<VerdictSettings> = {}, more: Looking = {}): Verdict {
  return shadowVerdict({ start: hourOf(0), until: hourOf(hours.length), windowOver: false, hours, settings: { ...settings, ...change }, ...more });
}

describe('a verdict worked by hand', () => {
  // d is 0.3 − 1.02 = −0.72 on average, its variance 0.01 × 20/19; the mixture's margin after 20 of 80 is 0.72992: 0.07489 either way
  const promoted = "not worse than the champion by more than 2 %: mean loss 0.3 against the champion's 1 (ratio 0.3), "
    + 'bounds -0.79489 to -0.64511 over 200 pairs in 20 blocks of one hour';

  test('promotes at the first block at which it may, on what came up to there', () => {
    const later = swinging(40, 9, 7).slice(20);
    const verdict = judge([...swinging(20, 0.3), ...later]);
    expect(verdict).toMatchObject({ decision: 'promote', pairs: 200, blocks: 20, blockHours: 1, tolerance: 0.02, reason: promoted });
    expect([verdict.mean, verdict.lower, verdict.upper].map((each) => each?.toFixed(4))).toEqual(['-0.7200', '-0.7949', '-0.6451']);
    expect(verdict.sequence).toHaveLength(18);
    expect(verdict.sequence[0]).toMatchObject({ blocks: 3, pairs: 30, until: hourOf(3) });
    const { pairs, blocks, mean, lower, upper } = verdict;
    expect(verdict.sequence[17]).toEqual({ pairs, blocks, mean, lower, upper, until: hourOf(20) });
  });

  test.each([
    [200, 20, 20], [201, 20, 21], [210, 20, 21], [211, 20, 22], [200, 23, 23],
  ])('promotes with %d pairs and %d blocks asked for after %d blocks', (minSamples, minBlocks, blocks) => {
    expect(judge(swinging(30, 0.3), { minSamples, minBlocks })).toMatchObject({ decision: 'promote', blocks, pairs: blocks * 10 });
  });

  test('rejects, in the words of its tolerance and of its blocks', () => {
    // the swing of an hour cancels out within the block: 3 − 4/3 for certain
    const words = "worse than the champion by more than 33.33 %: mean loss 3 against the champion's 1 (ratio 3), bounds 1.6667 to 1.6667 "
      + 'over 9600 pairs in 20 blocks of 2 days';
    expect(judge(swinging(960, 3), { blockHours: 48, tolerance: 1 / 3 })).toMatchObject({ decision: 'reject', blocks: 20, pairs: 9600, reason: words });
    expect(judge(swinging(480, 3), { blockHours: 24 }).reason).toMatch(/ over 4800 pairs in 20 blocks of one day$/);
    expect(judge(swinging(500, 3), { blockHours: 25 }).reason).toMatch(/ over 5000 pairs in 20 blocks of 25 hours$/);
  });

  test('tells the loss of the challenger as a share of that of the champion', () => {
    expect(judge(swinging(20, 0.6, 2)).reason).toMatch(/: mean loss 0\.6 against the champion's 2 \(ratio 0\.3\), bounds /);
  });

  test('has no ratio to a champion without a loss', () => {
    expect(judge(swinging(20, 3, 0)).reason).toMatch(/^worse than the champion by more than 2 %: mean loss 3 against the champion's 0, bounds /);
  });

  test('lacks one block, or one pair, or certainty', () => {
    const open = (words: string) => expect.stringMatching(new RegExp(`^undecided so far: ${words}; mean loss `));
    expect(judge(swinging(19, 0.3))).toMatchObject({ decision: 'continue', reason: open('not enough data, 20 blocks of one hour are needed') });
    expect(judge(swinging(19, 0.3)).reason).toMatch(/\(ratio 0\.\d+\) over 190 pairs in 19 blocks of one hour$/);
    expect(judge(swinging(20, 0.3), { minSamples: 201 })).toMatchObject({ decision: 'continue', reason: open('not enough data, 201 pairs are needed') });
    expect(judge(swinging(20, 1.02), { minSamples: 200 })).toMatchObject({ decision: 'continue', reason: open('neither better nor worse for certain') });
    expect(judge(swinging(20, 1.02), {}, { windowOver: true }).reason).toMatch(/^the window is over: neither better nor worse for certain; mean loss 1\.02 /);
  });

  test('counts from the full hour before its start to the last full hour', () => {
    const early = { hour: hourOf(-1), pairs: 10, champion: 1e6, challenger: 1 };
    const hours = [early, ...swinging(21, 0.3)];
    const more = { start: '2013-07-01T00:59:59Z', until: '2013-07-01T20:59:59Z' };
    expect(judge(hours, {}, more)).toMatchObject({ decision: 'promote', reason: promoted, blocks: 20 });
    expect(judge(hours, {}, { ...more, until: '2013-07-01T19:59:59Z' })).toMatchObject({ decision: 'continue', blocks: 19 });
  });

  test('says when its blocks ended, also where some are empty', () => {
    const { sequence, blocks } = judge(swinging(80, 1.02).filter((_, i) => i < 10 || i >= 71), { blockHours: 2 }, { until: hourOf(80) });
    expect(blocks).toBe(10);
    expect(sequence.map(({ until }) => until)).toEqual([6, 8, 10, 72, 74, 76, 78, 80].map(hourOf));
  });
});

describe('a block length worked by hand', () => {
  const history = (losses: readonly number[]): HourOfLosses[] => losses.map((loss, i) => ({ hour: hourOf(i), pairs: 1, loss }));
  const runs = (...lengths: number[]) => history(lengths.flatMap((length, i) => Array<number>(length).fill(i % 2 === 0 ? 3 : 1)));
  const shortest = "the shortest blocks of the champion's past losses with a lag-1 autocorrelation of at most 0.1";
  const fallback = "no shorter blocks of the champion's past losses are independent, and longer ones could not decide";

  test.each<[string, HourOfLosses[], object]>([
    // ten hours, 1 above or below 2: five neighbours are alike and four are not
    ['exactly as independent as asked for', runs(2, 3, 2, 2, 1), { blockHours: 1, autocorrelation: 0.1, reason: `one hour: ${shortest}` }],
    ['that differ', runs(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), { blockHours: 1, autocorrelation: -0.9, reason: `one hour: ${shortest}` }],
    ['too few by one', runs(1, 1, 1, 1, 1, 1, 1, 1, 1), { blockHours: 24, reason: 'one day: the champion has too little history to tell how long its errors last' }],
    // ten blocks of two hours: eight neighbours are alike, one is not; three hours make only six blocks
    ['that last longer than the history', runs(10, 10), { blockHours: 24, autocorrelation: 0.7, reason: `one day: ${fallback}` }],
    ['that last for days', runs(480, 480), { blockHours: 96, autocorrelation: 0.7, reason: `4 days: ${fallback}` }],
    // four up, four down: of 24 blocks of two hours 12 neighbours are alike and 11 are not
    ['that last for four', runs(...Array<number>(12).fill(4)), { blockHours: 2, autocorrelation: expect.closeTo(1 / 24, 12), reason: `2 hours: ${shortest}` }],
  ])('hours %s', (_, losses, expected) => {
    expect(chooseBlockHours(losses)).toEqual(expected);
    const silent = { hour: hourOf(-1), pairs: 0, loss: 0 };
    const late = { ...silent, hour: hourOf(losses.length + 1) };
    expect(chooseBlockHours([silent, ...losses, late].reverse())).toEqual(expected);
  });

  test.each([
    [2, 2, 0.7, '2 hours'], [1, 1, 0.85, 'one hour'], [2.9, 2, 0.7, '2 hours'], [0, 1, 0.85, 'one hour'], [20, 20, 0.7, '20 hours'],
  ])('at most %d hours', (maxHours, blockHours, autocorrelation, words) => {
    expect(chooseBlockHours(runs(10, 10), { maxHours })).toEqual({ blockHours, autocorrelation, reason: `${words}: ${fallback}` });
  });

  test('halves of ten days that alternate', () => {
    const days = runs(...Array<number>(20).fill(12));
    const day = { blockHours: 24, autocorrelation: 0, reason: "one day: the champion's past losses rise and fall with the hour of the day" };
    expect(chooseBlockHours(days)).toEqual(day);
    expect(chooseBlockHours(days, { maxHours: 24 })).toEqual(day);
    // of 40 quarters of a day 20 neighbours are alike and 19 are not
    expect(chooseBlockHours(days, { maxHours: 23 })).toEqual({ blockHours: 6, autocorrelation: 0.025, reason: `6 hours: ${shortest}` });
    expect(chooseBlockHours(days.slice(0, 239)).blockHours).toBe(6);
  });
});

describe('settings', () => {
  test.each<[Partial<VerdictSettings>]>([
    [{ tolerance: 0 }], [{ tolerance: 1 }], [{ alpha: 0.2 }], [{ alpha: 1e-9 }], [{ minSamples: 1 }], [{ blockHours: 1 }],
    [{ blockHours: undefined }], [{ minBlocks: 20 }],
  ])('%j can be meant', (change) => expect(verdictProblems({ ...settings, ...change })).toEqual([]));

  test.each<[Partial<VerdictSettings>, string]>([
    [{ tolerance: 1.01 }, "the tolerance must be 0 to 1 (a fraction of the champion's loss), got 1.01"],
    [{ tolerance: NaN }, "the tolerance must be 0 to 1 (a fraction of the champion's loss), got NaN"],
    [{ alpha: 0 }, 'alpha must be above 0 and at most 0.2, got 0'],
    [{ alpha: 0.21 }, 'alpha must be above 0 and at most 0.2, got 0.21'],
    [{ minSamples: 1.5 }, 'minSamples must be a whole number of at least 1, got 1.5'],
    [{ blockHours: 0 }, 'a block must be a whole number of hours, got 0 hours'],
    [{ minBlocks: 19 }, 'at least 20 blocks must decide, got 19'],
    [{ minBlocks: 20.5 }, 'at least 20 blocks must decide, got 20.5'],
  ])('%j cannot', (change, problem) => expect(verdictProblems({ ...settings, ...change })).toEqual([problem]));
});
