import * as fs from 'fs';
import * as path from 'path';
import { parseArgs } from 'util';
import { nearest } from './nearest';

/** Input that cannot be used: said in one line, exit code 2. */
export class UnusableInput extends Error {}

export interface Options {
  /** The user's table, or undefined for the sample data. */
  readonly data?: { readonly file: string; readonly target: string; readonly time?: string };
  readonly out: string;
}

const checkout = path.join(__dirname, '..', '..');
const known = { data: { type: 'string' }, target: { type: 'string' }, time: { type: 'string' }, out: { type: 'string' } } as const;

export function parseOptions(args: string[], folder: string): Options {
  const values = read(args);
  for (const [name, value] of Object.entries(values)) {
    if (value === '') throw new UnusableInput(`--${name} is empty`);
  }
  const out = path.resolve(folder, values.out ?? path.join(checkout, '.local'));
  if (fs.existsSync(out) && !fs.statSync(out).isDirectory()) throw new UnusableInput(`--out ${out} is a file: give a folder`);
  if (values.data === undefined) {
    const stray = (['target', 'time'] as const).filter((name) => values[name] !== undefined);
    if (stray.length === 1) throw new UnusableInput(`--${stray[0]} needs --data FILE.csv beside it`);
    if (stray.length > 1) throw new UnusableInput(`--${stray.join(' and --')} need --data FILE.csv beside them`);
    return { out };
  }
  if (values.target === undefined) throw new UnusableInput('--data needs --target COLUMN beside it: the numeric column to predict');
  if (values.target === values.time) throw new UnusableInput(`--target and --time are both ${values.target}: what orders the rows cannot be what is predicted`);
  return { out, data: { file: path.resolve(folder, values.data), target: values.target, time: values.time } };
}

function read(args: string[]): { [name in keyof typeof known]?: string } {
  const names = Object.keys(known);
  for (const arg of args) {
    const name = /^--([^=]+)/.exec(arg)?.[1];
    if (name !== undefined && !names.includes(name)) {
      throw new UnusableInput(`there is no option --${name}; did you mean --${nearest(name, names)}? (npm run local -- --help shows the options)`);
    }
  }
  try {
    return parseArgs({ args, options: known }).values;
  } catch (error) {
    throw new UnusableInput(`${(error as Error).message.split(/\.\s/)[0]} (npm run local -- --help shows the options)`);
  }
}
