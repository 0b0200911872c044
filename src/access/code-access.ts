import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as iam from 'aws-cdk-lib/aws-iam';
import { allow } from '../private/allow';

const words = (actions: string): string[] => actions.trim().split(/\s+/).map((action) => `codecommit:${action}`);

/** What it takes to read code and pull requests. */
const READ = words(`
  BatchGetCommits BatchGetPullRequests BatchGetRepositories DescribePullRequestEvents EvaluatePullRequestApprovalRules GetBlob GetBranch
  GetCommentsForComparedCommit GetCommentsForPullRequest GetCommit GetDifferences GetFile GetFolder GetMergeConflicts GetMergeOptions GetPullRequest
  GetPullRequestApprovalStates GetRepository GitPull ListBranches ListPullRequests`);
const DISCUSS = words('PostCommentForComparedCommit PostCommentForPullRequest PostCommentReply UpdatePullRequestApprovalState');
/** What a pull request takes, from its branch to its merge. */
const WRITE = words(`
  CreateBranch CreatePullRequest GitPush MergePullRequestByFastForward MergePullRequestBySquash MergePullRequestByThreeWay UpdatePullRequestDescription
  UpdatePullRequestStatus UpdatePullRequestTitle`);

/** Lets somebody push branches and merge them by pull requests. That they do not push to main says the protection. */
export function allowWriting(grantee: iam.IGrantable, repository: codecommit.IRepository): void {
  allow(grantee, { actions: [...READ, ...DISCUSS, ...WRITE], resources: [repository.repositoryArn] });
}

/** Lets somebody read code, and approve pull requests of others. */
export function allowApproving(grantee: iam.IGrantable, repository: codecommit.IRepository): void {
  allow(grantee, { actions: [...READ, ...DISCUSS], resources: [repository.repositoryArn] });
}

/** Lets somebody read code and pull requests, and say nothing. */
export function allowReading(grantee: iam.IGrantable, repository: codecommit.IRepository): void {
  allow(grantee, { actions: READ, resources: [repository.repositoryArn] });
}
