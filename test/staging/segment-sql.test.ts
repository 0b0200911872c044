import { config, endpoint, Lake } from './lake';
import { pairingSql } from '../../src/domain/pairing-sql';
import { OTHER_VALUES, SegmentSource } from '../../src/domain/segments';

let lake: Lake;

beforeEach(async () => {
  lake = await Lake.open();
});
afterEach(() => lake.close());

const sqlOf = (sources: SegmentSource[], blockHours = 6) => pairingSql({
  configName: config,
  endpointName: endpoint,
  championVariant: 'AllTraffic',
  challengerVariant: 'Shadow',
  from: '2013-07-01T00:00:00Z',
  until: '2013-07-03T00:00:00Z',
  labelsUntil: '2013-07-05T00:00:00Z',
  loss: 'SQUARED',
  segments: { sources, blockHours },
});

/** Pairs of each value in the order of the blocks. */
async function segments(sources: SegmentSource[], blockHours?: number): Promise<Record<string, string>> {
  const rows = (await lake.query(sqlOf(sources, blockHours))).filter(({ segment }) => segment !== undefined);
  return Object.fromEntries(rows.map((row) => [`${sources[Number(row.segment)].name} ${row.segment_value} @${row.hour}`, row.pairs])
    .sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A request with this payload, answered and labelled. */
function ask(input: string, time = '2013-07-01T00:00:00Z', [champion, challenger] = ['10', '11']): void {
  asked += 1;
  lake.both(`r${asked}`, time, champion, challenger, { input });
  lake.label(`r${asked}`, '2013-07-03T00:00:00Z', '12');
}
let asked = 0;

describe('the sums of segments', () => {
  test('are those of the pairs of each value, block by block, beside those of the whole', async () => {
    ask('1,north\n', '2013-07-01T05:59:59Z');
    ask('2,north\n', '2013-07-01T00:00:00Z', ['13', '15']);
    ask('3,south\n', '2013-07-01T01:00:00Z');
    ask('4,north\n', '2013-07-01T06:00:00Z');
    ask('5,north\n', '2013-07-01T07:00:00Z', ['10', 'error']);
    const rows = await lake.query(sqlOf([{ name: 'region', column: 1 }]));
    expect(rows.filter(({ segment }) => segment !== undefined).sort((a, b) => (`${a.segment_value}${a.hour}` < `${b.segment_value}${b.hour}` ? -1 : 1))).toEqual([
      expect.objectContaining({ hour: '0', segment: '0', segment_value: 'north', pairs: '2', champion_loss: '5', challenger_loss: '10', requests: '0' }),
      expect.objectContaining({ hour: '6', segment: '0', segment_value: 'north', pairs: '1' }),
      expect.objectContaining({ hour: '0', segment: '0', segment_value: 'south', pairs: '1', champion_loss: '4', challenger_loss: '1' }),
    ]);
    const whole = rows.filter(({ segment }) => segment === undefined);
    expect(whole.map((row) => [row.hour, row.pairs, row.requests])).toEqual([['-1', '0', '0'], ['0', '1', '1'], ['1', '1', '1'], ['5', '1', '1'], ['6', '1', '1'], ['7', '0', '1']]);
    expect(whole[0]).not.toHaveProperty('segment_value');
  });

  test.each([
    ['a', 'a'], ['a\n', 'a'], ['a\r\n', 'a'], ['  a ', 'a'], ['"a"', 'a'], [' "a b" ', 'a b'], ['"a, b"', 'a, b'], ['', OTHER_VALUES], ['""', OTHER_VALUES],
    ['3.50', '3.50'], ['é', 'é'],
  ])('read the CSV column %j', async (cell, value) => {
    ask(cell);
    ask(`1,"x, ""y""",${cell}`, '2013-07-01T06:00:00Z');
    ask(`1,, ${cell},9`, '2013-07-01T12:00:00Z');
    expect(await segments([{ name: 'first', column: 0 }])).toMatchObject({ [`first ${value} @0`]: '1', 'first 1 @6': '1', 'first 1 @12': '1' });
    expect(await segments([{ name: 'third', column: 2 }])).toEqual({ [`third ${OTHER_VALUES} @0`]: '1', [`third ${value} @6`]: '1', [`third ${value} @12`]: '1' });
  });

  test.each([
    ['{"region":"north"}', 'north'], ['{"instances":[{"a":1, "region" : "north"}]}', 'north'], ['{"region":\n"no \\"rth"}', 'no \\"rth'],
    ['{"region":12.5}', '12.5'], ['{"region":-1e3,"x":2}', '-1e3'], ['{"region":true}', 'true'], ['{"region":null}', OTHER_VALUES], ['{"region":""}', OTHER_VALUES],
    ['{"region":{"region":"inner"}}', 'inner'], ['{"other":"\\"region\\":\\"x\\"","region":"y"}', 'y'], ['{"subregion":"x"}', OTHER_VALUES], ['north', OTHER_VALUES],
  ])('read the field of %j', async (payload, value) => {
    ask(payload);
    expect(await segments([{ name: 'r', field: 'region' }])).toEqual({ [`r ${value} @0`]: '1' });
  });

  test('take the name of a field literally', async () => {
    ask('{"a.b (c)$":"yes"}');
    ask('{"aXb (c)$":"no"}');
    expect(await segments([{ name: 's', field: 'a.b (c)$' }])).toEqual({ 's yes @0': '1', [`s ${OTHER_VALUES} @0`]: '1' });
  });

  test('tell the listed values apart, and put the others together', async () => {
    ['north', 'south', "it's", 'west', ''].forEach((value) => ask(`${value},1`));
    expect(await segments([{ name: 'region', column: 0, values: ['north', "it's", 'east'] }]))
      .toEqual({ 'region north @0': '1', "region it's @0": '1', [`region ${OTHER_VALUES} @0`]: '3' });
  });

  test('keep the first twenty values that are seen, also where others become more frequent', async () => {
    Array.from({ length: 25 }, (_, i) => ask(`v${String(i).padStart(2, '0')}`, `2013-07-01T00:00:${String(i).padStart(2, '0')}Z`));
    Array.from({ length: 9 }, () => ask('v24', '2013-07-01T06:00:00Z'));
    const found = await segments([{ name: 's', column: 0 }]);
    expect(Object.keys(found)).toEqual([
      `s ${OTHER_VALUES} @0`, `s ${OTHER_VALUES} @6`, ...Array.from({ length: 20 }, (_, i) => `s v${String(i).padStart(2, '0')} @0`),
    ]);
    expect(found).toMatchObject({ [`s ${OTHER_VALUES} @0`]: '5', [`s ${OTHER_VALUES} @6`]: '9' });
  });

  test('of several segments are apart, and each adds up to the whole', async () => {
    ask('{"a":"x","b":"x"}');
    ask('{"a":"x","b":"y"}');
    ask('{"b":"y"}');
    expect(await segments([{ name: 'one', field: 'a' }, { name: 'two', field: 'b' }]))
      .toEqual({ 'one x @0': '2', [`one ${OTHER_VALUES} @0`]: '1', 'two x @0': '1', 'two y @0': '2' });
  });

  test('find columns far to the right', async () => {
    ask(`${Array.from({ length: 999 }, (_, i) => i).join(',')},last,`);
    expect(await segments([{ name: 's', column: 999 }])).toEqual({ 's last @0': '1' });
  });
});
