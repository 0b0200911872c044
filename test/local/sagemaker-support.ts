import { mkdtempSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';
import {
  CreateEndpointCommand, CreateEndpointConfigCommand, CreateModelCommand, DescribeEndpointCommand, DescribeEndpointCommandOutput, SageMakerClient,
  UpdateEndpointCommand, UpdateEndpointCommandInput,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, InvokeEndpointCommandOutput, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { aws_s3 as s3, Stack } from 'aws-cdk-lib';
import { Clouds } from './cloud-support';
import { AutoScaling } from '../../examples/local/autoscaling/auto-scaling';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { CloudWatch } from '../../examples/local/cloudwatch/cloudwatch';
import { pack } from '../../examples/local/sagemaker/archive';
import { SageMaker } from '../../examples/local/sagemaker/sagemaker';

export const IMAGE = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/tiny:1';
export const ROLE = 'arn:aws:iam::111122223333:role/imported';

/** A local cloud with a bucket and the parts that host models. */
export class Hosting {
  static async start(build: (stack: Stack) => void = () => undefined): Promise<Hosting> {
    const clouds = new Clouds();
    const [watch, sageMaker] = [new CloudWatch(), new SageMaker()];
    const cloud = await clouds.deploy((stack) => {
      new s3.Bucket(stack, 'Bucket', { bucketName: 'bucket' });
      build(stack);
    }, { standIns: [watch, new AutoScaling(), sageMaker], images: new Map([[IMAGE, path.join(__dirname, 'tiny-image')]]) });
    return new Hosting(clouds, cloud, watch, sageMaker);
  }

  private constructor(
    private readonly clouds: Clouds, readonly cloud: LocalCloud, readonly watch: CloudWatch, readonly sageMaker: SageMaker,
  ) {}

  get api(): SageMakerClient {
    return this.cloud.client(SageMakerClient);
  }

  async minutes(count: number): Promise<void> {
    await this.cloud.clock.advanceTo(new Date(this.cloud.clock.now().getTime() + count * 60_000));
  }

  /** A model that answers the row's sum plus an offset. */
  async model(name: string, content: { offset: number; broken?: boolean; exit?: boolean }): Promise<string> {
    const folder = mkdtempSync(path.join(this.cloud.folders.temp, 'model-'));
    writeFileSync(path.join(folder, 'model.json'), JSON.stringify(content));
    await pack(this.cloud.python, folder, `${folder}.tar.gz`);
    await this.cloud.s3.put('bucket', `models/${name}.tar.gz`, readFileSync(`${folder}.tar.gz`));
    await this.api.send(new CreateModelCommand({
      ModelName: name,
      ExecutionRoleArn: ROLE,
      EnableNetworkIsolation: true,
      PrimaryContainer: { Image: IMAGE, ModelDataUrl: `s3://bucket/models/${name}.tar.gz` },
    }));
    return name;
  }

  async config(name: string, modelName: string, shadowModel?: string, instances = 2, sampling = 1): Promise<string> {
    const variant = (VariantName: string, ModelName: string, InitialVariantWeight: number) => ({
      VariantName, ModelName, InitialVariantWeight, InitialInstanceCount: instances, InstanceType: 'ml.m5.large' as const,
    });
    await this.api.send(new CreateEndpointConfigCommand({
      EndpointConfigName: name,
      ProductionVariants: [variant('AllTraffic', modelName, 1)],
      ...(shadowModel !== undefined && { ShadowProductionVariants: [variant('Shadow', shadowModel, sampling)] }),
      DataCaptureConfig: {
        EnableCapture: true,
        InitialSamplingPercentage: 100,
        DestinationS3Uri: `s3://bucket/captures/${name}`,
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
        CaptureContentTypeHeader: { CsvContentTypes: ['text/csv'] },
      },
    }));
    return name;
  }

  async endpoint(name: string, configName: string): Promise<void> {
    await this.api.send(new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: configName }));
    await this.minutes(5);
  }

  async update(name: string, configName: string, given: Partial<UpdateEndpointCommandInput> = {}): Promise<void> {
    await this.api.send(new UpdateEndpointCommand({ EndpointName: name, EndpointConfigName: configName, ...given }));
  }

  async describe(name: string): Promise<DescribeEndpointCommandOutput> {
    return this.api.send(new DescribeEndpointCommand({ EndpointName: name }));
  }

  async invoke(name: string, row: string, id?: string): Promise<InvokeEndpointCommandOutput> {
    return this.cloud.client(SageMakerRuntimeClient).send(new InvokeEndpointCommand({ EndpointName: name, Body: row, ContentType: 'text/csv', InferenceId: id }));
  }

  async predict(name: string, row: string, id?: string): Promise<number> {
    const { Body } = await this.invoke(name, row, id);
    return Number(Buffer.from(Body).toString());
  }

  async stop(): Promise<void> {
    await this.clouds.stop();
  }
}

export const canary = (alarm: string, waitSeconds = 600): Partial<UpdateEndpointCommandInput> => ({
  DeploymentConfig: {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: { Type: 'CANARY', CanarySize: { Type: 'CAPACITY_PERCENT', Value: 50 }, WaitIntervalInSeconds: waitSeconds },
      TerminationWaitInSeconds: 120,
    },
    AutoRollbackConfiguration: { Alarms: [{ AlarmName: alarm }] },
  },
});
