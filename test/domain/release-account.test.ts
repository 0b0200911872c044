import * as fc from 'fast-check';
import { JsonObject } from '../../src/domain/attribute-values';
import { LIFECYCLE_STAGES } from '../../src/domain/ledger';
import { AccountedVersion, LONGEST_ACCOUNT, releaseAccount } from '../../src/domain/release-account';
import { HOOK_POINTS } from '../../src/domain/release-hook';

const evaluation = { mse: 1.0404, rmse: 1.02, mae: 0.8, itemCount: 40 };
const registered: AccountedVersion = {
  version: 'V1.3.1',
  cause: 'auto',
  commit: 'c0003',
  dataset: 'd0002',
  author: 'Ada <ada@example.com>',
  evaluation,
  championEvaluation: { ...evaluation, rmse: 4.1 },
  championVersion: 'V1.3.0',
  gate: 'RMSE 1.02 against the champion\'s 4.1 is not worse by more than 5 %',
  stage: 'Registered',
  reason: 'dataset d0002',
  history: [{ stage: 'Registered', reason: 'dataset d0002', time: '2013-03-01T00:00:00.000Z' }],
};
const at = (stage: AccountedVersion['stage'], reason: string, detail?: JsonObject, from = registered): AccountedVersion => ({
  ...from, stage, reason, history: [...from.history, { stage, reason, time: '2013-03-02T00:00:00.000Z', ...(detail === undefined ? {} : { detail }) }],
});
const verdict: JsonObject = {
  decision: 'promote',
  reason: 'not worse than the champion by more than 2 %: mean loss 1 against the champion\'s 16 over 120 pairs in 30 blocks of one hour',
  champion: 'V1.3.0',
  pairs: 120,
  blocks: 30,
  blockHours: 1,
  tolerance: 0.02,
  alpha: 0.05,
  loss: 'SQUARED',
  windowHours: 48,
};
const origin = 'Made of commit c0003 by Ada <ada@example.com> and dataset d0002 (new data).';
const gate = 'Gate passed on 40 rows of the holdout: RMSE 1.02, champion V1.3.0 4.1; RMSE 1.02 against the champion\'s 4.1 is not worse by more than 5 %.';
const shadow = 'Shadow promote against V1.3.0 on 120 pairs in 30 blocks of one hour, squared loss, tolerance 2 %, alpha 0.05, window 2 days';

test('a registered version', () => {
  expect(releaseAccount(registered)).toBe(`V1.3.1 is registered: dataset d0002. ${origin} ${gate} No verdict on real requests.`);
});

test('a version in production tells its whole way', () => {
  const canary = at('Canary', verdict.reason as string, verdict);
  expect(releaseAccount(canary)).toBe(`V1.3.1 is being released: ${String(verdict.reason)}. ${origin} ${gate} ${shadow}.`);
  const production = at('Production', 'all traffic is on the new fleet', { outcome: 'production', reason: 'all traffic is on the new fleet', shift: 'a canary of 1 instance for 30 minutes' }, canary);
  expect(releaseAccount(production)).toBe([
    'V1.3.1 is in production: all traffic is on the new fleet.', origin, gate, `${shadow}; ${String(verdict.reason)}.`,
    'Release by a canary of 1 instance for 30 minutes: production.',
  ].join(' '));
  expect(releaseAccount(at('Archived', 'replaced by V1.4.0', undefined, production))).toContain('V1.3.1 was in production: replaced by V1.4.0. ');
});

test('a verdict that is not on the record yet is told where it is given', () => {
  expect(releaseAccount(at('Staging', 'tried'), verdict)).toContain(`${shadow}; not worse than the champion`);
});

test('segments are told, with those where the version was worse', () => {
  const part = (segment: string, value: string, isWorse = false) => ({ segment, value, isWorse });
  const withSegments = { ...verdict, segments: [part('region', 'north'), part('region', 'south', true), part('size', 'small'), part('size', 'large')] };
  expect(releaseAccount(at('Rejected', 'reject: south', withSegments))).toContain(`${shadow}; segments region (2 values, worse in south), size (2 values, none worse); `);
  expect(releaseAccount(at('Canary', 'fine', { ...verdict, segments: [] }))).not.toContain('segments');
});

