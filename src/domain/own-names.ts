import { ownPrefix } from './release-names';

const BASE = /^([0-9a-f]{8}-.+-[0-9a-f]{8})(?:-shadow|-staging)?$/;
const ALARM = /^[0-9a-f]{8}-.+-[0-9a-f]{8}-[a-z0-9-]+$/;

/** The name of the model that a config, a staging endpoint or a model belongs to, if a release to the endpoint gave that name; see `releaseNames`. */
export function releaseOf(endpointName: string, name: string): string | undefined {
  const base = BASE.exec(name)?.[1];
  return base?.startsWith(ownPrefix(endpointName)) === true ? base : undefined;
}

/** Whether a release to the endpoint gave an alarm that name: that of its config, and what the alarm is about. */
export function isReleaseAlarm(endpointName: string, name: string): boolean {
  return ALARM.test(name) && name.startsWith(ownPrefix(endpointName));
}
