import { readFileSync } from 'fs';
import {
  CreateProcessingJobCommand, CreateTrainingJobCommand, CreateTrainingJobCommandInput, DescribeProcessingJobCommand, DescribeTrainingJobCommand,
  DescribeTrainingJobCommandOutput, ListTrainingJobsCommand, StopTrainingJobCommand,
} from '@aws-sdk/client-sagemaker';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { aws_ecr as ecr, aws_events as events, aws_events_targets as targets, aws_iam as iam, aws_s3 as s3, aws_sqs as sqs, CfnOutput } from 'aws-cdk-lib';
import { Hosting, IMAGE, ROLE } from './sagemaker-support';

const roleArn = (name: string): string => `arn:aws:iam::111122223333:role/${name}`;
let hosting: Hosting;
beforeAll(async () => {
  hosting = await Hosting.start((stack) => {
    const queue = new sqs.Queue(stack, 'Queue');
    new events.Rule(stack, 'Rule', {
      eventPattern: { source: ['aws.sagemaker'], detail: { TrainingJobStatus: ['Completed', 'Failed', 'Stopped'] } }, targets: [new targets.SqsQueue(queue)],
    });
    new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl });
    const role = (name: string): iam.Role => new iam.Role(stack, name, { roleName: name, assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com') });
    const bucket = s3.Bucket.fromBucketName(stack, 'Data', 'bucket');
    role('no-rights');
    const repository = ecr.Repository.fromRepositoryName(stack, 'Images', 'tiny');
    const [reader, writer, puller] = [role('reader'), role('writer'), role('puller')];
    [reader, puller].forEach((each) => bucket.grantRead(each));
    bucket.grantReadWrite(writer);
    [puller, writer].forEach((each) => repository.grantPull(each));
  });
  await hosting.cloud.s3.put('bucket', 'data/train/a.csv', '1,x\n2,y\n');
  await hosting.cloud.s3.put('bucket', 'data/train/deeper/b.csv', '6,z\n');
  await hosting.cloud.s3.put('bucket', 'data/holdout/h.csv', '1\n5\n');
});
afterAll(() => hosting.stop());

async function train(name: string, HyperParameters: Record<string, string> = {}, given: Partial<CreateTrainingJobCommandInput> = {}): Promise<void> {
  await hosting.api.send(new CreateTrainingJobCommand({
    TrainingJobName: name,
    RoleArn: ROLE,
    HyperParameters,
    AlgorithmSpecification: { TrainingImage: IMAGE, TrainingInputMode: 'File', MetricDefinitions: [{ Name: 'mean', Regex: 'mean=([0-9.]+);' }] },
    InputDataConfig: [{ ChannelName: 'train', DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://bucket/data/train/' } } }],
    OutputDataConfig: { S3OutputPath: 's3://bucket/output' },
    ResourceConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 600 },
    ...given,
  }));
}
const job = async (name: string): Promise<DescribeTrainingJobCommandOutput> => {
  await hosting.cloud.clock.settle();
  return hosting.api.send(new DescribeTrainingJobCommand({ TrainingJobName: name }));
};

test('a training job is a real process between S3 and S3, while the clock stands still', async () => {
  await train('good', {}, { EnableNetworkIsolation: true });
  const running = await hosting.api.send(new DescribeTrainingJobCommand({ TrainingJobName: 'good' }));
  expect(running.TrainingJobStatus).toBe('InProgress');
  const done = await job('good');
  expect(done).toMatchObject({
    TrainingJobStatus: 'Completed',
    SecondaryStatus: 'Completed',
    ModelArtifacts: { S3ModelArtifacts: 's3://bucket/output/good/output/model.tar.gz' },
    FinalMetricDataList: [{ MetricName: 'mean', Value: 3 }],
  });
  expect(done.SecondaryStatusTransitions!.map(({ Status }) => Status)).toEqual(['Starting', 'Downloading', 'Training', 'Uploading', 'Completed']);
  expect(done.TrainingEndTime).toEqual(done.CreationTime);
  expect(done.TrainingTimeInSeconds).toBeGreaterThan(0);
  expect(readFileSync(`${hosting.cloud.folders.logs}/training-good.log`, 'utf8')).toContain('rows=3; mean=3.0;');
});

test('a processing job evaluates the model on the holdout', async () => {
  await hosting.api.send(new CreateProcessingJobCommand({
    ProcessingJobName: 'evaluation',
    RoleArn: ROLE,
    Environment: { TARGET: 'y' },
    AppSpecification: { ImageUri: IMAGE, ContainerEntrypoint: ['evaluate'] },
    ProcessingResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 } },
    ProcessingInputs: [
      { InputName: 'model', S3Input: { S3Uri: 's3://bucket/output/good/output/model.tar.gz', LocalPath: '/opt/ml/processing/input/model', S3DataType: 'S3Prefix', S3InputMode: 'File' } },
      { InputName: 'holdout', S3Input: { S3Uri: 's3://bucket/data/holdout', LocalPath: '/opt/ml/processing/input/holdout', S3DataType: 'S3Prefix', S3InputMode: 'File' } },
    ],
    ProcessingOutputConfig: {
      Outputs: [{
        OutputName: 'evaluation', S3Output: { S3Uri: 's3://bucket/evaluations/1', LocalPath: '/opt/ml/processing/output', S3UploadMode: 'EndOfJob' },
      }],
    },
  }));
  const done = await hosting.sageMaker.jobFinished('processing', 'evaluation');
  expect(done.ProcessingJobStatus).toBe('Completed');
  expect((await hosting.api.send(new DescribeProcessingJobCommand({ ProcessingJobName: 'evaluation' }))).ProcessingJobStatus).toBe('Completed');
  expect(JSON.parse((await hosting.cloud.s3.get('bucket', 'evaluations/1/evaluation.json')).toString())).toEqual({ mse: 4, target: 'y' });
});

