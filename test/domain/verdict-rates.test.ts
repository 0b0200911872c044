import { blockHoursOf, hours, hourText, sample } from './loss-streams';
import { HourOfPairs, shadowVerdict, Verdict } from '../../src/domain/verdict';

function judge(of: readonly HourOfPairs[], blockHours: number): Verdict {
  const settings = { tolerance: 0.02, alpha: 0.05, minSamples: 200, blockHours };
  return shadowVerdict({ start: hourText(0), until: hourText(of.length), windowOver: false, hours: of, settings });
}

test('holds at all times at once: 300 streams without a difference, looked at after every block', () => {
  let missed = 0;
  for (let seed = 1; seed <= 300; seed += 1) {
    const { decision } = judge(hours(sample({ ratio: 1.02, correlation: 0.6, hours: 400, perHour: 4, seed })), 1);
    if (decision !== 'continue') missed += 1;
  }
  expect(missed / 300).toBeLessThanOrEqual(0.05);
});

test.each([
  ['gauss', 0, 30], ['gauss', 0.6, 30], ['gauss', 0.95, 30], ['t4', 0.6, 30], ['outlier', 0.6, 30], ['gauss', 0.6, 7], ['gauss', 0.6, 0],
] as const)('wrong promotions stay below 5 % where errors last long: %s tails, correlation %d, %d days of history', (tail, correlation, days) => {
  let promoted = 0;
  for (let seed = 1; seed <= 120; seed += 1) {
    const stream = sample({ ratio: 1.05, correlation, phi: 0.95, tail, hours: (30 + days) * 24, perHour: 1, seed });
    const blockHours = blockHoursOf(stream.slice(0, days * 24));
    if (judge(hours(stream.slice(days * 24)), blockHours).decision === 'promote') promoted += 1;
  }
  expect(promoted / 120).toBeLessThanOrEqual(0.05);
});

test('power: little traffic in many blocks decides as soon as much of it in few', () => {
  const needed = Array.from({ length: 60 }, (_, i) => {
    const verdict = judge(hours(sample({ ratio: 0.9, correlation: 0.6, hours: 3000, perHour: 1, seed: i + 1 })), 1);
    return verdict.decision === 'promote' ? verdict.pairs : Infinity;
  }).sort((a, b) => a - b);
  expect(needed[Math.floor(needed.length / 2)]).toBeLessThanOrEqual(1400);
});

test('power: a challenger 10 % better, errors independent in time, is promoted at a median of at most 1,400 pairs', () => {
  const needed = Array.from({ length: 100 }, (_, i) => {
    const verdict = judge(hours(sample({ ratio: 0.9, correlation: 0.6, hours: 600, perHour: 10, seed: i + 1 })), 1);
    return verdict.decision === 'promote' ? verdict.pairs : Infinity;
  }).sort((a, b) => a - b);
  expect(needed[Math.floor(needed.length / 2)]).toBeLessThanOrEqual(1400);
  expect(needed[Math.floor(0.95 * needed.length)]).toBeLessThan(Infinity);
});
