import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { clearLedger, newLedger, scan, soundVersions } from './ledger-world';
import { JsonObject } from '../../src/domain/attribute-values';
import { Ledger } from '../../src/registry/package-registration';
import { Ministack, startMinistack } from '../support/ministack';
import { ModelPackages } from '../support/model-packages';

type Handler = (event: object) => Promise<JsonObject>;

let ministack: Ministack;
let ledger: Ledger & { client: DynamoDBClient };
let packages: ModelPackages;
let registrar: Handler;
let lifecycle: Handler;
const TIME = '2026-03-01T12:00:00.000Z';

beforeAll(async () => {
  ministack = await startMinistack();
  ledger = await newLedger(new DynamoDBClient({ ...ministack.client, maxAttempts: 1 }));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: ministack.endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    LEDGER_TABLE: ledger.table,
    MODEL_NAME: 'Temperature',
    MODEL_PACKAGE_GROUP: 'Temperature',
  });
  // required late: the handlers make their clients when they are loaded
  registrar = jest.requireActual<{ handler: Handler }>('../../src/registry/register-version.lambda').handler;
  lifecycle = jest.requireActual<{ handler: Handler }>('../../src/registry/change-stage.lambda').handler;
});
afterAll(async () => {
  ledger.client.destroy();
  await ministack.stop();
});
beforeEach(async () => {
  await clearLedger(ledger);
  packages = new ModelPackages();
  jest.spyOn(SageMakerClient.prototype, 'send').mockImplementation((command: object) => (packages.client.send as (command: object) => Promise<object>)(command));
});
afterEach(() => jest.restoreAllMocks());

const candidate = {
  decision: 'register',
  run: 'arn:run-1',
  tag: '1',
  commit: 'abc',
  dataset: 'd1',
  imageUri: 'images:abc',
  modelDataUrl: 's3://a/model.tar.gz',
  evaluation: { mse: 4, rmse: 2, mae: 1, r2: null, itemCount: 100 },
  championEvaluation: null,
  evaluationUri: 's3://a/evaluation.json',
  sampleUri: 's3://a/sample.jsonl',
  trainingJobName: 'job-1',
  spec: { target: 'y', features: ['x'] },
};
const step = (name: string, rest: object = {}) => registrar({ step: name, time: TIME, ...rest });

test('a candidate becomes a version, a package and an event', async () => {
  expect(await step('allocate', { candidate })).toEqual({ version: 'V1.0.0', cause: 'manual', created: true });
  const registered = await step('register', { version: 'V1.0.0', run: 'arn:run-1' });
  const arn = 'arn:aws:sagemaker:eu-central-1:111122223333:model-package/Temperature/1';
  expect(registered).toEqual({
    version: 'V1.0.0',
    modelPackageArn: arn,
    cause: 'manual',
    created: true,
    announce: true,
    event: {
      model: 'Temperature',
      version: 'V1.0.0',
      modelPackageArn: arn,
      cause: 'manual',
      commit: 'abc',
      dataset: 'd1',
      evaluation: { mse: 4, rmse: 2, mae: 1, itemCount: 100 },
      time: TIME,
    },
  });
  await step('announced', { version: 'V1.0.0' });
  expect(await step('register', { version: 'V1.0.0', run: 'arn:run-1' })).toMatchObject({ announce: false, created: true });
  expect(packages.packages).toHaveLength(1);
  expect(packages.packages[0]).toMatchObject({
    ModelPackageGroupName: 'Temperature',
    ModelApprovalStatus: 'Approved',
    InferenceSpecification: { Containers: [{ Image: 'images:abc', ModelDataUrl: 's3://a/model.tar.gz' }] },
    ModelMetrics: { ModelQuality: { Statistics: { ContentType: 'application/json', S3Uri: 's3://a/evaluation.json' } } },
    MetadataProperties: { CommitId: 'abc' },
    CustomerMetadataProperties: {
      version: 'V1.0.0',
      tag: '1',
      commit: 'abc',
      dataset: 'd1',
      cause: 'manual',
      run: 'arn:run-1',
      image: 'images:abc',
      mse: '4',
      rmse: '2',
      mae: '1',
      itemCount: '100',
      sample: 's3://a/sample.jsonl',
      target: 'y',
    },
  });
  expect(packages.packages[0].CustomerMetadataProperties).not.toHaveProperty('r2');
  expect(await soundVersions(ledger)).toMatchObject([{ trainingJobName: 'job-1', spec: { target: 'y', features: ['x'] }, createdAt: TIME }]);
});

