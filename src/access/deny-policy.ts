import { Lazy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { DenyStatement } from './deny-statements';

/** The most characters that IAM takes in a managed policy, white space not counted. */
export const POLICY_LIMIT = 6144;

export interface DenyPolicyProps {
  readonly description: string;
  readonly policyName?: string;
  readonly path?: string;
  /** The statements, asked for when the template is written. */
  readonly statements: () => object[];
  /** Names of the roles that the policy is attached to. */
  readonly roleNames: () => string[];
  /** Why the policy allows all but some actions, where it does. */
  readonly openBecause?: string;
}

/** A managed policy whose statements are known only when everything that they protect is. */
export class DenyPolicy extends Construct {
  public readonly policy: iam.IManagedPolicy;

  constructor(scope: Construct, id: string, props: DenyPolicyProps) {
    super(scope, id);
    const resource = new iam.CfnManagedPolicy(this, 'Resource', {
      description: props.description,
      managedPolicyName: props.policyName,
      path: props.path,
      policyDocument: Lazy.any({ produce: () => ({ Version: '2012-10-17', Statement: props.statements() }) }),
      roles: Lazy.list({ produce: props.roleNames }, { omitEmpty: true }),
    });
    if (props.openBecause !== undefined) Validations.of(resource).acknowledge({ id: 'CloudFormation-Validate::W2512', reason: props.openBecause });
    this.policy = iam.ManagedPolicy.fromManagedPolicyArn(this, 'Policy', resource.ref);
    this.node.addValidation({
      validate: () => {
        const length = estimatedLength(this, { Version: '2012-10-17', Statement: props.statements() });
        return length <= POLICY_LIMIT ? [] : [`the policy has about ${length} characters, IAM takes ${POLICY_LIMIT}; list fewer resources, or patterns for them`];
      },
    });
  }
}

/** How long a document becomes once CloudFormation has filled in names and ARNs. */
export function estimatedLength(scope: Construct, document: DenyStatement | object): number {
  return measure(Stack.of(scope).resolve(document));
}

/** What a name or an ARN is taken to have. */
const REFERENCE = 80;

function measure(value: unknown): number {
  if (Array.isArray(value)) return 2 + value.reduce((total: number, item) => total + measure(item) + 1, 0);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null).length;
  const entries = Object.entries(value);
  const [[name, argument]] = entries.length === 1 ? entries : [['', undefined]];
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].reduce((total: number, item) => total + measure(item), 0);
  if (name === 'Ref') return String(argument).startsWith('AWS::') ? 12 : REFERENCE;
  if (name.startsWith('Fn::')) return REFERENCE;
  return 2 + entries.reduce((total, [member, inner]) => total + member.length + 4 + measure(inner), 0);
}
