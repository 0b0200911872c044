import * as fc from 'fast-check';
import { GateRules, gateProblems, judgeGate, MetricName } from '../../src/domain/gate';

const candidate = { mse: 25, rmse: 5, mae: 4, r2: 0.6, itemCount: 100 };
const champion = { mse: 16, rmse: 4, mae: 3, r2: 0.75, itemCount: 100 };

describe('the gate', () => {
  test('passes what is within all limits, and says what was checked', () => {
    const result = judgeGate({ limits: [{ metric: 'rmse', atMost: 5 }, { metric: 'r2', atLeast: 0.6 }] }, candidate);
    expect(result).toEqual({ passed: true, failures: [], reason: 'RMSE 5 is within the limit of 5; R² 0.6 reaches the limit of 0.6' });
  });

  test('collects everything that speaks against a candidate', () => {
    const rules: GateRules = {
      limits: [{ metric: 'rmse', atMost: 4.5 }, { metric: 'mae', atMost: 9 }, { metric: 'r2', atLeast: 0.7 }], notWorseThanChampion: { metric: 'mse', percent: 5 },
    };
    const { passed, failures, reason } = judgeGate(rules, candidate, champion);
    expect(passed).toBe(false);
    expect(failures).toEqual([
      'RMSE 5 exceeds the limit of 4.5', 'R² 0.6 is below the limit of 0.7', "MSE 25 against the champion's 16 is worse by 56.25 %, allowed are 5 %",
    ]);
    expect(reason).toBe(failures.join('; '));
  });

  test('the champion counts only where there is one', () => {
    const rules: GateRules = { limits: [], notWorseThanChampion: { metric: 'rmse', percent: 0 } };
    expect(judgeGate(rules, candidate)).toMatchObject({ passed: true, reason: 'nothing to check' });
    expect(judgeGate(rules, candidate, null).passed).toBe(true);
    expect(judgeGate(rules, candidate, champion).passed).toBe(false);
    expect(judgeGate(rules, champion, candidate)).toMatchObject({ passed: true, reason: "RMSE 4 against the champion's 5 is not worse by more than 0 %" });
  });

  test.each<[MetricName, number, boolean]>([['rmse', 24.9, false], ['rmse', 25, true], ['mse', 56.2, false], ['mse', 56.25, true], ['r2', 59.9, false], ['r2', 60, true]])(
    '%s may be worse by %d %%: %s', (metric, percent, passed) => {
      // R² 0.6 against 0.75 leaves 40 % unexplained against 25 %: worse by 60 %
      expect(judgeGate({ limits: [], notWorseThanChampion: { metric, percent } }, candidate, champion).passed).toBe(passed);
    });

  test('R² of no worth and below zero are compared as well', () => {
    const rules: GateRules = { limits: [], notWorseThanChampion: { metric: 'r2', percent: 10 } };
    expect(judgeGate(rules, { ...candidate, r2: -1 }, { ...champion, r2: -0.9 }).passed).toBe(true);
    expect(judgeGate(rules, { ...candidate, r2: -1 }, { ...champion, r2: 0 }).failures).toEqual([
      "R² -1 against the champion's 0 is worse by 100 %, allowed are 10 % (of the unexplained share)",
    ]);
    expect(judgeGate({ limits: [], notWorseThanChampion: { metric: 'mse', percent: 10 } }, { mse: 1 }, { mse: 0 }).reason).toContain('a champion without error');
  });

  test('what cannot be measured does not pass', () => {
    const rules: GateRules = { limits: [{ metric: 'r2', atLeast: 0 }], notWorseThanChampion: { metric: 'r2', percent: 10 } };
    expect(judgeGate(rules, { ...candidate, r2: null }, champion).failures).toHaveLength(2);
    expect(judgeGate(rules, { ...candidate, r2: NaN }, champion).passed).toBe(false);
    expect(judgeGate(rules, candidate, { mse: 1, itemCount: 100 }).failures).toEqual(["the champion's R² could not be computed on this holdout"]);
    expect(judgeGate(rules, { r2: '0.9' as unknown as number }, champion).failures).toEqual([
      'R² could not be computed, and a limit is set on it', "R² could not be computed, so that it cannot be compared with the champion's",
    ]);
  });

  test('champion and candidate must have met the same rows', () => {
    const rules: GateRules = { limits: [], notWorseThanChampion: { metric: 'mse', percent: 900 } };
    expect(judgeGate(rules, candidate, { ...champion, itemCount: 99 })).toMatchObject({
      passed: false, reason: 'the champion was evaluated on 99 rows and the candidate on 100: not the same holdout',
    });
    for (const itemCount of [undefined, null]) {
      expect(judgeGate(rules, candidate, { ...champion, itemCount }).passed).toBe(true);
      expect(judgeGate(rules, { ...candidate, itemCount }, champion).passed).toBe(true);
    }
  });

  test('a champion without a rule is not compared with', () => {
    expect(judgeGate({ limits: [] }, candidate, champion)).toEqual({ passed: true, failures: [], reason: 'nothing to check' });
  });

  test('its reason stays readable', () => {
    const limits = Array.from({ length: 60 }, (_, i) => ({ metric: 'mse' as const, atMost: i }));
    const { reason } = judgeGate({ limits }, { ...candidate, mse: 1000 });
    expect(reason).toHaveLength(1000);
    expect(reason.endsWith('…')).toBe(true);
    // 13 failures of 32 characters and 16 of 33, with 28 separators of two: exactly what is allowed
    const fitting = judgeGate({ limits: [...Array(13).fill(10), ...Array(16).fill(100)].map((atMost: number) => ({ metric: 'mse', atMost })) }, { mse: 1000 });
    expect(fitting.reason).toBe(fitting.failures.join('; '));
    expect(fitting.reason).toHaveLength(1000);
  });

  test('passes exactly where no failure is told, and never on more error where it fails on less', () => {
    const value = fc.double({ min: 0, max: 1e3, noNaN: true });
    fc.assert(fc.property(value, value, value, fc.double({ min: 0, max: 200, noNaN: true }), value, (mine, more, theirs, percent, atMost) => {
      const rules: GateRules = { limits: [{ metric: 'mse', atMost }], notWorseThanChampion: { metric: 'mse', percent } };
      const small = judgeGate(rules, { mse: mine }, { mse: theirs });
      const large = judgeGate(rules, { mse: mine + more }, { mse: theirs });
      expect(small.passed).toBe(small.failures.length === 0);
      if (!small.passed) expect(large.passed).toBe(false);
    }));
  });
});

