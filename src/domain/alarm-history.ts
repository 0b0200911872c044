/** One change of an alarm's state. */
export interface AlarmTransition {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** How an alarm stands when it is looked at. */
export interface AlarmStanding {
  readonly state: string;
  readonly reason: string;
  /** Milliseconds since the epoch at which it came into this state, where that is known. */
  readonly since?: number;
}

/** An alarm that started to fire. */
export interface Firing {
  readonly at: number;
  readonly reason: string;
  /** Whether it fires no more. */
  readonly cleared: boolean;
}

/**
 * When and why an alarm started to fire since a moment, if it did: the first time counts, also where it has cleared since,
 * between two looks. One that fired at that moment already counts only after it was `OK` in between: missing data alone
 * clear nothing.
 */
export function firedSince(moment: number, now: AlarmStanding, transitions: readonly AlarmTransition[]): Firing | undefined {
  const since = transitions.filter(({ at }) => at >= moment).sort((a, b) => a.at - b.at);
  const firing = now.state === 'ALARM';
  let armed = since.length > 0 ? since[0].from !== 'ALARM' : !firing;
  for (const { at, from, to, reason } of since) {
    armed ||= from === 'OK';
    if (to === 'ALARM' && armed) return { at, reason, cleared: !firing };
    armed ||= to === 'OK';
  }
  // the history may lag behind the state
  const known = since.some(({ to }) => to === 'ALARM');
  return firing && !known && now.since !== undefined && now.since >= moment ? { at: now.since, reason: now.reason, cleared: false } : undefined;
}
