import { execFile } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { promisify } from 'util';

const exec = promisify(execFile);

/** What `mlops.json` says of the model in a commit. */
export interface Spec {
  readonly features: readonly string[];
  readonly hyperparameters?: Record<string, string>;
}

/** A data scientist's clone of the model's repository: branches, commits, merges and pushes are git's own. */
export class ModelRepository {
  /** Clones the (empty) remote and puts the first commit onto main, which holds a read-me only. */
  static async clone(remote: string, folder: string, author: string, identity: Record<string, string>, now: () => Date): Promise<ModelRepository> {
    const repository = new ModelRepository(folder, author, identity, now);
    await exec('git', ['clone', '--quiet', remote, folder]);
    await repository.git('checkout', '-q', '-b', 'main');
    fs.writeFileSync(path.join(folder, 'README.md'), '# The model\n');
    await repository.commit('docs: what this repository is for');
    return repository;
  }

  private constructor(
    private readonly folder: string,
    private readonly author: string,
    private readonly identity: Record<string, string>,
    private readonly now: () => Date,
  ) {}

  /** Takes a change through a branch, which is pushed, and its merge into main; answers the merge's commit. Main is not pushed. */
  async merge(branch: string, message: string, change: (folder: string) => void): Promise<string> {
    await this.git('checkout', '-q', '-b', branch, 'main');
    change(this.folder);
    await this.commit(message);
    await this.git('push', '-q', 'origin', branch);
    await this.git('checkout', '-q', 'main');
    await this.git('merge', '-q', '--no-ff', '-m', `Merge branch '${branch}'`, branch);
    return (await this.git('rev-parse', 'HEAD')).trim();
  }

  /** Pushes main, as the scientist or as somebody else: people may push branches only, CodeCommit merges their pull requests. */
  async pushMain(identity: Record<string, string> = this.identity): Promise<void> {
    await run(this.folder, ['push', '-q', 'origin', 'main'], identity);
  }

  private async commit(message: string): Promise<void> {
    await this.git('add', '--all');
    await this.git('commit', '-q', '-m', message);
  }

  private async git(...args: string[]): Promise<string> {
    const date = this.now().toISOString();
    const email = `${this.author.toLowerCase()}@example.com`;
    return run(this.folder, args, {
      ...this.identity,
      GIT_AUTHOR_NAME: this.author,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: this.author,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    });
  }
}

/** Git as in a fresh home: nobody's settings, hooks or keys. */
async function run(folder: string, args: string[], environment: Record<string, string>): Promise<string> {
  const { stdout } = await exec('git', ['-c', 'commit.gpgsign=false', ...args], {
    cwd: folder, env: { ...process.env, ...environment, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  });
  return stdout;
}

/** Copies the model's code into a clone and says in `mlops.json` what to train on. */
export function writeModel(template: string, folder: string, spec: Spec & { target: string }): void {
  fs.cpSync(template, folder, { recursive: true, filter: (file) => !/__pycache__|\.pytest_cache/.test(file) });
  const file = path.join(folder, 'mlops.json');
  const original = JSON.parse(fs.readFileSync(file, 'utf8')) as { hyperparameters?: Record<string, string> };
  const hyperparameters = spec.hyperparameters ?? original.hyperparameters;
  fs.writeFileSync(file, `${JSON.stringify({ ...original, target: spec.target, features: spec.features, hyperparameters }, undefined, 2)}\n`);
}
