import * as fc from 'fast-check';
import { hours, hourText, runs, sample } from './loss-streams';
import { mixtureMargin } from '../../src/domain/confidence-sequence';
import { MOST_VALUES, segmentAlpha, segmentedVerdict, SegmentPairs, segmentProblems, SegmentSource } from '../../src/domain/segments';
import { HourOfPairs, shadowVerdict, VerdictSettings } from '../../src/domain/verdict';

const settings: VerdictSettings = { tolerance: 0.02, alpha: 0.05, minSamples: 200, blockHours: 6 };
const region: SegmentSource = { name: 'region', field: 'region', values: ['north', 'south'] };
const DAYS = 30;

/** Requests of one region: so many an hour, with this ratio. */
const part = (value: string, ratio: number, perHour: number, seed: number, correlation = 0.6): SegmentPairs[] =>
  hours(sample({ ratio, perHour, correlation, hours: DAYS * 24, seed })).map((each) => ({ ...each, segment: 'region', value }));

/** The sums of all of them, hour by hour. */
const together = (parts: readonly SegmentPairs[][]): HourOfPairs[] => parts[0].map(({ hour }, i) => ({
  hour,
  pairs: parts.reduce((sum, each) => sum + each[i].pairs, 0),
  champion: parts.reduce((sum, each) => sum + each[i].champion, 0),
  challenger: parts.reduce((sum, each) => sum + each[i].challenger, 0),
}));

interface Judging {
  readonly until?: number;
  readonly windowOver?: boolean;
  readonly sources?: SegmentSource[];
  readonly settings?: Partial<VerdictSettings>;
  /** Sums of the whole, where they are not those of the parts. */
  readonly whole?: HourOfPairs[];
}

function judge(parts: readonly SegmentPairs[][], more: Judging = {}) {
  const input = {
    start: hourText(0),
    until: hourText(more.until ?? DAYS * 24),
    windowOver: more.windowOver ?? false,
    hours: more.whole ?? together(parts),
    settings: { ...settings, ...more.settings },
  };
  return { whole: shadowVerdict(input), ...segmentedVerdict({ ...input, sources: more.sources ?? [region], pairs: parts.flat() }) };
}

