import { FailingApp, PLAIN } from './failing-apps';
import { FailingWorld, Release } from './failing-world';
import { LOAD_ALARM, QUALITY_ALARM } from '../line-app';

/** A release, or several, that go a way of their own. */
export interface Scenario {
  readonly name: string;
  /** Whether there is no endpoint before. */
  readonly first?: boolean;
  /** How many good releases are kept before, at least. @default 1 */
  readonly good?: number;
  /** Whether requests may fail in it. */
  readonly outage?: boolean;
  /** Plays it to the end. It must come to an end whatever is injected. */
  play(world: FailingWorld): Promise<void>;
}

type Endpoint = Awaited<ReturnType<FailingWorld['line']['endpoint']>>;

/** Whatever is to begin has begun by then. */
const SOON_HOURS = 3;

const release = (...versions: Release[]) => async (world: FailingWorld): Promise<void> => {
  for (const version of versions.length === 0 ? [{}] : versions) {
    await world.register(version);
    await world.settle();
  }
};

/** Somebody stops the execution that comes to a state next. */
const stops = (machine: string, state: string, play: Scenario['play']) => async (world: FailingWorld): Promise<void> => {
  const stop = world.interfere(machine, { state, kind: 'abort', attempts: 1 });
  await play(world);
  stop.end();
};

/** Somebody stops an execution in a state; of several versions that come at once the newest is released. */
const stopped = (machine: string, state: string, versions = 1): Scenario['play'] => stops(machine, state, async (world) => {
  for (let i = 0; i < versions; i += 1) await world.register();
  await world.settle();
});

/** Somebody stops a first release when its endpoint is there, or on its way. */
const stoppedOnceMade = async (world: FailingWorld): Promise<void> => {
  whenever(world, async () => {
    const [running] = world.running('Releases');
    if (running === undefined || await world.line.endpoint() === undefined) return false;
    await world.line.abort(running.arn);
    return true;
  });
  await release()(world);
};

/** The answer to whoever starts something is lost, and it is over when they ask again. */
const unheard = (machine: string, state: string) => async (world: FailingWorld): Promise<void> => {
  const lost = world.interfere(machine, { state, kind: 'killed', attempts: 1 });
  await release()(world);
  lost.end();
};

/** Looks at the line, often, until what it looks for was seen. */
function whenever(world: FailingWorld, seen: () => Promise<boolean>): void {
  const { clock } = world.line.cloud;
  const latest = world.line.in(SOON_HOURS);
  const look = async (): Promise<void> => {
    if (!await seen() && clock.now() < latest) clock.after(30_000, look, 'look at the line');
  };
  clock.after(30_000, look, 'look at the line');
}

/** Somebody stops a release, for whose slot another one waits by then. */
const stoppedBeforeAnother = async (world: FailingWorld): Promise<void> => {
  await world.register();
  let looks = 0;
  await world.settle(async () => {
    const [first] = world.running('Releases');
    if (first === undefined || world.running('Staging').length === 0) return;
    looks += 1;
    if (looks === 1) await world.register({ bug: 'skew' });
    if (looks === 2) await world.line.abort(first.arn);
  });
};

/** Somebody wants the last good release back: at once, or when a part of the line is at work. */
const wayBack = (during?: string, play?: Scenario['play']) => async (world: FailingWorld): Promise<void> => {
  const start = () => world.line.start(world.arnOf('ReleasesRollback'), { reason: 'somebody wants the last good release back' });
  if (during === undefined || play === undefined) {
    await start();
    return world.settle();
  }
  whenever(world, async () => {
    if (world.running(during).length === 0) return false;
    await start();
    return true;
  });
  await play(world);
};

/** An alarm fires from the moment that something is so, until all is over. */
const alarmed = (alarm: string, when: (now: Endpoint, before: Endpoint) => boolean) => async (world: FailingWorld): Promise<void> => {
  const { line } = world;
  let quiet = (): void => undefined;
  let fires = false;
  const before = await line.endpoint();
  await world.register();
  await world.settle(async () => {
    if (fires || world.running('Release').length === 0 || !when(await line.endpoint(), before)) return;
    fires = true;
    await line.measure(alarm, 5);
    quiet = line.keepMeasuring(alarm, 5);
  });
  quiet();
  await line.until(async () => await line.alarmState(alarm) !== 'ALARM');
};

