import { DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeModelPackageCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { ExampleCloud, outputOf } from './example-cloud';
import { ARTIFACTS, IMAGE, ownedRegistry, ownedRole } from './house-prices';
import { JsonObject } from '../../examples/local/cloud/types';
import { Clouds, only } from '../local/cloud-support';

const clouds = new Clouds();
let example: ExampleCloud;
beforeAll(async () => {
  example = await ExampleCloud.start(clouds, 'registry-versioning', (stack) => {
    ownedRegistry(stack);
    ownedRole(stack, 'training', 'sagemaker.amazonaws.com');
    ownedRole(stack, 'audit', 'ec2.amazonaws.com');
  });
});
afterEach(() => expect(example.cloud.faults).toEqual([]));
afterAll(() => clouds.stop());

const as = <T>(type: new (configuration: never) => T, role: string): T => example.cloud.client(type as never, example.roleArn(role));

/** Registers as whoever trains does: the artifact first, then the state machine. */
async function register(run: string, rest: JsonObject): Promise<JsonObject> {
  const Key = `training/${run}/model.tar.gz`;
  await as(S3Client, 'training').send(new PutObjectCommand({ Bucket: ARTIFACTS, Key, Body: 'a model' }));
  const execution = await example.start('training', {
    decision: 'register',
    run,
    tag: '1',
    imageUri: IMAGE,
    modelDataUrl: `s3://${ARTIFACTS}/${Key}`,
    evaluation: { mse: 4, rmse: 2, mae: 1.5, r2: 0.8, itemCount: 100 },
    ...rest,
  });
  await example.cloud.clock.advanceUntil(() => execution.status !== 'RUNNING', example.in(1));
  return outputOf(execution);
}

test('versions of models that others train get their numbers in a group that exists', async () => {
  const [a, b] = [{ commit: 'a', dataset: 'd1' }, { commit: 'b', dataset: 'd2' }];
  expect(await register('run-1', a)).toEqual({
    version: 'V1.0.0', modelPackageArn: expect.stringMatching(/:model-package\/house-prices\/1$/), created: true, cause: 'manual',
  });
  expect(await register('run-2', { ...a, dataset: 'd2' })).toMatchObject({ version: 'V1.0.1', cause: 'auto' });
  expect(await register('run-3', b)).toMatchObject({ version: 'V1.1.0', cause: 'manual' });
  expect(await register('run-4', b)).toMatchObject({ version: 'V1.1.0', created: false });
  expect(await register('run-1', a)).toMatchObject({ version: 'V1.0.0', created: true });
  expect((await example.told()).map(({ type, detail }) => `${type} ${String(detail.model)} ${String(detail.version)}`).sort())
    .toEqual(['V1.0.0', 'V1.0.1', 'V1.1.0'].map((version) => `ModelRegistered HousePrices ${version}`));
});

test('an auditor sees every version and its package, and changes nothing', async () => {
  const TableName = only(example.cloud, 'AWS::DynamoDB::Table').ref;
  const { Items = [] } = await as(DynamoDBClient, 'audit').send(new QueryCommand({
    TableName, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: 'VERSION' } },
  }));
  expect(Items.map(({ version }) => version.S)).toEqual(['V1.0.0', 'V1.0.1', 'V1.1.0']);
  const ModelPackageName = Items[2].modelPackageArn.S;
  const { CustomerMetadataProperties, InferenceSpecification } = await as(SageMakerClient, 'audit').send(new DescribeModelPackageCommand({ ModelPackageName }));
  expect(CustomerMetadataProperties).toMatchObject({ version: 'V1.1.0', commit: 'b', dataset: 'd2', run: 'run-3', rmse: '2' });
  expect(InferenceSpecification?.Containers).toMatchObject([{ Image: IMAGE, ModelDataUrl: `s3://${ARTIFACTS}/training/run-3/model.tar.gz` }]);
  await expect(as(DynamoDBClient, 'audit').send(new PutItemCommand({ TableName, Item: { pk: { S: 'VERSION' }, sk: { S: 'V9.9.9' } } })))
    .rejects.toThrow(/not authorized to perform: dynamodb:PutItem/);
  await expect(example.start('audit', { decision: 'register' })).rejects.toThrow(/not authorized to perform: states:StartExecution/);
  await expect(as(S3Client, 'training').send(new PutObjectCommand({ Bucket: ARTIFACTS, Key: 'evaluation/x', Body: 'x' }))).rejects.toThrow(/not authorized/);
});
