#!/usr/bin/env node
/**
 * From a fresh clone to a running command: checks the prerequisites, installs the npm packages and the Python
 * environment that this checkout pins, bundles the handlers, and then runs what was asked for on Node 24.
 * Nothing but Node's own modules may be imported here: this is what runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const stamps = join(root, '.cache', 'setup');
const python = join(root, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
const started = Date.now();

const programs = {
  local: ['tsx', '--tsconfig', join(root, 'tsconfig.dev.json'), join(root, 'examples', 'local', 'main.ts')],
  setup: ['node', '--version'],
  verify: ['node', join(root, 'test', 'support', 'verify.mjs')],
};

function say(line) {
  process.stderr.write(`${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s  ${line}\n`);
}

function fail(line) {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

/** The first of the commands whose version is new enough, else one line that names what is missing. */
function prerequisite(name, commands, argument, minimum) {
  const seen = [];
  for (const command of commands) {
    const ran = spawnSync(command, [argument], { encoding: 'utf8', shell: process.platform === 'win32' });
    const version = /(\d+)\.(\d+)/.exec(`${ran.stdout}${ran.stderr}`);
    if (ran.status !== 0 || version === null) continue;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    if (major > minimum[0] || (major === minimum[0] && minor >= minimum[1])) return command;
    seen.push(version[0]);
  }
  const found = seen.length > 0 ? `found ${seen.join(', ')}` : 'it was not found on the PATH';
  return fail(`${name} ${minimum.join('.')} or newer is needed, ${found}: install ${name} and run the command again`);
}

function digest(files, extra = '') {
  const hash = createHash('sha256').update(extra);
  for (const file of files) hash.update(relative(root, file)).update(readFileSync(file));
  return hash.digest('hex');
}

function filesBelow(folder, keep) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name.toString()))
    .filter((file) => statSync(file).isFile() && keep(file))
    .sort();
}

/** Runs a step unless its stamp says that it was done for the same input; its output goes to a log file. */
function step(name, stamp, done, commands, environment) {
  const stampFile = join(stamps, `${name}.stamp`);
  if (done() && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say(`${name} …`);
  const log = join(stamps, `${name}.log`);
  rmSync(stampFile, { force: true });
  const output = openSync(log, 'w');
  for (const [command, ...args] of commands) {
    const ran = spawnSync(command, args, {
      cwd: root, stdio: ['ignore', output, output], env: environment, shell: process.platform === 'win32',
    });
    if (ran.status !== 0) {
      process.stderr.write(readFileSync(log, 'utf8').split('\n').slice(-25).join('\n'));
      fail(`${name} failed; the whole output is in ${relative(root, log)}`);
    }
  }
  writeFileSync(stampFile, stamp);
}

function installed() {
  const node24 = dirname(join(root, 'node_modules', 'node', 'bin', 'node'));
  return {
    ...process.env,
    PATH: [node24, join(root, 'node_modules', '.bin'), dirname(python), process.env.PATH].join(delimiter),
    JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20',
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

function setUp() {
  prerequisite('Node.js', ['node'], '--version', [20, 0]);
  prerequisite('npm', ['npm'], '--version', [9, 0]);
  const systemPython = prerequisite('Python', ['python3', 'python'], '--version', [3, 11]);
  prerequisite('git', ['git'], '--version', [2, 20]);
  mkdirSync(stamps, { recursive: true });

  step('npm packages', digest([join(root, 'package-lock.json')]), () => existsSync(join(root, 'node_modules', 'node', 'bin', 'node')),
    [['npm', 'ci', '--no-audit', '--no-fund']], process.env);
  const requirements = join(root, 'examples', 'local', 'requirements.txt');
  step('Python environment', digest([requirements]), () => existsSync(python), [
    [systemPython, '-m', 'venv', '--clear', join(root, '.venv')],
    [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements],
  ], process.env);
  const sources = filesBelow(join(root, 'src'), (file) => file.endsWith('.ts'));
  step('handler bundles', digest(sources), () => existsSync(join(root, 'assets')), [['projen', 'bundle']], installed());
}

const [command, ...args] = process.argv.slice(2);
const program = programs[command];
if (program === undefined) fail(`usage: setup.mjs ${Object.keys(programs).join('|')} [options]`);
if (command === 'local' && (args.includes('--help') || args.includes('-h'))) {
  process.stdout.write(readFileSync(join(root, 'examples', 'local', 'HELP.txt'), 'utf8'));
  process.exit(0);
}
setUp();
const child = spawn(program[0], [...program.slice(1), ...args], { cwd: process.env.INIT_CWD ?? root, stdio: 'inherit', env: installed() });
// The child decides how it ends: it stops what it has started and then exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
