import { spawn } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { Ministack } from '../support/ministack';

export const root = path.join(__dirname, '..', '..');
export const instance = path.join(root, 'resources', 'workbench', 'instance');
export const python = path.join(root, '.venv', 'bin', 'python');

export interface Ran { readonly status: number | null; readonly out: string; readonly said: string }

/** What a program in a notebook finds around it: the AWS CLI, a home, and nothing of the settings of who runs the tests. */
export function notebookEnv(home: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: `${path.join(root, '.venv', 'bin')}:${process.env.PATH}`,
    HOME: home,
    LANG: 'C.UTF-8',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: path.join(home, 'no-config'),
    PYTHONDONTWRITEBYTECODE: '1',
    ...more,
  };
}

export function cloudEnv(home: string, cloud: Ministack): Record<string, string> {
  return notebookEnv(home, { AWS_ENDPOINT_URL: cloud.endpoint });
}

export async function run(command: string, args: string[], env: Record<string, string>, cwd?: string): Promise<Ran> {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let said = '';
  child.stdout.on('data', (text: Buffer) => { out += text.toString(); });
  child.stderr.on('data', (text: Buffer) => { said += text.toString(); });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, out, said };
}

/** Files, links and folders below a folder, with what is in them. */
export function tree(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (below: string) => {
    for (const name of fs.readdirSync(path.join(folder, below)).sort()) {
      const relative = path.join(below, name);
      const full = path.join(folder, relative);
      const stat = fs.lstatSync(full);
      if (stat.isSymbolicLink()) found[relative] = `-> ${fs.readlinkSync(full)}`;
      else if (stat.isDirectory()) walk(relative);
      else found[relative] = `${stat.mode & 0o100 ? 'x ' : ''}${fs.readFileSync(full, 'latin1')}`;
      if (stat.isDirectory() && fs.readdirSync(full).length === 0) found[`${relative}/`] = '';
    }
  };
  walk('');
  return found;
}
