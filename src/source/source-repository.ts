import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import { PullRequestApproval } from './pull-request-approval';

/** The git repository of a model's code. */
export interface SourceRepository {
  /** Name of the repository; `owner/name` where it is not in CodeCommit. */
  readonly repositoryName: string;

  /** The branch whose merges are delivered. */
  readonly branch: string;

  /**
   * URL to clone the repository from over HTTPS.
   *
   * @default - known to the connection's git provider alone
   */
  readonly cloneUrl?: string;

  /**
   * The repository in CodeCommit.
   *
   * @default - the repository is elsewhere
   */
  readonly codeCommitRepository?: codecommit.IRepository;

  /**
   * The rule by which pull requests into the branch are approved.
   *
   * @default - the repository is elsewhere, or its rules are kept elsewhere
   */
  readonly approval?: PullRequestApproval;
}
