import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface HandlerOptions {
  /** What the function is for, shown in the console. */
  readonly description: string;
  readonly encryptionKey?: kms.IKey;
  readonly timeout?: Duration;
  readonly environment?: Record<string, string>;
}

/** What a function may have in common with others. */
export interface HandlerSurroundings {
  readonly logGroup: logs.ILogGroup;
  readonly role: iam.IRole;
}

/**
 * What every function of the library has: a role of its own without managed policies, a log group of its own,
 * ARM64, and an explicit timeout. `scope` is a namespace construct that holds nothing but the function.
 */
export function handlerDefaults(scope: Construct, options: HandlerOptions, shared?: HandlerSurroundings): lambda.FunctionOptions {
  const { logGroup, role } = shared ?? ownSurroundings(scope, options);
  return {
    architecture: lambda.Architecture.ARM_64,
    description: options.description,
    environment: options.environment,
    environmentEncryption: options.encryptionKey,
    logGroup,
    memorySize: 512,
    role,
    timeout: options.timeout ?? Duration.minutes(1),
  };
}

function ownSurroundings(scope: Construct, options: HandlerOptions): HandlerSurroundings {
  const logGroup = new logs.LogGroup(scope, 'Logs', {
    encryptionKey: options.encryptionKey,
    retention: logs.RetentionDays.ONE_YEAR,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new iam.Role(scope, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  return { logGroup, role };
}

/** Lets CloudWatch Logs of this region use the key for log groups of this account. */
export function grantLogs(key: kms.IKey): void {
  key.addToResourcePolicy(new iam.PolicyStatement({
    sid: 'CloudWatchLogs',
    principals: [new iam.ServicePrincipal(`logs.${key.stack.region}.amazonaws.com`)],
    actions: ['kms:Decrypt*', 'kms:Describe*', 'kms:Encrypt*', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
    resources: ['*'],
    conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${key.stack.partition}:logs:${key.stack.region}:${key.stack.account}:*` } },
  }));
}
