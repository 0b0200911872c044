import { QualityWindow } from './quality-window';

/** One row of the quality query: a version behind a variant. */
export interface QualityRow {
  readonly variant: string;
  readonly version: string;
  readonly configName: string;
  readonly samples: number;
  readonly mse?: number;
  readonly rmse?: number;
  readonly mae?: number;
  readonly r2?: number;
  readonly due: number;
  readonly dueLabelled: number;
  readonly dueUnreadable: number;
  readonly accepted: AcceptedFigures;
  /** The version behind the variant at the end of the window, which made its newest prediction, labelled or not. */
  readonly currentVersion: string;
}

/** The evaluation with which the version was accepted, as far as it is known. */
export interface AcceptedFigures {
  readonly mse?: number;
  readonly rmse?: number;
  readonly mae?: number;
  readonly r2?: number;
}

/** One figure for CloudWatch. */
export interface QualityFigure {
  readonly name: 'MSE' | 'RMSE' | 'MAE' | 'R2' | 'SampleCount' | 'LabelCoverage' | 'RMSERatio';
  readonly value: number;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** What is known from one evaluation to the next. */
export interface QualityState {
  /** Labels that arrived before this have been evaluated. */
  readonly to: string;
  /** Key of the last report. */
  readonly report: string;
  /** By variant, the version behind it. */
  readonly serving: Readonly<Record<string, Serving>>;
  /** By variant and version, the last windows that together hold enough labels. */
  readonly recent: Readonly<Record<string, readonly RecentWindow[]>>;
}

export interface Serving {
  readonly version: string;
  readonly rmse?: number;
  readonly acceptedRmse?: number;
  readonly ratio?: number;
  readonly samples: number;
}

export interface RecentWindow {
  readonly to: string;
  readonly samples: number;
  readonly squares: number;
}

/** `quality/….json`: for each version the figures in Model Monitor's report format, and what they are compared with. */
export interface QualityReport {
  readonly version: 0;
  readonly endpoint: string;
  readonly window: QualityWindow;
  readonly results: readonly QualityResult[];
}

export interface QualityResult {
  readonly variant: string;
  readonly modelVersion: string;
  readonly endpointConfigName: string;
  readonly dataset: { readonly item_count: number };
  readonly regression_metrics: Readonly<Record<string, { readonly value: number }>>;
  readonly accepted: AcceptedFigures;
  readonly labels: { readonly due: number; readonly labelled: number; readonly unreadable_predictions: number; readonly coverage?: number };
}

export interface QualitySettings {
  readonly endpointName: string;
  readonly productionVariant: string;
  /** The ratio to the accepted RMSE is taken over the last windows that together hold this many labels. */
  readonly minSamples: number;
}

export interface QualityOutcome {
  readonly report: QualityReport;
  readonly state: QualityState;
  readonly figures: readonly QualityFigure[];
}

/** Windows of a version that has had no labels for this long are forgotten. */
const FORGET_AFTER = 30 * 24 * 3_600_000;

/** Key of the report of a window. */
export function qualityReportKey(endpointName: string, window: QualityWindow): string {
  const [date, time] = window.to.split('T');
  return `quality/${date.replace(/-/g, '/')}/${endpointName}-${time.slice(0, 2)}.json`;
}

/** Key of what is known from one evaluation to the next. */
export function qualityStateKey(endpointName: string): string {
  return `quality/latest/${endpointName}.json`;
}

/** What one evaluation says, and what the next one has to know. */
export function qualityOutcome(
  window: QualityWindow, rows: readonly QualityRow[], before: QualityState | undefined, settings: QualitySettings,
): QualityOutcome {
  const recent = remember(window, rows, before?.recent ?? {}, settings.minSamples);
  const serving = servingVersions(rows, before?.serving ?? {}, recent, settings.minSamples);
  const key = qualityReportKey(settings.endpointName, window);
  return {
    report: { version: 0, endpoint: settings.endpointName, window, results: rows.map(result) },
    state: { to: window.to, report: key, serving, recent },
    figures: [...rows.flatMap((row) => figuresOf(row, settings.endpointName)), ...variantFigures(rows, serving, settings)],
  };
}

function result(row: QualityRow): QualityResult {
  const measured = { mse: row.mse, rmse: row.rmse, mae: row.mae, r2: row.r2 };
  const share = coverage([row]);
  return {
    variant: row.variant,
    modelVersion: row.version,
    endpointConfigName: row.configName,
    dataset: { item_count: row.samples },
    regression_metrics: Object.fromEntries(Object.entries(measured).flatMap(([name, value]) => value === undefined ? [] : [[name, { value }]])),
    accepted: row.accepted,
    labels: { due: row.due, labelled: row.dueLabelled, unreadable_predictions: row.dueUnreadable, ...share === undefined ? {} : { coverage: share } },
  };
}

/** The share of due predictions that have a label; 0 where no answer could be read, since then none can be judged. */
function coverage(rows: readonly QualityRow[]): number | undefined {
  const sum = (of: (row: QualityRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const due = sum((row) => row.due);
  const readable = due - sum((row) => row.dueUnreadable);
  if (due === 0) return undefined;
  return readable === 0 ? 0 : sum((row) => row.dueLabelled) / readable;
}

function figuresOf(row: QualityRow, endpoint: string): QualityFigure[] {
  const dimensions = { Endpoint: endpoint, Variant: row.variant, ModelVersion: row.version };
  const values: [QualityFigure['name'], number | undefined][] = [['LabelCoverage', coverage([row])]];
  if (row.samples > 0) values.push(['SampleCount', row.samples], ['MSE', row.mse], ['RMSE', row.rmse], ['MAE', row.mae], ['R2', row.r2]);
  return values.flatMap(([name, value]) => value === undefined ? [] : [{ name, value, dimensions }]);
}

/** What alarms look at: figures of a variant whatever version is behind it. The production variant always has a sample count, 0 too. */
function variantFigures(rows: readonly QualityRow[], serving: QualityState['serving'], settings: QualitySettings): QualityFigure[] {
  const variants = [...new Set([settings.productionVariant, ...rows.map((row) => row.variant)])];
  return variants.flatMap((variant) => {
    const own = rows.filter((row) => row.variant === variant);
    const dimensions = { Endpoint: settings.endpointName, Variant: variant };
    const share = coverage(own);
    const { ratio, version } = serving[variant] ?? {};
    const fresh = own.some((row) => row.version === version && row.samples > 0);
    return [
      { name: 'SampleCount' as const, value: own.reduce((total, row) => total + row.samples, 0), dimensions },
      ...share === undefined ? [] : [{ name: 'LabelCoverage' as const, value: share, dimensions }],
      ...ratio === undefined || !fresh ? [] : [{ name: 'RMSERatio' as const, value: ratio, dimensions }],
    ];
  });
}

const identity = (row: { variant: string; version: string }): string => `${row.variant}/${row.version}`;

/** Adds the window to those of each version, and drops those that are no longer needed to hold enough labels. */
function remember(window: QualityWindow, rows: readonly QualityRow[], before: QualityState['recent'], minSamples: number): QualityState['recent'] {
  const after: Record<string, readonly RecentWindow[]> = {};
  for (const [name, windows] of Object.entries(before)) {
    if (Date.parse(window.to) - Date.parse(windows[windows.length - 1].to) <= FORGET_AFTER) after[name] = windows;
  }
  for (const row of rows) {
    if (row.samples === 0 || row.mse === undefined) continue;
    const windows = [...after[identity(row)] ?? [], { to: window.to, samples: row.samples, squares: row.mse * row.samples }];
    while (windows.slice(1).reduce((total, { samples }) => total + samples, 0) >= minSamples) windows.shift();
    after[identity(row)] = windows;
  }
  return after;
}

/**
 * How well the version does that is behind each variant now. Labels come late: those of a version that has been replaced say
 * nothing about the one that serves, and must neither take it back nor have a rollback followed by another.
 */
function servingVersions(
  rows: readonly QualityRow[], before: QualityState['serving'], recent: QualityState['recent'], minSamples: number,
): QualityState['serving'] {
  const serving: Record<string, Serving> = { ...before };
  for (const variant of new Set(rows.map((row) => row.variant))) {
    const own = rows.filter((row) => row.variant === variant);
    const version = own[0].currentVersion;
    const row = own.find((one) => one.version === version && one.samples > 0);
    if (row === undefined) {
      if (serving[variant]?.version !== version) serving[variant] = { version, samples: 0 };
      continue;
    }
    const windows = recent[identity(row)] ?? [];
    const samples = windows.reduce((total, window) => total + window.samples, 0);
    const rmse = samples === 0 ? undefined : Math.sqrt(windows.reduce((total, window) => total + window.squares, 0) / samples);
    const acceptedRmse = row.accepted.rmse;
    const comparable = rmse !== undefined && samples >= minSamples && acceptedRmse !== undefined && acceptedRmse > 0;
    serving[variant] = { version, rmse, acceptedRmse, samples, ...comparable ? { ratio: rmse / acceptedRmse } : {} };
  }
  return serving;
}
