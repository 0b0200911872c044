import { Scenario, Tail, Time } from './scenarios';
import { randoms } from '../../domain/loss-streams';

/** Squared errors of both models on the same requests, in the order of time; the challenger's for a ratio of 1. */
export interface Streams {
  /** The champion's past, then the comparison. */
  readonly champion: Float64Array;
  readonly challenger: Float64Array;
}

/** A daily cycle takes the variance of the errors up and down by so much. */
const SWING = 0.9;

/**
 * Errors of a champion, and errors of a model that shares none of them.
 *
 * Each has mean 0 and, averaged over a day, variance 1 by construction, whatever the tail: so has every
 * `correlation × champion + √(1 − correlation²) × own`, and `ratio × its square` has the expectation `ratio`. A run is told by its seed.
 */
export function errors(scenario: Pick<Scenario, 'tail' | 'time' | 'perHour'>, count: number, seed: number): { champion: Float64Array; own: Float64Array } {
  const random = randoms(seed);
  const noise = noises(scenario.tail, gaussian(random));
  const phase = random() * 24;
  return {
    champion: series(scenario.time, scenario.perHour, phase, count, noise),
    // at its worst when the champion is at its best: a difference that comes and goes with the hour of the day
    own: series(scenario.time, scenario.perHour, phase + 12, count, noise),
  };
}

export function losses({ champion, own }: { champion: Float64Array; own: Float64Array }, correlation: number): Streams {
  const rest = Math.sqrt(1 - correlation * correlation);
  return {
    champion: champion.map((error) => error * error),
    challenger: champion.map((error, i) => (correlation * error + rest * own[i]) ** 2),
  };
}

function series(time: Time, perHour: number, phase: number, count: number, noise: () => number): Float64Array {
  const result = new Float64Array(count);
  if (time === 'daily') {
    for (let i = 0; i < count; i += 1) {
      const hour = Math.floor(i / perHour) + phase;
      result[i] = Math.sqrt(1 + SWING * Math.sin((2 * Math.PI * hour) / 24)) * noise();
    }
    return result;
  }
  const phi = Number(time.slice(3));
  const fresh = Math.sqrt(1 - phi * phi);
  let last = noise();
  for (let i = 0; i < count; i += 1) {
    last = phi * last + fresh * noise();
    result[i] = last;
  }
  return result;
}

function noises(tail: Tail, gauss: () => number): () => number {
  switch (tail) {
    case 'gauss': return gauss;
    // a t with 4 degrees has variance 2
    case 't4': return () => gauss() / Math.sqrt((gauss() ** 2 + gauss() ** 2 + gauss() ** 2 + gauss() ** 2) / 4) / Math.SQRT2;
    // one error in a hundred is ten times the size: variance 0.99 + 0.01 × 100
    case 'outliers': {
      const isGross = () => Math.abs(gauss()) > 2.5758293035489004;
      return () => ((isGross() ? 10 : 1) * gauss()) / Math.sqrt(1.99);
    }
  }
}

/** Box and Muller's two numbers, one after the other. */
function gaussian(random: () => number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
