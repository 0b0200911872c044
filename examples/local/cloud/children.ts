import { ChildProcess, execFileSync, spawn } from 'child_process';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'fs';
import * as path from 'path';
import { SpawnOptions } from './types';

/** Says that a folder is one of ours, so that it may be emptied. */
const MARKER = '.local-cloud';

/** A process, told apart by its start from a later one of the same number. */
export interface Owner {
  readonly pid: number;
  readonly started: string;
}

/**
 * The one folder of a run and the processes that work in it.
 *
 * The folder has one owner at a time. What an interrupted owner has left, processes and files, is cleared when the next
 * one takes the folder; a process is ended only where its start time proves that it is the one recorded.
 */
export class RunFolder {
  readonly temp: string;
  readonly logs: string;
  private readonly lock: string;
  private readonly journal: string;
  private readonly running = new Set<ChildProcess>();

  constructor(readonly root: string, private readonly python: string) {
    this.temp = path.join(root, 'tmp');
    this.logs = path.join(root, 'logs');
    this.lock = path.join(root, 'owner.json');
    this.journal = path.join(root, 'processes.jsonl');
  }

  /** Takes the folder for this process. */
  take(): void {
    const earlier = readLines<Owner>(this.lock)[0];
    if (earlier && earlier.pid !== process.pid && isAlive(earlier)) {
      throw new Error(`another run (process ${earlier.pid}) is using ${this.root}`);
    }
    this.endRecorded();
    const marker = path.join(this.root, MARKER);
    if (existsSync(this.root) && readdirSync(this.root).length > 0 && !existsSync(marker)) {
      throw new Error(`${this.root} is not empty and was not made by a run: it is left as it is`);
    }
    rmSync(this.root, { recursive: true, force: true });
    mkdirSync(this.temp, { recursive: true });
    mkdirSync(this.logs, { recursive: true });
    writeFileSync(marker, 'Made by a run of the local cloud, which empties this folder.\n');
    writeFileSync(this.lock, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }));
  }

  spawn(name: string, program: string, args: string[], options: SpawnOptions): ChildProcess {
    const guard = path.join(__dirname, 'guard.py');
    const log = openSync(path.join(this.logs, `${name}.log`), 'a');
    const child = spawn(this.python, [guard, this.journal, program, ...args], {
      cwd: options.cwd ?? this.temp,
      detached: true,
      env: this.environment(options.env),
      stdio: ['pipe', options.pipe ? 'pipe' : log, options.pipe ? 'pipe' : log],
    });
    closeSync(log);
    this.record(child);
    return child;
  }

  /** A program that itself ends when its standard input closes. */
  spawnDirect(name: string, program: string, args: string[], env: Record<string, string>): ChildProcess {
    const log = openSync(path.join(this.logs, `${name}.log`), 'a');
    const child = spawn(program, args, { cwd: this.temp, detached: true, env: this.environment(env), stdio: ['pipe', log, log] });
    closeSync(log);
    this.record(child);
    return child;
  }

  /** Ends every process of the run and answers when all are gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.running].map(async (child) => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.stdin?.destroy();
      const hard = setTimeout(() => this.endRecorded(), 6000);
      await gone;
      clearTimeout(hard);
    }));
    this.endRecorded();
    rmSync(this.temp, { recursive: true, force: true });
    rmSync(this.journal, { force: true });
    rmSync(this.lock, { force: true });
  }

  private endRecorded(): void {
    for (const left of readLines<Owner>(this.journal)) {
      if (isAlive(left)) endGroup(left.pid);
    }
  }

  private environment(own: Record<string, string> = {}): NodeJS.ProcessEnv {
    const { PATH, HOME, LANG } = process.env;
    return { PATH, HOME, LANG, TMPDIR: this.temp, PYTHONDONTWRITEBYTECODE: '1', ...own };
  }

  private record(child: ChildProcess): void {
    child.on('error', () => this.running.delete(child));
    if (child.pid === undefined) return;
    // A child that ends while it is written to is told by its exit, not by the broken pipe.
    child.stdin?.on('error', () => undefined);
    this.running.add(child);
    child.once('exit', () => this.running.delete(child));
    const started = startOf(child.pid);
    if (started) appendFileSync(this.journal, `${JSON.stringify({ pid: child.pid, started })}\n`);
  }
}

/** When a process started, as the system says it; undefined where there is none. Told apart by it from a later one of the same number. */
export function startOf(pid: number): string | undefined {
  const stat = `/proc/${pid}/stat`;
  if (existsSync('/proc/self/stat')) {
    if (!existsSync(stat)) return undefined;
    // Field 22, counted behind the command's closing parenthesis; field 3 says Z for a process that has ended.
    const fields = readFileSync(stat, 'utf8').replace(/^.*\) /s, '').split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

export function isAlive(owner: Owner): boolean {
  return startOf(owner.pid) === owner.started;
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Already gone.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readLines<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as T);
}
