const HOUR = 3_600_000;

/** Labels of an hour may still be on their way for a while after it: they are gathered before they are written. */
const SETTLING_MINUTES = 10;

/** Which labels and predictions one evaluation looks at. ISO 8601, on the hour. */
export interface QualityWindow {
  /** Labels that arrived from here … */
  readonly from: string;
  /** … to before here. */
  readonly to: string;
  /** Predictions made before this are not looked for any more. */
  readonly predictedFrom: string;
  /** Predictions made from here … */
  readonly dueFrom: string;
  /** … to before here should have their labels by `to`. */
  readonly dueTo: string;
}

export interface QualityTiming {
  readonly everyHours: number;
  readonly labelDelayHours: number;
  readonly maxLabelDelayHours: number;
}

/**
 * The window of an evaluation that was started at `time`: from where the last one ended, so that labels of a run that
 * failed are not lost, to the last hour whose labels have all been written. Undefined where nothing is left to evaluate.
 */
export function qualityWindow(time: string, timing: QualityTiming, evaluatedTo?: string): QualityWindow | undefined {
  const to = Math.floor((Date.parse(time) - SETTLING_MINUTES * 60_000) / HOUR) * HOUR;
  const reach = timing.maxLabelDelayHours * HOUR;
  const last = evaluatedTo === undefined ? to - timing.everyHours * HOUR : Date.parse(evaluatedTo);
  const from = Math.max(last, to - reach);
  if (from >= to) return undefined;
  const due = timing.labelDelayHours * HOUR;
  const iso = (at: number): string => new Date(at).toISOString();
  return { from: iso(from), to: iso(to), predictedFrom: iso(from - reach), dueFrom: iso(from - due), dueTo: iso(to - due) };
}
