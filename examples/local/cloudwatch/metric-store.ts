/** What `statistic` needs of a minute's, or any longer window's, samples. */
export interface Summary {
  count: number;
  sum: number;
  min: number;
  max: number;
  /** The samples with how often each came, or undefined where only a statistic set is known: it has no percentiles. */
  samples?: { value: number; weight: number }[];
}

interface Bucket extends Summary {
  readonly minute: number;
}

export const MINUTE = 60_000;

/** One metric with its exact dimensions, in buckets of a minute. */
export class Series {
  readonly units = new Set<string>();
  readonly watchers = new Set<() => void>();
  private readonly buckets: Bucket[] = [];

  constructor(readonly namespace: string, readonly name: string, readonly dimensions: Record<string, string>) {}

  get empty(): boolean {
    return this.buckets.length === 0;
  }

  add(time: number, value: number, weight = 1): void {
    this.merge(time, { count: weight, sum: value * weight, min: value, max: value, samples: [{ value, weight }] });
  }

  merge(time: number, summary: Summary): void {
    const minute = Math.floor(time / MINUTE) * MINUTE;
    const index = this.lowerBound(minute);
    const bucket = this.buckets[index];
    if (bucket?.minute === minute) {
      accumulate(bucket, summary);
    } else {
      this.buckets.splice(index, 0, { minute, ...summary, samples: summary.samples?.map((sample) => ({ ...sample })) });
    }
    for (const watcher of this.watchers) watcher();
  }

  /** The samples of [from, to), or undefined where there is none. Only percentiles need the samples one by one. */
  window(from: number, to: number, detailed = true): Summary | undefined {
    const { buckets } = this;
    const first = this.lowerBound(from);
    if (first === buckets.length || buckets[first].minute >= to) return undefined;
    const total: Summary = { count: 0, sum: 0, min: Infinity, max: -Infinity, samples: detailed ? [] : undefined };
    for (let index = first; index < buckets.length && buckets[index].minute < to; index += 1) accumulate(total, buckets[index]);
    return total;
  }

  /** The minutes from `from` on that have samples, in order. */
  * minutesFrom(from: number): Generator<number> {
    for (let index = this.lowerBound(from); index < this.buckets.length; index += 1) yield this.buckets[index].minute;
  }

  private lowerBound(minute: number): number {
    const { buckets } = this;
    if (buckets.length === 0 || buckets[buckets.length - 1].minute < minute) return buckets.length;
    let low = 0;
    let high = buckets.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (buckets[middle].minute < minute) low = middle + 1; else high = middle;
    }
    return low;
  }
}

function accumulate(total: Summary, more: Summary): void {
  total.count += more.count;
  total.sum += more.sum;
  total.min = Math.min(total.min, more.min);
  total.max = Math.max(total.max, more.max);
  if (total.samples === undefined || more.samples === undefined) {
    total.samples = undefined;
    return;
  }
  for (const { value, weight } of more.samples) {
    const last = total.samples[total.samples.length - 1];
    // Counters send the same value again and again; keeping one entry keeps months of them small.
    if (last?.value === value) last.weight += weight; else total.samples.push({ value, weight });
  }
}

/**
 * Every metric that was put. Unlike CloudWatch nothing expires: a story of months is read at one-minute resolution to
 * its end.
 */
export class MetricStore {
  private readonly series = new Map<string, Series>();

  /** The series of a metric; made where it is new, so that an alarm can watch a metric that does not exist yet. */
  of(namespace: string, name: string, dimensions: Record<string, string>): Series {
    const key = JSON.stringify([namespace, name, Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))]);
    let series = this.series.get(key);
    if (series === undefined) {
      series = new Series(namespace, name, { ...dimensions });
      this.series.set(key, series);
    }
    return series;
  }

  all(): Series[] {
    return [...this.series.values()].filter((series) => !series.empty);
  }
}
