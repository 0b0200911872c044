/** Detail of the event `ReleaseCompleted`. */
export interface ReleaseCompleted {
  /** Name of the endpoint. */
  readonly endpoint: string;

  /** The version that now serves. */
  readonly version: string;

  /**
   * The version that served before.
   *
   * @default - this was the first release
   */
  readonly previous?: string;

  /** Name of the endpoint config that now serves. */
  readonly endpointConfigName: string;

  /**
   * What was judged and decided, as on the version's model package.
   *
   * @default - the ledger has no account of the version
   */
  readonly account?: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `ReleaseRejected`. */
export interface ReleaseRejected {
  /** Name of the endpoint. */
  readonly endpoint: string;

  /** The version that is not released. */
  readonly version: string;

  /** Why, in words. */
  readonly reason: string;

  /** What was judged and decided, as on the version's model package: one line of at most 1,024 characters. */
  readonly account: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `ReleaseSuperseded`. */
export interface ReleaseSuperseded {
  /** Name of the endpoint. */
  readonly endpoint: string;

  /** The version that is not released. */
  readonly version: string;

  /** Why, in words. */
  readonly reason: string;

  /** What was judged and decided, as on the version's model package: one line of at most 1,024 characters. */
  readonly account: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `ApprovalRequested`. */
export interface ApprovalRequested {
  /** Name of the model. */
  readonly model: string;

  /** Name of the endpoint. */
  readonly endpoint: string;

  /** The version that waits. */
  readonly version: string;

  /** Name of the hook that asks. */
  readonly hook: string;

  /** Where the release waits: `beforeShadow`, `beforePromotion` or `afterPromotion`. */
  readonly at: string;

  /** Who wrote the commit, and cannot approve it. */
  readonly author: string;

  /** Where to send the answer to: `POST {"version", "decision": "approve" | "reject", "reason"}`, signed for the service `lambda`. */
  readonly url: string;

  /** When the release stops waiting and the version is rejected, ISO 8601. */
  readonly until: string;

  /** What was judged so far, in words. */
  readonly account: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `ReleaseRolledBack`. */
export interface ReleaseRolledBack {
  /** Name of the endpoint. */
  readonly endpoint: string;

  /** The version that was taken back. */
  readonly version: string;

  /**
   * The version that serves again.
   *
   * @default - there was none before
   */
  readonly restored?: string;

  /** Name of the endpoint config that serves after the rollback. */
  readonly endpointConfigName: string;

  /** Why, in words. */
  readonly reason: string;

  /**
   * What was judged and decided, as on the version's model package.
   *
   * @default - the ledger has no account of the version
   */
  readonly account?: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/**
 * Detail of the event `ReleaseRecoveryFailed`. No version is released before a recovery has succeeded: the next one starts
 * by itself within the workflow's `reconcileEvery`.
 */
export interface ReleaseRecoveryFailed {
  /** Name of the endpoint. It may serve on a config of the release that was to be undone. */
  readonly endpoint: string;

  /** The version whose release was to be undone. */
  readonly version: string;

  /** ARN of the recovery that failed. */
  readonly execution: string;

  /** Why, in words. */
  readonly reason: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/** Detail of the event `RollbackImpossible`. The endpoint serves on what it served on. */
export interface RollbackImpossible {
  /** Name of the endpoint. */
  readonly endpoint: string;

  /** The version in production; `none` where the endpoint is on a config that no release brought into production. */
  readonly version: string;

  /** Why the rollback was asked for, and why it cannot be. */
  readonly reason: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}

/**
 * Detail of the event `RollbackFailed`: the rollback did not come to its end, and nobody goes on with it. Whoever wants it still
 * asks for it again. One that broke on the way back is gone on with by the workflow's recovery, and not told of by this event.
 */
export interface RollbackFailed {
  /** Name of the endpoint. */
  readonly endpoint: string;

  /** The version in production; `none` where there is none. */
  readonly version: string;

  /** ARN of the rollback that failed. */
  readonly execution: string;

  /** Why it failed, and why it was asked for. */
  readonly reason: string;

  /** When it happened, ISO 8601. */
  readonly time: string;
}
