import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { IModelEndpoint, ModelEndpoint } from '../../src/serving/model-endpoint';
import { ObservationStore } from '../../src/serving/observation-store';

/** An endpoint that somebody else's stack owns. */
export function importedEndpoint(stack: Stack, options: { endpointName?: string; instanceCount?: number } = {}): IModelEndpoint {
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
