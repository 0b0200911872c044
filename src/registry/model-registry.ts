import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { IConstruct } from 'constructs';
import { ModelRegistryGrants } from './model-registry-grants';

/** A registry of one model's versions. */
export interface IModelRegistry extends IConstruct {
  /** Name of the model, as events carry it. */
  readonly modelName: string;

  /** Name of the SageMaker model package group that holds the versions. */
  readonly modelPackageGroupName: string;

  /** Table of versions: which were given, what each was made from, and what became of it. */
  readonly ledger: dynamodb.ITable;

  /** Bucket of model artifacts. */
  readonly artifacts: s3.IBucket;

  /** Repository of model images. */
  readonly repository: ecr.IRepository;

  /**
   * State machine that gives a candidate its version and registers it, or records why it was rejected.
   *
   * Input: `{"decision":"register"|"reject","run","tag","commit","dataset","imageUri","modelDataUrl","evaluation":
   * {"mse","rmse","mae","r2","itemCount"},"championEvaluation"?,"evaluationUri"?,"sampleUri"?,"trainingJobName"?,
   * "spec"?,"stage"?,"reason"?}`. Output: `{"version","modelPackageArn","created","cause"}` or
   * `{"rejected":true,"reason"}`. Starting it again with the same `run` gives the same answer.
   */
  readonly registration: sfn.IStateMachine;

  /**
   * Function that moves a version to a stage of its life: `Staging`, `Canary`, `Production`, `Archived`, `Rejected`,
   * `Superseded` or `RolledBack`.
   *
   * Input: `{"version","stage","reason","detail"?,"time"}`.
   */
  readonly lifecycle: lambda.IFunction;

  /**
   * Key of the table and the artifacts.
   *
   * @default - none of the customer's
   */
  readonly encryptionKey?: kms.IKey;

  /** Permissions on the registry. */
  readonly grants: ModelRegistryGrants;
}
