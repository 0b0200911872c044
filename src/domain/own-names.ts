import { cleanName } from './release-names';

const SHORTEST = 16;
const LONGEST = 30;
/** Where the endpoint's name was cut to less than that, the whole has nearly this length; see `releaseNames`. */
const FULL = 52;
const BASE = /^(.+-[0-9a-f]{8})(?:-shadow|-staging)?$/;
const ALARM = /^(.+-[0-9a-f]{8})-[a-z0-9-]+$/;

/**
 * The name of the model that a config, a staging endpoint or a model belongs to, if a release to the endpoint may have given
 * that name; see `releaseNames`. Endpoints whose names begin alike give alike names: who asks has to look further.
 */
export function releaseOf(endpointName: string, name: string): string | undefined {
  const base = BASE.exec(name)?.[1];
  return base !== undefined && beginsAs(endpointName, base) ? base : undefined;
}

/** Whether a release to the endpoint may have given an alarm that name: that of its config, and what the alarm is about. */
export function isReleaseAlarm(endpointName: string, name: string): boolean {
  const base = ALARM.exec(name)?.[1];
  return base !== undefined && beginsAs(endpointName, base);
}

function beginsAs(endpointName: string, base: string): boolean {
  const shortest = base.length < FULL ? LONGEST : SHORTEST;
  for (let room = shortest; room <= LONGEST; room += 1) if (base.startsWith(`${cleanName(endpointName, room)}-`)) return true;
  return false;
}
