import { spawn } from 'child_process';
import * as fs from 'fs';
import * as http from 'http';
import { AddressInfo } from 'net';
import * as os from 'os';
import * as path from 'path';

const program = path.join(__dirname, '../../resources/workbench/idle_shutdown.py');
const python = path.join(__dirname, '../../.venv/bin/python');
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

interface Jupyter { kernels: object[]; terminals: object[] }

/** Runs the script against a server that answers as Jupyter does, with an `aws` command that only notes its arguments. */
async function look(jupyter: Jupyter | undefined, minutes: number): Promise<{ status: number | null; stopped: string; said: string }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'idle-'));
  const stopped = path.join(folder, 'stopped');
  fs.writeFileSync(path.join(folder, 'aws'), `#!/bin/sh\necho "$@" > ${stopped}\n`, { mode: 0o755 });
  fs.writeFileSync(path.join(folder, 'metadata.json'), JSON.stringify({ ResourceName: 'ada' }));
  const server = http.createServer((request, response) => {
    response.end(JSON.stringify(request.url === '/api/kernels' ? jupyter?.kernels : jupyter?.terminals));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (jupyter === undefined) server.close();
  const ran = spawn(python, [program, '--minutes', `${minutes}`, '--url', url, '--metadata', path.join(folder, 'metadata.json')], {
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  });
  let said = '';
  for (const stream of [ran.stdout, ran.stderr]) stream.on('data', (text: Buffer) => { said += text.toString(); });
  const status = await new Promise<number | null>((resolve) => ran.on('close', resolve));
  server.close();
  const argument = fs.existsSync(stopped) ? fs.readFileSync(stopped, 'utf8').trim() : '';
  fs.rmSync(folder, { recursive: true });
  return { status, stopped: argument, said };
}

const idle = { execution_state: 'idle' };
// The machine that runs the tests may have started a moment ago: the limit is below its age.
const limit = 0.02;

test('an idle notebook stops itself', async () => {
  const { status, stopped } = await look({ kernels: [{ ...idle, last_activity: ago(90) }], terminals: [{ name: '1', last_activity: ago(70) }] }, limit);
  expect(stopped).toBe('sagemaker stop-notebook-instance --notebook-instance-name ada');
  expect(status).toBe(0);
});

test('a notebook that nobody ever used stops as well', async () => {
  expect((await look({ kernels: [], terminals: [] }, limit)).stopped).not.toBe('');
});

test.each<[string, Jupyter]>([
  ['a cell computes, however long', { kernels: [{ execution_state: 'busy', last_activity: ago(900) }], terminals: [] }],
  ['a kernel was used', { kernels: [{ ...idle, last_activity: ago(0) }, { ...idle, last_activity: ago(900) }], terminals: [] }],
  ['a terminal was used', { kernels: [{ ...idle, last_activity: ago(900) }], terminals: [{ name: '1', last_activity: ago(0) }] }],
  ['the clock was set back', { kernels: [{ ...idle, last_activity: ago(-300) }], terminals: [] }],
])('goes on while %s', async (_, jupyter) => {
  expect((await look(jupyter, 5)).stopped).toBe('');
});

test('goes on for a while after its start', async () => {
  expect((await look({ kernels: [], terminals: [] }, 1e9)).stopped).toBe('');
});

test('goes on when Jupyter does not answer', async () => {
  const { status, stopped, said } = await look(undefined, limit);
  expect([status, stopped]).toEqual([0, '']);
  expect(said).toContain('Jupyter does not answer');
});
