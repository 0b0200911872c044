import { Simulation } from '@cloud-copilot/iam-simulate';
import { evaluate } from './simulate';
import { Decision, Deployed, JsonObject, Resource, Unsupported } from './types';

interface Statement extends JsonObject {
  readonly Effect: string;
}

interface Policy {
  readonly name: string;
  readonly statements: Statement[];
}

/** What applies to a principal. */
interface Identity {
  readonly policies: Policy[];
  readonly tags: Record<string, string>;
  readonly boundary?: Policy;
}

type Resources = ReadonlyMap<string, { resource: Resource; deployed: Deployed }>;

const ALLOW_ALL: Policy = { name: 'everything', statements: [{ Sid: 'All', Effect: 'Allow', Action: '*', Resource: '*' }] };

/** AWS's own managed policies have no text in an assembly; of these two it is short and public. */
const AWS_MANAGED: Record<string, Statement[]> = {
  AdministratorAccess: ALLOW_ALL.statements,
  PowerUserAccess: [
    { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
    {
      Effect: 'Allow',
      Action: [
        'account:GetAccountInformation', 'account:GetPrimaryEmail', 'account:ListRegions', 'iam:CreateServiceLinkedRole',
        'iam:DeleteServiceLinkedRole', 'iam:ListRoles', 'organizations:DescribeEffectivePolicy', 'organizations:DescribeOrganization',
      ],
      Resource: '*',
    },
  ],
};

/** Resource policies, by the type that holds them: the ARNs that they guard and the document. */
const RESOURCE_POLICIES: Record<string, { readonly document: string; readonly targets: (properties: JsonObject, deployed: Deployed) => string[] }> = {
  'AWS::S3::BucketPolicy': { document: 'PolicyDocument', targets: ({ Bucket }) => [`arn:aws:s3:::${String(Bucket)}`] },
  'AWS::SNS::TopicPolicy': { document: 'PolicyDocument', targets: ({ Topics }) => Topics as string[] },
  'AWS::SQS::QueuePolicy': {
    document: 'PolicyDocument', targets: ({ Queues }) => (Queues as string[]).map((url) => `:${url.slice(url.lastIndexOf('/') + 1)}`),
  },
  'AWS::DynamoDB::Table': {
    document: 'ResourcePolicy', targets: (_, { attributes }) => [attributes.Arn],
  },
  'AWS::ECR::Repository': { document: 'RepositoryPolicyText', targets: (_, { attributes }) => [attributes.Arn] },
  'AWS::KMS::Key': { document: 'KeyPolicy', targets: (_, { attributes }) => [attributes.Arn] },
  'AWS::IAM::Role': { document: 'AssumeRolePolicyDocument', targets: (_, { attributes }) => [attributes.Arn] },
};

/** The policy that KMS gives a key of its own accord. */
const defaultKeyPolicy = (account: string): JsonObject => ({
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: '*' }],
});

/**
 * Decides calls by the policies of the assembly: identity policies, permissions boundaries, resource policies. Clients ask
 * the same thousands of times, so what was decided is kept for as long as nothing is deployed.
 */
export class PolicyEvaluator {
  private readonly known = new Map<string, Decision>();
  private readonly identities = new Map<string, Identity>();
  private deployed = 0;

  constructor(private readonly resources: () => Resources, private readonly account: string) {}

  decide(principalArn: string, action: string, resourceArn: string, context: Record<string, string> = {}): Decision {
    if (this.deployed !== this.resources().size) {
      this.known.clear();
      this.identities.clear();
      this.deployed = this.resources().size;
    }
    const question = JSON.stringify([principalArn, action, resourceArn, context]);
    const decision = this.known.get(question) ?? this.evaluated(principalArn, action, resourceArn, context);
    this.known.set(question, decision);
    return decision;
  }

