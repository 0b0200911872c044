import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';

/** Options of a `PipelineProtection`, whatever platform it belongs to. */
export interface PipelineProtectionOptions {
  /**
   * ARN patterns, such as `arn:aws:states:*:*:stateMachine:other-*`, of resources that are none of the platform's, though
   * of a kind that is protected. People keep what they may do there.
   *
   * @default - none: the account is the platform's
   */
  readonly exempt?: string[];
  /**
   * Patterns of further role names whose calls are the platform's own work and no attempts.
   *
   * @default - only functions and builds of this stack, and the role by which the CDK deploys
   */
  readonly trustedRoles?: string[];
  /**
   * Whether `locks` writes denials into the policies of buckets, tables, repositories, topics and keys. They let the roles by
   * which the CDK deploys through; where something else deploys, name its role in `trustedRoles` first.
   *
   * @default true
   */
  readonly lockResources?: boolean;
  /**
   * The bus that gets the event `TamperAttempt`.
   *
   * @default - the account's default bus
   */
  readonly eventBus?: events.IEventBus;
  /**
   * Whether to make a trail that hands changes to EventBridge. Say false where the account or its organization has one.
   *
   * @default true
   */
  readonly createTrail?: boolean;
  /**
   * Whether the trail also records who writes the protected buckets and tables, and who invokes the platform's functions.
   * AWS charges for each 100,000 of these events. Without them, such an attempt is denied all the same, but not told.
   *
   * @default true
   */
  readonly recordDataEvents?: boolean;
  /**
   * Begins the names of the managed policies, so that a permission set of IAM Identity Center can refer to them: `mlops` gives
   * `mlops-deny-1` and so on. One prefix belongs to one platform of the account.
   *
   * @default - generated names
   */
  readonly policyNamePrefix?: string;
  /**
   * Path of the managed policies.
   *
   * @default '/'
   */
  readonly policyPath?: string;
}

/** Properties of a `PipelineProtection`. */
export interface PipelineProtectionProps extends PipelineProtectionOptions {
  /**
   * Where attempts are told.
   *
   * @default - nowhere; they are on the event bus as `TamperAttempt`
   */
  readonly alerts?: sns.ITopic;
  /**
   * Encrypts logs and the environment of the function. The key must let CloudWatch Logs and CloudTrail use it.
   *
   * @default - the services' own encryption
   */
  readonly encryptionKey?: kms.IKey;
}
