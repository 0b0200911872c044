/**
 * The events that the library puts on an EventBridge bus. Each member's value is the event's `detail-type`;
 * the detail itself is the struct of the same name, as JSON.
 */
export enum MlopsEventType {
  /** A data pipeline published a new dataset version: `DatasetPublished`. */
  DATASET_PUBLISHED = 'DatasetPublished',
  /** A candidate passed its gate and got a version: `ModelRegistered`. */
  MODEL_REGISTERED = 'ModelRegistered',
  /** A candidate was stopped before it got a version: `ModelRejected`. */
  MODEL_REJECTED = 'ModelRejected',
  /** A shadow comparison ended: `ShadowVerdict`. */
  SHADOW_VERDICT = 'ShadowVerdict',
  /** A version serves all production traffic: `ReleaseCompleted`. */
  RELEASE_COMPLETED = 'ReleaseCompleted',
  /** A release was taken back: `ReleaseRolledBack`. */
  RELEASE_ROLLED_BACK = 'ReleaseRolledBack',
  /** A release ended before its version got production traffic, by a verdict or a hook: `ReleaseRejected`. */
  RELEASE_REJECTED = 'ReleaseRejected',
  /** A version will never be released, because a newer one takes its place: `ReleaseSuperseded`. */
  RELEASE_SUPERSEDED = 'ReleaseSuperseded',
  /** A release waits for somebody's approval: `ApprovalRequested`. */
  APPROVAL_REQUESTED = 'ApprovalRequested',
  /** What a release left behind could not be undone yet: `ReleaseRecoveryFailed`. */
  RELEASE_RECOVERY_FAILED = 'ReleaseRecoveryFailed',
  /** A rollback was asked for, and there is no good release to go back to: `RollbackImpossible`. */
  ROLLBACK_IMPOSSIBLE = 'RollbackImpossible',
  /** A rollback was asked for and broke before it had begun: `RollbackFailed`. */
  ROLLBACK_FAILED = 'RollbackFailed',
  /** A model in production deviates from what its evaluation promised: `QualityDegraded`. */
  QUALITY_DEGRADED = 'QualityDegraded',
  /** Somebody tried to touch a run or its evidence: `TamperAttempt`. */
  TAMPER_ATTEMPT = 'TamperAttempt',
}

/** What all events of the library share. */
export class MlopsEvents {
  /** The `source` of every event of the library. */
  public static readonly SOURCE = 'cdk-mlops';

  private constructor() {}
}

/** Regression metrics of one model on one set of rows. */
export interface ModelEvaluation {
  /** Mean squared error. */
  readonly mse: number;

  /** Root of the mean squared error. */
  readonly rmse: number;

  /** Mean absolute error. */
  readonly mae: number;

  /**
   * Share of the target's variance that the model explains.
   *
   * @default - the target is constant, so that there is no variance to explain
   */
  readonly r2?: number;

  /** Number of rows that were evaluated. */
  readonly itemCount: number;
}

/** Detail of the event `DatasetPublished`. */
export interface DatasetPublished {
  /** Name of the dataset. */
  readonly dataset: string;

  /** Version of the dataset: UTC time and a hash of the content. */
  readonly version: string;

  /** S3 URI of the version's manifest. */
  readonly manifestUri: string;

  /** Hash of the content. */
  readonly contentHash: string;

  /** Rows to train on. */
  readonly trainRows: number;

  /** Rows to evaluate on. */
  readonly holdoutRows: number;

  /**
   * The version before this one.
   *
   * @default - this is the first version
   */
  readonly previous?: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `ModelRegistered`. */
export interface ModelRegistered {
  /** Name of the model. */
  readonly model: string;

  /** The version, for example `V1.4.2`. */
  readonly version: string;

  /** ARN of the model package that carries the version. */
  readonly modelPackageArn: string;

  /** `manual` where a scientist's commit made the version, `auto` where new data did. */
  readonly cause: string;

  /** The commit that the model was trained from. */
  readonly commit: string;

  /** The dataset version that the model was trained on. */
  readonly dataset: string;

  /** The evaluation that the gate accepted. */
  readonly evaluation: ModelEvaluation;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `ModelRejected`. */
export interface ModelRejected {
  /** Name of the model. */
  readonly model: string;

  /** The commit that the candidate was trained from. */
  readonly commit: string;

  /** The dataset version that the candidate was trained on. */
  readonly dataset: string;

  /** Where it was stopped: `data`, `training`, `evaluation` or `gate`. */
  readonly stage: string;

  /** Why, in words. */
  readonly reason: string;

  /** The training run, by its execution. */
  readonly run: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `ShadowVerdict`. */
export interface ShadowVerdict {
  /** Name of the production endpoint. */
  readonly endpoint: string;

  /** The challenger. */
  readonly version: string;

  /** The version in production that it was compared with; `none` where there was none. */
  readonly champion: string;

  /** `promote`, `reject` or `inconclusive`. */
  readonly decision: string;

  /** Why, in words. */
  readonly reason: string;

  /** Requests that both models answered and whose label arrived. */
  readonly pairs: number;

  /** Blocks of time that these requests fill. */
  readonly blocks: number;

  /**
   * Lower bound of the mean of loss(challenger) − (1 + tolerance) × loss(champion).
   *
   * @default - there was too little to compute a bound
   */
  readonly lower?: number;

  /**
   * Upper bound of the same mean.
   *
   * @default - there was too little to compute a bound
   */
  readonly upper?: number;

  /** By how much the challenger may be worse and still pass, as a fraction. */
  readonly tolerance: number;

  /**
   * ARN of the release's execution that the comparison is part of; that release tells what becomes of the version.
   *
   * @default - the comparison was started by itself
   */
  readonly release?: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `QualityDegraded`. */
export interface QualityDegraded {
  /** Name of the endpoint. */
  readonly endpoint: string;

  /** The version that serves. */
  readonly version: string;

  /** Name of the alarm. */
  readonly alarm: string;

  /** Why, in words. */
  readonly reason: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `TamperAttempt`. */
export interface TamperAttempt {
  /** ARN of who tried. */
  readonly principal: string;

  /** The action, for example `states:StopExecution`. */
  readonly action: string;

  /** What it was aimed at. */
  readonly resource: string;

  /** `denied`, `succeeded`, or `failed` for another reason than a denial. */
  readonly outcome: string;

  /**
   * The error that the attempt got.
   *
   * @default - it succeeded
   */
  readonly errorCode?: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}
