import { problems } from './expectations';
import { failingApp, FailingWorld, isOfTheRelease, Snapshot } from './failing-world';
import { Scenario, SCENARIOS } from './scenarios';
import { Failure, FailureRun, Machine, machinesOf, runsOf } from './states';
import { Interference } from '../../../../examples/local/cloud/interference';
import { VersionItem } from '../line-view';

const INJECTED: Record<Failure, Pick<Interference, 'kind' | 'attempts'>> = {
  passes: { kind: 'error', attempts: 1 },
  stays: { kind: 'error' },
  killed: { kind: 'killed', attempts: 1 },
  timeout: { kind: 'timeout' },
  abort: { kind: 'abort', attempts: 1 },
};
/** Steps that only tidy up: where one of them cannot be done for as long as its execution lasts, something is left for the next release. */
const REMOVES = /^(Remove|Retain|Forget)/;
/** States that no scenario comes to so far: the line has one image, blocks of a given length, and one endpoint type. */
const WITHOUT_A_SCENARIO = new Set(['Releases RemoveImage', 'Staging QueryChampionLosses', 'Staging Refused']);
const PROMOTION: Scenario = SCENARIOS.find(({ name }) => name === 'a promotion')!;

interface Rehearsed {
  readonly scenario: Scenario;
  /** Stages that the versions end in, in their order. */
  readonly ends: string;
}

/** The state machines of the release, each in one file of these tests. */
export const MACHINES: Machine[] = machinesOf(failingApp).filter(isOfTheRelease);

/** Plays every failure of every state of some of the machines, each in the cheapest scenario that comes to the state. */
export function playFailures(isMine: (name: string) => boolean): void {
  const machines = MACHINES.filter(({ name }) => isMine(name));
  const runs = machines.flatMap(runsOf).filter((run) => !WITHOUT_A_SCENARIO.has(keyOf(run)));
  if (runs.length === 0) return;
  const rehearsed = new Map<string, Rehearsed>();
  let world: FailingWorld | undefined;
  let played = 0;

  beforeAll(async () => {
    world = await FailingWorld.start();
    const wanted = new Set(runs.map(keyOf));
    for (const scenario of SCENARIOS) {
      if (wanted.size === 0) break;
      const { ends, visited } = await rehearse(world, scenario);
      expect([...visited].filter((key) => WITHOUT_A_SCENARIO.has(key))).toEqual([]);
      for (const key of visited) {
        if (wanted.delete(key)) rehearsed.set(key, { scenario, ends });
      }
    }
  }, 600_000);
  afterAll(async () => {
    await world?.stop();
    process.stdout.write(`failures: ${played} runs over ${new Set(runs.map(keyOf)).size} states of ${machines.map(({ name }) => name).join(', ')}\n`);
  });

  test.each(runs.map((run) => [run.machine.name, run.state, run.failure, run] as const))('%s, %s: %s', async (name, state, failure, run) => {
    const found = rehearsed.get(keyOf(run));
    if (found === undefined) throw new Error(`no scenario comes to the state ${state} of ${name}: add one`);
    world ??= await FailingWorld.start();
    try {
      await play(world, run, found);
      played += 1;
    } catch (error) {
      // whatever is wrong now must not be taken for a fault of the next
      await world.stop();
      world = undefined;
      throw error;
    }
    void failure;
  });
}

function keyOf({ machine, state }: FailureRun): string {
  return `${machine.name} ${state}`;
}

/** Plays a scenario in which nothing fails; answers the states that it comes to. */
async function rehearse(world: FailingWorld, scenario: Scenario): Promise<{ ends: string; visited: Set<string> }> {
  const before = await begin(world, scenario);
  await scenario.play(world);
  expect([scenario.name, ...await problems(world, before, scenario)]).toEqual([scenario.name]);
  const visited = new Set<string>();
  for (const { machine, history } of world.since(before)) {
    const { name } = MACHINES.find((each) => world.arnOf(each.name) === machine.arn) ?? { name: 'another' };
    for (const { stateEnteredEventDetails: entered } of history) {
      if (entered !== undefined) visited.add(`${name} ${String((entered as { name: string }).name)}`);
    }
  }
  return { ends: endsOf(await world.changed(before)), visited };
}

async function play(world: FailingWorld, { machine, state, failure }: FailureRun, { scenario, ends }: Rehearsed): Promise<void> {
  const before = await begin(world, scenario);
  const met = world.interfere(machine.name, { state, ...INJECTED[failure] });
  await scenario.play(world);
  met.end();
  const untidy = REMOVES.test(state) && (failure === 'stays' || failure === 'timeout');
  const found = await problems(world, before, { outage: scenario.outage, untidy });
  if (met.hits === 0) found.push('nothing was injected');
  const ended = endsOf(await world.changed(before));
  // what is tried again, and done again, leaves no trace
  if ((failure === 'passes' || failure === 'killed') && ended !== ends) found.push(`the versions ended ${ended} instead of ${ends}`);
  expect(found).toEqual([]);
  const next = await world.snapshot();
  await PROMOTION.play(world);
  const later = await problems(world, next);
  const last = (await world.changed(next)).at(-1)?.stage;
  if (last !== 'Production') later.push(`the next version ended ${last ?? 'nowhere'}`);
  expect(['the next release', ...later]).toEqual(['the next release']);
}

async function begin(world: FailingWorld, { first, good = 0 }: Scenario): Promise<Snapshot> {
  if (first === true) await world.retire();
  while ((await world.snapshot()).kept.length < good) await PROMOTION.play(world);
  await world.line.news();
  return world.snapshot();
}

function endsOf(versions: readonly VersionItem[]): string {
  return versions.map(({ stage }) => stage).join(', ');
}
