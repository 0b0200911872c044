import { mkdtempSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';
import {
  ApplicationAutoScalingClient, DescribeScalableTargetsCommand, DescribeScalingPoliciesCommand, DescribeScheduledActionsCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { CloudWatchClient, DescribeAlarmsCommand, SetAlarmStateCommand, StateValue } from '@aws-sdk/client-cloudwatch';
import {
  CreateModelPackageCommand, CreateModelPackageGroupCommand, DescribeEndpointCommand, DescribeEndpointConfigCommand, ListEndpointConfigsCommand,
  ListModelsCommand, SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { App, aws_cloudwatch as cloudwatch, aws_ecr as ecr, aws_kms as kms, aws_s3 as s3, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { LocalCloud } from '../../../examples/local/cloud/local-cloud';
import { StepFunctions } from '../../../examples/local/cloud/step-functions';
import { JsonObject } from '../../../examples/local/cloud/types';
import { pack } from '../../../examples/local/sagemaker/archive';
import { SageMaker } from '../../../examples/local/sagemaker/sagemaker';
import { standIns } from '../../../examples/local/stand-ins';
import { CanaryRelease, CanaryReleaseOptions, IModelEndpoint, ModelEndpoint, ModelEndpointProps, ObservationStore } from '../../../src';
import { ownPrefix } from '../../../src/domain/release-names';
import { Clouds } from '../cloud-support';

export const ENDPOINT = 'shop';
/** Alarms of the operator's: one that guards releases, one on quality. */
export const GUARD = 'Guard';
export const QUALITY = 'Quality';
const GROUP = 'Shop';

export interface ShiftApp {
  readonly endpoint: (props?: Partial<ModelEndpointProps>) => ModelEndpoint;
  /** The same endpoint, as a later version of the stack has it. */
  readonly changed: (endpoint: ModelEndpoint, id: string, change: Partial<ModelEndpointProps>) => IModelEndpoint;
  readonly release: (id: string, endpoint: IModelEndpoint, options: CanaryReleaseOptions) => void;
  readonly guard: cloudwatch.IAlarm;
  readonly quality: cloudwatch.IAlarm;
}

export type Answer = JsonObject & { outcome: string; reason: string; endpointConfigName: string };

/** An endpoint on a local cloud, ways to release to it, and nothing else. */
export class ShiftWorld {
  static async start(build: (app: ShiftApp) => void): Promise<ShiftWorld> {
    const clouds = new Clouds();
    try {
      const cloud = await clouds.deploy((stack) => deploy(stack, build), { standIns: standIns() });
      const world = new ShiftWorld(clouds, cloud);
      cloud.images.set(`${world.output('Repository')}:1`, path.join(__dirname, '..', 'tiny-image'));
      await cloud.client(SageMakerClient).send(new CreateModelPackageGroupCommand({ ModelPackageGroupName: GROUP }));
      return world;
    } catch (error) {
      await clouds.stop();
      throw error;
    }
  }

  private versions = 0;

  private constructor(private readonly clouds: Clouds, readonly cloud: LocalCloud) {}

  async stop(): Promise<void> {
    await this.clouds.stop();
  }

  get sagemaker(): SageMakerClient {
    return this.cloud.client(SageMakerClient);
  }

  /** Starts a release of a new version; the answer is there once it has ended. */
  async start(release: string): Promise<{ version: string; ended: () => Promise<Answer> }> {
    const version = `V1.0.${this.versions += 1}`;
    const modelPackageArn = await this.register(version);
    const { executionArn } = await this.cloud.client(SFNClient).send(new StartExecutionCommand({
      stateMachineArn: this.output(release), input: JSON.stringify({ version, modelPackageArn }),
    }));
    const execution = this.cloud.find(StepFunctions).executions.get(executionArn!)!;
    return {
      version,
      ended: async () => {
        await this.until(() => execution.status !== 'RUNNING');
        if (execution.status !== 'SUCCEEDED') throw new Error(`the release ended ${execution.status}: ${JSON.stringify(execution.describe())}`);
        return JSON.parse(execution.output!) as Answer;
      },
    };
  }

  async release(release: string): Promise<Answer> {
    return (await this.start(release)).ended();
  }

  async until(reached: () => boolean | Promise<boolean>, hours = 24): Promise<void> {
    const { clock } = this.cloud;
    await clock.settle();
    if (!await clock.advanceUntil(reached, new Date(clock.now().getTime() + hours * 3_600_000))) throw new Error(`not reached: ${reached.toString()}`);
  }

  async minutes(count: number): Promise<void> {
    await this.cloud.clock.advanceTo(new Date(this.cloud.clock.now().getTime() + count * 60_000));
  }

  /** So many requests in each of the next minutes; answers how many of them failed. */
  async ask(minutes: number, each: number): Promise<number> {
    let failed = 0;
    for (let minute = 0; minute < minutes; minute += 1) {
      for (let i = 0; i < each; i += 1) {
        await this.cloud.client(SageMakerRuntimeClient).send(new InvokeEndpointCommand({ EndpointName: ENDPOINT, Body: '1', ContentType: 'text/csv' }))
          .catch(() => { failed += 1; });
      }
      await this.minutes(1);
    }
    return failed;
  }

  /** The shares of the requests that a config's fleet has answered, one after the other. */
  shares(config: string): number[] {
    const shifts = this.cloud.find(SageMaker).traffic.shifts.filter(({ endpoint }) => endpoint === ENDPOINT);
    const shares = shifts.map((shift) => shift.shares[config] ?? 0);
    return shares.filter((share, i) => share > 0 && share !== shares[i - 1]);
  }

  /** The share that fleets of a version take now. */
  shareOf(version: string): number {
    const now = this.cloud.find(SageMaker).traffic.shifts.filter(({ endpoint }) => endpoint === ENDPOINT).at(-1)?.shares ?? {};
    return Object.entries(now).filter(([config]) => config.includes(version.replaceAll('.', '-'))).reduce((sum, [, share]) => sum + share, 0);
  }

  async serving(): Promise<{ config: string; status: string; instances: number; type: string }> {
    const endpoint = await this.sagemaker.send(new DescribeEndpointCommand({ EndpointName: ENDPOINT }));
    const config = await this.sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: endpoint.EndpointConfigName }));
    return {
      config: endpoint.EndpointConfigName!,
      status: endpoint.EndpointStatus!,
      instances: endpoint.ProductionVariants![0].DesiredInstanceCount!,
      type: config.ProductionVariants![0].InstanceType!,
    };
  }

  /** Names of configs and models that carry a version. */
  async hosted(version: string): Promise<string[]> {
    const NameContains = version.replaceAll('.', '-');
    const { EndpointConfigs } = await this.sagemaker.send(new ListEndpointConfigsCommand({ NameContains }));
    const { Models } = await this.sagemaker.send(new ListModelsCommand({ NameContains }));
    return [...(EndpointConfigs ?? []).map((each) => each.EndpointConfigName!), ...(Models ?? []).map((each) => each.ModelName!)];
  }

  /** Alarms of releases. */
  async alarms(): Promise<string[]> {
    const { MetricAlarms } = await this.cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({ AlarmNamePrefix: ownPrefix(ENDPOINT) }));
    return (MetricAlarms ?? []).map(({ AlarmName }) => AlarmName!);
  }

  async setAlarm(AlarmName: string, state: StateValue): Promise<void> {
    await this.cloud.client(CloudWatchClient).send(new SetAlarmStateCommand({ AlarmName, StateValue: state, StateReason: 'the operator says so' }));
    await this.cloud.clock.settle();
  }

  /** How production is scaled: bounds, policies with what they aim at, and schedules. */
  async scaling(): Promise<{ bounds: number[]; policies: Record<string, number>; schedules: string[] }> {
    const client = this.cloud.client(ApplicationAutoScalingClient);
    const of = { ServiceNamespace: 'sagemaker', ResourceId: `endpoint/${ENDPOINT}/variant/AllTraffic` } as const;
    const { ScalableTargets } = await client.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker', ResourceIds: [of.ResourceId] }));
    const { ScalingPolicies } = await client.send(new DescribeScalingPoliciesCommand(of));
    const { ScheduledActions } = await client.send(new DescribeScheduledActionsCommand(of));
    return {
      bounds: (ScalableTargets ?? []).flatMap(({ MinCapacity, MaxCapacity }) => [MinCapacity!, MaxCapacity!]),
      policies: Object.fromEntries((ScalingPolicies ?? [])
        .map((policy) => [policy.PolicyName!, policy.TargetTrackingScalingPolicyConfiguration?.TargetValue ?? 0])),
      schedules: (ScheduledActions ?? []).map(({ ScheduledActionName }) => ScheduledActionName!),
    };
  }

  /** Requests to fleets of the config fail. The answer ends it. */
  breakFleet(endpointConfigNameContains: string): () => void {
    return this.cloud.find(SageMaker).injectFault({ endpointConfigNameContains, kind: 'error' });
  }

  private output(name: string): string {
    return this.cloud.outputs.get('Test')![`Out${name}`];
  }

  private async register(version: string): Promise<string> {
    const folder = mkdtempSync(path.join(this.cloud.folders.temp, 'model-'));
    writeFileSync(path.join(folder, 'model.json'), JSON.stringify({ offset: this.versions }));
    await pack(this.cloud.python, folder, `${folder}.tar.gz`);
    const bucket = this.output('Artifacts');
    await this.cloud.s3.put(bucket, `${version}.tar.gz`, readFileSync(`${folder}.tar.gz`));
    const { ModelPackageArn } = await this.sagemaker.send(new CreateModelPackageCommand({
      ModelPackageGroupName: GROUP,
      InferenceSpecification: {
        Containers: [{ Image: `${this.output('Repository')}:1`, ModelDataUrl: `s3://${bucket}/${version}.tar.gz` }],
        SupportedContentTypes: ['text/csv'],
        SupportedResponseMIMETypes: ['text/csv'],
      },
    }));
    return ModelPackageArn!;
  }
}

