/// # Shadow staging alone
///
/// `ShadowStaging` tries a model version on the real requests of an endpoint before it serves any, in an app that has
/// nothing else of this library. The endpoint, the role of its models, the key, the bucket of its observations and the
/// registry belong to others and are imported by name or ARN.
///
/// The comparison is a query over three tables of the imported database, JSON lines each, whose hours are found by
/// partition projection. `new ObservationStore(…)` makes them; by hand they are:
///
/// - `captures`: `capturedata` (structs `endpointinput` and `endpointoutput`, each with `observedcontenttype`, `mode`,
///   `data`, `encoding`) and `eventmetadata` (`eventid`, `inferenceid`, `inferencetime`), at
///   `captures/<config_name>/<endpoint>/<variant>/<datehour>/`, the first three injected, `datehour` as `yyyy/MM/dd/HH`
/// - `ground_truth`: `groundtruthdata` (`data`, `encoding`) and `eventmetadata` (`eventid`, and `eventtime`: milliseconds
///   since 1970, or nothing), at `ground-truth/<datehour>/`
/// - `deployments`: `config_name`, `variant`, `version`, `mse`, `rmse`, `mae`, `r2`, `released_at`, at `deployments/`
///
/// Callers of the endpoint send an inference id with each request, and the ground truth comes under the same id.

import { App, Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ModelEndpoint, ModelRegistryVersioning, ObservationStore, ShadowLoss, ShadowStaging } from 'cdk-mlops';

const app = new App();
const stack = new Stack(app, 'Staging');

/// !show
// An endpoint that serves already, and the role of the models behind it. The role must be able to read their artifacts
// and images, and to write captures to the bucket.
const key = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/0d5a3c7e-2f0b-4d7b-9d0e-1c4f6f0a9b1e');
const endpoint = ModelEndpoint.fromModelEndpointAttributes(stack, 'Endpoint', {
  endpointName: 'house-prices',
  executionRole: iam.Role.fromRoleName(stack, 'ModelRole', 'house-prices-model'),
  instanceType: 'ml.c5.large',
  instanceCount: 4,
  // Its data capture goes below captures/<endpoint config>; your ground truth goes below ground-truth/yyyy/mm/dd/hh, as
  // Model Monitor wants it. The tables `captures`, `ground_truth` and `deployments` over them are those of `ObservationStore`.
  observations: ObservationStore.fromObservationStoreAttributes(stack, 'Observations', {
    bucket: s3.Bucket.fromBucketAttributes(stack, 'Bucket', { bucketName: 'house-prices-observations', encryptionKey: key }),
    databaseName: 'house_prices',
    workGroupName: 'house-prices',
  }),
});

// The model package group that versions come from. Without a registry, packages of any group may be staged.
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

// Half of the requests are seen by the challenger too, for three weeks at most; labels arrive within two days.
const staging = new ShadowStaging(stack, 'Staging', {
  endpoint,
  registry,
  samplingPercentage: 50,
  window: Duration.days(21),
  labelDelay: Duration.days(2),
  tolerance: 0.01,
  loss: ShadowLoss.ABSOLUTE,
});

// Whoever delivers versions starts it with {"modelPackageArn": …}. Its output is the verdict: {"decision": "promote" |
// "reject" | "inconclusive", "reason": …, "version": …, "champion": …, "lower": …, "upper": …, "sequence": […], …}. The
// endpoint is back on the config that it was found on; what to do about the verdict is yours.
staging.stateMachine.grantStartExecution(iam.Role.fromRoleName(stack, 'Delivery', 'delivery'));
/// !hide

app.synth();
