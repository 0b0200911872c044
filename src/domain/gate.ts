/** A metric that a gate can judge. */
export type MetricName = 'mse' | 'rmse' | 'mae' | 'r2';

/** An absolute limit on one metric. */
export interface MetricLimit {
  readonly metric: MetricName;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** "Not worse than the champion by more than x %". */
export interface ChampionRule {
  readonly metric: MetricName;
  readonly percent: number;
}

/** What a candidate must satisfy before it gets a version. */
export interface GateRules {
  readonly limits: readonly MetricLimit[];
  readonly notWorseThanChampion?: ChampionRule;
}

export interface GateResult {
  readonly passed: boolean;
  /** Every reason that speaks against the candidate, in words. Empty where it passed. */
  readonly failures: readonly string[];
  /** One readable line: what was checked and how it came out. At most 1,000 characters. */
  readonly reason: string;
}

/** Numbers as they come out of JSON: a metric that does not exist is null or absent. */
export type EvaluationJson = { readonly [metric in MetricName]?: number | null } & { readonly itemCount?: number | null };

/**
 * Judges a candidate's evaluation against the limits and, where there is one, against the champion's evaluation on
 * the same holdout. All failing reasons are collected, so that one look tells everything that is wrong.
 *
 * A metric that is missing or not finite never passes: what cannot be measured cannot be released.
 */
export function judgeGate(rules: GateRules, candidate: EvaluationJson, champion?: EvaluationJson | null): GateResult {
  const checks = [
    ...rules.limits.flatMap((limit) => checkLimit(limit, candidate)),
    ...(rules.notWorseThanChampion === undefined || champion === undefined || champion === null
      ? []
      : checkChampion(rules.notWorseThanChampion, candidate, champion)),
  ];
  const failures = checks.filter(({ ok }) => !ok).map(({ text }) => text);
  const passed = failures.length === 0;
  const said = passed ? checks.map(({ text }) => text) : failures;
  const reason = said.length === 0 ? 'nothing to check' : said.join('; ');
  return { passed, failures, reason: reason.length <= 1000 ? reason : `${reason.slice(0, 999)}…` };
}

/** What is wrong with the rules themselves, in words; empty where they can be used. */
export function gateProblems(rules: GateRules): string[] {
  const problems: string[] = [];
  for (const { metric, atMost, atLeast } of rules.limits) {
    if (atMost === undefined && atLeast === undefined) problems.push(`the gate's limit on ${label(metric)} has neither atMost nor atLeast`);
    for (const limit of [atMost, atLeast]) {
      if (limit === undefined) continue;
      if (!Number.isFinite(limit)) problems.push(`the gate's limit on ${label(metric)} must be a finite number, got ${limit}`);
      else if (metric !== 'r2' && limit < 0) problems.push(`the gate's limit on ${label(metric)} must be at least 0, got ${limit}: an error is never negative`);
    }
    if (metric === 'r2' && atLeast !== undefined && atLeast > 1) problems.push(`the gate's limit on R² must be at most 1, got ${atLeast}: no model explains more than everything`);
    if (atMost !== undefined && atLeast !== undefined && atLeast > atMost) problems.push(`the gate asks ${label(metric)} to be at least ${atLeast} and at most ${atMost}`);
  }
  const percent = rules.notWorseThanChampion?.percent;
  if (percent !== undefined && !(Number.isFinite(percent) && percent >= 0)) problems.push(`a candidate may be worse than the champion by at least 0 %, got ${percent}`);
  return problems;
}

interface Check {
  readonly ok: boolean;
  readonly text: string;
}

function checkLimit({ metric, atMost, atLeast }: MetricLimit, candidate: EvaluationJson): Check[] {
  const value = candidate[metric];
  if (!isNumber(value)) return [{ ok: false, text: `${label(metric)} could not be computed, and a limit is set on it` }];
  const checks: Check[] = [];
  if (atMost !== undefined) {
    const ok = value <= atMost;
    checks.push({ ok, text: `${label(metric)} ${figure(value)} ${ok ? 'is within' : 'exceeds'} the limit of ${figure(atMost)}` });
  }
  if (atLeast !== undefined) {
    const ok = value >= atLeast;
    checks.push({ ok, text: `${label(metric)} ${figure(value)} ${ok ? 'reaches' : 'is below'} the limit of ${figure(atLeast)}` });
  }
  return checks;
}

function checkChampion({ metric, percent }: ChampionRule, candidate: EvaluationJson, champion: EvaluationJson): Check[] {
  const ours = candidate[metric];
  const theirs = champion[metric];
  if (!isNumber(ours)) return [{ ok: false, text: `${label(metric)} could not be computed, so that it cannot be compared with the champion's` }];
  if (!isNumber(theirs)) return [{ ok: false, text: `the champion's ${label(metric)} could not be computed on this holdout` }];
  if (isNumber(candidate.itemCount) && isNumber(champion.itemCount) && candidate.itemCount !== champion.itemCount) {
    return [{ ok: false, text: `the champion was evaluated on ${champion.itemCount} rows and the candidate on ${candidate.itemCount}: not the same holdout` }];
  }
  // R² is judged by what it leaves unexplained, which on one holdout is the MSE in other units
  const [ourError, theirError] = metric === 'r2' ? [1 - ours, 1 - theirs] : [ours, theirs];
  const ok = ourError <= theirError * (1 + percent / 100);
  const compared = `${label(metric)} ${figure(ours)} against the champion's ${figure(theirs)}`;
  if (ok) return [{ ok, text: `${compared} is not worse by more than ${percent} %` }];
  const worse = theirError > 0 ? `worse by ${figure((ourError / theirError - 1) * 100)} %` : 'worse than a champion without error';
  return [{ ok, text: `${compared} is ${worse}, allowed are ${percent} %${metric === 'r2' ? ' (of the unexplained share)' : ''}` }];
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function label(metric: MetricName): string {
  return metric === 'r2' ? 'R²' : metric.toUpperCase();
}

/** Five digits tell models apart; more only tire the reader. */
function figure(value: number): string {
  return String(Number(value.toPrecision(5)));
}
