import { Tags } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { TRUSTED_TAG } from './trusted-tag';

/** Marks the roles below a construct as the platform's own. */
export function trust(scope: IConstruct): void {
  Tags.of(scope).add(TRUSTED_TAG, 'true', { includeResourceTypes: ['AWS::IAM::Role'] });
}

/** Roles that people work with are never the platform's own, even where everything around them is. */
export function distrust(scope: IConstruct): void {
  Tags.of(scope).remove(TRUSTED_TAG, { priority: 500 });
}
