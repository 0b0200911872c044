import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { PROTECTED_ACTIONS } from './protected-actions';
import { DEPLOYING } from './service-control-policies';
import { TRUSTED_TAG } from '../private/trusted-tag';

/** Roles by which CloudFormation works on buckets, in functions that the CDK adds to a stack. */
const HELPERS = ['CustomS3AutoDelete', 'BucketNotifications'];

/**
 * Denials in the policies of resources: they hold for everybody in the account, also for administrators and roles that no
 * policy of the protection is attached to. Exempt are roles that are marked by `PipelineProtection.trust`, deployments, the
 * services themselves, and `trustedRoles`. Imported resources keep their policies.
 *
 * Only the organization's documents keep an administrator from marking their own role, and so from being exempt.
 */
export class ResourceLocks {
  /** @internal */
  public static _of(enabled: boolean, names: string, trustedRoles: readonly string[]): ResourceLocks {
    return new ResourceLocks(enabled, names, trustedRoles);
  }

  private readonly locked = new Set<s3.IBucket>();

  private constructor(private readonly enabled: boolean, private readonly names: string, private readonly trustedRoles: readonly string[]) {}

  /**
   * Whether a bucket's own policy denies.
   *
   * @internal
   */
  public _holds(bucket: s3.IBucket): boolean {
    return this.locked.has(bucket);
  }

  /** Only the platform writes a bucket's objects and changes its settings. */
  public bucket(bucket: s3.IBucket): void {
    if (!this.enabled) return;
    const { statementAdded } = bucket.addToResourcePolicy(this.statement('OnlyThePlatformWrites', actionsOf('Objects'), [bucket.arnForObjects('*')]));
    if (statementAdded) this.locked.add(bucket);
    bucket.addToResourcePolicy(this.statement('OnlyThePlatformSets', actionsOf('Buckets'), [bucket.bucketArn]));
  }

  /** Only the platform writes a table's items and changes its settings. */
  public table(table: dynamodb.ITable): void {
    if (!this.enabled || !(table instanceof dynamodb.Table)) return;
    // backups are no table's, and nothing that its policy could speak of
    const actions = actionsOf('Ledgers').filter((action) => !/Backup/.test(action));
    // a policy that named its own table would go round in a circle
    table.addToResourcePolicy(this.statement('OnlyThePlatformWrites', actions, ['*']));
  }

  /** Only the platform pushes and deletes images, and changes a repository's settings. */
  public repository(repository: ecr.IRepository): void {
    if (!this.enabled) return;
    repository.addToResourcePolicy(this.statement('OnlyThePlatformPushes', actionsOf('Images')));
  }

  /** Only the platform and the services that watch it tell something by a topic, and only deployments change it. */
  public topic(topic: sns.ITopic): void {
    if (!this.enabled) return;
    // a topic's policy cannot speak of its subscriptions
    const actions = actionsOf('Alerts').filter((action) => !/Unsubscribe|SetSubscription|DataProtection/.test(action));
    topic.addToResourcePolicy(this.statement('OnlyThePlatformTells', actions, [topic.topicArn]));
  }

  /**
   * Only deployments disable or delete a key. Its policy stays changeable by whom it was: a key whose policy nobody may change
   * is lost.
   */
  public key(key: kms.IKey): void {
    if (!this.enabled) return;
    key.addToResourcePolicy(this.statement('OnlyDeploymentsEndIt', ['kms:DeleteImportedKeyMaterial', 'kms:DisableKey', 'kms:ScheduleKeyDeletion'], ['*']));
  }

  private statement(sid: string, actions: string[], resources?: string[]): iam.PolicyStatement {
    return new iam.PolicyStatement({
      sid,
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions,
      resources,
      conditions: {
        ArnNotLike: { 'aws:PrincipalArn': [...DEPLOYING, ...[...HELPERS.map((helper) => `${this.names}*-${helper}*`), ...this.trustedRoles].map(roleArn)] },
        StringNotEqualsIfExists: { [`aws:PrincipalTag/${TRUSTED_TAG}`]: 'true' },
        Bool: { 'aws:PrincipalIsAWSService': 'false' },
      },
    });
  }
}

function roleArn(name: string): string {
  return `arn:*:iam::*:role/${name}`;
}

function actionsOf(sid: string): string[] {
  return PROTECTED_ACTIONS.filter((set) => set.sid === sid).flatMap(({ service, actions }) => actions.map((action) => `${service}:${action}`));
}
