import { Points } from './metric-math';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
export type MissingData = 'missing' | 'ignore' | 'breaching' | 'notBreaching';

export const COMPARISONS = {
  GreaterThanOrEqualToThreshold: { holds: (value: number, threshold: number) => value >= threshold, words: 'greater than or equal to' },
  GreaterThanThreshold: { holds: (value: number, threshold: number) => value > threshold, words: 'greater than' },
  LessThanThreshold: { holds: (value: number, threshold: number) => value < threshold, words: 'less than' },
  LessThanOrEqualToThreshold: { holds: (value: number, threshold: number) => value <= threshold, words: 'less than or equal to' },
} as const;

export interface AlarmRule {
  readonly threshold: number;
  readonly comparison: keyof typeof COMPARISONS;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly missingData: MissingData;
}

export interface Evaluation {
  /** Undefined: the alarm keeps its state. */
  readonly state?: AlarmState;
  readonly reason: string;
}

/**
 * CloudWatch looks further back than the evaluation periods, so that a late or missing data point does not decide.
 * How far is not documented as a formula; its examples for three periods show five.
 */
export const EVALUATION_EXTRA = 2;

/** Decides an alarm over its evaluation range, oldest point first. */
export function evaluateAlarm(rule: AlarmRule, range: Points): Evaluation {
  const { evaluationPeriods, datapointsToAlarm, missingData, threshold } = rule;
  const breaches = (value: number): boolean => COMPARISONS[rule.comparison].holds(value, threshold);
  const newestFirst = [...range].reverse();
  const real = newestFirst.flatMap((value, age) => (value === undefined ? [] : [{ value, age, breaching: breaches(value) }]));

  if (real.length === 0) {
    const reason = `no datapoints were received for ${evaluationPeriods} period${evaluationPeriods === 1 ? '' : 's'}`;
    switch (missingData) {
      case 'ignore': return { reason };
      case 'breaching': return { state: 'ALARM', reason: `Threshold Crossed: ${reason} and missing datapoints were treated as [Breaching].` };
      case 'notBreaching': return { state: 'OK', reason: `Threshold Crossed: ${reason} and missing datapoints were treated as [NonBreaching].` };
      default: return { state: 'INSUFFICIENT_DATA', reason: `Insufficient Data: ${reason}.` };
    }
  }

  // Enough real points, from as far back as the range goes: missing ones are left out, whatever their treatment.
  // Else every real point of the range counts, and only what is still wanting is filled.
  const considered = real.slice(0, evaluationPeriods);
  const filled = evaluationPeriods - considered.length;
  const breaching = considered.filter((point) => point.breaching).length + (missingData === 'breaching' ? filled : 0);
  const say = (count: number, not: '' | 'not '): string => {
    const values = considered.map(({ value }) => String(value)).reverse().join(', ');
    const treated = filled > 0 && (missingData === 'breaching' || missingData === 'notBreaching')
      ? `; ${filled} missing datapoint${filled === 1 ? ' was' : 's were'} treated as [${missingData}]` : '';
    return `Threshold Crossed: ${count} out of the last ${evaluationPeriods} datapoints [${values}] ${count === 1 ? 'was' : 'were'} ${not}`
      + `${COMPARISONS[rule.comparison].words} the threshold (${threshold})${treated} `
      + `(minimum ${datapointsToAlarm} datapoint${datapointsToAlarm === 1 ? '' : 's'} for ${not === '' ? 'OK -> ALARM' : 'ALARM -> OK'} transition).`;
  };
  if (breaching >= datapointsToAlarm) return { state: 'ALARM', reason: say(breaching, '') };
  if (filled > 0 && (missingData === 'missing' || missingData === 'ignore') && real.every((point) => point.breaching)) {
    // All that is known breaches. It is an alarm once the oldest is as old as the points to alarm (and no sooner: the
    // next one may be good again); `ignore` keeps the state.
    const oldEnough = real[real.length - 1].age + 1 >= datapointsToAlarm;
    return missingData === 'missing' && oldEnough ? { state: 'ALARM', reason: say(breaching, '') } : { reason: say(breaching, '') };
  }
  return { state: 'OK', reason: say(evaluationPeriods - breaching, 'not ') };
}
