import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CodeCommitClient, CreatePullRequestCommand, EvaluatePullRequestApprovalRulesCommand, GetApprovalRuleTemplateCommand,
  ListAssociatedApprovalRuleTemplatesForRepositoryCommand, MergePullRequestBySquashCommand, UpdatePullRequestApprovalStateCommand,
} from '@aws-sdk/client-codecommit';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';

import { Clouds, only } from './cloud-support';
import { CodeBuild } from '../../examples/local/cicd/codebuild';
import { CodeCommit } from '../../examples/local/cicd/codecommit';
import { CodePipeline } from '../../examples/local/cicd/codepipeline';
import { Ecr } from '../../examples/local/cicd/ecr';
import { git } from '../../examples/local/cicd/git';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { CloudWatch } from '../../examples/local/cloudwatch/cloudwatch';
import { allowApproving, allowWriting } from '../../src/access/code-access';
import { Persona } from '../../src/access/persona';
import { PersonaRole } from '../../src/access/persona-role';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { DeliveryPipeline } from '../../src/delivery/delivery-pipeline';
import { ModelSource } from '../../src/source/model-source';
import { TrainingWorkflow } from '../../src/training/training-workflow';

const clouds = new Clouds();
afterAll(async () => clouds.stop());

const identity = { GIT_AUTHOR_NAME: 'ada', GIT_AUTHOR_EMAIL: 'ada@example.com', GIT_COMMITTER_NAME: 'ada', GIT_COMMITTER_EMAIL: 'ada@example.com' };
const codePipeline = new CodePipeline();
const codeCommit = new CodeCommit();

/** A delivery, a scientist, and an approver whose approvals count. */
function platform(stack: Stack): void {
  const repository = new ecr.Repository(stack, 'Images', { removalPolicy: RemovalPolicy.DESTROY });
  const stateMachine = new sfn.StateMachine(stack, 'Training', { definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Pass(stack, 'Trained')) });
  const training = { stateMachine, registry: { repository } } as unknown as TrainingWorkflow;
  const delivery = new DeliveryPipeline(stack, 'Delivery', {
    source: ModelSource.codeCommit({ repositoryName: 'temperature' }), training, testCommands: ['true'],
  });
  const protection = new PipelineProtection(stack, 'Protection', { createTrail: false });
  const scientist = new PersonaRole(stack, 'Scientist', { persona: Persona.DATA_SCIENTIST, protection, roleName: 'scientist' });
  allowWriting(scientist, delivery.repository.codeCommitRepository!);
  const approver = new PersonaRole(stack, 'Approver', { persona: Persona.APPROVER, protection, roleName: 'approver' });
  allowApproving(approver, delivery.repository.codeCommitRepository!);
  delivery.repository.approval!.addApprover(approver.role);
}

const roleOf = (cloud: LocalCloud, name: string): string => {
  const found = [...cloud.resources.values()].find(({ resource }) => resource.type === 'AWS::IAM::Role' && resource.properties.RoleName === name);
  cloud.restrict(found!.deployed.attributes.Arn);
  return found!.deployed.attributes.Arn;
};

