#!/usr/bin/env node
/**
 * From a fresh clone to a running command: checks the prerequisites, installs the npm packages and the Python
 * environment that this checkout pins, bundles the handlers, and then runs what was asked for on Node 24.
 * Nothing but Node's own modules may be imported here: this is what runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const stamps = join(root, '.cache', 'setup');
const temp = join(root, '.cache', 'tmp');
const windows = process.platform === 'win32';
const pythonOf = (environment) => join(root, environment, windows ? 'Scripts/python.exe' : 'bin/python');
const python = pythonOf('.venv');
const started = Date.now();
/** A setup that has not said for so long that it goes on has been killed. */
const LOCK_SECONDS = 20;

const programs = {
  local: {
    run: ['node', '--import', pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href, join(root, 'examples', 'local', 'main.ts')],
    // what tsx compiles is kept in the checkout, and nothing outside of it
    environment: { TSX_TSCONFIG_PATH: join(root, 'tsconfig.dev.json'), TMPDIR: temp, TEMP: temp, TMP: temp },
  },
  verify: { run: ['node', join(root, 'test', 'support', 'verify.mjs')], environment: {}, tests: true },
};

function say(line) {
  process.stderr.write(`${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s  ${line}\n`);
}

function fail(line) {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

/** The first of the commands whose version is new enough, else one line that names what is missing. */
function prerequisite(name, commands, minimum) {
  const seen = [];
  for (const command of commands) {
    const ran = spawnSync(command, ['--version'], { encoding: 'utf8', shell: windows });
    const version = /(\d+)\.(\d+)/.exec(`${ran.stdout}${ran.stderr}`);
    if (ran.status !== 0 || version === null) continue;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    if (major > minimum[0] || (major === minimum[0] && minor >= minimum[1])) return command;
    seen.push(version[0]);
  }
  const found = seen.length > 0 ? `found ${[...new Set(seen)].join(', ')}` : 'it was not found on the PATH';
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

/** Programs that are running now; a signal ends them before this process. */
const running = new Set();

/** Runs a program and answers how it ended: its exit code, or 128 and the number of the signal. */
function run([command, ...args], options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, shell: windows && !/node$/.test(command), ...options });
    running.add(child);
    const ended = (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? 128 + (constants.signals[signal] ?? 1), signal });
    };
    child.on('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      ended(127, null);
    });
    child.on('exit', ended);
  });
}

let interruption;
function interrupted(signal) {
  interruption ??= signal;
  for (const child of running) child.kill(signal);
}

const stampOf = ({ name }) => join(stamps, `${name}.stamp`);
const isDone = (step) => step.made() && existsSync(stampOf(step)) && readFileSync(stampOf(step), 'utf8') === step.stamp;

/** Runs a step's commands; their output goes to a log file. Only a step that has come out leaves its stamp. */
async function perform(step) {
  say(`${step.name} …`);
  const log = join(stamps, `${step.name}.log`);
  rmSync(stampOf(step), { force: true });
  const output = openSync(log, 'w');
  for (const command of step.commands) {
    const { code } = await run(command, { stdio: ['ignore', output, output], env: step.environment });
    if (interruption !== undefined) stopHere();
    if (code !== 0) {
      process.stderr.write(`${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-25).join('\n')}\n`);
      fail(`${step.name} failed; the whole output is in ${relative(root, log)}. The next run does it again`);
    }
  }
  closeSync(output);
  writeFileSync(stampOf(step), step.stamp);
}

function stopHere() {
  process.stderr.write(`interrupted by ${interruption}\n`);
  process.exit(128 + constants.signals[interruption]);
}

