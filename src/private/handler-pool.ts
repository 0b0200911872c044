import { ArnFormat, Aws, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { InlineRole } from './inline-role';
import { acknowledgeWildcard } from './wildcards';

/** A function that one of the library's handlers is bundled in. */
export type HandlerClass<T extends lambda.Function = lambda.Function> = new (scope: Construct, id: string, props?: lambda.FunctionOptions) => T;

export interface PooledOptions {
  readonly description: string;
  readonly timeout?: Duration;
}

export interface HandlerPoolProps {
  /** What the path of the roles begins with that the functions take. */
  readonly rolePath: string;
  /** What the names of the functions begin with. */
  readonly prefix: string;
  readonly encryptionKey?: kms.IKey;
}

/**
 * The functions that all models of a platform have in common: each handler once. They have no rights of their own but to
 * write logs, and work in the role that an event names, which has to be one of a model's.
 */
export class HandlerPool extends Construct {
  /** Path of the roles that the functions may take. */
  public readonly rolePath: string;
  /** What the functions run as. */
  public readonly role: iam.IRole;
  private readonly logGroup: logs.ILogGroup;
  private readonly functions = new Map<string, lambda.Function>();
  private readonly prefix: string;

  constructor(scope: Construct, id: string, { rolePath, prefix, encryptionKey }: HandlerPoolProps) {
    super(scope, id);
    this.prefix = prefix;
    this.rolePath = `${rolePath}cdk-mlops/${this.node.addr.slice(-12)}/`;
    this.logGroup = new logs.LogGroup(this, 'Logs', { encryptionKey, retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.DESTROY });
    const role = new InlineRole(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: 'Functions that models have in common; each call works in a role of its model',
    });
    this.logGroup.grantWrite(role);
    const roles = `arn:${Aws.PARTITION}:iam::${Stack.of(this).account}:role${this.rolePath}*`;
    role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['sts:AssumeRole'], resources: [roles] }));
    acknowledgeWildcard(role, roles, 'Each model has roles of its own below this path, and each of them says itself who may take it.');
    this.role = role;
  }

  /**
   * ARN of the function of a handler. It holds the name itself: a reference to the function would be a parameter of the
   * nested stack of each model.
   */
  public functionArn(type: HandlerClass, { description, timeout }: PooledOptions): string {
    const id = type.name.replace(/Function$/, '');
    const functionName = `${this.prefix}${id}`;
    const arn = Stack.of(this).formatArn({ service: 'lambda', resource: 'function', resourceName: functionName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    if (this.functions.has(id)) return arn;
    this.functions.set(id, new type(this, id, {
      functionName,
      architecture: lambda.Architecture.ARM_64,
      description,
      logGroup: this.logGroup,
      memorySize: 512,
      role: this.role,
      timeout: timeout ?? Duration.minutes(1),
    }));
    return arn;
  }
}
