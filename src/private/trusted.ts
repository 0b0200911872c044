import { Tags } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { TRUSTED_TAG } from './trusted-tag';

/** Marks the roles below a construct as the platform's own. */
export function trust(scope: IConstruct): void {
  Tags.of(scope).add(TRUSTED_TAG, 'true', { includeResourceTypes: ['AWS::IAM::Role'] });
}
