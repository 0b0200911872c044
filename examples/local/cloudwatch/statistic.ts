import { Summary } from './metric-store';
import { Unsupported } from '../cloud/types';

const PERCENTILE = /^p(\d{1,2}(?:\.\d{1,10})?|100)$/;

/** Whether a statistic needs every sample. */
export const isPercentile = (name: string): boolean => name.startsWith('p');

/** Throws for a statistic that is not computed here. */
export function checkStatistic(name: string): void {
  if (!['Average', 'Sum', 'Minimum', 'Maximum', 'SampleCount'].includes(name) && !PERCENTILE.test(name)) {
    throw new Unsupported(`the CloudWatch statistic ${name}`);
  }
}

/** A statistic of some samples; undefined where it cannot be known (percentiles of a statistic set). */
export function statistic(summary: Summary, name: string): number | undefined {
  switch (name) {
    case 'Average': return summary.sum / summary.count;
    case 'Sum': return summary.sum;
    case 'Minimum': return summary.min;
    case 'Maximum': return summary.max;
    case 'SampleCount': return summary.count;
    default: return percentile(summary, name);
  }
}

function percentile(summary: Summary, name: string): number | undefined {
  const match = PERCENTILE.exec(name);
  if (match === null) throw new Unsupported(`the CloudWatch statistic ${name}`);
  if (summary.min === summary.max) return summary.min;
  if (summary.samples === undefined) return undefined;
  const sorted = [...summary.samples].sort((a, b) => a.value - b.value);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const rank = (total - 1) * Number(match[1]) / 100;
  const at = (position: number): number => {
    let passed = 0;
    for (const { value, weight } of sorted) {
      passed += weight;
      if (position < passed) return value;
    }
    return summary.max;
  };
  const low = at(Math.floor(rank));
  return low + (at(Math.ceil(rank)) - low) * (rank - Math.floor(rank));
}
