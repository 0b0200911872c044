import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'fs';
import * as path from 'path';
import { isAlive, Owner, startOf } from './cloud/children';
import { UnusableInput } from './options';

/**
 * Makes the out folder this run's own until the answer is called: two runs that write into one folder would destroy each
 * other's files. What a run that was killed has left of its claim does not count.
 */
export function claim(out: string): () => void {
  const file = path.join(out, 'run.lock');
  const own = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  try {
    mkdirSync(out, { recursive: true });
    for (;;) {
      if (written(file, own)) return () => rmSync(file, { force: true });
      const owner = ownerOf(file);
      if (owner !== undefined && isAlive(owner)) throw new UnusableInput(`another run (process ${owner.pid}) is using ${out}: wait for it or give another --out`);
      rmSync(file, { force: true });
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UnusableInput(`--out ${out} cannot be written to: ${code}`);
  }
}

/** Whether the file was not there before. */
function written(file: string, content: string): boolean {
  try {
    writeFileSync(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function ownerOf(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    // killed while it was written, or given up in this moment
    return undefined;
  }
}
