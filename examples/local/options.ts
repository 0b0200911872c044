import * as fs from 'fs';
import * as path from 'path';
import { parseArgs } from 'util';

/** Input that cannot be used: said in one line, exit code 2. */
export class UnusableInput extends Error {}

export interface Options {
  /** The user's table, or undefined for the sample data. */
  readonly data?: { readonly file: string; readonly target: string; readonly time?: string };
  readonly out: string;
}

const checkout = path.join(__dirname, '..', '..');

export function parseOptions(args: string[], folder: string): Options {
  const { values } = read(args);
  const out = path.resolve(folder, values.out ?? path.join(checkout, '.local'));
  if (fs.existsSync(out) && !fs.statSync(out).isDirectory()) throw new UnusableInput(`--out ${out} is a file: give a folder`);
  if (values.data === undefined) {
    const stray = (['target', 'time'] as const).filter((name) => values[name] !== undefined);
    if (stray.length > 0) throw new UnusableInput(`--${stray.join(' and --')} needs --data FILE.csv beside it`);
    return { out };
  }
  if (values.target === undefined) throw new UnusableInput('--data needs --target COLUMN beside it: the numeric column to predict');
  return { out, data: { file: path.resolve(folder, values.data), target: values.target, time: values.time } };
}

function read(args: string[]) {
  try {
    return parseArgs({
      args,
      options: { data: { type: 'string' }, target: { type: 'string' }, time: { type: 'string' }, out: { type: 'string' } },
    });
  } catch (error) {
    throw new UnusableInput(`${(error as Error).message.split('. ')[0]} (npm run local -- --help shows the options)`);
  }
}
