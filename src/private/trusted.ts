import { Tags } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/** Roles with this tag are the platform's own. */
export const TRUSTED_TAG = 'cdk-mlops:pipeline';

/** Marks the roles below a construct as the platform's own. */
export function trust(scope: IConstruct): void {
  Tags.of(scope).add(TRUSTED_TAG, 'true', { includeResourceTypes: ['AWS::IAM::Role'] });
}
