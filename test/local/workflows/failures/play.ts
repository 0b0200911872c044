import { problems } from './expectations';
import { FailingApp, failuresOf, keyOf } from './failing-apps';
import { FailingWorld, Snapshot } from './failing-world';
import { PROMOTION, Scenario, scenariosOf } from './scenarios';
import { Failure, FailureRun, isTriedAgain } from './states';
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
/** Real milliseconds until something must have come of it, on however slow a machine. */
const PATIENCE = 1_800_000;
/** How often a scenario is played until something can be injected. */
const TIMES = 3;
/** So many runs are remembered. */
const FORGET_EVERY = 10;

interface Rehearsed {
  readonly scenario: Scenario;
  /** Stages that the versions end in, in their order. */
  readonly ends: string;
  readonly visited: ReadonlySet<string>;
}

/** A part of an app's failures: states number `part`, `part` + `of`, and so on. */
export interface Share {
  readonly part: number;
  readonly of: number;
}

/**
 * Plays every failure of every state, each in the cheapest scenario that comes to the state.
 *
 * That the next release works is seen by a release like any other after each run; where the next run is such a release itself,
 * in which an error passes, by that one.
 */
export function playFailures(app: FailingApp, { part, of }: Share = { part: 0, of: 1 }): void {
  const all = failuresOf(app);
  const states = [...new Set(all.map(keyOf))];
  const runs = all.filter((run) => states.indexOf(keyOf(run)) % of === part);
  const rehearsed: Rehearsed[] = [];
  /** The promise is kept, so that a world is stopped that comes up when nobody waits for it any more. */
  let started: Promise<FailingWorld> | undefined;
  /** The run after which no release was seen to work so far. */
  let owing: string | undefined;
  const counts = { runs: 0, releases: 0 };

  const stop = async (): Promise<void> => {
    const world = await started?.catch(() => undefined);
    started = undefined;
    owing = undefined;
    await world?.stop();
  };

  beforeAll(async () => {
    const world = await (started = FailingWorld.start(app));
    const wanted = new Set(runs.map(keyOf));
    for (const scenario of scenariosOf(app)) {
      if (wanted.size === 0 && scenario !== PROMOTION) continue;
      const seen = await rehearse(world, scenario);
      rehearsed.push(seen);
      for (const key of seen.visited) wanted.delete(key);
    }
  }, PATIENCE);
  afterAll(async () => {
    try {
      if (started !== undefined && owing !== undefined) await nextRelease(await started);
    } finally {
      await stop();
      const here = `${runs.length} over ${new Set(runs.map(keyOf)).size} states in this file`;
      process.stdout.write(`failures: ${all.length} runs over ${states.length} states (${app.name}), ${here}, of which ${counts.runs} held, `
        + `with ${counts.releases} releases between them\n`);
    }
  }, PATIENCE);

  test.each(runs.map((run) => [run.machine.name, run.state, run.failure, run] as const))('%s, %s: %s', async (name, state, failure, run) => {
    const found = scenarioOf(run);
    if (found === undefined) throw new Error(`no scenario comes to the state ${state} of ${name}: add one`);
    try {
      const world = await (started ??= FailingWorld.start(app));
      if (owing !== undefined && (!isRelease(run, found) || await world.line.champion() === undefined)) await nextRelease(world);
      owing = undefined;
      if (counts.runs % FORGET_EVERY === FORGET_EVERY - 1) await world.forget();
      await play(world, run, found);
      owing = `${keyOf(run)}: ${failure}`;
      counts.runs += 1;
    } catch (error) {
      // whatever is wrong now must not be taken for a fault of the next
      await stop();
      throw error;
    }
  }, PATIENCE);

  /** The first scenario that comes to the state: of those that are a release like any other, where the failure leaves it one. */
  function scenarioOf(run: FailureRun): Rehearsed | undefined {
    const coming = rehearsed.filter(({ visited }) => visited.has(keyOf(run)));
    return coming.find((each) => isRelease(run, each)) ?? coming[0];
  }

  async function nextRelease(world: FailingWorld): Promise<void> {
    const before = await world.snapshot();
    await PROMOTION.play(world);
    const found = await problems(world, before);
    const last = (await world.changed(before)).at(-1)?.stage;
    if (last !== 'Production') found.push(`the next version ended ${last ?? 'nowhere'}`);
    expect([`the release after ${owing}`, ...found]).toEqual([`the release after ${owing}`]);
    counts.releases += 1;
  }
}

/** Whether a run is a release of one version that ends in production, whatever is done to it, from whatever the run before has left. */
function isRelease(run: FailureRun, { scenario: { first, outage }, ends }: Rehearsed): boolean {
  return isTriedAgain(run) && first !== true && outage !== true && /(^|, )Production$/.test(ends);
}

/** Plays a scenario in which nothing fails. */
async function rehearse(world: FailingWorld, scenario: Scenario): Promise<Rehearsed> {
  const before = await begin(world, scenario);
  await scenario.play(world);
  expect([scenario.name, ...await problems(world, before, scenario)]).toEqual([scenario.name]);
  const visited = new Set<string>();
  for (const { machine, history } of world.since(before)) {
    const name = world.nameOf(machine.arn);
    for (const { stateEnteredEventDetails: entered } of history) {
      if (entered !== undefined) visited.add(`${name} ${String((entered as { name: string }).name)}`);
    }
  }
  return { scenario, ends: endsOf(await world.changed(before)), visited };
}

/** Who comes first is not always the same where things are done at once: where nothing came to the state, once more. */
async function play(world: FailingWorld, run: FailureRun, rehearsed: Rehearsed): Promise<void> {
  for (let time = 1; await playOnce(world, run, rehearsed) === 0; time += 1) {
    if (time === TIMES) throw new Error(`nothing came to the state in ${TIMES} times`);
  }
}

/** Answers how often something was injected. */
async function playOnce(world: FailingWorld, run: FailureRun, { scenario, ends }: Rehearsed): Promise<number> {
  const { machine, state, failure } = run;
  const before = await begin(world, scenario);
  const met = world.interfere(machine.name, { state, ...INJECTED[failure] });
  await scenario.play(world);
  if (met.hits === 0) await world.rest();
  met.end();
  const untidy = REMOVES.test(state) && (failure === 'stays' || failure === 'timeout');
  const found = await problems(world, before, { outage: scenario.outage, untidy });
  const ended = endsOf(await world.changed(before));
  // what is tried again, and done again, leaves no trace
  if (isTriedAgain(run) && ended !== ends) found.push(`the versions ended ${ended} instead of ${ends}`);
  expect(found).toEqual([]);
  return met.hits;
}

async function begin(world: FailingWorld, { first, good = 1 }: Scenario): Promise<Snapshot> {
  if (first === true) {
    await world.retire();
    await world.line.news();
    return world.snapshot();
  }
  while ((await world.snapshot()).kept.length < good) await PROMOTION.play(world);
  await world.line.news();
  return world.snapshot();
}

/** (Whether there is one that is replaced depends on what was before.) */
function endsOf(versions: readonly VersionItem[]): string {
  return versions.map(({ stage }) => stage).filter((stage) => stage !== 'Archived').join(', ');
}
