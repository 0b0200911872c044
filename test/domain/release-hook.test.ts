import * as fc from 'fast-check';
import { JsonValue } from '../../src/domain/attribute-values';
import { HOOK_POINTS, hookDecision, hookFailure, pointInWords } from '../../src/domain/release-hook';

test.each<[JsonValue | undefined, string, string]>([
  [{ decision: 'proceed' }, 'proceed', ''],
  [{ decision: 'proceed', reason: ' fine ', more: 1 }, 'proceed', 'fine'],
  [{ decision: 'reject', reason: 'north is worse' }, 'reject', 'the hook fairness before promotion rejects it: north is worse'],
  [{ decision: 'reject' }, 'reject', 'the hook fairness before promotion rejects it: it gave no reason'],
  [{ decision: 'reject', reason: 7 }, 'reject', 'the hook fairness before promotion rejects it: it gave no reason'],
  [{ decision: 'PROCEED' }, 'reject', 'the hook fairness before promotion rejects it, for its answer is neither proceed nor reject: {"decision":"PROCEED"}'],
  ['proceed', 'reject', 'the hook fairness before promotion rejects it, for its answer is neither proceed nor reject: "proceed"'],
  [true, 'reject', 'the hook fairness before promotion rejects it, for its answer is neither proceed nor reject: true'],
  [[{ decision: 'proceed' }], 'reject', 'the hook fairness before promotion rejects it, for its answer is neither proceed nor reject: [{"decision":"proceed"}]'],
  [null, 'reject', 'the hook fairness before promotion rejects it, for its answer is neither proceed nor reject: null'],
  [undefined, 'reject', 'the hook fairness before promotion rejects it, for its answer is neither proceed nor reject: null'],
])('the answer %j', (answer, decision, reason) => {
  expect(hookDecision('fairness', 'beforePromotion', answer)).toEqual({ decision, reason });
});

test('nothing but a plain proceed lets a version go on, and every reason is short', () => {
  fc.assert(fc.property(fc.jsonValue(), (answer) => {
    const { decision, reason } = hookDecision('h', 'beforeShadow', answer as JsonValue);
    const proceeds = typeof answer === 'object' && answer !== null && !Array.isArray(answer) && (answer as Record<string, unknown>).decision === 'proceed';
    expect(decision).toBe(proceeds ? 'proceed' : 'reject');
    expect(reason.length).toBeLessThanOrEqual(300);
  }));
  const long = hookDecision('h', 'beforeShadow', { decision: 'reject', reason: 'x'.repeat(1000) }).reason;
  expect(long).toHaveLength(300);
  expect(long.endsWith('x…')).toBe(true);
  const whole = 'x'.repeat(300);
  expect(hookDecision('h', 'beforeShadow', { decision: 'proceed', reason: whole }).reason).toBe(whole);
});

test.each([
  [{ Error: 'States.Timeout' }, ', for it did not answer within 1 hour'],
  [{ Error: 'HookRunning', Cause: '{"errorMessage":"still"}' }, ', for it did not answer within 1 hour'],
  [{ Error: 'TypeError', Cause: '{"errorType":"TypeError","errorMessage":"x is undefined"}' }, ', for it failed: TypeError: x is undefined'],
  [{ Error: 'States.TaskFailed', Cause: '{"Name":"run","Status":"ABORTED"}' }, ', for it failed: run is ABORTED'],
  [{ Error: 'Lambda.ResourceNotFoundException', Cause: '' }, ', for it failed: Lambda.ResourceNotFoundException'],
])('the failure %j', (failure, why) => {
  expect(hookFailure('smoke', 'afterPromotion', failure, '1 hour')).toEqual({ decision: 'reject', reason: `the hook smoke after promotion rejects it${why}` });
});

test('each point has words', () => {
  expect(HOOK_POINTS.map(pointInWords)).toEqual(['before the shadow', 'before promotion', 'after promotion']);
});
