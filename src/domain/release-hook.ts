import { JsonObject, JsonValue } from './attribute-values';
import { ModelEvaluation } from './events';
import { failureInWords } from './failure-reason';

/** Where in a release hooks are asked. */
export type HookPoint = 'beforeShadow' | 'beforePromotion' | 'afterPromotion';

export const HOOK_POINTS: readonly HookPoint[] = ['beforeShadow', 'beforePromotion', 'afterPromotion'];

/** What a hook is given. */
export interface HookInput {
  readonly model: string;
  readonly endpoint: string;
  readonly version: string;
  readonly modelPackageArn: string;
  readonly at: HookPoint;
  readonly evaluation: ModelEvaluation;
  /** Absent before the shadow. */
  readonly verdict?: JsonObject;
}

/** What a hook decided, or what its silence is taken for. */
export interface HookDecision {
  readonly decision: 'proceed' | 'reject';
  readonly reason: string;
}

/** What the ledger keeps of a hook. */
export interface HookOutcome extends HookDecision {
  readonly hook: string;
  readonly at: HookPoint;
  /** ISO 8601. */
  readonly time: string;
}

/** Name of the error of who looks at an execution too early. */
export const HOOK_RUNNING = 'HookRunning';

const LONGEST_REASON = 300;

const WORDS: Readonly<Record<HookPoint, string>> = {
  beforeShadow: 'before the shadow',
  beforePromotion: 'before promotion',
  afterPromotion: 'after promotion',
};

export function pointInWords(at: HookPoint): string {
  return WORDS[at];
}

/** Reads a hook's answer. Only a plain `proceed` lets a version go on. */
export function hookDecision(hook: string, at: HookPoint, answer: JsonValue | undefined): HookDecision {
  if (isObject(answer)) {
    const reason = typeof answer.reason === 'string' ? answer.reason.trim() : '';
    if (answer.decision === 'proceed') return { decision: 'proceed', reason: cut(reason) };
    if (answer.decision === 'reject') return rejection(hook, at, `: ${reason === '' ? 'it gave no reason' : reason}`);
  }
  return rejection(hook, at, `, for its answer is neither proceed nor reject: ${JSON.stringify(answer ?? null)}`);
}

/** A hook that failed, or did not answer in time, rejects. `failure` is what Step Functions caught. */
export function hookFailure(
  hook: string, at: HookPoint, failure: { readonly Error?: string; readonly Cause?: string }, timeout: string,
): HookDecision {
  if (failure.Error === 'States.Timeout' || failure.Error === HOOK_RUNNING) return rejection(hook, at, `, for it did not answer within ${timeout}`);
  return rejection(hook, at, `, for it failed: ${failureInWords(JSON.stringify(failure))}`);
}

function rejection(hook: string, at: HookPoint, why: string): HookDecision {
  return { decision: 'reject', reason: cut(`the hook ${hook} ${WORDS[at]} rejects it${why}`) };
}

function cut(text: string): string {
  return text.length <= LONGEST_REASON ? text : `${text.slice(0, LONGEST_REASON - 1)}…`;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
