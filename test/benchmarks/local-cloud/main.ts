/**
 * Measures how long the local cloud takes for a call over the wire, as ratios to a bare node server that is sent and answers
 * as much, on the same machine in the same run. Prints a table and writes results.json.
 *
 * npm run bench:local [-- --rounds N] [--requests N] [--out DIR]
 *
 * `--rounds` (20) rounds of `--requests` (40) requests, to either by turns; the median of the rounds counts. Policies
 * decide about each call, and models answer from a Python process of their own. Exit code 1 where a call is not answered
 * as it must be.
 */
import { mkdirSync, writeFileSync } from 'fs';
import { join } from 'path';
import { parseArgs } from 'util';
import { benchmark, table } from './benchmark';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '20' },
      requests: { type: 'string', default: '40' },
      out: { type: 'string', default: join(__dirname, '..', '..', '..', '.cache', 'bench-local') },
    },
  });
  const count = (name: 'rounds' | 'requests'): number => {
    const given = Number(values[name]);
    if (!(Number.isInteger(given) && given >= 1)) throw new Error(`--${name} must be a whole number of at least 1, got ${values[name]}`);
    return given;
  };
  const results = await benchmark(count('rounds'), count('requests'), (name) => process.stderr.write(`${name}\n`));
  process.stdout.write(table(results));
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
}

void main();
