import { CfnOutput, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MlopsPlatform } from 'cdk-mlops';

/** Who is asked about and who tries things, by the output that names their role; as the report has them from left to right. */
export const PEOPLE = ['DataEngineerRole', 'DataScientistRole', 'ApproverRole', 'OperatorRole', 'ClientRole', 'OtherTeamRole'] as const;

export type Who = typeof PEOPLE[number];

/** What somebody is called in the report. */
export const nameOf = (who: Who): string => who.replace(/Role$/, '');

/** Somebody, as a sentence begins with them. */
export const SOMEBODY: Record<Who, string> = {
  DataEngineerRole: 'a data engineer',
  DataScientistRole: 'a data scientist',
  ApproverRole: 'an approver',
  OperatorRole: 'an operator',
  ClientRole: 'an application that asks for predictions',
  OtherTeamRole: 'an administrator of another team, within the permissions boundary,',
};

/** Somebody of another team, who may do everything in the account as far as the platform's permissions boundary lets them. */
export function addOtherTeam(stack: Stack): void {
  const platform = stack.node.findChild('Mlops') as MlopsPlatform;
  const role = new iam.Role(stack, 'OtherTeam', {
    assumedBy: new iam.AccountRootPrincipal(),
    description: 'Administrators of another team in the account',
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('AdministratorAccess')],
    permissionsBoundary: platform.protection.boundary,
  });
  new CfnOutput(stack, 'OtherTeamRole', { value: role.roleArn });
}
