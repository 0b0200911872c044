import * as iam from 'aws-cdk-lib/aws-iam';

/**
 * Users of this account whom a policy of theirs lets take a role, with a second factor, and under their own name: who may
 * choose the name of a session is somebody else with each, and could approve what they have written.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_rolesessionname
 */
export function peopleOfTheAccount(more: iam.Conditions = {}): iam.IPrincipal {
  return new iam.AccountRootPrincipal().withConditions({
    Bool: { 'aws:MultiFactorAuthPresent': 'true' },
    StringEquals: { 'sts:RoleSessionName': '${aws:username}' },
    ...more,
  });
}
