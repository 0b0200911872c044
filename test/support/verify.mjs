/**
 * Runs everything that must hold: build, lint, documentation, every test. Each step's output goes to a log file and its
 * elapsed time to the screen; the last line counts the tests. A step that fails lets the later ones run, then fails all.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const logs = join(root, '.cache', 'verify');
const jestReport = join(logs, 'jest.json');
const pytestReport = join(logs, 'pytest.xml');
const started = Date.now();
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(0)} s`;

/** What the shell would say for each step; `needed` ends the run when it fails, since nothing after it means anything. */
const steps = [
  { name: 'bundle', run: 'projen pre-compile', needed: true },
  { name: 'compile', run: 'jsii --silence-warnings=reserved-word --fail-on-warnings', needed: true },
  { name: 'types', run: 'tsc --noEmit -p tsconfig.dev.json' },
  { name: 'lint', run: 'ESLINT_USE_FLAT_CONFIG=false eslint --ext .ts,.tsx src test examples .projenrc.ts' },
  { name: 'snippets', run: 'jsii-rosetta extract --strict --fail' },
  { name: 'reference', run: 'jsii-docgen -o .cache/verify/API.md && cmp .cache/verify/API.md API.md' },
  { name: 'project files', run: 'node test/support/generated-files.mjs' },
  {
    name: 'python tests',
    run: `python -m pytest -q -p no:cacheprovider examples/regression-platform --junitxml=${pytestReport}`,
  },
  { name: 'tests', run: `jest --ci --maxWorkers=100% --json --outputFile=${jestReport}` },
];

function counted() {
  let [passed, failed, skipped] = [0, 0, 0];
  if (existsSync(jestReport)) {
    const report = JSON.parse(readFileSync(jestReport, 'utf8'));
    passed += report.numPassedTests;
    failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
    skipped += report.numPendingTests;
  }
  if (existsSync(pytestReport)) {
    const suite = readFileSync(pytestReport, 'utf8');
    const of = (name) => Number(new RegExp(`${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const bad = of('failures') + of('errors');
    failed += bad;
    skipped += of('skipped');
    passed += of('tests') - bad - of('skipped');
  }
  return { passed, failed, skipped };
}

/** Which tests failed and the first words of why: first of all, for a long output may be cut where it is read. */
function failures() {
  if (!existsSync(jestReport)) return [];
  return JSON.parse(readFileSync(jestReport, 'utf8')).testResults.filter((file) => file.status === 'failed').flatMap((file) => {
    const failed = file.assertionResults.filter((test) => test.status === 'failed')
      .map((test) => ({ name: test.fullName, why: test.failureMessages.join('\n') }));
    if (failed.length === 0) failed.push({ name: 'does not run', why: file.message });
    return failed.map(({ name, why }) => `- ${relative(root, file.name)}: ${name}\n${firstWords(why)}`);
  });
}

const firstWords = (text) => text.replace(/\u001b\[[0-9;]*m/g, '').split('\n').filter((line) => line.trim() !== '').slice(0, 12)
  .map((line) => `    ${line.trim().slice(0, 300)}`).join('\n');

rmSync(logs, { recursive: true, force: true });
mkdirSync(logs, { recursive: true });
// what the tests synthesize goes to temporary folders, which nobody else removes
const scratch = mkdtempSync(join(tmpdir(), 'cdk-mlops-verify-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const broken = [];
for (const { name, run, needed } of steps) {
  const log = join(logs, `${name.replaceAll(' ', '-')}.log`);
  const output = openSync(log, 'w');
  const since = Date.now();
  const ran = spawnSync(run, { cwd: root, shell: true, stdio: ['ignore', output, output], env: { ...process.env, CI: 'true', TMPDIR: scratch } });
  const ok = ran.status === 0;
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(14)} ${seconds(since)}\n`);
  if (ok) continue;
  broken.push(name);
  const named = name === 'tests' ? failures() : [];
  const told = named.length > 0 ? named : readFileSync(log, 'utf8').split('\n').slice(-60);
  process.stdout.write(`${told.join('\n')}\n(the whole output is in ${relative(root, log)})\n`);
  if (needed === true) break;
}

const { passed, failed, skipped } = counted();
process.stdout.write(`${broken.length === 0 ? 'everything holds' : `does not hold: ${broken.join(', ')}`}, ${seconds(started)}\n`);
const outside = broken.filter((name) => name !== 'tests' && name !== 'python tests').length;
process.stdout.write(`${passed} passed, ${failed + outside} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exit(broken.length === 0 ? 0 : 1);
