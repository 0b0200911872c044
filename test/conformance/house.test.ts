import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';

const root = path.join(__dirname, '..', '..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n').filter((name) => name !== '' && fs.existsSync(path.join(root, name)));
const code = tracked.filter((name) => /^(src|test|examples|resources)\/.*\.(ts|mjs|py)$/.test(name) && !name.endsWith('-function.ts'));
const read = (name: string) => fs.readFileSync(path.join(root, name), 'utf8');
const matches = (names: string[], pattern: RegExp) => names.flatMap((name) => read(name).split('\n')
  .map((line, index) => ({ line, at: `${name}:${index + 1}` }))
  .filter(({ line }) => pattern.test(line)).map(({ line, at }) => `${at}: ${line.trim()}`));

describe('the house', () => {
  test('no file is over 400 lines', () => {
    expect(code.filter((name) => read(name).split('\n').length > 401)).toEqual([]);
  });

  test('no any, no suppression of a check, nothing left to do', () => {
    const others = code.filter((name) => name !== 'test/conformance/house.test.ts');
    expect(matches(others.filter((name) => name.endsWith('.ts')), /(:|\bas|<)\s*any\b(?!thing)/)).toEqual([]);
    expect(matches(others, /eslint-disable|@ts-(ignore|expect-error|nocheck)|\bTODO\b|\bFIXME\b|# type: ignore|# noqa/)).toEqual([]);
  });

  test('no test fails because a machine is slow', () => {
    const tests = code.filter((name) => /\.test\.ts$|\/test_\w+\.py$/.test(name) && name !== 'test/conformance/house.test.ts');
    expect(matches(tests, /expect\(.*(performance|Date)\.now\(\)|TimeInMillis\)|expect\((took|elapsed|each|duration)\)\.toBeLess|perf_counter|time\.(time|monotonic)\(/)).toEqual([]);
  });

  test('what is deployed names no partition', () => {
    const shipped = code.filter((name) => /^src\/.*\.ts$/.test(name));
    expect(matches(shipped, /^(?!\s*(\*|\/\/)).*arn:aws:/)).toEqual([]);
  });

  test('the build definition has at most 120 lines', () => {
    expect(read('.projenrc.ts').trimEnd().split('\n').length).toBeLessThanOrEqual(120);
  });

  test('the top level is what a construct library has', () => {
    const top = ['src', 'test', 'examples', 'API.md', '.projenrc.ts', 'package.json', 'tsconfig.dev.json', 'LICENSE', 'README.md', '.ci/run'];
    expect(top.filter((name) => !fs.existsSync(path.join(root, name)))).toEqual([]);
  });

  test('nothing that is downloaded or built is committed', () => {
    const committed = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n');
    expect(committed.filter((name) => /(^|\/)(node_modules|cdk\.out|\.venv|__pycache__|lib|dist|assets)\//.test(name))).toEqual([]);
    expect(committed.filter((name) => name !== '' && fs.existsSync(path.join(root, name)) && fs.statSync(path.join(root, name)).size > 2_000_000)).toEqual([]);
  });
});
