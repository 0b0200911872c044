import * as path from 'path';
import { CloudWatchClient, DescribeAlarmsCommand, PutMetricDataCommand, SetAlarmStateCommand, StateValue } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DescribeEndpointCommand, DescribeModelPackageCommand, ListEndpointConfigsCommand, ListModelsCommand, SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { DATASET, lineApp, LineOutputs, OUTPUTS, OWN_NAMESPACE } from './line-app';
import { LineTraffic } from './line-traffic';
import { Execution } from '../../../examples/local/cloud/executions';
import { LocalCloud } from '../../../examples/local/cloud/local-cloud';
import { Notifications } from '../../../examples/local/cloud/notifications';
import { StepFunctions } from '../../../examples/local/cloud/step-functions';
import { JsonObject } from '../../../examples/local/cloud/types';
import { SageMaker } from '../../../examples/local/sagemaker/sagemaker';
import { standIns } from '../../../examples/local/stand-ins';
import { Clouds } from '../cloud-support';

export interface VersionItem {
  readonly version: string;
  readonly stage: string;
  readonly reason: string;
  readonly cause: string;
  readonly commit: string;
  readonly dataset: string;
  readonly order: number;
  readonly status: string;
  readonly modelPackageArn: string;
  readonly history: { readonly stage: string; readonly reason: string }[];
}

/** How the points of a dataset lie: y = 2 x + level, and a little noise. */
export interface Points {
  readonly level: number;
  /** Of the holdout, where it differs. */
  readonly holdoutLevel?: number;
}

const IMAGE = path.join(__dirname, 'line-image');
const SPEC = { tag: '1', target: 'y', features: ['x'], hyperparameters: {} as Record<string, unknown> };
/** No workflow of these tests takes longer. */
const LONGEST_HOURS = 120;

/** The app of these tests on a local cloud of its own, with what an operator sees of it. */
export class LineWorld {
  static async start(): Promise<LineWorld> {
    const clouds = new Clouds();
    try {
      const cloud = await clouds.deploy(lineApp, { standIns: standIns() });
      return new LineWorld(clouds, cloud);
    } catch (error) {
      await clouds.stop();
      throw error;
    }
  }

  readonly out: LineOutputs;
  readonly traffic: LineTraffic;
  private commits = 0;
  private datasets = 0;
  private mailsRead = 0;

  private constructor(private readonly clouds: Clouds, readonly cloud: LocalCloud) {
    const outputs = cloud.outputs.get('Test')!;
    this.out = Object.fromEntries(OUTPUTS.map((name) => [name, outputs[`Out${name}`]])) as LineOutputs;
    this.traffic = new LineTraffic(cloud, this.out);
  }

  async stop(): Promise<void> {
    await this.clouds.stop();
  }

  /** Publishes a version of the dataset, as a data pipeline would; answers its number. */
  async publish(points: Points, { announced = true, columns = ['x', 'y'] } = {}): Promise<string> {
    const version = `d${String(this.datasets += 1).padStart(4, '0')}`;
    const { s3 } = this.cloud;
    const folder = `datasets/${DATASET}/${version}`;
    const uri = (key: string) => `s3://${this.out.Curated}/${key}`;
    const split = async (name: string, level: number, rows: number) => {
      const lines = Array.from({ length: rows }, (_, i) => `${i % 20},${2 * (i % 20) + level + noise(i)}`);
      await s3.put(this.out.Curated, `${folder}/${name}/part-0.csv`, ['x,y', ...lines].join('\n'));
      return { uri: uri(`${folder}/${name}/`), rows };
    };
    const splits = { train: await split('train', points.level, 80), holdout: await split('holdout', points.holdoutLevel ?? points.level, 40) };
    await s3.put(this.out.Curated, `${folder}/manifest.json`, JSON.stringify({
      dataset: DATASET, version, createdAt: this.cloud.clock.now().toISOString(), schema: columns.map((name) => ({ name, type: 'double' })), target: 'y', splits,
      split: { method: 'hash', share: 1 / 3 }, contentHash: version, sources: [], quality: { rules: [] }, parent: null, run: version,
    }));
    const manifestUri = uri(`${folder}/manifest.json`);
    await s3.put(this.out.Curated, `datasets/${DATASET}/latest.json`, JSON.stringify({ version, manifestUri }));
    if (announced) await this.announce(version);
    return version;
  }

