import { segmentedVerdict, SegmentedInput, SegmentPairs, segmentProblems, SegmentSource } from '../../src/domain/segments';
import { VerdictSettings } from '../../src/domain/verdict';

const hourOf = (n: number) => new Date(Date.UTC(2013, 6, 1) + n * 3_600_000).toISOString();
const settings: VerdictSettings = { tolerance: 0.02, alpha: 0.05, minSamples: 100_000, blockHours: 1 };
const sources: SegmentSource[] = [{ name: 'region', column: 1, values: ['north', 'south'] }];

/** Hours of ten pairs; the champion loses 1 a pair, the challenger now more and now less than `challenger` by 0.1. */
const swinging = (count: number, challenger: number, [segment, value] = ['region', 'south']): SegmentPairs[] => Array.from({ length: count }, (_, i) => (
  { segment, value, hour: hourOf(i), pairs: 10, champion: 10, challenger: 10 * (challenger + (i % 2 === 0 ? 0.1 : -0.1)) }
));

function judge(pairs: readonly SegmentPairs[], change: Partial<SegmentedInput> = {}) {
  const input = { start: hourOf(0), until: hourOf(30), windowOver: false, hours: swinging(30, 1.02), settings, sources, pairs };
  return segmentedVerdict({ ...input, ...change });
}

describe('segments worked by hand', () => {
  // d is 1.5 − 1.02 = 0.48 on average, its variance 0.01 × 20/19; at a level of 0.05 / 3 the mixture's margin after 20 of 80 is 0.80963
  const south = "worse than the champion by more than 2 % where region is south: mean loss 1.5 against the champion's 1, bounds 0.39693 to 0.56307 "
    + 'over 200 pairs in 20 blocks';

  test('reject at the first block at which one is worse for certain, with what the whole was then', () => {
    const later = swinging(30, 100).slice(20);
    const { verdict, segments } = judge([...swinging(20, 1.5), ...later], { windowOver: true });
    expect(verdict).toMatchObject({ decision: 'reject', pairs: 200, blocks: 20 });
    expect(verdict.reason.split('; on the whole: ')).toEqual([south, expect.stringMatching(/^undecided so far: not enough data, 100000 pairs are needed; /)]);
    expect(segments).toEqual([{
      segment: 'region',
      value: 'south',
      isWorse: true,
      pairs: 200,
      blocks: 20,
      mean: expect.closeTo(0.48, 9),
      lower: expect.closeTo(0.39693, 5),
      upper: expect.closeTo(0.56307, 5),
      championLoss: 1,
      challengerLoss: expect.closeTo(1.5, 12),
      until: hourOf(20),
    }]);
  });

  test('say nothing with a block less', () => {
    const { verdict, segments } = judge(swinging(19, 1.5));
    expect(verdict.decision).toBe('continue');
    expect(segments).toEqual([{
      segment: 'region', value: 'south', isWorse: false, pairs: 190, blocks: 19, championLoss: 1, challengerLoss: expect.closeTo(28.6 / 19, 12), until: hourOf(19),
    }]);
  });

  test('that lose exactly as much as is tolerated are not worse', () => {
    const exact = swinging(30, 1).map((each) => ({ ...each, challenger: 10 }));
    const { segments } = judge(exact, { settings: { ...settings, tolerance: 0 } });
    expect(segments).toMatchObject([{ isWorse: false, mean: 0, lower: 0, upper: 0, blocks: 30 }]);
  });

  test('count from the full hour before the start to the last full hour', () => {
    const early = { ...swinging(1, 1)[0], hour: hourOf(-1), challenger: 1e9 };
    const { segments } = judge([early, ...swinging(30, 1.02)], { start: '2013-07-01T00:30:00Z', until: '2013-07-01T21:59:59Z' });
    expect(segments).toMatchObject([{ blocks: 21, pairs: 210, until: hourOf(21), championLoss: 1 }]);
  });

  test('count full blocks alone', () => {
    const { segments } = judge(swinging(41, 1), { settings: { ...settings, blockHours: 2 }, hours: swinging(41, 1), until: hourOf(41) });
    expect(segments).toMatchObject([{ blocks: 20, pairs: 400, isWorse: false, until: hourOf(40) }]);
  });

  test('the first that is worse decides, and the others stand as they stood then', () => {
    // as bad from the sixth hour on: worse for certain five hours later
    const north = swinging(30, 1.5, ['region', 'north']).slice(5);
    const { verdict, segments } = judge([...north, ...swinging(30, 1.5)]);
    expect(verdict.reason.startsWith(`${south}; on the whole: `)).toBe(true);
    expect(segments.map(({ value, isWorse, blocks }) => [value, isWorse, blocks])).toEqual([['south', true, 20], ['north', false, 15]]);
  });

  test('are told worse ones first, then by name and value', () => {
    const names: [string, string][] = [['b', 'x'], ['a', 'y'], ['c', 'w'], ['a', 'x'], ['b', 'a'], ['c', 'v']];
    const pairs = names.flatMap((name) => swinging(30, name[0] === 'c' ? 3 : 1.02, name));
    const { segments } = judge(pairs);
    expect(segments.map(({ segment, value }) => segment + value)).toEqual(['cv', 'cw', 'ax', 'ay', 'ba', 'bx']);
    const apart = judge([...swinging(30, 3, ['a', 'b c']), ...swinging(30, 3, ['a b', 'c'])]);
    expect(apart.segments).toHaveLength(2);
  });

  test('keep what the whole had decided before', () => {
    const whole = { hours: swinging(30, 0.3), settings: { ...settings, minSamples: 200 } };
    const then = [...swinging(20, 1.02), ...swinging(30, 9).slice(20)];
    expect(judge(then, whole)).toMatchObject({ verdict: { decision: 'promote', blocks: 20 }, segments: [{ blocks: 20, isWorse: false, until: hourOf(20) }] });
    expect(judge(swinging(30, 1.5), { ...whole, hours: swinging(30, 3) }).verdict.reason).toMatch(/^worse than the champion by more than 2 %: mean loss 3 /);
    expect(judge(swinging(30, 1.5), whole).verdict).toMatchObject({
      decision: 'reject', reason: expect.stringContaining('; on the whole: not worse than the champion by more than 2 %: '),
    });
  });
});