describe('rules that cannot be meant', () => {
  test.each<[GateRules, string]>([
    [{ limits: [{ metric: 'rmse' }] }, 'neither atMost nor atLeast'],
    [{ limits: [{ metric: 'rmse', atMost: -1 }] }, 'at least 0, got -1'],
    [{ limits: [{ metric: 'mse', atMost: NaN }] }, 'finite number, got NaN'],
    [{ limits: [{ metric: 'r2', atLeast: 1.1 }] }, 'at most 1, got 1.1'],
    [{ limits: [{ metric: 'r2', atLeast: 0.5, atMost: 0.4 }] }, 'at least 0.5 and at most 0.4'],
    [{ limits: [], notWorseThanChampion: { metric: 'mse', percent: -3 } }, 'at least 0 %, got -3'],
  ])('%j', (rules, problem) => {
    expect(gateProblems(rules)).toEqual([expect.stringContaining(problem)]);
  });

  test.each<GateRules>([
    { limits: [{ metric: 'rmse', atMost: 0 }] },
    { limits: [{ metric: 'rmse', atLeast: 2, atMost: 2 }] },
    { limits: [{ metric: 'mse', atLeast: 1.5 }] },
    { limits: [{ metric: 'r2', atLeast: 1 }] },
    { limits: [{ metric: 'r2', atMost: 1.5 }] },
    { limits: [{ metric: 'r2', atLeast: 0.2, atMost: 0.4 }] },
    { limits: [{ metric: 'mae', atMost: 5 }], notWorseThanChampion: { metric: 'mae', percent: 0 } },
  ])('are not %j', (rules) => expect(gateProblems(rules)).toEqual([]));

  test('are told all at once', () => {
    expect(gateProblems({ limits: [{ metric: 'rmse' }, { metric: 'mae', atMost: -1 }] })).toHaveLength(2);
    expect(gateProblems({ limits: [{ metric: 'r2', atLeast: -0.5 }, { metric: 'rmse', atMost: 9 }], notWorseThanChampion: { metric: 'r2', percent: 0 } })).toEqual([]);
  });
});
