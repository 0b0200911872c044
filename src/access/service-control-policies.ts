import { Tags } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { DenyScope, DenyStatement, denyStatements, packed } from './deny-statements';
import { PROTECTED_ACTIONS } from './protected-actions';

/** Roles with this tag are the platform's own. */
export const TRUSTED_TAG = 'cdk-mlops:pipeline';

/** People's roles are never the platform's own, even where everything around them is. */
export function distrust(scope: IConstruct): void {
  Tags.of(scope).remove(TRUSTED_TAG, { priority: 500 });
}

/** The most characters that Organizations takes in a service control policy. */
const LIMIT = 5120;

/** Service control policies, as JSON, each of at most the length that Organizations takes. */
export function serviceControlPolicies(exempt: DenyScope['exempt'], trustedArns: readonly string[]): string[] {
  const unless = {
    ArnNotLike: { 'aws:PrincipalArn': ['arn:*:iam::*:role/cdk-*-cfn-exec-role-*', 'arn:*:iam::*:role/aws-service-role/*', ...trustedArns] },
    StringNotEqualsIfExists: { [`aws:PrincipalTag/${TRUSTED_TAG}`]: 'true' },
  };
  // whoever could mark a role could make it one of the platform's own
  const forgedTrust: DenyStatement = {
    Sid: 'ForgedTrust',
    Effect: 'Deny',
    Action: ['iam:CreateRole'],
    Resource: ['*'],
    Condition: { StringEquals: { [`aws:RequestTag/${TRUSTED_TAG}`]: 'true' } },
  };
  const statements = [...denyStatements(PROTECTED_ACTIONS, { exempt, listed: {} }, true), forgedTrust]
    .map((statement) => ({ ...statement, Condition: { ...statement.Condition, ...unless } }));
  return packed(statements, LIMIT, (statement) => JSON.stringify(statement).length)
    .map((group) => JSON.stringify({ Version: '2012-10-17', Statement: group }));
}
