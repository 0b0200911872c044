import {
  aws_dynamodb as dynamodb, aws_lambda as lambda, aws_stepfunctions as sfn, aws_stepfunctions_tasks as tasks, Duration, Stack,
} from 'aws-cdk-lib';
import { Clouds, START } from './cloud-support';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { StepFunctions } from '../../examples/local/cloud/step-functions';
import { JsonObject } from '../../examples/local/cloud/types';

const clouds = new Clouds();
afterAll(() => clouds.stop());

const HOUR = 3_600_000;
const later = (milliseconds: number) => new Date(START.getTime() + milliseconds);

function machine(stack: Stack, name: string, body: sfn.IChainable, props: Partial<sfn.StateMachineProps> = {}): sfn.StateMachine {
  return new sfn.StateMachine(stack, name, { stateMachineName: name, definitionBody: sfn.DefinitionBody.fromChainable(body), ...props });
}

function inline(stack: Stack, name: string, code: string, props: Partial<lambda.FunctionProps> = {}): lambda.Function {
  return new lambda.Function(stack, name, { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromInline(code), timeout: Duration.seconds(30), ...props });
}

const raw = (name: string, definition: object) => (stack: Stack) => {
  new sfn.CfnStateMachine(stack, name, { stateMachineName: name, roleArn: 'arn:aws:iam::111122223333:role/any', definitionString: JSON.stringify(definition) });
};

function start(cloud: LocalCloud, name: string, input: JsonObject = {}) {
  const workflows = cloud.find(StepFunctions);
  const arn = [...workflows.machines.keys()].find((key) => key.endsWith(`:${name}`));
  return workflows.startExecution(arn!, undefined, JSON.stringify(input));
}

const outputOf = (execution: { output?: string }) => JSON.parse(execution.output ?? 'null') as JsonObject;

test('a month of hourly waits and calls passes by the local clock', async () => {
  const cloud = await clouds.deploy((stack) => {
    const count = inline(stack, 'Count', 'exports.handler = async (event) => ({ n: event.n + 1, at: event.at });');
    const call = new tasks.LambdaInvoke(stack, 'Call', {
      lambdaFunction: count,
      payloadResponseOnly: true,
      payload: sfn.TaskInput.fromObject({ n: sfn.JsonPath.numberAt('$.n'), at: sfn.JsonPath.stateEnteredTime }),
    });
    const wait = new sfn.Wait(stack, 'Hour', { time: sfn.WaitTime.duration(Duration.hours(1)) });
    const done = new sfn.Choice(stack, 'Done').when(sfn.Condition.numberGreaterThanEquals('$.n', 720), new sfn.Succeed(stack, 'End')).otherwise(wait);
    machine(stack, 'month', wait.next(call).next(done));
  });
  const execution = start(cloud, 'month', { n: 0 });
  await cloud.clock.advanceTo(later(30 * 24 * HOUR));
  await cloud.clock.settle();
  expect(execution.status).toBe('SUCCEEDED');
  expect(outputOf(execution)).toEqual({ n: 720, at: later(720 * HOUR).toISOString() });
});

test('errors keep their names: retries wait on the clock, catches match, the context knows its state', async () => {
  const cloud = await clouds.deploy((stack) => {
    const code = `class Transient extends Error { constructor(m) { super(m); this.name = 'Transient'; } }
class Fatal extends Error { constructor(m) { super(m); this.name = 'Fatal'; } }
exports.handler = async ({ retries }) => { if (retries < 2) throw new Transient('try ' + retries); throw new Fatal('no'); };`;
    const call = new tasks.LambdaInvoke(stack, 'Call', {
      lambdaFunction: inline(stack, 'Fails', code),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      payload: sfn.TaskInput.fromObject({ retries: sfn.JsonPath.numberAt('$$.State.RetryCount') }),
    });
    call.addRetry({ errors: ['Transient'], interval: Duration.minutes(1), backoffRate: 2, maxAttempts: 3 });
    call.addCatch(new sfn.Pass(stack, 'Caught', {
      parameters: { 'error.$': '$.problem.Error', 'cause.$': 'States.StringToJson($.problem.Cause)', 'at.$': '$$.State.EnteredTime', 'me.$': '$$.StateMachine.Name' },
    }), { errors: ['Fatal'], resultPath: '$.problem' });
    machine(stack, 'errors', call);
  });
  const execution = start(cloud, 'errors');
  await cloud.clock.advanceTo(later(HOUR));
  const output = outputOf(execution);
  expect(output).toMatchObject({ error: 'Fatal', cause: { errorType: 'Fatal', errorMessage: 'no' }, at: later(3 * 60_000).toISOString(), me: 'errors' });
  expect(execution.history.map(({ type }) => type)).toEqual([
    'ExecutionStarted', 'TaskStateEntered', 'TaskStateExited', 'PassStateEntered', 'PassStateExited', 'ExecutionSucceeded',
  ]);
});

