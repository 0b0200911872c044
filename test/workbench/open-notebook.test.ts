import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MlopsPlatform, NotebookEnvironment, Persona } from 'cdk-mlops';

const ACCOUNT = '111122223333';
const OPEN = { instance: 'sagemaker:CreatePresignedNotebookInstanceUrl', studio: 'sagemaker:CreatePresignedDomainUrl' };

/** What the policies of a template let its roles do. */
class Team {
  readonly template: Template;

  constructor(readonly stack: Stack) {
    this.template = Template.fromStack(stack);
  }

  roles(): string[] {
    return Object.keys(this.template.findResources('AWS::IAM::Role'));
  }

  may(role: iam.IRole | string, action: string, resource: string, userId: string = 'AROAEXAMPLE:somebody'): boolean {
    const id = typeof role === 'string' ? role : this.stack.getLogicalId(role.node.defaultChild as iam.CfnRole);
    const types = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'];
    const attached = (value: unknown) => JSON.stringify(value ?? []).includes(`"Ref":"${id}"`);
    const managed = JSON.stringify(this.template.findResources('AWS::IAM::Role')[id].Properties.ManagedPolicyArns ?? []);
    const policies = types.flatMap((type) => Object.entries(this.template.findResources(type)))
      .filter(([name, { Properties }]) => attached(Properties.Roles) || managed.includes(`"${name}"`))
      .map(([name, { Properties }]) => ({ name, policy: this.resolved(Properties.PolicyDocument) }));
    return runUnsafeSimulation({
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:role/${id}`,
        action,
        resource: { resource: this.resolved(resource) as string, accountId: ACCOUNT },
        contextVariables: { 'aws:PrincipalAccount': ACCOUNT, 'aws:userid': userId, 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/${id}` },
      },
      identityPolicies: policies,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    }, {}) === 'Allowed';
  }

  private resolved(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.resolved(item));
    if (typeof value !== 'object' || value === null) return typeof value === 'string' && value.includes('${Token') ? this.resolved(this.stack.resolve(value)) : value;
    const entries = Object.entries(value as Record<string, unknown>);
    const [[intrinsic, argument]] = entries;
    // a bucket of the stack above is a parameter
    if (intrinsic === 'Ref' && /^referenceto.*Arn$/.test(String(argument))) return `arn:aws:s3:::${String(argument).toLowerCase()}`;
    if (intrinsic === 'Ref') return argument === 'AWS::Partition' ? 'aws' : String(argument).toLowerCase();
    if (intrinsic === 'Fn::GetAtt') return `arn:aws:s3:::${String((argument as string[])[0]).toLowerCase()}`;
    if (intrinsic === 'Fn::Sub') return String(argument);
    if (intrinsic === 'Fn::Join') return (argument as [string, unknown[]])[1].map((item) => this.resolved(item)).join('');
    return Object.fromEntries(entries.map(([name, inner]) => [name, this.resolved(inner)]));
  }
}

describe.each<[string, string | undefined, string]>([['a notebook instance', undefined, OPEN.instance], ['a Studio space', 'd-1', OPEN.studio]])('%s', (_, studioDomainId, open) => {
  const stack = new Stack(new App(), 'Team', { env: { account: ACCOUNT, region: 'eu-central-1' } });
  const platform = new MlopsPlatform(stack, 'Mlops');
  const person = (name: string) => new iam.Role(stack, name, { assumedBy: new iam.AccountRootPrincipal() });
  const [adasRole, gracesRole, strangersRole] = ['AdasRole', 'GracesRole', 'StrangersRole'].map(person);
  const notebook = (name: string): NotebookEnvironment => platform.addNotebookEnvironment(name, { studioDomainId });
  const [ada, grace, mary] = ['ada', 'grace', 'mary'].map(notebook);
  const scientists = platform.addPersona('Scientists', { persona: Persona.DATA_SCIENTIST });
  ada.grantOpen(adasRole);
  grace.grantOpen(gracesRole);
  mary.grantOpen(scientists, 'mary');
  const team = new Team(stack);

  test('is opened by whom it was granted to', () => {
    expect(team.may(adasRole, open, ada.notebookArn)).toBe(true);
    expect(team.may(gracesRole, open, grace.notebookArn)).toBe(true);
  });

  test('is opened by nobody else, of people and machines', () => {
    const opens = [[ada, adasRole], [grace, gracesRole], [mary, scientists.role]] as const;
    const wrong = opens.flatMap(([environment, role]) => team.roles()
      .filter((id) => id !== stack.getLogicalId(role.node.defaultChild as iam.CfnRole) && team.may(id, open, environment.notebookArn))
      .map((id) => `${id} opens ${environment.node.id}`));
    expect(wrong).toEqual([]);
    expect(team.may(strangersRole, open, ada.notebookArn)).toBe(false);
    expect(team.may(adasRole, open, grace.notebookArn)).toBe(false);
  });

  test('of a role that a team shares, by the session of that name alone', () => {
    expect(team.may(scientists.role, open, mary.notebookArn, 'AROAEXAMPLE:mary')).toBe(true);
    expect(team.may(scientists.role, open, mary.notebookArn, 'AROAEXAMPLE:ada')).toBe(false);
    expect(team.may(scientists.role, open, ada.notebookArn, 'AROAEXAMPLE:mary')).toBe(false);
  });

  test('lets what runs in it work with its own files, and with no others', () => {
    // in the notebook's own stack the bucket is a parameter
    const own = new Team(Stack.of(ada.role));
    const ofAda = Object.keys(own.template.toJSON().Parameters as object).find((each) => each.includes('SavedFilesBucket'));
    const name = `arn:aws:s3:::${String(ofAda).toLowerCase()}`;
    const file = (of: NotebookEnvironment) => `${name}/notebooks/${of.notebookName}/files/a`;
    for (const action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']) {
      expect(own.may(ada.role, action, file(ada))).toBe(true);
      expect(own.may(ada.role, action, `${name}/notebooks/anybody/files/a`)).toBe(false);
    }
    expect(own.may(ada.role, 's3:DeleteObjectVersion', file(ada))).toBe(false);
  });
});