test('what the program writes to output/failure is the reason; so are missing data', async () => {
  await train('crashes', { crash: 'no rows' });
  expect(await job('crashes')).toMatchObject({ TrainingJobStatus: 'Failed', FailureReason: 'AlgorithmError: ValueError: no rows, exit code: 1' });
  await train('no-data', {}, {
    InputDataConfig: [{ ChannelName: 'train', DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://bucket/nothing/' } } }],
  });
  expect((await job('no-data')).FailureReason).toMatch(/^ClientError: Data download failed: No S3 objects found/);
});

test('a job is stopped by hand and by its time limit, and its process is gone', async () => {
  await train('stopped', { sleep: '60' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await hosting.api.send(new StopTrainingJobCommand({ TrainingJobName: 'stopped' }));
  expect(await job('stopped')).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' });
  await train('too-long', { sleep: '60' }, { StoppingCondition: { MaxRuntimeInSeconds: 1 } });
  expect(await job('too-long')).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxRuntimeExceeded' });
});

test('the policies of a role of the assembly decide what its jobs may read and write', async () => {
  await train('unread', {}, { RoleArn: roleArn('no-rights') });
  expect((await job('unread')).FailureReason).toMatch(/Data download failed.*no-rights is not authorized to perform: s3:ListBucket/);
  await train('unwritten', {}, { RoleArn: roleArn('reader') });
  expect((await job('unwritten')).FailureReason).toMatch(/Cannot pull the image.*reader is not authorized to perform: ecr:GetAuthorizationToken/);
  await train('pulled', {}, { RoleArn: roleArn('puller') });
  expect((await job('pulled')).FailureReason).toMatch(/Artifact upload failed.*puller is not authorized to perform: s3:PutObject/);
  await train('permitted', {}, { RoleArn: roleArn('writer') });
  expect((await job('permitted')).TrainingJobStatus).toBe('Completed');
});

test('each end is an event; names are used once; what cannot be run is named', async () => {
  const { Messages } = await hosting.cloud.client(SQSClient).send(new ReceiveMessageCommand({ QueueUrl: hosting.cloud.outputs.get('Test')!.QueueUrl, MaxNumberOfMessages: 10 }));
  const details = Messages!.map(({ Body }) => (JSON.parse(Body!) as { detail: Record<string, string> }).detail);
  expect(details.map(({ TrainingJobName, TrainingJobStatus }) => `${TrainingJobName} ${TrainingJobStatus}`).sort())
    .toEqual(['crashes Failed', 'good Completed', 'no-data Failed', 'permitted Completed', 'pulled Failed', 'stopped Stopped', 'too-long Stopped', 'unread Failed', 'unwritten Failed']);
  await expect(train('good')).rejects.toThrow(/unique/);
  await expect(train('spot', {}, { EnableManagedSpotTraining: true })).rejects.toThrow(/EnableManagedSpotTraining/);
  await expect(train('image', {}, { AlgorithmSpecification: { TrainingImage: 'xgboost:1.7', TrainingInputMode: 'File' } })).rejects.toThrow(/xgboost:1.7/);
  const { TrainingJobSummaries } = await hosting.api.send(new ListTrainingJobsCommand({ StatusEquals: 'Completed' }));
  expect(TrainingJobSummaries!.map(({ TrainingJobName }) => TrainingJobName)).toEqual(['permitted', 'good']);
});
