import { ArnFormat, Duration, Names, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { newArtifactsBucket } from './artifacts-bucket';
import { ChangeStageFunction } from './change-stage-function';
import { modelPackageArns, modelPackageGroupArns } from './model-package-arns';
import { IModelRegistry } from './model-registry';
import { ModelRegistryGrants } from './model-registry-grants';
import { RegisterVersionFunction } from './register-version-function';
import { RegistrationWorkflow } from './registration-workflow';
import { RegistryCleanup } from './registry-cleanup';
import { isSageMakerName } from '../domain/release-names';
import { allow } from '../private/allow';
import { claimName } from '../private/claimed-names';
import { newHandler, ownHandler } from '../private/handler';
import { grantLogs } from '../private/handler-defaults';
import { HandlerArea, ModelResources } from '../private/model-resources';
import { Problems } from '../private/problems';

/** Properties of `ModelRegistryVersioning`. */
export interface ModelRegistryVersioningProps {
  /**
   * Name of the model, as events carry it.
   *
   * @default - made from the construct's path
   */
  readonly modelName?: string;

  /**
   * Name of a model package group that exists and shall hold the versions.
   *
   * @default - a new group, named like the model
   */
  readonly modelPackageGroupName?: string;

  /**
   * Key of the table, the artifacts, the images and the logs. It must let CloudWatch Logs use it.
   *
   * @default - a new key with yearly rotation
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Bucket of model artifacts.
   *
   * @default - a new bucket, versioned and encrypted; what is deleted from it can be brought back for 90 days
   */
  readonly artifacts?: s3.IBucket;

  /**
   * Bucket for the access logs of the artifacts. It must admit the S3 log delivery service.
   *
   * @default - a new bucket, unless `artifacts` is given
   */
  readonly accessLogs?: s3.IBucket;

  /**
   * Repository of model images.
   *
   * @default - a new repository, whose tags cannot be moved and whose images are scanned
   */
  readonly repository?: ecr.IRepository;

  /**
   * Bus that registrations and rejections are announced on.
   *
   * @default - the account's default bus
   */
  readonly eventBus?: events.IEventBus;

  /**
   * What becomes of versions, artifacts and images when the registry is removed from its stack. To destroy them deletes the
   * model packages with their group; S3 deletes only buckets that are empty.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** What a model registry that exists is known by. */
export interface ModelRegistryAttributes {
  /** Name of the model, as events carry it. */
  readonly modelName: string;

  /** Name of the model package group. */
  readonly modelPackageGroupName: string;

  /** ARN of the table of versions. */
  readonly ledgerArn: string;

  /** ARN of the bucket of model artifacts. */
  readonly artifactsArn: string;

  /** ARN of the repository of model images. */
  readonly repositoryArn: string;

  /** ARN of the state machine that registers candidates. */
  readonly registrationArn: string;

  /** ARN of the function that moves versions from stage to stage. */
  readonly lifecycleArn: string;

  /**
   * ARN of the key of the table and the artifacts.
   *
   * @default - neither is encrypted with a customer's key
   */
  readonly encryptionKeyArn?: string;
}

/**
 * Versions of one model, `V<tag>.<manual>.<auto>`: a version follows from the commit and the dataset that a model was
 * made from. Numbers are given atomically, once for each run, without gaps, and never twice; each is a model package
 * that tells what it was made from, what it was judged on and what became of it.
 *
 * @example
 * const registry = new ModelRegistryVersioning(this, 'Registry', { modelName: 'Temperature' });
 * declare const trainingRole: iam.IRole;
 * registry.grants.register(trainingRole);
 */
export class ModelRegistryVersioning extends Construct implements IModelRegistry {
  /** A model registry made elsewhere. */
  public static fromModelRegistryAttributes(scope: Construct, id: string, attributes: ModelRegistryAttributes): IModelRegistry {
    class Imported extends Construct implements IModelRegistry {
      public readonly modelName = attributes.modelName;
      public readonly modelPackageGroupName = attributes.modelPackageGroupName;
      public readonly encryptionKey = attributes.encryptionKeyArn === undefined ? undefined : kms.Key.fromKeyArn(this, 'Key', attributes.encryptionKeyArn);
      public readonly ledger = dynamodb.Table.fromTableAttributes(this, 'Ledger', { tableArn: attributes.ledgerArn, encryptionKey: this.encryptionKey });
      public readonly artifacts = s3.Bucket.fromBucketAttributes(this, 'Artifacts', { bucketArn: attributes.artifactsArn, encryptionKey: this.encryptionKey });
      public readonly repository = ecr.Repository.fromRepositoryAttributes(this, 'Images', {
        repositoryArn: attributes.repositoryArn,
        repositoryName: Stack.of(this).splitArn(attributes.repositoryArn, ArnFormat.SLASH_RESOURCE_NAME).resourceName ?? '',
      });
      public readonly registration = sfn.StateMachine.fromStateMachineArn(this, 'Registration', attributes.registrationArn);
      public readonly lifecycle = lambda.Function.fromFunctionAttributes(this, 'Lifecycle', { functionArn: attributes.lifecycleArn });
      public readonly grants = ModelRegistryGrants.fromResources(this, this);
    }
    return new Imported(scope, id);
  }

  public readonly modelName: string;
  public readonly modelPackageGroupName: string;
  public readonly ledger: dynamodb.ITable;
  public readonly artifacts: s3.IBucket;
  public readonly repository: ecr.IRepository;
  public readonly registration: sfn.IStateMachine;
  /**
   * Moves versions from stage to stage for the library's own state machines.
   *
   * @internal
   */
  public readonly _lifecycle: lambda.IFunction;
  private ownLifecycle?: lambda.IFunction;
  public readonly encryptionKey?: kms.IKey;
  public readonly grants: ModelRegistryGrants;

  constructor(scope: Construct, id: string, props: ModelRegistryVersioningProps = {}) {
    super(scope, id);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.modelName = props.modelName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-' });
    this.modelPackageGroupName = props.modelPackageGroupName ?? this.modelName;
    validate(this, props, claimName(this, 'modelName', { name: this.modelName }));

    this.encryptionKey = props.encryptionKey ?? this.newKey(removalPolicy);
    this.artifacts = props.artifacts ?? newArtifactsBucket(this, { encryptionKey: this.encryptionKey, accessLogs: props.accessLogs, removalPolicy });
    this.repository = props.repository ?? new ecr.Repository(this, 'Images', {
      encryption: ecr.RepositoryEncryption.KMS,
      encryptionKey: this.encryptionKey,
      imageTagMutability: ecr.TagMutability.IMMUTABLE,
      imageScanOnPush: true,
      emptyOnDelete: removalPolicy === RemovalPolicy.DESTROY ? true : undefined,
      removalPolicy,
    });
    const ledger = new dynamodb.Table(this, 'Ledger', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.encryptionKey,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
    this.ledger = ledger;

    if (props.modelPackageGroupName === undefined) {
      const group = new sagemaker.CfnModelPackageGroup(this, 'Group', {
        modelPackageGroupName: this.modelPackageGroupName,
        modelPackageGroupDescription: `Versions of the model ${this.modelName}`,
      });
      group.applyRemovalPolicy(removalPolicy);
      new RegistryCleanup(this, 'Cleanup', { group, encryptionKey: this.encryptionKey, removalPolicy });
    }
    this._lifecycle = this.newLifecycle('Lifecycle', newHandler);
    this.registration = new RegistrationWorkflow(this, 'Registration', {
      modelName: this.modelName,
      registrar: this.newRegistrar(),
      eventBus: props.eventBus ?? events.EventBus.fromEventBusName(this, 'DefaultBus', 'default'),
      encryptionKey: this.encryptionKey,
    }).stateMachine;
    this.grants = ModelRegistryGrants.fromResources(this, this);
  }

  public get lifecycle(): lambda.IFunction {
    // models share a function that no one else may be let to call, since the caller says for which model it works
    if (ModelResources.of(this) === undefined) return this._lifecycle;
    this.ownLifecycle ??= this.newLifecycle('OwnLifecycle', ownHandler);
    return this.ownLifecycle;
  }

  private newKey(removalPolicy: RemovalPolicy): kms.Key {
    const key = new kms.Key(this, 'Key', { description: `Model registry ${this.modelName}`, enableKeyRotation: true, removalPolicy });
    grantLogs(key);
    return key;
  }

  private newRegistrar(): lambda.IFunction {
    const scope = new Construct(this, 'Registrar');
    const registrar = newHandler(scope, RegisterVersionFunction, {
      area: HandlerArea.EVIDENCE,
      description: 'Gives versions of a model their numbers and registers them',
      encryptionKey: this.encryptionKey,
      environment: { LEDGER_TABLE: this.ledger.tableName, MODEL_NAME: this.modelName, MODEL_PACKAGE_GROUP: this.modelPackageGroupName },
      timeout: Duration.minutes(3),
    });
    const stack = Stack.of(this);
    this.allowLedger(registrar, ['dynamodb:ConditionCheckItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']);
    allow(registrar, {
      actions: ['sagemaker:CreateModelPackage', 'sagemaker:ListModelPackages'], resources: modelPackageGroupArns(stack, this.modelPackageGroupName),
    });
    allow(registrar, {
      actions: ['sagemaker:CreateModelPackage', 'sagemaker:DescribeModelPackage', 'sagemaker:ListModelPackages'],
      resources: modelPackageArns(stack, this.modelPackageGroupName),
      because: 'SageMaker numbers the packages of the group.',
    });
    // SageMaker checks with the caller's permissions that a package's image and model are there
    allow(registrar, {
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:DescribeImages', 'ecr:GetDownloadUrlForLayer'],
      resources: [this.repository.repositoryArn],
    });
    allow(registrar, { actions: ['s3:ListBucket'], resources: [this.artifacts.bucketArn] });
    allow(registrar, {
      actions: ['s3:GetObject'], resources: [this.artifacts.arnForObjects('*')], because: 'Each training run writes artifacts of its own.',
    });
    return registrar;
  }

  private newLifecycle(id: string, make: typeof newHandler): lambda.IFunction {
    const scope = new Construct(this, id);
    const lifecycle = make(scope, ChangeStageFunction, {
      area: HandlerArea.EVIDENCE,
      description: 'Moves versions of a model from stage to stage',
      encryptionKey: this.encryptionKey,
      environment: { LEDGER_TABLE: this.ledger.tableName },
    });
    this.allowLedger(lifecycle, ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']);
    allow(lifecycle, {
      actions: ['sagemaker:UpdateModelPackage'],
      resources: modelPackageArns(Stack.of(this), this.modelPackageGroupName),
      because: 'SageMaker numbers the packages of the group.',
    });
    return lifecycle;
  }

  private allowLedger(grantee: iam.IGrantable, actions: string[]): void {
    allow(grantee, { actions, resources: [this.ledger.tableArn] });
    if (this.encryptionKey === undefined) return;
    allow(grantee, { actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'], resources: [this.encryptionKey.keyArn] });
  }
}

function validate(scope: ModelRegistryVersioning, props: ModelRegistryVersioningProps, taken?: string): void {
  const problems = new Problems(scope).note(taken);
  for (const [member, name] of Object.entries({ modelName: props.modelName, modelPackageGroupName: props.modelPackageGroupName })) {
    if (name === undefined || Token.isUnresolved(name)) continue;
    problems.check(isSageMakerName(name), `${member} must be 1 to 63 letters, digits and single hyphens between them, got '${name}' (${name.length} characters)`);
  }
  problems.check(props.accessLogs === undefined || props.artifacts === undefined, 'accessLogs is for a new artifacts bucket: give either artifacts or accessLogs');
  problems.throwIfAny();
}
