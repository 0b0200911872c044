import { Unsupported } from './types';

/** When a schedule expression of EventBridge fires next, after `from`; undefined when never again. Times are UTC. */
export type Schedule = (from: Date) => Date | undefined;

const UNITS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** @param created the time from which a rate counts */
export function schedule(expression: string, created: Date): Schedule {
  const match = /^(rate|cron|at)\((.*)\)$/.exec(expression.trim());
  if (!match) throw new Unsupported(`the schedule expression ${expression}`);
  const [, kind, argument] = match;
  if (kind === 'rate') return rate(argument, created);
  if (kind === 'cron') return cron(argument);
  const at = new Date(`${argument}Z`);
  if (Number.isNaN(at.getTime())) throw new Unsupported(`the schedule expression ${expression}`);
  return (from) => at > from ? at : undefined;
}

function rate(argument: string, created: Date): Schedule {
  const match = /^(\d+) (minute|hour|day)s?$/.exec(argument.trim());
  if (!match || Number(match[1]) < 1) throw new Unsupported(`the schedule expression rate(${argument})`);
  const period = Number(match[1]) * UNITS[match[2]];
  return (from) => {
    const periods = Math.max(1, Math.floor((from.getTime() - created.getTime()) / period) + 1);
    return new Date(created.getTime() + periods * period);
  };
}

function cron(argument: string): Schedule {
  const fields = argument.trim().split(/\s+/);
  if (fields.length !== 6) throw new Unsupported(`cron(${argument}): six fields are needed`);
  const [minutes, hours] = [field(fields[0], 0, 59), field(fields[1], 0, 23)];
  const [dates, months, days] = [field(fields[2], 1, 31), field(fields[3], 1, 12, MONTHS, 1), field(fields[4], 1, 7, DAYS, 1)];
  const years = field(fields[5], 1970, 2199);
  return (from) => {
    let at = Math.floor(from.getTime() / 60_000) * 60_000 + 60_000;
    // Whole days that do not match are skipped; the years bound the search.
    for (const end = at + 40 * 366 * 86_400_000; at < end;) {
      const time = new Date(at);
      const onThisDay = years.has(time.getUTCFullYear()) && months.has(time.getUTCMonth() + 1)
        && dates.has(time.getUTCDate()) && days.has(time.getUTCDay() + 1);
      if (!onThisDay) at = Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate() + 1);
      else if (!hours.has(time.getUTCHours())) at += 3_600_000 - at % 3_600_000;
      else if (!minutes.has(time.getUTCMinutes())) at += 60_000;
      else return time;
    }
    return undefined;
  };
}

function field(text: string, low: number, high: number, names: string[] = [], nameBase = 0): Set<number> {
  const number = (word: string): number => {
    const index = names.indexOf(word.toUpperCase());
    const value = index >= 0 ? index + nameBase : Number(word);
    if (!Number.isInteger(value) || value < low || value > high) throw new Unsupported(`"${word}" in a cron expression`);
    return value;
  };
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range, step] = part.split('/');
    const [first, last] = range === '*' || range === '?' ? [low, high] : range.split('-').map(number);
    const until = last ?? (step === undefined ? first : high);
    for (let value = first; value <= until; value += step === undefined ? 1 : Number(step)) values.add(value);
  }
  return values;
}
