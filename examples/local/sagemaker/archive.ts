import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

// Python is a prerequisite of the local cloud, a tar program is not.
const PACK = 'import sys, tarfile\nwith tarfile.open(sys.argv[2], "w:gz", compresslevel=1) as t: t.add(sys.argv[1], arcname=".")';
// Python 3.11 has the filter from its fourth release on
const UNPACK = 'import sys, tarfile\nsafe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}\n'
  + 'with tarfile.open(sys.argv[1]) as t: t.extractall(sys.argv[2], **safe)';

/** Makes a .tar.gz of a folder's content. */
export async function pack(python: string, folder: string, file: string): Promise<void> {
  await run(python, ['-c', PACK, folder, file]);
}

export async function unpack(python: string, file: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await run(python, ['-c', UNPACK, file, folder]);
}