describe('segments', () => {
  test('reject a challenger that is better on the whole and worse on one of them, and name it', () => {
    const { whole, verdict, segments } = judge([part('north', 0.6, 20, 1), part('south', 2, 2, 2)]);
    expect(whole.decision).toBe('promote');
    expect(verdict.decision).toBe('reject');
    expect(verdict.reason).toMatch(/^worse than the champion by more than 2 % where region is south: mean loss [\d.]+ against the champion's [\d.]+, bounds [\d.]+ to [\d.]+ over \d+ pairs in \d+ blocks; on the whole: (undecided so far|not worse than the champion)/);
    expect(segments.map(({ value, isWorse }) => [value, isWorse])).toEqual([['south', true], ['north', false]]);
    expect(segments[0]).toMatchObject({ segment: 'region', lower: expect.any(Number), until: expect.stringMatching(/^2013-07-\d\dT/) });
    expect(segments[0].lower).toBeGreaterThan(0);
    expect(segments[0].challengerLoss).toBeGreaterThan(segments[0].championLoss);
  });

  test('reject while the whole is undecided, and at the end of the window', () => {
    const parts = [part('north', 1, 2, 3), part('south', 2.5, 1, 4)];
    const { verdict } = judge(parts, { settings: { minSamples: 1_000_000 } });
    expect(verdict.decision).toBe('reject');
    expect(judge([part('north', 1.02, 2, 3), part('south', 1.02, 1, 4)], { windowOver: true }).verdict.decision).toBe('inconclusive');
  });

  test('leave the verdict as it is where none is worse, and the reason where the whole is worse anyway', () => {
    const better = judge([part('north', 0.7, 3, 5), part('south', 0.7, 1, 6)]);
    expect(better.verdict).toEqual(better.whole);
    expect(better.verdict.decision).toBe('promote');
    const worse = judge([part('north', 2, 20, 7), part('south', 2, 20, 8)]);
    expect(worse.verdict).toEqual(worse.whole);
    expect(worse.verdict.reason).toMatch(/^worse than the champion by more than 2 %: /);
  });

  test('do not hold a promotion up: one with too little data says nothing', () => {
    const few = part('south', 3, 1, 9).filter((_, i) => i % 60 === 0 && i < 600);
    const north = part('north', 0.6, 10, 10);
    const { verdict, segments } = judge([north, few], { whole: north });
    expect(verdict.decision).toBe('promote');
    const south = segments.find(({ value }) => value === 'south');
    expect(south).toMatchObject({ isWorse: false, blocks: expect.any(Number) });
    expect(south).not.toHaveProperty('lower');
    expect(judge([], { whole: north })).toMatchObject({ verdict, segments: [] });
  });

  test('are judged up to the block at which the whole was decided', () => {
    const north = part('north', 0.6, 20, 11);
    const south = [...part('south', 1, 2, 12).slice(0, 300), ...part('south', 9, 2, 12).slice(300)];
    const { whole, verdict, segments } = judge([north, south]);
    expect(whole.blocks).toBeLessThan(50);
    expect(verdict).toEqual(whole);
    expect(segments.every(({ until }) => until <= whole.sequence[whole.sequence.length - 1].until)).toBe(true);
    expect(segments.find(({ value }) => value === 'north')?.pairs).toBe(20 * 6 * whole.blocks);
    // the same south, where the whole takes longer
    const late = judge([part('north', 0.95, 3, 13)], { sources: [region], whole: part('north', 0.95, 3, 13) });
    expect(late.verdict.decision).toBe('continue');
    const { verdict: rejected } = judge([south], { whole: part('north', 0.95, 3, 13) });
    expect(rejected).toMatchObject({ decision: 'reject', reason: expect.stringContaining('where region is south') });
    expect(rejected.blocks).toBeGreaterThan(50);
    expect(rejected.blocks).toBeLessThan(120);
  });

  test('name all on which it is worse', () => {
    const { verdict, segments } = judge([part('north', 2.5, 3, 14), part('south', 2.5, 3, 15), part('(other)', 0.5, 20, 16)]);
    expect(verdict.reason).toMatch(/where region is north: .*; worse than the champion by more than 2 % where region is south: .*; on the whole: /);
    expect(segments.map(({ value }) => value)).toEqual(['north', 'south', '(other)']);
  });

  test('a reason names three of them, and says how many more there are', () => {
    const values = ['a', 'b', 'c', 'd', 'e'];
    const whole = part('north', 0.95, 3, 13);
    const parts = (names: string[]) => names.map((value) => part(value, 4, 1, 20).map((each) => ({ ...each, value })));
    const reason = (names: string[]) => judge(parts(names), { whole, sources: [{ ...region, values }] }).verdict.reason;
    expect(reason(values)).toMatch(/where region is a: [^;]*; [^;]* where region is b: [^;]*; [^;]* where region is c: [^;]*; and on 2 more; on the whole: /);
    expect(reason(values.slice(0, 3))).toMatch(/where region is c: [^;]*; on the whole: /);
  });

  test('count only full blocks of the comparison, and as many as the whole must have', () => {
    const south = part('south', 4, 1, 21);
    const whole = part('north', 0.95, 3, 13);
    const outside = [
      { ...south[0], hour: '2013-06-30T23:00:00.000Z', challenger: 1e6 }, { ...south[0], hour: hourText(120), challenger: 1e6 },
      { ...south[0], hour: hourText(124), challenger: 1e6 },
    ];
    const exact = judge([south.slice(0, 120)], { whole, until: 120 });
    expect(judge([[...outside, ...south.slice(0, 120)]], { whole, until: 123 }).segments).toEqual(exact.segments);
    expect(exact.segments).toMatchObject([{ blocks: 20, pairs: 120, until: hourText(120), isWorse: true }]);
    const { championLoss, challengerLoss, mean } = exact.segments[0];
    expect(mean).toBeCloseTo(challengerLoss - 1.02 * championLoss, 9);
    expect(judge([south.slice(0, 119)], { whole, until: 119 }).segments).toMatchObject([{ blocks: 19, isWorse: false }]);
    expect(judge([south.slice(0, 120)], { whole, until: 120, settings: { minBlocks: 21 } }).segments[0]).not.toHaveProperty('mean');
    expect(judge([outside], { whole, until: 120 }).segments).toEqual([]);
  });

  test('have bounds that are tightest at four times the least number of blocks, at the level of each', () => {
    const swings = Array.from({ length: 40 }, (_, i) => (
      { hour: hourText(i), pairs: 1, champion: 1, challenger: i % 2 === 0 ? 1.52 : 0.52, segment: 'region', value: 'north' }
    ));
    const { segments: [{ lower, upper }] } = judge([swings], { until: 40, settings: { blockHours: 1, minSamples: 1000 } });
    expect((upper! - lower!) / 2).toBeCloseTo(Math.sqrt(10 / 39) * mixtureMargin(40, 0.05 / 3, 80), 9);
  });

  test('share the error level', () => {
    expect(segmentAlpha(0.05, [region])).toBeCloseTo(0.05 / 3, 12);
    expect(segmentAlpha(0.05, [{ name: 'a', column: 1 }])).toBeCloseTo(0.05 / (MOST_VALUES + 1), 12);
    expect(segmentAlpha(0.05, [region, { name: 'a', column: 1 }])).toBeCloseTo(0.05 / 24, 12);
  });

  test('reject by chance in at most 5 % of the comparisons, however many there are', () => {
    const values = ['a', 'b', 'c', 'd'];
    const sources = [{ ...region, values }];
    let rejected = 0;
    for (let seed = 1; seed <= runs(100); seed += 1) {
      const parts = values.map((value, i) => part(value, 1.02, 1, seed * 10 + i, 0));
      const { whole, verdict } = judge(parts, { sources, settings: { blockHours: 3 } });
      if (verdict.decision === 'reject' && whole.decision !== 'reject') rejected += 1;
    }
    expect(rejected).toBeLessThanOrEqual(2);
  });
});

describe('whatever the segments', () => {
  const streams = fc.record({
    north: fc.double({ min: 0.4, max: 2, noNaN: true }),
    south: fc.double({ min: 0.4, max: 3, noNaN: true }),
    seed: fc.integer({ min: 1, max: 1e6 }),
  }).map(({ north, south, seed }) => [part('north', north, 3, seed), part('south', south, 1, seed + 1)]);

  test('they never make a promotion or hide a rejection', () => {
    fc.assert(fc.property(streams, fc.boolean(), (parts, windowOver) => {
      const { whole, verdict, segments } = judge(parts, { windowOver });
      if (verdict.decision === 'promote') expect(whole.decision).toBe('promote');
      if (whole.decision === 'reject') expect(verdict.decision).toBe('reject');
      if (verdict.decision !== whole.decision) expect(segments[0].isWorse && segments[0].lower! > 0).toBe(true);
      for (const each of segments) expect(each.isWorse).toBe(each.lower !== undefined && each.lower > 0 && each.blocks >= 20);
    }), { numRuns: runs(40) });
  });

  test('once decided it stays decided, and neither order nor the cut of the hours matters', () => {
    fc.assert(fc.property(streams, fc.integer({ min: 20, max: 120 }), (parts, blocks) => {
      const early = judge(parts, { until: blocks * 6 });
      const late = judge(parts);
      if (early.verdict.decision !== 'continue') expect(late.verdict).toEqual(early.verdict);
      const mixed = parts.map((each) => [...each].reverse());
      expect(judge(mixed).verdict).toEqual(late.verdict);
    }), { numRuns: runs(30) });
  });
});

test('segments that cannot be meant are told all at once', () => {
  expect(segmentProblems([region, { name: 'a b_c-d.é', column: 0 }])).toEqual([]);
  expect(segmentProblems([
    { name: '', column: -1 }, { name: 'x', column: 1.5 }, { name: 'x', column: 1000 }, { name: 'y', field: 'a"b' }, { name: 'z', field: '', values: [] },
    { name: 'w', field: 'f', values: ['a', 'a', '', '(other)', 'b'] },
  ])).toEqual([
    'at most 5 segments can be told apart, got 6',
    'segments must have names of their own, got twice: x',
    "the name of a segment must be 1 to 64 letters, digits, spaces, '_', '.' or '-', got ''",
    "segment '': the column must be a whole number of 0 to 999, counted from 0, got -1",
    "segment 'x': the column must be a whole number of 0 to 999, counted from 0, got 1.5",
    "segment 'x': the column must be a whole number of 0 to 999, counted from 0, got 1000",
    "segment 'y': a field must have 1 to 128 characters, without quotes, backslashes and control characters, got 'a\"b'",
    "segment 'z': a field must have 1 to 128 characters, without quotes, backslashes and control characters, got ''",
    "segment 'z': 1 to 20 values can be told apart, got 0",
    "segment 'w': values must differ, have 1 to 128 characters and not be '(other)', got 'a', '', '(other)'",
  ]);
});
