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
    execFileSync(python, [join(__dirname, 'weather_streams.py'), file], { stdio: ['ignore', 'ignore', 'inherit'] });
    return JSON.parse(readFileSync(file, 'utf8')) as WeatherStreams;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As a shadow comparison of this month would have gone, with the defaults; labels arrive a day later. */
function verdictOf({ hours, pairs, models }: WeatherStreams, challenger: string, champion: string, month: number): RealVerdict {
  const [from, until] = [Date.UTC(2013, month - 1), Date.UTC(2013, month)];
  const { blockHours } = blockOf(hours, pairs, models[champion], from, until);
  const compared = hours.map((hour, i) => ({ hour, pairs: pairs[i], champion: models[champion].losses[i], challenger: models[challenger].losses[i] }))
    .filter(({ hour }) => Date.parse(hour) >= from && Date.parse(hour) < until);
  const verdict = shadowVerdict({
    start: new Date(from).toISOString(),
    until: new Date(until).toISOString(),
    windowOver: true,
    hours: compared,
    settings: { tolerance: TOLERANCE, alpha: ALPHA, minSamples: MIN_SAMPLES, blockHours },
  });
  const total = (side: 'champion' | 'challenger') => compared.reduce((sum, each) => sum + each[side], 0);
  const first = requestsBefore(hours, pairs, from);
  const last = requestsBefore(hours, pairs, until);
  const one = (name: string) => Float64Array.from(models[name].single.slice(first, last));
  const [single] = rivals({ champion: one(champion), challenger: one(challenger) }, 0, 1).single;
  const expected = EXPECTED.find((each) => each[0] === challenger && each[1] === champion && each[2] === month)?.[3];
  return {
    name: `${challenger} against ${champion}, ${new Date(from).toISOString().slice(0, 7)}`,
    ratio: total('challenger') / total('champion'),
    blockHours,
    decision: verdict.decision,
    pairs: verdict.pairs,
    ...(expected === undefined ? {} : { expected }),
    single: decisionOf(single),
    singlePairs: Math.abs(single),
  };
}

function blockOf(hours: readonly string[], pairs: readonly number[], champion: WeatherStreams['models'][string], from: number, until: number): BlockLength {
  // its own past in production: not what it was trained on
  const since = Math.max(Date.parse(champion.trainedUntil), from - HISTORY_HOURS * HOUR);
  const history = hours.map((hour, i) => ({ hour, pairs: pairs[i], loss: champion.losses[i] }))
    .filter(({ hour }) => Date.parse(hour) >= since && Date.parse(hour) < from);
  return chooseBlockHours(history, { maxHours: Math.floor((until - from) / HOUR / MIN_BLOCKS) });
}

function requestsBefore(hours: readonly string[], pairs: readonly number[], time: number): number {
  return pairs.reduce((sum, count, i) => (Date.parse(hours[i]) < time ? sum + count : sum), 0);
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
