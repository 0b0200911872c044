import { Cell, isWrongToPromote, worst } from './cells';
import { CORRELATIONS, LOOKS, METHOD_NAMES, METHODS, nameOf, Scenario, TAILS, Tail, Time, TIMES, TOLERANCE } from './scenarios';
import { markdownTable } from './table';

/** What was measured for one scenario. */
export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly cells: readonly Cell[];
  /** Block lengths in hours that were chosen, with the number of runs. */
  readonly blockHours: Readonly<Record<number, number>>;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const pairsOf = (pairs: number | undefined): string => (pairs === undefined ? '–' : String(pairs));
/** The wrong promotions of all methods: the most that any cell shows, and the share over all of them. */
export function wrongTable(cells: readonly Cell[]): string {
  const wrong = cells.filter(isWrongToPromote);
  const over = (method: typeof METHODS[number]) => wrong.filter((cell) => cell.methods[method].promoted > 0.05).length;
  return markdownTable(['rule', 'worst cell', 'where', `cells above 5 % (of ${wrong.length})`], METHODS.map((method) => {
    const most = worst(wrong, (cell) => cell.methods[method].promoted);
    return [METHOD_NAMES[method], most === undefined ? '–' : percent(most.value), most === undefined ? '–' : placeOf(most.cell), String(over(method))];
  }));
}

export function placeOf({ scenario, correlation, ratio, lookEvery }: Cell): string {
  return `ratio ${ratio.toFixed(2)}, ${scenario.tail}, ${scenario.time}, correlation ${correlation}, look every ${lookEvery}`;
}

/** Wrong promotions of the verdict and of its rivals at one ratio, for each kind of stream: the most over the correlations and looks. */
export function wrongByStream(results: readonly ScenarioResult[], ratio: number): string {
  return markdownTable(['errors in time', 'tails', ...METHODS], streams(results).map(({ time, tail, cells }) => {
    const these = cells.filter((cell) => cell.ratio === ratio);
    return [time, tail, ...METHODS.map((method) => percent(worst(these, (cell) => cell.methods[method].promoted)?.value ?? 0))];
  }));
}

/** What the verdict promotes, and after how many pairs, looking after every pair: for each kind of stream and correlation. */
export function powerTable(results: readonly ScenarioResult[], ratios: readonly number[]): string {
  const rows = streams(results).flatMap(({ time, tail, cells, blockHours }) => CORRELATIONS.map((correlation) => {
    const at = (ratio: number) => cells.find((cell) => cell.correlation === correlation && cell.ratio === ratio && cell.lookEvery === LOOKS[0]);
    return [time, tail, String(correlation), medianBlock(blockHours), ...ratios.map((ratio) => {
      const figures = at(ratio)?.methods.verdict;
      return figures === undefined ? '–' : ratio > 1.02 ? percent(figures.rejected) : `${percent(figures.promoted)}, ${pairsOf(figures.medianPairs)}`;
    })];
  }));
  return markdownTable([
    'errors in time', 'tails', 'correlation', 'median block',
    ...ratios.map((ratio) => `${ratio.toFixed(2)} ${ratio > 1.02 ? 'rejected' : 'promoted, median pairs'}`),
  ], rows);
}

/** What the verdict promotes where the challenger is as much worse as is tolerated and no more: right or wrong, as one likes. */
export function atTheEdge(cells: readonly Cell[]): string {
  const most = worst(cells.filter(({ ratio }) => ratio === 1 + TOLERANCE), ({ methods }) => methods.verdict.promoted);
  return most === undefined ? '–' : `${percent(most.value)} (${placeOf(most.cell)})`;
}

/** Where the verdict keeps its word by seldom deciding: fewer than half of the runs promote a challenger that is 20 % better. */
export function weakCells(results: readonly ScenarioResult[]): string[] {
  return results.flatMap(({ cells }) => cells)
    .filter((cell) => cell.ratio === 0.80 && cell.lookEvery === LOOKS[0] && cell.methods.verdict.promoted < 0.5)
    .map(({ scenario, correlation, methods }) => `${scenario.time}, ${scenario.tail}, correlation ${correlation}: ${percent(methods.verdict.promoted)}`);
}

/** The scenarios beyond the grid. */
export function beyondTable(results: readonly ScenarioResult[]): string {
  const promoted = [0.80, 0.90, 1.05, 1.10].map((ratio) => `${ratio.toFixed(2)} promoted`);
  const header = ['streams (correlation 0.6)', 'median block', ...promoted, '1.05 promoted by single requests'];
  return markdownTable(header, results.map(({ scenario, cells, blockHours }) => {
    const at = (ratio: number) => cells.find((cell) => cell.ratio === ratio && cell.lookEvery === LOOKS[0]);
    const share = (ratio: number) => percent(at(ratio)?.methods.verdict.promoted ?? NaN);
    const single = percent(at(1.05)?.methods.single.promoted ?? NaN);
    return [nameOf(scenario), medianBlock(blockHours), share(0.80), share(0.90), share(1.05), share(1.10), single];
  }));
}

function streams(results: readonly ScenarioResult[]): (Omit<ScenarioResult, 'scenario'> & { time: Time; tail: Tail })[] {
  return TIMES.flatMap((time) => TAILS.flatMap((tail) => results
    .filter(({ scenario }) => scenario.time === time && scenario.tail === tail)
    .map(({ cells, blockHours }) => ({ time, tail, cells, blockHours }))));
}

function medianBlock(counts: Readonly<Record<number, number>>): string {
  const lengths = Object.entries(counts).flatMap(([hours, runs]) => Array.from({ length: runs }, () => Number(hours))).sort((a, b) => a - b);
  return `${lengths[Math.floor(lengths.length / 2)]} h`;
}
