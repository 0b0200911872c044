import { isLifecycleStage, ledgerKeys, LIFECYCLE_STAGES, normalTime } from '../../src/domain/ledger';

test('the keys are those of every ledger there is: they never change', () => {
  expect([
    ledgerKeys.tag('1'), ledgerKeys.run('arn'), ledgerKeys.version('V1.0.0'), ledgerKeys.allocated(), ledgerKeys.registered(),
    ledgerKeys.rejected('2026-01-01T00:00:00.000Z', 'arn'), ledgerKeys.champion(), ledgerKeys.releaseSlot(),
    ledgerKeys.approval('V1.0.0', 'BeforeShadow1'), ledgerKeys.releaseWaiting(12), ledgerKeys.releaseGood(3),
  ].map(({ pk, sk }) => `${pk} ${sk}`)).toEqual([
    'TAG#1 STATE', 'RUN#arn RUN', 'VERSION V1.0.0', 'LATEST ALLOCATED', 'LATEST REGISTERED',
    'REJECTED 2026-01-01T00:00:00.000Z#arn', 'CHAMPION PRODUCTION', 'RELEASE SLOT',
    'APPROVAL#V1.0.0 BeforeShadow1', 'RELEASE WAITING#000000000012', 'RELEASE GOOD#000000000003',
  ]);
});

test('a stage is one of the eight', () => {
  expect(LIFECYCLE_STAGES.every(isLifecycleStage)).toBe(true);
  expect(['', 'registered', 'Deployed'].some(isLifecycleStage)).toBe(false);
});

test('a time has one form', () => {
  expect(normalTime('2026-01-01T01:00:00+01:00')).toBe('2026-01-01T00:00:00.000Z');
  expect(() => normalTime('noon')).toThrow("not a time: 'noon', expected ISO 8601");
});