  /** Tells of a version of the dataset. */
  async announce(version: string): Promise<void> {
    const detail: JsonObject = { dataset: DATASET, version, manifestUri: '', contentHash: version, trainRows: 80, holdoutRows: 40, time: this.cloud.clock.now().toISOString() };
    await this.tell('DatasetPublished', detail);
  }

  /** Puts an event of the library. */
  async tell(type: string, detail: JsonObject): Promise<void> {
    await this.cloud.client(EventBridgeClient).send(new PutEventsCommand({ Entries: [{ Source: 'cdk-mlops', DetailType: type, Detail: JSON.stringify(detail) }] }));
    await this.cloud.clock.settle();
  }

  /** What the delivery pipeline hands over for a commit whose image has been built. */
  built(hyperparameters: Record<string, unknown> = {}, features = ['x']): JsonObject {
    const commit = `c${String(this.commits += 1).padStart(4, '0')}`;
    const imageUri = `${this.out.Repository}:${commit}`;
    this.cloud.images.set(imageUri, IMAGE);
    return { commit, imageUri, spec: { ...SPEC, features, hyperparameters } as JsonObject };
  }

  /** Trains what was built, to the end; answers the execution. */
  async train(input: JsonObject): Promise<Execution> {
    const execution = await this.start(this.out.Training, input);
    await this.trained();
    return execution;
  }

  /** Lets time go by until every training has ended; answers the last. */
  async trained(): Promise<Execution> {
    await this.until(() => this.executions(this.out.Training).every(({ status }) => status !== 'RUNNING'));
    return this.executions(this.out.Training).at(-1)!;
  }

  /** Merges and trains; answers the version that came of it, which is not yet released. */
  async merge(hyperparameters: Record<string, unknown> = {}): Promise<VersionItem> {
    const execution = await this.train(this.built(hyperparameters));
    if (execution.status !== 'SUCCEEDED') throw new Error(`the training ended ${execution.status}: ${JSON.stringify(execution.describe())}`);
    return this.version(String((JSON.parse(execution.output!) as JsonObject).version));
  }

