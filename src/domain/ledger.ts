import { JsonObject } from './attribute-values';
import { ModelEvaluation } from './events';
import { TagState, VersionCause } from './model-version';
import { HookOutcome } from './release-hook';

/**
 * The version ledger: one DynamoDB table for each model, with the keys `pk` and `sk`.
 *
 * It says which versions were ever given, what each was made from and what became of it. Numbers are given here and
 * nowhere else.
 */
export interface LedgerKey extends JsonObject {
  readonly pk: string;
  readonly sk: string;
}

/** Keys of all items of the ledger. */
export const ledgerKeys = {
  /** Last version given to a tag: `TagState` and `version`. */
  tag: (tag: string): LedgerKey => ({ pk: `TAG#${tag}`, sk: 'STATE' }),
  /** What came of a run: `RunRecord`. Makes every step repeatable by run. */
  run: (run: string): LedgerKey => ({ pk: `RUN#${run}`, sk: 'RUN' }),
  /** One version: `VersionRecord`. */
  version: (version: string): LedgerKey => ({ pk: 'VERSION', sk: version }),
  /** Number of versions given so far, over all tags: `order`. */
  allocated: (): LedgerKey => ({ pk: 'LATEST', sk: 'ALLOCATED' }),
  /** The version registered last, over all tags: `version`, `order`. */
  registered: (): LedgerKey => ({ pk: 'LATEST', sk: 'REGISTERED' }),
  /** A candidate that was stopped before it got a version: `RejectionRecord`. */
  rejected: (time: string, run: string): LedgerKey => ({ pk: 'REJECTED', sk: `${time}#${run}` }),
  /** The version that serves production: `version`, `time`. */
  champion: (): LedgerKey => ({ pk: 'CHAMPION', sk: 'PRODUCTION' }),
  /** The release that may change the endpoint. */
  releaseSlot: (): LedgerKey => ({ pk: 'RELEASE', sk: 'SLOT' }),
  /** What an approver is asked about a version, and what they answered: `ApprovalRecord`. */
  approval: (version: string, key: string): LedgerKey => ({ pk: `APPROVAL#${version}`, sk: key }),
  /** A version that waits for the slot; sorts by age. */
  releaseWaiting: (order: number): LedgerKey => ({ pk: 'RELEASE', sk: `WAITING#${String(order).padStart(12, '0')}` }),
  /** An endpoint config that served production well: `GoodRelease`; sorts by the order of versions. */
  releaseGood: (order: number): LedgerKey => ({ pk: 'RELEASE', sk: `GOOD#${String(order).padStart(12, '0')}` }),
};

/** Where a version is in its life. `Registered` is where it begins. */
export const LIFECYCLE_STAGES = ['Registered', 'Staging', 'Canary', 'Production', 'Archived', 'Rejected', 'Superseded', 'RolledBack'] as const;
export type LifecycleStage = (typeof LIFECYCLE_STAGES)[number];

export function isLifecycleStage(text: string): text is LifecycleStage {
  return (LIFECYCLE_STAGES as readonly string[]).includes(text);
}

export interface StageChange {
  readonly stage: LifecycleStage;
  readonly reason: string;
  /** ISO 8601. */
  readonly time: string;
  readonly detail?: JsonObject;
}

/** What a candidate that passed its gate brings along. */
export interface Candidate {
  /** The execution that made it: the key that makes registration repeatable. */
  readonly run: string;
  readonly tag: string;
  readonly commit: string;
  readonly dataset: string;
  readonly imageUri: string;
  readonly modelDataUrl: string;
  readonly evaluation: ModelEvaluation;
  /** The champion's evaluation on the same holdout, where there was one. */
  readonly championEvaluation?: ModelEvaluation;
  /** The champion that it was compared with. */
  readonly championVersion?: string;
  /** Why the gate let it pass, in words. */
  readonly gate?: string;
  /** Who wrote the commit, as git has it: `Name <address>` or either. Absent where the build could not tell. */
  readonly author?: string;
  readonly evaluationUri?: string;
  /** Rows of the holdout with the evaluation's own predictions. */
  readonly sampleUri?: string;
  readonly trainingJobName?: string;
  /** The `mlops.json` that it was trained by. */
  readonly spec?: JsonObject;
}

/** One version, from its number to its end. */
export interface VersionRecord extends Candidate {
  readonly version: string;
  readonly manual: number;
  readonly auto: number;
  readonly cause: VersionCause;
  /** Counts all versions of the model in the order of their numbers, from 1. */
  readonly order: number;
  /** `allocated`: the number is given, the model package is not there yet. `abandoned`: it could not be made. */
  readonly status: 'allocated' | 'registered' | 'abandoned';
  /** How often a run took an abandoned number up again. */
  readonly attempt: number;
  readonly modelPackageArn?: string;
  /** When the registration was announced by an event. */
  readonly announcedAt?: string;
  readonly stage: LifecycleStage;
  readonly reason: string;
  readonly history: readonly StageChange[];
  /** What the hooks of its release said, by where and in which order they were asked. */
  readonly hooks?: Readonly<Record<string, HookOutcome>>;
  /** What was judged and decided, in words: the same text as on the model package and in events. */
  readonly account?: string;
  readonly createdAt: string;
}

export interface TagRecord extends TagState {
  readonly version: string;
}

export interface RunRecord {
  readonly outcome: 'version' | 'rejected';
  readonly version?: string;
  /** Whether this run gave the number. */
  readonly created?: boolean;
  readonly reason?: string;
  readonly time: string;
}

/** A candidate that got no number, and why. */
export interface RejectionRecord {
  readonly run: string;
  readonly commit: string;
  readonly dataset: string;
  /** `data`, `training`, `evaluation` or `gate`. */
  readonly stage: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly time: string;
}

/** One form for all times, so that their order as text is their order in time. */
export function normalTime(time: string): string {
  const milliseconds = Date.parse(time);
  if (Number.isNaN(milliseconds)) throw new Error(`not a time: '${time}', expected ISO 8601`);
  return new Date(milliseconds).toISOString();
}
