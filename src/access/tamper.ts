import { PROTECTED_ACTIONS, ProtectedActions, ProtectionReach } from './protected-actions';
import { actionOf } from './recorded-calls';
import { TamperAttempt } from '../domain/events';

/** A call as CloudTrail hands it to EventBridge, as far as it is looked at. */
export interface RecordedCall {
  readonly eventTime?: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  /** Whether it is a data event: of an object, an item or an invocation. */
  readonly managementEvent?: boolean;
  readonly userIdentity: {
    readonly type?: string;
    readonly arn?: string;
    readonly principalId?: string;
    readonly invokedBy?: string;
    readonly sessionContext?: { readonly sessionIssuer?: { readonly arn?: string; readonly userName?: string } };
  };
  readonly requestParameters?: Readonly<Record<string, unknown>> | null;
  readonly resources?: readonly { readonly ARN?: string }[] | null;
}

/** What the watch over calls is told, besides the table of protected actions. */
export interface TamperWatch {
  /** Names or ARNs by service. */
  readonly listed: Readonly<Record<string, readonly string[]>>;
  /** ARN patterns of what is none of the platform's. */
  readonly exempt: readonly string[];
  /** ARNs of workflows that people may start by hand. */
  readonly startable: readonly string[];
  /** Name patterns of the functions and their roles by which the platform itself works. */
  readonly machines: readonly string[];
  /** Name patterns of further roles whose calls are no attempts. */
  readonly trusted: readonly string[];
  /** Names of roles that people take, though a pattern of `machines` may fit. */
  readonly people: readonly string[];
  /** Branches that only pull requests change. */
  readonly branches: readonly string[];
}

/**
 * The attempt that a call was; undefined where it was none, or where the platform itself made it.
 *
 * @param aboutRoles whether to look at the roles only that a call was refused to pass or to take: another rule tells of the rest
 */
export function tamperAttempt(call: RecordedCall, time: string, watch: TamperWatch, aboutRoles = false): TamperAttempt | undefined {
  // Lambda's events carry the date of the API's version
  const name = call.eventName.replace(/\d{8}(v\d+)?$/, '');
  const named = namedIn(call);
  const concerned = PROTECTED_ACTIONS.find((set) => isOf(set, call, name) && (aboutRoles || set.quiet !== true) && isAbout(set, call, named, watch));
  const passed = aboutRoles ? passedRole(call) : undefined;
  if (concerned === undefined ? passed === undefined : aboutRoles && concerned.quiet !== true) return undefined;
  const left = [...watch.exempt, ...concerned?.startable === true ? watch.startable : []];
  if (named.length > 0 && named.every((value) => left.some((pattern) => fits(value, pattern)))) return undefined;
  const denied = /denied|authoriz/i.test(call.errorCode ?? '');
  if (isService(call) || (!denied && (concerned?.quiet === true || isMachine(call, watch)))) return undefined;
  return {
    principal: call.userIdentity.arn ?? call.userIdentity.principalId ?? 'unknown',
    action: concerned === undefined ? 'iam:PassRole' : `${concerned.service}:${actionOf(concerned, name)}`,
    resource: concerned === undefined ? passed! : named[0] ?? 'not named by the call',
    outcome: denied ? 'denied' : call.errorCode === undefined ? 'succeeded' : 'failed',
    ...call.errorCode === undefined ? {} : { errorCode: call.errorCode },
    time: call.eventTime ?? time,
  };
}

function isOf(set: ProtectedActions, { eventSource }: RecordedCall, name: string): boolean {
  return (eventSource === `${set.service}.amazonaws.com` || eventSource === set.eventSource) && actionOf(set, name) !== undefined;
}

function isAbout({ branches, reach, service }: ProtectedActions, call: RecordedCall, named: readonly string[], watch: TamperWatch): boolean {
  if (branches === true && !touches(watch.branches, call)) return false;
  return reach !== ProtectionReach.LISTED || (watch.listed[service] ?? []).some((wanted) => named.some((value) => sameResource(value, wanted)));
}

/** Nothing records that a role is passed; that it was not to be passed says the error of the call. */
function passedRole({ errorMessage }: RecordedCall): string | undefined {
  return /not authorized to perform: iam:PassRole on resource: (\S+)/.exec(errorMessage ?? '')?.[1];
}

/** A push names its branches, other calls one. A call that names none may have touched any. */
function touches(branches: readonly string[], { requestParameters }: RecordedCall): boolean {
  const { references, branchName, targetBranch } = requestParameters ?? {};
  const isOne = (name: string): boolean => branches.includes(name.replace(/^refs\/heads\//, ''));
  if (Array.isArray(references)) return references.some(({ ref }: { readonly ref?: string }) => isOne(ref ?? ''));
  const name = targetBranch ?? branchName;
  return typeof name !== 'string' || isOne(name);
}

function isService({ userIdentity: { type, invokedBy } }: RecordedCall): boolean {
  return type === 'AWSService' || (invokedBy?.endsWith('.amazonaws.com') ?? false);
}

/**
 * A machine is a role of the platform in a session that is named as a service names it: after the function, or the build.
 * Who takes a role may choose the session's name, hence roles that people take are never machines. Objects and items are
 * also written by roles in sessions of other services; for these the role is enough.
 */
function isMachine({ managementEvent, userIdentity }: RecordedCall, { machines, trusted, people }: TamperWatch): boolean {
  const { type, arn, sessionContext } = userIdentity;
  const role = sessionContext?.sessionIssuer?.userName;
  if (type !== 'AssumedRole' || role === undefined || people.includes(role)) return false;
  if (trusted.some((pattern) => fits(role, pattern))) return true;
  const session = arn?.split('/').pop() ?? '';
  return machines.some((pattern) => fits(role, pattern))
    && (managementEvent === false || [...machines, 'AWSCodeBuild-*'].some((pattern) => fits(session, pattern)));
}

/**
 * Everything by which the call may name a resource; ARNs first, then names and ids. A call that is denied is often recorded
 * without what it asked for.
 */
function namedIn({ resources, requestParameters, errorMessage }: RecordedCall): string[] {
  const refused = /on resource: (\S+)/.exec(errorMessage ?? '')?.[1];
  const arns = [...(resources ?? []).flatMap(({ ARN }) => ARN === undefined ? [] : [ARN]), ...refused === undefined ? [] : [refused]];
  const parameters = Object.entries(requestParameters ?? {})
    .filter(([name, value]) => typeof value === 'string' && /(arn|name|id|rule|key|queue)$/i.test(name))
    .map(([, value]) => String(value));
  return [...new Set([...arns, ...parameters.filter((value) => value.startsWith('arn:')), ...parameters])];
}

/** A call may name a resource by its ARN where it is listed by its name, or the other way round; and one below it, as subscriptions are below a topic. */
function sameResource(value: string, wanted: string): boolean {
  const last = (text: string): string => text.replace(/\/\*$/, '').split(/[/:]/).pop() ?? '';
  return fits(value, wanted) || fits(value, `${wanted}:*`) || fits(last(value), last(wanted));
}

function fits(value: string, pattern: string): boolean {
  return new RegExp(`^${pattern.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(value);
}
