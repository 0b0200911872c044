import { Outcome, rivals } from './rivals';
import { ALPHA, LABEL_DELAY_HOURS, LOOKS, METHODS, MIN_SAMPLES, Scenario, TOLERANCE } from './scenarios';
import { errors, losses } from './streams';
import { chooseBlockHours, HourOfLosses, HourOfPairs, MIN_BLOCKS, shadowVerdict, Verdict } from '../../../src/domain/verdict';

/** Some runs of one scenario. */
export interface Job {
  readonly scenario: Scenario;
  readonly firstRun: number;
  readonly runs: number;
}

/** Outcomes of a job: by run, correlation, ratio, look interval and method, in that order; and the block length of each run. */
export interface Judged {
  readonly outcomes: Int32Array;
  readonly blockHours: Int32Array;
}

const START = Date.UTC(2013, 6, 1);
const hourText = (n: number): string => new Date(START + n * 3_600_000).toISOString();
const texts = new Map<number, string>();
const textOf = (n: number): string => {
  const known = texts.get(n) ?? hourText(n);
  texts.set(n, known);
  return known;
};

export function judge({ scenario, firstRun, runs }: Job): Judged {
  const { perHour, correlations, ratios } = scenario;
  const history = scenario.historyDays * 24 * perHour;
  const hours = scenario.windowDays * 24 - LABEL_DELAY_HOURS;
  const perRun = correlations.length * ratios.length * LOOKS.length * METHODS.length;
  const outcomes = new Int32Array(runs * perRun);
  const blockLengths = new Int32Array(runs);
  for (let run = 0; run < runs; run += 1) {
    const made = errors(scenario, history + hours * perHour, seedOf(scenario, firstRun + run));
    // as a shadow comparison does it: from the champion's past, before the first pair
    const past = pastOf(losses(made, 0).champion, history, perHour);
    const { blockHours } = chooseBlockHours(past, { maxHours: Math.max(1, Math.floor(hours / MIN_BLOCKS)) });
    blockLengths[run] = blockHours;
    let at = run * perRun;
    for (const correlation of correlations) {
      const streams = losses(made, correlation);
      for (const ratio of ratios) {
        const pairs = hoursOf(streams.champion, streams.challenger, history, perHour, ratio);
        const outcome = outcomeOf(decide(pairs, hours, blockHours));
        const others = rivals(streams, history, ratio);
        // once in a job every look is really taken
        const seen = firstRun + run === 0 && ratio !== 1 ? (every: number) => lookAt(pairs, hours, blockHours, every, perHour) : undefined;
        LOOKS.forEach((every, look) => {
          const own = seenAt(outcome, every, hours * perHour);
          if (seen !== undefined && every > 1 && seen(every) !== own) throw new Error(`looking every ${every} pairs decided ${seen(every)}, expected ${own}`);
          outcomes.set([own, others.fixed[look], others.threshold[look], others['t-test'][look], others.single[look]], at);
          at += METHODS.length;
        });
      }
    }
  }
  return { outcomes, blockHours: blockLengths };
}

/** A seed for each run of each scenario; those that differ in their window or past only share their streams. */
function seedOf({ tail, time, perHour }: Scenario, run: number): number {
  let seed = 17 + run;
  for (const sign of `${tail} ${time} ${perHour}`) seed = Math.imul(seed, 31) + sign.charCodeAt(0);
  return (seed >>> 1) + 1;
}

function pastOf(champion: Float64Array, history: number, perHour: number): HourOfLosses[] {
  return Array.from({ length: history / perHour }, (_, hour) => (
    { hour: textOf(hour), pairs: perHour, loss: sumOf(champion, hour * perHour, perHour) }
  ));
}

function hoursOf(champion: Float64Array, challenger: Float64Array, history: number, perHour: number, ratio: number): HourOfPairs[] {
  return Array.from({ length: (champion.length - history) / perHour }, (_, hour) => ({
    hour: textOf(hour),
    pairs: perHour,
    champion: sumOf(champion, history + hour * perHour, perHour),
    challenger: ratio * sumOf(challenger, history + hour * perHour, perHour),
  }));
}

function sumOf(values: Float64Array, from: number, count: number): number {
  let total = 0;
  for (let i = from; i < from + count; i += 1) total += values[i];
  return total;
}

function decide(hours: readonly HourOfPairs[], until: number, blockHours: number, windowOver = true): Verdict {
  return shadowVerdict({
    start: textOf(0), until: textOf(until), windowOver, hours, settings: { tolerance: TOLERANCE, alpha: ALPHA, minSamples: MIN_SAMPLES, blockHours },
  });
}

function outcomeOf({ decision, sequence }: Verdict): Outcome {
  const pairs = sequence.at(-1)?.pairs ?? 0;
  if (decision === 'promote') return pairs;
  return decision === 'reject' ? -pairs : 0;
}

/** The verdict decides at the first block that clears a bound, whenever that is seen: a look only comes later. */
function seenAt(outcome: Outcome, every: number, pairs: number): Outcome {
  return Math.sign(outcome) * Math.min(pairs, Math.ceil(Math.abs(outcome) / every) * every);
}

/** The same by taking each look. */
function lookAt(hours: readonly HourOfPairs[], last: number, blockHours: number, every: number, perHour: number): Outcome {
  for (let pairs = every; ; pairs += every) {
    const until = Math.min(last, Math.floor(pairs / perHour));
    const { decision } = decide(hours, until, blockHours, until === last);
    if (decision !== 'continue') return (decision === 'promote' ? 1 : decision === 'reject' ? -1 : 0) * Math.min(pairs, last * perHour);
  }
}
