import { Duration, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { VpcConfig } from '../domain/vpc-config';

/** What both kinds of jobs have in common. */
export interface JobSettings {
  readonly roleArn: string;
  readonly instanceType: string;
  readonly volumeSizeGiB: number;
  readonly maxRuntime: Duration;
  /** Key of the jobs' volumes and of what they write. */
  readonly keyArn?: string;
  /** The network through which SageMaker moves data; the containers see none of it. */
  readonly vpcConfig?: VpcConfig;
}

/** Time beyond a job's runtime that SageMaker may need to find an instance and to stop the job. */
const PROVISIONING = Duration.hours(2);

/** Errors of SageMaker's API after which asking again may help. A job that fails is not among them. */
const TRANSIENT = ['SageMaker.AmazonSageMakerException', 'SageMaker.ThrottlingException', 'SageMaker.ResourceLimitExceededException'];

/** A job that has the name of an earlier try whose answer was lost would be refused: each try has a name of its own. */
const jobName = (suffix: string): string => `States.Format('{}-${suffix}{}', $.jobName, $$.State.RetryCount)`;

/** State of a training job, from the plan to `$.training`. */
export function trainingState(scope: Construct, settings: JobSettings): Record<string, unknown> {
  return {
    Type: 'Task',
    Resource: resource(scope, 'createTrainingJob'),
    Parameters: {
      'TrainingJobName.$': jobName('t'),
      'RoleArn': settings.roleArn,
      'AlgorithmSpecification': { 'TrainingImage.$': '$.imageUri', 'TrainingInputMode': 'File' },
      'HyperParameters.$': '$.hyperparameters',
      'InputDataConfig': [{
        ChannelName: 'train',
        DataSource: { S3DataSource: { 'S3DataType': 'S3Prefix', 'S3DataDistributionType': 'FullyReplicated', 'S3Uri.$': '$.trainUri' } },
      }],
      'OutputDataConfig': { 'S3OutputPath.$': '$.modelUri', ...(settings.keyArn === undefined ? {} : { KmsKeyId: settings.keyArn }) },
      'ResourceConfig': cluster(settings),
      'StoppingCondition': { MaxRuntimeInSeconds: settings.maxRuntime.toSeconds() },
      'EnableNetworkIsolation': true,
      ...(settings.vpcConfig === undefined ? {} : { VpcConfig: settings.vpcConfig }),
    },
    ResultSelector: {
      'jobName.$': '$.TrainingJobName',
      'jobArn.$': '$.TrainingJobArn',
      'modelDataUrl.$': '$.ModelArtifacts.S3ModelArtifacts',
    },
    ResultPath: '$.training',
    ...limits(settings),
  };
}

/** JSONPaths of what an evaluation reads and where it writes. */
export interface EvaluationPaths {
  readonly suffix: string;
  readonly image: string;
  readonly modelDataUrl: string;
  readonly configUri: string;
  readonly outputUri: string;
}

/** State of a processing job that evaluates a model on the holdout of the plan; the plan passes through. */
export function evaluationState(scope: Construct, settings: JobSettings, paths: EvaluationPaths): Record<string, unknown> {
  const input = (name: string, uri: string): Record<string, unknown> => ({
    InputName: name,
    S3Input: {
      'S3Uri.$': uri,
      'LocalPath': `/opt/ml/processing/input/${name}`,
      'S3DataType': 'S3Prefix',
      'S3InputMode': 'File',
      'S3DataDistributionType': 'FullyReplicated',
    },
  });
  return {
    Type: 'Task',
    Resource: resource(scope, 'createProcessingJob'),
    Parameters: {
      'ProcessingJobName.$': jobName(paths.suffix),
      'RoleArn': settings.roleArn,
      'AppSpecification': { 'ImageUri.$': paths.image, 'ContainerEntrypoint': ['evaluate'] },
      'ProcessingInputs': [input('model', paths.modelDataUrl), input('holdout', '$.holdoutUri'), input('config', paths.configUri)],
      'ProcessingOutputConfig': {
        Outputs: [{
          OutputName: 'evaluation',
          S3Output: { 'S3Uri.$': paths.outputUri, 'LocalPath': '/opt/ml/processing/output', 'S3UploadMode': 'EndOfJob' },
        }],
        ...(settings.keyArn === undefined ? {} : { KmsKeyId: settings.keyArn }),
      },
      'ProcessingResources': { ClusterConfig: cluster(settings) },
      'StoppingCondition': { MaxRuntimeInSeconds: settings.maxRuntime.toSeconds() },
      'NetworkConfig': { EnableNetworkIsolation: true, ...(settings.vpcConfig === undefined ? {} : { VpcConfig: settings.vpcConfig }) },
    },
    ResultPath: null,
    ...limits(settings),
  };
}

/** Whether the instance type has disks of its own, which are encrypted by hardware: SageMaker refuses a key for their volume. */
export function hasLocalStorage(instanceType: string): boolean {
  return /^ml\.([a-z]+\d+[a-z]*d[a-z]*|g5|g6e?|p5e?n?|trn\d+n?|inf2)\./.test(instanceType);
}

function cluster(settings: JobSettings): Record<string, unknown> {
  const encrypted = settings.keyArn !== undefined && !hasLocalStorage(settings.instanceType);
  return {
    InstanceType: settings.instanceType,
    InstanceCount: 1,
    VolumeSizeInGB: settings.volumeSizeGiB,
    ...(encrypted ? { VolumeKmsKeyId: settings.keyArn } : {}),
  };
}

function limits(settings: JobSettings): Record<string, unknown> {
  return {
    TimeoutSeconds: settings.maxRuntime.plus(PROVISIONING).toSeconds(),
    Retry: [{ ErrorEquals: TRANSIENT, IntervalSeconds: 30, MaxAttempts: 6, BackoffRate: 2 }],
  };
}

function resource(scope: Construct, action: string): string {
  return `arn:${Stack.of(scope).partition}:states:::sagemaker:${action}.sync`;
}
