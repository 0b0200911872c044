import { Lazy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { IConstruct } from 'constructs';
import { allow, Allowed } from '../private/allow';

/** What SageMaker takes in the name of whoever starts a notebook instance. */
export interface StartedNotebook {
  readonly role: iam.IRole;
  readonly subnet: ec2.ISubnet;
  readonly securityGroup: ec2.ISecurityGroup;
  /** Key of the volume. */
  readonly key: kms.IKey;
  /** Secret by which git signs in. */
  readonly credentials?: secretsmanager.ISecret;
}

type Conditions = NonNullable<Allowed['conditions']>;

/** Sessions by what is granted to them: notebooks of one network and key take one statement for all of a shared role's sessions. */
const TOGETHER = new WeakMap<iam.IPrincipal, Map<string, Set<string>>>();

/**
 * Lets somebody start a notebook instance: SageMaker does what it takes in the name of whoever asks, and not by a role of its own.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html
 */
export function grantStart(scope: IConstruct, grantee: iam.IGrantable, notebook: StartedNotebook, session?: string): void {
  const { partition, region, account, urlSuffix } = Stack.of(scope);
  const { role, subnet, securityGroup, key, credentials } = notebook;
  const own: Conditions = session === undefined ? {} : { StringLike: { 'aws:userid': `*:${session}` } };
  allow(grantee, {
    actions: ['iam:PassRole'],
    resources: [role.roleArn],
    conditions: { ...own, StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
  });
  if (credentials !== undefined) {
    // a secret that was found by its name has an ARN that goes on
    allow(grantee, { actions: ['secretsmanager:GetSecretValue'], resources: [credentials.secretFullArn ?? `${credentials.secretArn}-??????`], conditions: own });
    if (credentials.encryptionKey !== undefined) {
      const way = { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.${urlSuffix}` } };
      allow(grantee, { actions: ['kms:Decrypt'], resources: [credentials.encryptionKey.keyArn], conditions: { ...own, ...way } });
    }
  }

  const shared = (allowed: Omit<Allowed, 'conditions'>, conditions: Conditions = {}): void => allowTogether(grantee, allowed, conditions, session);
  shared({
    actions: ['ec2:CreateNetworkInterface', 'kms:DescribeKey'],
    resources: [
      key.keyArn,
      `arn:${partition}:ec2:${region}:*:subnet/${subnet.subnetId}`,
      `arn:${partition}:ec2:${region}:*:security-group/${securityGroup.securityGroupId}`,
      `arn:${partition}:ec2:${region}:${account}:network-interface/*`,
    ],
    because: 'An interface that is yet to be made has no name; a network may be shared by another account, and ids are of one account alone',
  });
  shared({
    actions: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'],
    resources: ['*'],
    because: 'SageMaker looks at the network in the name of whoever starts the notebook; EC2 knows no resources for what only describes',
  });
  shared({ actions: ['kms:CreateGrant'], resources: [key.keyArn] }, { Bool: { 'kms:GrantIsForAWSResource': 'true' } });
}

/** What was granted already is granted to one session more. */
function allowTogether(grantee: iam.IGrantable, allowed: Omit<Allowed, 'conditions'>, conditions: Conditions, session?: string): void {
  const granted = TOGETHER.get(grantee.grantPrincipal) ?? new Map<string, Set<string>>();
  TOGETHER.set(grantee.grantPrincipal, granted);
  const what = JSON.stringify([session === undefined, allowed.actions, allowed.resources]);
  const known = granted.get(what);
  if (known !== undefined) {
    if (session !== undefined) known.add(session);
    return;
  }
  const sessions = new Set(session === undefined ? [] : [session]);
  granted.set(what, sessions);
  const own: Conditions = session === undefined ? {} : { StringLike: { 'aws:userid': Lazy.list({ produce: () => [...sessions].map((name) => `*:${name}`) }) } };
  allow(grantee, { ...allowed, conditions: { ...own, ...conditions } });
}
