import { DenyScope, DenyStatement, denyStatements, packed } from './deny-statements';
import { PROTECTED_ACTIONS, ProtectedActions } from './protected-actions';
import { TRUSTED_TAG } from '../private/trusted-tag';

/** Roles by which the CDK deploys. */
export const DEPLOYERS = 'role/cdk-*';

/** Roles whose calls are a deployment. */
const DEPLOYMENTS = ['arn:*:iam::*:role/cdk-*-cfn-exec-role-*', 'arn:*:iam::*:role/cdk-*-deploy-role-*'];

/** Roles whose calls are a deployment, or a service's own. The organization's documents bind no role of a service, whatever they say. */
export const DEPLOYING = [...DEPLOYMENTS, 'arn:*:iam::*:role/aws-service-role/*'];

/** The most characters that Organizations takes in a service control policy. */
const LIMIT = 5120;

/** An account takes five, of which one allows. */
const MOST = 4;

/**
 * What the documents leave out: what applications do with APIs of theirs, and objects, which engineers upload into a bucket
 * that is named alike; the buckets' own policies deny the writing of those.
 */
function isForAll({ sid, peopleOnly }: ProtectedActions): boolean {
  return peopleOnly !== true && sid !== 'Objects';
}

/** The shortest words for what is done to buckets speak of objects too. */
function ofBucketsAlone(entry: ProtectedActions): ProtectedActions {
  return entry.sid === 'Buckets' ? { ...entry, brief: undefined } : entry;
}

/** Service control policies, as JSON, each of at most the length that Organizations takes. */
export function serviceControlPolicies(scope: DenyScope, trustedArns: readonly string[]): string[] {
  const unless = {
    ArnNotLike: { 'aws:PrincipalArn': [...DEPLOYMENTS, ...trustedArns] },
    StringNotEqualsIfExists: { [`aws:PrincipalTag/${TRUSTED_TAG}`]: 'true' },
  };
  // whoever could mark somebody could make them one of the platform's own
  const marks: DenyStatement = {
    Sid: 'ForgedMark',
    Effect: 'Deny',
    Action: ['iam:CreateRole', 'iam:CreateUser', 'iam:TagRole', 'iam:TagUser'],
    Resource: ['*'],
    Condition: { StringEquals: { [`aws:RequestTag/${TRUSTED_TAG}`]: 'true' } },
  };
  const each = [...denyStatements(PROTECTED_ACTIONS.filter(isForAll).map(ofBucketsAlone), scope, true), marks];
  const documents = (statements: readonly DenyStatement[]): string[] =>
    packed(statements.map((one) => ({ ...one, Condition: merged(one.Condition, unless) })), LIMIT, (one) => JSON.stringify(one).length)
      .map((group) => JSON.stringify({ Version: '2012-10-17', Statement: group }));
  const plain = documents(each);
  return plain.length <= MOST ? plain : documents(together(each, LIMIT - JSON.stringify(unless).length - 200));
}

/** Of statements about the same resources, without a condition of their own, few are made: each says whom it excepts. */
function together(statements: readonly DenyStatement[], limit: number): DenyStatement[] {
  const groups = new Map<string, DenyStatement[]>();
  for (const statement of statements.filter(({ Condition }) => Condition === undefined)) {
    const key = JSON.stringify([statement.Resource, statement.NotResource]);
    groups.set(key, [...groups.get(key) ?? [], statement]);
  }
  const joined = [...groups].flatMap(([key, members]) => packed(members, limit - key.length, ({ Action }) => JSON.stringify(Action).length)
    .map((some) => ({ ...some[0], Action: [...new Set(some.flatMap(({ Action }) => Action))] })));
  return [...joined, ...statements.filter(({ Condition }) => Condition !== undefined)];
}

type Condition = NonNullable<DenyStatement['Condition']>;

function merged(one: Condition = {}, other: Condition): Condition {
  const operators = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...operators].map((operator) => [operator, { ...one[operator], ...other[operator] }]));
}