/** The move to the version leaves an endpoint that takes no update. */
const breaking = async (world: FailingWorld): Promise<void> => {
  const version = await world.register();
  let heal: (() => void) | undefined;
  await world.settle(async () => {
    if (heal === undefined && world.running('Release').length > 0) heal = world.line.breakEndpoint(await world.line.version(version));
  });
  heal?.();
};

/** What the hooks of the second app can make of a release; the cheapest first. */
const HOOKED: Scenario[] = [
  { name: 'a version that a hook rejects before the shadow', play: release({ says: 'rejectBeforeShadow' }) },
  { name: 'a version for which a hook fails before the shadow', play: release({ says: 'failBeforeShadow' }) },
  { name: 'a first version that a hook rejects before promotion', first: true, play: release({ says: 'rejectBeforePromotion' }) },
  { name: 'a first version for which a hook fails before promotion', first: true, play: release({ says: 'failBeforePromotion' }) },
  { name: 'a first version for which a hook fails after promotion', first: true, play: release({ says: 'failAfterPromotion' }) },
  { name: 'a version about which a hook is asked twice', play: unheard('Releases', 'AskBeforePromotion1') },
  { name: 'a version that a hook takes back after promotion', play: release({ says: 'rejectAfterPromotion' }) },
];

/** What every line can come to. The cheapest first: each state fails in the first of them that comes to it. */
const SCENARIOS: Scenario[] = [
  { name: 'a version that answers otherwise than it was evaluated', play: release({ bug: 'skew' }) },
  { name: 'a version that does not start', play: release({ bug: 'start' }) },
  {
    name: 'three versions at once',
    play: async (world) => {
      for (let i = 0; i < 3; i += 1) await world.register({ bug: 'skew' });
      await world.settle();
    },
  },
  { name: 'the first version', first: true, play: release() },
  { name: 'a first version that does not start again', first: true, play: release({ bug: 'start again' }) },
  { name: 'a first release that is stopped when its endpoint is there', first: true, play: stoppedOnceMade },
  { name: 'a release that is stopped', play: stopped('Releases', 'RunStaging') },
  { name: 'a release that is stopped for which another version has made way', play: stopped('Releases', 'RunStaging', 2) },
  { name: 'a comparison that is stopped', play: stopped('Staging', 'CreateStaging') },
  { name: 'a version that does not start again', play: release({ bug: 'start again' }) },
  { name: 'a release that is stopped while another one waits', play: stoppedBeforeAnother },
  { name: 'a promotion', play: release() },
  { name: 'a promotion beyond what is kept', good: 2, play: release() },
  { name: 'promotions until nobody needs the image of the first', play: release({ ownImage: true }, {}, {}) },
  {
    name: 'a version that comes while another one is compared',
    play: async (world) => {
      await world.register();
      let came = false;
      await world.settle(async () => {
        if (came || world.running('Staging').length === 0) return;
        came = true;
        await world.register({ bug: 'skew' });
      });
    },
  },
  { name: 'an alarm while traffic moves', play: alarmed(LOAD_ALARM, (now) => now?.pending === true) },
  { name: 'an alarm while the version is watched', play: alarmed(QUALITY_ALARM, (now, before) => now?.config !== before?.config) },
  { name: 'a release that is stopped when its version serves', play: stopped('Releases', 'ArchivePrevious') },
  { name: 'a release that is stopped before somebody is told', play: stopped('Releases', 'Complete') },
  { name: 'a version that breaks the endpoint', outage: true, play: breaking },
  { name: 'the way back', good: 2, play: wayBack() },
  { name: 'the way back without anything to go back to', first: true, play: async (world) => { await release()(world); await wayBack()(world); } },
  { name: 'a release that is stopped, and its recovery', play: stops('ReleasesRecovery', 'LetChangesEnd', stopped('Releases', 'RunStaging')) },
  { name: 'a way back that is stopped', good: 2, play: stops('ReleasesRollback', 'GoBack', wayBack()) },
  { name: 'the way back while a version is compared', good: 2, play: wayBack('Staging', release()) },
  { name: 'the way back while a release is undone', good: 2, play: wayBack('ReleasesRecovery', stopped('Releases', 'RunStaging')) },
];

export function scenariosOf(app: FailingApp): Scenario[] {
  return app === PLAIN ? SCENARIOS : [...HOOKED, ...SCENARIOS];
}

/** A release like any other. */
export const PROMOTION: Scenario = SCENARIOS.find(({ name }) => name === 'a promotion')!;
