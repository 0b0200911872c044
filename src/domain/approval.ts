/** An approval as the ledger keeps it, from the question to the answer. */
export interface ApprovalRecord {
  readonly version: string;
  /** Name of the hook that asks. */
  readonly hook: string;
  /** The release that waits for it. */
  readonly execution: string;
  /** Who wrote the commit: never the one who approves it. */
  readonly author: string;
  readonly status: 'waiting' | 'answered' | 'expired';
  readonly askedAt: string;
  /** ISO 8601. Later answers do not count. */
  readonly until: string;
  readonly decision?: 'approve' | 'reject';
  readonly reason?: string;
  /** ARN of who answered. */
  readonly by?: string;
  readonly answeredAt?: string;
}

/** What an approver sends. */
export interface ApprovalAnswer {
  readonly version: string;
  readonly decision: 'approve' | 'reject';
  readonly reason?: string;
}

const LONGEST_REASON = 200;

/** Reads an approver's answer; text where it cannot be read. */
export function readApproval(body: string): ApprovalAnswer | string {
  let sent: unknown;
  try {
    sent = JSON.parse(body);
  } catch {
    return 'the body is not JSON';
  }
  const { version, decision, reason } = (typeof sent === 'object' && sent !== null ? sent : {}) as Record<string, unknown>;
  if (typeof version !== 'string' || version === '') return 'version is missing';
  if (decision !== 'approve' && decision !== 'reject') return 'decision must be approve or reject';
  if (reason !== undefined && typeof reason !== 'string') return 'reason must be text';
  if (decision === 'reject' && (reason === undefined || reason.trim() === '')) return 'a rejection needs a reason';
  return { version, decision, ...(reason === undefined || reason.trim() === '' ? {} : { reason: reason.trim().slice(0, LONGEST_REASON) }) };
}

/**
 * Names that an IAM identity goes by: of a role's session the role and the session, of a user the user. None where the
 * identity is nobody in particular, such as the account's root.
 */
export function namesOf(userArn: string): string[] {
  const session = /^arn:[^:]*:sts::\d*:assumed-role\/(.+)\/([^/]+)$/.exec(userArn);
  if (session !== null) return [lastOf(session[1]), session[2]];
  const user = /^arn:[^:]*:iam::\d*:user\/(.+)$/.exec(userArn);
  return user === null ? [] : [lastOf(user[1])];
}

/**
 * Whether an identity may be the author of a commit, `Name <address>` or either. It is one where a name of the identity
 * is the author's name, address, or the address's part before the @; case and punctuation do not tell people apart.
 */
export function isAuthor(userArn: string, author: string): boolean {
  const own = new Set(namesOf(userArn).flatMap(spellings));
  return authorNames(author).flatMap(spellings).some((name) => own.has(name));
}

function authorNames(author: string): string[] {
  const [, name, address] = /^([^<]*)<([^>]*)>\s*$/.exec(author) ?? [undefined, author, ''];
  return [name, address];
}

function spellings(name: string): string[] {
  return [name, name.split('@')[0]].map((each) => each.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')).filter((each) => each !== '');
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
