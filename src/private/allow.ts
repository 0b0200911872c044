import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct, IConstruct } from 'constructs';
import { acknowledgeWildcard } from './wildcards';

export interface Allowed {
  readonly actions: string[];
  readonly resources: string[];
  readonly conditions?: Record<string, Record<string, unknown>>;
  /** Why the resources hold a wildcard; required where one does. */
  readonly because?: string;
}

/** Adds one statement to a principal's policy and acknowledges its wildcards there, with the reason. */
export function allow(grantee: iam.IGrantable, allowed: Allowed): iam.Grant {
  const grant = iam.Grant.addToPrincipal({
    grantee,
    actions: allowed.actions,
    resourceArns: allowed.resources,
    conditions: allowed.conditions,
  });
  const policy = policyOf(grantee);
  for (const wildcard of allowed.resources.filter((resource) => resource.includes('*'))) {
    if (allowed.because === undefined) throw new Error(`${wildcard} is a wildcard: say why it is needed`);
    if (policy !== undefined) acknowledgeWildcard(policy, wildcard, allowed.because);
  }
  return grant;
}

/** The narrowest construct that carries a principal's statements. */
export function policyOf(grantee: iam.IGrantable): IConstruct | undefined {
  const principal: object = grantee.grantPrincipal;
  if (!Construct.isConstruct(principal)) return undefined;
  return principal.node.tryFindChild('DefaultPolicy') ?? principal;
}
