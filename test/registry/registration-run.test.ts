import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { CreateModelPackageGroupCommand, DescribeModelPackageCommand, ListModelPackagesCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { StepFunctions } from '../../examples/local/cloud/step-functions';
import { standIns } from '../../examples/local/stand-ins';
import { fromItem, JsonObject } from '../../src/domain/attribute-values';
import { MlopsEvents } from '../../src/domain/events';
import { LifecycleStage } from '../../src/domain/ledger';
import { ModelRegistryVersioning } from '../../src/registry/model-registry-versioning';
import { Clouds, only } from '../local/cloud-support';

const GROUP = 'temperature-models';
const clouds = new Clouds();
/** With the policies of the functions and the state machine in force: what they may not do, they cannot. */
const options = () => ({ standIns: standIns(), enforce: 'everyone' as const });

function registryAndMailbox(stack: Stack): void {
  new ModelRegistryVersioning(stack, 'Registry', { modelName: 'Temperature', modelPackageGroupName: GROUP });
  const queue = new sqs.Queue(stack, 'Told');
  new events.Rule(stack, 'Rule', { eventPattern: { source: [MlopsEvents.SOURCE] }, targets: [new targets.SqsQueue(queue)] });
}

/** What an operator sees of a registry in the local cloud. */
class World {
  private readonly table: string;

  constructor(readonly cloud: LocalCloud) {
    this.table = only(cloud, 'AWS::DynamoDB::Table').ref;
  }

  async makeGroup(): Promise<void> {
    await this.cloud.client(SageMakerClient).send(new CreateModelPackageGroupCommand({ ModelPackageGroupName: GROUP }));
  }

  /** Runs the registration state machine to its end, whatever time its retries take. */
  async run(input: JsonObject): Promise<{ status: string; output?: JsonObject; error?: string; cause?: string }> {
    const stateMachineArn = only(this.cloud, 'AWS::StepFunctions::StateMachine').ref;
    const { executionArn = '' } = await this.cloud.client(SFNClient).send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }));
    const execution = this.cloud.find(StepFunctions).executions.get(executionArn)!;
    await this.cloud.clock.advanceUntil(() => execution.status !== 'RUNNING', new Date(this.cloud.clock.now().getTime() + 12 * 3_600_000));
    const { status, error, cause } = execution.describe() as { status: string; error?: string; cause?: string };
    return { status, output: execution.output === undefined ? undefined : JSON.parse(execution.output) as JsonObject, error, cause };
  }

  async ledger(pk: string): Promise<JsonObject[]> {
    const { Items = [] } = await this.cloud.client(DynamoDBClient).send(new QueryCommand({
      TableName: this.table, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: pk } },
    }));
    return Items.map((item) => fromItem(item));
  }

  async packages(): Promise<(Record<string, string> | undefined)[]> {
    const sagemaker = this.cloud.client(SageMakerClient);
    const { ModelPackageSummaryList = [] } = await sagemaker.send(new ListModelPackagesCommand({ ModelPackageGroupName: GROUP, SortOrder: 'Ascending' }));
    return Promise.all(ModelPackageSummaryList.map(async ({ ModelPackageArn }) =>
      (await sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName: ModelPackageArn }))).CustomerMetadataProperties));
  }

  async changeStage(version: string, stage: LifecycleStage): Promise<void> {
    const lifecycle = [...this.cloud.resources.values()].find(({ resource }) => resource.type === 'AWS::Lambda::Function' && resource.logicalId.includes('Lifecycle'));
    await this.cloud.deliver(lifecycle?.deployed.attributes.Arn ?? '', { version, stage, reason: `because ${stage}`, time: this.cloud.clock.now().toISOString() });
    await this.cloud.clock.settle();
  }

  /** Events that have arrived in the mailbox since the last look. */
  async told(): Promise<{ type: string; detail: JsonObject }[]> {
    await this.cloud.clock.settle();
    const found: { type: string; detail: JsonObject }[] = [];
    for (;;) {
      const { Messages = [] } = await this.cloud.client(SQSClient).send(new ReceiveMessageCommand({
        QueueUrl: only(this.cloud, 'AWS::SQS::Queue').ref, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 3600,
      }));
      if (Messages.length === 0) return found;
      found.push(...Messages.map(({ Body = '' }) => JSON.parse(Body) as JsonObject).map((event) => ({ type: String(event['detail-type']), detail: event.detail as JsonObject })));
    }
  }
}

const candidate = (run: string, rest: JsonObject = {}): JsonObject => ({
  decision: 'register',
  run,
  tag: '1',
  commit: 'c1',
  dataset: 'd1',
  imageUri: 'images:c1',
  modelDataUrl: `s3://artifacts/${run}/model.tar.gz`,
  evaluation: { mse: 4, rmse: 2, mae: 1.5, r2: 0.8, itemCount: 100 },
  evaluationUri: `s3://artifacts/${run}/evaluation.json`,
  spec: { target: 'y', features: ['x'] },
  ...rest,
});

afterAll(async () => clouds.stop());

