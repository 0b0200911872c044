import { Stack, Token } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/** A name in an account and region, and what the names begin with that are made beside it at run time. */
export interface Claim {
  readonly name: string;
  /** Absent: nothing is made beside it. */
  readonly prefix?: string;
}

interface Claimed extends Claim {
  readonly by: IConstruct;
}

const claims = new WeakMap<IConstruct, Map<string, Claimed[]>>();

/**
 * Keeps a name, and what begins as its prefix says, for one construct of an app alone. A name that is known only at deployment
 * claims nothing. Case does not count, as SageMaker and Glue have it.
 *
 * @param kind names of a kind are in each other's way
 * @returns what is wrong, where another construct of the same account and region has it already
 */
export function claimName(by: IConstruct, kind: string, claim: Claim): string | undefined {
  if (Token.isUnresolved(claim.name)) return undefined;
  const ofApp = claims.get(by.node.root) ?? new Map<string, Claimed[]>();
  claims.set(by.node.root, ofApp);
  const place = `${kind} ${placeOf(Stack.of(by))}`;
  const others = ofApp.get(place) ?? [];
  ofApp.set(place, others);
  const other = others.find((each) => overlap(each, claim));
  others.push({ ...claim, by });
  if (other === undefined) return undefined;
  if (lower(other.name) === lower(claim.name)) return `the ${kind} '${claim.name}' is that of ${other.by.node.path} already: choose another name`;
  return `the ${kind} '${claim.name}' cannot be told from what ${other.by.node.path} makes for '${other.name}': choose another name`;
}

function overlap(a: Claim, b: Claim): boolean {
  const begins = (name: string, prefix?: string): boolean => prefix !== undefined && lower(name).startsWith(lower(prefix));
  return lower(a.name) === lower(b.name) || begins(a.name, b.prefix) || begins(b.name, a.prefix)
    || (a.prefix !== undefined && b.prefix !== undefined && (begins(a.prefix, b.prefix) || begins(b.prefix, a.prefix)));
}

/** The same for whatever may end up in one account and region: of stacks that do not say where, only one and what is nested in it. */
function placeOf(stack: Stack): string {
  if (stack.nestedStackParent !== undefined) return placeOf(stack.nestedStackParent);
  return Token.isUnresolved(stack.account) || Token.isUnresolved(stack.region) ? stack.node.path : `${stack.account}/${stack.region}`;
}

function lower(text: string): string {
  return text.toLowerCase();
}
