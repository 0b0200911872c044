import { App, CfnElement, NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { trust } from '../../src/private/trusted';
import { synthesizeUnderNag } from '../support/nag';
import { MlopsPlatform, NotebookEnvironment, NotebookEnvironmentProps, NotebookRepository, Persona, WorkbenchNetwork } from 'cdk-mlops';

const env = { account: '111122223333', region: 'eu-central-1' };

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

/** What somebody is let do who may open a notebook. */
function granted(props: (stack: Stack) => NotebookEnvironmentProps = () => ({}), sessionName?: string): { statements: Statement[]; stack: Stack } {
  const stack = new Stack(new App(), 'Test', { env });
  const person = new iam.Role(stack, 'Person', { assumedBy: new iam.AccountRootPrincipal() });
  new NotebookEnvironment(stack, 'Ada', props(stack)).grantOpen(person, sessionName);
  return { statements: statementsOf(stack, 'PersonDefaultPolicy'), stack };
}

function statementsOf(stack: Stack, policy: string): Statement[] {
  return Object.entries(Template.fromStack(stack).findResources('AWS::IAM::Policy')).filter(([id]) => id.startsWith(policy))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Statement[]);
}

const of = (statements: Statement[], action: string): Statement[] => statements.filter(({ Action }) => [Action].flat().includes(action));

