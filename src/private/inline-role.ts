import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/**
 * A role that holds its rights itself, as one resource. State machines refer to it, so that what it may do with state
 * machines cannot be part of it: that is one policy beside it.
 */
export class InlineRole extends iam.Role {
  private readonly rights: iam.PolicyDocument;
  private machines?: iam.Policy;

  constructor(private readonly within: Construct, id: string, props: iam.RoleProps) {
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
    return actions.some((action) => action.startsWith('states:')) ? this.machinePolicy : this;
  }

  /** What the role may do with state machines. Beside the role and not below it: state machines wait for all that is below. */
  public get machinePolicy(): iam.Policy {
    this.machines ??= new iam.Policy(this.within, `${this.node.id}OfMachines`, { roles: [this], document: new iam.PolicyDocument({ minimize: true }) });
    return this.machines;
  }
}
