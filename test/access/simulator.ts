import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import { Template } from 'aws-cdk-lib/assertions';

type Context = Record<string, string | string[]>;
interface Resource { readonly Properties: Record<string, unknown> }

/** Decides by the managed policies of a template, as IAM would; references stand for names made from logical ids. */
export class Simulator {
  private readonly denies: object[];
  private readonly boundary: object;

  constructor(template: Template, private readonly where: { account: string; region: string }) {
    const policies = Object.entries(template.findResources('AWS::IAM::ManagedPolicy') as Record<string, Resource>)
      .map(([id, { Properties }]) => ({ id, document: this.resolve(Properties.PolicyDocument) as object }));
    this.boundary = policies.find(({ id }) => id.includes('Boundary'))?.document ?? {};
    this.denies = policies.filter(({ id }) => id.includes('Deny')).map(({ document }) => document);
  }

  decide(statements: object[], action: string, resource: string, context: Context = {}): string {
    return this.simulate([{ Version: '2012-10-17', Statement: statements }, ...this.denies], undefined, action, resource, context);
  }

  /** Of a principal who may do everything, within the boundary. */
  decideBounded(action: string, resource: string, context: Context = {}): string {
    const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
    return this.simulate([everything], this.boundary, action, resource, context);
  }

  /** ARNs that the policies list for a service, with something in place of each wildcard. */
  listedArns(service: string): string[] {
    const statements = this.denies.flatMap((document) => (document as { Statement: { Resource?: string | string[] }[] }).Statement);
    return [...new Set(statements.flatMap(({ Resource: arns }) => arns ?? []))].flat()
      .filter((arn) => arn.startsWith(`arn:aws:${service}:`)).map((arn) => arn.replace(/\*/g, 'something'));
  }

  private simulate(identity: object[], boundary: object | undefined, action: string, resource: string, contextVariables: Context): string {
    const named = (policy: object, i: number): { name: string; policy: object } => ({ name: `policy-${i}`, policy });
    return runUnsafeSimulation({
      request: {
        principal: `arn:aws:iam::${this.where.account}:role/person`,
        action,
        resource: { resource, accountId: this.where.account },
        contextVariables: { 'aws:PrincipalAccount': this.where.account, ...contextVariables },
      },
      identityPolicies: identity.map(named),
      permissionBoundaryPolicies: boundary === undefined ? undefined : [named(boundary, 0)],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    }, {});
  }

  private resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.resolve(item));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[intrinsic, argument]] = entries;
    if (intrinsic === 'Ref') return argument === 'AWS::Partition' ? 'aws' : String(argument).toLowerCase();
    if (intrinsic === 'Fn::GetAtt') return `arn:aws:s3:::${String((argument as string[])[0]).toLowerCase()}`;
    if (intrinsic === 'Fn::Join') return (argument as [string, unknown[]])[1].map((item) => this.resolve(item)).join('');
    return Object.fromEntries(entries.map(([name, inner]) => [name, this.resolve(inner)]));
  }
}
