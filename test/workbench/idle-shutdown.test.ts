import { spawn } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { eventually, Jupyter } from './jupyter';

const program = path.join(__dirname, '../../resources/workbench/instance/idle_shutdown.py');
const python = path.join(__dirname, '../../.venv/bin/python');
/** In minutes: a notebook of these tests is idle after a second. */
const LIMIT = 1 / 60;
const DAY = 86_400;

let jupyter: Jupyter;
let folder: string;
beforeAll(async () => { jupyter = await Jupyter.start(); });
afterAll(async () => jupyter.stop());
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'idle-'));
  fs.writeFileSync(path.join(folder, 'metadata.json'), JSON.stringify({ ResourceName: 'ada' }));
  fakeAws('exit 0');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** An `aws` command that notes its arguments before it does something else. */
function fakeAws(then: string): void {
  fs.writeFileSync(path.join(folder, 'aws'), `#!/bin/sh\necho "$@" >> ${folder}/stopped\n${then}\n`, { mode: 0o755 });
}

interface Look { readonly status: number | null; readonly stopped: boolean; readonly said: string }

/** One look of the script, as the timer has it. */
async function look(options: { minutes?: number; url?: string; args?: string[] } = {}): Promise<Look> {
  const ran = spawn(python, [
    program, '--minutes', String(options.minutes ?? LIMIT), '--url', options.url ?? jupyter.url, '--metadata', path.join(folder, 'metadata.json'),
    '--state', path.join(folder, 'state.json'), '--proc', jupyter.proc(), ...options.args ?? [],
  ], { env: { ...process.env, PATH: `${folder}:${process.env.PATH}` } });
  let said = '';
  for (const stream of [ran.stdout, ran.stderr]) stream.on('data', (text: Buffer) => { said += text.toString(); });
  const status = await new Promise<number | null>((resolve) => ran.on('close', resolve));
  const stopped = fs.existsSync(path.join(folder, 'stopped'));
  fs.rmSync(path.join(folder, 'stopped'), { force: true });
  return { status, stopped, said };
}

const aWhile = () => new Promise((resolve) => setTimeout(resolve, 1100));

/** Looks again and again until the notebook is stopped. */
const stopsInTheEnd = () => eventually(async () => (await look()).stopped);

/** Looks, waits for longer than the limit, and looks again: is it stopped? */
async function stopsAfterAWhile(): Promise<boolean> {
  await look();
  await aWhile();
  return (await look()).stopped;
}

