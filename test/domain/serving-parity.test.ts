import * as fc from 'fast-check';
import { latencyP95, parityReport, readSample, ServedAnswer, servedNumber, slowAllowed, unchecked, unusable, UnreadableSample } from '../../src/domain/serving-parity';

const limits = { tolerance: 1e-6, maxLatencyP95Milliseconds: 1000 };
const answer = (expected: number, served: number | string = expected, measuredMilliseconds = 5): ServedAnswer =>
  ({ expected, body: String(served), measuredMilliseconds });
const error = (text: string): ServedAnswer => ({ expected: 1, error: text, measuredMilliseconds: 5 });
const judge = (answers: ServedAnswer[], rows = answers.length, tolerance = limits.tolerance) => parityReport(answers, rows, { ...limits, tolerance });

describe('serving parity', () => {
  test('passes where every answer is the evaluation\'s own', () => {
    expect(judge([answer(1), answer(-2.5), answer(0)])).toEqual({
      status: 'passed',
      reason: 'the staging endpoint answered 3 rows of the holdout as the evaluation did, measured p95 latency 5 ms',
      asked: 3,
      failed: 0,
      notNumbers: 0,
      different: 0,
      worstDifference: 0,
      measuredLatencyP95Milliseconds: 5,
    });
  });

  test('fails on one error, and tells the first', () => {
    expect(judge([answer(1), error('KeyError:\n x'), error('other')]))
      .toMatchObject({ status: 'failed', failed: 2, reason: '2 of 3 rows of the holdout were not answered, the first: KeyError: x' });
  });

  test('tells of an error without words, and cuts long ones', () => {
    expect(judge([{ expected: 1, measuredMilliseconds: 5 }]).reason).toBe('1 of 1 rows of the holdout were not answered, the first: no reason was given');
    expect(judge([error(` ${'x'.repeat(200)} `)]).reason).toMatch(/the first: x{200}$/);
    expect(judge([error('x'.repeat(201))]).reason).toMatch(/the first: x{199}…$/);
  });

  test.each(['', 'NaN', 'Infinity', '1e999', '0x10', '1,2', '1\n2', '[1]', 'null', '1.5 C'])('takes %j for no finite number', (body) => {
    expect(servedNumber(body)).toBeUndefined();
    expect(judge([answer(1), answer(1, body)])).toMatchObject({ status: 'failed', notNumbers: 1, reason: expect.stringContaining('without a finite number') });
  });

  test.each([['1', 1], [' -2.5\n', -2.5], ['+.5', 0.5], ['1.', 1], ['1e-3', 0.001], ['2E+2', 200], ['3e2', 300], ['.25', 0.25], ['12.75', 12.75], ['1e12', 1e12]])('reads %j', (body, value) => {
    expect(servedNumber(body)).toBe(value);
  });

  test('fails on an answer that differs by more than the tolerance, and shows the worst', () => {
    expect(judge([answer(100), answer(100, 100.0002), answer(100, 101)])).toMatchObject({
      status: 'failed',
      different: 2,
      worstDifference: 0.01,
      reason: '2 of 3 rows of the holdout were answered otherwise than the evaluation did, at worst 101 instead of 100'
        + ' (relative difference 0.01, at most 0.000001 is allowed)',
    });
  });

  test('measures predictions near zero by the usual size of predictions', () => {
    expect(judge([answer(10), answer(12), answer(0, 1e-9)]).status).toBe('passed');
    expect(judge([answer(10), answer(12), answer(0, 1e-3)]).status).toBe('failed');
    expect(judge([answer(0), answer(0, 1e-300)]).status).toBe('failed');
    expect(judge([answer(0), answer(0)]).worstDifference).toBe(0);
    // the median of 1, 2, 100 is 2, in whatever order they came
    expect(judge([answer(100), answer(0, 1e-6), answer(2), answer(1), answer(3)], 5, 0).worstDifference).toBeCloseTo(5e-7, 15);
    expect(judge([answer(9), answer(10), answer(0, 1), answer(-1e6), answer(8)], 5, 0).worstDifference).toBeCloseTo(1 / 9, 12);
  });

  test('fails on slow answers, the 95th percentile counts', () => {
    const of = (slow: number) => judge(Array.from({ length: 40 }, (_, i) => answer(1, 1, i < slow ? 1500 : 10)));
    expect(of(2)).toMatchObject({ status: 'passed', measuredLatencyP95Milliseconds: 10 });
    expect(of(3)).toMatchObject({ status: 'failed', reason: 'the measured p95 latency is 1500 ms, at most 1000 ms are allowed' });
    expect(judge([answer(1, 1, 1000)]).status).toBe('passed');
  });

  test('names every problem', () => {
    const { reason } = judge([error('no'), answer(1, 'x'), answer(1, 2), answer(1, 1, 5000)]);
    expect(reason.split('; ')).toHaveLength(4);
  });

  test('never passes where rows were not asked, and is unchecked where there are none', () => {
    expect(judge([answer(1)], 2)).toMatchObject({ status: 'failed', reason: 'only 1 of 2 rows of the holdout were asked' });
    expect(judge([error('no')], 2).reason).toBe('1 of 1 rows of the holdout were not answered, the first: no');
    expect(judge([], 2)).toEqual({ status: 'failed', reason: 'only 0 of 2 rows of the holdout were asked', asked: 0, failed: 0, notNumbers: 0, different: 0 });
    expect(Object.keys(judge([], 2))).toHaveLength(6);
    expect(judge([])).toEqual(unchecked('the sample is empty'));
    expect(unchecked('no sample')).toEqual({ status: 'unchecked', reason: 'no sample: parity was not checked', asked: 0, failed: 0, notNumbers: 0, different: 0 });
    expect(unusable('no JSON')).toEqual({ status: 'failed', reason: 'no JSON', asked: 0, failed: 0, notNumbers: 0, different: 0 });
  });

  test('keeps long bodies out of the reason', () => {
    expect(judge([answer(1, 'x'.repeat(5000))]).reason.length).toBeLessThan(400);
  });
});

