import { App, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { Dataset, IDataset } from '../../src/data/dataset';
import { IModelRegistry } from '../../src/registry/model-registry';
import { ModelRegistryVersioning } from '../../src/registry/model-registry-versioning';

/** A registry that is made elsewhere. */
export function importedRegistry(scope: Construct): IModelRegistry {
  return ModelRegistryVersioning.fromModelRegistryAttributes(scope, 'Registry', {
    modelName: 'Temperature',
    modelPackageGroupName: 'temperature',
    ledgerArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/ledger',
    artifactsArn: 'arn:aws:s3:::artifacts',
    repositoryArn: 'arn:aws:ecr:eu-west-1:123456789012:repository/temperature',
    registrationArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:registration',
    lifecycleArn: 'arn:aws:lambda:eu-west-1:123456789012:function:lifecycle',
    encryptionKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555',
  });
}

export function importedDataset(scope: Construct): IDataset {
  const key = kms.Key.fromKeyArn(scope, 'DataKey', 'arn:aws:kms:eu-west-1:123456789012:key/99999999-2222-3333-4444-555555555555');
  const bucket = s3.Bucket.fromBucketAttributes(scope, 'Curated', { bucketName: 'curated', encryptionKey: key });
  return Dataset.fromDatasetAttributes({ datasetName: 'Weather', bucket, target: 'temp_in_24h' });
}

export function newStack(): Stack {
  return new Stack(new App(), 'Test', { env: { account: '123456789012', region: 'eu-west-1' } });
}
