import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import { SourceRepository } from './source-repository';

/** The first action of a delivery pipeline. */
export interface SourceAction {
  readonly repository: SourceRepository;
  /** Member `Provider` of the action's type. */
  readonly provider: string;
  /** Whether it sets an ACL on the file that it hands on, which IAM decides about whatever the bucket makes of it. */
  readonly uploadsWithAcl?: boolean;
  readonly configuration: Record<string, string>;
  /** What starts the pipeline on a push to the branch; the provider does it by itself where there is none. */
  readonly trigger?: events.EventPattern;
  /** How a build finds out who wrote a commit. Absent where the provider does not tell those who have only the code. */
  readonly author?: SourceAuthor;
  /** Permissions of the pipeline to fetch a commit. */
  grantFetch(grantee: iam.IGrantable): void;
}

/** Who wrote a commit. */
export interface SourceAuthor {
  /** Prints `{"commit": {"author": {"name", "email"}}}` of the commit `$CODEBUILD_RESOLVED_SOURCE_VERSION`. */
  readonly command: string;
  /** Variables that the command reads. */
  readonly environment: Record<string, string>;
  /** Permissions of the build to ask. */
  grant(grantee: iam.IGrantable): void;
}
