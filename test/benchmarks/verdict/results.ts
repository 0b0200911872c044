import { realTable, RealVerdict } from './real';
import { atTheEdge, beyondTable, percent, powerTable, ScenarioResult, weakCells, wrongByStream, wrongTable } from './report';
import { LOOKS } from './scenarios';

export interface Results {
  readonly grid: readonly ScenarioResult[];
  readonly beyond: readonly ScenarioResult[];
  readonly real: readonly RealVerdict[];
  readonly runs: number;
}

/** The tables, as Markdown. */
export function results({ grid, beyond, real, runs }: Results): string {
  const cells = grid.flatMap((each) => each.cells);
  const target = cells.find((cell) => cell.scenario.tail === 'gauss' && cell.scenario.time === 'AR 0' && cell.correlation === 0.6 && cell.ratio === 0.9
    && cell.lookEvery === LOOKS[0])?.methods.verdict;
  return [
    '# What the shadow verdict decides where the truth is known',
    '',
    'Written by `npm run bench:verdict -- --write`. Each cell is a kind of stream with a known ratio of the challenger\'s expected squared error to the',
    `champion's, judged ${runs} times with the defaults (tolerance 2 %, alpha 0.05, at least 200 pairs) by the shipped verdict and, on the same requests, by four`,
    'other rules. One request an hour, a window of 90 days, labels a day late, and the length of the blocks chosen from 30 days of the champion\'s past. A',
    'promotion is wrong where the true ratio is above 1.02. "AR 0.8" says that errors are an AR(1) series with coefficient 0.8 from request to request; "daily"',
    'that the variance of the errors goes up and down by 90 % over the day, in opposite phase for what the models do not share. "outliers": one error in a',
    'hundred is ten times the size; "t4": Student\'s t with 4 degrees, whose squares have no variance.',
    '',
    ...(cells.length === 0 ? [] : [
      '## Wrong promotions', '', wrongTable(cells), '',
      `At a true ratio of exactly 1.02 no cell has more than ${atTheEdge(cells)}.`, '',
      'At a true ratio of 1.05, the most over correlations 0, 0.6, 0.95 and looks after every 1, 50 and 500 pairs:', '', wrongByStream(grid, 1.05), '',
      '## Power', '',
      ...(target === undefined ? [] : [
        `A challenger that is 10 % better, errors independent in time and correlated by 0.6, is promoted in ${percent(target.promoted)} of the runs, at a median of `
        + `${target.medianPairs ?? 'no'} pairs.`, '',
      ]),
      'Looking after every pair; the median is the number of pairs at which half of all runs had promoted:', '', powerTable(grid, [0.80, 0.90, 0.95, 1.10, 1.30]), '',
      'Errors that last long, or a few errors that outweigh all others, leave little to tell two models apart by, whatever the rule. There the verdict is',
      '"inconclusive" more often than not. Fewer than half of the runs promoted even a challenger that is 20 % better in:', '',
      ...weakCells(grid).map((cell) => `- ${cell}`), '',
    ]),
    ...(beyond.length === 0 ? [] : ['## Shorter windows, less of a past, more traffic', '', beyondTable(beyond), '']),
    '## Real streams', '',
    'The temperature at three airports 24 hours ahead, 2013: models that were trained until different days challenge each other for a month, three requests an hour.',
    '', realTable(real), '',
  ].join('\n');
}
