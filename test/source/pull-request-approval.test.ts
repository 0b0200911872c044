import { createServer, Server } from 'http';
import { AddressInfo } from 'net';
import {
  ApprovalRuleTemplateDoesNotExistException, ApprovalRuleTemplateInUseException, ApprovalRuleTemplateNameAlreadyExistsException,
  AssociateApprovalRuleTemplateWithRepositoryCommand, CodeCommitClient, CreateApprovalRuleTemplateCommand, DeleteApprovalRuleTemplateCommand,
  DisassociateApprovalRuleTemplateFromRepositoryCommand, UpdateApprovalRuleTemplateContentCommand,
} from '@aws-sdk/client-codecommit';
import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as iam from 'aws-cdk-lib/aws-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { handler } from '../../src/source/approval-rule.lambda';
import { ModelSource } from '../../src/source/model-source';
import { PullRequestApproval, PullRequestApprovalOptions } from '../../src/source/pull-request-approval';
import { synthesizeUnderNag } from '../support/nag';

const newStack = (): Stack => new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
const existing = (stack: Stack): codecommit.IRepository => codecommit.Repository.fromRepositoryName(stack, 'Existing', 'temperature');

describe('the rule', () => {
  const contentOf = (stack: Stack): object => {
    const [{ Properties }] = Object.values(Template.fromStack(stack).findResources('Custom::MlopsApprovalRule'));
    const { Content } = Properties as { Content: string | { 'Fn::Join': [string, (string | { Ref: string })[]] } };
    const text = typeof Content === 'string' ? Content : Content['Fn::Join'][1].map((part) => typeof part === 'string' ? part : part.Ref === 'AWS::Partition' ? 'aws' : part.Ref).join('');
    return JSON.parse(text) as object;
  };
  const approval = (options: PullRequestApprovalOptions & { branch?: string } = {}): { stack: Stack; approval: PullRequestApproval } => {
    const stack = newStack();
    return { stack, approval: new PullRequestApproval(stack, 'Approval', { repository: existing(stack), ...options }) };
  };

  test('is that one other person approves what goes into main', () => {
    expect(contentOf(approval().stack)).toEqual({
      Version: '2018-11-08', DestinationReferences: ['refs/heads/main'], Statements: [{ Type: 'Approvers', NumberOfApprovalsNeeded: 1 }],
    });
  });

  test('counts the approvals of named roles only, where there are such', () => {
    const made = approval({ approvals: 2, approverRoleNames: ['AWSReservedSSO_Approver_1'], branch: 'release' });
    made.approval.addApprover(new iam.Role(made.stack, 'Lead', { roleName: 'lead', assumedBy: new iam.AccountRootPrincipal() }));
    expect(contentOf(made.stack)).toEqual({
      Version: '2018-11-08',
      DestinationReferences: ['refs/heads/release'],
      Statements: [{
        Type: 'Approvers',
        NumberOfApprovalsNeeded: 2,
        ApprovalPoolMembers: ['arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Approver_1/*', expect.stringMatching(/assumed-role\/Lead[0-9A-F]{8}\/\*$/)],
      }],
    });
  });

  test('fails on what is no number of people and no role, in one error', () => {
    expect(() => approval({ approvals: 0, approverRoleNames: [] })).toThrow(/1\. approvals must be a whole number from 1 to 5, got 0[^]*2\. approverRoleNames must name/);
  });

  test('is kept by one function for many repositories, which may touch their rules only', () => {
    const stack = newStack();
    for (const name of ['a-model', 'another']) {
      const nested = new NestedStack(stack, name);
      ModelSource.codeCommit({ repositoryName: name })._bind(nested);
    }
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::Lambda::Function', 1);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: ['codecommit:AssociateApprovalRuleTemplateWithRepository', 'codecommit:DisassociateApprovalRuleTemplateFromRepository'] }),
        ]),
      },
    });
    template.hasResourceProperties('AWS::IAM::Role', { Tags: [{ Key: 'cdk-mlops:pipeline', Value: 'true' }] });
  });

  test('has room for any number of repositories in its role', () => {
    const resources = (count: number): string[] => {
      const stack = newStack();
      for (let i = 0; i < count; i += 1) ModelSource.codeCommit({ repositoryName: `model-${i}` })._bind(new NestedStack(stack, `Model${i}`));
      const template = Template.fromStack(stack);
      template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
      const [{ Properties }] = Object.values(template.findResources('AWS::IAM::Policy'));
      const statements = Properties.PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[];
      return statements.filter(({ Action }) => [Action].flat().includes('codecommit:AssociateApprovalRuleTemplateWithRepository'))
        .flatMap(({ Resource }) => [Resource].flat()).map((resource) => JSON.stringify(resource));
    };
    const few = resources(20);
    expect(few).toHaveLength(20);
    expect(few.filter((resource) => resource.includes('*'))).toEqual([]);
    const many = resources(60);
    expect(many).toHaveLength(21);
    expect(many.filter((resource) => /:codecommit:eu-central-1:111122223333:\*/.test(resource))).toHaveLength(1);
  });

  test('may be left to others', () => {
    const stack = newStack();
    expect(ModelSource.codeCommit({ repository: existing(stack), requireApproval: false })._bind(stack).repository.approval).toBeUndefined();
    Template.fromStack(stack).resourceCountIs('Custom::MlopsApprovalRule', 0);
    expect(() => ModelSource.codeCommit({ requireApproval: false, approval: {} })._bind(newStack())).toThrow(/leave one of them out/);
  });

  test('has no finding of cdk-nag', () => {
    expect(() => synthesizeUnderNag((stack) => new PullRequestApproval(stack, 'Approval', { repository: existing(stack) }))).not.toThrow();
  });
});

