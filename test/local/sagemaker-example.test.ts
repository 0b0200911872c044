import { execFileSync } from 'child_process';
import { readFileSync } from 'fs';
import * as path from 'path';
import {
  CreateEndpointCommand, CreateEndpointConfigCommand, CreateModelCommand, CreateProcessingJobCommand, CreateTrainingJobCommand,
} from '@aws-sdk/client-sagemaker';
import { Hosting, ROLE } from './sagemaker-support';

const EXAMPLE = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/example:commit';
const ROWS = [
  'import sys, pandas as pd',
  'rows = pd.DataFrame({"temp": [float(i % 50) for i in range(400)]})',
  'rows["temp_in_24h"] = rows.temp * 0.5 + 10 + (rows.index % 3 - 1)',
  'rows.to_parquet(sys.argv[1])',
].join('\n');

let hosting: Hosting;
beforeAll(async () => {
  hosting = await Hosting.start();
  hosting.cloud.images.set(EXAMPLE, path.resolve(__dirname, '../../examples/regression-platform/model'));
  const file = path.join(hosting.cloud.folders.temp, 'rows.parquet');
  execFileSync(hosting.cloud.python, ['-c', ROWS, file]);
  for (const split of ['train', 'holdout']) await hosting.cloud.s3.put('bucket', `dataset/${split}/rows.parquet`, readFileSync(file));
});
afterAll(() => hosting.stop());

test('the example\'s model repository trains, evaluates and serves under the container contract', async () => {
  const features = { target: 'temp_in_24h', features: JSON.stringify(['temp']), algorithm: 'ridge', alpha: '1.0' };
  await hosting.api.send(new CreateTrainingJobCommand({
    TrainingJobName: 'example',
    RoleArn: ROLE,
    HyperParameters: features,
    EnableNetworkIsolation: true,
    AlgorithmSpecification: { TrainingImage: EXAMPLE, TrainingInputMode: 'File' },
    InputDataConfig: [{ ChannelName: 'train', DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://bucket/dataset/train/' } } }],
    OutputDataConfig: { S3OutputPath: 's3://bucket/output' },
    ResourceConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 600 },
  }));
  const trained = await hosting.sageMaker.jobFinished('training', 'example');
  expect(trained).toMatchObject({ TrainingJobStatus: 'Completed' });

  const model = 's3://bucket/output/example/output/model.tar.gz';
  await hosting.cloud.s3.put('bucket', 'configs/spec.json', JSON.stringify({ target: 'temp_in_24h', features: ['temp'] }));
  const input = (InputName: string, S3Uri: string) => ({
    InputName, S3Input: { S3Uri, LocalPath: `/opt/ml/processing/input/${InputName}`, S3DataType: 'S3Prefix' as const, S3InputMode: 'File' as const },
  });
  await hosting.api.send(new CreateProcessingJobCommand({
    ProcessingJobName: 'example',
    RoleArn: ROLE,
    AppSpecification: { ImageUri: EXAMPLE, ContainerEntrypoint: ['evaluate'] },
    ProcessingInputs: [input('model', model), input('holdout', 's3://bucket/dataset/holdout/'), input('config', 's3://bucket/configs/')],
    ProcessingOutputConfig: {
      Outputs: [{ OutputName: 'o', S3Output: { S3Uri: 's3://bucket/evaluation', LocalPath: '/opt/ml/processing/output', S3UploadMode: 'EndOfJob' } }],
    },
    ProcessingResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 } },
  }));
  const evaluated = await hosting.sageMaker.jobFinished('processing', 'example');
  expect(evaluated).toMatchObject({ ProcessingJobStatus: 'Completed' });
  const evaluation = JSON.parse((await hosting.cloud.s3.get('bucket', 'evaluation/evaluation.json')).toString()) as {
    regression_metrics: Record<'mse' | 'r2', { value: number }>; dataset: { item_count: number };
  };
  expect(evaluation.dataset.item_count).toBe(400);
  expect(evaluation.regression_metrics.r2.value).toBeGreaterThan(0.9);
  expect(evaluation.regression_metrics.mse.value).toBeCloseTo(2 / 3, 1);

  await hosting.api.send(new CreateModelCommand({
    ModelName: 'example', ExecutionRoleArn: ROLE, PrimaryContainer: { Image: EXAMPLE, ModelDataUrl: model }, EnableNetworkIsolation: true,
  }));
  await hosting.api.send(new CreateEndpointConfigCommand({
    EndpointConfigName: 'example',
    ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: 'example', InitialInstanceCount: 1, InstanceType: 'ml.m5.large' }],
  }));
  await hosting.api.send(new CreateEndpointCommand({ EndpointName: 'example', EndpointConfigName: 'example' }));
  await hosting.minutes(4);
  expect((await hosting.describe('example')).EndpointStatus).toBe('InService');
  expect(await hosting.predict('example', '20')).toBeCloseTo(20, 0);
  const sample = (await hosting.cloud.s3.get('bucket', 'evaluation/sample.jsonl')).toString().trim().split('\n')
    .map((line) => JSON.parse(line) as { payload: string; prediction: number });
  for (const { payload, prediction } of sample) expect(await hosting.predict('example', payload)).toBeCloseTo(prediction, 9);
});