test('main moves by a pull request that somebody else approved, and that alone is delivered', async () => {
  const cloud = await clouds.deploy(platform, { standIns: [new Ecr(), codeCommit, new CodeBuild(), codePipeline, new CloudWatch()] });
  const pipeline = only(cloud, 'AWS::CodePipeline::Pipeline').ref;
  const [scientist, approver] = ['scientist', 'approver'].map((name) => roleOf(cloud, name));
  const [ada, grace] = [cloud.client(CodeCommitClient, scientist), cloud.client(CodeCommitClient, approver)];
  const runs = async (): Promise<(string | undefined)[]> => {
    await cloud.clock.settle();
    await cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + 600_000));
    return codePipeline.executions(pipeline).map(({ revisions }) => [...revisions.values()][0].commit);
  };

  // the rule that CloudFormation has no type for
  const operator = cloud.client(CodeCommitClient);
  const { approvalRuleTemplateNames: [rule] = [] } = await operator.send(
    new ListAssociatedApprovalRuleTemplatesForRepositoryCommand({ repositoryName: 'temperature' }));
  const { approvalRuleTemplate } = await operator.send(new GetApprovalRuleTemplateCommand({ approvalRuleTemplateName: rule }));
  expect(JSON.parse(approvalRuleTemplate?.approvalRuleTemplateContent ?? '')).toEqual({
    Version: '2018-11-08',
    DestinationReferences: ['refs/heads/main'],
    Statements: [{ Type: 'Approvers', NumberOfApprovalsNeeded: 1, ApprovalPoolMembers: [`arn:aws:sts::${cloud.account}:assumed-role/approver/*`] }],
  });

  // whoever deploys makes main
  const work = join(cloud.folders.temp, 'work');
  await git(cloud.folders.temp, ['clone', '--quiet', codeCommit.folder('temperature'), work]);
  const commit = async (name: string): Promise<string> => {
    writeFileSync(join(work, name), name);
    writeFileSync(join(work, 'mlops.json'), '{}');
    await git(work, ['add', '.']);
    await git(work, ['commit', '--quiet', '-m', name], identity);
    return git(work, ['rev-parse', 'HEAD']);
  };
  const first = await commit('Dockerfile');
  await git(work, ['push', '--quiet', 'origin', 'HEAD:main']);
  expect(await runs()).toEqual([first]);

  // a scientist pushes branches, and neither main nor over it; a branch delivers nothing
  await git(work, ['checkout', '--quiet', '-b', 'better']);
  await commit('better');
  const push = (reference: string, ...options: string[]) => git(work, ['push', '--quiet', ...options, 'origin', reference], cloud.environment(scientist));
  await expect(push('HEAD:main')).rejects.toThrow(/explicit deny: MainBranch/);
  await expect(push('+HEAD:main', '--force')).rejects.toThrow(/explicit deny: MainBranch/);
  await push('HEAD:better');
  expect(await runs()).toEqual([first]);

  // nobody merges what nobody else has approved
  const { pullRequest } = await ada.send(new CreatePullRequestCommand({
    title: 'better', targets: [{ repositoryName: 'temperature', sourceReference: 'better', destinationReference: 'main' }],
  }));
  const { pullRequestId = '', revisionId = '' } = pullRequest ?? {};
  const merge = new MergePullRequestBySquashCommand({ pullRequestId, repositoryName: 'temperature' });
  const approve = (revision: string) => new UpdatePullRequestApprovalStateCommand({ pullRequestId, revisionId: revision, approvalState: 'APPROVE' });
  await expect(ada.send(merge)).rejects.toMatchObject({ name: 'PullRequestApprovalRulesNotSatisfiedException' });
  await expect(ada.send(approve(revisionId))).rejects.toMatchObject({ name: 'PullRequestCannotBeApprovedByAuthorException' });
  await grace.send(approve(revisionId));
  // who approves does not merge
  await expect(grace.send(merge)).rejects.toMatchObject({ name: 'AccessDeniedException' });

  // what is pushed after the approval is not approved
  await commit('more');
  await push('HEAD:better');
  await expect(ada.send(merge)).rejects.toMatchObject({ name: 'PullRequestApprovalRulesNotSatisfiedException' });
  const again = await git(work, ['rev-parse', 'HEAD']);
  await grace.send(approve(again));
  const { evaluation } = await ada.send(new EvaluatePullRequestApprovalRulesCommand({ pullRequestId, revisionId: again }));
  expect(evaluation).toMatchObject({ approved: true, approvalRulesSatisfied: [rule] });
  const merged = (await ada.send(merge)).pullRequest?.pullRequestTargets?.[0].mergeMetadata?.mergeCommitId;
  expect(await runs()).toEqual([first, merged]);
  expect(cloud.faults).toEqual([]);
});
