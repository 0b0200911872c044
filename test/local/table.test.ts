import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { UnusableInput } from '../../examples/local/options';
import { ownTable, ROWS_NEEDED } from '../../examples/local/story/own-table';
import { readTable, Table } from '../../examples/local/table';

const folder = mkdtempSync(path.join(tmpdir(), 'table-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = path.join(folder, 'table.csv');
const read = (content: string | Buffer, target = 'y', time?: string, needed = 1): Table => {
  writeFileSync(file, content);
  return readTable(file, target, time, needed);
};
const refused = (...given: Parameters<typeof read>): string => {
  try {
    read(...given);
  } catch (error) {
    if (error instanceof UnusableInput) return error.message;
    throw error;
  }
  throw new Error('it was taken');
};

describe('a table that can be used', () => {
  test('numbers, texts and missing cells are told apart', () => {
    const table = read('y,count,kind\n1,3,a\n2,,"b, ""c"""\n,5,a\n4.5e0,NA,\n');
    expect(table.columns).toEqual([{ name: 'y', numeric: true }, { name: 'count', numeric: true }, { name: 'kind', numeric: false }]);
    expect(table.rows).toEqual([{ y: '1', count: '3', kind: 'a' }, { y: '2', count: '', kind: 'b, "c"' }, { y: '4.5e0', count: '', kind: '' }]);
    expect(table.leftOut).toEqual(['1 rows without a target or a time']);
  });

  test.each([
    ['semicolons and decimal commas', 'y;x;text\n1,5;2;a,b\n2,5;,5;c\n', { y: '1.5', x: '2', text: 'a,b' }],
    ['tabs', 'y\tx\n1.5\t2\n2\t3\n', { y: '1.5', x: '2' }],
    ['a byte order mark and Windows line ends', '\ufeffy,x\r\n1.5,2\r\n2,3\r\n', { y: '1.5', x: '2' }],
    ['quoted names with separators', '"y","a; b; c"\n1.5,2\n2,3\n', { 'y': '1.5', 'a; b; c': '2' }],
    ['a line break in a text', 'y,x\n1.5,"a\nb"\n2,c\n', { y: '1.5', x: 'a\nb' }],
    ['a column without a name', ',y\n0,1.5\n1,2\n', { 'column 1': '0', 'y': '1.5' }],
  ])('%s', (_, content, first) => expect(read(content).rows[0]).toEqual(first));

  test('files that are not UTF-8', () => {
    expect(read(Buffer.from('y,größe\n1,2\n2,3\n', 'latin1')).columns[1].name).toBe('größe');
    expect(read(Buffer.from('\ufeffy,größe\n1,2\n2,3\n', 'utf16le')).columns[1].name).toBe('größe');
  });

  test('rows follow the time column, which is no feature; rows of one time keep their order', () => {
    const table = read('t,y,x\n2024-01-03,3,c\n2024-01-01,1,a\n2024-01-03,4,d\n,9,e\n2024-01-02,2,b\n', 'y', 't');
    expect(table.rows.map(({ y }) => y)).toEqual(['1', '2', '3', '4']);
    expect(table.columns.map(({ name }) => name)).toEqual(['y', 'x']);
    expect(read('t,y,x\n10,3,0\n9,1,0\n1,0,0\n', 'y', 't').rows.map(({ y }) => y)).toEqual(['0', '1', '3']);
  });

  test('columns that say nothing are left out, and named', () => {
    const rows = Array.from({ length: 300 }, (_, i) => `${i},id-${i},,${i % 2}`);
    const table = read(['y,id,empty,x', ...rows].join('\n'));
    expect(table.columns.map(({ name }) => name)).toEqual(['y', 'x']);
    expect(table.leftOut).toEqual(['id: a text of 300 different values', 'empty: it is empty']);
  });
});

describe('a table that cannot be used is said in one line', () => {
  test.each([
    ['an empty file', '', /is not a CSV table: its first line must name at least two columns$/],
    ['a text', 'Dear reader\nnothing here\n', /is not a CSV table: its first line must name/],
    ['lines of different lengths', 'y,x\n1,2\n3\n', /is not a CSV table: Invalid Record Length: expect 2, got 1 on line 3$/],
    ['a quote that is not closed', 'y,x\n1,"2\n', /is not a CSV table: Quote Not Closed/],
    ['a binary file', Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), /is not a CSV table: it is a binary file$/],
    ['two columns of one name', 'y,x,x\n1,2,3\n', /has more than one column named x/],
    ['a header only', 'y,x\n', /has 0 rows; the story needs at least 1$/],
    ['a text as the target', 'y,x\n1,2\nhot,3\n', /^--target y is not numeric: it holds "hot"$/],
    ['a target beyond numbers', 'y,x\n1,2\n1e999,3\n', /^--target y is not numeric: it holds "1e999"$/],
    ['a constant target', 'y,x\n1,2\n1.0,3\n', /^--target y is constant \(1\): there is nothing to predict$/],
    ['no feature', 'y,empty\n1,\n2,\n', /has no feature beside y \(left out: empty: it is empty\)$/],
  ])('%s', (_, content, line) => {
    expect(refused(content)).toMatch(line);
    expect(refused(content)).not.toContain('\n');
  });

  test('nothing but a target and a time', () => {
    expect(refused('y,t\n1,1\n2,2\n', 'y', 't')).toBe(`${file} has no feature beside y`);
  });

  test('a missing file, a folder', () => {
    expect(() => readTable(path.join(folder, 'none.csv'), 'y', undefined, 1)).toThrow(`--data ${folder}/none.csv: there is no such file`);
    expect(() => readTable(folder, 'y', undefined, 1)).toThrow(`--data ${folder} is not a file`);
  });

  test('an unknown column offers the nearest name', () => {
    expect(refused('temp,humidity\n1,2\n', 'Humidty')).toBe(`--target Humidty: there is no such column in ${file}; did you mean humidity?`);
    expect(refused('temp,humidity,when\n1,2,3\n', 'temp', 'wen')).toMatch(/^--time wen: .* did you mean when\?$/);
  });

  test('a time that is none', () => {
    expect(refused('t,y\n2024-01-01,1\n13/31/2024,2\n', 'y', 't')).toMatch(/^--time t of .* holds "13\/31\/2024", which is neither a time .* nor a number$/);
  });

  test('too few rows say how many are there and how many it takes', () => {
    expect(refused('y,x\n1,2\n2,3\n', 'y', undefined, 100)).toBe(`${file} has 2 rows; the story needs at least 100`);
    expect(refused('y,x,t\n1,2,1\n2,3,\n,3,2\n', 'y', 't', 100)).toBe(`${file} has 1 rows with a y and a t (of 3); the story needs at least 100`);
  });
});

describe('the story on a table', () => {
  const table = (rows: number): Table => ({
    name: '/somewhere/houses.csv',
    target: 'Price (€)',
    leftOut: [],
    columns: [{ name: 'Price (€)', numeric: true }, { name: 'row_number', numeric: true }, { name: 'Größe', numeric: true }, { name: '1st', numeric: false }, { name: 'grö_e', numeric: true }],
    rows: Array.from({ length: rows }, (_, i) => ({
      'Price (€)': String(100 + i % 7), 'row_number': i % 3 === 0 ? '' : String(i % 7), 'Größe': String(i % 2), '1st': i % 5 === 0 ? '' : 'a "b", c', 'grö_e': '',
    })),
  });

  test('names become such as every engine takes, without clashes', () => {
    const { features, target } = ownTable(table(ROWS_NEEDED), folder);
    expect(target).toBe('price');
    // the feature that follows the target most comes first
    expect(features.few).toEqual(['row_number_2']);
    expect(features.all).toEqual(['row_number_2', 'gr_e', 'c_1st', 'gr_e_2']);
    expect(features.misleading).toEqual([...features.all, 'row_number']);
  });

  test.each([ROWS_NEEDED, 40_000])('every row is history or a request, in order, and known before it is used (%d rows)', (rows) => {
    const scenario = ownTable(table(rows), folder);
    const { requests, batches, at } = scenario;
    const perDay = requests.filter((one) => one.at.getTime() < at.start.getTime() + 86_400_000).length;
    expect(perDay).toBeGreaterThanOrEqual(8);
    expect(perDay).toBeLessThanOrEqual(72);
    expect(requests.length).toBeLessThanOrEqual(rows * 0.7);
    expect(requests[0].at).toEqual(at.start);
    expect(requests.at(-1)!.at.getTime()).toBeGreaterThan(at.end.getTime() - 86_400_000);
    expect(requests.map((one) => one.instance.row_number)).toEqual(requests.map((_, i) => rows - requests.length + i));

    const times = (csv: string) => csv.split('\n').slice(1).map((line) => line.slice(0, 24));
    for (const [batch, when] of [[batches.first, at.start], [batches.second, at.second], [batches.third, at.third]] as const) {
      expect(times(batch.csv).every((time) => Date.parse(time) <= when.getTime() - 86_400_000)).toBe(true);
    }
    // the bad batch is of the second's rows, under its name, and far from what they are
    const target = (csv: string) => {
      const [header, ...lines] = csv.split('\n').map((line) => line.split(','));
      return lines.map((cells) => Number(cells[header.indexOf(scenario.target)]));
    };
    expect(batches.bad.name).toBe(batches.second.name);
    expect(at.bad > at.crashed && at.bad < at.second).toBe(true);
    const [least, most] = [Math.min, Math.max].map((extreme) => target(batches.first.csv).reduce((a, b) => extreme(a, b)));
    expect(target(batches.bad.csv).every((value) => value > most + 10 * (most - least))).toBe(true);
    const numbers = [batches.first, batches.second, batches.third].flatMap(({ csv }) => csv.split('\n').slice(1).map((line) => Number(line.split(',')[1])));
    expect(numbers).toEqual(numbers.map((_, i) => i));
  });

  test('missing cells are null in requests and empty in files; texts are quoted', () => {
    const { requests, batches, script } = ownTable(table(ROWS_NEEDED), folder);
    const [request] = requests.filter(({ instance }) => Number(instance.row_number) % 15 === 0);
    expect(request.instance).toMatchObject({ row_number_2: null, gr_e_2: null, c_1st: null });
    expect(batches.first.csv.split('\n').slice(0, 3).map((line) => line.replace(/^[^,]*,/, ''))).toEqual([
      'row_number,price,row_number_2,gr_e,c_1st,gr_e_2', '0,100,,0,,', '1,101,1,1,"a ""b"", c",',
    ]);
    expect(readFileSync(script, 'utf8')).toContain('SCHEMA = "row_time timestamp, row_number double, `price` double, `row_number_2` double, `gr_e` double, `c_1st` string, `gr_e_2` double"');
  });
});
