import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { aws_dynamodb as dynamodb, aws_lambda as lambda, aws_stepfunctions as sfn, aws_stepfunctions_tasks as tasks, Duration, Stack } from 'aws-cdk-lib';
import { Clouds } from './cloud-support';
import { Execution } from '../../examples/local/cloud/executions';
import { Interference } from '../../examples/local/cloud/interference';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { StepFunctions } from '../../examples/local/cloud/step-functions';
import { JsonObject } from '../../examples/local/cloud/types';

const HOUR = 3_600_000;
/** What the machine caught: nothing where nothing failed. */
type Caught = { readonly Error: string; readonly Cause: string } | undefined;

/** Each machine does one thing that can be counted, and says what it caught; it tries once more where it is told to. */
function app(stack: Stack): void {
  const table = new dynamodb.Table(stack, 'Table', { tableName: 'effects', partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING } });
  const once = { ExpressionAttributeValues: { ':one': { N: '1' } }, UpdateExpression: 'ADD effects :one' };
  const count = new lambda.Function(stack, 'Count', {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline(`const { DynamoDBClient, UpdateItemCommand } = require('@aws-sdk/client-dynamodb');
exports.handler = async () => {
  await new DynamoDBClient({}).send(new UpdateItemCommand({ TableName: 'effects', Key: { pk: { S: 'function' } }, ...${JSON.stringify(once)} }));
  return { done: true };
};`),
  });
  table.grantReadWriteData(count);
  const byName = (name: string, effect: sfn.TaskStateBase): sfn.StateMachine => {
    const caught = new sfn.Pass(stack, `${name}Caught`);
    effect.addRetry({ errors: ['States.ALL'], interval: Duration.seconds(5), maxAttempts: 1 });
    effect.addCatch(caught, { errors: ['States.ALL'], resultPath: '$.caught' });
    const wait = new sfn.Wait(stack, `${name}Wait`, { time: sfn.WaitTime.duration(Duration.minutes(10)) });
    return new sfn.StateMachine(stack, name, { stateMachineName: name, definitionBody: sfn.DefinitionBody.fromChainable(effect.next(wait)) });
  };
  byName('function', new tasks.LambdaInvoke(stack, 'CallFunction', {
    lambdaFunction: count, payloadResponseOnly: true, retryOnServiceExceptions: false, resultPath: '$.answer', taskTimeout: sfn.Timeout.duration(Duration.seconds(30)),
  }));
  const item = (id: string, pk: string) => new tasks.CallAwsService(stack, id, {
    service: 'dynamodb',
    action: 'updateItem',
    parameters: { TableName: 'effects', Key: { pk: { S: pk } }, ...once },
    iamResources: [table.tableArn],
    resultPath: '$.answer',
  });
  byName('service', item('CallService', 'service'));
  const child = new sfn.StateMachine(stack, 'Child', { definitionBody: sfn.DefinitionBody.fromChainable(item('Nested', 'child')) });
  byName('child', new tasks.StepFunctionsStartExecution(stack, 'CallChild', {
    stateMachine: child, integrationPattern: sfn.IntegrationPattern.RUN_JOB, resultPath: '$.answer', input: sfn.TaskInput.fromObject({}),
  }));
}

const STATES: Record<string, string> = { function: 'CallFunction', service: 'CallService', child: 'CallChild' };
const clouds = new Clouds();
let cloud: LocalCloud;
beforeAll(async () => { cloud = await clouds.deploy(app); });
afterAll(() => clouds.stop());
afterEach(() => expect(cloud.faults).toEqual([]));

const arnOf = (name: string) => [...cloud.find(StepFunctions).machines.keys()].find((arn) => arn.endsWith(`:${name}`))!;

async function effects(pk: string): Promise<number> {
  const { Item } = await cloud.client(DynamoDBClient).send(new GetItemCommand({ TableName: 'effects', Key: { pk: { S: pk } }, ConsistentRead: true }));
  return Number(Item?.effects.N ?? 0);
}

/** Runs a machine under an interference, to its end; answers what became of it, and how often it did what it does. */
async function run(name: string, asked: Omit<Interference, 'machineArn'>) {
  const before = await effects(name);
  const met = cloud.find(StepFunctions).interfere({ ...asked, machineArn: arnOf(name) });
  const started = cloud.clock.now().getTime();
  const execution = cloud.find(StepFunctions).startExecution(arnOf(name));
  await cloud.clock.advanceUntil(() => execution.status !== 'RUNNING', new Date(started + HOUR));
  await cloud.clock.settle();
  met.end();
  const seconds = (cloud.clock.now().getTime() - started) / 1000;
  return { execution, met, caught: caughtBy(execution), effects: await effects(name) - before, seconds };
}

