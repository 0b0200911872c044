import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Persona } from '../../src/access/persona';
import { PersonaPolicies } from '../../src/access/persona-policies';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { PipelineProtectionProps } from '../../src/access/pipeline-protection-props';
import { grantObjects } from '../../src/data/object-access';
import { allow } from '../../src/private/allow';
import { synthesizeUnderNag } from '../support/nag';

const named: PipelineProtectionProps = { policyNamePrefix: 'mlops', policyPath: '/mlops/' };
const build = (props: PipelineProtectionProps = named, persona = Persona.DATA_SCIENTIST): { stack: Stack; policies: PersonaPolicies } => {
  const stack = new Stack(new App(), 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } });
  return { stack, policies: new PersonaPolicies(stack, 'Scientists', { persona, protection: new PipelineProtection(stack, 'Protection', props) }) };
};
interface Document { readonly Statement: { Sid?: string; Action: string | string[]; Resource: unknown }[] }
const managed = (stack: Stack): { ManagedPolicyName: string; Path: string; PolicyDocument: Document; Roles?: string[] }[] =>
  Object.values(Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy')).map(({ Properties }) => Properties);

test('a permission set refers to the policies by the names and the path that were chosen, and all of them exist', () => {
  const { stack, policies } = build();
  const { references } = policies;
  expect(references[0]).toEqual({ name: 'mlops-Scientists', path: '/mlops/' });
  expect(references.slice(1).map(({ name }) => name)).toEqual(expect.arrayContaining(['mlops-deny-1', 'mlops-deny-listed-1']));
  const made = managed(stack).map(({ ManagedPolicyName, Path }) => ({ name: ManagedPolicyName, path: Path }));
  expect(made).toEqual(expect.arrayContaining(references));
  // a role, and a permission set, takes ten
  expect(references.length).toBeLessThanOrEqual(9);
  expect(references.length).toBe(policies.policies.length);
});

test('no role is made, and none is named', () => {
  const { stack } = build();
  expect(managed(stack).filter(({ Roles }) => Roles !== undefined)).toEqual([]);
});

test('fails where the names were not chosen', () => {
  expect(() => build({}).policies.references).toThrow(/give policyNamePrefix to the protection/);
});

test('fails on names that IAM does not take, in one error', () => {
  expect(() => build({ policyNamePrefix: 'a b', policyPath: 'mlops' })).toThrow(/1\. policyNamePrefix must have[^]*2\. policyPath must begin and end with \//);
  const { stack } = build();
  const protection = new PipelineProtection(stack, 'Other');
  expect(() => new PersonaPolicies(stack, 'Bad', { persona: Persona.OPERATOR, policyName: 'a b', protection })).toThrow(/policyName must have/);
});

test('what is granted is in the policy, and goes with it to an existing role', () => {
  const { stack, policies } = build();
  grantObjects(policies, { bucket: s3.Bucket.fromBucketName(stack, 'Data', 'data'), actions: ['s3:GetObject'], reason: 'a test' });
  policies.attachTo(iam.Role.fromRoleName(stack, 'Existing', 'team/ada'));
  const own = managed(stack).find(({ ManagedPolicyName }) => ManagedPolicyName === 'mlops-Scientists');
  expect(own?.PolicyDocument.Statement).toEqual([expect.objectContaining({ Sid: 'See' }), expect.objectContaining({ Action: 's3:GetObject' })]);
  expect(own?.Roles).toEqual(['ada']);
});

test('statements that differ by their resources are one; too many repositories become a pattern', () => {
  const resources = (count: number): unknown => {
    const { stack, policies } = build();
    for (let i = 0; i < count; i++) {
      allow(policies, { actions: ['codecommit:GitPull', 'codecommit:GitPush'], resources: [`arn:aws:codecommit:eu-central-1:111122223333:Stack-Mlops-Model${i}-Delivery`] });
    }
    const own = managed(stack).find(({ ManagedPolicyName }) => ManagedPolicyName === 'mlops-Scientists');
    const [statement, ...others] = own!.PolicyDocument.Statement.filter(({ Action }) => Action.includes('codecommit:GitPush'));
    expect(others).toEqual([]);
    return statement.Resource;
  };
  expect(resources(3)).toHaveLength(3);
  expect(resources(200)).toEqual({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':codecommit:eu-central-1:111122223333:Stack*']] });
});

test('a pattern stands for what is known to be named so, and for nothing else', () => {
  const { stack, policies } = build();
  const own = (i: number) => `arn:aws:codecommit:eu-central-1:111122223333:Stack-Mlops-Model${i}-Delivery`;
  const repositories = [
    ...Array.from({ length: 60 }, (_, i) => codecommit.Repository.fromRepositoryArn(stack, `Own${i}`, own(i))),
    codecommit.Repository.fromRepositoryName(stack, 'Existing', 'temperature'),
    new codecommit.Repository(stack, 'Named', { repositoryName: 'pressure' }),
    new codecommit.Repository(stack, 'NamedSo', { repositoryName: 'Stack-humidity' }),
  ];
  for (const { repositoryArn } of repositories) allow(policies, { actions: ['codecommit:GitPull'], resources: [repositoryArn] });
  const foreign = new dynamodb.Table(new Stack(stack.node.root as App, 'Elsewhere', { env: { account: '111122223333', region: 'eu-central-1' } }), 'Ledger', { partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING } });
  for (const table of [foreign.tableArn, ...Array.from({ length: 60 }, (_, i) => `arn:aws:dynamodb:eu-central-1:111122223333:table/Stack-Mlops-Model${i}`)]) {
    allow(policies, { actions: ['dynamodb:GetItem'], resources: [table] });
  }
  const { Statement } = managed(stack).find(({ ManagedPolicyName }) => ManagedPolicyName === 'mlops-Scientists')!.PolicyDocument;
  const resources = (action: string) => Statement.find(({ Action }) => Action === action)!.Resource;
  expect(resources('codecommit:GitPull')).toEqual([
    { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':codecommit:eu-central-1:111122223333:Stack*']] },
    { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':codecommit:eu-central-1:111122223333:temperature']] },
    { 'Fn::GetAtt': [expect.stringMatching(/^Named[0-9A-F]/), 'Arn'] },
  ]);
  expect(resources('dynamodb:GetItem')).toEqual([
    { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':dynamodb:eu-central-1:111122223333:table/Stack*']] },
    { 'Fn::ImportValue': expect.stringMatching(/Ledger/) },
  ]);
});

test('fails where a resource policy would have to name it, and where it is granted more than a policy holds', () => {
  const { stack, policies } = build();
  expect(() => policies.grantPrincipal.policyFragment).toThrow(/has to name the role/);
  for (let i = 0; i < 90; i++) allow(policies, { actions: ['s3:GetObject'], resources: [`arn:aws:s3:::a-bucket-with-a-rather-long-name-${i}/an/object/with/a/key`] });
  expect(() => Template.fromStack(stack)).toThrow(/the policy has about \d+ characters, IAM takes 6144; grant less to this persona/);
});

test('the policies for emergencies deny nothing', () => {
  const { policies } = build(named, Persona.BREAK_GLASS);
  expect(policies.references).toEqual([{ name: 'mlops-Scientists', path: '/mlops/' }]);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const policies = new PersonaPolicies(stack, 'Policies', { persona: Persona.DATA_ENGINEER, protection: new PipelineProtection(stack, 'Protection') });
    grantObjects(policies, { bucket: s3.Bucket.fromBucketName(stack, 'Data', 'data'), actions: ['s3:GetObject'], list: true, reason: 'a test' });
  })).not.toThrow();
});
