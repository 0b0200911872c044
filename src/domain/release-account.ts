import { JsonObject, JsonValue } from './attribute-values';
import { LifecycleStage, StageChange, VersionRecord } from './ledger';
import { pointInWords } from './release-hook';

/** What an account is made from: all of it is on the ledger's record of the version. */
export type AccountedVersion = Pick<VersionRecord, AccountedMember>;
type AccountedMember = 'version' | 'cause' | 'commit' | 'dataset' | 'author' | 'evaluation' | 'championEvaluation' | 'championVersion' | 'gate'
| 'stage' | 'reason' | 'history' | 'hooks';

/** SageMaker's descriptions take so many characters: the account is the same text wherever it is read. */
export const LONGEST_ACCOUNT = 1024;
/** How much is told of the reason of the last decision and of every other text, tried in this order until the whole fits. */
const BUDGETS: readonly (readonly [number, number])[] = [
  ...[600, 400, 300, 200, 150, 100, 70, 50].map((others) => [600, others] as const),
  ...[500, 420, 350, 300, 250, 200, 150, 100, 50].map((decision) => [decision, 50] as const),
];
/** Names and the like, which may be of any length. */
const LONGEST_NAME = 64;
const LONGEST_SHIFT = 120;

const HEADS: Readonly<Record<LifecycleStage, string>> = {
  Registered: 'is registered',
  Staging: 'is in staging',
  Canary: 'is being released',
  Production: 'is in production',
  Archived: 'was in production',
  Rejected: 'was rejected',
  Superseded: 'was superseded',
  RolledBack: 'was rolled back',
};

/**
 * The account of a version's release: what was decided and why, what the version was made of, and what it was judged on,
 * how and against whom. One line of at most 1,024 characters without quotes and backslashes, so that the ledger, the
 * model package, events and alerts carry it alike. Where it is too long, reasons are cut, that of the last
 * decision last, and no fact is left out.
 *
 * `verdict` is the shadow's, where it is known and not yet on the record.
 */
export function releaseAccount(record: AccountedVersion, verdict?: JsonObject): string {
  let account = '';
  for (const budgets of BUDGETS) {
    account = composed(record, verdict ?? shadowResult(record.history), budgets);
    if (account.length <= LONGEST_ACCOUNT) break;
  }
  return cut(account, LONGEST_ACCOUNT);
}

function composed(record: AccountedVersion, verdict: JsonObject | undefined, [decision, others]: readonly [number, number]): string {
  const head = `${name(record.version)} ${HEADS[record.stage]}: ${brief(record.reason, decision) || 'no reason given'}`;
  const told = plain(record.reason);
  const tell = (said: JsonValue | undefined): string => {
    // what the head says is not said twice
    const words = typeof said === 'string' ? plain(said) : '';
    return words === '' || told.includes(words) ? '' : brief(words, others);
  };
  return [head, origin(record), gate(record, tell), shadow(verdict, tell), ...hooks(record, tell), canary(record.history, tell)]
    .filter((part) => part !== '').map((part) => (/[.…]$/.test(part) ? part : `${part}.`)).join(' ');
}

function origin({ commit, author, cause, dataset }: AccountedVersion): string {
  const by = author === undefined ? '' : ` by ${name(author)}`;
  return `Made of commit ${name(commit)}${by} and dataset ${name(dataset)} (${cause === 'manual' ? 'new commit' : 'new data'})`;
}

function gate({ evaluation, championEvaluation, championVersion, gate: reason }: AccountedVersion, tell: Teller): string {
  const champion = championEvaluation === undefined
    ? ', no champion to compare with'
    : `, champion${championVersion === undefined ? '' : ` ${name(championVersion)}`} ${figure(championEvaluation.rmse)}`;
  return joined(`Gate passed on ${evaluation.itemCount} rows of the holdout: RMSE ${figure(evaluation.rmse)}${champion}`, tell(reason));
}