describe('the function', () => {
  const client = mockClient(CodeCommitClient);
  const answers: Record<string, unknown>[] = [];
  let server: Server;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      request.on('end', () => {
        answers.push(JSON.parse(body) as Record<string, unknown>);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => new Promise((resolve) => { server.close(resolve); }));
  beforeEach(() => {
    client.reset();
    client.onAnyCommand().resolves({});
    answers.length = 0;
  });

  const rule = { approvalRuleTemplateName: 'rule', repositoryName: 'temperature' };
  const problem = { message: 'no', $metadata: {} };
  const ask = async (RequestType: 'Create' | 'Update' | 'Delete') => {
    await handler({
      RequestType,
      ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      StackId: 's',
      RequestId: 'r',
      LogicalResourceId: 'l',
      ...RequestType === 'Create' ? {} : { PhysicalResourceId: 'rule on temperature' },
      ResourceProperties: { TemplateName: 'rule', RepositoryName: 'temperature', Content: '{}' },
    });
    return answers[0];
  };

  test('makes the template and associates it', async () => {
    expect(await ask('Create')).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'rule on temperature' });
    expect(client.commandCalls(CreateApprovalRuleTemplateCommand)[0].args[0].input).toMatchObject({ approvalRuleTemplateName: 'rule', approvalRuleTemplateContent: '{}' });
    expect(client.commandCalls(AssociateApprovalRuleTemplateWithRepositoryCommand)[0].args[0].input).toEqual(rule);
    expect(client.commandCalls(UpdateApprovalRuleTemplateContentCommand)).toHaveLength(0);
  });

  test('changes the one that is there, after an update or a try that broke', async () => {
    client.on(CreateApprovalRuleTemplateCommand).rejects(new ApprovalRuleTemplateNameAlreadyExistsException(problem));
    expect(await ask('Update')).toMatchObject({ Status: 'SUCCESS' });
    expect(client.commandCalls(UpdateApprovalRuleTemplateContentCommand)[0].args[0].input).toEqual({ approvalRuleTemplateName: 'rule', newRuleContent: '{}' });
    expect(client.commandCalls(AssociateApprovalRuleTemplateWithRepositoryCommand)).toHaveLength(1);
  });

  test('removes it, and does not mind where it is gone or used elsewhere', async () => {
    expect(await ask('Delete')).toMatchObject({ Status: 'SUCCESS' });
    expect(client.commandCalls(DisassociateApprovalRuleTemplateFromRepositoryCommand)[0].args[0].input).toEqual(rule);
    expect(client.commandCalls(DeleteApprovalRuleTemplateCommand)).toHaveLength(1);
    client.on(DisassociateApprovalRuleTemplateFromRepositoryCommand).rejects(new ApprovalRuleTemplateDoesNotExistException(problem));
    client.on(DeleteApprovalRuleTemplateCommand).rejects(new ApprovalRuleTemplateInUseException(problem));
    answers.length = 0;
    expect(await ask('Delete')).toMatchObject({ Status: 'SUCCESS' });
  });

  test('says what went wrong', async () => {
    client.on(CreateApprovalRuleTemplateCommand).rejects(new Error('no more templates'));
    expect(await ask('Create')).toMatchObject({ Status: 'FAILED', Reason: 'Error: no more templates' });
  });
});
