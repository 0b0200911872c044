import { App, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { Dataset, IDataset } from '../../src/data/dataset';
import { IModelRegistry } from '../../src/registry/model-registry';

/** What training needs of a registry, all made elsewhere. */
export class ImportedRegistry extends Construct implements IModelRegistry {
  public readonly modelName = 'Temperature';
  public readonly modelPackageGroupName = 'temperature';
  public readonly encryptionKey = kms.Key.fromKeyArn(this, 'Key', 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555');
  public readonly artifacts = s3.Bucket.fromBucketAttributes(this, 'Artifacts', { bucketName: 'artifacts', encryptionKey: this.encryptionKey });
  public readonly ledger = dynamodb.Table.fromTableAttributes(this, 'Ledger', { tableName: 'ledger', encryptionKey: this.encryptionKey });
  public readonly repository = ecr.Repository.fromRepositoryName(this, 'Images', 'temperature');
  public readonly registration = sfn.StateMachine.fromStateMachineName(this, 'Registration', 'registration');
  public readonly lifecycle = lambda.Function.fromFunctionName(this, 'Lifecycle', 'lifecycle');
}

export function importedDataset(scope: Construct): IDataset {
  const key = kms.Key.fromKeyArn(scope, 'DataKey', 'arn:aws:kms:eu-west-1:123456789012:key/99999999-2222-3333-4444-555555555555');
  const bucket = s3.Bucket.fromBucketAttributes(scope, 'Curated', { bucketName: 'curated', encryptionKey: key });
  return Dataset.fromDatasetAttributes({ datasetName: 'Weather', bucket, target: 'temp_in_24h' });
}

export function newStack(): Stack {
  return new Stack(new App(), 'Test', { env: { account: '123456789012', region: 'eu-west-1' } });
}
