const HOURS_PER: Record<string, number> = { minute: 1 / 60, hour: 1, day: 24 };

/** How often an EventBridge schedule starts something in a month of so many hours. */
export function runsPerMonth(expression: string, hours: number): number {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate !== null) return hours / (Number(rate[1]) * HOURS_PER[rate[2]]);
  const cron = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$/.exec(expression);
  // Days are counted as if each of them were meant, which is never too little.
  if (cron !== null) return values(cron[1], 60) * values(cron[2], 24) * hours / 24;
  throw new Error(`'${expression}' is no schedule that is known here`);
}

/** How many of a field's values are meant. */
function values(field: string, range: number): number {
  return field.split(',').reduce((sum, part) => {
    const [, from, to, step] = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(part) ?? [];
    if (from === undefined) throw new Error(`'${field}' is no field of a schedule that is known here`);
    const first = from === '*' ? 0 : Number(from);
    const last = to !== undefined ? Number(to) : from === '*' || step !== undefined ? range - 1 : first;
    return sum + Math.floor((last - first) / Number(step ?? 1)) + 1;
  }, 0);
}
