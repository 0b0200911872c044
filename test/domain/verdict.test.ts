import * as fc from 'fast-check';
import { hours, hourText, lossesOf, randoms, runs, sample, Sample } from './loss-streams';
import { mixtureMargin } from '../../src/domain/confidence-sequence';
import { BLOCK_LENGTHS, chooseBlockHours, HourOfPairs, shadowVerdict, Verdict, verdictProblems, VerdictSettings } from '../../src/domain/verdict';

const settings: VerdictSettings = { tolerance: 0.02, alpha: 0.05, minSamples: 200, blockHours: 6 };
const START = '2013-07-01T00:00:00Z';

function judge(of: readonly HourOfPairs[], change: Partial<VerdictSettings> = {}, more: { until?: string; windowOver?: boolean } = {}): Verdict {
  const { until = hourText(of.length), windowOver = false } = more;
  return shadowVerdict({ start: START, until, windowOver, hours: of, settings: { ...settings, ...change } });
}

const better = hours(sample({ ratio: 0.7, hours: 720, perHour: 3, seed: 1 }));
const worse = hours(sample({ ratio: 1.6, hours: 720, perHour: 3, seed: 2 }));
const alike = hours(sample({ ratio: 1.02, hours: 720, perHour: 3, seed: 3 }));

describe('the verdict', () => {
  test('promotes a challenger that is better', () => {
    const verdict = judge(better);
    expect(verdict.decision).toBe('promote');
    expect(verdict.upper).toBeLessThan(0);
    expect(verdict.pairs).toBeGreaterThanOrEqual(200);
    expect(verdict.blocks).toBeGreaterThanOrEqual(20);
    expect(verdict.reason).toMatch(/^not worse than the champion by more than 2 %: mean loss [\d.]+ against the champion's [\d.]+ \(ratio 0\.\d+\), bounds -[\d.]+ to -[\d.]+ over \d+ pairs in \d+ blocks of 6 hours$/);
    expect(verdict.challengerLoss! / verdict.championLoss!).toBeLessThan(0.95);
  });

  test('rejects one that is worse', () => {
    const verdict = judge(worse);
    expect(verdict).toMatchObject({ decision: 'reject', reason: expect.stringContaining('worse than the champion by more than 2 %') });
    expect(verdict.lower).toBeGreaterThan(0);
  });

  test('does not decide between two that are alike, and says so at the end', () => {
    expect(judge(alike)).toMatchObject({ decision: 'continue', blocks: 120, reason: expect.stringMatching(/^undecided so far: neither better nor worse for certain; mean loss/) });
    expect(judge(alike, {}, { windowOver: true })).toMatchObject({ decision: 'inconclusive', reason: expect.stringMatching(/^the window is over: neither/) });
  });

  test('not enough data is an outcome of its own', () => {
    const few = better.slice(0, 119);
    expect(judge(few)).toMatchObject({ decision: 'continue', blocks: 19, reason: expect.stringContaining('not enough data, 20 blocks of 6 hours are needed; mean loss') });
    expect(judge(few, {}, { windowOver: true }).decision).toBe('inconclusive');
    expect(judge(few)).not.toHaveProperty('upper');
    expect(judge(better, { minSamples: 1_000_000 })).toMatchObject({ decision: 'continue', reason: expect.stringContaining('not enough data, 1000000 pairs are needed') });
    expect(judge([], {}, { until: hourText(720), windowOver: true })).toEqual({
      decision: 'inconclusive',
      pairs: 0,
      blocks: 0,
      blockHours: 6,
      tolerance: 0.02,
      sequence: [],
      reason: 'the window is over: not enough data, 20 blocks of 6 hours are needed; no request has been answered by both and labelled',
    });
  });

  test('a worse model is rejected even where there are too few pairs to promote a better one', () => {
    expect(judge(worse, { minSamples: 1_000_000 }).decision).toBe('reject');
  });

  test('the same model again is as good as itself, given some tolerance', () => {
    const same = better.map((each) => ({ ...each, challenger: each.champion }));
    expect(judge(same)).toMatchObject({ decision: 'promote' });
    expect(judge(same, { tolerance: 0 })).toMatchObject({ decision: 'continue', mean: 0, lower: 0, upper: 0 });
  });

  test('counts only hours of the comparison whose labels have arrived, in full blocks', () => {
    const early = { hour: '2013-06-30T23:00:00Z', pairs: 1000, champion: 1, challenger: 1e9 };
    const unfinished = { hour: hourText(120), pairs: 1000, champion: 1, challenger: 1e9 };
    const verdict = judge([early, ...better.slice(0, 120), unfinished], {}, { until: hourText(121) });
    expect(verdict).toEqual(judge(better.slice(0, 120)));
    expect(verdict.sequence.at(-1)?.until).toBe('2013-07-06T00:00:00.000Z');
  });

  test('reads the hours that a query writes', () => {
    const written = better.map((each) => ({ ...each, hour: each.hour.slice(0, 13).replace(/[-T]/g, '/') }));
    expect(written[0].hour).toBe('2013/07/01/00');
    expect(judge(written)).toEqual(judge(better));
  });

  test('weighs a request the same in a busy hour and in a quiet one', () => {
    // better in the many requests of the day, worse in the few of the night: better on the whole
    const of = Array.from({ length: 720 }, (_, i) => {
      const [day, noise] = [i % 24 >= 12, 1 + 0.1 * Math.sin(i * 12.9898)];
      return { hour: hourText(i), pairs: day ? 90 : 10, champion: (day ? 90 : 10) * noise, challenger: (day ? 90 * 0.8 : 10 * 1.5) * noise };
    });
    expect(judge(of, { blockHours: 12 }).mean).toBeCloseTo(0.9 * 0.8 + 0.1 * 1.5 - 1.02, 1);
    expect(judge(of, { blockHours: 24 }).decision).toBe('promote');
  });

  test('fails on what is no number, naming the hour', () => {
    expect(() => judge([{ hour: hourText(0), pairs: 1, champion: NaN, challenger: 1 }])).toThrow('2013-07-01T00:00:00.000Z');
    expect(() => judge([{ hour: hourText(0), pairs: 0, champion: 1, challenger: 2 }])).toThrow('losses without a pair');
    expect(() => judge([{ hour: hourText(0), pairs: -1, champion: 1, challenger: 1 }])).toThrow('-1 pairs');
    expect(() => judge([{ hour: 'noon', pairs: 1, champion: 1, challenger: 1 }])).toThrow("not an hour: 'noon'");
  });

  test('settings that cannot be meant are told all at once', () => {
    expect(verdictProblems(settings)).toEqual([]);
    expect(verdictProblems({ tolerance: -1, alpha: 0.5, minSamples: 0, blockHours: 0.5, minBlocks: 5 })).toEqual([
      "the tolerance must be 0 to 1 (a fraction of the champion's loss), got -1", 'alpha must be above 0 and at most 0.2, got 0.5',
      'minSamples must be a whole number of at least 1, got 0', 'a block must be a whole number of hours, got 0.5 hours', 'at least 20 blocks must decide, got 5',
    ]);
  });
});

describe('whatever the stream', () => {
  const streams = fc.record({
    ratio: fc.double({ min: 0.3, max: 3, noNaN: true }),
    correlation: fc.double({ min: 0, max: 0.95, noNaN: true }),
    phi: fc.constantFrom(0, 0.5, 0.9),
    tail: fc.constantFrom('gauss' as const, 't4' as const, 'outlier' as const),
    hours: fc.integer({ min: 0, max: 400 }),
    perHour: fc.integer({ min: 1, max: 3 }),
    seed: fc.integer({ min: 1, max: 1e6 }),
  }).map((each: Sample) => hours(sample(each)));
  const blockHours = fc.constantFrom(1, 2, 6);

  test('a decision is what its bounds say, on enough blocks and pairs', () => {
    fc.assert(fc.property(streams, blockHours, fc.integer({ min: 1, max: 500 }), fc.boolean(), (of, length, minSamples, windowOver) => {
      const verdict = judge(of, { blockHours: length, minSamples }, { windowOver });
      const { decision, lower, upper, mean, sequence, blocks, pairs } = verdict;
      if (decision === 'promote') expect(upper! < 0 && pairs >= minSamples && blocks >= 20).toBe(true);
      if (decision === 'reject') expect(lower! > 0 && blocks >= 20).toBe(true);
      expect(windowOver ? ['promote', 'reject', 'inconclusive'] : ['promote', 'reject', 'continue']).toContain(decision);
      if (mean !== undefined) expect(lower! <= mean && mean <= upper!).toBe(true);
      expect(sequence.map((point) => point.blocks)).toEqual(sequence.map((_, i) => 3 + i));
    }), { numRuns: runs(100) });
  });

  test('once decided it stays decided, however much comes after', () => {
    fc.assert(fc.property(streams, blockHours, (of, length) => {
      const whole = judge(of, { blockHours: length });
      for (let until = 20 * length; until <= of.length; until += 7) {
        const early = judge(of, { blockHours: length }, { until: hourText(until) });
        if (early.decision !== 'continue') expect(early).toEqual(whole);
        else expect(whole.sequence.slice(0, early.sequence.length)).toEqual(early.sequence);
      }
    }), { numRuns: runs(40) });
  });

  test('neither the order of the hours, nor how they are cut, nor the unit of the loss matters', () => {
    fc.assert(fc.property(streams, blockHours, fc.constantFrom(1 / 1024, 64, 2 ** 40), (of, length, unit) => {
      const verdict = judge(of, { blockHours: length });
      const halves = of.flatMap((each) => [{ ...each, pairs: 1 }, { ...each, pairs: each.pairs - 1, champion: 0, challenger: 0 }]).reverse();
      expect(judge(halves, { blockHours: length }, { until: hourText(of.length) })).toEqual(verdict);
      const inUnit = of.map((each) => ({ ...each, champion: each.champion * unit, challenger: each.challenger * unit }));
      const scaled = judge(inUnit, { blockHours: length });
      expect([scaled.decision, scaled.pairs]).toEqual([verdict.decision, verdict.pairs]);
      if (verdict.upper !== undefined) expect(scaled.upper! / unit).toBeCloseTo(verdict.upper, 6);
    }), { numRuns: runs(100) });
  });

  test('a challenger that is worse by the same amount everywhere is never promoted where the other is not', () => {
    fc.assert(fc.property(streams, fc.double({ min: 0, max: 5, noNaN: true }), (of, more) => {
      const harder = judge(of.map((each) => ({ ...each, challenger: each.challenger + more * each.pairs })), { blockHours: 2 });
      if (harder.decision === 'promote') expect(judge(of, { blockHours: 2 }).decision).toBe('promote');
    }), { numRuns: runs(100) });
  });
});

describe('the confidence sequence', () => {
  test('is where the mixture martingale reaches 1 / alpha', () => {
    const [blocks, level, optimum] = [fc.nat(9_999), fc.double({ min: 0.001, max: 0.2, noNaN: true }), fc.nat(499)];
    fc.assert(fc.property(blocks.map((t) => t + 1), level, optimum.map((t) => t + 1), (t, alpha, best) => {
      const log = -2 * Math.log(alpha);
      const rho2 = (log + Math.log(log + 1)) / best;
      const total = t * mixtureMargin(t, alpha, best);
      const martingale = Math.exp((rho2 * total ** 2) / (2 * (t * rho2 + 1))) / Math.sqrt(t * rho2 + 1);
      expect(martingale * alpha).toBeCloseTo(1, 9);
    }));
  });
});

describe('the bounds are tightest', () => {
  const steady = (perHour: number, count: number): HourOfPairs[] => Array.from({ length: count }, (_, i) => (
    { hour: hourText(i), pairs: perHour, champion: perHour, challenger: perHour * (1.02 + (i % 2 === 0 ? 0.5 : -0.5)) }
  ));
  const margin = (perHour: number, minSamples: number, blocks = 40) => {
    const { lower, upper } = judge(steady(perHour, blocks), { minSamples, blockHours: 1 });
    return (upper! - lower!) / 2;
  };
  // half a unit up and down: variance 1/4 × 40/39, and neighbours that differ widen nothing
  const expected = (best: number) => Math.sqrt(10 / 39) * mixtureMargin(40, 0.05, best);

  test.each([
    ['at four times the least number of blocks where a block has many pairs', 100, 200, 80],
    ['at four times the blocks that the least number of pairs takes', 2, 100, 200],
    ['at no more than ten times as many', 1, 100_000, 800],
  ])('%s', (_, perHour, minSamples, best) => {
    expect(margin(perHour, minSamples)).toBeCloseTo(expected(best), 9);
  });

  test('wherever the traffic of the first blocks puts it, whatever comes later', () => {
    const grown = [...steady(2, 20), ...steady(200, 40).slice(20)];
    const { sequence } = judge(grown, { minSamples: 100, blockHours: 1 });
    expect(sequence.slice(0, 18)).toEqual(judge(steady(2, 20), { minSamples: 100, blockHours: 1 }).sequence);
  });
});

describe('the block length', () => {
  const history = (phi: number, days = 60, seed = 5) => lossesOf(sample({ ratio: 1, phi, hours: days * 24, perHour: 2, seed }));

  test('is an hour where errors are independent, and longer the longer they last', () => {
    const lengths = [0, 0.8, 0.97].map((phi) => chooseBlockHours(history(phi, 400)).blockHours);
    expect(lengths[0]).toBe(1);
    expect(lengths[1]).toBeGreaterThan(lengths[0]);
    expect(lengths[2]).toBeGreaterThan(lengths[1]);
    expect(lengths.every((length) => BLOCK_LENGTHS.includes(length))).toBe(true);
    expect(chooseBlockHours(history(0.8))).toMatchObject({ autocorrelation: expect.any(Number), reason: expect.stringContaining('lag-1 autocorrelation of at most 0.1') });
  });

  test('is a day where there is no history to tell', () => {
    for (const none of [[], history(0.5, 60).slice(0, 5), history(0.5).map((each) => ({ ...each, pairs: 0, loss: 0 }))]) {
      expect(chooseBlockHours(none)).toEqual({ blockHours: 24, reason: 'one day: the champion has too little history to tell how long its errors last' });
    }
  });

  test('lets the window decide: longer blocks than its twentieth could not', () => {
    expect(chooseBlockHours(history(0.95), { maxHours: 12 })).toMatchObject({ blockHours: 12, reason: expect.stringContaining('longer ones could not decide') });
    expect(chooseBlockHours([], { maxHours: 8 }).blockHours).toBe(8);
    expect(chooseBlockHours([], { maxHours: 0.5 }).blockHours).toBe(1);
    expect(chooseBlockHours(history(0.99, 10), { maxHours: 36 }).blockHours).toBe(24);
  });

  test('is a whole day where losses rise and fall with the day, however independent a quarter of it looks', () => {
    const daily = (swing: number, days: number) => history(0, days)
      .map((each, i) => ({ ...each, loss: each.loss * (1 + swing * Math.sin((i * 2 * Math.PI) / 24)) }));
    expect(chooseBlockHours(daily(0.9, 60))).toMatchObject({
      blockHours: 24, autocorrelation: expect.any(Number), reason: "one day: the champion's past losses rise and fall with the hour of the day",
    });
    expect(chooseBlockHours(daily(0.9, 60)).autocorrelation).toBeLessThan(0.3);
    // blocks of a day would not fit, or there are too few days to see it, or it is little
    expect(chooseBlockHours(daily(0.9, 60), { maxHours: 23 }).blockHours).toBeLessThan(24);
    expect(chooseBlockHours(daily(0.9, 9)).blockHours).toBeLessThan(24);
    expect(chooseBlockHours(daily(0.05, 60)).blockHours).toBe(1);
    expect(chooseBlockHours(daily(0.9, 60), { maxHours: 24 }).blockHours).toBe(24);
  });

  test('is not led by hours without requests', () => {
    const gaps = history(0.8).filter((_, i) => i % 24 < 16);
    expect(chooseBlockHours(gaps).blockHours).toBeGreaterThan(1);
  });

  test('comes from the champion alone: the challenger cannot move it', () => {
    const random = randoms(9);
    const losses = history(0.8);
    expect(chooseBlockHours([...losses].sort(() => random() - 0.5))).toEqual(chooseBlockHours(losses));
  });
});
