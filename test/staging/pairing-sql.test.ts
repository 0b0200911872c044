import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { lossHistorySql, PAIRING_COLUMNS, PairingLoss, pairingSql, TOTALS_HOUR } from '../../src/domain/pairing-sql';

const config = 'temperature-V1-0-1-0badcafe-shadow';
const endpoint = 'temperature';
let lake: string;
let duckdb: DuckDBConnection;

const hourOf = (time: string) => time.slice(0, 13).replace(/[-T]/g, '/');
const append = (key: string, line: object | string) => {
  const file = path.join(lake, key);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.appendFileSync(file, `${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
};
type Where = { config?: string; hour?: string };
const capture = (variant: string, id: string | undefined, time: string, output: string | undefined, options: Where = {}) =>
  append(`captures/${options.config ?? config}/${endpoint}/${variant}/${options.hour ?? hourOf(time)}/records.jsonl`, {
    captureData: {
      endpointInput: { observedContentType: 'text/csv', mode: 'INPUT', data: '1,2\n', encoding: 'CSV' },
      ...(output === undefined ? {} : { endpointOutput: { observedContentType: 'text/csv; charset=utf-8', mode: 'OUTPUT', data: output, encoding: 'CSV' } }),
    },
    eventMetadata: { eventId: `${variant}-${id}-${time}`, ...(id === undefined ? {} : { inferenceId: id }), inferenceTime: time },
    eventVersion: '0',
  });
const label = (id: string, arrived: string, value: string) => append(`ground-truth/${hourOf(arrived)}/labels.jsonl`, {
  groundTruthData: { data: value, encoding: 'CSV' }, eventMetadata: { eventId: id }, eventVersion: '0',
});
const both = (id: string, time: string, champion: string, challenger: string) => {
  capture('AllTraffic', id, time, champion);
  capture('Shadow', id, time, challenger);
};

/** The two tables of the observation store over the files, partition columns from the keys. */
async function openTables(): Promise<void> {
  append('captures/none/none/none/2000/01/01/00/records.jsonl', {});
  append('ground-truth/2000/01/01/00/labels.jsonl', {});
  const side = 'STRUCT(observedContentType VARCHAR, mode VARCHAR, data VARCHAR, encoding VARCHAR)';
  const read = (glob: string, columns: string) => `read_json('${lake}/${glob}', format='newline_delimited', filename=true, hive_partitioning=false,
    ignore_errors=true, columns={${columns}})`;
  const part = (i: number) => `split_part(replace(filename, '${lake}/', ''), '/', ${i})`;
  await duckdb.run(`CREATE OR REPLACE VIEW captures AS SELECT captureData AS capturedata, eventMetadata AS eventmetadata,
    ${part(2)} AS config_name, ${part(3)} AS endpoint, ${part(4)} AS variant, ${part(5)}||'/'||${part(6)}||'/'||${part(7)}||'/'||${part(8)} AS datehour
    FROM ${read('captures/**/*.jsonl', `captureData: 'STRUCT(endpointInput ${side}, endpointOutput ${side})',
      eventMetadata: 'STRUCT(eventId VARCHAR, inferenceId VARCHAR, inferenceTime VARCHAR)', eventVersion: 'VARCHAR'`)}`);
  await duckdb.run(`CREATE OR REPLACE VIEW ground_truth AS SELECT groundTruthData AS groundtruthdata, eventMetadata AS eventmetadata,
    ${part(2)}||'/'||${part(3)}||'/'||${part(4)}||'/'||${part(5)} AS datehour
    FROM ${read('ground-truth/**/*.jsonl', `groundTruthData: 'STRUCT(data VARCHAR, encoding VARCHAR)', eventMetadata: 'STRUCT(eventId VARCHAR)',
      eventVersion: 'VARCHAR'`)}`);
}

type Row = Record<string, number>;
async function rows(sql: string): Promise<Row[]> {
  await openTables();
  const result = await duckdb.runAndReadAll(sql);
  return result.getRowObjects().map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])));
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
  lake = fs.mkdtempSync(path.join(os.tmpdir(), 'pairing-'));
  duckdb = await (await DuckDBInstance.create(':memory:')).connect();
});
afterEach(() => {
  duckdb.closeSync();
  fs.rmSync(lake, { recursive: true });
});

describe('the pairing SQL', () => {
  test('answers its totals row, and nothing else, where there is nothing', async () => {
    const result = await pair();
    expect(result).toHaveLength(1);
    expect(Object.keys(result[0])).toEqual([...PAIRING_COLUMNS]);
    expect(totals(result)).toMatchObject({ pairs: 0, champion_loss: 0, unidentified: 0, unknown_labels: 0 });
  });

  test('sums the losses of each hour', async () => {
    both('a', '2013-07-01T00:00:00Z', '10\n', '{"predictions": [11]}');
    both('b', '2013-07-01T00:59:59Z', '20', '20.5');
    both('c', '2013-07-01T01:00:00Z', '-3', '1e0');
    label('a', '2013-07-02T00:00:00Z', '12');
    label('b', '2013-07-02T06:00:00Z', '21');
    label('c', '2013-07-02T06:00:00Z', '0\n');
    const result = await pair();
    expect(hour(result, 0)).toMatchObject({ pairs: 2, requests: 2, champion_loss: 5, challenger_loss: 1.25 });
    expect(hour(result, 1)).toMatchObject({ pairs: 1, champion_loss: 9, challenger_loss: 1 });
    expect(result.map((row) => row.hour)).toEqual([TOTALS_HOUR, 0, 1]);
  });

  test('measures the absolute error where asked to', async () => {
    both('a', '2013-07-01T00:00:00Z', '10', '15');
    label('a', '2013-07-02T00:00:00Z', '12');
    expect(hour(await pair('ABSOLUTE'), 0)).toMatchObject({ pairs: 1, champion_loss: 2, challenger_loss: 3 });
  });

  test('leaves requests after the last complete hour, or before the first, for another look', async () => {
    both('before', '2013-06-30T23:59:59Z', '1', '1');
    both('inside', '2013-07-02T23:59:59Z', '1', '1');
    both('after', '2013-07-03T00:00:00Z', '1', '1');
    ['before', 'inside', 'after'].forEach((id) => label(id, '2013-07-04T00:00:00Z', '1'));
    const result = await pair();
    expect(result.map((row) => row.hour)).toEqual([TOTALS_HOUR, 47]);
    expect(totals(result).unknown_labels).toBe(0);
  });

  test('counts a request once when its capture is there twice, also in another hour: the first one counts', async () => {
    both('a', '2013-07-01T00:59:59Z', '10', '10');
    capture('Shadow', 'a', '2013-07-01T00:59:59Z', '10');
    capture('Shadow', 'a', '2013-07-01T01:00:01Z', '99');
    capture('AllTraffic', 'a', '2013-07-01T00:59:59Z', '10', { hour: '2013/07/01/01' });
    label('a', '2013-07-02T00:00:00Z', '11');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 1, requests: 1, champion_loss: 1, challenger_loss: 1, duplicate_captures: 3 });
  });

  test('takes the latest label of a request', async () => {
    both('a', '2013-07-01T00:00:00Z', '10', '10');
    label('a', '2013-07-02T09:00:00Z', '12');
    label('a', '2013-07-02T10:00:00Z', '11');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 1, champion_loss: 1, duplicate_labels: 1 });
  });

  test('counts requests that lack a side', async () => {
    capture('AllTraffic', 'no-challenger', '2013-07-01T00:00:00Z', '1');
    capture('Shadow', 'no-champion', '2013-07-01T00:00:01Z', '1');
    both('no-label', '2013-07-01T00:00:02Z', '1', '1');
    both('whole', '2013-07-01T00:00:03Z', '1', '1');
    ['no-challenger', 'no-champion', 'whole', 'stranger'].forEach((id) => label(id, '2013-07-02T00:00:00Z', '1'));
    const result = await pair();
    expect(hour(result, 0)).toMatchObject({ pairs: 1, requests: 4, without_challenger: 1, without_champion: 1, without_label: 1 });
    expect(totals(result)).toMatchObject({ unknown_labels: 1 });
  });

  test.each(['', 'error', 'NaN', 'Infinity', '1_000', '0x1p3', '1d', '1e400', '-', '1-2', '{"prediction":1}', '1e151'])('does not take %j for a number', async (output) => {
    both('a', '2013-07-01T00:00:00Z', '1', output);
    both('b', '2013-07-01T00:00:01Z', output, '1');
    both('c', '2013-07-01T00:00:02Z', '1', '1');
    label('a', '2013-07-02T00:00:00Z', '1');
    label('b', '2013-07-02T00:00:00Z', '1');
    label('c', '2013-07-02T00:00:00Z', output);
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 0, requests: 3, bad_challenger: 1, bad_champion: 1, bad_label: 1, batched: 0 });
  });

  test('counts an answer that was not captured as none', async () => {
    capture('AllTraffic', 'a', '2013-07-01T00:00:00Z', '1');
    capture('Shadow', 'a', '2013-07-01T00:00:00Z', undefined);
    label('a', '2013-07-02T00:00:00Z', '1');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 0, bad_challenger: 1, without_challenger: 0 });
  });

  test.each(['1\n2\n', '1.5,2.5', '{"predictions": [1, 2]}'])('counts the batch %j as one, not as an error of a model', async (output) => {
    both('a', '2013-07-01T00:00:00Z', output, output);
    label('a', '2013-07-02T00:00:00Z', '1');
    expect(hour(await pair(), 0)).toMatchObject({ pairs: 0, batched: 1, bad_champion: 0, bad_challenger: 0 });
  });

  test('counts captures that it cannot identify, and skips what is no JSON', async () => {
    capture('AllTraffic', undefined, '2013-07-01T00:00:00Z', '1');
    capture('AllTraffic', '', '2013-07-01T00:00:00Z', '1');
    capture('Shadow', 'a', 'yesterday', '1', { hour: '2013/07/01/00' });
    append(`captures/${config}/${endpoint}/Shadow/2013/07/01/00/records.jsonl`, '{"captureData": {"endpo');
    both('b', '2013-07-01T00:00:00Z', '1', '1');
    const result = await pair();
    expect(totals(result).unidentified).toBeGreaterThanOrEqual(3);
    expect(hour(result, 0)).toMatchObject({ requests: 1, without_label: 1 });
  });

  test('does not see what was captured under another config', async () => {
    both('a', '2013-07-01T00:00:00Z', '1', '1');
    capture('Shadow', 'a', '2013-07-01T00:00:00Z', '7', { config: 'temperature-V1-0-2-0badcafe-shadow' });
    expect(hour(await pair(), 0)).toMatchObject({ requests: 1, duplicate_captures: 0 });
  });

  test('is exact on many requests, whatever the order in which they were written', async () => {
    const requests = Array.from({ length: 2000 }, (_, i) => ({
      id: `r${i}`, second: (i * 7919) % (48 * 3600), champion: Math.sin(i) * 40, challenger: Math.cos(i) * 40, label: Math.sin(i + 1) * 40,
    }));
    for (const r of requests) {
      const time = new Date(Date.parse('2013-07-01T00:00:00Z') + r.second * 1000).toISOString().replace('.000', '');
      both(r.id, time, String(r.champion), String(r.challenger));
      label(r.id, time, String(r.label));
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
    capture('AllTraffic', 'a', '2013-07-01T00:10:00Z', '10', { config: 'first' });
    capture('AllTraffic', 'b', '2013-07-01T00:50:00Z', '10', { config: 'second' });
    capture('AllTraffic', 'c', '2013-07-01T02:00:00Z', '10', { config: 'second' });
    capture('AllTraffic', 'd', '2013-07-01T03:00:00Z', 'error', { config: 'second' });
    capture('Shadow', 'c', '2013-07-01T02:00:00Z', '99', { config: 'second' });
    capture('AllTraffic', 'e', '2013-07-01T02:00:00Z', '99', { config: 'third' });
    ['a', 'b', 'c', 'd', 'e'].forEach((id, i) => label(id, '2013-07-02T00:00:00Z', String(11 + i)));
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
