import { config, endpoint, Lake } from './lake';
import { lossHistorySql, PAIRING_COLUMNS, PairingLoss, pairingSql, TOTALS_HOUR } from '../../src/domain/pairing-sql';

let lake: Lake;

type Row = Record<string, number>;
async function rows(sql: string): Promise<Row[]> {
  return (await lake.query(sql)).map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])));
}
const pair = (loss: PairingLoss = 'SQUARED') => rows(pairingSql({
  configName: config,
  endpointName: endpoint,
  championVariant: 'AllTraffic',
  challengerVariant: 'Shadow',
  from: '2013-07-01T00:00:00Z',
  until: '2013-07-03T00:00:00Z',
  labelsUntil: '2013-07-05T00:00:00Z',
  loss,
}));
const totals = (result: Row[]) => result.filter((row) => row.hour === TOTALS_HOUR)[0];
const hour = (result: Row[], index: number) => result.filter((row) => row.hour === index)[0];

beforeEach(async () => {
  lake = await Lake.open();
});
afterEach(() => lake.close());

describe('the pairing SQL', () => {
  test('answers its totals row, and nothing else, where there is nothing', async () => {
    const result = await pair();
    expect(result).toHaveLength(1);
    expect(Object.keys(result[0])).toEqual([...PAIRING_COLUMNS]);
    expect(totals(result)).toMatchObject({ pairs: 0, champion_loss: 0, unidentified: 0, unknown_labels: 0 });
  });

  test('sums the losses of each hour', async () => {
    lake.both('a', '2013-07-01T00:00:00Z', '10\n', '{"predictions": [11]}');
    lake.both('b', '2013-07-01T00:59:59Z', '20', '20.5');
    lake.both('c', '2013-07-01T01:00:00Z', '-3', '1e0');
    lake.label('a', '2013-07-02T00:00:00Z', '12');
    lake.label('b', '2013-07-02T06:00:00Z', '21');
    lake.label('c', '2013-07-02T06:00:00Z', '0\n');
    const result = await pair();
    expect(hour(result, 0)).toMatchObject({ pairs: 2, requests: 2, champion_loss: 5, challenger_loss: 1.25 });
    expect(hour(result, 1)).toMatchObject({ pairs: 1, champion_loss: 9, challenger_loss: 1 });
    expect(result.map((row) => row.hour)).toEqual([TOTALS_HOUR, 0, 1]);
  });

  test('measures the absolute error where asked to', async () => {
    lake.both('a', '2013-07-01T00:00:00Z', '10', '15');
    lake.label('a', '2013-07-02T00:00:00Z', '12');
    expect(hour(await pair('ABSOLUTE'), 0)).toMatchObject({ pairs: 1, champion_loss: 2, challenger_loss: 3 });
  });

  test('leaves requests after the last complete hour, or before the first, for another look', async () => {
    lake.both('before', '2013-06-30T23:59:59Z', '1', '1');
    lake.both('inside', '2013-07-02T23:59:59Z', '1', '1');
    lake.both('after', '2013-07-03T00:00:00Z', '1', '1');
    ['before', 'inside', 'after'].forEach((id) => lake.label(id, '2013-07-04T00:00:00Z', '1'));
    const result = await pair();
    expect(result.map((row) => row.hour)).toEqual([TOTALS_HOUR, 47]);
    expect(totals(result).unknown_labels).toBe(0);
  });

  test('counts a request once when its capture is there twice, also in another hour: the first one counts', async () => {
    lake.both('a', '2013-07-01T00:59:59Z', '10', '10');
    lake.capture('Shadow', 'a', '2013-07-01T00:59:59Z', '10');
    lake.capture('Shadow', 'a', '2013-07-01T01:00:01Z', '99');
    lake.capture('AllTraffic', 'a', '2013-07-01T00:59:59Z', '10', { hour: '2013/07/01/01' });
    lake.label('a', '2013-07-02T00:00:00Z', '11');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 1, requests: 1, champion_loss: 1, challenger_loss: 1, duplicate_captures: 3 });
  });

  test('pairs captures that are filed under different hours, in the hour of the champion', async () => {
    lake.capture('AllTraffic', 'a', '2013-07-01T00:59:59Z', '10');
    lake.capture('Shadow', 'a', '2013-07-01T01:00:00Z', '12');
    lake.both('b', '2013-07-01T01:00:00Z', '10', '10');
    lake.capture('AllTraffic', 'last', '2013-07-02T23:59:59Z', '10');
    lake.capture('Shadow', 'last', '2013-07-03T00:00:01Z', '12');
    ['a', 'b', 'last'].forEach((id) => lake.label(id, '2013-07-04T00:00:00Z', '11'));
    const result = await pair();
    expect(hour(result, 0)).toMatchObject({ pairs: 1, requests: 1, champion_loss: 1, challenger_loss: 1, split_captures: 1, duplicate_captures: 0 });
    expect(hour(result, 1)).toMatchObject({ pairs: 1, requests: 1, split_captures: 0 });
    expect(hour(result, 47)).toMatchObject({ pairs: 1, without_challenger: 0, split_captures: 1 });
    expect(result).toHaveLength(4);
  });

  test('takes the latest label of a request', async () => {
    lake.both('a', '2013-07-01T00:00:00Z', '10', '10');
    lake.label('a', '2013-07-02T09:00:00Z', '12');
    lake.label('a', '2013-07-02T10:00:00Z', '11');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 1, champion_loss: 1, duplicate_labels: 1 });
  });

  test('takes the latest label by its time within an hour, whatever it says and wherever it is written', async () => {
    lake.both('a', '2013-07-01T00:00:00Z', '10', '10');
    lake.both('b', '2013-07-01T00:00:01Z', '10', '10');
    lake.both('c', '2013-07-01T00:00:02Z', '10', '10');
    lake.label('a', '2013-07-02T10:59:59.999Z', '11', true);
    lake.label('a', '2013-07-02T10:00:00.001Z', '99', true);
    lake.label('a', '2013-07-02T10:00:00.002Z', '98', true);
    // one without a time, as others write them, is older than one with
    lake.label('b', '2013-07-02T10:59:00Z', '99');
    lake.label('b', '2013-07-02T10:00:00Z', '12', true);
    // what came last is no number: the one before does not stand in for it
    lake.label('c', '2013-07-02T10:00:00Z', '10', true);
    lake.label('c', '2013-07-02T10:00:01Z', 'unknown', true);
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 2, champion_loss: 1 + 4, duplicate_labels: 4, bad_label: 1 });
  });

  test('counts requests that lack a side', async () => {
    lake.capture('AllTraffic', 'no-challenger', '2013-07-01T00:00:00Z', '1');
    lake.capture('Shadow', 'no-champion', '2013-07-01T00:00:01Z', '1');
    lake.both('no-label', '2013-07-01T00:00:02Z', '1', '1');
    lake.both('whole', '2013-07-01T00:00:03Z', '1', '1');
    ['no-challenger', 'no-champion', 'whole', 'stranger'].forEach((id) => lake.label(id, '2013-07-02T00:00:00Z', '1'));
    const result = await pair();
    expect(hour(result, 0)).toMatchObject({ pairs: 1, requests: 4, without_challenger: 1, without_champion: 1, without_label: 1 });
    expect(totals(result)).toMatchObject({ unknown_labels: 1 });
  });

  test.each(['', 'error', 'NaN', 'Infinity', '1_000', '0x1p3', '1d', '1e400', '-', '1-2', '{"prediction":1}', '1e151'])('does not take %j for a number', async (output) => {
    lake.both('a', '2013-07-01T00:00:00Z', '1', output);
    lake.both('b', '2013-07-01T00:00:01Z', output, '1');
    lake.both('c', '2013-07-01T00:00:02Z', '1', '1');
    lake.label('a', '2013-07-02T00:00:00Z', '1');
    lake.label('b', '2013-07-02T00:00:00Z', '1');
    lake.label('c', '2013-07-02T00:00:00Z', output);
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 0, requests: 3, bad_challenger: 1, bad_champion: 1, bad_label: 1, batched: 0 });
  });

  test('counts an answer that was not captured as none', async () => {
    lake.capture('AllTraffic', 'a', '2013-07-01T00:00:00Z', '1');
    lake.capture('Shadow', 'a', '2013-07-01T00:00:00Z', undefined);
    lake.label('a', '2013-07-02T00:00:00Z', '1');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 0, bad_challenger: 1, without_challenger: 0 });
  });

  test.each(['1\n2\n', '1.5,2.5', '{"predictions": [1, 2]}'])('counts the batch %j as one, not as an error of a model', async (output) => {
    lake.both('a', '2013-07-01T00:00:00Z', output, output);
    lake.label('a', '2013-07-02T00:00:00Z', '1');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 0, batched: 1, bad_champion: 0, bad_challenger: 0 });
  });

  test('counts several numbers for one row of the champion as the challenger\'s error', async () => {
    lake.both('a', '2013-07-01T00:00:00Z', '1', '1,2');
    lake.label('a', '2013-07-02T00:00:00Z', '1');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 0, batched: 0, bad_champion: 0, bad_challenger: 1 });
  });

  test('accounts for each request: it is a pair, or something that it lacks is counted', async () => {
    const [champions, challengers, labels] = [['1', 'x', '1\n2\n', undefined], ['1', 'x', undefined], ['1', 'x', undefined]];
    let id = 0;
    for (const champion of champions) {
      for (const challenger of challengers) {
        for (const label of labels) {
          id += 1;
          const time = `2013-07-01T00:00:${String(id).padStart(2, '0')}Z`;
          if (champion !== undefined) lake.capture('AllTraffic', `r${id}`, time, champion);
          if (challenger !== undefined) lake.capture('Shadow', `r${id}`, time, challenger);
          if (label !== undefined) lake.label(`r${id}`, '2013-07-02T00:00:00Z', label);
        }
      }
    }
    const result = await pair();
    // without any capture there is no request, but an unknown label
    expect(totals(result)).toMatchObject({ unknown_labels: 2 });
    expect(hour(result, 0)).toMatchObject({
      pairs: 1,
      requests: 33,
      without_champion: 6,
      without_challenger: 9,
      without_label: 11,
      bad_champion: 9,
      bad_challenger: 9,
      bad_label: 11,
      batched: 9,
    });
  });

  test('counts captures that it cannot identify, and skips what is no JSON', async () => {
    lake.capture('AllTraffic', undefined, '2013-07-01T00:00:00Z', '1');
    lake.capture('AllTraffic', '', '2013-07-01T00:00:00Z', '1');
    lake.capture('Shadow', 'a', 'yesterday', '1', { hour: '2013/07/01/00' });
    lake.append(`captures/${config}/${endpoint}/Shadow/2013/07/01/00/records.jsonl`, '{"captureData": {"endpo');
    lake.both('b', '2013-07-01T00:00:00Z', '1', '1');
    const result = await pair();
    expect(totals(result).unidentified).toBeGreaterThanOrEqual(3);
    expect(hour(result, 0)).toMatchObject({ requests: 1, without_label: 1 });
  });

  test('does not see what was captured under another config', async () => {
    lake.both('a', '2013-07-01T00:00:00Z', '1', '1');
    lake.capture('Shadow', 'a', '2013-07-01T00:00:00Z', '7', { config: 'temperature-V1-0-2-0badcafe-shadow' });
    expect(hour(await pair(), 0)).toMatchObject({ requests: 1, duplicate_captures: 0 });
  });

  test('is exact on many requests, whatever the order in which they were written', async () => {
    const requests = Array.from({ length: 2000 }, (_, i) => ({
      id: `r${i}`, second: (i * 7919) % (48 * 3600), champion: Math.sin(i) * 40, challenger: Math.cos(i) * 40, label: Math.sin(i + 1) * 40,
    }));
    for (const r of requests) {
      const time = new Date(Date.parse('2013-07-01T00:00:00Z') + r.second * 1000).toISOString().replace('.000', '');
      lake.both(r.id, time, String(r.champion), String(r.challenger));
      lake.label(r.id, time, String(r.label));
    }
    const result = (await pair()).filter((row) => row.hour >= 0);
    expect(result).toHaveLength(48);
    for (const row of result) {
      const own = requests.filter((r) => Math.floor(r.second / 3600) === row.hour);
      expect(row.pairs).toBe(own.length);
      expect(row.champion_loss).toBeCloseTo(own.reduce((sum, r) => sum + (r.champion - r.label) ** 2, 0), 6);
      expect(row.challenger_loss).toBeCloseTo(own.reduce((sum, r) => sum + (r.challenger - r.label) ** 2, 0), 6);
    }
  });
});

