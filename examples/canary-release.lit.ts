/// # Canary release alone
///
/// `CanaryRelease` brings a model version to an endpoint step by step and takes it back by itself, in an app that has
/// nothing else of this library. The endpoint, the role of its models, the key, the bucket of its observations, the
/// registry and the alarms belong to others and are imported by name or ARN.

import { App, Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { CanaryRelease, ModelEndpoint, ModelRegistryVersioning, ObservationStore, TrafficShift } from 'cdk-mlops';

const app = new App();
const stack = new Stack(app, 'Release');

/// !show
// An endpoint that serves already, or that the first release shall create, and the role of the models behind it. The role
// must be able to read their artifacts and images, and to write captures to the bucket.
const key = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/0d5a3c7e-2f0b-4d7b-9d0e-1c4f6f0a9b1e');
const endpoint = ModelEndpoint.fromModelEndpointAttributes(stack, 'Endpoint', {
  endpointName: 'house-prices',
  executionRole: iam.Role.fromRoleName(stack, 'ModelRole', 'house-prices-model'),
  instanceType: 'ml.c5.large',
  instanceCount: 4,
  // what the endpoint answers is captured below captures/<endpoint config>, what it serves is written to deployments/
  observations: ObservationStore.fromObservationStoreAttributes(stack, 'Observations', {
    bucket: s3.Bucket.fromBucketAttributes(stack, 'Bucket', { bucketName: 'house-prices-observations', encryptionKey: key }),
    databaseName: 'house_prices',
    workGroupName: 'house-prices',
  }),
});

// The model package group that versions come from. Without a registry, packages of any group may be released.
const registry = ModelRegistryVersioning.fromModelRegistryAttributes(stack, 'Registry', {
  modelName: 'HousePrices',
  modelPackageGroupName: 'house-prices',
  ledgerArn: 'arn:aws:dynamodb:eu-central-1:111122223333:table/house-prices-versions',
  artifactsArn: 'arn:aws:s3:::house-prices-artifacts',
  repositoryArn: 'arn:aws:ecr:eu-central-1:111122223333:repository/house-prices',
  registrationArn: 'arn:aws:states:eu-central-1:111122223333:stateMachine:house-prices-registration',
  lifecycleArn: 'arn:aws:lambda:eu-central-1:111122223333:function:house-prices-lifecycle',
  encryptionKeyArn: key.keyArn,
});

const queue = cloudwatch.Alarm.fromAlarmArn(stack, 'Queue', 'arn:aws:cloudwatch:eu-central-1:111122223333:alarm:orders-waiting');
const quality = cloudwatch.Alarm.fromAlarmArn(stack, 'Quality', 'arn:aws:cloudwatch:eu-central-1:111122223333:alarm:house-prices-rmse');

const release = new CanaryRelease(stack, 'Release', {
  endpoint,
  registry,
  // a quarter of the fleet every ten minutes; errors and latency of the new fleet, or orders that pile up, take it back
  shift: TrafficShift.linear(25, Duration.minutes(10), { terminationWait: Duration.minutes(10) }),
  alarms: [queue],
  // then its accuracy is watched for three days, as labels arrive
  watch: { window: Duration.days(3), alarms: [quality], every: Duration.hours(1) },
});

// Whoever delivers versions starts it with {"modelPackageArn": …}. Its output is the outcome: {"outcome": "production" |
// "rolled-back", "reason": …, "version": …, "endpointConfigName": …, "previousConfigName": …, "previousVersion": …}.
release.stateMachine.grantStartExecution(iam.Role.fromRoleName(stack, 'Delivery', 'delivery'));
/// !hide

app.synth();
