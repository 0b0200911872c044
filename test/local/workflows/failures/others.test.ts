import { MACHINES, playFailures } from './play';
import { runsOf } from './states';

/** Machines with a file of their own, which `npm run failures` plays as well. */
const ELSEWHERE = ['Releases', 'Staging', 'Release', 'ReleasesRecovery'];

test('there is a run for each failure of each state', () => {
  const counts = MACHINES.map((machine) => ({ name: machine.name, runs: runsOf(machine).length }));
  for (const name of ELSEWHERE) expect(MACHINES.map((machine) => machine.name)).toContain(name);
  process.stdout.write(`failures: ${counts.reduce((sum, { runs }) => sum + runs, 0)} runs in all (${counts.map(({ name, runs }) => `${name} ${runs}`).join(', ')})\n`);
});

playFailures((name) => !ELSEWHERE.includes(name));
