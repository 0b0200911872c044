import { Lazy, Reference, Stack, Tokenization } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { estimatedLength, POLICY_LIMIT } from './deny-policy';

export interface PolicyPrincipalProps {
  readonly description: string;
  readonly policyName?: string;
  readonly path?: string;
  /** Names of the roles that the policy is attached to. */
  readonly roleNames: () => string[];
  /** By service, what stands for its resources where they are too many to be listed. */
  readonly patterns: Readonly<Record<string, ResourcePattern>>;
}

export interface ResourcePattern {
  readonly arn: string;
  /** Whether it stands for a resource: others stay listed. */
  covers(arn: string): boolean;
}

interface Rendered {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: object;
}

/** What is granted to it goes into one managed policy, whoever that is attached to. */
export class PolicyPrincipal extends Construct implements iam.IPrincipal {
  public readonly assumeRoleAction = 'sts:AssumeRole';
  public readonly grantPrincipal: iam.IPrincipal = this;
  public readonly principalAccount?: string;
  public readonly policy: iam.IManagedPolicy;
  private readonly statements: iam.PolicyStatement[] = [];

  constructor(scope: Construct, id: string, private readonly props: PolicyPrincipalProps) {
    super(scope, id);
    this.principalAccount = Stack.of(this).account;
    const resource = new iam.CfnManagedPolicy(this, 'DefaultPolicy', {
      managedPolicyName: props.policyName,
      path: props.path,
      description: props.description,
      policyDocument: Lazy.any({ produce: () => this.document() }),
      roles: Lazy.list({ produce: props.roleNames }, { omitEmpty: true }),
    });
    this.policy = iam.ManagedPolicy.fromManagedPolicyArn(this, 'Policy', resource.ref);
    this.node.addValidation({
      validate: () => {
        const length = estimatedLength(this, this.document());
        return length <= POLICY_LIMIT ? [] : [
          `the policy has about ${length} characters, IAM takes ${POLICY_LIMIT}; grant less to this persona, `
          + 'or give repositories names that begin with the stack\'s, for which one pattern stands',
        ];
      },
    });
  }

  public get policyFragment(): iam.PrincipalPolicyFragment {
    throw new Error(`${this.node.path} is managed policies without a role: a resource policy has to name the role that they are attached to`);
  }

  public addToPrincipalPolicy(statement: iam.PolicyStatement): iam.AddToPrincipalPolicyResult {
    this.statements.push(statement);
    return { statementAdded: true, policyDependable: this };
  }

  public addToPolicy(statement: iam.PolicyStatement): boolean {
    return this.addToPrincipalPolicy(statement).statementAdded;
  }

  private document(): object {
    const statements = this.gathered();
    const all = { Version: '2012-10-17', Statement: statements };
    if (estimatedLength(this, all) <= POLICY_LIMIT) return all;
    return { ...all, Statement: statements.map((statement) => this.withPattern(statement)) };
  }

  /**
   * Statements that differ by their resources only become one. They are compared as they will be written, and kept as they
   * are: the CDK has yet to find what they refer to in other stacks.
   */
  private gathered(): Rendered[] {
    const groups = new Map<string, Rendered>();
    const written = (value: unknown): string => JSON.stringify(Stack.of(this).resolve(value));
    for (const statement of this.statements) {
      const rendered = statement.toJSON() as Rendered;
      const { Resource, ...others } = rendered;
      const key = written(others);
      const known = groups.get(key);
      const resources = [known?.Resource ?? [], Resource].flat();
      const unique = [...new Map(resources.map((resource) => [written(resource) + targets(resource), resource])).values()];
      groups.set(key, { ...rendered, Resource: unique.length === 1 ? unique[0] : unique });
    }
    return [...groups.values()];
  }

  private withPattern(statement: Rendered): Rendered {
    const [service] = [statement.Action].flat()[0].split(':');
    const pattern = this.props.patterns[service];
    if (pattern === undefined || !Array.isArray(statement.Resource)) return statement;
    const resources = statement.Resource as string[];
    const others = resources.filter((resource) => !pattern.covers(resource));
    if (resources.length - others.length < 2) return statement;
    return { ...statement, Resource: others.length === 0 ? pattern.arn : [pattern.arn, ...others] };
  }
}

/** What a resource refers to: in nested stacks of their own, several may be written alike before the CDK has found where they are. */
function targets(resource: unknown): string {
  if (typeof resource !== 'string') return '';
  return Tokenization.reverseString(resource).tokens.flatMap((token) => Reference.isReference(token) ? token.target.node.path : []).join();
}
