import * as path from 'path';
import { ArnFormat, Duration, Names, Stack } from 'aws-cdk-lib';
import * as glue from 'aws-cdk-lib/aws-glue';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { IDataLake } from './data-lake';
import { DataQualityRule } from './data-quality-rule';
import { DataScript } from './data-script';
import { DataSource, DataSourceConfig } from './data-source';
import { IDataset } from './dataset';
import { grantObjects } from './object-access';
import { allow } from '../private/allow';
import { grantLogs } from '../private/handler-defaults';

export interface DatasetJobProps {
  readonly lake: IDataLake;
  readonly dataset: IDataset;
  readonly source: DataSource;
  readonly script: DataScript;
  readonly runsPrefix: string;
  readonly holdoutShare: number;
  readonly quality: DataQualityRule[];
  readonly workerType: string;
  readonly workerCount: number;
  readonly timeout: Duration;
  readonly encryptionKey?: kms.IKey;
}

/** The Glue Spark job of a data pipeline, with a role that reads one source and writes one dataset. */
export class DatasetJob extends Construct {
  public readonly jobName: string;
  public readonly role: iam.Role;
  public readonly source: DataSourceConfig;
  /** S3 URI of the team's script. */
  public readonly scriptUri: string;

  constructor(scope: Construct, id: string, props: DatasetJobProps) {
    super(scope, id);
    const { dataset } = props;
    const stack = Stack.of(this);

    this.role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('glue.amazonaws.com'), description: `Data pipeline of ${dataset.datasetName}` });
    this.source = props.source.bind(props.lake, dataset.datasetName, this.role);
    const main = new assets.Asset(this, 'Main', { path: path.join(__dirname, '../../resources/data/run_pipeline.py') });
    grantObjects(this.role, {
      bucket: main.bucket, actions: ['s3:GetObject'], reason: 'The assets of an app are named by their content, and change with it.',
    });
    const script = props.script.bind(this, this.role);
    this.scriptUri = `s3://${script.bucket.bucketName}/${script.objectKey}`;
    this.grantOutput(props);
    this.grantLogs(stack);
    if (this.source.connectionName !== undefined) this.grantConnection(stack, this.source, this.source.connectionName);

    const key = props.encryptionKey ?? props.lake.sourceZone.encryptionKey ?? this.newKey();
    const security = new glue.CfnSecurityConfiguration(this, 'Security', {
      name: Names.uniqueResourceName(this, { maxLength: 200, separator: '-' }),
      encryptionConfiguration: {
        cloudWatchEncryption: { cloudWatchEncryptionMode: 'SSE-KMS', kmsKeyArn: key.keyArn },
        jobBookmarksEncryption: { jobBookmarksEncryptionMode: 'CSE-KMS', kmsKeyArn: key.keyArn },
      },
    });
    const job = new glue.CfnJob(this, 'Resource', {
      description: `Makes versions of the dataset ${dataset.datasetName}`,
      role: this.role.roleArn,
      command: { name: 'glueetl', pythonVersion: '3', scriptLocation: main.s3ObjectUrl },
      glueVersion: '5.0',
      workerType: props.workerType,
      numberOfWorkers: props.workerCount,
      maxRetries: 0,
      timeout: props.timeout.toMinutes(),
      // One at a time: the next run must know what this one published.
      executionProperty: { maxConcurrentRuns: 1 },
      securityConfiguration: security.ref,
      connections: this.source.connectionName === undefined ? undefined : { connections: [this.source.connectionName] },
      defaultArguments: {
        '--job-bookmark-option': 'job-bookmark-disable',
        '--enable-metrics': 'true',
        '--dataset': dataset.datasetName,
        '--source': `s3://${this.source.bucket.bucketName}/${this.source.prefix}`,
        '--script': this.scriptUri,
        '--output': `s3://${dataset.bucket.bucketName}/${dataset.prefix}/`,
        '--target': dataset.target,
        ...(dataset.timeColumn === undefined ? {} : { '--time_column': dataset.timeColumn }),
        '--holdout_share': `${props.holdoutShare}`,
        '--rules': JSON.stringify(props.quality.map((rule) => rule._render())),
        // One for each core of a fleet of G.1X: small data is not cut to crumbs, large data is spread over the fleet.
        '--shuffle_partitions': `${4 * props.workerCount}`,
        ...(this.source.connectionName === undefined ? {} : { '--connection': this.source.connectionName, '--query': this.source.query ?? '' }),
        ...(this.source.secret === undefined ? {} : { '--secret': this.source.secret.secretArn }),
      },
    });
    job.node.addDependency(this.role);
    this.jobName = job.ref;
  }

  private grantOutput(props: DatasetJobProps): void {
    const { bucket, prefix } = props.dataset;
    const reason = 'Spark names its files itself; the prefix is the scope.';
    const actions = ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject'];
    grantObjects(this.role, { bucket, prefix, actions, list: true, writes: true, reason });
    grantObjects(this.role, { bucket, prefix: props.runsPrefix, actions, list: true, writes: true, reason });
    allow(this.role, {
      actions: ['s3:PutObject'], resources: [bucket.arnForObjects('*_$folder$')], because: 'Markers that the file system of Glue leaves for folders.',
    });
    // The job makes candidates. What exists is decided by the publication step alone.
    this.role.addToPolicy(new iam.PolicyStatement({
      sid: 'PublicationIsNotTheJobs',
      effect: iam.Effect.DENY,
      actions: ['s3:DeleteObject', 's3:PutObject'],
      resources: [
        ...[`${prefix}/*/manifest.json`, `${prefix}/latest.json`],
        ...['slot.json', '*/reading*.json', '*/quality.json'].map((name) => `${props.runsPrefix}/${name}`),
      ].map((key) => bucket.arnForObjects(key)),
    }));
  }

  private grantLogs(stack: Stack): void {
    allow(this.role, {
      actions: ['logs:AssociateKmsKey', 'logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [stack.formatArn({ service: 'logs', resource: 'log-group', resourceName: '/aws-glue/jobs/*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      because: 'Glue names the log groups of jobs after the security configuration and the role.',
    });
    allow(this.role, {
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': 'Glue' } },
      because: 'PutMetricData has no resources; the namespace is the scope.',
    });
  }

  private grantConnection(stack: Stack, source: DataSourceConfig, connectionName: string): void {
    allow(this.role, {
      actions: ['glue:GetConnection'],
      resources: [
        stack.formatArn({ service: 'glue', resource: 'catalog' }),
        stack.formatArn({ service: 'glue', resource: 'connection', resourceName: connectionName }),
      ],
    });
    source.secret?.grantRead(this.role);
    allow(this.role, {
      actions: [
        'ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DescribeRouteTables',
        'ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcAttribute', 'ec2:DescribeVpcEndpoints',
      ],
      resources: ['*'],
      because: 'A connection puts the job into its subnet by a network interface that has no name before.',
    });
    allow(this.role, {
      actions: ['ec2:CreateTags', 'ec2:DeleteTags'],
      resources: [stack.formatArn({ service: 'ec2', resource: 'network-interface', resourceName: '*' })],
      conditions: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['aws-glue-service-resource'] } },
      because: 'Glue marks the network interface that it makes by a tag of its own.',
    });
  }

  private newKey(): kms.Key {
    const key = new kms.Key(this, 'Key', { description: 'Logs of data pipelines', enableKeyRotation: true });
    grantLogs(key);
    return key;
  }
}
