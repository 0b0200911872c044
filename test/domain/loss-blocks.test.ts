import { centred, hourNumber, hourText, lagOne, meanOf, toBlocks } from '../../src/domain/loss-blocks';

const sums = (hour: number, pairs: number, value: number) => ({ hour, pairs, value });

describe('blocks of hours', () => {
  test('are full ones between two hours, in order, without those that have no pair', () => {
    // hours 10 to 33 are four blocks of six: 10–15, 16–21, 22–27, 28–33; the last hour begins a fifth
    const outside = [sums(4, 5, 100), sums(9, 5, 100), sums(34, 5, 100)];
    const inside = [sums(28, 2, 7), sums(33, 1, 1), sums(10, 1, 0.5), sums(15, 3, -2), sums(16, 0, 0), sums(22, 0, 0), sums(27, 1, 0)];
    expect(toBlocks([...outside, ...inside], 10, 35, 6)).toEqual([
      { index: 0, pairs: 4, value: -1.5 }, { index: 2, pairs: 1, value: 0 }, { index: 3, pairs: 3, value: 8 },
    ]);
  });

  test('weigh by pairs', () => {
    // 8 over 4 pairs: 2 a pair; of 2 pairs on average the first block adds (5 − 2) / 2, the second takes (3 − 6) / 2
    const blocks = [{ index: 0, pairs: 1, value: 5 }, { index: 1, pairs: 3, value: 3 }];
    expect(meanOf(blocks)).toBe(2);
    expect(centred(blocks)).toEqual([{ index: 0, residual: 1.5 }, { index: 1, residual: -1.5 }]);
  });

  test('that lose what is no number are an error', () => {
    expect(() => toBlocks([sums(0, 1, Infinity)], 0, 1, 1)).toThrow('the sums of hour 1970-01-01T00:00:00.000Z are not numbers: 1 pairs, Infinity');
    expect(() => toBlocks([sums(1, 1.5, 0)], 0, 1, 1)).toThrow('the sums of hour 1970-01-01T01:00:00.000Z are not numbers: 1.5 pairs, 0');
    expect(() => toBlocks([sums(1, -1, 0)], 0, 2, 1)).toThrow('are not numbers: -1 pairs, 0');
    expect(() => toBlocks([sums(2, 0, -1)], 0, 1, 1)).toThrow('hour 1970-01-01T02:00:00.000Z has losses without a pair: -1');
  });
});

test.each<[string, [number, number][], number]>([
  ['2·1 of 2² + 1² + 1², for the third is no neighbour', [[0, 2], [1, 1], [3, 1]], 1 / 3],
  ['(2·1 + 1·1) of the same without the gap', [[0, 2], [1, 1], [2, 1]], 1 / 2],
  ['−1·1 twice of three', [[5, 1], [6, -1], [7, 1]], -2 / 3],
  ['none where there is no spread', [[0, 0], [1, 0]], 0],
  ['none of nothing', [], 0],
])('the lag-1 autocorrelation: %s', (_, rows, expected) => {
  expect(lagOne(rows.map(([index, residual]) => ({ index, residual })))).toBeCloseTo(expected, 12);
});

describe('hours', () => {
  test.each([
    ['1970/01/02/03', 27], ['1970-01-02T03:59:59.999Z', 27], ['1970-01-02T04:00:00+01:00', 27], ['2013/07/01/00', 381288], ['1969-12-31T23:59:59Z', -1],
  ])('%s is hour %d', (text, hour) => expect(hourNumber(text)).toBe(hour));

  test.each(['noon', '', 'at:2013/07/01/00', '2013/07/01/00/15:99', '2013/07/01/0', '13/07/01/00/00'])('%j is none', (text) => {
    expect(() => hourNumber(text)).toThrow(`not an hour: '${text}', expected ISO 8601 or yyyy/MM/dd/HH`);
  });

  test('are told in ISO 8601', () => expect(hourText(381288)).toBe('2013-07-01T00:00:00.000Z'));
});
