import { cp, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';

import { Artifacts } from './buildspec';
import { AwsError } from '../cloud/types';

/** A pattern of artifact files: `*` and `?` within a folder's name, `**` across folders; a folder stands for all that is in it. */
function pattern(written: string): RegExp {
  const source = written.replace(/^\.\//, '').replace(/\*\*\/|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (piece) => {
    switch (piece) {
      case '**/': return '(?:.*/)?';
      case '**': return '.*';
      case '*': return '[^/]*';
      case '?': return '[^/]';
      default: return `\\${piece}`;
    }
  });
  return new RegExp(`^${source.replace(/\/$/, '')}(?:/.*)?$`);
}

/** Copies what a buildspec's artifacts name out of a build's folder into a new folder. */
export async function collect(artifacts: Artifacts, source: string, target: string): Promise<void> {
  const base = join(source, artifacts.baseDirectory);
  await mkdir(target, { recursive: true });
  const entries = await readdir(base, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => relative(base, join(entry.parentPath, entry.name)));
  for (const written of artifacts.files) {
    const wanted = pattern(written);
    const found = files.filter((file) => wanted.test(file));
    if (found.length === 0) throw new AwsError('CLIENT_ERROR', `no matching artifact paths found: ${written}`);
    for (const file of found) {
      const to = join(target, artifacts.discardPaths ? basename(file) : file);
      await mkdir(dirname(to), { recursive: true });
      await cp(join(base, file), to);
    }
  }
}