test('what a hook said is told, and the verdict that it was asked with', () => {
  const hooks = {
    BeforePromotion2: { hook: 'fairness', at: 'beforePromotion' as const, decision: 'reject' as const, reason: 'the hook fairness before promotion rejects it: north is worse', time: '2013-03-02T00:00:00.000Z' },
    BeforeShadow1: { hook: 'licences', at: 'beforeShadow' as const, decision: 'proceed' as const, reason: '', time: '2013-03-01T00:00:00.000Z' },
  };
  const record = { ...at('Rejected', hooks.BeforePromotion2.reason, { hook: hooks.BeforePromotion2, verdict }), hooks };
  expect(releaseAccount(record)).toBe([
    'V1.3.1 was rejected: the hook fairness before promotion rejects it: north is worse.', origin, gate, `${shadow}; ${String(verdict.reason)}.`,
    'Hook licences before the shadow: proceed.', 'Hook fairness before promotion: reject.',
  ].join(' '));
});

test('a first version has nobody to be compared with', () => {
  const first: AccountedVersion = { ...registered, championEvaluation: undefined, championVersion: undefined, gate: undefined, author: undefined, cause: 'manual' };
  const reason = 'nothing to compare with: no version is in production; no sample: parity was not checked';
  const detail = { decision: 'promote', champion: 'none', pairs: 0, blocks: 0, reason, parity: { reason: 'no sample: parity was not checked' } };
  expect(releaseAccount(at('Canary', reason, detail, first))).toBe([
    `V1.3.1 is being released: ${reason}.`, 'Made of commit c0003 and dataset d0002 (new commit).',
    'Gate passed on 40 rows of the holdout: RMSE 1.02, no champion to compare with.', 'Shadow promote, no version was in production.',
  ].join(' '));
});

describe('what is missing or odd', () => {
  const staged = (result: JsonObject) => releaseAccount(at('Staging', 'tried'), result);

  test('a reason that nobody gave', () => {
    expect(releaseAccount(at('Rejected', ' \u0007 '))).toContain('V1.3.1 was rejected: no reason given. Made of');
    expect(releaseAccount({ ...registered, commit: '' })).toContain('Made of commit unknown by');
  });

  test('a champion whose version nobody knows', () => {
    expect(releaseAccount({ ...registered, championVersion: undefined })).toContain('RMSE 1.02, champion 4.1; ');
  });

  test('what parity showed is told once, in the reason or after it', () => {
    const parity = { reason: 'parity: 40 of 40 are equal' };
    expect(staged({ ...verdict, reason: 'better', parity })).toMatch(/window 2 days; better; parity: 40 of 40 are equal\.$/);
    expect(staged({ ...verdict, reason: `better; ${parity.reason}`, parity })).toMatch(/window 2 days; better; parity: 40 of 40 are equal\.$/);
    expect(staged({ ...verdict, reason: 7, parity })).toMatch(/window 2 days; parity: 40 of 40 are equal\.$/);
    expect(staged({ ...verdict, reason: 'better', parity: { reason: '' } })).toMatch(/window 2 days; better\.$/);
    expect(staged({ ...verdict, reason: 'better', parity: 'x' })).toMatch(/window 2 days; better\.$/);
  });

  test('a verdict that lacks its measures', () => {
    const { tolerance: _t, alpha: _a, ...rest } = verdict;
    expect(staged({ ...rest, blockHours: null, loss: null, windowHours: 24, reason: 'better' })).toMatch(/ on 120 pairs in 30 blocks, window one day; better\.$/);
    expect(staged({ ...rest, blockHours: 36, windowHours: 1, reason: 'better' })).toMatch(/ on 120 pairs in 30 blocks of 36 hours, squared loss, window one hour; better\.$/);
    const { pairs: _p, ...withoutPairs } = verdict;
    expect(staged(withoutPairs)).toContain(' on unknown pairs in 30 blocks of one hour');
    expect(staged({ ...verdict, pairs: [3] })).toContain(' on [3] pairs in 30 blocks');
  });

  test('only what has a decision and pairs is the shadow’s result', () => {
    expect(releaseAccount(at('Canary', 'x', { decision: 'promote' }))).toContain('No verdict on real requests');
    expect(releaseAccount(at('Canary', 'x', { pairs: 3, decision: 5 }))).toContain('No verdict on real requests');
    expect(releaseAccount(at('Canary', 'x', { verdict: 'promote' }))).toContain('No verdict on real requests');
  });

  test('segments that are none, and several in which the version was worse', () => {
    const worse = (value: string) => ({ segment: 'region', value, isWorse: true });
    expect(staged({ ...verdict, segments: [worse('north'), 'x', worse('south'), null] })).toContain('; segments region (2 values, worse in north, south); ');
    expect(staged({ ...verdict, segments: ['x'] })).toMatch(/window 2 days; not worse/);
    expect(staged({ ...verdict, segments: 'x' })).toMatch(/window 2 days; not worse/);
  });

  test('a release that does not say how traffic moved', () => {
    expect(releaseAccount(at('RolledBack', 'x', { outcome: 'rolled-back', reason: 'an alarm' }))).toMatch(/ Release: rolled-back; an alarm\.$/);
    expect(releaseAccount(at('RolledBack', 'x', { outcome: 5 }))).not.toContain('Release');
  });

  test('characters that end a quoted text, and several blanks', () => {
    expect(releaseAccount(at('Rejected', 'a "b"\\c\n\n`d`  e \ud800 f'))).toContain('was rejected: a \'b\'/c \'d\' e f. ');
  });

  test('an account of just the length that there is room for is told whole', () => {
    // by its own length, which the beginning of the reason does not change
    const rest = releaseAccount(at('Rejected', 'y')).length - 1;
    const gateOf = (length: number) => 'g'.repeat(length);
    const record = (length: number) => ({ ...at('Rejected', 'y'), gate: gateOf(length) });
    const room = LONGEST_ACCOUNT - (rest + 1 - registered.gate!.length);
    expect(room).toBeGreaterThan(600);
    expect(releaseAccount({ ...record(600), reason: 'z'.repeat(room - 600 + 1) })).toHaveLength(LONGEST_ACCOUNT);
    expect(releaseAccount({ ...record(600), reason: 'z'.repeat(room - 600 + 2) }).length).toBeLessThan(LONGEST_ACCOUNT);
  });
});

