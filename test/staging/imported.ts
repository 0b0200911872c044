import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { IModelRegistry } from '../../src/registry/model-registry';
import { ModelRegistryVersioning } from '../../src/registry/model-registry-versioning';
import { IModelEndpoint, ModelEndpoint, ModelEndpointAttributes } from '../../src/serving/model-endpoint';
import { ObservationStore } from '../../src/serving/observation-store';

/** An endpoint that somebody else's stack owns. */
export function importedEndpoint(
  stack: Stack, options: Omit<Partial<ModelEndpointAttributes>, 'executionRole' | 'observations'> = {},
): IModelEndpoint {
  const encryptionKey = kms.Key.fromKeyArn(stack, 'ObservationsKey', 'arn:aws:kms:eu-central-1:111122223333:key/0d5a');
  return ModelEndpoint.fromModelEndpointAttributes(stack, 'Endpoint', {
    endpointName: 'temperature',
    executionRole: iam.Role.fromRoleArn(stack, 'ExecutionRole', 'arn:aws:iam::111122223333:role/model'),
    observations: ObservationStore.fromObservationStoreAttributes(stack, 'Observations', {
      bucket: s3.Bucket.fromBucketAttributes(stack, 'Bucket', { bucketName: 'observations', encryptionKey }), databaseName: 'observed', workGroupName: 'observed',
    }),
    ...options,
  });
}

/** A registry that somebody else's stack owns. */
export function importedRegistry(stack: Stack): IModelRegistry {
  return ModelRegistryVersioning.fromModelRegistryAttributes(stack, 'Registry', {
    modelName: 'Temperature',
    modelPackageGroupName: 'Temperature',
    ledgerArn: 'arn:aws:dynamodb:eu-central-1:111122223333:table/ledger',
    artifactsArn: 'arn:aws:s3:::artifacts',
    repositoryArn: 'arn:aws:ecr:eu-central-1:111122223333:repository/temperature',
    registrationArn: 'arn:aws:states:eu-central-1:111122223333:stateMachine:registration',
    lifecycleArn: 'arn:aws:lambda:eu-central-1:111122223333:function:lifecycle',
    encryptionKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1e5b',
  });
}