describe('the loss history', () => {
  test('has the hourly losses of the champion under all its configs', async () => {
    lake.capture('AllTraffic', 'a', '2013-07-01T00:10:00Z', '10', { config: 'first' });
    lake.capture('AllTraffic', 'b', '2013-07-01T00:50:00Z', '10', { config: 'second' });
    lake.capture('AllTraffic', 'c', '2013-07-01T02:00:00Z', '10', { config: 'second' });
    lake.capture('AllTraffic', 'd', '2013-07-01T03:00:00Z', 'error', { config: 'second' });
    lake.capture('Shadow', 'c', '2013-07-01T02:00:00Z', '99', { config: 'second' });
    lake.capture('AllTraffic', 'e', '2013-07-01T02:00:00Z', '99', { config: 'third' });
    ['a', 'b', 'c', 'd', 'e'].forEach((id, i) => lake.label(id, '2013-07-02T00:00:00Z', String(11 + i)));
    expect(await rows(lossHistorySql({
      configNames: ['first', 'second'],
      endpointName: endpoint,
      championVariant: 'AllTraffic',
      from: '2013-07-01T00:00:00Z',
      until: '2013-07-02T00:00:00Z',
      labelsUntil: '2013-07-03T00:00:00Z',
      loss: 'SQUARED',
    }))).toEqual([{ hour: 0, pairs: 2, loss: 5 }, { hour: 2, pairs: 1, loss: 9 }]);
  });
});