const words = fc.oneof(fc.string({ maxLength: 2000, unit: 'binary' }), fc.string({ maxLength: 2000 }), fc.lorem({ maxCount: 300 }));
const detail = fc.option(fc.oneof(
  fc.record({
    decision: words,
    reason: words,
    champion: words,
    pairs: fc.nat(),
    blocks: fc.nat(),
    blockHours: fc.nat(400),
    tolerance: fc.double({ noNaN: true }),
    segments: fc.array(fc.oneof(words, fc.record({ segment: words, value: words, isWorse: fc.boolean() }))),
  }),
  fc.record({ outcome: words, reason: words, shift: words }),
  fc.record({ hook: fc.constant({}), verdict: fc.record({ decision: words, champion: words }) }),
  fc.object() as fc.Arbitrary<JsonObject>,
), { nil: undefined });
const stage = fc.constantFrom(...LIFECYCLE_STAGES);
const time = fc.constant('2013-03-01T00:00:00.000Z');
const records: fc.Arbitrary<AccountedVersion> = fc.record({
  version: words,
  cause: fc.constantFrom('manual' as const, 'auto' as const),
  commit: words,
  dataset: words,
  author: fc.option(words, { nil: undefined }),
  evaluation: fc.record({ mse: fc.double(), rmse: fc.double(), mae: fc.double(), itemCount: fc.nat() }),
  championEvaluation: fc.option(fc.constant(evaluation), { nil: undefined }),
  championVersion: fc.option(words, { nil: undefined }),
  gate: fc.option(words, { nil: undefined }),
  stage,
  reason: words,
  history: fc.array(fc.record({ stage, reason: words, time, detail }), { maxLength: 12 }),
  hooks: fc.dictionary(fc.string(), fc.record({ hook: words, at: fc.constantFrom(...HOOK_POINTS), decision: fc.constantFrom('proceed' as const, 'reject' as const), reason: words, time }), { maxKeys: 30 }),
});

test('whatever is on the record, an account is one line that SageMaker and a quoted text take', () => {
  fc.assert(fc.property(records, (record) => {
    const account = releaseAccount(record);
    expect(account.length).toBeLessThanOrEqual(LONGEST_ACCOUNT);
    expect(account).not.toMatch(/["`\\\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(account).toBe(account.trim());
    expect(account).not.toMatch(/ {2}/);
    expect(releaseAccount(record)).toBe(account);
  }), { numRuns: 300 });
});

test('long reasons are cut, that of the last decision last, and no fact is left out', () => {
  fc.assert(fc.property(fc.string({ minLength: 400, maxLength: 3000, unit: fc.constantFrom('a', 'b') }), (long) => {
    const canary = at('Canary', 'x', { ...verdict, reason: `${long}1` }, { ...registered, gate: `${long}2` });
    const account = releaseAccount(at('RolledBack', `${long}3`, { outcome: 'rolled-back', reason: `${long}4`, shift: 'a canary' }, canary));
    expect(account.length).toBeLessThanOrEqual(LONGEST_ACCOUNT);
    expect(account).toContain(`: ${long.slice(0, 249)}`);
    for (const fact of ['V1.3.1 was rolled back: ', origin, 'RMSE 1.02, champion V1.3.0 4.1', shadow, 'Release by a canary: rolled-back']) expect(account).toContain(fact);
  }), { numRuns: 50 });
});
