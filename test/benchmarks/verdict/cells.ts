import { Judged } from './judge';
import { LOOKS, Method, METHODS, Scenario, TOLERANCE } from './scenarios';

/** What a method did in all runs of one cell; shares are of the runs. */
export interface Figures {
  readonly promoted: number;
  readonly rejected: number;
  /** Pairs at which half of all runs had promoted; absent where fewer than half did. */
  readonly medianPairs?: number;
}

/** One cell: a kind of stream, a true ratio, and how often somebody looks. */
export interface Cell {
  readonly scenario: Scenario;
  readonly correlation: number;
  readonly ratio: number;
  readonly lookEvery: number;
  readonly runs: number;
  readonly methods: Readonly<Record<Method, Figures>>;
}

/** Cells of one scenario from the outcomes of its jobs. */
export function cellsOf(scenario: Scenario, judged: readonly Judged[]): Cell[] {
  const { correlations, ratios } = scenario;
  const perRun = correlations.length * ratios.length * LOOKS.length * METHODS.length;
  const rows = judged.flatMap(({ outcomes }) => Array.from({ length: outcomes.length / perRun },
    (_, run) => outcomes.subarray(run * perRun, (run + 1) * perRun)));
  return correlations.flatMap((correlation, c) => ratios.flatMap((ratio, r) => LOOKS.map((lookEvery, l) => {
    const at = ((c * ratios.length + r) * LOOKS.length + l) * METHODS.length;
    const figures = METHODS.map((method, m) => [method, figuresOf(rows.map((row) => row[at + m]))] as const);
    return { scenario, correlation, ratio, lookEvery, runs: rows.length, methods: Object.fromEntries(figures) as Record<Method, Figures> };
  })));
}

function figuresOf(outcomes: readonly number[]): Figures {
  const promoted = outcomes.filter((outcome) => outcome > 0).sort((a, b) => a - b);
  const half = Math.ceil(outcomes.length / 2);
  return {
    promoted: promoted.length / outcomes.length,
    rejected: outcomes.filter((outcome) => outcome < 0).length / outcomes.length,
    ...(promoted.length >= half ? { medianPairs: promoted[half - 1] } : {}),
  };
}

/** A promotion is wrong where the true ratio is above what is tolerated. */
export const isWrongToPromote = ({ ratio }: Cell): boolean => ratio > 1 + TOLERANCE;

/** Block lengths that were chosen, with the number of runs that did. */
export function blockLengths(judged: readonly Judged[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { blockHours } of judged) for (const hours of blockHours) counts[hours] = (counts[hours] ?? 0) + 1;
  return counts;
}

/** The largest of some cells' figures, with the cell it was in. */
export function worst(cells: readonly Cell[], figure: (cell: Cell) => number): { readonly value: number; readonly cell: Cell } | undefined {
  return cells.reduce<{ value: number; cell: Cell } | undefined>((most, cell) => {
    const value = figure(cell);
    return most === undefined || value > most.value ? { value, cell } : most;
  }, undefined);
}