/** Two setups at once in one checkout would destroy each other's folders: the second waits for the first. */
async function alone(work) {
  const lock = join(stamps, 'lock');
  for (let told = false; ; await sleep(500)) {
    if (interruption !== undefined) stopHere();
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const touched = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - touched > LOCK_SECONDS * 1000) rmSync(lock, { force: true });
    else if (!told) say('waiting for another setup in this checkout …');
    told = true;
  }
  const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), 2000);
  process.once('exit', () => rmSync(lock, { force: true }));
  await work();
  clearInterval(beat);
  rmSync(lock, { force: true });
}

function installed(more = {}) {
  const node24 = join(root, 'node_modules', 'node', 'bin');
  return {
    ...process.env,
    PATH: [node24, join(root, 'node_modules', '.bin'), dirname(python), process.env.PATH].join(delimiter),
    JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20',
    PYTHONDONTWRITEBYTECODE: '1',
    ...more,
  };
}

/** A Python environment of its own with what a file pins. */
function environmentStep(name, folder, systemPython, requirements) {
  return {
    name,
    stamp: digest([requirements]),
    made: () => existsSync(pythonOf(folder)),
    commands: [[systemPython, '-m', 'venv', '--clear', join(root, folder)], pip(pythonOf(folder), requirements)],
    environment: process.env,
  };
}

const pip = (environment, requirements) => [environment, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '10', '--requirement', requirements];

/** What only the tests need: a Jupyter server beside the engines, and scanners, whose pins would not go with theirs. */
function testSteps(systemPython, requirements) {
  const support = join(root, 'test', 'support');
  const tools = join(support, 'requirements.txt');
  return [
    { name: 'test tools', stamp: digest([requirements, tools]), made: () => existsSync(python), commands: [pip(python, tools)], environment: process.env },
    environmentStep('scanners', join('.venv', 'scanners'), systemPython, join(support, 'scanners.txt')),
  ];
}

async function setUp(tests) {
  prerequisite('Node.js', ['node'], [20, 0]);
  prerequisite('npm', ['npm'], [9, 0]);
  const systemPython = prerequisite('Python', ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'], [3, 11]);
  prerequisite('git', ['git'], [2, 20]);
  mkdirSync(stamps, { recursive: true });
  mkdirSync(temp, { recursive: true });

  const requirements = join(root, 'examples', 'local', 'requirements.txt');
  const sources = filesBelow(join(root, 'src'), (file) => file.endsWith('.ts'));
  const steps = [{
    name: 'npm packages',
    stamp: digest([join(root, 'package-lock.json')]),
    made: () => existsSync(join(root, 'node_modules', 'node', 'bin', 'node')),
    commands: [['npm', 'ci', '--no-audit', '--no-fund', '--fetch-retries=5']],
    environment: process.env,
  },
  environmentStep('Python environment', '.venv', systemPython, requirements),
  ...tests ? testSteps(systemPython, requirements) : [],
  {
    name: 'handler bundles',
    stamp: digest(sources),
    made: () => existsSync(join(root, 'assets')),
    commands: [['projen', 'bundle']],
    environment: installed(),
  }];
  if (steps.every(isDone)) return;
  await alone(async () => {
    for (const step of steps) if (!isDone(step)) await perform(step);
  });
  say('installed');
}

const [command, ...args] = process.argv.slice(2);
const program = programs[command];
if (program === undefined) fail(`usage: setup.mjs ${Object.keys(programs).join('|')} [options]`);
if (command === 'local' && (args.includes('--help') || args.includes('-h'))) {
  process.stdout.write(readFileSync(join(root, 'examples', 'local', 'HELP.txt'), 'utf8'));
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupted(signal));
// Whoever started this has ended without a word: nobody reads what comes of it.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && interrupted('SIGHUP'), 1000).unref();
await setUp(program.tests === true);
// The channel tells the program when this process ends, however it does. The program itself decides how it ends.
const { code, signal } = await run([...program.run, ...args], {
  cwd: process.env.INIT_CWD ?? root, stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env: installed(program.environment), shell: false,
});
if (signal !== null) process.stderr.write(`interrupted by ${signal}\n`);
process.exit(code);
