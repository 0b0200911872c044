import { FailingWorld } from './failing-world';
import { LOAD_ALARM, QUALITY_ALARM } from '../line-app';

/** A release, or several, that go a way of their own. */
export interface Scenario {
  readonly name: string;
  /** Whether there is no endpoint before. */
  readonly first?: boolean;
  /** Plays it to the end. It must come to an end whatever is injected. */
  play(world: FailingWorld): Promise<void>;
}

const release = (bug?: 'skew' | 'start' | 'start again') => async (world: FailingWorld): Promise<void> => {
  await world.register(bug);
  await world.settle();
};

/** Somebody stops an execution in a state. */
const stopped = (machine: string, state: string, ...bugs: ('skew' | 'none')[]) => async (world: FailingWorld): Promise<void> => {
  const stop = world.interfere(machine, { state, kind: 'abort', attempts: 1 });
  for (const bug of bugs) await world.register(bug);
  await world.settle();
  stop.end();
};

/** The endpoint moves to the version. */
const shifting = async ({ line, running }: FailingWorld): Promise<boolean> => running.length > 0 && (await line.endpoint())?.pending === true;

/** An alarm fires from the moment that something is so, until all is over. */
const alarmed = (alarm: string, when: (world: FailingWorld) => Promise<boolean>) => async (world: FailingWorld): Promise<void> => {
  const { line } = world;
  let quiet = (): void => undefined;
  let fires = false;
  await world.register();
  await world.settle(async () => {
    if (fires || world.running('Release').length === 0 || !await when(world)) return;
    fires = true;
    await line.measure(alarm, 5);
    quiet = line.keepMeasuring(alarm, 5);
  });
  quiet();
  await line.until(async () => await line.alarmState(alarm) !== 'ALARM');
};

/** The cheapest first: each state fails in the first of them that comes to it. */
export const SCENARIOS: Scenario[] = [
  { name: 'a version that answers otherwise than it was evaluated', play: release('skew') },
  { name: 'a version that does not start', play: release('start') },
  {
    name: 'three versions at once',
    play: async (world) => {
      for (const bug of ['skew', 'skew', 'skew'] as const) await world.register(bug);
      await world.settle();
    },
  },
  { name: 'the first version', first: true, play: release() },
  { name: 'a first version that does not start again', first: true, play: release('start again') },
  { name: 'a first release that is stopped', first: true, play: stopped('Releases', 'RunRelease', 'none') },
  { name: 'a release that is stopped', play: stopped('Releases', 'RunStaging', 'none') },
  { name: 'a release that is stopped while another one waits', play: stopped('Releases', 'RunStaging', 'none', 'skew') },
  { name: 'a comparison that is stopped', play: stopped('Staging', 'CreateStaging', 'none') },
  { name: 'a version that does not start again', play: release('start again') },
  { name: 'a promotion', play: release() },
  { name: 'an alarm while traffic moves', play: alarmed(LOAD_ALARM, shifting) },
  { name: 'an alarm while the version is watched', play: alarmed(QUALITY_ALARM, async (world) => !await shifting(world) && (await world.line.endpoint())!.config !== undefined) },
  { name: 'a release that is stopped when its version serves', play: stopped('Releases', 'Complete', 'none') },
];
