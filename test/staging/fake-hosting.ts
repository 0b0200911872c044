import { ApplicationAutoScalingClient, DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import { CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmHistoryCommand, DescribeAlarmsCommand, GetMetricDataCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand, CreateEndpointConfigCommand, CreateModelCommand, DeleteEndpointCommand, DeleteEndpointConfigCommand, DeleteModelCommand,
  DescribeEndpointCommand, DescribeEndpointConfigCommand, DescribeModelPackageCommand, SageMakerClient, UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { mockClient } from 'aws-sdk-client-mock';
import { AwsTaskError } from './machine-runner';
import { HostingSettings } from '../../src/staging/hosting-plan';

/** An endpoint as releases see it. */
export const HOSTING: HostingSettings = {
  endpointName: 'temperature',
  executionRoleArn: 'arn:aws:iam::111122223333:role/model',
  productionVariantName: 'AllTraffic',
  shadowVariantName: 'Shadow',
  instanceType: 'ml.m5.large',
  instanceCount: 2,
  bucketName: 'observations',
};

type Settled = (config: string) => void;
type Answer = (payload: string) => string;
export type Outcome = 'succeeds' | 'rolls back' | 'breaks';

interface Config {
  EndpointConfigName: string;
  ProductionVariants: { VariantName: string; ModelName: string; InitialInstanceCount?: number }[];
  ShadowProductionVariants?: object[];
}
interface Endpoint { status: string; config: string; pending?: string; polls: number; failureReason?: string }

/** SageMaker hosting, S3 and alarms in memory, behind mocked SDK clients: what handlers see of the cloud. */
export class FakeHosting {
  public readonly sagemaker = mockClient(SageMakerClient);
  public readonly runtime = mockClient(SageMakerRuntimeClient);
  public readonly s3 = mockClient(S3Client);
  public readonly cloudwatch = mockClient(CloudWatchClient);
  /** Nothing is registered there. */
  public readonly scaling = mockClient(ApplicationAutoScalingClient);
  public readonly endpoints = new Map<string, Endpoint>();
  public readonly configs = new Map<string, Config>();
  public readonly models = new Map<string, object>();
  public readonly objects = new Map<string, string>();
  public readonly alarms = new Map<string, { StateValue: string; StateReason?: string; StateTransitionedTimestamp?: Date }>();
  /** Changes of alarms that are not told by their present state. */
  public readonly alarmHistory: { AlarmName: string; Timestamp: Date; HistoryData: string }[] = [];
  /** Every config that an endpoint was asked to go to, in order. */
  public readonly moves: string[] = [];
  /** Every staging endpoint that was created. */
  public readonly staged: string[] = [];
  /** What models answer: what they were asked where absent. */
  public answer?: Answer;
  /** How an update to a config ends, by a pattern of its name. Updates succeed where none matches. */
  public readonly outcomes: [RegExp, Outcome][] = [];
  public metrics: Record<string, number[]> = {};
  public packageFacts: Record<string, string> = { version: 'V1.0.1', mse: '4', rmse: '2', mae: '1.5', r2: '0.9' };
  public instanceCount = 2;
  /** Called when an update has ended. */
  public onSettled?: Settled;

  constructor() {
    const already = (what: string) => new AwsTaskError('ValidationException', `Cannot create already existing ${what}`);
    const absent = (what: string) => new AwsTaskError('ValidationException', `Could not find ${what}`);
    this.sagemaker.on(DescribeModelPackageCommand).callsFake((input: { ModelPackageName: string }) => ({
      ModelPackageVersion: Number(input.ModelPackageName.split('/').pop()),
      CustomerMetadataProperties: this.packageFacts,
      InferenceSpecification: { Containers: [{ Image: 'image:abc', ImageDigest: 'sha256:1', ModelDataUrl: 's3://artifacts/model.tar.gz' }] },
    }));
    this.sagemaker.on(CreateModelCommand).callsFake((input: { ModelName: string }) => {
      if (this.models.has(input.ModelName)) throw already('model');
      this.models.set(input.ModelName, input);
      return {};
    });
    this.sagemaker.on(CreateEndpointConfigCommand).callsFake((input: Config) => {
      if (this.configs.has(input.EndpointConfigName)) throw already('endpoint configuration');
      this.configs.set(input.EndpointConfigName, input);
      return {};
    });
    this.sagemaker.on(DescribeEndpointConfigCommand).callsFake((input: { EndpointConfigName: string }) => {
      const config = this.configs.get(input.EndpointConfigName);
      if (config === undefined) throw absent('endpoint configuration');
      return config;
    });
    this.sagemaker.on(DescribeEndpointCommand).callsFake((input: { EndpointName: string }) => this.describe(input.EndpointName));
    this.sagemaker.on(CreateEndpointCommand).callsFake((input: { EndpointName: string; EndpointConfigName: string }) => {
      if (this.endpoints.has(input.EndpointName)) throw already('endpoint');
      (input.EndpointName.endsWith('-staging') ? this.staged : this.moves).push(input.EndpointConfigName);
      this.endpoints.set(input.EndpointName, { status: 'Creating', config: input.EndpointConfigName, pending: input.EndpointConfigName, polls: 0 });
      return {};
    });
    this.sagemaker.on(UpdateEndpointCommand).callsFake((input: { EndpointName: string; EndpointConfigName: string }) => {
      const endpoint = this.endpoints.get(input.EndpointName);
      if (endpoint === undefined) throw absent('endpoint');
      if (!this.configs.has(input.EndpointConfigName)) throw absent('endpoint configuration');
      if (endpoint.status !== 'InService') throw new AwsTaskError('ValidationException', 'Cannot update in-progress endpoint');
      this.moves.push(input.EndpointConfigName);
      this.endpoints.set(input.EndpointName, { ...endpoint, status: 'Updating', pending: input.EndpointConfigName, polls: 0, failureReason: undefined });
      return {};
    });
    this.sagemaker.on(DeleteModelCommand).callsFake((input: { ModelName: string }) => {
      if (!this.models.delete(input.ModelName)) throw absent('model');
      return {};
    });
    this.sagemaker.on(DeleteEndpointConfigCommand).callsFake((input: { EndpointConfigName: string }) => {
      if (!this.configs.delete(input.EndpointConfigName)) throw absent('endpoint configuration');
      return {};
    });
    this.sagemaker.on(DeleteEndpointCommand).callsFake((input: { EndpointName: string }) => {
      if (!this.endpoints.delete(input.EndpointName)) throw absent('endpoint');
      return {};
    });
    this.runtime.on(InvokeEndpointCommand).callsFake((input: { EndpointName: string; Body: string }) => {
      if (this.endpoints.get(input.EndpointName)?.status !== 'InService') throw new AwsTaskError('ValidationError', `Endpoint ${input.EndpointName} not found.`);
      return { Body: Buffer.from(this.answer?.(input.Body) ?? input.Body) };
    });
    this.s3.on(PutObjectCommand).callsFake((input: { Key: string; Body: string }) => {
      this.objects.set(input.Key, input.Body);
      return {};
    });
    this.s3.on(GetObjectCommand).callsFake((input: { Key: string }) => {
      const body = this.objects.get(input.Key);
      if (body === undefined) throw new AwsTaskError('NoSuchKey', 'The specified key does not exist.');
      return { Body: { transformToString: async () => body } };
    });
    // in pages of two, by name
    this.s3.on(ListObjectsV2Command).callsFake(({ Prefix, ContinuationToken }: { Prefix: string; ContinuationToken?: string }) => {
      const from = Number(ContinuationToken ?? 0);
      const all = [...this.objects.keys()].filter((key) => key.startsWith(Prefix)).sort();
      const Contents = all.slice(from, from + 2).map((Key) => ({ Key, LastModified: new Date(0) }));
      return from + 2 < all.length ? { Contents, IsTruncated: true, NextContinuationToken: String(from + 2) } : { Contents, IsTruncated: false };
    });
    this.cloudwatch.on(GetMetricDataCommand).callsFake(() => ({
      MetricDataResults: Object.entries(this.metrics).map(([Id, Values]) => ({ Id, Values })),
    }));
    this.cloudwatch.on(PutMetricAlarmCommand).callsFake((input: { AlarmName: string }) => {
      this.alarms.set(input.AlarmName, { StateValue: 'INSUFFICIENT_DATA' });
      return {};
    });
    this.cloudwatch.on(DescribeAlarmsCommand).callsFake((input: { AlarmNames?: string[]; AlarmNamePrefix?: string }) => ({
      MetricAlarms: [...this.alarms].filter(([name]) => input.AlarmNames?.includes(name) ?? name.startsWith(input.AlarmNamePrefix ?? ''))
        .map(([AlarmName, alarm]) => ({ AlarmName, ...alarm })),
      CompositeAlarms: [],
    }));
    this.cloudwatch.on(DescribeAlarmHistoryCommand).callsFake((input: { AlarmName: string; StartDate: Date }) => ({
      AlarmHistoryItems: this.alarmHistory.filter(({ AlarmName, Timestamp }) => AlarmName === input.AlarmName && Timestamp >= input.StartDate),
    }));
    this.scaling.on(DescribeScalableTargetsCommand).resolves({ ScalableTargets: [] });
    this.cloudwatch.on(DeleteAlarmsCommand).callsFake((input: { AlarmNames: string[] }) => {
      input.AlarmNames.forEach((name) => this.alarms.delete(name));
      return {};
    });
  }

  /** An endpoint that serves a version, deployed as this library does. */
  public serving(endpointName: string, version: string, options: { variant?: string; capturedIn?: string } = {}): string {
    const config = `${endpointName}-${version.replace(/\./g, '-')}-00000000`;
    this.configs.set(config, {
      EndpointConfigName: config,
      ProductionVariants: [{ VariantName: options.variant ?? 'AllTraffic', ModelName: config, InitialInstanceCount: 2, ...{ InstanceType: 'ml.m5.large' } }],
      ...{ DataCaptureConfig: { EnableCapture: true, DestinationS3Uri: `s3://${options.capturedIn ?? 'observations'}/captures/${config}` } },
    });
    this.models.set(config, {});
    this.objects.set(`deployments/${config}.jsonl`, `${JSON.stringify({ config_name: config, variant: 'AllTraffic', version, rmse: 3 })}\n`);
    this.endpoints.set(endpointName, { status: 'InService', config, polls: 0 });
    return config;
  }

  /** `DescribeEndpoint`; an update settles at the second look. */
  public describe(endpointName: string): object {
    const endpoint = this.endpoints.get(endpointName);
    if (endpoint === undefined) throw new AwsTaskError('ValidationException', `Could not find endpoint "${endpointName}".`);
    if (endpoint.pending !== undefined && (endpoint.polls += 1) > 1) this.settle(endpoint);
    return {
      EndpointName: endpointName,
      EndpointStatus: endpoint.status,
      EndpointConfigName: endpoint.config,
      ...(endpoint.pending === undefined ? {} : { PendingDeploymentSummary: { EndpointConfigName: endpoint.pending } }),
      ...(endpoint.failureReason === undefined ? {} : { FailureReason: endpoint.failureReason }),
      ProductionVariants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: this.instanceCount }],
    };
  }

  private settle(endpoint: Endpoint): void {
    const wanted = endpoint.pending ?? '';
    const outcome = this.outcomes.find(([pattern]) => pattern.test(wanted))?.[1] ?? 'succeeds';
    const first = endpoint.status === 'Creating';
    endpoint.pending = undefined;
    endpoint.status = outcome === 'breaks' || (first && outcome !== 'succeeds') ? 'Failed' : 'InService';
    if (outcome === 'succeeds') endpoint.config = wanted;
    else endpoint.failureReason = 'the container did not pass the ping health check';
    this.onSettled?.(wanted);
  }

  public restore(): void {
    [this.sagemaker, this.runtime, this.s3, this.cloudwatch, this.scaling].forEach((client) => client.restore());
  }
}
