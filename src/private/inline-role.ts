import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/**
 * A role that holds its rights itself, as one resource. What refers to the role, as a state machine does that runs as it,
 * must be named in them without referring back.
 */
export class InlineRole extends iam.Role {
  private readonly rights: iam.PolicyDocument;

  constructor(scope: Construct, id: string, props: iam.RoleProps) {
    const rights = new iam.PolicyDocument({ minimize: true });
    super(scope, id, { ...props, inlinePolicies: { Rights: rights } });
    this.rights = rights;
  }

  public addToPrincipalPolicy(statement: iam.PolicyStatement): iam.AddToPrincipalPolicyResult {
    this.rights.addStatements(statement);
    return { statementAdded: true, policyDependable: this };
  }
}
