import { Csv, readCsv } from './csv';
import { nearest } from './nearest';
import { UnusableInput } from './options';

/** A user's table, checked: what the story needs to know of it before anything is started. */
export interface Table {
  readonly name: string;
  /** The target and the features. */
  readonly columns: readonly Column[];
  /** Rows with a target, in the order of time; a missing cell is empty. */
  readonly rows: readonly Record<string, string>[];
  readonly target: string;
  /** What is not played, and why. */
  readonly leftOut: readonly string[];
}

export interface Column {
  readonly name: string;
  readonly numeric: boolean;
}

/** Cells that count as missing. */
const missing = new Set(['', 'na', 'n/a', '#n/a', 'nan', 'null', 'none', '?', '-']);
/** A text column of more values than these names its rows, it does not describe them. */
const MOST_TEXTS = 200;

const isNumber = (cell: string) => /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell) && Number.isFinite(Number(cell));

/** Reads and checks a table; the first thing that is wrong is said in one line. */
export function readTable(file: string, target: string, time: string | undefined, rowsNeeded: number): Table {
  const csv = readCsv(file);
  for (const [option, name] of [['--target', target], ['--time', time]] as const) {
    if (name !== undefined && !csv.names.includes(name)) {
      throw new UnusableInput(`${option} ${name}: there is no such column in ${file}; did you mean ${nearest(name, csv.names)}?`);
    }
  }
  const all = asRows(csv);
  const withTarget = all.filter((row) => row[target] !== '');
  const wrong = withTarget.find((row) => !isNumber(row[target]));
  if (wrong !== undefined) throw new UnusableInput(`--target ${target} is not numeric: it holds "${wrong[target].slice(0, 40)}"`);
  const rows = time === undefined ? withTarget : inOrderOf(withTarget, time, file);
  // a constant target of a small table is said first: more rows would not help
  if (rows.length > 1 && rows.every((row) => Number(row[target]) === Number(rows[0][target]))) {
    throw new UnusableInput(`--target ${target} is constant (${rows[0][target]}): there is nothing to predict`);
  }
  if (rows.length < rowsNeeded) throw new UnusableInput(tooFew(file, target, time, rows.length, all.length, rowsNeeded));
  return { name: file, target, rows, ...columnsOf(csv.names.filter((name) => name !== time), rows, target, all.length, file) };
}

function asRows({ names, records }: Csv): Record<string, string>[] {
  return records.map((record) => Object.fromEntries(names.map((name, i) => [name, missing.has(record[i].toLowerCase()) ? '' : record[i]])));
}

function tooFew(file: string, target: string, time: string | undefined, usable: number, all: number, needed: number): string {
  const which = usable < all ? ` with a ${time === undefined ? target : `${target} and a ${time}`} (of ${all})` : '';
  return `${file} has ${usable} rows${which}; the story needs at least ${needed}`;
}

function columnsOf(names: readonly string[], rows: readonly Record<string, string>[], target: string, all: number, file: string): Pick<Table, 'columns' | 'leftOut'> {
  const leftOut: string[] = rows.length < all ? [`${all - rows.length} rows without a target or a time`] : [];
  const columns: Column[] = [];
  for (const name of names) {
    const values = new Set(rows.map((row) => row[name]));
    values.delete('');
    const numeric = [...values].every(isNumber);
    if (values.size === 0) leftOut.push(`${name}: it is empty`);
    else if (!numeric && values.size > MOST_TEXTS) leftOut.push(`${name}: a text of ${values.size} different values`);
    else columns.push({ name, numeric });
  }
  if (!columns.some(({ name }) => name !== target)) {
    throw new UnusableInput(`${file} has no feature beside ${target}${leftOut.length > 0 ? ` (left out: ${leftOut.join('; ')})` : ''}`);
  }
  return { columns, leftOut };
}

function inOrderOf(all: readonly Record<string, string>[], time: string, file: string): Record<string, string>[] {
  const rows = all.filter((row) => row[time] !== '');
  const instant = rows.every((row) => isNumber(row[time])) ? Number : Date.parse;
  const unreadable = rows.find((row) => Number.isNaN(instant(row[time])));
  if (unreadable !== undefined) {
    throw new UnusableInput(`--time ${time} of ${file} holds "${unreadable[time].slice(0, 40)}", which is neither a time (2024-12-31 or 2024-12-31T23:59:59Z) nor a number`);
  }
  return rows.map((row) => ({ row, at: instant(row[time]) })).sort((a, b) => a.at - b.at).map(({ row }) => row);
}
