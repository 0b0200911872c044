import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { IConstruct } from 'constructs';

/** The service's name in IAM actions, where it differs from that of its endpoint. */
const PREFIXES: Record<string, string> = { 'git-codecommit': 'codecommit', 'monitoring': 'cloudwatch' };

/** Endpoints that serve a few actions only, some of which have no resource whose account could be compared. */
const ACTIONS: Record<string, string[]> = {
  'codeartifact.api': ['codeartifact:GetAuthorizationToken', 'codeartifact:GetRepositoryEndpoint', 'sts:GetServiceBearerToken'],
  'codeartifact.repositories': ['codeartifact:ReadFromRepository'],
};

/** Who may do what through the endpoint of a service. */
export function endpointPolicy(scope: IConstruct, { shortName }: ec2.InterfaceVpcEndpointAwsService): iam.PolicyStatement {
  const few = ACTIONS[shortName];
  if (few === undefined) return withinAccount(scope, [`${PREFIXES[shortName] ?? shortName.split('.')[0]}:*`]);
  return new iam.PolicyStatement({
    sid: 'ReadByTheAccount',
    principals: [new iam.AnyPrincipal()],
    actions: few,
    resources: ['*'],
    conditions: { StringEquals: { 'aws:PrincipalAccount': Stack.of(scope).account } },
  });
}

/** Who may do what through the gateway to S3. */
export function bucketPolicy(scope: IConstruct): iam.PolicyStatement {
  return withinAccount(scope, ['s3:*']);
}

/** Only the account's own identities, and only what belongs to the account: data does not leave through an endpoint. */
function withinAccount(scope: IConstruct, actions: string[]): iam.PolicyStatement {
  const { account } = Stack.of(scope);
  return new iam.PolicyStatement({
    sid: 'WithinTheAccount',
    principals: [new iam.AnyPrincipal()],
    actions,
    resources: ['*'],
    conditions: { StringEquals: { 'aws:PrincipalAccount': account, 'aws:ResourceAccount': account } },
  });
}
