import { Principal } from './decide';
import { Declared } from './names';
import { Statement } from './statement';

/** Resource policies, by the type that holds them: what they guard and the document. */
const RESOURCE_POLICIES: Record<string, { readonly document: string; readonly guards: (declared: Declared) => string[] }> = {
  'AWS::S3::BucketPolicy': { document: 'PolicyDocument', guards: ({ properties }) => [`arn:aws:s3:::${String(properties.Bucket)}`] },
  'AWS::SNS::TopicPolicy': { document: 'PolicyDocument', guards: ({ properties }) => properties.Topics as string[] },
  'AWS::SQS::QueuePolicy': { document: 'PolicyDocument', guards: ({ properties }) => (properties.Queues as string[]).map(queueArn) },
  'AWS::DynamoDB::Table': { document: 'ResourcePolicy', guards: ({ arn }) => [arn] },
  'AWS::ECR::Repository': { document: 'RepositoryPolicyText', guards: ({ arn }) => [arn] },
  'AWS::KMS::Key': { document: 'KeyPolicy', guards: ({ arn }) => [arn] },
  'AWS::IAM::Role': { document: 'AssumeRolePolicyDocument', guards: ({ arn }) => [arn] },
  'AWS::SecretsManager::ResourcePolicy': { document: 'ResourcePolicy', guards: ({ properties }) => [String(properties.SecretId)] },
  'AWS::CodeArtifact::Domain': { document: 'PermissionsPolicyDocument', guards: ({ arn }) => [arn] },
  'AWS::CodeArtifact::Repository': { document: 'PermissionsPolicyDocument', guards: ({ arn }) => [arn] },
  'AWS::StepFunctions::StateMachine': { document: 'ResourcePolicy', guards: ({ arn }) => [arn] },
};

/** The policies of an app, by what they are attached to. */
export class Policies {
  private readonly byName = new Map<string, Statement[]>();
  private readonly guarded = new Map<string, Statement[]>();
  private readonly attached = new Map<string, Statement[]>();

  // what roles and keys made elsewhere in the account are taken to say: that the account's own policies decide
  private readonly anybodysKey: Statement[];
  private readonly anybodysTrust: Statement[];

  constructor(readonly declared: readonly Declared[], private readonly account: string) {
    const own = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` } };
    this.anybodysKey = Statement.ofPolicy('the default key policy', { Statement: [{ ...own, Action: 'kms:*', Resource: '*' }] });
    this.anybodysTrust = Statement.ofPolicy('the role’s trust policy', { Statement: [{ ...own, Action: ['sts:AssumeRole', 'sts:TagSession'] }] });
    for (const resource of declared) {
      const { type, logicalId, properties, arn } = resource;
      if (type === 'AWS::IAM::ManagedPolicy' || type === 'AWS::IAM::Policy') {
        // what bounds is protection too where it allows: without it, less would be possible than should be
        const bounds = logicalId.includes('Boundary');
        const statements = Statement.ofPolicy(readable(logicalId), properties.PolicyDocument, ({ Effect }) => Effect === 'Deny' || bounds);
        this.byName.set(arn, statements);
        for (const role of (properties.Roles ?? []) as string[]) this.attached.set(role, [...this.attached.get(role) ?? [], ...statements]);
      }
      const kind = RESOURCE_POLICIES[type];
      const held = kind && properties[kind.document] as { PolicyDocument?: unknown } | undefined;
      if (!held) continue;
      const document = held.PolicyDocument ?? held;
      const statements = Statement.ofPolicy(`the policy of ${readable(logicalId)}`, document);
      for (const guarded of kind.guards(resource)) this.guarded.set(guarded, statements);
    }
  }

  /** The policy that a resource carries. Keys that carry none leave all to the account. */
  resourcePolicyOf(arn: string): readonly Statement[] | undefined {
    const own = this.guarded.get(arn) ?? this.guarded.get(arn.replace(/^(arn:aws:s3:::[^/]+)\/.*$/, '$1'));
    if (own !== undefined || !/^arn:aws:(kms|iam):/.test(arn)) return own;
    return /:role\//.test(arn) ? this.anybodysTrust : /:key\//.test(arn) ? this.anybodysKey : undefined;
  }

  /** All statements that are there to keep somebody from something. */
  protections(): Statement[] {
    return [...new Set([...this.byName.values(), ...this.guarded.values()].flat())].filter(({ isProtection }) => isProtection);
  }

  /** Statements of resource policies that allow under a condition. */
  conditional(): Statement[] {
    return [...new Set([...this.guarded.values()].flat())].filter(({ denies, json }) => !denies && json.Condition !== undefined);
  }

  managed(arn: string): readonly Statement[] {
    const found = this.byName.get(arn);
    if (found === undefined) throw new Error(`no managed policy ${arn}`);
    return found;
  }

  /** The managed policy whose logical id holds a text. */
  managedLike(text: string): readonly Statement[] {
    return this.managed(this.one('AWS::IAM::ManagedPolicy', text).arn);
  }

  /** What is attached to a role by its name, from the side of the policies. */
  attachedTo(roleName: string): readonly Statement[] {
    return this.attached.get(roleName) ?? [];
  }

  one(type: string, text: string): Declared {
    const found = this.declared.filter((one) => one.type === type && one.logicalId.includes(text));
    if (found.length !== 1) throw new Error(`${found.length} resources of type ${type} have an id with ${text}: ${found.map(({ logicalId }) => logicalId).join(', ')}`);
    return found[0];
  }

  /** A role of the app, as the principal of a request. */
  principal(role: Declared): Principal {
    const { properties, arn, name } = role;
    const inline = ((properties.Policies ?? []) as { PolicyName: string; PolicyDocument: unknown }[])
      .flatMap(({ PolicyName, PolicyDocument }) => Statement.ofPolicy(PolicyName, PolicyDocument));
    const managed = (properties.ManagedPolicyArns ?? []) as string[];
    const tags = ((properties.Tags ?? []) as { Key: string; Value: string }[]).map(({ Key, Value }) => [`aws:PrincipalTag/${Key}`, Value]);
    return {
      arn,
      account: this.account,
      identity: [...inline, ...managed.flatMap((policy) => this.managed(policy)), ...this.attachedTo(name)],
      boundary: properties.PermissionsBoundary === undefined ? undefined : this.managed(String(properties.PermissionsBoundary)),
      context: Object.fromEntries(tags) as Record<string, string>,
    };
  }
}

/** Queues are referred to by their addresses. */
function queueArn(url: string): string {
  const [, region, account, name] = /^https:\/\/sqs\.([^.]+)\.amazonaws\.com\/(\d+)\/(.+)$/.exec(url) ?? [];
  return `arn:aws:sqs:${region}:${account}:${name}`;
}

/** A logical id without its hash and without what all of them begin with. */
export function readable(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '').replace(/^Mlops/, '').replace(/^Protection/, '');
}
