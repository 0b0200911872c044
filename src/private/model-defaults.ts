import { RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { InlineRole } from './inline-role';
import { ModelResources } from './model-resources';

/** A role of a service. In a model, which has few resources to spare, it is one resource together with its rights. */
export function newRole(scope: Construct, id: string, props: iam.RoleProps): iam.Role {
  return ModelResources.of(scope) === undefined ? new iam.Role(scope, id, props) : new InlineRole(scope, id, props);
}

/** Where a construct writes its logs: into those of its model, or into a log group of its own, kept for a year. */
export function newLogGroup(scope: Construct, id: string, encryptionKey?: kms.IKey): logs.ILogGroup {
  return ModelResources.of(scope)?.logGroup
    ?? new logs.LogGroup(scope, id, { encryptionKey, retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.DESTROY });
}
