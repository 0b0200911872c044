/**
 * Simulates shadow comparisons whose truth is known, and judges them with the shipped verdict and with what others do.
 *
 * npm run bench:verdict [-- --runs N] [--only TEXT] [--out DIR] [--write]
 *
 * `--runs` (1,000) runs of each cell, `--only` scenarios whose name contains the text, `--write` also puts the tables
 * into RESULTS.md beside this file. Exit code 1 where a cell with a wrong promotion rate above 5 % is found, or the real
 * streams are decided otherwise than expected.
 */
import { mkdirSync, writeFileSync } from 'fs';
import { join } from 'path';
import { parseArgs } from 'util';
import { blockLengths, cellsOf, isWrongToPromote } from './cells';
import { plot } from './plot';
import { judgeAll } from './pool';
import { weatherVerdicts } from './real';
import { percent, placeOf, ScenarioResult } from './report';
import { results } from './results';
import { BEYOND, GRID, nameOf, Scenario } from './scenarios';

const CHUNK = 50;

async function simulate(scenarios: readonly Scenario[], runs: number): Promise<ScenarioResult[]> {
  const chunks = Array.from({ length: Math.ceil(runs / CHUNK) }, (_, i) => ({ firstRun: i * CHUNK, runs: Math.min(CHUNK, runs - i * CHUNK) }));
  const jobs = scenarios.flatMap((scenario) => chunks.map((chunk) => ({ scenario, ...chunk })));
  let told = 0;
  const judged = await judgeAll(jobs, (done) => {
    if (done - told < 0.1 && done < 1) return;
    told = done;
    process.stderr.write(`${Math.round(done * 100)} %\n`);
  });
  return scenarios.map((scenario, i) => {
    const own = judged.slice(i * chunks.length, (i + 1) * chunks.length);
    return { scenario, cells: cellsOf(scenario, own), blockHours: blockLengths(own) };
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000' },
      only: { type: 'string', default: '' },
      out: { type: 'string', default: join(__dirname, '..', '..', '..', '.cache', 'bench-verdict') },
      write: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  if (!(Number.isInteger(runs) && runs >= 1)) throw new Error(`--runs must be a whole number of at least 1, got ${values.runs}`);
  const chosen = (scenarios: readonly Scenario[]) => scenarios.filter((scenario) => nameOf(scenario).includes(values.only));
  const [grid, beyond] = [chosen(GRID), chosen(BEYOND)];
  if (grid.length + beyond.length === 0) throw new Error(`no scenario has '${values.only}' in its name: ${[...GRID, ...BEYOND].map(nameOf).join('; ')}`);

  const started = Date.now();
  const all = await simulate([...grid, ...beyond], runs);
  const [inGrid, outside] = [all.slice(0, grid.length), all.slice(grid.length)];
  const real = weatherVerdicts();
  const cells = all.flatMap((each) => each.cells);
  const text = results({ grid: inGrid, beyond: outside, real, runs });

  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'verdict.json'), JSON.stringify({ runs, cells, blockHours: all.map(({ scenario, blockHours }) => ({ scenario, blockHours })), real }, undefined, 1));
  writeFileSync(join(values.out, 'verdict.html'), plot(inGrid.flatMap((each) => each.cells)));
  if (values.write) writeFileSync(join(__dirname, 'RESULTS.md'), text);
  process.stdout.write(`${text}\n${cells.length} cells, ${runs} runs each, ${Math.round((Date.now() - started) / 1000)} s; JSON and plot in ${values.out}\n`);

  const above = cells.filter((cell) => isWrongToPromote(cell) && cell.methods.verdict.promoted > 0.05);
  for (const cell of above) process.stdout.write(`ABOVE 5 %: ${percent(cell.methods.verdict.promoted)} at ${placeOf(cell)}\n`);
  const unexpected = real.filter(({ expected, decision }) => expected !== undefined && expected !== decision);
  for (const one of unexpected) process.stdout.write(`UNEXPECTED: ${one.name} is ${one.decision}, expected ${one.expected}\n`);
  if (above.length + unexpected.length > 0) process.exitCode = 1;
}

void main();