test('nested executions, machine and task timeouts, and parallel branches', async () => {
  const cloud = await clouds.deploy((stack) => {
    const child = machine(stack, 'child', new sfn.Wait(stack, 'ChildWait', { time: sfn.WaitTime.secondsPath('$.seconds') })
      .next(new sfn.Choice(stack, 'Which').when(sfn.Condition.isPresent('$.fail'), new sfn.Fail(stack, 'Bad', { error: 'ChildBad', cause: 'asked for' }))
        .otherwise(new sfn.Pass(stack, 'Good', { parameters: { 'answer': 42, 'name.$': '$$.State.Name' } }))));
    const nested = new tasks.StepFunctionsStartExecution(stack, 'Nested', {
      stateMachine: child, integrationPattern: sfn.IntegrationPattern.RUN_JOB, input: sfn.TaskInput.fromJsonPathAt('$.child'), outputPath: '$.Output',
    });
    nested.addCatch(new sfn.Pass(stack, 'Failed', { parameters: { 'error.$': '$.Error', 'cause.$': 'States.StringToJson($.Cause)' } }));
    const parallel = new sfn.Parallel(stack, 'Both').branch(nested, new sfn.Pass(stack, 'Other', { parameters: { 'whole.$': '$$.Execution.Input.child.seconds' } }));
    machine(stack, 'parent', parallel);
    machine(stack, 'limited', new sfn.Wait(stack, 'TooLong', { time: sfn.WaitTime.duration(Duration.hours(2)) }), { timeout: Duration.hours(1) });
    const slow = new tasks.StepFunctionsStartExecution(stack, 'Slow', {
      stateMachine: child,
      integrationPattern: sfn.IntegrationPattern.RUN_JOB,
      input: sfn.TaskInput.fromObject({ seconds: 9000 }),
      taskTimeout: sfn.Timeout.duration(Duration.minutes(30)),
    });
    slow.addCatch(new sfn.Pass(stack, 'Late'), { errors: ['States.Timeout'] });
    machine(stack, 'impatient', slow);
  });
  const [good, bad] = [start(cloud, 'parent', { child: { seconds: 60 } }), start(cloud, 'parent', { child: { seconds: 60, fail: true } })];
  const [limited, impatient] = [start(cloud, 'limited'), start(cloud, 'impatient')];
  await cloud.clock.advanceTo(later(40 * 60_000));
  expect(outputOf(good)).toEqual([{ answer: 42, name: 'Good' }, { whole: 60 }]);
  expect(outputOf(bad)).toMatchObject([{ error: 'States.TaskFailed', cause: { Error: 'ChildBad', Cause: 'asked for', Status: 'FAILED' } }, { whole: 60 }]);
  expect(impatient.status).toBe('SUCCEEDED');
  expect(outputOf(impatient)).toMatchObject({ Error: 'States.Timeout' });
  expect(limited.status).toBe('RUNNING');
  await cloud.clock.advanceTo(later(HOUR));
  expect(limited.status).toBe('TIMED_OUT');
  expect(cloud.faults).toEqual([]);
});

test('SDK integrations call the front port as the role and name errors as Step Functions does', async () => {
  const cloud = await clouds.deploy((stack) => {
    const table = new dynamodb.Table(stack, 'Table', { partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING } });
    const put = (id: string) => new tasks.CallAwsService(stack, id, {
      service: 'dynamodb',
      action: 'putItem',
      iamResources: [table.tableArn],
      resultPath: '$.put',
      parameters: { TableName: table.tableName, Item: { pk: { S: 'a' } }, ConditionExpression: 'attribute_not_exists(pk)' },
    });
    const again = put('Again');
    again.addCatch(new sfn.Pass(stack, 'Conflict'), { errors: ['DynamoDb.ConditionalCheckFailedException'], resultPath: '$.error' });
    machine(stack, 'calls', put('Once').next(again));
    const unknown = new tasks.CallAwsService(stack, 'Unknown', {
      service: 'dynamodb', action: 'describeTable', iamResources: ['*'], parameters: { TableName: 'none' },
    });
    unknown.addCatch(new sfn.Pass(stack, 'Missing'), { errors: ['DynamoDb.ResourceNotFoundException'] });
    machine(stack, 'unknown', unknown);
  });
  const [calls, unknown] = [start(cloud, 'calls'), start(cloud, 'unknown')];
  await cloud.clock.settle();
  expect(outputOf(calls)).toMatchObject({ error: { Error: 'DynamoDb.ConditionalCheckFailedException' } });
  expect(unknown.status).toBe('SUCCEEDED');
});

test('intrinsic functions keep the backslashes of data, and drop those that escape in a literal', async () => {
  const cloud = await clouds.deploy((stack) => {
    machine(stack, 'escapes', new sfn.Pass(stack, 'Pass', {
      parameters: {
        'format.$': "States.Format('it\\'s {}', $.text)",
        'json.$': 'States.JsonToString($.nested)',
        'back.$': 'States.StringToJson(States.JsonToString($.nested))',
      },
    }));
  });
  const nested = { cause: JSON.stringify({ said: 'a "b" \\ c' }) };
  const execution = start(cloud, 'escapes', { text: 'C:\\temp', nested });
  await cloud.clock.settle();
  expect(outputOf(execution)).toEqual({ format: 'it\'s C:\\temp', json: JSON.stringify(nested), back: nested });
});

test('a definition that the engine cannot run is refused by name', async () => {
  const refused = [
    [{ StartAt: 'A', States: { A: { Type: 'Task', Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken', End: true } } }, 'waitForTaskToken'],
    [{ StartAt: 'A', States: { A: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', HeartbeatSeconds: 5, End: true } } }, 'HeartbeatSeconds'],
    [{ StartAt: 'A', States: { A: { Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:polly:speak', End: true } } }, 'polly'],
    [{ QueryLanguage: 'JSONata', StartAt: 'A', States: { A: { Type: 'Pass', End: true } } }, 'JSONata'],
  ] as const;
  for (const [definition, name] of refused) {
    await expect(clouds.deploy(raw('refused', definition))).rejects.toThrow(name);
  }
});
