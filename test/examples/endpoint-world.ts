import { mkdtempSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';
import { CloudWatchClient, DescribeAlarmsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  CreateEndpointCommand, CreateEndpointConfigCommand, CreateModelCommand, CreateModelPackageCommand, DescribeEndpointCommand,
  ListEndpointConfigsCommand, ListModelsCommand, SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { ExampleCloud } from './example-cloud';
import { ARTIFACTS, ENDPOINT, GROUP, IMAGE, METRICS, MODEL_ROLE, OBSERVATIONS, ownedEndpoint } from './house-prices';
import { Execution } from '../../examples/local/cloud/executions';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { pack } from '../../examples/local/sagemaker/archive';
import { Clouds } from '../local/cloud-support';

/** The endpoint config that the owner made. */
export const CHAMPION = 'house-prices-by-hand';
const IMAGES = new Map([[IMAGE, path.join(__dirname, '..', 'local', 'tiny-image')]]);

/** Somebody's endpoint with its callers, and one of the examples that imports it. Models answer the sum of a row plus an offset; the truth has none. */
export class EndpointWorld {
  /** The owner's endpoint serves a model that is wrong by 3. */
  static async start(clouds: Clouds, example: string): Promise<EndpointWorld> {
    const world = new EndpointWorld(await ExampleCloud.start(clouds, example, ownedEndpoint, IMAGES));
    const ModelDataUrl = await world.artifact({ offset: 3 });
    await world.sagemaker.send(new CreateModelCommand({
      ModelName: CHAMPION,
      ExecutionRoleArn: world.example.roleArn(MODEL_ROLE),
      PrimaryContainer: { Image: IMAGE, ModelDataUrl },
    }));
    await world.sagemaker.send(new CreateEndpointConfigCommand({
      EndpointConfigName: CHAMPION,
      ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: CHAMPION, InstanceType: 'ml.c5.large', InitialInstanceCount: 4 }],
      DataCaptureConfig: {
        EnableCapture: true,
        InitialSamplingPercentage: 100,
        DestinationS3Uri: `s3://${OBSERVATIONS}/captures/${CHAMPION}`,
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
        CaptureContentTypeHeader: { CsvContentTypes: ['text/csv'] },
      },
    }));
    await world.sagemaker.send(new CreateEndpointCommand({ EndpointName: ENDPOINT, EndpointConfigName: CHAMPION }));
    await world.until(async () => (await world.endpoint()).status === 'InService');
    return world;
  }

  readonly cloud: LocalCloud;
  readonly answered = { well: 0, not: 0 };
  private serial = 0;

  private constructor(readonly example: ExampleCloud) {
    this.cloud = example.cloud;
  }

  /** What a version's evaluation leaves: rows of the holdout with its predictions; answers where. */
  async sample(offset: number): Promise<string> {
    const rows = Array.from({ length: 40 }, (_, i) => JSON.stringify({ payload: `${i},10`, prediction: i + 10 + offset }));
    await this.cloud.s3.put(ARTIFACTS, `evaluation/${offset}/sample.jsonl`, rows.join('\n'));
    return `s3://${ARTIFACTS}/evaluation/${offset}/sample.jsonl`;
  }

  /** A version as anybody registers it; answers its ARN. */
  async package(content: { offset: number; broken?: boolean; exit?: boolean }, metadata: Record<string, string> = {}): Promise<string> {
    const { ModelPackageArn } = await this.sagemaker.send(new CreateModelPackageCommand({
      ModelPackageGroupName: GROUP,
      CustomerMetadataProperties: metadata,
      ModelApprovalStatus: 'Approved',
      InferenceSpecification: {
        Containers: [{ Image: IMAGE, ModelDataUrl: await this.artifact(content) }],
        SupportedContentTypes: ['text/csv'],
        SupportedResponseMIMETypes: ['text/csv'],
      },
    }));
    return ModelPackageArn ?? '';
  }

  /** Starts the example's state machine for a version, as its documentation says. */
  async deliver(modelPackageArn: string): Promise<Execution> {
    return this.example.start('delivery', { modelPackageArn });
  }

  /** So many requests each so many minutes until something is so. Their labels arrive a day later. */
  async call(requests: number, everyMinutes: number, reached: () => boolean, hours: number): Promise<void> {
    const limit = this.example.in(hours);
    while (!reached()) {
      if (this.cloud.clock.now() >= limit) throw new Error(`not reached within ${hours} hours: ${reached.toString()}`);
      const labels: string[] = [];
      await this.cloud.clock.busy(Promise.all(Array.from({ length: requests }, async () => labels.push(await this.request()))), 'requests');
      this.cloud.clock.at(this.example.in(24), () => this.label(labels), 'labels');
      await this.cloud.clock.advanceTo(this.example.in(everyMinutes / 60));
    }
  }

  async until(reached: () => boolean | Promise<boolean>, hours = 100): Promise<void> {
    if (!await this.cloud.clock.advanceUntil(reached, this.example.in(hours))) throw new Error(`not reached within ${hours} hours: ${reached.toString()}`);
  }

  async endpoint(): Promise<{ status?: string; config?: string; shadows: number; instances?: number }> {
    const answer = await this.sagemaker.send(new DescribeEndpointCommand({ EndpointName: ENDPOINT }));
    return {
      status: answer.EndpointStatus,
      config: answer.EndpointConfigName,
      shadows: answer.ShadowProductionVariants?.length ?? 0,
      instances: answer.ProductionVariants?.[0]?.DesiredInstanceCount,
    };
  }

  /** Names of all models and endpoint configs. */
  async hosted(): Promise<string[]> {
    const { EndpointConfigs } = await this.sagemaker.send(new ListEndpointConfigsCommand({}));
    const { Models } = await this.sagemaker.send(new ListModelsCommand({}));
    return [...(EndpointConfigs ?? []).map(({ EndpointConfigName }) => `config ${EndpointConfigName}`), ...(Models ?? []).map(({ ModelName }) => `model ${ModelName}`)].sort();
  }

  async alarms(): Promise<string[]> {
    const { MetricAlarms } = await this.cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({}));
    return (MetricAlarms ?? []).map(({ AlarmName }) => AlarmName ?? '').sort();
  }

  async measure(MetricName: string, Value: number): Promise<void> {
    await this.cloud.client(CloudWatchClient).send(new PutMetricDataCommand({
      Namespace: METRICS, MetricData: [{ MetricName, Value, Timestamp: this.cloud.clock.now() }],
    }));
  }

  /** Lines that were captured of a variant under a config. */
  async captured(config: string, variant: string): Promise<number> {
    const objects = await this.cloud.s3.list(OBSERVATIONS, `captures/${config}/${ENDPOINT}/${variant}/`);
    const bodies = await Promise.all(objects.map(({ key }) => this.cloud.s3.get(OBSERVATIONS, key)));
    return bodies.reduce((sum, body) => sum + body.toString().trimEnd().split('\n').length, 0);
  }

  /** What was written down of the deployment of a config. */
  async deployed(config: string): Promise<Record<string, unknown>[]> {
    const body = await this.cloud.s3.get(OBSERVATIONS, `deployments/${config}.jsonl`);
    return body.toString().trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** What a caller gets for a row. */
  async predict(row: string, InferenceId?: string): Promise<number> {
    const { Body } = await this.cloud.client(SageMakerRuntimeClient).send(new InvokeEndpointCommand({
      EndpointName: ENDPOINT, Body: row, ContentType: 'text/csv', InferenceId,
    }));
    return Number(Buffer.from(Body).toString());
  }

  /** One request; answers its label. */
  private async request(): Promise<string> {
    const serial = this.serial += 1;
    const [rooms, metres, eventId] = [serial % 7, serial % 31, `order-${serial}`];
    await this.predict(`${rooms},${metres}`, eventId).then(() => { this.answered.well += 1; }, () => { this.answered.not += 1; });
    const data = String(rooms + metres + noise(serial));
    return JSON.stringify({ groundTruthData: { data, encoding: 'CSV' }, eventMetadata: { eventId }, eventVersion: '0' });
  }

  private async label(labels: string[]): Promise<void> {
    const now = this.cloud.clock.now().toISOString();
    await this.cloud.s3.put(OBSERVATIONS, `ground-truth/${now.slice(0, 13).replace(/[-T]/g, '/')}/${now.slice(14, 19).replace(':', '-')}.jsonl`, labels.join('\n'));
  }

  private async artifact(content: object): Promise<string> {
    const folder = mkdtempSync(path.join(this.cloud.folders.temp, 'model-'));
    writeFileSync(path.join(folder, 'model.json'), JSON.stringify(content));
    await pack(this.cloud.python, folder, `${folder}.tar.gz`);
    const key = `${path.basename(folder)}/model.tar.gz`;
    await this.cloud.s3.put(ARTIFACTS, key, readFileSync(`${folder}.tar.gz`));
    return `s3://${ARTIFACTS}/${key}`;
  }

  private get sagemaker(): SageMakerClient {
    return this.cloud.client(SageMakerClient);
  }
}

/** The same on every run, with a mean of about 0 and a variance of about 1, and no two alike in a row. */
function noise(i: number): number {
  const mixed = Math.imul(i ^ (i << 13), 0x9e3779b1);
  const again = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return (((again ^ (again >>> 13)) >>> 0) / 2 ** 32 - 0.5) * Math.sqrt(12);
}
