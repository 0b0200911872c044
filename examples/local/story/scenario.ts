import { DataQualityRule } from 'cdk-mlops';

/** What is played: the data in its own time, and when people do what. Nothing here says how it comes out. */
export interface Scenario {
  readonly name: string;
  readonly rows: number;
  readonly target: string;
  readonly timeColumn: string;
  /** The data engineer's transformation, as a file. */
  readonly script: string;
  /** What the rows must satisfy, where it is not what the example app says. */
  readonly quality?: DataQualityRule[];
  readonly features: {
    /** What the scientist starts with. */
    readonly few: readonly string[];
    /** What a better model adds. */
    readonly all: readonly string[];
    /** All, and one that follows the past instead of explaining it. */
    readonly misleading: readonly string[];
  };
  /** Requests in the order of time. */
  readonly requests: readonly Request[];
  /** Raw data as it reaches the data engineer, in the order of time. */
  readonly batches: {
    readonly first: Batch;
    /** What the second is at first: it breaks a rule. */
    readonly bad: Batch;
    readonly second: Batch;
    readonly third: Batch;
  };
  readonly at: {
    readonly start: Date;
    readonly stopped: Date;
    readonly crashed: Date;
    /** A bad batch of data. */
    readonly bad: Date;
    readonly second: Date;
    readonly third: Date;
    readonly better: Date;
    /** Several merges while one release is under way. */
    readonly crowd: Date;
    /** The accuracy so far is looked at, after the misleading model's release. */
    readonly misleading: Date;
    /** The last merge, whose watch window quality degrades in, if the data shows it. */
    readonly late: Date;
    /** From here on quality is expected to degrade, if the data shows it. */
    readonly drift: Date;
    readonly end: Date;
  };
  /** Whether every step must come out; somebody's own data need not show all. */
  readonly strict: boolean;
}

export interface Request {
  readonly at: Date;
  /** Feature values by name; null is missing. */
  readonly instance: Record<string, number | string | null>;
  readonly label: number;
}

export interface Batch {
  readonly name: string;
  readonly csv: string;
}

/** A label is known this long after its request. */
export const LABEL_DELAY = 24 * 3_600_000;