const caughtBy = ({ output }: Execution): Caught => (JSON.parse(output ?? '{}') as JsonObject).caught as Caught;

const SERVICE_ERRORS: Record<string, string> = {
  function: 'Lambda.SdkClientException', service: 'DynamoDb.SdkClientException', child: 'StepFunctions.AWSStepFunctionsException',
};

describe.each(Object.keys(STATES))('a task that calls a %s', (name) => {
  const state = STATES[name];

  test('undisturbed it does what it does once', async () => {
    const { execution, ...found } = await run(name, { state: 'Nowhere', kind: 'error' });
    expect(found).toMatchObject({ caught: undefined, effects: 1, met: { hits: 0 } });
    expect(execution.status).toBe('SUCCEEDED');
  });

  test('an error that passes: the first attempt does nothing, the second all', async () => {
    const { met, execution, ...found } = await run(name, { state, kind: 'error', attempts: 1 });
    expect(found).toMatchObject({ caught: undefined, effects: 1 });
    expect([met.hits, met.execution, execution.status]).toEqual([1, execution.arn, 'SUCCEEDED']);
  });

  test('an error that stays: nothing is ever done, and the error has the name that the service gives', async () => {
    expect(await run(name, { state, kind: 'error' })).toMatchObject({
      caught: { Error: SERVICE_ERRORS[name], Cause: expect.stringContaining('injected') as string }, effects: 0, met: { hits: 2 },
    });
  });

  test('killed: it is done, nobody hears of it, and it is done again', async () => {
    const { execution, ...found } = await run(name, { state, kind: 'killed', attempts: 1 });
    expect(found).toMatchObject({ caught: undefined, effects: 2, met: { hits: 1 } });
    expect(execution.status).toBe('SUCCEEDED');
  });

  test('killed each time: it is done as often as it is tried, and has failed all the same', async () => {
    expect(await run(name, { state, kind: 'killed' })).toMatchObject({
      caught: { Error: name === 'function' ? 'Lambda.Unknown' : SERVICE_ERRORS[name] }, effects: 2, met: { hits: 2 },
    });
  });

  test('a timeout: nothing is done, for as long as the state or the service waits', async () => {
    const { seconds, ...found } = await run(name, { state, kind: 'timeout' });
    expect(found).toMatchObject({ caught: { Error: name === 'function' ? 'Sandbox.Timedout' : 'States.Timeout' }, effects: 0, met: { hits: 2 } });
    expect(seconds).toBe((name === 'function' ? 30 : 120) * 2 + 5);
  });

  test('an abort: what was asked for is done, and the execution is over in that state', async () => {
    const { execution, ...found } = await run(name, { state, kind: 'abort', attempts: 1 });
    expect(found).toMatchObject({ effects: 1, met: { hits: 1 } });
    expect(execution.describe()).toMatchObject({ status: 'ABORTED', error: 'Injected' });
    expect(execution.history.map(({ type }) => type)).toEqual(['ExecutionStarted', 'TaskStateEntered', 'ExecutionAborted']);
  });
});

test('a state that is no task can be aborted, at the moment that it is entered', async () => {
  const { execution, effects: done, seconds } = await run('service', { state: 'serviceWait', kind: 'abort', attempts: 1 });
  expect([execution.status, done]).toEqual(['ABORTED', 1]);
  expect(seconds).toBeLessThan(600);
});

test('attempts are those of the first execution that comes to the state, and end with the interference', async () => {
  const steps = cloud.find(StepFunctions);
  const met = steps.interfere({ machineArn: arnOf('service'), state: STATES.service, kind: 'error' });
  const [first, second] = [steps.startExecution(arnOf('service')), steps.startExecution(arnOf('service'))];
  await cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + HOUR));
  expect([caughtBy(first)?.Error, caughtBy(second), met.hits, met.execution]).toEqual([SERVICE_ERRORS.service, undefined, 2, first.arn]);
  met.end();
  const third = steps.startExecution(arnOf('service'));
  await cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + HOUR));
  expect([caughtBy(third), met.hits]).toEqual([undefined, 2]);
});
