import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageFolder, runImage } from './image';
import { Job, JobFailure, JobKind } from './jobs';
import { checkVpcConfig } from './network';
import { Rights } from './rights';
import { fetchInput, storeFolder } from './transfer';
import { Cloud, JsonObject, Unsupported } from '../cloud/types';
import { array, integer, object, only, optionalNumber, optionalObject, string, strings } from '../cloudwatch/shape';

const INPUT = [
  'ProcessingJobName', 'ProcessingInputs', 'ProcessingOutputConfig', 'ProcessingResources', 'StoppingCondition', 'AppSpecification',
  'Environment', 'NetworkConfig', 'RoleArn', 'Tags', 'ExperimentConfig',
];
const ROOT = '/opt/ml/';

/** Processing jobs: an image's program between inputs and outputs in S3. */
export class Processing implements JobKind {
  readonly kind = 'processing';
  readonly member = 'ProcessingJob';
  readonly eventType = 'SageMaker Processing Job State Change';

  constructor(private readonly cloud: Cloud) {}

  check(input: JsonObject): void {
    only(input, 'CreateProcessingJob', INPUT);
    const network = optionalObject(input.NetworkConfig, 'NetworkConfig') ?? {};
    only(network, 'NetworkConfig', ['EnableInterContainerTrafficEncryption', 'EnableNetworkIsolation', 'VpcConfig']);
    checkVpcConfig(network.VpcConfig, 'networkConfig.vpcConfig');
    const app = object(input.AppSpecification, 'AppSpecification');
    only(app, 'AppSpecification', ['ImageUri', 'ContainerEntrypoint', 'ContainerArguments']);
    imageFolder(this.cloud, string(app, 'ImageUri'));
    if (strings(app.ContainerEntrypoint, 'ContainerEntrypoint').length === 0) throw new Unsupported('a processing job without a ContainerEntrypoint');
    string(input, 'RoleArn');
    const cluster = object(object(input.ProcessingResources, 'ProcessingResources').ClusterConfig, 'ClusterConfig');
    if (integer(cluster, 'InstanceCount', 1, 100) !== 1) throw new Unsupported('processing on more than one instance');
    for (const item of inputs(input)) local(string(item, 'LocalPath'));
    for (const item of outputs(input)) local(string(item, 'LocalPath'));
  }

  async run(job: Job, base: string): Promise<void> {
    const { input } = job;
    const roleArn = string(input, 'RoleArn');
    const app = object(input.AppSpecification, 'AppSpecification');
    job.found.ProcessingStartTime = job.now();
    for (const item of inputs(input)) await fetchInput(this.cloud, roleArn, string(item, 'S3Uri'), join(base, local(string(item, 'LocalPath'))));
    for (const item of outputs(input)) mkdirSync(join(base, local(string(item, 'LocalPath'))), { recursive: true });
    mkdirSync(join(base, 'output'), { recursive: true });

    const network = optionalObject(input.NetworkConfig, 'NetworkConfig') ?? {};
    const unpulled = new Rights(this.cloud, roleArn).pull(string(app, 'ImageUri'));
    if (unpulled !== undefined) throw new JobFailure(`ClientError: Cannot pull the image: ${unpulled}`);
    const running = runImage(this.cloud, string(app, 'ImageUri'), {
      name: `processing-${job.name}`,
      command: [...strings(app.ContainerEntrypoint, 'ContainerEntrypoint'), ...strings(app.ContainerArguments, 'ContainerArguments')],
      base,
      environment: {
        // An isolated container has no credentials; that it also has no network is not enforced here.
        ...(network.EnableNetworkIsolation === true ? {} : this.cloud.environment(roleArn)),
        ...Object.fromEntries(Object.entries(optionalObject(input.Environment, 'Environment') ?? {}).map(([key, value]) => [key, String(value)])),
      },
    });
    const stopping = optionalObject(input.StoppingCondition, 'StoppingCondition') ?? {};
    const code = await job.await(running, optionalNumber(stopping, 'MaxRuntimeInSeconds') ?? 86_400);
    if (job.stopReason !== undefined) throw new JobFailure(job.stopReason);
    const message = join(base, 'output/message');
    if (existsSync(message)) job.found.ExitMessage = readFileSync(message, 'utf8').trim().slice(0, 1024);
    if (code !== 0) throw new JobFailure(`AlgorithmError: See job logs for more information, exit code: ${code}`);
    for (const item of outputs(input)) {
      await storeFolder(this.cloud, roleArn, join(base, local(string(item, 'LocalPath'))), string(item, 'S3Uri'));
    }
  }
}

function inputs(input: JsonObject): JsonObject[] {
  return array(input.ProcessingInputs, 'ProcessingInputs').map((item) => {
    const given = object(item, 'ProcessingInputs[]');
    only(given, 'ProcessingInputs[]', ['InputName', 'S3Input', 'AppManaged']);
    const s3 = object(given.S3Input, 'S3Input');
    only(s3, 'S3Input', ['S3Uri', 'LocalPath', 'S3DataType', 'S3InputMode', 'S3DataDistributionType', 'S3CompressionType']);
    if (s3.S3DataType !== 'S3Prefix' || (s3.S3InputMode ?? 'File') !== 'File' || (s3.S3CompressionType ?? 'None') !== 'None') {
      throw new Unsupported('an S3Input other than uncompressed files below a prefix');
    }
    return s3;
  });
}

function outputs(input: JsonObject): JsonObject[] {
  const config = optionalObject(input.ProcessingOutputConfig, 'ProcessingOutputConfig');
  return array(config?.Outputs, 'Outputs').map((item) => {
    const given = object(item, 'Outputs[]');
    only(given, 'Outputs[]', ['OutputName', 'S3Output', 'AppManaged']);
    const s3 = object(given.S3Output, 'S3Output');
    if ((s3.S3UploadMode ?? 'EndOfJob') !== 'EndOfJob') throw new Unsupported('continuous upload of processing outputs');
    return s3;
  });
}

/** A container path below /opt/ml, relative to it. */
function local(path: string): string {
  if (!path.startsWith(ROOT) || path.includes('..')) throw new Unsupported(`the container path ${path}: only paths below ${ROOT} are relocated`);
  return path.slice(ROOT.length);
}
