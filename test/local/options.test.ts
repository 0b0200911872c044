import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { parseOptions, UnusableInput } from '../../examples/local/options';
import { ROWS_NEEDED } from '../../examples/local/story/own-table';

const folder = mkdtempSync(path.join(tmpdir(), 'options-'));
afterAll(() => rmSync(folder, { recursive: true }));

const refused = (...args: string[]): string => {
  try {
    parseOptions(args, folder);
  } catch (error) {
    if (error instanceof UnusableInput) return error.message;
    throw error;
  }
  throw new Error('it was taken');
};

test('without options the sample data are played and the report goes into the checkout', () => {
  expect(parseOptions([], folder)).toEqual({ out: path.resolve(__dirname, '../../.local') });
});

test('paths are taken from where the command was given', () => {
  expect(parseOptions(['--data', 'x.csv', '--target=y', '--time', 't', '--out', 'there'], folder)).toEqual({
    data: { file: path.join(folder, 'x.csv'), target: 'y', time: 't' },
    out: path.join(folder, 'there'),
  });
});

test('what is missing or unknown is one line', () => {
  writeFileSync(path.join(folder, 'file'), '');
  expect(refused('--data', 'x.csv')).toBe('--data needs --target COLUMN beside it: the numeric column to predict');
  expect(refused('--target', 'y', '--time', 't')).toBe('--target and --time need --data FILE.csv beside them');
  expect(refused('--time', 't')).toBe('--time needs --data FILE.csv beside it');
  expect(refused('--data', 'x.csv', '--target', 'y', '--time', 'y')).toMatch(/^--target and --time are both y/);
  expect(refused('--taget', 'y')).toBe('there is no option --taget; did you mean --target? (npm run local -- --help shows the options)');
  expect(refused('--out', 'file')).toBe(`--out ${folder}/file is a file: give a folder`);
  expect(refused('--out=')).toBe('--out is empty');
});

test.each([
  ['a stray word', ['x.csv']],
  ['an option without its value', ['--data']],
  ['an option in the place of a value', ['--data', '--target', 'y']],
  ['a short option', ['-d', 'x']],
])('%s is one line that points to the help', (_, args) => {
  const line = refused(...args);
  expect(line).toMatch(/\(npm run local -- --help shows the options\)$/);
  expect(line).not.toContain('\n');
});

test('the help says how many rows a table needs', () => {
  expect(readFileSync(path.resolve(__dirname, '../../examples/local/HELP.txt'), 'utf8')).toContain(`at least ${ROWS_NEEDED.toLocaleString('en')} rows`);
});
