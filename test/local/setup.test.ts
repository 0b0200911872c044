import { ChildProcess, spawn } from 'child_process';
import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';

const SETUP = path.resolve(__dirname, '../../examples/local/setup.mjs');
const top = mkdtempSync(path.join(tmpdir(), 'setup-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A checkout with this project's setup, and tools that note what they are asked instead of installing anything. */
class Checkout {
  readonly folder = mkdtempSync(path.join(top, 'checkout-'));
  private readonly bin = path.join(this.folder, 'tools');
  private readonly notes = path.join(this.folder, 'notes');

  constructor(pythonVersion: string | undefined = '3.12.1') {
    for (const [name, content] of Object.entries({
      'package-lock.json': '{}',
      'examples/local/HELP.txt': 'what it does\n',
      'examples/local/requirements.txt': 'a==1\n',
      'src/a.ts': '',
      'test/support/requirements.txt': 'b==1\n',
      'test/support/scanners.txt': 'c==1\n',
      'test/support/verify.mjs': 'console.log("verified");\n',
      'examples/local/main.ts': `
        if (process.argv.includes('wait')) {
          setInterval(() => undefined, 1000);
          const ended = (why: string) => { require('fs').appendFileSync('${this.notes}', why + '\\n'); process.exit(why === 'SIGINT' ? 130 : 129); };
          process.on('SIGINT', () => ended('SIGINT'));
          process.on('disconnect', () => ended('disconnect'));
        } else {
          process.exitCode = Number(process.argv[2] ?? 0);
        }
        console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), temp: process.env.TMPDIR }));`,
    })) this.write(name, content);
    mkdirSync(this.bin);
    copyFileSync(SETUP, path.join(this.folder, 'examples/local/setup.mjs'));
    for (const name of ['sh', 'mkdir', 'ln', 'cat', 'sleep']) symlinkSync(`/bin/${name}`, path.join(this.bin, name));
    symlinkSync(process.execPath, path.join(this.bin, 'node'));
    this.tool('git', 'echo git version 2.40.1');
    this.tool('npm', `
      case "$1" in --version) echo 11.0.0; exit;; esac
      echo "npm $1" >> ${this.notes}
      [ -e ${this.folder}/broken ] && { echo the registry is away; exit 1; }
      while [ -e ${this.folder}/slow ]; do sleep 0.1; done
      mkdir -p node_modules/node/bin node_modules/.bin node_modules/tsx/dist
      ln -sf ${process.execPath} node_modules/node/bin/node
      ln -sf ${this.bin}/projen node_modules/.bin/projen
      echo > node_modules/tsx/dist/loader.mjs`);
    this.tool('projen', `echo "projen $1" >> ${this.notes}; mkdir -p assets`);
    this.tool('pip', `echo "pip $3" >> ${this.notes}`);
    if (pythonVersion !== '') {
      this.tool('python3', `
        case "$1" in --version) echo Python ${pythonVersion}; exit;; esac
        echo "python $2" >> ${this.notes}
        mkdir -p "$4/bin"; ln -sf ${this.bin}/pip "$4/bin/python"`);
    }
  }

  write(name: string, content: string): void {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  remove(name: string): void {
    rmSync(path.join(this.folder, name), { force: true });
  }

  /** What the tools were asked since the last time. */
  asked(): string[] {
    const lines = existsSync(this.notes) ? readFileSync(this.notes, 'utf8').trim().split('\n') : [];
    rmSync(this.notes, { force: true });
    return lines;
  }

  start(...args: string[]): ChildProcess {
    return spawn(process.execPath, [path.join(this.folder, 'examples/local/setup.mjs'), ...args], {
      cwd: this.folder, env: { PATH: this.bin, HOME: this.folder }, stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  run(...args: string[]): Promise<Ended> {
    return ended(this.start(...args));
  }

  private tool(name: string, script: string): void {
    const file = path.join(this.bin, name);
    appendFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }
}

function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', ''];
  child.stdout!.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr!.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

const STEPS = ['npm ci', 'python venv', 'pip install', 'projen bundle'];

test('installs what is missing, then runs the program where it was called, and ends as it does', async () => {
  const checkout = new Checkout();
  const { code, out } = await checkout.run('local', '2', '--x');
  expect(code).toBe(2);
  expect(JSON.parse(out)).toEqual({ args: ['2', '--x'], cwd: checkout.folder, temp: path.join(checkout.folder, '.cache/tmp') });
  expect(checkout.asked()).toEqual(STEPS);

  expect((await checkout.run('local')).err).toBe('');
  expect(checkout.asked()).toEqual([]);

  checkout.write('examples/local/requirements.txt', 'a==2\n');
  await checkout.run('local');
  expect(checkout.asked()).toEqual(['python venv', 'pip install']);
});

test('what only the tests need is installed for them alone', async () => {
  const checkout = new Checkout();
  await checkout.run('local');
  expect(checkout.asked()).toEqual(STEPS);
  expect(await checkout.run('verify')).toMatchObject({ code: 0, out: 'verified\n' });
  expect(checkout.asked()).toEqual(['pip install', 'python venv', 'pip install']);
  expect((await checkout.run('verify')).err).toBe('');

  checkout.write('examples/local/requirements.txt', 'a==2\n');
  await checkout.run('verify');
  expect(checkout.asked().slice(0, 3)).toEqual(['python venv', 'pip install', 'pip install']);
});

test('a step that failed is named, and done again by the next run', async () => {
  const checkout = new Checkout();
  checkout.write('broken', '');
  const { code, err } = await checkout.run('local');
  expect(code).toBe(1);
  expect(err).toMatch(/the registry is away\nnpm packages failed; the whole output is in \.cache\/setup\/npm packages\.log/);
  expect(checkout.asked()).toEqual(['npm ci']);

  checkout.remove('broken');
  expect((await checkout.run('local')).code).toBe(0);
  expect(checkout.asked()).toEqual(STEPS);
});

test('two at once in one checkout install once', async () => {
  const checkout = new Checkout();
  checkout.write('slow', '');
  const both = [checkout.start('local'), checkout.start('local')];
  for (const child of both) {
    child.stderr!.on('data', (said: Buffer) => { if (said.toString().includes('waiting for another setup in this checkout')) checkout.remove('slow'); });
  }
  expect((await Promise.all(both.map(ended))).map(({ code }) => code)).toEqual([0, 0]);
  expect(existsSync(path.join(checkout.folder, 'slow'))).toBe(false);
  expect(checkout.asked()).toEqual(STEPS);
  expect(existsSync(path.join(checkout.folder, '.cache/setup/lock'))).toBe(false);
});

test.each([
  ['no Python', '', 'Python 3.11 or newer is needed, it was not found on the PATH: install Python and run the command again\n'],
  ['a Python that is too old', '3.9.2', 'Python 3.11 or newer is needed, found 3.9: install Python and run the command again\n'],
])('%s is one line', async (_, version, line) => {
  const checkout = new Checkout(version);
  expect(await checkout.run('local')).toEqual({ code: 1, out: '', err: line });
  expect(checkout.asked()).toEqual([]);
});

test('help and usage need nothing', async () => {
  const checkout = new Checkout('');
  expect(await checkout.run('local', '--help')).toEqual({ code: 0, out: 'what it does\n', err: '' });
  expect(await checkout.run('remote')).toMatchObject({ code: 1, err: 'usage: setup.mjs local|verify [options]\n' });
});

test.each([['SIGINT', 'SIGINT', 130], ['SIGKILL', 'disconnect', null]] as const)('%s reaches the program', async (signal, seen, code) => {
  const checkout = new Checkout();
  const child = checkout.start('local', 'wait');
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  checkout.asked();
  const end = ended(child);
  child.kill(signal);
  expect((await end).code).toBe(code);
  expect(checkout.asked()).toEqual([seen]);
});