describe('beside a Jupyter server', () => {
  test('stops a notebook where nothing was ever opened, though not at the first look', async () => {
    fakeAws('[ "$*" = "sagemaker stop-notebook-instance --notebook-instance-name ada" ] || exit 9');
    expect(await look()).toMatchObject({ status: 0, stopped: false });
    await aWhile();
    expect(await look()).toMatchObject({ status: 0, stopped: true });
  });

  test('stops where a kernel is open and idle, after the browser was closed', async () => {
    const kernel = await jupyter.newKernel();
    await jupyter.run(kernel, '1 + 1', 'idle');
    await stopsInTheEnd();
    await jupyter.close('kernels', kernel);
  });

  test('stops where a kernel was started that nobody ever connected to', async () => {
    const kernel = await jupyter.newKernel();
    await stopsInTheEnd();
    await jupyter.close('kernels', kernel);
  });

  test('goes on while a cell runs, also after the browser was closed, and stops when it is done', async () => {
    const kernel = await jupyter.newKernel();
    await jupyter.run(kernel, 'import time; time.sleep(3600)', 'busy');
    expect(await stopsAfterAWhile()).toBe(false);
    expect(await stopsAfterAWhile()).toBe(false);
    await jupyter.interrupt(kernel);
    await eventually(async () => (await jupyter.kernel(kernel)).execution_state === 'idle');
    await stopsInTheEnd();
    await jupyter.close('kernels', kernel);
  });

  test('goes on where a cell ran between two looks', async () => {
    const kernel = await jupyter.newKernel();
    await jupyter.run(kernel, '1', 'idle');
    await look();
    await aWhile();
    await jupyter.run(kernel, '2', 'idle');
    expect(await look()).toMatchObject({ stopped: false });
    await jupyter.close('kernels', kernel);
  });

  test('a kernel that is closed is no work', async () => {
    const kernel = await jupyter.newKernel();
    await jupyter.run(kernel, '1', 'idle');
    await eventually(async () => (await look()).stopped);
    await jupyter.close('kernels', kernel);
    expect((await look()).stopped).toBe(true);
  });

  test('goes on while a program computes in a terminal and prints nothing', async () => {
    const terminal = await jupyter.newTerminal('while :; do :; done');
    for (let i = 0; i < 3; i++) {
      const before = seconds();
      await look();
      await aWhile();
      await eventually(async () => seconds() > before + 0.5);
      expect((await look()).stopped).toBe(false);
    }
    await jupyter.close('terminals', terminal);
  });

  test('stops where a terminal waits', async () => {
    const terminal = await jupyter.newTerminal('sleep 3600');
    await stopsInTheEnd();
    await jupyter.close('terminals', terminal);
  });

  test('goes on where a terminal was opened between two looks', async () => {
    await look();
    await aWhile();
    const terminal = await jupyter.newTerminal('true');
    expect((await look()).stopped).toBe(false);
    await jupyter.close('terminals', terminal);
  });

  test.each([['forward', DAY], ['back', -DAY]])('a clock that is set %s stops nothing that is used, and keeps nothing that is not', async (_, shift) => {
    const kernel = await jupyter.newKernel();
    await jupyter.run(kernel, '1', 'idle');
    await look({ minutes: 60 });
    try {
      jupyter.setClock(shift);
      expect((await look({ minutes: 60 })).stopped).toBe(false);
      await jupyter.run(kernel, '2', 'idle');
      const { said } = await look({ minutes: 60 });
      expect(said).toContain('idle for 0 of 60 minutes');
      await stopsInTheEnd();
    } finally {
      jupyter.setClock(0);
      await jupyter.close('kernels', kernel);
    }
  });

  test('saves before it stops, and stops where that fails', async () => {
    const save = path.join(folder, 'save');
    fs.writeFileSync(save, `#!/bin/sh\nls ${folder} > ${folder}/before\nexit 1\n`, { mode: 0o755 });
    await look();
    await aWhile();
    expect(await look({ args: ['--before-stop', `${save} now`] })).toMatchObject({ status: 0, stopped: true });
    expect(fs.readFileSync(path.join(folder, 'before'), 'utf8')).not.toContain('stopped');
  });

  test('of a Studio space it stops the application', async () => {
    fs.writeFileSync(path.join(folder, 'metadata.json'), JSON.stringify({
      AppType: 'JupyterLab', DomainId: 'd-1', SpaceName: 'ada', ResourceName: 'default', ResourceArn: 'arn:aws:sagemaker:eu-central-1:1:app/d-1/ada/JupyterLab/default',
    }));
    fakeAws('[ "$*" = "sagemaker delete-app --domain-id d-1 --space-name ada --app-type JupyterLab --app-name default" ] || exit 9');
    await look();
    await aWhile();
    expect(await look()).toMatchObject({ status: 0, stopped: true });
  });

  test('says so where it cannot be stopped, and tries again at the next look', async () => {
    fakeAws('exit 254');
    await look();
    await aWhile();
    expect(await look()).toMatchObject({ status: 254, stopped: true });
    fakeAws('exit 0');
    expect(await look()).toMatchObject({ status: 0, stopped: true });
  });
});

test('stops nothing while Jupyter does not answer, and counts anew afterwards', async () => {
  await look();
  await aWhile();
  const silent = await look({ url: 'http://127.0.0.1:1' });
  expect(silent).toMatchObject({ status: 0, stopped: false });
  expect(silent.said).toContain('Jupyter does not answer');
  expect((await look()).stopped).toBe(false);
  await aWhile();
  expect((await look()).stopped).toBe(true);
});

test.each([
  ['what the look before the last start saw', { activity: [], seconds: {}, looked: 1e12, worked: 1 }],
  ['half a file', '{"activity": ['],
])('knows nothing by %s', async (_, state) => {
  fs.writeFileSync(path.join(folder, 'state.json'), typeof state === 'string' ? state : JSON.stringify(state));
  expect(await look()).toMatchObject({ status: 0, stopped: false });
});

/** Processor time of everything below the server. */
function seconds(): number {
  const proc = jupyter.proc();
  return fs.readdirSync(proc).reduce((sum, pid) => {
    try {
      const fields = fs.readFileSync(path.join(proc, pid, 'stat'), 'utf8').split(') ').pop()!.split(' ');
      return sum + (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      return sum;
    }
  }, 0);
}