test('another run of the same origin gets the same version and says that it did not make it', async () => {
  await step('allocate', { candidate });
  expect(await step('allocate', { candidate: { ...candidate, run: 'arn:run-2' } })).toMatchObject({ version: 'V1.0.0', created: false });
  expect(await step('register', { version: 'V1.0.0', run: 'arn:run-2' })).toMatchObject({ created: false, announce: true });
});

test('a rejection is recorded with what is known', async () => {
  const rejected = await step('reject', { candidate: { decision: 'reject', run: 'arn:run-1', commit: 'abc', stage: 'gate', reason: 'RMSE 12 exceeds 9' } });
  const record = { commit: 'abc', dataset: 'unknown', stage: 'gate', reason: 'RMSE 12 exceeds 9', run: 'arn:run-1', time: TIME };
  expect(rejected).toEqual({ rejected: true, reason: 'RMSE 12 exceeds 9', event: { model: 'Temperature', ...record } });
  expect((await scan(ledger)).find(({ pk }) => pk === 'REJECTED')).toMatchObject(record);
});

test('a number is given up by the run that it belongs to', async () => {
  await step('allocate', { candidate });
  await step('abandon', { version: 'V1.0.0', run: 'arn:other', reason: 'not mine' });
  expect(await soundVersions(ledger)).toMatchObject([{ status: 'allocated' }]);
  await step('abandon', { version: 'V1.0.0', run: 'arn:run-1', reason: 'no such image' });
  expect(await soundVersions(ledger)).toMatchObject([{ status: 'abandoned', reason: 'the model package could not be made: no such image' }]);
});

test('fails on a candidate that lacks something, naming all of it', async () => {
  const broken = { ...candidate, commit: '', imageUri: undefined, tag: 'a.b', evaluation: { mse: 'x', rmse: 1, mae: 1, itemCount: 1 } };
  await expect(step('allocate', { candidate: broken })).rejects.toMatchObject({
    name: 'InvalidCandidate',
    message: 'cannot register: tag \'a.b\' is not 1 to 16 letters, digits and hyphens; commit is missing; imageUri is missing; evaluation.mse is not a number',
  });
  await expect(step('allocate', {})).rejects.toMatchObject({ name: 'InvalidCandidate', message: expect.stringContaining('run is missing') });
  await expect(step('reject', { candidate: {} })).rejects.toMatchObject({ name: 'InvalidCandidate' });
  expect(await scan(ledger)).toEqual([]);
});

test('fails on a step that is none, or lacks its version', async () => {
  await expect(step('celebrate')).rejects.toMatchObject({ name: 'UnknownStep' });
  await expect(step('register')).rejects.toMatchObject({ name: 'InvalidStep' });
  await expect(step('register', { version: 'V7.0.0' })).rejects.toMatchObject({ name: 'UnknownVersion' });
});

test('the lifecycle function moves a version', async () => {
  await step('allocate', { candidate });
  await step('register', { version: 'V1.0.0', run: 'arn:run-1' });
  const moved = await lifecycle({ version: 'V1.0.0', stage: 'Staging', reason: 'release started', detail: { execution: 'e' }, time: TIME });
  expect(moved).toEqual({
    version: 'V1.0.0', stage: 'Staging', modelPackageArn: packages.packages[0].arn, account: expect.stringMatching(/^V1\.0\.0 is in staging: release started\. Made of commit abc /),
  });
  await expect(lifecycle({ version: 'V1.0.0', stage: 'Live', reason: '', time: TIME })).rejects.toMatchObject({ name: 'InvalidStage', message: expect.stringContaining('Superseded') });
});
