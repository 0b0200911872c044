/** What a run leaves behind: `report.json`. Members keep their names and meaning; further ones may be added. */
export interface Report {
  readonly ok: boolean;
  /** Wall time of the run on this machine. */
  readonly seconds: number;
  readonly stack: string[];
  readonly data: { readonly name: string; readonly rows: number; readonly target: string; readonly features: number };
  readonly versions: VersionReport[];
  readonly rejected: { readonly commit: string; readonly dataset: string; readonly reason: string }[];
  readonly traffic: { readonly sent: number; readonly answered: number; readonly failed: number };
  readonly quality: QualityReport[];
  readonly alerts: { readonly at: string; readonly name: string; readonly message: string }[];
  readonly denied: { readonly persona: string; readonly action: string; readonly resource: string; readonly by: string }[];
  /** What each persona may do, and the statement that decides; runs of before do not have it. */
  readonly access?: { readonly persona: string; readonly attempt: string; readonly action: string; readonly allowed: boolean; readonly by: string }[];
  readonly checks: Check[];
  readonly standIns: { readonly service: string; readonly by: string }[];
  /** Real durations on this machine, per step of the story. */
  readonly timings: { readonly step: string; readonly seconds: number }[];
}

export interface VersionReport {
  readonly version: string;
  readonly cause: 'manual' | 'auto';
  readonly commit: string;
  readonly dataset: string;
  readonly evaluation: { readonly mse: number; readonly rmse: number; readonly mae: number; readonly r2: number; readonly item_count: number };
  readonly verdict: Verdict | null;
  readonly outcome: 'production' | 'archived' | 'rejected' | 'rolled-back' | 'superseded';
  readonly reason: string;
  /** What was judged and decided, as ledger, model package and alerts tell it. */
  readonly account?: string;
  /** Stages with the time at which each was entered, in the data's own time. */
  readonly history: { readonly stage: string; readonly at: string; readonly reason: string }[];
  /** Share of requests that this version answered, whenever it changed during its release. */
  readonly shares: { readonly at: string; readonly share: number }[];
}

export interface Verdict {
  readonly decision: 'promote' | 'reject' | 'inconclusive';
  readonly pairs: number;
  readonly lower: number;
  readonly upper: number;
  readonly tolerance: number;
  /** The confidence sequence at each look. */
  readonly sequence: { readonly pairs: number; readonly lower: number; readonly upper: number }[];
}

export interface QualityReport {
  readonly version: string;
  readonly from: string;
  readonly to: string;
  readonly samples: number;
  readonly coverage: number;
  readonly mse: number;
  readonly rmse: number;
  readonly mae: number;
  readonly r2: number | null;
}

export interface Check {
  readonly step: string;
  readonly ok: boolean;
  readonly detail: string;
  /** False where the user's own data cannot show the step; that is no error. */
  readonly shown: boolean;
}
