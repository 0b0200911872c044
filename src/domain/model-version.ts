/** What a person or a machine changed to make a version: a scientist's commit, or new data. */
export type VersionCause = 'manual' | 'auto';

/** `V<tag>.<manual>.<auto>`. */
export interface ModelVersion {
  readonly tag: string;
  /** How often a scientist revised the model of this tag. */
  readonly manual: number;
  /** How often new data revised it since. */
  readonly auto: number;
}

/** The last version given to a tag, and what it was made from. */
export interface TagState extends ModelVersion {
  readonly commit: string;
  readonly dataset: string;
}

/** What a candidate is made from. */
export interface CandidateOrigin {
  readonly tag: string;
  readonly commit: string;
  readonly dataset: string;
}

export interface VersionDecision {
  /** `existing`: commit and dataset are those of the last version, nothing new is given. */
  readonly kind: 'existing' | 'next';
  readonly version: ModelVersion;
  readonly cause: VersionCause;
}

const TAG = /^[A-Za-z0-9-]{1,16}$/;
const VERSION = /^V([A-Za-z0-9-]{1,16})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/;

/** The tag of a model whose specification names none. */
export const DEFAULT_TAG = '1';

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** `V1.4.2`. */
export function formatVersion(version: ModelVersion): string {
  const text = `V${version.tag}.${version.manual}.${version.auto}`;
  if (!VERSION.test(text)) throw new Error(`not a model version: '${text}', expected V<tag>.<manual>.<auto> with a tag of 1 to 16 letters, digits and hyphens`);
  return text;
}

/** The opposite of `formatVersion`. Throws on anything that `formatVersion` does not write. */
export function parseVersion(text: string): ModelVersion {
  const match = VERSION.exec(text);
  if (match === null) throw new Error(`not a model version: '${text}', expected V<tag>.<manual>.<auto>, for example V1.4.2`);
  return { tag: match[1], manual: Number(match[2]), auto: Number(match[3]) };
}

/**
 * Orders versions: by tag (numbers by value, before names), then by manual, then by auto revision.
 * Negative where `a` comes first, 0 only where both are the same version.
 */
export function compareVersions(a: ModelVersion, b: ModelVersion): number {
  return compareTags(a.tag, b.tag) || a.manual - b.manual || a.auto - b.auto;
}

/**
 * The version rule: a version follows from what a candidate is made from, not from who started its run.
 *
 * First of its tag: `.0.0`. Another commit than the last version's: manual + 1, auto = 0. Same commit, another
 * dataset: auto + 1. Same commit and dataset: the existing version.
 */
export function decideVersion(last: TagState | undefined, origin: CandidateOrigin): VersionDecision {
  const { tag, commit, dataset } = origin;
  if (!isTag(tag)) throw new Error(`model tag '${tag}' is not 1 to 16 letters, digits and hyphens`);
  if (last === undefined) return { kind: 'next', version: { tag, manual: 0, auto: 0 }, cause: 'manual' };
  if (last.tag !== tag) throw new Error(`the last version of tag '${tag}' cannot carry the tag '${last.tag}'`);

  const { manual, auto } = last;
  if (commit !== last.commit) return { kind: 'next', version: { tag, manual: manual + 1, auto: 0 }, cause: 'manual' };
  if (dataset !== last.dataset) return { kind: 'next', version: { tag, manual, auto: auto + 1 }, cause: 'auto' };
  return { kind: 'existing', version: { tag, manual, auto }, cause: causeOf(last) };
}

/** A version whose auto revision is 0 was made by a commit, any other by new data. */
export function causeOf(version: ModelVersion): VersionCause {
  return version.auto === 0 ? 'manual' : 'auto';
}

function compareTags(a: string, b: string): number {
  const [aNumber, bNumber] = [a, b].map((tag) => /^\d+$/.test(tag));
  if (aNumber && bNumber && Number(a) !== Number(b)) return Number(a) - Number(b);
  if (aNumber !== bNumber) return aNumber ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
