import * as fs from 'fs';
import * as path from 'path';
import { Table } from '../table';
import { LABEL_DELAY, Request, Scenario } from './scenario';
import { DataQualityRule } from 'cdk-mlops';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const START = Date.UTC(2024, 0, 1, 0, 30);

/** A release takes as long as its shadow's window, the labels' delay, the canary and the watch at the most. */
const RELEASE = 39;
/**
 * When people do what, in days from the start. Every release has its time even if its verdict stays open to the end of
 * its window, so that each step finds requests, however the ones before it come out.
 */
const AT = {
  start: 0,
  stopped: 2,
  // the gate may let through what it stops on the sample data
  crashed: 2 + RELEASE,
  bad: 2.5 + RELEASE,
  second: 3 + RELEASE,
  third: 3 + 2 * RELEASE,
  better: 3 + 3 * RELEASE,
  crowd: 3 + 4 * RELEASE,
  misleading: 5 + 4 * RELEASE,
  late: 5 + 5 * RELEASE,
  end: 5 + 6 * RELEASE + 2,
};
/** Requests a day: a verdict takes 200 of them within 28 days of labels at least; more than the most only take longer. */
const FEWEST = 8;
const MOST = 72;
/** The part of the rows that is history when the story begins, at least. */
const HISTORY = 0.3;

/** Rows that a table must have for every step to have enough requests to be judged. */
export const ROWS_NEEDED = Math.ceil((AT.end * FEWEST) / (1 - HISTORY));

const TIME = 'row_time';
const ROW = 'row_number';

/**
 * The same story on somebody's own table. Its rows keep their order; they become requests at an even pace, so that the
 * story takes as long whatever the table's own time is.
 */
export function ownTable(table: Table, folder: string): Scenario {
  const perDay = Math.min(MOST, Math.floor((table.rows.length * (1 - HISTORY)) / AT.end));
  const history = table.rows.length - perDay * AT.end;
  const names = columnNames(table);
  const at = (index: number) => new Date(START + Math.round(((index - history) * DAY) / perDay));
  const after = (days: number) => new Date(START + days * DAY);
  const cell = (value: string, numeric: boolean) => value === '' ? null : numeric ? Number(value) : value;

  const features = table.columns.filter(({ name }) => name !== table.target);
  const requests = table.rows.slice(history).map((row, offset): Request => ({
    at: at(history + offset),
    label: Number(row[table.target]),
    instance: { ...Object.fromEntries(features.map(({ name, numeric }) => [names.get(name)!, cell(row[name], numeric)])), [ROW]: history + offset },
  }));
  // What the engineer has at a time: rows whose label is known, a day after the row itself.
  const known = (days: number) => history + Math.floor((days - LABEL_DELAY / DAY) * perDay);
  const csv = (from: number, until: number, rows = table.rows.slice(from, until)) => [
    [TIME, ROW, ...table.columns.map(({ name }) => names.get(name)!)].join(','),
    ...rows.map((row, offset) => [
      at(from + offset).toISOString(), from + offset, ...table.columns.map(({ name }) => quoted(row[name])),
    ].join(',')),
  ].join('\n');
  const [first, bad, second, third] = [AT.start, AT.bad, AT.second, AT.third].map(known);
  const targets = table.rows.map((row) => Number(row[table.target]));
  const [lowest, highest] = [targets.reduce((a, b) => Math.min(a, b)), targets.reduce((a, b) => Math.max(a, b))];
  const spread = highest - lowest;
  // as from a meter that counts in another unit
  const wrong = table.rows.slice(first, bad).map((row) => ({ ...row, [table.target]: String(highest + 100 * spread) }));

  const one = names.get(strongest(table, first))!;
  const all = [one, ...features.map(({ name }) => names.get(name)!).filter((name) => name !== one)];
  return {
    name: path.basename(table.name),
    rows: table.rows.length,
    target: names.get(table.target)!,
    timeColumn: TIME,
    requests,
    strict: false,
    script: writeScript(folder, table, names),
    quality: [
      DataQualityRule.range(names.get(table.target)!, lowest - 10 * spread, highest + 10 * spread),
      DataQualityRule.rowCountChange({ maxDecreasePercent: 10, maxIncreasePercent: 300 }),
    ],
    features: { few: [one], all, misleading: [...all, ROW] },
    batches: {
      first: { name: 'first.csv', csv: csv(0, first) },
      bad: { name: 'second.csv', csv: csv(first, bad, wrong) },
      second: { name: 'second.csv', csv: csv(first, second) },
      third: { name: 'third.csv', csv: csv(second, third) },
    },
    at: {
      start: after(AT.start),
      stopped: after(AT.stopped),
      crashed: after(AT.crashed),
      bad: after(AT.bad),
      second: after(AT.second),
      third: after(AT.third),
      better: after(AT.better),
      crowd: after(AT.crowd),
      misleading: after(AT.misleading),
      late: after(AT.late),
      // the alarm may go off as soon as nothing else is merged any more
      drift: after(AT.late),
      end: new Date(after(AT.end).getTime() - HOUR),
    },
  };
}

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

/** The numeric feature with the largest correlation to the target in the history: what somebody would begin with. */
function strongest(table: Table, history: number): string {
  const rows = table.rows.slice(0, history);
  const target = rows.map((row) => Number(row[table.target]));
  const numeric = table.columns.filter((column) => column.numeric && column.name !== table.target);
  const strength = (name: string) => {
    const pairs = rows.map((row, i) => [row[name], target[i]] as const).filter(([value]) => value !== '').map(([value, y]) => [Number(value), y]);
    const mean = (k: 0 | 1) => pairs.reduce((total, pair) => total + pair[k], 0) / pairs.length;
    const [mx, my] = [mean(0), mean(1)];
    const sum = (f: (x: number, y: number) => number) => pairs.reduce((total, [x, y]) => total + f(x - mx, y - my), 0);
    const spread = Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
    return spread > 0 ? Math.abs(sum((x, y) => x * y)) / spread : 0;
  };
  const [best] = numeric.map(({ name }) => ({ name, strength: strength(name) })).sort((a, b) => b.strength - a.strength);
  return (best ?? table.columns.find(({ name }) => name !== table.target)!).name;
}

const quoted = (cell: string) => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

/** The data engineer's script for this table: it names the columns and their types. */
function writeScript(folder: string, table: Table, names: Map<string, string>): string {
  const file = path.join(folder, 'table.py');
  const types = table.columns.map(({ name, numeric }) => `\`${names.get(name)}\` ${numeric ? 'double' : 'string'}`);
  const schema = [`${TIME} timestamp`, `${ROW} double`, ...types].join(', ');
  fs.writeFileSync(file, [
    `"""A table of rows in time to a dataset for predicting ${names.get(table.target)}."""`,
    `SCHEMA = "${schema}"`,
    '',
    '',
    'def transform(spark, source):',
    '    rows = spark.read.csv(source, header=True, schema=SCHEMA, enforceSchema=False, multiLine=True, escape=\'"\', recursiveFileLookup=True)',
    `    return rows.dropDuplicates(["${ROW}"]).where(rows["${names.get(table.target)}"].isNotNull())`,
    '',
  ].join('\n'));
  return file;
}
