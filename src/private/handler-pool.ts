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

export interface PooledFunction {
  readonly arn: string;
  readonly made: lambda.Function;
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
   * The function of a handler. Its ARN holds the name itself: a reference to the function would be a parameter of the
   * nested stack of each model.
   */
  public use(type: HandlerClass, { description, timeout }: PooledOptions): PooledFunction {
    const id = type.name.replace(/Function$/, '');
    const functionName = `${this.prefix}${id}`;
    const arn = Stack.of(this).formatArn({ service: 'lambda', resource: 'function', resourceName: functionName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    const known = this.functions.get(id);
    if (known !== undefined) return { arn, made: known };
    const made = new type(this, id, {
      functionName,
      architecture: lambda.Architecture.ARM_64,
      description,
      logGroup: this.logGroup,
      memorySize: 512,
      role: this.role,
      timeout: timeout ?? Duration.minutes(1),
    });
    this.functions.set(id, made);
    return { arn, made };
  }
}
