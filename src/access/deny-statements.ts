import { ProtectedActions, ProtectionReach } from './protected-actions';
import { STARTABLE_TAG } from '../private/trusted-tag';

/** A statement of a policy document. */
export interface DenyStatement {
  readonly Sid: string;
  readonly Effect: 'Deny';
  readonly Action: string[];
  readonly Resource?: string[];
  readonly NotResource?: string[];
  readonly Condition?: Record<string, Record<string, string | string[]>>;
}

/** The tag of what may be started by hand. */
export const STARTABLE: Readonly<Record<string, string>> = { [`aws:ResourceTag/${STARTABLE_TAG}`]: 'true' };

/** What the statements are about. */
export interface DenyScope {
  /** ARNs by service that people keep what they may do on. */
  readonly exempt: Readonly<Record<string, readonly string[]>>;
  /** ARNs by service that only people keep what they may do on, of what only people are kept from. */
  readonly leftToPeople: Readonly<Record<string, readonly string[]>>;
  /** ARNs of workflows that people may start by hand, and do nothing else with. */
  readonly startable: readonly string[];
  /** Whether they are too many to be listed, and are known by their tag. */
  readonly startableByTag: boolean;
  /** ARNs by service, for what is denied on listed resources only. */
  readonly listed: Readonly<Record<string, readonly string[]>>;
  /** ARN patterns of the roles of notebook instances. */
  readonly notebookRoles: readonly string[];
  /** Branches that only pull requests change. */
  readonly branches: readonly string[];
}

/** One statement for each set of actions that has anything to deny. */
export function denyStatements(table: readonly ProtectedActions[], scope: DenyScope, shorten = false): DenyStatement[] {
  return table.flatMap((entry) => {
    const { sid, service, reach, actions } = entry;
    const byTag = entry.startable === true && scope.startableByTag;
    const conditions = byTag ? { StringNotEquals: STARTABLE } : conditionsOf(entry, scope.branches);
    const listed = scope.listed[service] ?? [];
    if (reach === ProtectionReach.LISTED && listed.length === 0) return [];
    return [{
      Sid: sid,
      Effect: 'Deny' as const,
      Action: (shorten ? entry.brief ?? shortened(service, actions) : actions).map((action) => `${service}:${action}`),
      ...resources(reach, exemptOf(entry, scope), listed),
      ...conditions === undefined ? {} : { Condition: { ...conditions } },
    }];
  });
}

/** Of statements about the same resources, without a condition, one is made. */
export function merged(statements: readonly DenyStatement[]): DenyStatement[] {
  const groups = new Map<string, DenyStatement[]>();
  for (const statement of statements) {
    const { Sid, Resource, NotResource, Condition } = statement;
    const key = Condition === undefined ? JSON.stringify([Resource, NotResource]) : Sid;
    groups.set(key, [...groups.get(key) ?? [], statement]);
  }
  return [...groups.values()].map(([first, ...others]) => others.length === 0 ? first : {
    ...first, Sid: first.Resource?.[0] === '*' ? 'Protected' : first.Sid, Action: [...new Set([first, ...others].flatMap(({ Action }) => Action))],
  });
}

/** What the statement leaves out. */
function exemptOf({ service, peopleOnly, startable, notebooksLeft }: ProtectedActions, scope: DenyScope): string[] {
  const left = peopleOnly === true ? scope.leftToPeople[service] ?? [] : [];
  const starts = startable === true && !scope.startableByTag ? scope.startable : [];
  return [...scope.exempt[service] ?? [], ...left, ...starts, ...notebooksLeft === true ? scope.notebookRoles : []];
}

/** A push that names no branch is decided without the key, and is nobody's business here. */
function conditionsOf({ branches, conditions }: ProtectedActions, names: readonly string[]): DenyStatement['Condition'] {
  if (branches !== true) return conditions as DenyStatement['Condition'];
  const references = names.map((name) => `refs/heads/${name}`);
  return { StringEqualsIfExists: { 'codecommit:References': references }, Null: { 'codecommit:References': 'false' } };
}

function resources(reach: ProtectionReach, exempt: readonly string[], listed: readonly string[]): Pick<DenyStatement, 'Resource' | 'NotResource'> {
  if (reach === ProtectionReach.LISTED) return { Resource: [...listed] };
  if (reach === ProtectionReach.ACCOUNT && exempt.length > 0) return { NotResource: [...exempt] };
  return { Resource: ['*'] };
}

/** Services of which people need nothing that changes anything: their actions may be denied by their verbs. */
const BY_VERB = ['codepipeline', 'codebuild', 'states', 'scheduler', 'cloudformation', 'application-autoscaling', 'lambda', 'dynamodb', 'ecr', 'firehose', 'iam'];
const READS = ['Get', 'List', 'Describe', 'Batch', 'Poll', 'Invoke', 'Test'];

/**
 * The same actions, and few others that change things, in fewer characters: documents of which a role or an organization
 * can have only one have to be short.
 */
function shortened(service: string, actions: readonly string[]): string[] {
  const depth = BY_VERB.includes(service) ? 1 : 2;
  const groups = new Map<string, string[]>();
  for (const action of actions) {
    const parts = action.split(/(?=[A-Z])/);
    const stem = READS.includes(parts[0]) || parts.length === 1 ? action : parts.slice(0, depth).join('');
    groups.set(stem, [...groups.get(stem) ?? [], action]);
  }
  const stems = [...groups].map(([stem, members]) => members.length === 1 ? members[0] : `${stem}*`);
  return enclosed(stems);
}

/** Joins three or more names that begin and end alike (`StopTrainingJob` and the like), and drops what a pattern covers. */
function enclosed(names: readonly string[]): string[] {
  const ends = (name: string): string => [name.split(/(?=[A-Z])/)[0], name.split(/(?=[A-Z])/).pop()].join('*');
  const joined = names.map((name) => !name.endsWith('*') && names.filter((other) => ends(other) === ends(name)).length >= 3 ? ends(name) : name);
  const covers = (pattern: string, name: string): boolean => pattern !== name && pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1));
  return [...new Set(joined)].filter((name) => !joined.some((pattern) => covers(pattern, name)));
}

/** Puts statements into documents of at most `limit` characters, each into the first with room; `lengthOf` tells how long one becomes. */
export function packed<T>(statements: readonly T[], limit: number, lengthOf: (statement: T) => number): T[][] {
  const frame = '{"Version":"2012-10-17","Statement":[]}'.length;
  const documents: { readonly statements: T[]; length: number }[] = [];
  for (const statement of statements) {
    const more = lengthOf(statement) + 1;
    let document = documents.find(({ length }) => length + more <= limit);
    if (document === undefined) {
      document = { statements: [], length: frame };
      documents.push(document);
    }
    document.statements.push(statement);
    document.length += more;
  }
  return documents.map(({ statements: found }) => found);
}
