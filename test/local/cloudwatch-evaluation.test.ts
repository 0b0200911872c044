import { AlarmState, evaluateAlarm, MissingData } from '../../examples/local/cloudwatch/alarm-evaluation';
import { parseCompositeRule } from '../../examples/local/cloudwatch/composite-rule';
import { Expression, Points } from '../../examples/local/cloudwatch/metric-math';
import { Series } from '../../examples/local/cloudwatch/metric-store';
import { statistic } from '../../examples/local/cloudwatch/statistic';

const MODES: MissingData[] = ['missing', 'ignore', 'breaching', 'notBreaching'];

/** Points as CloudWatch's documentation draws them: 0 good, X bad, - missing; oldest first. */
const range = (drawn: string): Points => drawn.split(' ').map((point) => (point === '-' ? undefined : point === 'X' ? 10 : 0));

function states(drawn: string, evaluationPeriods: number, datapointsToAlarm: number): (AlarmState | 'kept')[] {
  return MODES.map((missingData) => evaluateAlarm({
    threshold: 5, comparison: 'GreaterThanThreshold', evaluationPeriods, datapointsToAlarm, missingData,
  }, range(drawn)).state ?? 'kept');
}

describe('evaluation with missing data, as the examples of the CloudWatch documentation', () => {
  test.each([
    // drawn, then missing, ignore, breaching, notBreaching
    ['0 - X - X', 'OK', 'OK', 'OK', 'OK'],
    ['0 - - - -', 'OK', 'OK', 'OK', 'OK'],
    ['- - - - -', 'INSUFFICIENT_DATA', 'kept', 'ALARM', 'OK'],
    ['0 X X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['- - X - -', 'ALARM', 'kept', 'ALARM', 'OK'],
  ])('3 of 3: %s', (drawn, ...expected) => {
    expect(states(drawn, 3, 3)).toEqual(expected);
  });

  test.each([
    ['0 - X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['0 - X - -', 'OK', 'OK', 'ALARM', 'OK'],
    ['- - - - 0', 'OK', 'OK', 'ALARM', 'OK'],
    ['- - - X -', 'ALARM', 'kept', 'ALARM', 'OK'],
  ])('2 of 3: %s', (drawn, ...expected) => {
    expect(states(drawn, 3, 2)).toEqual(expected);
  });

  test('one bad point is no alarm before it is as old as the points to alarm', () => {
    expect(states('- - - - X', 3, 3)).toEqual(['kept', 'kept', 'ALARM', 'OK']);
    expect(states('- - - X -', 3, 3)).toEqual(['kept', 'kept', 'ALARM', 'OK']);
    expect(states('- - - - X', 1, 1)).toEqual(['ALARM', 'ALARM', 'ALARM', 'ALARM']);
  });

  test('only the newest evaluation periods decide where all are there', () => {
    expect(states('X X 0 0 0', 3, 1)).toEqual(['OK', 'OK', 'OK', 'OK']);
    expect(states('X X 0 0 X', 3, 1)).toEqual(['ALARM', 'ALARM', 'ALARM', 'ALARM']);
  });

  test.each([
    ['GreaterThanThreshold', [false, false, true]],
    ['GreaterThanOrEqualToThreshold', [false, true, true]],
    ['LessThanThreshold', [true, false, false]],
    ['LessThanOrEqualToThreshold', [true, true, false]],
  ] as const)('%s', (comparison, expected) => {
    const alarms = [4, 5, 6].map((value) => evaluateAlarm(
      { threshold: 5, comparison, evaluationPeriods: 1, datapointsToAlarm: 1, missingData: 'missing' }, [undefined, undefined, value]).state === 'ALARM');
    expect(alarms).toEqual(expected);
  });

  test('the reason reads as CloudWatch writes it', () => {
    expect(evaluateAlarm({ threshold: 1, comparison: 'GreaterThanThreshold', evaluationPeriods: 1, datapointsToAlarm: 1, missingData: 'missing' },
      [undefined, undefined, 5]).reason)
      .toBe('Threshold Crossed: 1 out of the last 1 datapoints [5] was greater than the threshold (1) (minimum 1 datapoint for OK -> ALARM transition).');
  });
});

describe('metric math', () => {
  const metrics: Record<string, Points> = { a: [1, undefined, 3], b: [2, 4, 0] };
  const run = (text: string): unknown => new Expression(text).evaluate((id) => metrics[id], () => Object.values(metrics), 3, 60);

  test.each([
    ['a + b * 2', [5, undefined, 3]],
    ['(a + b) / b', [1.5, undefined, undefined]],
    ['-a ^ 2', [-1, undefined, -9]],
    ['FILL(a, 0)', [1, 0, 3]],
    ['FILL(a, REPEAT)', [1, 1, 3]],
    ['IF(b > 1, a, 7)', [1, undefined, 7]],
    ['IF(FILL(a, 0) >= 1 AND b != 0, 1, 0)', [1, 0, 0]],
    ['IF(b == 0 || b < 3, 1)', [1, undefined, 1]],
    ['MAX([a, b])', [2, 4, 3]],
    ['MIN(METRICS())', [1, 4, 0]],
    ['SUM(METRICS())', [3, 4, 3]],
    ['b / MAX(b)', [0.5, 1, 0]],
    ['AVG(b) + 0 * b', [2, 2, 2]],
    ['b / PERIOD(b)', [2 / 60, 4 / 60, 0]],
    ['100 * (1 - 1e-1) + 0*b', [90, 90, 90]],
  ])('%s', (text, expected) => {
    expect(run(text)).toEqual(expected);
  });

  test.each(['ANOMALY_DETECTION_BAND(a)', 'SEARCH(a)', 'FILL(a, LINEAR)', "SEARCH('{x}', 'Sum')"])('%s is refused by name', (text) => {
    expect(() => run(text)).toThrow(/does not support/);
  });

  test.each(['a +', '(a', 'a b', 'MAX(a'])('%s is a syntax error', (text) => {
    expect(() => run(text)).toThrow(/Syntax error/);
  });

  test('names the metrics that it uses', () => {
    expect(new Expression('IF(m1 > FILL(m2, REPEAT), e1, 0)').ids()).toEqual(['m1', 'm2', 'e1']);
  });
});

describe('statistics', () => {
  const series = new Series('N', 'M', {});
  for (const value of [30, 10, 20, 20]) series.add(60_000, value);
  series.add(125_000, 100);

  test.each([
    ['Average', 20], ['Sum', 80], ['Minimum', 10], ['Maximum', 30], ['SampleCount', 4], ['p50', 20], ['p0', 10], ['p100', 30], ['p95', 28.5],
  ])('%s', (name, expected) => {
    expect(statistic(series.window(60_000, 120_000)!, name)).toBeCloseTo(expected);
  });

  test('windows are half open, late samples are sorted in, statistic sets have no percentiles', () => {
    expect(series.window(0, 60_000)).toBeUndefined();
    expect(series.window(60_000, 180_000)?.count).toBe(5);
    series.merge(0, { count: 10, sum: 50, min: 1, max: 9 });
    expect([...series.minutesFrom(0)]).toEqual([0, 60_000, 120_000]);
    expect(statistic(series.window(0, 60_000)!, 'p50')).toBeUndefined();
    expect(statistic(series.window(0, 60_000)!, 'Average')).toBe(5);
  });

  test('a statistic that is not computed is refused by name', () => {
    expect(() => statistic(series.window(60_000, 120_000)!, 'tm99')).toThrow(/tm99/);
  });
});

test.each([
  ['ALARM("a b") AND NOT ALARM(c)', true],
  ['ALARM(arn:aws:cloudwatch:eu-central-1:111122223333:alarm:c) OR (OK(c) AND TRUE)', true],
  ['NOT (ALARM("a b") OR FALSE)', false],
  ['INSUFFICIENT_DATA(d) AND (ALARM(c) OR OK("a b"))', false],
])('composite rule %s', (text, expected) => {
  const known: Record<string, AlarmState> = { 'a b': 'ALARM', 'c': 'OK', 'd': 'INSUFFICIENT_DATA' };
  expect(parseCompositeRule(text).holds((name) => known[name])).toBe(expected);
});

test.each(['ALARM(', 'ALARM(a) AND', 'a', 'ALARM(a) ALARM(b)'])('composite rule %s is invalid', (text) => {
  expect(() => parseCompositeRule(text)).toThrow(/valid rule/);
});
