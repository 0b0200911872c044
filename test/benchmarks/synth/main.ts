/**
 * Measures what it takes to synthesize a platform with 1, 10 and 100 models, with 50 notebooks and with 100 data pipelines, each in
 * a process of its own, as ratios to an empty app. Prints a table and writes results.json.
 *
 * npm run bench:synth [-- --runs N] [--out DIR]
 *
 * `--runs` (3) runs of each, of which the median counts. Exit code 1 where a template is larger than CloudFormation takes.
 */
import { spawnSync } from 'child_process';
import { mkdirSync, writeFileSync } from 'fs';
import { join } from 'path';
import { parseArgs } from 'util';
import type { Measured } from './measure';

/** CloudFormation's limits for one template. */
const MOST_RESOURCES = 500;
const MOST_BYTES = 1024 * 1024;
const ROOT = join(__dirname, '..', '..', '..');
/** Models, notebooks and data pipelines beside the one that they are trained on. */
const SIZES: Record<string, number[]> = {
  'empty app': [],
  '1 model': [1],
  '10 models': [10],
  '100 models': [100],
  '100 models, 50 notebooks': [100, 50],
  '3 models, 100 data pipelines': [3, 0, 100],
  '100 models, 50 notebooks, 100 data pipelines': [100, 50, 100],
};

function measured(size: readonly number[]): Measured {
  const tsx = join(ROOT, 'node_modules', '.bin', 'tsx');
  const run = spawnSync(tsx, ['--tsconfig', join(ROOT, 'tsconfig.dev.json'), join(__dirname, 'measure.ts'), ...size.map(String)], { encoding: 'utf8', cwd: ROOT });
  const line = run.stdout.split('\n').find((text) => text.startsWith('{"seconds"'));
  if (run.status !== 0 || line === undefined) throw new Error(`${size.join(', ')}: ${run.stdout}${run.stderr}`);
  return JSON.parse(line) as Measured;
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function main(): void {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '3' }, out: { type: 'string', default: join(ROOT, '.cache', 'bench-synth') } },
  });
  const runs = Number(values.runs);
  if (!(Number.isInteger(runs) && runs >= 1)) throw new Error(`--runs must be a whole number of at least 1, got ${values.runs}`);
  const rows = Object.entries(SIZES).map(([name, size]) => {
    const all = Array.from({ length: runs }, () => measured(size));
    process.stderr.write(`${name}\n`);
    return { name, ...all[0], seconds: median(all.map(({ seconds }) => seconds)), memory: median(all.map(({ memory }) => memory)) };
  });
  const [empty] = rows;
  const results = rows.map((row) => ({ ...row, secondsRatio: row.seconds / empty.seconds, memoryRatio: row.memory / empty.memory }));
  const lines = results.map(({ name, seconds, secondsRatio, memory, memoryRatio, resources, bytes }) =>
    `| ${name} | ${seconds.toFixed(1)} s | ${secondsRatio.toFixed(1)} | ${memory.toFixed(0)} MiB | ${memoryRatio.toFixed(1)} | ${resources} | ${(bytes / 1024).toFixed(0)} KiB |`);
  process.stdout.write(['| | processor time | × empty | memory | × empty | resources of the largest template | its size |', '|---|---|---|---|---|---|---|', ...lines, ''].join('\n'));
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  if (results.some(({ resources, bytes }) => resources > MOST_RESOURCES || bytes > MOST_BYTES)) process.exitCode = 1;
}

main();