/** What the shadow's result says, as `ShadowStaging` answers it. */
function shadow(result: JsonObject | undefined, tell: Teller): string {
  if (result === undefined) return 'No verdict on real requests';
  const parity = isObject(result.parity) ? tell(result.parity.reason) : '';
  const reason = tell(result.reason);
  // the reason to promote ends with what parity showed
  const parts = [reason, typeof result.reason === 'string' && parity !== '' && plain(result.reason).includes(parity) ? '' : parity];
  if (result.champion === 'none') return joined(`Shadow ${text(result.decision)}, no version was in production`, ...parts);
  const measures = [
    ...optional(result.loss, (loss) => `${String(loss).toLowerCase()} loss`),
    ...optional(result.tolerance, (tolerance) => `tolerance ${percent(Number(tolerance))}`),
    ...optional(result.alpha, (alpha) => `alpha ${figure(Number(alpha))}`),
    ...optional(result.windowHours, (hours) => `window ${hoursInWords(Number(hours))}`),
  ];
  const blocks = typeof result.blockHours === 'number' ? `${result.blocks} blocks of ${hoursInWords(result.blockHours)}` : `${result.blocks} blocks`;
  const basis = `${text(result.pairs)} pairs in ${blocks}`;
  return joined(`Shadow ${text(result.decision)} against ${text(result.champion)} on ${[basis, ...measures].join(', ')}`, segments(result.segments), ...parts);
}

/** Which segments were looked at, and where the version was worse for certain. */
function segments(of: JsonValue | undefined): string {
  if (!Array.isArray(of)) return '';
  const values = of.filter(isObject);
  const told = [...new Set(values.map(({ segment }) => text(segment)))].map((segment) => {
    const own = values.filter((each) => text(each.segment) === segment);
    const worse = own.filter(({ isWorse }) => isWorse === true).map(({ value }) => text(value));
    return `${segment} (${own.length} values, ${worse.length === 0 ? 'none worse' : `worse in ${worse.join(', ')}`})`;
  });
  return told.length === 0 ? '' : cut(`segments ${told.join(', ')}`, LONGEST_NAME * 2);
}

function hooks({ hooks: outcomes = {} }: AccountedVersion, tell: Teller): string[] {
  return Object.values(outcomes)
    .sort((a, b) => a.time.localeCompare(b.time))
    .map(({ hook, at, decision, reason }) => joined(`Hook ${name(hook)} ${pointInWords(at)}: ${decision}`, tell(reason)));
}

function canary(history: readonly StageChange[], tell: Teller): string {
  const result = last(history, (detail) => typeof detail.outcome === 'string');
  if (result === undefined) return '';
  const how = typeof result.shift === 'string' ? brief(result.shift, LONGEST_SHIFT) : '';
  return joined(`Release${how === '' ? '' : ` by ${how}`}: ${text(result.outcome)}`, tell(result.reason));
}

/** The shadow's result within the history: the detail of its own stage, or part of that of a hook. */
function shadowResult(history: readonly StageChange[]): JsonObject | undefined {
  const own = last(history, (detail) => typeof detail.decision === 'string' && 'pairs' in detail);
  if (own !== undefined) return own;
  const carried = last(history, (detail) => isObject(detail.verdict))?.verdict;
  return isObject(carried) ? carried : undefined;
}

function last(history: readonly StageChange[], is: (detail: JsonObject) => boolean): JsonObject | undefined {
  return history.flatMap(({ detail }) => (detail !== undefined && is(detail) ? [detail] : [])).at(-1);
}

type Teller = (said: JsonValue | undefined) => string;

function joined(first: string, ...more: string[]): string {
  return [first, ...more.filter((each) => each !== '')].join('; ');
}

function optional(value: JsonValue | undefined, words: (value: JsonValue) => string): string[] {
  return value === undefined || value === null ? [] : [words(value)];
}

/** One line without the characters that would end a quoted text somewhere on its way. */
function plain(words: string): string {
  return words.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').replace(/["`]/g, "'").replace(/\\/g, '/').replace(/\p{Cs}/gu, '').replace(/ +/g, ' ').trim();
}

function brief(words: string, most: number): string {
  return cut(plain(words), most);
}

function name(words: string): string {
  return brief(words, LONGEST_NAME) || 'unknown';
}

function text(value: JsonValue | undefined): string {
  return name(typeof value === 'string' ? value : value === undefined ? 'unknown' : JSON.stringify(value));
}

function cut(words: string, most: number): string {
  // half a surrogate pair is no character
  return words.length <= most ? words : `${words.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '').trimEnd()}…`;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(5)));
}

function percent(fraction: number): string {
  return `${figure(fraction * 100)} %`;
}

function hoursInWords(hours: number): string {
  if (hours >= 24 && hours % 24 === 0) return hours === 24 ? 'one day' : `${hours / 24} days`;
  return hours === 1 ? 'one hour' : `${figure(hours)} hours`;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
