import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from './archive';
import { imageFolder, runImage } from './image';
import { Job, JobFailure, JobKind } from './jobs';
import { checkVpcConfig } from './network';
import { Rights } from './rights';
import { parseS3 } from './support';
import { fetchInput, store } from './transfer';
import { Cloud, JsonObject, Unsupported } from '../cloud/types';
import { array, integer, number, object, only, optionalNumber, optionalObject, optionalString, string, strings } from '../cloudwatch/shape';

const INPUT = [
  'TrainingJobName', 'HyperParameters', 'AlgorithmSpecification', 'RoleArn', 'InputDataConfig', 'OutputDataConfig', 'ResourceConfig',
  'StoppingCondition', 'VpcConfig', 'Tags', 'EnableNetworkIsolation', 'EnableInterContainerTrafficEncryption', 'EnableManagedSpotTraining',
  'Environment', 'RetryStrategy', 'ExperimentConfig',
];

/** Training jobs under SageMaker's container contract. */
export class Training implements JobKind {
  readonly kind = 'training';
  readonly member = 'TrainingJob';
  readonly eventType = 'SageMaker Training Job State Change';

  constructor(private readonly cloud: Cloud) {}

  check(input: JsonObject): void {
    only(input, 'CreateTrainingJob', INPUT);
    checkVpcConfig(input.VpcConfig);
    if (input.EnableManagedSpotTraining === true) throw new Unsupported('EnableManagedSpotTraining');
    const algorithm = object(input.AlgorithmSpecification, 'AlgorithmSpecification');
    only(algorithm, 'AlgorithmSpecification', [
      'TrainingImage', 'TrainingInputMode', 'MetricDefinitions', 'EnableSageMakerMetricsTimeSeries', 'ContainerEntrypoint', 'ContainerArguments',
    ]);
    if (algorithm.TrainingInputMode !== 'File') throw new Unsupported(`the TrainingInputMode ${String(algorithm.TrainingInputMode)}`);
    imageFolder(this.cloud, string(algorithm, 'TrainingImage'));
    string(input, 'RoleArn');
    string(object(input.OutputDataConfig, 'OutputDataConfig'), 'S3OutputPath');
    const resources = object(input.ResourceConfig, 'ResourceConfig');
    if (integer(resources, 'InstanceCount', 1, 1000) !== 1) throw new Unsupported('training on more than one instance');
    const stopping = object(input.StoppingCondition, 'StoppingCondition');
    if (stopping.MaxRuntimeInSeconds !== undefined) integer(stopping, 'MaxRuntimeInSeconds', 1, 2_419_200);
    for (const channel of channels(input)) source(channel);
  }

