import * as fs from 'fs';
import { parse } from 'csv-parse/sync';
import { UnusableInput } from './options';

/** A user's table, checked: what the story needs to know of it before anything is started. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Rows with a target, in the order of time. */
  readonly rows: readonly Record<string, string>[];
  readonly target: string;
}

export interface Column {
  readonly name: string;
  readonly numeric: boolean;
}

/** Columns whose cells count as missing. */
const missing = new Set(['', 'NA', 'NaN', 'nan', 'null', 'NULL', 'None']);
const isNumber = (cell: string) => /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell.trim());

export function readTable(file: string, target: string, time: string | undefined, rowsNeeded: number): Table {
  const records = parseCsv(file);
  const names = Object.keys(records[0] ?? {});
  if (names.length < 2) throw new UnusableInput(`${file} is not a CSV table with a header line and at least two columns`);
  for (const [option, name] of [['--target', target], ['--time', time]] as const) {
    if (name !== undefined && !names.includes(name)) {
      throw new UnusableInput(`${option} ${name}: there is no such column in ${file}; did you mean ${nearest(name, names)}?`);
    }
  }
  const rows = records.map((record) => clean(record, names)).filter((row) => row[target] !== '');
  const wrong = rows.find((row) => !isNumber(row[target]));
  if (wrong !== undefined) throw new UnusableInput(`--target ${target} is not numeric: it holds "${wrong[target]}"`);
  if (rows.length < rowsNeeded) {
    throw new UnusableInput(`${file} has ${rows.length} rows with a ${target}; the story needs at least ${rowsNeeded}`);
  }
  if (rows.every((row) => Number(row[target]) === Number(rows[0][target]))) {
    throw new UnusableInput(`--target ${target} is constant (${rows[0][target]}): there is nothing to predict`);
  }
  const columns = names.filter((name) => name !== time).map((name) => ({
    name,
    numeric: rows.every((row) => row[name] === '' || isNumber(row[name])) && rows.some((row) => row[name] !== ''),
  })).filter(({ name, numeric }) => numeric || new Set(rows.map((row) => row[name])).size <= 200);
  if (columns.length < 2) throw new UnusableInput(`${file} has no feature beside ${target}: text columns of over 200 values are left out`);
  return { name: file, target, columns, rows: time === undefined ? rows : inOrderOf(rows, time, file) };
}

function parseCsv(file: string): Record<string, string>[] {
  if (!fs.existsSync(file) || !fs.statSync(file).isFile()) throw new UnusableInput(`--data ${file}: there is no such file`);
  try {
    return parse(fs.readFileSync(file), { columns: true, skip_empty_lines: true, bom: true, trim: true }) as Record<string, string>[];
  } catch (error) {
    throw new UnusableInput(`${file} is not a CSV table: ${(error as Error).message}`);
  }
}

function clean(record: Record<string, string>, names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, missing.has(record[name] ?? '') ? '' : record[name]]));
}

function inOrderOf(rows: Record<string, string>[], time: string, file: string): Record<string, string>[] {
  const instant = (row: Record<string, string>) => isNumber(row[time]) ? Number(row[time]) : Date.parse(row[time]);
  const unreadable = rows.find((row) => Number.isNaN(instant(row)));
  if (unreadable !== undefined) throw new UnusableInput(`--time ${time} of ${file} holds "${unreadable[time]}", which is neither a time nor a number`);
  return rows.map((row, index) => ({ row, index, at: instant(row) }))
    .sort((a, b) => a.at - b.at || a.index - b.index).map(({ row }) => row);
}

/** The name that takes the fewest edits to reach. */
export function nearest(name: string, names: readonly string[]): string {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1].toLowerCase() === b[j - 1].toLowerCase() ? 0 : 1));
      }
      row = next;
    }
    return row[b.length];
  };
  return [...names].sort((a, b) => distance(name, a) - distance(name, b))[0];
}
