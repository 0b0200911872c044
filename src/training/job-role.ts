import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { IDataset } from '../data/dataset';
import { grantObjects } from '../data/object-access';
import { allow } from '../private/allow';
import { newRole } from '../private/model-defaults';

export interface JobRoleOptions {
  readonly dataset: IDataset;
  readonly artifacts: s3.IBucket;
  readonly repository: ecr.IRepository;
  readonly key?: kms.IKey;
}

/** Folder of the artifacts bucket below which each run has one of its own. */
export const RUNS_FOLDER = 'training';

/** The role that a training run's jobs work as: it reads one dataset and writes below one folder, and reaches no network. */
export function createJobRole(scope: Construct, id: string, options: JobRoleOptions): iam.Role {
  const stack = Stack.of(scope);
  const role = newRole(scope, id, {
    assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': stack.account } } }),
    description: `Training and evaluation of models on ${options.dataset.datasetName}`,
  });
  grantObjects(role, {
    bucket: options.dataset.bucket,
    prefix: options.dataset.prefix,
    actions: ['s3:GetObject'],
    list: true,
    reason: 'Each version of the dataset is a folder of its own.',
  });
  grantObjects(role, {
    bucket: options.artifacts,
    prefix: RUNS_FOLDER,
    actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
    list: true,
    writes: true,
    reason: 'Each run writes below a folder of its own, whose name is made at run time.',
  });
  allow(role, {
    actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
    resources: [options.repository.repositoryArn],
  });
  allow(role, {
    actions: ['ecr:GetAuthorizationToken'],
    resources: ['*'],
    because: 'ecr:GetAuthorizationToken cannot be limited to a resource',
  });
  allow(role, {
    actions: ['cloudwatch:PutMetricData'],
    resources: ['*'],
    conditions: { StringEquals: { 'cloudwatch:namespace': ['/aws/sagemaker/TrainingJobs', '/aws/sagemaker/ProcessingJobs'] } },
    because: 'cloudwatch:PutMetricData cannot be limited to a resource; it is limited to namespaces of SageMaker',
  });
  for (const group of ['TrainingJobs', 'ProcessingJobs']) {
    allow(role, {
      actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: [stack.formatArn({
        service: 'logs', resource: 'log-group', resourceName: `/aws/sagemaker/${group}*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      })],
      because: 'All jobs of the account share a log group, with streams named after the jobs',
    });
  }
  if (options.key) {
    allow(role, { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [options.key.keyArn] });
    allowVolumeKey(role, options.key);
  }
  return role;
}

/** SageMaker encrypts volumes with a grant that it makes in the name of a job's role, and of who starts the job or changes the endpoint. */
export function allowVolumeKey(grantee: iam.IGrantable, key: kms.IKey): void {
  allow(grantee, { actions: ['kms:DescribeKey'], resources: [key.keyArn] });
  allow(grantee, { actions: ['kms:CreateGrant'], resources: [key.keyArn], conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } } });
}
