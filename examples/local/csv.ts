import * as fs from 'fs';
import { parse } from 'csv-parse/sync';
import { UnusableInput } from './options';

export interface Csv {
  readonly names: readonly string[];
  readonly records: readonly (readonly string[])[];
}

/** Reads a CSV file with a header line. Commas, semicolons and tabs separate; texts may be quoted and have line breaks. */
export function readCsv(file: string): Csv {
  if (!fs.existsSync(file)) throw new UnusableInput(`--data ${file}: there is no such file`);
  if (!fs.statSync(file).isFile()) throw new UnusableInput(`--data ${file} is not a file`);
  const text = decode(file);
  const header = text.slice(0, text.search(/\r|\n|$/));
  const delimiter = separatorOf(header);
  const [names, ...records] = parsed(file, text, delimiter);
  if (names === undefined || names.length < 2) throw new UnusableInput(`${file} is not a CSV table: its first line must name at least two columns`);
  // a column without a name is what data frames write for the number of a row
  const named = names.map((name, i) => name === '' ? `column ${i + 1}` : name);
  const twice = named.find((name, i) => named.indexOf(name) !== i);
  if (twice !== undefined) throw new UnusableInput(`${file} has more than one column named ${twice}: every column needs a name of its own`);
  return { names: named, records: delimiter === ';' ? records.map((record) => record.map(withPoint)) : records };
}

function decode(file: string): string {
  const bytes = fs.readFileSync(file);
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  if (!utf16 && bytes.subarray(0, 65_536).includes(0)) throw new UnusableInput(`${file} is not a CSV table: it is a binary file`);
  try {
    return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function parsed(file: string, text: string, delimiter: string): string[][] {
  try {
    return parse(text, { delimiter, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new UnusableInput(`${file} is not a CSV table: ${(error as Error).message.split(' instead of ')[0]}`);
  }
}

/** What stands between the names of the header, outside of quotes. */
function separatorOf(header: string): string {
  const plain = header.replace(/"[^"]*"/g, '');
  const count = (separator: string) => plain.split(separator).length;
  return [',', ';', '\t'].reduce((best, one) => count(one) > count(best) ? one : best);
}

/** Where semicolons separate, commas are decimal. */
const withPoint = (cell: string) => /^[+-]?\d*,\d+([eE][+-]?\d+)?$/.test(cell) ? cell.replace(',', '.') : cell;
