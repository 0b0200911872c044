import { execFileSync } from 'child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { Outcome, rivals } from './rivals';
import { ALPHA, MIN_SAMPLES, TOLERANCE } from './scenarios';
import { markdownTable } from './table';
import { BlockLength, chooseBlockHours, MIN_BLOCKS, shadowVerdict, Verdict } from '../../../src/domain/verdict';

/** What `weather_streams.py` writes. */
interface WeatherStreams {
  readonly hours: string[];
  readonly pairs: number[];
  readonly models: Record<string, { readonly trainedUntil: string; readonly losses: number[]; readonly single: number[] }>;
}

/** One month in which one model challenged another, and how it ended. */
export interface RealVerdict {
  readonly name: string;
  readonly ratio: number;
  readonly blockHours: number;
  readonly decision: string;
  /** Pairs at the decision. */
  readonly pairs: number;
  /** What it must be; absent where the month only counts. */
  readonly expected?: string;
  /** What single requests would have decided, looking after each. */
  readonly single: string;
  readonly singlePairs: number;
}

const HOUR = 3_600_000;
const HISTORY_HOURS = 30 * 24;

/** The comparisons whose outcome is known: challenger, champion, month of 2013. */
const EXPECTED: readonly (readonly [string, string, number, string])[] = [
  ['ridge(temp), Jan–Apr', 'ridge(temp), Jan–Mar', 5, 'promote'],
  ['ridge(all), Jan–May', 'ridge(temp), Jan–May', 6, 'inconclusive'],
  ['ridge(all), Jan–May', 'ridge(temp), Jan–May', 7, 'promote'],
  ['ridge(all + day of year), Jan–Jun', 'ridge(all), Jan–Jun', 8, 'reject'],
  ['trees(all), Jan–Mar', 'ridge(temp), Jan–Mar', 5, 'reject'],
  ['trees(all), Jan–May', 'ridge(all), Jan–May', 7, 'reject'],
  ['ridge(all), Jan–May', 'ridge(all), Jan–Jun', 7, 'reject'],
];

/** All models against each other, in every month after both were trained; none where the sample data's Python is not installed. */
export function weatherVerdicts(): RealVerdict[] {
  const streams = weatherStreams();
  if (streams === undefined) return [];
  const names = Object.keys(streams.models);
  const months = [4, 5, 6, 7, 8, 9, 10, 11, 12];
  return names.flatMap((challenger) => names.filter((champion) => champion !== challenger).flatMap((champion) => months
    .filter((month) => [champion, challenger].every((name) => Date.parse(streams.models[name].trainedUntil) <= Date.UTC(2013, month - 1)))
    .map((month) => verdictOf(streams, challenger, champion, month))));
}

function weatherStreams(): WeatherStreams | undefined {
  const python = join(__dirname, '..', '..', '..', '.venv', 'bin', 'python');
  if (!existsSync(python)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'weather-streams-'));
  try {
    const file = join(folder, 'streams.json');
    execFileSync(python, [join(__dirname, 'weather_streams.py'), file], {
      stdio: ['ignore', 'ignore', 'inherit'],
      // many threads for little work only get into each other's way
      env: { ...process.env, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' },
    });
    return JSON.parse(readFileSync(file, 'utf8')) as WeatherStreams;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As a shadow comparison of this month would have gone, with the defaults; labels arrive a day later. */
function verdictOf({ hours, pairs, models }: WeatherStreams, challenger: string, champion: string, month: number): RealVerdict {
  const months = [month - 1, month].map((each) => new Date(Date.UTC(2013, each)).toISOString().replace('.000', ''));
  const [first, last] = months.map((time) => indexOf(hours, time));
  const { blockHours } = blockOf({ hours, pairs }, models[champion], first, (Date.parse(months[1]) - Date.parse(months[0])) / HOUR);
  const losses = (name: string) => models[name].losses.slice(first, last);
  const [of, by] = [losses(champion), losses(challenger)];
  const verdict = shadowVerdict({
    start: months[0],
    until: months[1],
    windowOver: true,
    hours: of.map((loss, i) => ({ hour: hours[first + i], pairs: pairs[first + i], champion: loss, challenger: by[i] })),
    settings: { tolerance: TOLERANCE, alpha: ALPHA, minSamples: MIN_SAMPLES, blockHours },
  });
  const [before, after] = [first, last].map((end) => total(pairs.slice(0, end)));
  const one = (name: string) => Float64Array.from(models[name].single.slice(before, after));
  const [single] = rivals({ champion: one(champion), challenger: one(challenger) }, 0, 1).single;
  const expected = EXPECTED.find((each) => each[0] === challenger && each[1] === champion && each[2] === month)?.[3];
  return {
    name: `${challenger} against ${champion}, ${months[0].slice(0, 7)}`,
    ratio: total(by) / total(of),
    blockHours,
    decision: verdict.decision,
    pairs: verdict.pairs,
    ...(expected === undefined ? {} : { expected }),
    single: decisionOf(single),
    singlePairs: Math.abs(single),
  };
}

function blockOf({ hours, pairs }: Pick<WeatherStreams, 'hours' | 'pairs'>, champion: WeatherStreams['models'][string], first: number, window: number): BlockLength {
  const earliest = new Date(Date.parse(hours[first]) - HISTORY_HOURS * HOUR).toISOString();
  // its own past in production: not what it was trained on
  const since = indexOf(hours, earliest > champion.trainedUntil ? earliest : champion.trainedUntil);
  const history = champion.losses.slice(since, first).map((loss, i) => ({ hour: hours[since + i], pairs: pairs[since + i], loss }));
  return chooseBlockHours(history, { maxHours: Math.floor(window / MIN_BLOCKS) });
}

/** The first hour at or after a time. */
function indexOf(hours: readonly string[], time: string): number {
  const found = hours.findIndex((hour) => hour >= time);
  return found < 0 ? hours.length : found;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function decisionOf(outcome: Outcome): Verdict['decision'] {
  if (outcome === 0) return 'inconclusive';
  return outcome > 0 ? 'promote' : 'reject';
}

/** The known ones, and what all of them say. */
export function realTable(real: readonly RealVerdict[]): string {
  if (real.length === 0) return 'The sample data is not installed: no real streams.';
  const rows = real.filter(({ expected }) => expected !== undefined).map((each) => [
    each.name, each.ratio.toFixed(2), `${each.blockHours} h`, `${each.decision} (${each.pairs} pairs)`, each.expected ?? '',
    `${each.single}${each.singlePairs > 0 ? ` (${each.singlePairs})` : ''}`,
  ]);
  const worse = real.filter(({ ratio }) => ratio > 1 + TOLERANCE);
  const better = real.filter(({ ratio }) => ratio <= 1 / (1 + TOLERANCE));
  const count = (of: readonly RealVerdict[], side: 'decision' | 'single', decision: string) => of.filter((each) => each[side] === decision).length;
  return [
    markdownTable(['challenger against champion, month', 'ratio', 'block', 'verdict', 'expected', 'single requests'], rows),
    '',
    `All ${real.length} pairs of models and months: of ${worse.length} challengers that were worse over their month by more than 2 % the verdict promoted `
    + `${count(worse, 'decision', 'promote')} and rejected ${count(worse, 'decision', 'reject')}; single requests promoted ${count(worse, 'single', 'promote')}. `
    + `Of ${better.length} that were better by more than 2 % the verdict promoted ${count(better, 'decision', 'promote')} and rejected `
    + `${count(better, 'decision', 'reject')}; single requests rejected ${count(better, 'single', 'reject')}.`,
  ].join('\n');
}
