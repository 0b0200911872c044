import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { modelPackageArns, modelPackageGroupArns } from './model-package-arns';
import { allow } from '../private/allow';

/** What the grants of a model registry are about. */
export interface ModelRegistryResources {
  /** Name of the model package group. */
  readonly modelPackageGroupName: string;

  /** Table of versions. */
  readonly ledger: dynamodb.ITable;

  /** Bucket of model artifacts. */
  readonly artifacts: s3.IBucket;

  /** Repository of model images. */
  readonly repository: ecr.IRepository;

  /** State machine that registers and rejects candidates. */
  readonly registration: sfn.IStateMachine;

  /** Function that moves a version from stage to stage. */
  readonly lifecycle: lambda.IFunction;

  /**
   * Key of the table.
   *
   * @default - the table is not encrypted with a customer's key
   */
  readonly encryptionKey?: kms.IKey;
}

/** Who may read a model registry, register in it, and move versions through their life. */
export class ModelRegistryGrants {
  /** The grants of a registry's resources. `scope` says in which account and region they are. */
  public static fromResources(scope: Construct, resources: ModelRegistryResources): ModelRegistryGrants {
    return new ModelRegistryGrants(scope, resources);
  }

  private constructor(private readonly scope: Construct, private readonly resources: ModelRegistryResources) {}

  /**
   * Lets somebody see versions: the ledger, the model packages, the artifacts and the images. Changes nothing.
   *
   * @param grantee who gets the permission
   */
  public read(grantee: iam.IGrantable): iam.Grant {
    const { ledger, artifacts, repository } = this.resources;
    const stack = Stack.of(this.scope);
    const groups = modelPackageGroupArns(stack, this.resources.modelPackageGroupName);
    const packages = modelPackageArns(stack, this.resources.modelPackageGroupName);
    const grants = [
      allow(grantee, {
        actions: ['dynamodb:BatchGetItem', 'dynamodb:ConditionCheckItem', 'dynamodb:DescribeTable', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan'],
        resources: [ledger.tableArn],
      }),
      this.decrypt(grantee, 'dynamodb'),
      allow(grantee, { actions: ['sagemaker:DescribeModelPackageGroup', 'sagemaker:ListModelPackages'], resources: groups }),
      allow(grantee, { actions: ['sagemaker:DescribeModelPackage'], resources: packages, because: 'SageMaker numbers the packages of the group.' }),
      allow(grantee, { actions: ['s3:ListBucket'], resources: [artifacts.bucketArn] }),
      allow(grantee, {
        actions: ['s3:GetObject', 's3:GetObjectVersion'],
        resources: [artifacts.arnForObjects('*')],
        because: 'Each training run writes artifacts of its own.',
      }),
      allow(grantee, {
        actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:DescribeImages', 'ecr:GetDownloadUrlForLayer'],
        resources: [repository.repositoryArn],
      }),
    ];
    if (artifacts.encryptionKey !== undefined) {
      grants.push(allow(grantee, { actions: ['kms:Decrypt'], resources: [artifacts.encryptionKey.keyArn], conditions: this.via('s3') }));
    }
    return grants.reduce((all, grant) => all.combine(grant));
  }

  /**
   * Lets somebody see the ledger alone: which versions there are and what became of them.
   *
   * @param grantee who gets the permission
   */
  public readLedger(grantee: iam.IGrantable): iam.Grant {
    return allow(grantee, { actions: ['dynamodb:GetItem', 'dynamodb:Query'], resources: [this.resources.ledger.tableArn] })
      .combine(this.decrypt(grantee, 'dynamodb'));
  }

  /**
   * Lets a workflow register and reject candidates, and follow the execution that does it.
   *
   * @param grantee who gets the permission
   */
  public register(grantee: iam.IGrantable): iam.Grant {
    const { registration } = this.resources;
    const stack = Stack.of(this.scope);
    const name = stack.splitArn(registration.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName;
    const execution = stack.formatArn({ service: 'states', resource: 'execution', resourceName: `${name}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    return allow(grantee, { actions: ['states:StartExecution'], resources: [registration.stateMachineArn] })
      .combine(allow(grantee, { actions: ['states:DescribeExecution'], resources: [execution], because: 'Each registration is an execution of its own.' }));
  }

  /**
   * Lets a workflow move versions from stage to stage.
   *
   * @param grantee who gets the permission
   */
  public changeStage(grantee: iam.IGrantable): iam.Grant {
    return allow(grantee, { actions: ['lambda:InvokeFunction'], resources: [this.resources.lifecycle.functionArn] });
  }

  /**
   * Lets a workflow write artifacts.
   *
   * @param grantee who gets the permission
   * @param prefix only what is below it; without one, the whole bucket
   */
  public writeArtifacts(grantee: iam.IGrantable, prefix?: string): iam.Grant {
    const { artifacts } = this.resources;
    const objects = artifacts.arnForObjects(prefix === undefined ? '*' : `${prefix}/*`);
    const grant = allow(grantee, {
      actions: ['s3:AbortMultipartUpload', 's3:PutObject'], resources: [objects], because: 'Each training run writes artifacts of its own.',
    });
    const key = artifacts.encryptionKey;
    return key === undefined ? grant : grant.combine(allow(grantee, {
      // a multipart upload reads what it has written
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [key.keyArn], conditions: this.via('s3'),
    }));
  }

  /**
   * Lets a build push images. A tag that is there cannot be moved.
   *
   * @param grantee who gets the permission
   */
  public pushImages(grantee: iam.IGrantable): iam.Grant {
    return allow(grantee, {
      actions: [
        'ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:CompleteLayerUpload', 'ecr:DescribeImages', 'ecr:GetDownloadUrlForLayer',
        'ecr:InitiateLayerUpload', 'ecr:PutImage', 'ecr:UploadLayerPart',
      ],
      resources: [this.resources.repository.repositoryArn],
    }).combine(allow(grantee, { actions: ['ecr:GetAuthorizationToken'], resources: ['*'], because: 'A registry token has no resource in IAM.' }));
  }

  private decrypt(grantee: iam.IGrantable, service: string): iam.Grant {
    const key = this.resources.encryptionKey;
    return key === undefined
      ? iam.Grant.drop(grantee, 'the ledger has no key of the customer')
      : allow(grantee, { actions: ['kms:Decrypt'], resources: [key.keyArn], conditions: this.via(service) });
  }

  private via(service: string): Record<string, Record<string, unknown>> {
    return { StringEquals: { 'kms:ViaService': `${service}.${Stack.of(this.scope).region}.amazonaws.com` } };
  }
}
