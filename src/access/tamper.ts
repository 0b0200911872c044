import { PROTECTED_ACTIONS, ProtectionReach } from './protected-actions';
import { TamperAttempt } from '../domain/events';

/** A call as CloudTrail hands it to EventBridge, as far as it is looked at. */
export interface RecordedCall {
  readonly eventTime?: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly errorCode?: string;
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
  /** Name patterns of the functions and their roles by which the platform itself works. */
  readonly machines: readonly string[];
  /** Name patterns of further roles whose calls are no attempts. */
  readonly trusted: readonly string[];
  /** Names of roles that people take, though a pattern of `machines` may fit. */
  readonly people: readonly string[];
}

/** The attempt that a call was; undefined where it was none, or where the platform itself made it. */
export function tamperAttempt(call: RecordedCall, time: string, watch: TamperWatch): TamperAttempt | undefined {
  // Lambda's events carry the date of the API's version
  const name = call.eventName.replace(/\d{8}(v\d+)?$/, '');
  const sets = PROTECTED_ACTIONS.filter(({ service, actions, eventSource }) =>
    (call.eventSource === `${service}.amazonaws.com` || call.eventSource === eventSource) && actions.includes(name));
  const named = namedIn(call);
  const concerned = sets.find(({ service, reach, conditions }) => (conditions === undefined || touchesMain(call)) && (reach !== ProtectionReach.LISTED
    || (watch.listed[service] ?? []).some((wanted) => named.some((value) => sameResource(value, wanted)))));
  if (concerned === undefined) return undefined;
  if (named.length > 0 && named.every((value) => watch.exempt.some((pattern) => fits(value, pattern)))) return undefined;
  const denied = call.errorCode !== undefined;
  if (isService(call) || (!denied && isMachine(call, watch))) return undefined;
  return {
    principal: call.userIdentity.arn ?? call.userIdentity.principalId ?? 'unknown',
    action: `${concerned.service}:${name}`,
    resource: named[0] ?? 'not named by the call',
    outcome: denied ? 'denied' : 'succeeded',
    ...call.errorCode === undefined ? {} : { errorCode: call.errorCode },
    time: call.eventTime ?? time,
  };
}

/** A push names its branches; people may push all but main. A call that names none may have touched it. */
function touchesMain({ requestParameters }: RecordedCall): boolean {
  const references = requestParameters?.references;
  return !Array.isArray(references) || references.some((reference: { readonly ref?: string }) => reference.ref === 'refs/heads/main');
}

function isService({ userIdentity: { type, invokedBy } }: RecordedCall): boolean {
  return type === 'AWSService' || (invokedBy?.endsWith('.amazonaws.com') ?? false);
}

/**
 * A machine is a role of the platform in a session that is named as a service names it: after the function, or the build.
 * Who takes a role may choose the session's name, hence roles that people take are never machines.
 */
function isMachine({ userIdentity: { type, arn, sessionContext } }: RecordedCall, { machines, trusted, people }: TamperWatch): boolean {
  const role = sessionContext?.sessionIssuer?.userName;
  if (type !== 'AssumedRole' || role === undefined || people.includes(role)) return false;
  if (trusted.some((pattern) => fits(role, pattern))) return true;
  const session = arn?.split('/').pop() ?? '';
  return machines.some((pattern) => fits(role, pattern)) && [...machines, 'AWSCodeBuild-*'].some((pattern) => fits(session, pattern));
}

/** Everything by which the call may name a resource; ARNs first, then names and ids. */
function namedIn({ resources, requestParameters }: RecordedCall): string[] {
  const arns = (resources ?? []).flatMap(({ ARN }) => ARN === undefined ? [] : [ARN]);
  const parameters = Object.entries(requestParameters ?? {})
    .filter(([name, value]) => typeof value === 'string' && /(arn|name|id|rule|key|queue)$/i.test(name))
    .map(([, value]) => String(value));
  return [...new Set([...arns, ...parameters.filter((value) => value.startsWith('arn:')), ...parameters])];
}

/** A call may name a resource by its ARN where it is listed by its name, or the other way round. */
function sameResource(value: string, wanted: string): boolean {
  const last = (text: string): string => text.replace(/\/\*$/, '').split(/[/:]/).pop() ?? '';
  return fits(value, wanted) || fits(last(value), last(wanted));
}

function fits(value: string, pattern: string): boolean {
  return new RegExp(`^${pattern.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(value);
}