function deploy(stack: Stack, build: (app: ShiftApp) => void): void {
  const key = new kms.Key(stack, 'Key', { removalPolicy: RemovalPolicy.DESTROY });
  const artifacts = new s3.Bucket(stack, 'Artifacts', { encryption: s3.BucketEncryption.KMS, encryptionKey: key });
  const repository = new ecr.Repository(stack, 'Repository');
  const observations = new ObservationStore(stack, 'Observations', { encryptionKey: key, removalPolicy: RemovalPolicy.DESTROY });
  const alarm = (alarmName: string) => new cloudwatch.Alarm(stack, alarmName, {
    alarmName,
    metric: new cloudwatch.Metric({ namespace: 'Operator', metricName: alarmName }),
    threshold: 1,
    evaluationPeriods: 1,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  new CfnOutput(stack, 'OutArtifacts', { value: artifacts.bucketName });
  new CfnOutput(stack, 'OutRepository', { value: repository.repositoryUri });
  build({
    endpoint: (props) => {
      const endpoint = new ModelEndpoint(stack, 'Endpoint', { endpointName: ENDPOINT, observations, ...props });
      endpoint.allowModelsFrom(artifacts, repository);
      return endpoint;
    },
    changed: ({ executionRole }, id, change) => {
      // another synthesis: two endpoints of one cannot have one name
      const later = new Stack(new App(), stack.stackName, { env: { account: stack.account, region: stack.region } });
      return new ModelEndpoint(later, id, { endpointName: ENDPOINT, observations, executionRole, ...change });
    },
    release: (id, endpoint, options) => {
      new CfnOutput(stack, `Out${id}`, { value: new CanaryRelease(stack, id, { endpoint, ...options }).stateMachine.stateMachineArn });
    },
    guard: alarm(GUARD),
    quality: alarm(QUALITY),
  });
}
