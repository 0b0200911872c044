/// # Versions alone
///
/// `ModelRegistryVersioning` gives the versions of one model their numbers, `V<tag>.<manual>.<auto>`, in an app that has
/// nothing else of this library. What you have already (the group of your model packages, the bucket of their
/// artifacts, the repository of their images, the key that encrypts all of it) is imported by name or ARN; what you do
/// not name is made.

import { App, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ModelRegistryVersioning } from 'cdk-mlops';

const app = new App();
const stack = new Stack(app, 'Models');

/// !show
// the key must let CloudWatch Logs use it
const key = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/0d5a3c7e-2f0b-4d7b-9d0e-1c4f6f0a9b1e');
const registry = new ModelRegistryVersioning(stack, 'Registry', {
  modelName: 'HousePrices',
  modelPackageGroupName: 'house-prices',
  artifacts: s3.Bucket.fromBucketAttributes(stack, 'Artifacts', { bucketName: 'house-prices-artifacts', encryptionKey: key }),
  repository: ecr.Repository.fromRepositoryName(stack, 'Images', 'house-prices'),
  encryptionKey: key,
});

// Whatever trains your models writes their artifacts below training/ and starts the state machine with
// {"decision": "register", "run": …, "tag": …, "commit": …, "dataset": …, "imageUri": …, "modelDataUrl": …,
// "evaluation": {"mse": …, "rmse": …, "mae": …, "r2": …, "itemCount": …}}. Its output is
// {"version": "V1.0.0", "modelPackageArn": …, "created": true, "cause": "manual"}, again and again for the same run.
const training = iam.Role.fromRoleName(stack, 'Training', 'training');
registry.grants.register(training);
registry.grants.writeArtifacts(training, 'training');

// somebody may look at every version and at what became of it
registry.grants.read(iam.Role.fromRoleName(stack, 'Audit', 'audit'));
/// !hide

app.synth();
