import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { CreateEndpointCommand, CreateEndpointConfigCommand, CreateModelCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Call, SOURCE } from './calls';
import { ApiGateway } from '../../../examples/local/apigateway/apigateway';
import { LocalCloud } from '../../../examples/local/cloud/local-cloud';
import { pack } from '../../../examples/local/sagemaker/archive';
import { standIns } from '../../../examples/local/stand-ins';
import { ModelEndpoint, PredictionApi } from '../../../src';

const IMAGE = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/tiny:1';
const ENDPOINT = 'bench';
const MODEL_ROLE = 'arn:aws:iam::111122223333:role/imported';
const ECHO = 'exports.handler = async (event) => event;';
const ASK = `
const { InvokeEndpointCommand, SageMakerRuntimeClient } = require('@aws-sdk/client-sagemaker-runtime');
const client = new SageMakerRuntimeClient({});
exports.handler = async ({ row }) => {
  const { Body } = await client.send(new InvokeEndpointCommand({ EndpointName: process.env.ENDPOINT, Body: row, ContentType: 'text/csv' }));
  return Buffer.from(Body).toString();
};`;

/** A prediction service with its own parts and what platforms use beside it; a caller's role may use each. */
function app(stack: Stack): void {
  const endpoint = new ModelEndpoint(stack, 'Endpoint', { endpointName: ENDPOINT });
  const api = new PredictionApi(stack, 'Api', { endpoint });
  const bucket = new s3.Bucket(stack, 'Bucket');
  const table = new dynamodb.Table(stack, 'Table', {
    partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING }, billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
  });
  const queue = new sqs.Queue(stack, 'Queue');
  new events.Rule(stack, 'Rule', { eventPattern: { source: [SOURCE] }, targets: [new targets.SqsQueue(queue)] });
  // with no right but what is granted: the text of AWS's own policies is not in an assembly
  const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  const inline = (id: string, code: string): lambda.Function => new lambda.Function(stack, id, {
    runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromInline(code), environment: { ENDPOINT }, role,
  });
  const [echo, ask] = [inline('Echo', ECHO), inline('Ask', ASK)];
  endpoint.grantInvoke(ask);

  const caller = new iam.Role(stack, 'Caller', { assumedBy: new iam.AccountRootPrincipal() });
  api.grantPredict(caller);
  endpoint.grantInvoke(caller);
  bucket.grantReadWrite(caller);
  table.grantReadWriteData(caller);
  events.EventBus.grantAllPutEvents(caller);
  for (const each of [echo, ask]) each.grantInvoke(caller);
  const outputs = {
    Url: api.url, Bucket: bucket.bucketName, Table: table.tableName, Echo: echo.functionName, Ask: ask.functionName, Caller: caller.roleArn,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, `Bench${name}`, { value });
}

/** The local cloud with a model behind an endpoint. Policies decide about every call. */
export class World {
  static async start(): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-local-'));
    try {
      process.env.CDK_VALIDATION ??= 'false';
      const cdk = new App({ outdir: join(folder, 'cdk.out'), analyticsReporting: false });
      app(new Stack(cdk, 'Bench'));
      const cloud = await LocalCloud.start(cdk.synth().directory, {
        root: join(folder, 'run'),
        startTime: new Date('2013-03-01T00:00:00Z'),
        standIns: standIns(),
        images: new Map([[IMAGE, join(__dirname, '..', '..', 'local', 'tiny-image')]]),
        enforce: 'everyone',
      });
      const world = new World(folder, cloud);
      try {
        await world.host();
      } catch (error) {
        await world.stop();
        throw error;
      }
      return world;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private readonly outputs: Record<string, string>;

  private constructor(private readonly folder: string, private readonly cloud: LocalCloud) {
    this.outputs = cloud.outputs.get('Bench') ?? {};
  }

  /** The calls that are measured, as the caller's role makes them. */
  get calls(): Call[] {
    const { cloud, outputs } = this;
    return Call.all({
      endpoint: cloud.endpoint,
      region: cloud.region,
      accessKeyId: cloud.environment(outputs.BenchCaller).AWS_ACCESS_KEY_ID,
      api: cloud.find(ApiGateway).localUrl(outputs.BenchUrl),
      endpointName: ENDPOINT,
      bucket: outputs.BenchBucket,
      table: outputs.BenchTable,
      echo: outputs.BenchEcho,
      ask: outputs.BenchAsk,
    });
  }

  /** Lets what calls have started come to its end, such as the delivery of events. */
  async settle(): Promise<void> {
    await this.cloud.clock.settle();
    if (this.cloud.faults.length > 0) throw new Error(`the local cloud was asked for what it does not do: ${this.cloud.faults[0]}`);
  }

  async stop(): Promise<void> {
    await this.cloud.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Puts a model that adds up its row behind the endpoint, with data capture, as platforms have it. */
  private async host(): Promise<void> {
    const { cloud, outputs } = this;
    const model = mkdtempSync(join(cloud.folders.temp, 'model-'));
    writeFileSync(join(model, 'model.json'), JSON.stringify({ offset: 0 }));
    await pack(cloud.python, model, `${model}.tar.gz`);
    await cloud.s3.put(outputs.BenchBucket, 'model.tar.gz', readFileSync(`${model}.tar.gz`));
    const sagemaker = cloud.client(SageMakerClient);
    await sagemaker.send(new CreateModelCommand({
      ModelName: ENDPOINT,
      ExecutionRoleArn: MODEL_ROLE,
      EnableNetworkIsolation: true,
      PrimaryContainer: { Image: IMAGE, ModelDataUrl: `s3://${outputs.BenchBucket}/model.tar.gz` },
    }));
    await sagemaker.send(new CreateEndpointConfigCommand({
      EndpointConfigName: ENDPOINT,
      ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: ENDPOINT, InitialInstanceCount: 2, InstanceType: 'ml.m5.large' }],
      DataCaptureConfig: {
        EnableCapture: true,
        InitialSamplingPercentage: 100,
        DestinationS3Uri: `s3://${outputs.BenchBucket}/captures`,
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
        CaptureContentTypeHeader: { CsvContentTypes: ['text/csv'] },
      },
    }));
    await sagemaker.send(new CreateEndpointCommand({ EndpointName: ENDPOINT, EndpointConfigName: ENDPOINT }));
    await cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + 10 * 60_000));
  }
}