  async start(stateMachineArn: string, input: JsonObject): Promise<Execution> {
    const { executionArn } = await this.cloud.client(SFNClient).send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }));
    return this.cloud.find(StepFunctions).executions.get(executionArn!)!;
  }

  /** Stops an execution, as an administrator could. */
  async abort(executionArn: string): Promise<void> {
    await this.cloud.client(SFNClient).send(new StopExecutionCommand({ executionArn }));
  }

  /** Executions of a state machine, oldest first. */
  executions(stateMachineArn: string): Execution[] {
    return [...this.cloud.find(StepFunctions).executions.values()].filter(({ machine }) => machine.arn === stateMachineArn);
  }

  /** Lets time go by, without a request, until something is so. */
  async until(reached: () => boolean | Promise<boolean>, hours = LONGEST_HOURS): Promise<void> {
    if (!await this.cloud.clock.advanceUntil(reached, this.in(hours))) throw new Error(`not reached within ${hours} hours: ${reached.toString()}`);
  }

  /** Plays requests and their labels until no training and no release is under way. */
  async released(): Promise<void> {
    await this.trained();
    await this.traffic.playUntil(() => !this.releasing, this.in(LONGEST_HOURS));
    await this.cloud.clock.settle();
  }

  get releasing(): boolean {
    return [this.out.Release, this.out.Recovery].some((arn) => this.executions(arn).some(({ status }) => status === 'RUNNING'));
  }

  in(hours: number): Date {
    return new Date(this.cloud.clock.now().getTime() + hours * 3_600_000);
  }

  async versions(): Promise<VersionItem[]> {
    return (await this.items<VersionItem>('VERSION')).sort((a, b) => a.order - b.order);
  }

  async version(version: string): Promise<VersionItem> {
    const found = (await this.versions()).find((one) => one.version === version);
    if (found === undefined) throw new Error(`the ledger has no version ${version}`);
    return found;
  }

  rejections(): Promise<{ run: string; commit: string; dataset: string; stage: string; reason: string }[]> {
    return this.items('REJECTED');
  }

  async champion(): Promise<string | undefined> {
    return (await this.items<{ version: string }>('CHAMPION'))[0]?.version;
  }

  /** The slot and what waits for it. */
  async queue(): Promise<string[]> {
    return (await this.items<{ sk: string; version: string }>('RELEASE')).filter(({ sk }) => sk !== 'LASTGOOD').map(({ sk, version }) => `${sk.replace(/#.*/, '')} ${version}`);
  }

  /** Approval and stage of the version's model package. */
  async registered({ modelPackageArn }: VersionItem): Promise<{ approval?: string; stage?: string; status?: string; verdict?: string }> {
    const answer = await this.sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName: modelPackageArn }));
    return {
      approval: answer.ModelApprovalStatus, stage: answer.ModelLifeCycle?.Stage, status: answer.ModelLifeCycle?.StageStatus, verdict: answer.CustomerMetadataProperties?.verdict,
    };
  }

  /** What the endpoint serves, or undefined where there is none. */
  async endpoint(): Promise<{ status?: string; config?: string; shadows: number; pending: boolean } | undefined> {
    try {
      const answer = await this.sagemaker.send(new DescribeEndpointCommand({ EndpointName: this.out.Endpoint }));
      return {
        status: answer.EndpointStatus,
        config: answer.EndpointConfigName,
        shadows: answer.ShadowProductionVariants?.length ?? 0,
        pending: answer.PendingDeploymentSummary !== undefined,
      };
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('Could not find endpoint')) return undefined;
      throw error;
    }
  }

  /** Names of configs and models that carry a version. */
  async hosted({ version }: VersionItem): Promise<string[]> {
    const NameContains = version.replaceAll('.', '-');
    const { EndpointConfigs } = await this.sagemaker.send(new ListEndpointConfigsCommand({ NameContains }));
    const { Models } = await this.sagemaker.send(new ListModelsCommand({ NameContains }));
    return [...(EndpointConfigs ?? []).map(({ EndpointConfigName }) => `config ${EndpointConfigName}`), ...(Models ?? []).map(({ ModelName }) => `model ${ModelName}`)];
  }

  /** Names of all alarms. */
  async alarms(): Promise<string[]> {
    const { MetricAlarms } = await this.cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({}));
    return (MetricAlarms ?? []).map(({ AlarmName }) => AlarmName ?? '').sort();
  }

  /** Publishes a figure that one of the operator's alarms is about. */
  async measure(alarm: string, value: number): Promise<void> {
    await this.cloud.client(CloudWatchClient).send(new PutMetricDataCommand({
      Namespace: OWN_NAMESPACE, MetricData: [{ MetricName: alarm, Value: value, Timestamp: this.cloud.clock.now() }],
    }));
  }

  async setAlarm(AlarmName: string, StateValue: StateValue): Promise<void> {
    await this.cloud.client(CloudWatchClient).send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'the operator says so' }));
    await this.cloud.clock.settle();
  }

  /** Publishes the figure every minute; the answer ends it. */
  keepMeasuring(alarm: string, value: number): () => void {
    let cancel = (): void => undefined;
    const again = async (): Promise<void> => {
      cancel = this.cloud.clock.after(60_000, again, `figure of ${alarm}`);
      await this.measure(alarm, value);
    };
    cancel = this.cloud.clock.after(60_000, again, `figure of ${alarm}`);
    return () => cancel();
  }

  /** The version's new fleet fails requests that callers wait for; the answer ends it. */
  breakFleet({ version }: VersionItem): () => void {
    return this.cloud.find(SageMaker).injectFault({ endpointConfigNameContains: `-${version.replaceAll('.', '-')}-`, kind: 'error' });
  }

  /** Events of the library and alerts since this was asked last. */
  async news(): Promise<{ events: { type: string; detail: JsonObject }[]; alerts: string[] }> {
    await this.cloud.clock.settle();
    const mails = this.cloud.find(Notifications).mails.slice(this.mailsRead);
    this.mailsRead += mails.length;
    const events = mails.filter(({ topic }) => topic === 'events').map(({ message }) => JSON.parse(message) as JsonObject);
    return {
      events: events.map((event) => ({ type: String(event['detail-type']), detail: event.detail as JsonObject })),
      alerts: mails.filter(({ topic }) => topic !== 'events').map(({ message }) => message),
    };
  }

  get sagemaker(): SageMakerClient {
    return this.cloud.client(SageMakerClient);
  }

  private async items<T>(partition: string): Promise<T[]> {
    const { Items } = await this.cloud.client(DynamoDBClient).send(new QueryCommand({
      TableName: this.out.Ledger, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: partition } }, ConsistentRead: true,
    }));
    return (Items ?? []).map((item) => unmarshall(item) as T);
  }
}

/** The same on every run, with a mean of about 0 and a variance of about 1. */
export function noise(i: number): number {
  const turn = Math.sin((i + 1) * 12.9898) * 43758.5453;
  return (turn - Math.floor(turn) - 0.5) * Math.sqrt(12);
}