  async run(job: Job, base: string): Promise<void> {
    const { input } = job;
    const roleArn = string(input, 'RoleArn');
    const algorithm = object(input.AlgorithmSpecification, 'AlgorithmSpecification');
    for (const folder of ['input/config', 'input/data', 'model', 'output/data']) mkdirSync(join(base, folder), { recursive: true });
    const hyperparameters = optionalObject(input.HyperParameters, 'HyperParameters') ?? {};
    const config = (name: string, content: JsonObject): void => writeFileSync(join(base, 'input/config', name), JSON.stringify(content));
    config('hyperparameters.json', Object.fromEntries(Object.entries(hyperparameters).map(([key, value]) => [key, String(value)])));
    config('resourceconfig.json', { current_host: 'algo-1', hosts: ['algo-1'], network_interface_name: 'lo' });
    config('inputdataconfig.json', Object.fromEntries(channels(input).map((channel) => [string(channel, 'ChannelName'), {
      TrainingInputMode: 'File', S3DistributionType: 'FullyReplicated', RecordWrapperType: 'None', ContentType: optionalString(channel, 'ContentType') ?? '',
    }])));

    job.step('Downloading', 'Downloading input data');
    for (const channel of channels(input)) {
      await fetchInput(this.cloud, roleArn, source(channel), join(base, 'input/data', string(channel, 'ChannelName')));
    }

    job.step('Training', 'Training image running');
    job.found.TrainingStartTime = job.now();
    const isolated = input.EnableNetworkIsolation === true;
    const command = [...strings(algorithm.ContainerEntrypoint, 'ContainerEntrypoint'), ...strings(algorithm.ContainerArguments, 'ContainerArguments')];
    const unpulled = new Rights(this.cloud, roleArn).pull(string(algorithm, 'TrainingImage'));
    if (unpulled !== undefined) throw new JobFailure(`ClientError: Cannot pull the image: ${unpulled}`);
    const running = runImage(this.cloud, string(algorithm, 'TrainingImage'), {
      name: `training-${job.name}`,
      command: command.length > 0 ? command : ['train'],
      base,
      environment: {
        // An isolated container has no credentials; that it also has no network is not enforced here.
        ...(isolated ? {} : this.cloud.environment(roleArn)),
        ...Object.fromEntries(Object.entries(optionalObject(input.Environment, 'Environment') ?? {}).map(([key, value]) => [key, String(value)])),
        TRAINING_JOB_NAME: job.name,
        TRAINING_JOB_ARN: job.arn,
      },
    });
    const stopping = object(input.StoppingCondition, 'StoppingCondition');
    const code = await job.await(running, optionalNumber(stopping, 'MaxRuntimeInSeconds') ?? 86_400);
    if (job.stopReason !== undefined) throw new JobFailure(job.stopReason);
    job.found.FinalMetricDataList = finalMetrics(algorithm, running.logFile, job.now());
    const output = object(input.OutputDataConfig, 'OutputDataConfig');
    const { bucket, key } = parseS3(string(output, 'S3OutputPath'));
    const prefix = [key.replace(/\/+$/, ''), job.name, 'output'].filter((part) => part !== '').join('/');
    if (code !== 0) {
      const file = join(base, 'output/failure');
      const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
      throw new JobFailure(`AlgorithmError: ${text}${text === '' ? '' : ', '}exit code: ${code}`);
    }

    job.step('Uploading', 'Uploading generated training model');
    await this.upload(roleArn, join(base, 'model'), base, bucket, `${prefix}/model.tar.gz`);
    job.found.ModelArtifacts = { S3ModelArtifacts: `s3://${bucket}/${prefix}/model.tar.gz` };
    if (readdirSync(join(base, 'output/data')).length > 0) await this.upload(roleArn, join(base, 'output/data'), base, bucket, `${prefix}/output.tar.gz`);
  }

  private async upload(roleArn: string, folder: string, base: string, bucket: string, key: string): Promise<void> {
    const file = join(base, 'upload.tar.gz');
    await pack(this.cloud.python, folder, file);
    await store(this.cloud, roleArn, bucket, key, readFileSync(file));
  }
}

const channels = (input: JsonObject): JsonObject[] => array(input.InputDataConfig, 'InputDataConfig').map((item) => object(item, 'InputDataConfig[]'));

function source(channel: JsonObject): string {
  only(channel, 'InputDataConfig[]', ['ChannelName', 'DataSource', 'ContentType', 'CompressionType', 'InputMode', 'RecordWrapperType']);
  if (channel.InputMode !== undefined && channel.InputMode !== 'File') throw new Unsupported(`the channel input mode ${String(channel.InputMode)}`);
  if (channel.CompressionType === 'Gzip') throw new Unsupported('compressed channels');
  const s3 = object(object(channel.DataSource, 'DataSource').S3DataSource, 'S3DataSource');
  if (s3.S3DataType !== 'S3Prefix') throw new Unsupported(`the S3DataType ${String(s3.S3DataType)}`);
  return string(s3, 'S3Uri');
}

/** The last match of each metric's expression in the log, as the job's final metrics. */
function finalMetrics(algorithm: JsonObject, logFile: string, now: number): JsonObject[] {
  const definitions = array(algorithm.MetricDefinitions, 'MetricDefinitions').map((item) => object(item, 'MetricDefinitions[]'));
  if (definitions.length === 0) return [];
  const log = readFileSync(logFile, 'utf8');
  return definitions.flatMap((definition) => {
    const last = [...log.matchAll(new RegExp(string(definition, 'Regex'), 'g'))].pop()?.[1];
    return last === undefined ? [] : [{ MetricName: string(definition, 'Name'), Value: number({ last }, 'last'), Timestamp: now }];
  });
}