describe('who may open a notebook instance may start it', () => {
  const { statements, stack } = granted();

  test('by handing its role, and no other, to SageMaker, and to nothing else', () => {
    const [roleId] = Object.keys(Template.fromStack(stack).findResources('AWS::IAM::Role', { Properties: { Path: '/cdk-mlops-notebooks/' } }));
    expect(of(statements, 'iam:PassRole')).toEqual([{
      Action: 'iam:PassRole',
      Effect: 'Allow',
      Resource: { 'Fn::GetAtt': [roleId, 'Arn'] },
      Condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
    }]);
  });

  test('by an interface in its subnet, with its security group', () => {
    const [create] = of(statements, 'ec2:CreateNetworkInterface');
    expect(JSON.stringify(create.Resource)).toMatch(/:ec2:eu-central-1:\*:subnet\/.*AdaNetworkVpc.*:security-group\/.*AdaNetworkSecurityGroup.*111122223333:network-interface\/\*/);
    expect(of(statements, 'ec2:DescribeVpcs')[0]).toMatchObject({
      Action: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'], Resource: '*',
    });
  });

  test('by a grant of the volume’s key to a service of AWS, and to nobody else', () => {
    expect(of(statements, 'kms:CreateGrant')).toEqual([expect.objectContaining({
      Resource: { 'Fn::GetAtt': [expect.stringMatching(/^AdaKey/), 'Arn'] }, Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    })]);
    expect(of(statements, 'kms:DescribeKey')).toHaveLength(1);
  });

  test('and reads the secret of its repository, where there is one', () => {
    expect(of(statements, 'secretsmanager:GetSecretValue')).toEqual([]);
    const withSecret = granted((scope) => ({
      repository: NotebookRepository.https('https://git.example.com/a.git', secretsmanager.Secret.fromSecretNameV2(scope, 'Token', 'git')),
    }));
    expect(JSON.stringify(of(withSecret.statements, 'secretsmanager:GetSecretValue')[0].Resource)).toMatch(/:secret:git-\?{6}"/);
  });

  test('in the session that is named, where a role is shared', () => {
    const shared = granted(undefined, 'ada').statements;
    expect(shared.length).toBe(statements.length);
    expect(shared.filter(({ Condition }) => JSON.stringify(Condition?.StringLike?.['aws:userid'] ?? '').includes('*:ada'))).toEqual(shared);
  });

  test('a Studio space starts by its own role: nothing of this is granted', () => {
    const studio = granted(() => ({ studioDomainId: 'd-1' })).statements;
    expect(studio.flatMap(({ Action }) => Action)).toEqual(['sagemaker:CreatePresignedDomainUrl', 'sagemaker:DescribeUserProfile']);
  });
});

describe('the role of a notebook instance', () => {
  test('is below a path of its own, and no platform’s own, whatever is around it', () => {
    const stack = new Stack(new App(), 'Test', { env });
    trust(stack);
    new NotebookEnvironment(stack, 'Ada');
    new NotebookEnvironment(stack, 'Grace', { studioDomainId: 'd-1' });
    const roles = Object.entries(Template.fromStack(stack).findResources('AWS::IAM::Role'));
    expect(roles.filter(([, { Properties }]) => Properties.Path !== undefined).map(([id, { Properties }]) => [id, Properties.Path]))
      .toEqual([[expect.stringMatching(/^AdaRole/), '/cdk-mlops-notebooks/']]);
    const trusted = roles.filter(([, { Properties }]) => JSON.stringify(Properties.Tags ?? []).includes('cdk-mlops:pipeline')).map(([id]) => id);
    expect(trusted.filter((id) => /^(Ada|Grace)Role/.test(id))).toEqual([]);
    expect(trusted.length).toBeGreaterThan(0);
  });

  test('is below the path of all roles, where one is given', () => {
    const stack = new Stack(new App(), 'Test', { env });
    const platform = new MlopsPlatform(stack, 'Mlops', { rolePath: '/mlops/' });
    const { role } = platform.addNotebookEnvironment('ada');
    expect(Template.fromStack(Stack.of(role)).findResources('AWS::IAM::Role', { Properties: { Path: '/mlops/cdk-mlops-notebooks/' } }))
      .toEqual({ [Stack.of(role).getLogicalId(role.node.defaultChild as CfnElement)]: expect.anything() });
  });
});

describe('a team that shares a role', () => {
  const stack = new Stack(new App(), 'Test', { env });
  const platform = new MlopsPlatform(stack, 'Mlops');
  const scientists = platform.addPersona('Scientists', { persona: Persona.DATA_SCIENTIST });
  const names = Array.from({ length: 12 }, (_, i) => `scientist-${i}`);
  for (const name of names) platform.addNotebookEnvironment(name).grantOpen(scientists, name);
  const statements = statementsOf(stack, 'MlopsScientistsRoleDefaultPolicy');

  test('is granted a role for each, and the network and key of all once', () => {
    expect(of(statements, 'iam:PassRole')).toHaveLength(12);
    expect(new Set(of(statements, 'iam:PassRole').map(({ Resource }) => JSON.stringify(Resource))).size).toBe(12);
    for (const action of ['ec2:CreateNetworkInterface', 'ec2:DescribeVpcs', 'kms:CreateGrant']) {
      expect(of(statements, action).map(({ Condition }) => Condition?.StringLike)).toEqual([{ 'aws:userid': names.map((name) => `*:${name}`) }]);
    }
  });

  test('takes no more of it than a role does', () => {
    // with the account and what CloudFormation fills in
    const length = JSON.stringify(statements).replace(/\{"Fn::GetAtt":\["[^"]*NestedStack[^"]*","[^"]*"\]\}/g, `"${'x'.repeat(100)}"`).length;
    expect(length).toBeLessThan(10_240);
  });
});

test('policies without a role, by which two notebooks are opened, are granted the role of each', () => {
  const app = new App();
  const stack = new Stack(app, 'Test', { env });
  const platform = new MlopsPlatform(stack, 'Mlops');
  const scientists = platform.addPersonaPolicies('Scientists', { persona: Persona.DATA_SCIENTIST });
  const roles = ['ada', 'grace'].map((name) => {
    const notebook = platform.addNotebookEnvironment(name);
    notebook.grantOpen(scientists);
    return (Stack.of(notebook) as NestedStack).nestedStackResource!;
  });
  const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy'));
  const pass = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement as (Statement & { Effect: string; Sid?: string })[])
    .filter(({ Action, Effect, Sid }) => Effect === 'Allow' && Action === 'iam:PassRole' && Sid !== 'Notebooks').flatMap(({ Resource }) => Resource);
  expect(pass.map((resource) => JSON.stringify(resource)).sort()).toEqual(roles.map((nested) => stack.getLogicalId(nested)).sort()
    .map((id) => expect.stringMatching(new RegExp(`^\\{"Fn::GetAtt":\\["${id}","Outputs\\.[^"]*Role[^"]*Arn"`))));
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const person = new iam.Role(stack, 'Person', { assumedBy: new iam.AccountRootPrincipal() });
    new NotebookEnvironment(stack, 'Ada').grantOpen(person);
    const network = new WorkbenchNetwork(stack, 'Network');
    for (const name of ['grace', 'mary']) new NotebookEnvironment(stack, name, { network }).grantOpen(person, name);
  })).not.toThrow();
});