describe('the registration state machine, executed', () => {
  let world: World;
  beforeAll(async () => {
    world = new World(await clouds.deploy(registryAndMailbox, options()));
  });
  afterEach(() => expect(world.cloud.faults).toEqual([]));

  test('gives a number up that SageMaker does not take the package for, and says why', async () => {
    const before = world.cloud.clock.now().getTime();
    const failed = await world.run(candidate('run-0'));
    expect(failed).toMatchObject({ status: 'FAILED', cause: expect.stringContaining(GROUP) });
    expect(world.cloud.clock.now().getTime()).toBe(before);
    expect(await world.ledger('VERSION')).toMatchObject([{
      version: 'V1.0.0', status: 'abandoned', stage: 'Rejected', reason: expect.stringContaining('the model package could not be made'),
    }]);
    expect(await world.told()).toEqual([]);
  });

  test('registers a candidate: a version, a package, an event; its number is the one that was given up', async () => {
    await world.makeGroup();
    const { status, output } = await world.run(candidate('run-1'));
    expect(status).toBe('SUCCEEDED');
    expect(output).toEqual({ version: 'V1.0.0', modelPackageArn: expect.stringMatching(/:model-package\/temperature-models\/1$/), created: true, cause: 'manual' });
    expect(await world.packages()).toMatchObject([{ version: 'V1.0.0', commit: 'c1', dataset: 'd1', run: 'run-1', mse: '4' }]);
    expect(await world.told()).toEqual([{
      type: 'ModelRegistered',
      detail: {
        model: 'Temperature',
        version: 'V1.0.0',
        modelPackageArn: output?.modelPackageArn,
        cause: 'manual',
        commit: 'c1',
        dataset: 'd1',
        evaluation: { mse: 4, rmse: 2, mae: 1.5, r2: 0.8, itemCount: 100 },
        time: expect.stringMatching(/^2013-03-01T/),
      },
    }]);
    expect(await world.ledger('LATEST')).toMatchObject([{ version: 'V1.0.0', order: 1 }, { version: 'V1.0.0', order: 1 }]);
  });

  test('answers the same to the same run and to the same commit and dataset, and announces it once', async () => {
    const [first] = await world.ledger('VERSION');
    const answer = { version: 'V1.0.0', modelPackageArn: first.modelPackageArn, cause: 'manual' };
    expect((await world.run(candidate('run-1'))).output).toEqual({ ...answer, created: true });
    expect((await world.run(candidate('run-2'))).output).toEqual({ ...answer, created: false });
    expect(await world.packages()).toHaveLength(1);
    expect(await world.told()).toEqual([]);
  });

  test('counts revisions by people and by new data', async () => {
    expect((await world.run(candidate('run-3', { dataset: 'd2' }))).output).toMatchObject({ version: 'V1.0.1', cause: 'auto' });
    expect((await world.run(candidate('run-4', { commit: 'c2', dataset: 'd2' }))).output).toMatchObject({ version: 'V1.1.0', cause: 'manual' });
    expect((await world.told()).map(({ type, detail }) => `${type} ${String(detail.version)}`)).toEqual(['ModelRegistered V1.0.1', 'ModelRegistered V1.1.0']);
    expect((await world.packages()).map((each) => each?.version)).toEqual(['V1.0.0', 'V1.0.1', 'V1.1.0']);
  });

  test('records a rejection, which takes no number', async () => {
    const rejection = { decision: 'reject', run: 'run-5', commit: 'c3', dataset: 'd2', stage: 'gate', reason: 'RMSE 12 exceeds the limit of 9' };
    expect((await world.run(rejection)).output).toEqual({ rejected: true, reason: 'RMSE 12 exceeds the limit of 9' });
    expect(await world.ledger('REJECTED')).toMatchObject([{ run: 'run-5', commit: 'c3', stage: 'gate', reason: 'RMSE 12 exceeds the limit of 9' }]);
    expect(await world.told()).toMatchObject([{ type: 'ModelRejected', detail: { model: 'Temperature', run: 'run-5', stage: 'gate' } }]);
    expect((await world.run(candidate('run-6', { commit: 'c3', dataset: 'd2' }))).output).toMatchObject({ version: 'V1.2.0' });
  });

  test('fails at once on what no retry cures, naming it', async () => {
    const before = world.cloud.clock.now().getTime();
    expect(await world.run(candidate('run-7', { imageUri: '' }))).toMatchObject({ status: 'FAILED', error: 'InvalidCandidate', cause: expect.stringContaining('imageUri') });
    expect(await world.run(candidate('run-5'))).toMatchObject({ status: 'FAILED', error: 'RunAlreadyRejected' });
    expect(await world.run({ decision: 'reject', run: 'run-1' })).toMatchObject({ status: 'FAILED', error: 'RunAlreadyRegistered' });
    expect(await world.run({ decision: 'maybe', run: 'run-8' })).toMatchObject({ status: 'FAILED', error: 'UnknownDecision' });
    expect(world.cloud.clock.now().getTime()).toBe(before);
  });

  test('the lifecycle function moves a version, on the ledger and on the package', async () => {
    await world.changeStage('V1.1.0', 'Production');
    expect(await world.ledger('CHAMPION')).toMatchObject([{ version: 'V1.1.0' }]);
    expect((await world.packages())[2]).toMatchObject({ stage: 'Production', verdict: 'because Production' });
  });
});
