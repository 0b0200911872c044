import * as fs from 'fs';
import * as path from 'path';
import { Table } from '../table';
import { Request, Scenario } from './scenario';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** Days of requests that the story needs, and the requests a day that it needs at least and uses at most. */
const DAYS = 130;
const FEWEST = 12;
const MOST = 72;
/** The part of the rows that is history when the story begins. */
const HISTORY = 0.4;
const START = Date.UTC(2024, 0, 1, 0, 30);

/** Rows that a table must have for every step to have enough requests to be judged. */
export const ROWS_NEEDED = Math.ceil((DAYS * FEWEST) / (1 - HISTORY));

/**
 * The same story on somebody's own table. Its rows keep their order; they become requests at an even pace, so that the
 * story takes as long whatever the table's own time is.
 */
export function ownTable(table: Table, folder: string): Scenario {
  const perDay = Math.min(MOST, Math.floor((table.rows.length * (1 - HISTORY)) / DAYS));
  const history = table.rows.length - perDay * DAYS;
  const names = columnNames(table);
  const at = (index: number) => new Date(START + ((index - history) * DAY) / perDay);
  const after = (days: number) => new Date(START + days * DAY);
  const cell = (value: string, numeric: boolean) => value === '' ? null : numeric ? Number(value) : value;

  const features = table.columns.filter(({ name }) => name !== table.target);
  const requests = table.rows.map((row, index): Request => ({
    at: at(index),
    label: Number(row[table.target]),
    instance: { ...Object.fromEntries(features.map(({ name, numeric }) => [names.get(name)!, cell(row[name], numeric)])), [ROW]: index },
  })).slice(history);
  // What the engineer has at a time: rows whose label is known, a day after the row itself.
  const known = (time: Date) => table.rows.findIndex((_, index) => at(index).getTime() > time.getTime() - DAY);
  const csv = (from: number, until: number) => [
    [TIME, ROW, ...table.columns.map(({ name }) => names.get(name)!)].join(','),
    ...table.rows.slice(from, until).map((row, offset) => [
      at(from + offset).toISOString(), from + offset, ...table.columns.map(({ name }) => quoted(row[name])),
    ].join(',')),
  ].join('\n');
  const [first, second, third] = [after(0), after(30), after(55)].map(known);

  const few = [names.get(strongest(table))!];
  const all = features.map(({ name }) => names.get(name)!);
  return {
    name: path.basename(table.name),
    rows: table.rows.length,
    target: names.get(table.target)!,
    timeColumn: TIME,
    requests,
    strict: false,
    script: writeScript(folder, table, names),
    features: { few, all: [...few, ...all.filter((name) => !few.includes(name))], misleading: [...all, ROW] },
    batches: {
      first: { name: 'first.csv', csv: csv(0, first) }, second: { name: 'second.csv', csv: csv(first, second) }, third: { name: 'third.csv', csv: csv(second, third) },
    },
    at: {
      start: after(0),
      stopped: after(11),
      crashed: after(17),
      second: after(30),
      third: after(55),
      better: after(80),
      misleading: after(104),
      drift: after(104),
      end: new Date(after(DAYS).getTime() - HOUR),
    },
  };
}

const TIME = 'row_time';
const ROW = 'row_number';

/** Names that SQL, Parquet and Spark all take as they are. */
function columnNames(table: Table): Map<string, string> {
  const taken = new Set([TIME, ROW]);
  return new Map(table.columns.map(({ name }) => {
    const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').replace(/^(\d)/, 'c_$1');
    const base = plain === '' ? 'column' : plain;
    let unique = base;
    for (let n = 2; taken.has(unique); n++) unique = `${base}_${n}`;
    taken.add(unique);
    return [name, unique];
  }));
}

/** The numeric feature with the largest correlation to the target: what somebody would begin with. */
function strongest(table: Table): string {
  const target = table.rows.map((row) => Number(row[table.target]));
  const numeric = table.columns.filter((column) => column.numeric && column.name !== table.target);
  const strength = (name: string) => {
    const pairs = table.rows.map((row, i) => [row[name], target[i]] as const).filter(([value]) => value !== '').map(([value, y]) => [Number(value), y]);
    const mean = (k: 0 | 1) => pairs.reduce((total, pair) => total + pair[k], 0) / pairs.length;
    const [mx, my] = [mean(0), mean(1)];
    const sum = (f: (x: number, y: number) => number) => pairs.reduce((total, [x, y]) => total + f(x - mx, y - my), 0);
    const spread = Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
    return spread > 0 ? Math.abs(sum((x, y) => x * y)) / spread : 0;
  };
  const best = [...numeric].sort((a, b) => strength(b.name) - strength(a.name))[0];
  return (best ?? table.columns.find(({ name }) => name !== table.target)!).name;
}

const quoted = (cell: string) => /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

/** The data engineer's script for this table: it names the columns and their types. */
function writeScript(folder: string, table: Table, names: Map<string, string>): string {
  const file = path.join(folder, 'table.py');
  const types = table.columns.map(({ name, numeric }) => `${names.get(name)} ${numeric ? 'double' : 'string'}`);
  const schema = [`${TIME} timestamp`, `${ROW} double`, ...types].join(', ');
  fs.writeFileSync(file, [
    `"""${path.basename(table.name)} to a dataset for predicting ${names.get(table.target)}."""`,
    `SCHEMA = "${schema}"`,
    '',
    '',
    'def transform(spark, source):',
    '    rows = spark.read.csv(source, header=True, schema=SCHEMA, enforceSchema=False, recursiveFileLookup=True)',
    `    return rows.dropDuplicates(["${ROW}"]).where(rows["${names.get(table.target)}"].isNotNull())`,
    '',
  ].join('\n'));
  return file;
}
