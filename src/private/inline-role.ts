import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** What refers to the roles by which a model works, as the state machine does that runs as one. */
export const REFERRING = /^(states:|codepipeline:|lambda:|iam:PassRole$|ecr:BatchDeleteImage$)/i;

/**
 * A role that holds its rights itself, as one resource. What refers to the role cannot be named in it: rights to that are
 * one policy beside it.
 */
export class InlineRole extends iam.Role {
  private readonly rights: iam.PolicyDocument;
  private besides?: iam.Policy;

  /** @param beside actions on what refers to the role */
  constructor(private readonly within: Construct, id: string, props: iam.RoleProps, private readonly beside?: RegExp) {
    const rights = new iam.PolicyDocument({ minimize: true });
    super(within, id, { ...props, inlinePolicies: { Rights: rights } });
    this.rights = rights;
  }

  public addToPrincipalPolicy(statement: iam.PolicyStatement): iam.AddToPrincipalPolicyResult {
    const holder = this.holderOf(statement.actions);
    if (holder instanceof iam.Policy) holder.addStatements(statement);
    else this.rights.addStatements(statement);
    return { statementAdded: true, policyDependable: holder };
  }

  /** What holds a statement about these actions. */
  public holderOf(actions: string[]): InlineRole | iam.Policy {
    return actions.some((action) => this.beside?.test(action) === true) ? this.policyBeside : this;
  }

  /** Rights to what refers to the role. Not below the role: state machines wait for all that is. */
  public get policyBeside(): iam.Policy {
    this.besides ??= new iam.Policy(this.within, `${this.node.id}Policy`, { roles: [this], document: new iam.PolicyDocument({ minimize: true }) });
    return this.besides;
  }
}
