import * as path from 'path';
import { CloudWatchClient, PutMetricDataCommand, SetAlarmStateCommand, StateValue } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { UpdateEndpointWeightsAndCapacitiesCommand } from '@aws-sdk/client-sagemaker';
import { SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { Stack } from 'aws-cdk-lib';
import { DATASET, lineApp, OWN_NAMESPACE } from './line-app';
import { LineTraffic, noise } from './line-traffic';
import { LineView, VersionItem } from './line-view';
import { Execution } from '../../../examples/local/cloud/executions';
import { LocalCloud, LocalCloudOptions } from '../../../examples/local/cloud/local-cloud';
import { StepFunctions } from '../../../examples/local/cloud/step-functions';
import { JsonObject } from '../../../examples/local/cloud/types';
import { SageMaker } from '../../../examples/local/sagemaker/sagemaker';
import { standIns } from '../../../examples/local/stand-ins';
import { Clouds } from '../cloud-support';

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

/** The app of these tests on a local cloud of its own, with those who act on it: a scientist, callers and operators. */
export class LineWorld extends LineView {
  static async start(build: (stack: Stack) => void = lineApp, options: Partial<LocalCloudOptions> = {}): Promise<LineWorld> {
    const clouds = new Clouds();
    try {
      const cloud = await clouds.deploy(build, { standIns: standIns(), enforce: 'everyone', ...options });
      return new LineWorld(clouds, cloud);
    } catch (error) {
      await clouds.stop();
      throw error;
    }
  }

  /** A line whose first version is in production; what was told of it has been read. */
  static async inProduction(build?: (stack: Stack) => void): Promise<LineWorld> {
    const world = await LineWorld.start(build);
    try {
      world.traffic.level = 5;
      await world.publish({ level: 5 });
      await world.merge();
      await world.until(() => !world.releasing);
      await world.news();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  readonly traffic: LineTraffic;
  private commits = 0;
  private datasets = 0;

  private constructor(private readonly clouds: Clouds, cloud: LocalCloud) {
    super(cloud);
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
      dataset: DATASET,
      version,
      createdAt: this.cloud.clock.now().toISOString(),
      schema: columns.map((name) => ({ name, type: 'double' })),
      target: 'y',
      splits,
      split: { method: 'hash', share: 1 / 3 },
      contentHash: version,
      sources: [],
      quality: { rules: [] },
      parent: null,
      run: version,
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

  in(hours: number): Date {
    return new Date(this.cloud.clock.now().getTime() + hours * 3_600_000);
  }

  /** Changes the size of the fleet in production. */
  async scale(DesiredInstanceCount: number): Promise<void> {
    await this.sagemaker.send(new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: this.out.Endpoint, DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount }],
    }));
    await this.until(async () => (await this.endpoint())!.status === 'InService');
  }

  /** Publishes a figure that one of the operator's alarms is about. */
  async measure(alarm: string, value: number): Promise<void> {
    await this.cloud.client(CloudWatchClient).send(new PutMetricDataCommand({
      Namespace: OWN_NAMESPACE, MetricData: [{ MetricName: alarm, Value: value, Timestamp: this.cloud.clock.now() }],
    }));
  }

  async setAlarm(AlarmName: string, state: StateValue): Promise<void> {
    await this.cloud.client(CloudWatchClient).send(new SetAlarmStateCommand({ AlarmName, StateValue: state, StateReason: 'the operator says so' }));
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

  /** Copies of requests fail on the way to the shadow; the answer ends it. */
  breakShadow(): () => void {
    return this.cloud.find(SageMaker).injectFault({ endpointName: this.out.Endpoint, kind: 'error', shadow: true });
  }

  /** A bug of the scientist's: the server comes up once, and not again. */
  get startsOnce(): { bug: string } {
    return { bug: `start again:${path.join(this.cloud.folders.temp, `started-${this.commits}`)}` };
  }

  /** The version's deployment fails, and so does the way back from it; the answer ends it. */
  breakEndpoint({ version }: VersionItem): () => void {
    return this.cloud.find(SageMaker).injectFault({
      endpointName: this.out.Endpoint, endpointConfigNameContains: `-${version.replaceAll('.', '-')}-`, kind: 'failure',
    });
  }

  /** Gives the release slot to somebody else. */
  async giveSlot(execution: string): Promise<void> {
    await this.cloud.client(DynamoDBClient).send(new UpdateItemCommand({
      TableName: this.out.Ledger,
      Key: { pk: { S: 'RELEASE' }, sk: { S: 'SLOT' } },
      UpdateExpression: 'SET #execution = :execution',
      ExpressionAttributeNames: { '#execution': 'execution' },
      ExpressionAttributeValues: { ':execution': { S: execution } },
    }));
  }

  /** The version's new fleet fails requests that callers wait for; the answer ends it. */
  breakFleet({ version }: VersionItem): () => void {
    return this.cloud.find(SageMaker).injectFault({ endpointConfigNameContains: `-${version.replaceAll('.', '-')}-`, kind: 'error' });
  }
}
