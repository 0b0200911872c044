import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const AUTHOR = 'Local cloud';

/** The settings of the machine's user have no say in the repositories of a run. */
export const GIT_ENVIRONMENT: Record<string, string> = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };

export async function git(folder: string, args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run('git', args, {
    cwd: folder, env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...GIT_ENVIRONMENT, ...environment }, maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.trim();
}

export interface Commit {
  readonly id: string;
  readonly message: string;
  readonly author: string;
  readonly authored: string;
  readonly committed: string;
  readonly parents: readonly string[];
}

/** A bare repository. */
export class BareRepository {
  static async create(folder: string, branch = 'main'): Promise<BareRepository> {
    await mkdir(folder, { recursive: true });
    await git(folder, ['init', '--quiet', '--bare', `--initial-branch=${branch}`]);
    // whoever pushes may have set another folder of hooks for all repositories
    await git(folder, ['config', 'core.hooksPath', join(folder, 'hooks')]);
    return new BareRepository(folder);
  }

  private constructor(readonly folder: string) {}

  /** The commit that a branch is at, or nothing where there is no such branch. */
  async head(branch: string): Promise<string | undefined> {
    const id = await git(this.folder, ['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]);
    return id === '' ? undefined : id;
  }

  async branches(): Promise<string[]> {
    const names = await git(this.folder, ['for-each-ref', '--format=%(refname:short)', 'refs/heads']);
    return names === '' ? [] : names.split('\n');
  }

  async commit(id: string): Promise<Commit> {
    const shown = await git(this.folder, ['show', '--no-patch', '--format=%H%x00%an%x00%aI%x00%cI%x00%P%x00%B', `${id}^{commit}`]);
    const [commit, author, authored, committed, parents, message] = shown.split('\0');
    return { id: commit, author, authored, committed, parents: parents === '' ? [] : parents.split(' '), message: message.trim() };
  }

  /** Writes the files of a commit into a new folder; with the repository's history only where asked for. */
  async checkout(id: string, folder: string, history = false): Promise<void> {
    await git(this.folder, ['clone', '--quiet', '--no-checkout', '--no-hardlinks', this.folder, folder]);
    await git(folder, ['checkout', '--quiet', '--detach', id]);
    if (!history) await rm(join(folder, '.git'), { recursive: true });
  }

  /** Makes the first commit of a branch of the files in a folder. */
  async seed(files: string, branch: string, at: Date, scratch: string): Promise<void> {
    const dates = { GIT_AUTHOR_DATE: at.toISOString(), GIT_COMMITTER_DATE: at.toISOString() };
    const identity = { GIT_AUTHOR_NAME: AUTHOR, GIT_COMMITTER_NAME: AUTHOR, GIT_AUTHOR_EMAIL: 'local@example.com', GIT_COMMITTER_EMAIL: 'local@example.com' };
    const work = { GIT_DIR: this.folder, GIT_WORK_TREE: files, GIT_INDEX_FILE: scratch };
    await git(files, ['add', '--all', '--force', '.'], work);
    const tree = await git(files, ['write-tree'], work);
    const commit = await git(files, ['commit-tree', tree, '-m', 'Initial commit'], { ...work, ...dates, ...identity });
    await git(files, ['update-ref', `refs/heads/${branch}`, commit], work);
    await rm(scratch);
  }
}
