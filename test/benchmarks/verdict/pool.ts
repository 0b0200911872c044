import { ChildProcess, fork } from 'child_process';
import { mkdtempSync, rmSync } from 'fs';
import { availableParallelism, tmpdir } from 'os';
import { join } from 'path';
import { buildSync } from 'esbuild';
import { Job, Judged } from './judge';

/** Judges all jobs on all cores; the answers are in the order of the jobs. */
export async function judgeAll(jobs: readonly Job[], progress: (done: number) => void): Promise<Judged[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-verdict-'));
  const worker = join(folder, 'worker.js');
  // twice as fast as with a loader
  buildSync({ entryPoints: [join(__dirname, 'worker.ts')], bundle: true, platform: 'node', target: 'node20', outfile: worker, logLevel: 'error' });
  const answers: Judged[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    const child = fork(worker, { serialization: 'advanced', execArgv: [] });
    try {
      while (next < jobs.length) {
        const mine = next;
        next += 1;
        answers[mine] = await answer(child, jobs[mine]);
        done += 1;
        progress(done / jobs.length);
      }
    } finally {
      if (child.connected) child.disconnect();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, work));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return answers;
}

async function answer(child: ChildProcess, job: Job): Promise<Judged> {
  return new Promise((resolve, reject) => {
    const left = (code: number | null) => reject(new Error(`a worker has ended with ${code ?? 'a signal'}`));
    child.once('exit', left);
    child.once('message', (judged: Judged) => {
      child.off('exit', left);
      resolve(judged);
    });
    child.send(job);
  });
}