describe('the description of a segment', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `v${i}`);

  test.each<[string, SegmentSource[]]>([
    ['none', []],
    ['five', many(5).map((name) => ({ name, column: 0 }))],
    ['a name of 64', [{ name: 'n'.repeat(64), column: 999 }]],
    ['a field of 128', [{ name: 's', field: 'f'.repeat(128), values: many(20) }]],
    ['a value of 128', [{ name: 's', field: "it's", values: ['v'.repeat(128)] }]],
  ])('%s can be meant', (_, of) => expect(segmentProblems(of)).toEqual([]));

  test.each<[SegmentSource, string]>([
    [{ name: 'n'.repeat(65) }, "the name of a segment must be 1 to 64 letters, digits, spaces, '_', '.' or '-', got"],
    [{ name: 'a/b' }, "the name of a segment must be 1 to 64 letters, digits, spaces, '_', '.' or '-', got 'a/b'"],
    [{ name: 's', field: 'f'.repeat(129) }, "segment 's': a field must have 1 to 128 characters"],
    [{ name: 's', field: 'a\\b' }, "segment 's': a field must have 1 to 128 characters, without quotes, backslashes and control characters, got 'a\\b'"],
    [{ name: 's', field: 'a\u0001' }, "segment 's': a field must have 1 to 128 characters"],
    [{ name: 's', field: '"ab' }, "segment 's': a field must have 1 to 128 characters"],
    [{ name: 's', field: 'ab"' }, "segment 's': a field must have 1 to 128 characters"],
    [{ name: 's', column: 0, values: many(21) }, "segment 's': 1 to 20 values can be told apart, got 21"],
    [{ name: 's', column: 0, values: ['v'.repeat(129)] }, "segment 's': values must differ, have 1 to 128 characters and not be '(other)', got 'vvv"],
  ])('%j cannot', (source, problem) => expect(segmentProblems([source])).toEqual([expect.stringContaining(problem)]));
});
