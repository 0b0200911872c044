import { ChildProcess, spawn } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { freePort } from '../../examples/local/cloud/free-port';

const python = path.join(__dirname, '../../.venv/bin/python');
const START_LIMIT = 120_000;

/** Shifts the server's clock by the seconds that a file says, as if somebody had set it. */
const SHIFTED_CLOCK = `
import os
from datetime import timedelta
import jupyter_server._tz as tz
real = tz.utcnow
def shifted():
    with open(os.environ["CLOCK_SHIFT"]) as file:
        return real() + timedelta(seconds=float(file.read()))
tz.utcnow = shifted
`;

export interface Kernel { readonly id: string; readonly execution_state: string; readonly last_activity: string }

/** A Jupyter server of a test alone, with kernels and terminals that are real processes. */
export class Jupyter {
  static async start(): Promise<Jupyter> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jupyter-'));
    fs.writeFileSync(path.join(folder, 'clock'), '0');
    fs.mkdirSync(path.join(folder, 'site'));
    fs.writeFileSync(path.join(folder, 'site', 'sitecustomize.py'), SHIFTED_CLOCK);
    const port = await freePort();
    const log = fs.openSync(path.join(folder, 'log'), 'w');
    const server = spawn(python, [
      '-m', 'jupyter_server', '--no-browser', '--allow-root', '--ServerApp.ip=127.0.0.1', `--ServerApp.port=${port}`, '--ServerApp.port_retries=0',
      '--IdentityProvider.token=', '--ServerApp.disable_check_xsrf=True', `--ServerApp.root_dir=${folder}`, '--ServerApp.terminals_enabled=True',
    ], {
      env: {
        ...process.env,
        HOME: folder,
        IPYTHONDIR: path.join(folder, 'ipython'),
        JUPYTER_RUNTIME_DIR: path.join(folder, 'runtime'),
        JUPYTER_CONFIG_DIR: path.join(folder, 'config'),
        PYTHONPATH: path.join(folder, 'site'),
        CLOCK_SHIFT: path.join(folder, 'clock'),
        SHELL: '/bin/sh',
      },
      // without a terminal of its own, whose work would count as the scientist's
      detached: true,
      stdio: ['ignore', log, log],
    });
    fs.closeSync(log);
    const jupyter = new Jupyter(folder, `http://127.0.0.1:${port}`, server);
    await eventually(async () => {
      if (server.exitCode !== null) throw new Error(`Jupyter ended: ${fs.readFileSync(path.join(folder, 'log'), 'utf8').slice(-2000)}`);
      return (await fetch(`${jupyter.url}/api/kernels`).catch(() => undefined))?.ok === true;
    });
    return jupyter;
  }

  private constructor(readonly folder: string, readonly url: string, private readonly server: ChildProcess) {
    process.once('exit', this.kill);
  }

  async newKernel(): Promise<string> {
    return (await this.send<Kernel>('POST', 'kernels', { name: 'python3' })).id;
  }

  async kernel(id: string): Promise<Kernel> {
    return this.send('GET', `kernels/${id}`);
  }

  async interrupt(id: string): Promise<void> {
    await this.send('POST', `kernels/${id}/interrupt`);
  }

  /** Runs a cell as a browser does; the connection is closed as soon as the kernel is at work, or done with it. */
  async run(id: string, code: string, until: 'busy' | 'idle'): Promise<void> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/api/kernels/${id}/channels`);
    await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
    const reached = new Promise<void>((resolve) => {
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(String(data)) as { msg_type: string; parent_header: { msg_id?: string }; content: { execution_state?: string } };
        if (message.msg_type === 'status' && message.parent_header.msg_id === 'cell' && message.content.execution_state === until) resolve();
      };
    });
    socket.send(JSON.stringify({
      header: { msg_id: 'cell', msg_type: 'execute_request', session: 'browser', username: 'ada', version: '5.3', date: new Date().toISOString() },
      parent_header: {},
      metadata: {},
      channel: 'shell',
      buffers: [],
      content: { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: true },
    }));
    await reached;
    socket.close();
    await eventually(async () => (await this.kernel(id)).execution_state === until);
  }

  /** Types a line into a new terminal, and closes the browser. */
  async newTerminal(line: string): Promise<string> {
    const { name } = await this.send<{ name: string }>('POST', 'terminals');
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/terminals/websocket/${name}`);
    await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
    const echoed = new Promise<void>((resolve) => {
      let said = '';
      socket.onmessage = ({ data }) => {
        const [kind, text] = JSON.parse(String(data)) as [string, string];
        if (kind === 'stdout') said += text;
        if (said.includes('typed-it')) resolve();
      };
    });
    socket.send(JSON.stringify(['stdin', `echo typed""-it; ${line}\r`]));
    await echoed;
    socket.close();
    return name;
  }

  async close(kind: 'kernels' | 'terminals', id: string): Promise<void> {
    await this.send('DELETE', `${kind}/${id}`);
  }

  /** Sets the clock that the server tells its times by, seconds from the real one. */
  setClock(shift: number): void {
    fs.writeFileSync(path.join(this.folder, 'clock.new'), String(shift));
    fs.renameSync(path.join(this.folder, 'clock.new'), path.join(this.folder, 'clock'));
  }

  /** A /proc that holds this server's descendants and nothing else of the machine. */
  proc(): string {
    const folder = fs.mkdtempSync(path.join(this.folder, 'proc-'));
    const parents = new Map(fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name): [string, string][] => {
      try {
        return [[name, fs.readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').pop()!.split(' ')[1]]];
      } catch {
        return [];
      }
    }));
    const below = (pid: string | undefined): boolean => pid !== undefined && (pid === String(this.server.pid) || below(parents.get(pid)));
    for (const pid of parents.keys()) if (below(pid)) fs.symlinkSync(`/proc/${pid}`, path.join(folder, pid));
    return folder;
  }

  async stop(): Promise<void> {
    process.removeListener('exit', this.kill);
    if (this.server.exitCode === null) {
      const ended = new Promise((resolve) => this.server.once('exit', resolve));
      this.server.kill('SIGTERM');
      const impatient = setTimeout(() => this.server.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(impatient);
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private readonly kill = (): void => { this.server.kill('SIGKILL'); };

  private async send<T>(method: string, what: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.url}/api/${what}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${what}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}

/** Waits until something holds. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (const limit = Date.now() + START_LIMIT; Date.now() < limit;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`it does not come about within ${START_LIMIT / 1000} seconds`);
}
