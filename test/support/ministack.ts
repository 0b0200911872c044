import { ChildProcess, spawn } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { freePort } from '../../examples/local/cloud/free-port';

/** A local AWS endpoint (S3, DynamoDB, SQS, SNS, EventBridge and more over the wire protocol) of this test alone. */
export interface Ministack {
  readonly endpoint: string;
  /** Region and credentials that go with it, as an SDK client takes them. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Ends the process and removes its folders. May be called twice. */
  stop(): Promise<void>;
}

const executable = path.join(__dirname, '..', '..', '.venv', 'bin', 'ministack');
const START_LIMIT = 120_000;

/** Starts one on a free port of 127.0.0.1, with folders of its own. */
export async function startMinistack(): Promise<Ministack> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ministack-'));
  for (const each of ['tmp', 'state', 's3']) fs.mkdirSync(path.join(folder, each));
  const port = await freePort();
  const log = fs.openSync(path.join(folder, 'log'), 'w');
  const child = spawn(executable, [], {
    env: {
      ...process.env,
      TMPDIR: path.join(folder, 'tmp'),
      STATE_DIR: path.join(folder, 'state'),
      S3_DATA_DIR: path.join(folder, 's3'),
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      SFTP_ENABLED: '0',
      IOT_MTLS_ENABLED: '0',
      LOG_LEVEL: 'WARNING',
    },
    stdio: ['ignore', log, log],
  });
  fs.closeSync(log);
  const endpoint = `http://127.0.0.1:${port}`;
  // a test run that ends without stopping it must not leave it behind
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.removeListener('exit', kill);
    await ended(child);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    await healthy(endpoint, child);
  } catch (error) {
    const said = fs.readFileSync(path.join(folder, 'log'), 'utf8').slice(-2000);
    await stop();
    throw new Error(`ministack did not start: ${error instanceof Error ? error.message : String(error)}\n${said}`);
  }
  return { endpoint, client: { endpoint, region: 'eu-central-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }, stop };
}

async function healthy(endpoint: string, child: ChildProcess): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => { failure = error; });
  for (const limit = Date.now() + START_LIMIT; Date.now() < limit;) {
    if (failure !== undefined) throw failure;
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`);
    try {
      const answer = await fetch(`${endpoint}/_ministack/health`);
      if (answer.ok) return;
    } catch {
      // not listening yet
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it does not answer within ${START_LIMIT / 1000} seconds`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exit;
  clearTimeout(impatient);
}
