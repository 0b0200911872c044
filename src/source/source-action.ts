import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import { SourceRepository } from './source-repository';

/** The first action of a delivery pipeline. */
export interface SourceAction {
  readonly repository: SourceRepository;
  /** Member `Provider` of the action's type. */
  readonly provider: string;
  readonly configuration: Record<string, string>;
  /** What starts the pipeline on a push to the branch; the provider does it by itself where there is none. */
  readonly trigger?: events.EventPattern;
  /** Permissions of the pipeline to fetch a commit. */
  grantFetch(grantee: iam.IGrantable): void;
}
