import { ChildProcess, spawn } from 'child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { pathToFileURL } from 'url';
import { ROWS_NEEDED } from '../../examples/local/story/own-table';

const CHECKOUT = path.resolve(__dirname, '../..');
const top = mkdtempSync(path.join(tmpdir(), 'interruption-'));
const table = path.join(top, 'table.csv');
const running = new Set<Run>();

beforeAll(() => writeFileSync(table, ['x,y', ...Array.from({ length: ROWS_NEEDED }, (_, i) => `${i % 11},${i % 7}`)].join('\n')));
afterAll(async () => {
  for (const one of running) await one.end('SIGKILL');
  rmSync(top, { recursive: true, force: true });
});

/** Text of a file below /proc; empty where the process has ended meanwhile. */
function proc(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Processes that name the folder in their command line or environment. */
const processesOf = (folder: string) => readdirSync('/proc')
  .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid) && [proc(`${pid}/environ`), proc(`${pid}/cmdline`)].some((text) => text.includes(folder)));

/** Sockets that are listened on, by inode. */
function listening(): Set<string> {
  const lines = ['net/tcp', 'net/tcp6'].flatMap((file) => proc(file).split('\n').slice(1)).map((line) => line.trim().split(/\s+/)).filter((fields) => fields[3] === '0A');
  return new Set(lines.map((fields) => fields[9]));
}

/** What the processes listen on, as sockets: another program may be given the port of a socket that is closed. */
function socketsOf(pids: readonly string[]): string[] {
  const known = listening();
  const links = pids.flatMap((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
    } catch {
      return [];
    }
  });
  return [...new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? '').filter((inode) => known.has(inode)))];
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

/** One run of the command, in a process of its own as `npm run local` starts it. */
class Run {
  readonly temp = mkdtempSync(path.join(top, 'temp-'));
  sockets: string[] = [];
  said = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;

  constructor(readonly out: string) {
    const loader = pathToFileURL(path.join(CHECKOUT, 'node_modules/tsx/dist/loader.mjs')).href;
    this.child = spawn(process.execPath, ['--import', loader, path.join(CHECKOUT, 'examples/local/main.ts'), '--data', table, '--target', 'y', '--out', out], {
      env: { ...process.env, TMPDIR: this.temp, TSX_TSCONFIG_PATH: path.join(CHECKOUT, 'tsconfig.dev.json') }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this);
    for (const stream of [this.child.stdout, this.child.stderr]) stream!.on('data', (chunk: Buffer) => { this.said += chunk.toString(); });
    this.ended = new Promise((resolve) => this.child.once('close', (code) => {
      running.delete(this);
      resolve(code);
    }));
  }

  get processes(): string[] {
    return [...new Set([...processesOf(this.out), ...processesOf(this.temp)])];
  }

  /** Until the local cloud is up and the story has begun. */
  async begun(): Promise<this> {
    await this.until(() => this.said.includes('the first data set'), 500_000);
    this.sockets = socketsOf(this.processes);
    expect(this.processes.length).toBeGreaterThan(1);
    expect(this.sockets.length).toBeGreaterThan(0);
    return this;
  }

  exit(): Promise<number | null> {
    return this.ended;
  }

  end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }

  /** Nothing is left of it: no process, no port, no temporary folder. What tsx has compiled is kept on purpose. */
  async expectGone(): Promise<void> {
    await this.until(() => this.processes.length === 0, 15_000);
    expect(this.sockets.filter((socket) => listening().has(socket))).toEqual([]);
    expect(readdirSync(this.temp).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
  }

  private async until(reached: () => boolean, limit: number): Promise<void> {
    for (const deadline = performance.now() + limit; !reached();) {
      if (performance.now() > deadline) throw new Error(`not reached in time; processes ${this.processes.map((pid) => proc(`${pid}/cmdline`)).join(' ')}; said:\n${this.said}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

test('two runs side by side do not meet; each ends in order when it is told to', async () => {
  const [one, other] = [new Run(path.join(top, 'one')), new Run(path.join(top, 'other'))];
  await Promise.all([one.begun(), other.begun()]);

  const third = new Run(one.out);
  expect(await third.exit()).toBe(2);
  expect(third.said).toMatch(/^another run \(process \d+\) is using .*one: wait for it or give another --out\n$/);

  expect(await one.end('SIGINT')).toBe(130);
  expect(one.said).toMatch(/\ninterrupted by SIGINT: everything that was started has been stopped\n$/);
  await one.expectGone();
  expect(readdirSync(path.join(one.out, 'run'))).not.toContain('tmp');

  expect(socketsOf(other.processes)).toEqual(expect.arrayContaining(other.sockets));
  expect(await other.end('SIGTERM')).toBe(143);
  await other.expectGone();
});

test('a run that is killed leaves nothing running, and the next one in its folder starts', async () => {
  const out = path.join(top, 'killed');
  mkdirSync(out);
  const killed = await new Run(out).begun();
  await killed.end('SIGKILL');
  await killed.expectGone();

  const next = await new Run(out).begun();
  expect(await next.end('SIGINT')).toBe(130);
  await next.expectGone();
});