  private evaluated(principalArn: string, action: string, resourceArn: string, context: Record<string, string>): Decision {
    const identity = this.identities.get(principalArn) ?? this.identityOf(principalArn);
    this.identities.set(principalArn, identity);
    const resourcePolicy = this.resourcePolicyOf(resourceArn);
    const decided = (of: Partial<Pick<Simulation, 'identityPolicies' | 'permissionBoundaryPolicies' | 'resourcePolicy'>>) => evaluate({
      request: {
        principal: principalArn,
        action,
        resource: { resource: resourceArn, accountId: this.account },
        contextVariables: {
          'aws:PrincipalArn': principalArn,
          'aws:PrincipalAccount': this.account,
          'aws:ResourceAccount': this.account,
          'aws:SecureTransport': 'true',
          'aws:MultiFactorAuthPresent': 'true',
          'aws:ViaAWSService': 'false',
          'aws:PrincipalIsAWSService': 'false',
          ...identity.tags,
          ...context,
        },
      },
      identityPolicies: [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...of,
    });
    const boundary = identity.boundary && [simulated(identity.boundary)];
    const result = decided({
      identityPolicies: identity.policies.map(simulated),
      permissionBoundaryPolicies: boundary,
      resourcePolicy: resourcePolicy && document(resourcePolicy.statements),
    });
    if (result === 'Allowed') {
      const allows = () => statementsOf(identity.policies, 'Allow').find(({ policy }) => decided({ identityPolicies: [simulated(policy)] }) === 'Allowed');
      let by: string | undefined;
      // Which statement it was is looked for when somebody asks: of most calls nobody does.
      return { allowed: true, get by() { return by ??= allows()?.label ?? resourcePolicy?.name ?? 'a resource policy'; } };
    }
    if (result === 'ExplicitlyDenied') {
      const all = [...identity.policies, ...identity.boundary ? [identity.boundary] : []];
      const denies = statementsOf(all, 'Deny').find(({ policy }) =>
        decided({ identityPolicies: [simulated(ALLOW_ALL), simulated(policy)] }) === 'ExplicitlyDenied');
      return { allowed: false, by: denies ? `explicit deny: ${denies.label}` : `explicit deny: ${resourcePolicy?.name ?? 'a resource policy'}` };
    }
    const bounded = identity.boundary && decided({ identityPolicies: identity.policies.map(simulated) }) === 'Allowed';
    return { allowed: false, by: bounded ? `implicit deny: the permissions boundary ${identity.boundary!.name} does not allow it` : 'implicit deny: no statement allows it' };
  }

  private identityOf(principalArn: string): Identity {
    const name = principalArn.slice(principalArn.lastIndexOf('/') + 1);
    const policies: Policy[] = [];
    const tags: Record<string, string> = {};
    let boundary: Policy | undefined;
    for (const { resource, deployed } of this.resources().values()) {
      const { type, properties, logicalId } = resource;
      if (type === 'AWS::IAM::Role' && deployed.attributes.Arn === principalArn) {
        const inline = (properties.Policies ?? []) as JsonObject[];
        policies.push(...inline.map(({ PolicyName, PolicyDocument }) => named(String(PolicyName), PolicyDocument as JsonObject)));
        for (const arn of (properties.ManagedPolicyArns ?? []) as string[]) policies.push(this.managed(arn));
        for (const { Key, Value } of (properties.Tags ?? []) as { Key: string; Value: string }[]) tags[`aws:PrincipalTag/${Key}`] = Value;
        if (properties.PermissionsBoundary !== undefined) boundary = this.managed(String(properties.PermissionsBoundary));
      } else if ((type === 'AWS::IAM::Policy' || type === 'AWS::IAM::ManagedPolicy') && ((properties.Roles ?? []) as string[]).includes(name)) {
        policies.push(named(String(properties.PolicyName ?? properties.ManagedPolicyName ?? logicalId), properties.PolicyDocument as JsonObject));
      }
    }
    return { policies, tags, boundary };
  }

  private managed(arn: string): Policy {
    for (const { resource, deployed } of this.resources().values()) {
      if (resource.type === 'AWS::IAM::ManagedPolicy' && deployed.ref === arn) {
        return named(String(resource.properties.ManagedPolicyName ?? resource.logicalId), resource.properties.PolicyDocument as JsonObject);
      }
    }
    const name = arn.slice(arn.lastIndexOf('/') + 1);
    if (!(name in AWS_MANAGED)) throw new Unsupported(`decisions by the policy ${arn}, whose text is not in the assembly`);
    return { name, statements: AWS_MANAGED[name] };
  }

  private resourcePolicyOf(resourceArn: string): Policy | undefined {
    for (const { resource, deployed } of this.resources().values()) {
      const kind = RESOURCE_POLICIES[resource.type];
      const written = kind && resource.properties[kind.document] as JsonObject | undefined;
      const policy = (written?.PolicyDocument ?? written) as JsonObject | undefined;
      if (!policy) continue;
      const guards = kind.targets(resource.properties, deployed).some((target) =>
        target.startsWith(':') ? resourceArn.endsWith(target) : resourceArn === target || resourceArn.startsWith(`${target}/`));
      if (guards) return named(`the policy of ${resource.logicalId}`, policy);
    }
    // a key that is only imported: KMS asks for a key policy, and a key that nobody gave one leaves all to the account
    if (/^arn:[^:]+:kms:[^:]+:\d+:key\//.test(resourceArn)) return named('the default key policy', defaultKeyPolicy(this.account));
    return undefined;
  }
}

function named(name: string, policy: JsonObject): Policy {
  return { name, statements: [policy.Statement].flat() as Statement[] };
}

function document(statements: Statement[]): JsonObject {
  return { Version: '2012-10-17', Statement: statements };
}

function simulated({ name, statements }: Policy): { name: string; policy: JsonObject } {
  return { name, policy: document(statements) };
}

/** Each statement as a policy of its own, to find the one that decides. */
function statementsOf(policies: Policy[], effect: string): { label: string; policy: Policy }[] {
  return policies.flatMap(({ name, statements }) => statements.flatMap((statement, index) => statement.Effect !== effect ? [] : [{
    label: `${typeof statement.Sid === 'string' ? statement.Sid : `statement ${index + 1}`} of ${name}`,
    policy: { name, statements: [statement] },
  }]));
}
