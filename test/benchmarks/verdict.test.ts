import * as fs from 'fs';
import * as path from 'path';
import { Cell, cellsOf } from './verdict/cells';
import { judge } from './verdict/judge';
import { plot } from './verdict/plot';
import { weatherVerdicts } from './verdict/real';
import { results } from './verdict/results';
import { GRID, Scenario, Tail, Time } from './verdict/scenarios';
import { errors, losses } from './verdict/streams';

const RUNS = 40;
const python = path.join(__dirname, '..', '..', '.venv', 'bin', 'python');

/** A small part of the simulation: the same code, seeds and settings, few runs. */
const scenario = (tail: Tail, time: Time): Scenario => (
  { ...GRID.find((each) => each.tail === tail && each.time === time)!, correlations: [0.6], ratios: [0.8, 1.05] }
);
const cells = (of: Scenario): Cell[] => cellsOf(of, [judge({ scenario: of, firstRun: 0, runs: RUNS })]);
const at = (of: readonly Cell[], ratio: number) => of.find((cell) => cell.ratio === ratio && cell.lookEvery === 1)!.methods;

describe('the simulation of the verdict', () => {
  test.each<[Tail, Time, number]>([['gauss', 'AR 0', 0.9], ['t4', 'AR 0.5', 0.4], ['gauss', 'AR 0.95', 0], ['gauss', 'daily', 0.9]])(
    'with %s errors, %s: wrong promotions at most 5 %, where peeking makes many', (tail, time, power) => {
      const found = cells(scenario(tail, time));
      for (const cell of found.filter(({ ratio }) => ratio === 1.05)) expect(cell.methods.verdict.promoted).toBeLessThanOrEqual(0.05);
      expect(at(found, 1.05).threshold.promoted).toBeGreaterThan(0.4);
      expect(at(found, 0.8).verdict.promoted).toBeGreaterThanOrEqual(power);
      if (time === 'AR 0.95') expect(at(found, 1.05).single.promoted).toBeGreaterThan(0.2);
    });

  test('is the same in every run, however the runs are cut', () => {
    const of = scenario('outliers', 'AR 0.8');
    const whole = judge({ scenario: of, firstRun: 0, runs: 4 });
    const cut = [judge({ scenario: of, firstRun: 0, runs: 3 }), judge({ scenario: of, firstRun: 3, runs: 1 })];
    expect(cellsOf(of, cut)).toEqual(cellsOf(of, [whole]));
    expect([...cut[0].blockHours, ...cut[1].blockHours]).toEqual([...whole.blockHours]);
  });

  test.each<[Tail, Time]>([['gauss', 'AR 0.8'], ['t4', 'daily'], ['outliers', 'AR 0']])('has the ratio that it says: %s, %s', (tail, time) => {
    const { champion, challenger } = losses(errors({ tail, time, perHour: 1 }, 192_000, 7), 0.6);
    const mean = (of: Float64Array) => of.reduce((sum, value) => sum + value, 0) / of.length;
    expect(mean(champion)).toBeCloseTo(1, 1);
    expect(mean(challenger)).toBeCloseTo(1, 1);
    const product = champion.reduce((sum, value, i) => sum + value * challenger[i], 0) / champion.length;
    if (tail === 'gauss') expect(product).toBeCloseTo(1 + 2 * 0.6 ** 2, 1);
  });

  test('makes tables and a plot that stand alone', () => {
    const of = scenario('gauss', 'AR 0');
    const judged = judge({ scenario: of, firstRun: 0, runs: 2 });
    const result = { scenario: of, cells: cellsOf(of, [judged]), blockHours: { 1: 2 } };
    expect(results({ grid: [result], beyond: [], real: [], runs: 2 })).toContain('| this verdict: blocks of time, always-valid bounds');
    const page = plot(result.cells);
    expect(page).toContain('<polyline points="');
    expect(page).not.toMatch(/https?:|<script|NaN/);
  });

  (fs.existsSync(python) ? test : test.skip)('decides real streams as it must, where single requests promote what is worse', () => {
    const real = weatherVerdicts();
    const known = real.filter(({ expected }) => expected !== undefined);
    expect(known).toHaveLength(7);
    expect(known.map(({ name, decision }) => [name, decision])).toEqual(known.map(({ name, expected }) => [name, expected]));
    const worse = real.filter(({ ratio }) => ratio > 1.02);
    expect(worse.filter(({ decision }) => decision === 'promote')).toEqual([]);
    expect(worse.filter(({ single }) => single === 'promote').length).toBeGreaterThan(0);
  });
});
