/** A run that has, or waits for, a pipeline's one place. */
export interface SlotHolder {
  /** ARN of the execution. */
  readonly execution: string;
  /** When it came, ISO 8601. */
  readonly since: string;
  /** It is to read everything, whatever was read before. */
  readonly rebuild?: boolean;
}

/**
 * Who works on a dataset: one run, and at most one that waits. Nobody gives the place back: a run that is over has left it,
 * however it ended.
 */
export interface RunSlot {
  readonly running?: SlotHolder;
  readonly waiting?: SlotHolder;
}

export interface SlotDecision {
  /** `run` now, `wait` and ask again, or `merged`: the waiting run has not looked at the source yet, and does this one's work. */
  readonly outcome: 'run' | 'wait' | 'merged';
  readonly holder: SlotHolder;
  /** What is to be written; absent where nothing changes. */
  readonly slot?: RunSlot;
}

/** Gives a run its place. `isOver` tells of an execution whether it has ended. */
export function decideSlot(slot: RunSlot, me: SlotHolder, isOver: (execution: string) => boolean): SlotDecision {
  if (slot.running?.execution === me.execution) return { outcome: 'run', holder: slot.running };
  const alive = (holder: SlotHolder | undefined): SlotHolder | undefined => holder === undefined || isOver(holder.execution) ? undefined : holder;
  const running = alive(slot.running);
  const mine = slot.waiting?.execution === me.execution ? slot.waiting : undefined;
  const other = mine === undefined ? alive(slot.waiting) : undefined;
  if (other !== undefined) {
    const holder = me.rebuild === true && other.rebuild !== true ? { ...other, rebuild: true } : other;
    return { outcome: 'merged', holder, ...(holder === other ? {} : { slot: { ...slot, waiting: holder } }) };
  }
  // a waiting run that died cannot be asked what it was to do: its wish is taken over
  const holder = mine ?? (slot.waiting?.rebuild === true ? { ...me, rebuild: true } : me);
  if (running === undefined) return { outcome: 'run', holder, slot: { running: holder } };
  return { outcome: 'wait', holder, ...(mine === undefined ? { slot: { running, waiting: holder } } : {}) };
}
