import { App, Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ModelEndpoint, ModelRegistryVersioning, ObservationStore, ShadowLoss, ShadowStaging } from 'cdk-mlops';

const app = new App();
const stack = new Stack(app, 'Staging');

/// !show
// an endpoint that exists, and the role of the models behind it
const key = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/0d5a3c7e-2f0b-4d7b-9d0e-1c4f6f0a9b1e');
const endpoint = ModelEndpoint.fromModelEndpointAttributes(stack, 'Endpoint', {
  endpointName: 'house-prices',
  executionRole: iam.Role.fromRoleName(stack, 'ModelRole', 'house-prices-model'),
  instanceType: 'ml.c5.large',
  // where its data capture and your ground truth are, with tables as `ObservationStore` makes them
  observations: ObservationStore.fromObservationStoreAttributes(stack, 'Observations', {
    bucket: s3.Bucket.fromBucketAttributes(stack, 'Bucket', { bucketName: 'house-prices-observations', encryptionKey: key }),
    databaseName: 'house_prices',
    workGroupName: 'house-prices',
  }),
});

// the model package group that versions come from; without a registry, packages of any group may be staged
const registry = ModelRegistryVersioning.fromModelRegistryAttributes(stack, 'Registry', {
  modelName: 'HousePrices',
  modelPackageGroupName: 'house-prices',
  ledgerArn: 'arn:aws:dynamodb:eu-central-1:111122223333:table/house-prices-versions',
  artifactsArn: 'arn:aws:s3:::house-prices-artifacts',
  repositoryArn: 'arn:aws:ecr:eu-central-1:111122223333:repository/house-prices',
  registrationArn: 'arn:aws:states:eu-central-1:111122223333:stateMachine:house-prices-registration',
  lifecycleArn: 'arn:aws:lambda:eu-central-1:111122223333:function:house-prices-lifecycle',
});

const staging = new ShadowStaging(stack, 'Staging', {
  endpoint,
  registry,
  samplingPercentage: 50,
  window: Duration.days(21),
  labelDelay: Duration.days(2),
  tolerance: 0.01,
  loss: ShadowLoss.ABSOLUTE,
});

// start it with {"modelPackageArn": …}; its output is the verdict
staging.stateMachine.grantStartExecution(iam.Role.fromRoleName(stack, 'Delivery', 'delivery'));
/// !hide

app.synth();