describe('the sample', () => {
  const line = (prediction: unknown) => JSON.stringify({ payload: '1,2', prediction });

  test('is read from JSON lines, empty ones left out', () => {
    expect(readSample(`${line(1)}\n\n${line(2)}\n`, 50)).toEqual([{ payload: '1,2', prediction: 1 }, { payload: '1,2', prediction: 2 }]);
    expect(readSample('', 50)).toEqual([]);
    expect(readSample(` \t\n${line(1)}\n \n`, 50)).toHaveLength(1);
    expect(readSample([1, 2, 3].map(line).join('\n'), 3).map(({ prediction }) => prediction)).toEqual([1, 2, 3]);
    expect(() => readSample('{', 50)).toThrow(UnreadableSample);
    expect(new UnreadableSample('x').name).toBe('UnreadableSample');
  });

  test.each(['{"payload":"1","prediction":NaN}', '{"payload":"1"}', '{"prediction":1}', '[]', 'null', '{"payload":1,"prediction":1}', line('1'), line(true), '{"payload":"1","prediction":1e999}', 'no JSON'])(
    'is unreadable with the line %s', (bad) => {
      expect(() => readSample(`${line(1)}\n${bad}`, 50)).toThrow('line 2 of the sample');
    });

  test('is spread evenly where it is longer than asked', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 100 }), (length, most) => {
      const rows = readSample(Array.from({ length }, (_, i) => line(i)).join('\n'), most).map(({ prediction }) => prediction);
      expect(rows).toHaveLength(Math.min(length, most));
      expect(new Set(rows).size).toBe(rows.length);
      expect(rows).toEqual([...rows].sort((a, b) => a - b));
      expect(rows[0]).toBe(0);
    }));
  });
});

describe('for every sample', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });
  const numbers = fc.array(number, { minLength: 1, maxLength: 60 });

  test('its own predictions pass at any tolerance, in whatever way they are written', () => {
    fc.assert(fc.property(numbers, fc.constantFrom(0, 1e-6, 0.5), (values, tolerance) => {
      expect(judge(values.map((value) => answer(value, `${value}\n`)), values.length, tolerance).status).toBe('passed');
      expect(judge(values.map((value) => answer(value, value.toExponential())), values.length, tolerance).status).toBe('passed');
    }));
  });

  test('one answer that is off by more than the tolerance of all sizes fails, at whatever place', () => {
    fc.assert(fc.property(numbers, fc.nat(), fc.double({ min: 1e-5, max: 10, noNaN: true }), (values, at, off) => {
      const size = Math.max(1, ...values.map(Math.abs));
      const answers = values.map((value, i) => answer(value, i === at % values.length ? value + off * size : value));
      expect(judge(answers)).toMatchObject({ status: 'failed', different: 1 });
    }));
  });

  test('answers within the tolerance of each prediction pass', () => {
    // next to 5e-324 the product rounds by more than the tolerance
    const normal = numbers.map((values) => values.map((value) => (Math.abs(value) < 1e-300 ? 0 : value)));
    fc.assert(fc.property(normal, fc.double({ min: -0.9, max: 0.9, noNaN: true }), (values, share) => {
      expect(judge(values.map((value) => answer(value, value * (1 + share * 1e-6))), values.length, 1e-6).status).toBe('passed');
    }));
  });

  test('the order of the answers changes nothing, and a wider tolerance never fails what passed', () => {
    const answered = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 30 });
    fc.assert(fc.property(answered, fc.double({ min: 0, max: 1, noNaN: true }), (pairs, tolerance) => {
      const answers = pairs.map(([expected, served]) => answer(expected, served));
      const { status } = judge(answers, answers.length, tolerance);
      expect(judge([...answers].reverse(), answers.length, tolerance).status).toBe(status);
      if (status === 'passed') expect(judge(answers, answers.length, tolerance * 2 + 1e-9).status).toBe('passed');
    }));
  });

  test('the 95th percentile was measured, and so many may be slower as are allowed', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 200 }), (times) => {
      const p95 = latencyP95(times)!;
      expect(times).toContain(p95);
      expect(times.filter((time) => time <= p95).length).toBeGreaterThanOrEqual(Math.ceil(0.95 * times.length));
      expect(times.filter((time) => time > p95).length).toBeLessThanOrEqual(slowAllowed(times.length));
      expect(p95 > 1000).toBe(times.filter((time) => time > 1000).length > slowAllowed(times.length));
    }));
  });
});
