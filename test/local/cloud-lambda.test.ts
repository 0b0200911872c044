import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { aws_lambda as lambda, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Clouds } from './cloud-support';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';

const clouds = new Clouds();
let cloud: LocalCloud;
afterAll(() => clouds.stop());

const FUNCTIONS: Record<string, string> = {
  Context: 'exports.handler = async (event, context) => ({ event, name: context.functionName === process.env.AWS_LAMBDA_FUNCTION_NAME, left: context.getRemainingTimeInMillis() > 0, mine: process.env.MINE });',
  Identity: 'const { STSClient } = require("@aws-sdk/client-sts"); exports.handler = async () => { const c = new STSClient(); const k = await c.config.credentials(); return { key: k.accessKeyId, endpoint: process.env.AWS_ENDPOINT_URL }; };',
  Slow: 'exports.handler = () => new Promise(() => undefined);',
  Exits: 'exports.handler = async () => process.exit(3);',
  Unusable: 'throw new RangeError("at load");',
  Missing: 'exports.other = 1;',
  Nothing: 'exports.handler = async () => undefined;',
  Count: 'let calls = 0; exports.handler = async () => { calls++; await new Promise((r) => setTimeout(r, 60)); return { calls, thread: require("worker_threads").threadId }; };',
};

beforeAll(async () => {
  cloud = await clouds.deploy((stack: Stack) => {
    for (const [name, code] of Object.entries(FUNCTIONS)) {
      const made = new lambda.Function(stack, name, {
        runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromInline(code), timeout: Duration.seconds(name === 'Slow' ? 2 : 60), environment: { MINE: 'yes' },
      });
      new CfnOutput(stack, `${name}Arn`, { value: made.functionArn });
      new CfnOutput(stack, `${name}Role`, { value: made.role!.roleArn });
    }
  });
});

const output = (name: string) => cloud.outputs.get('Test')![name];
async function invoke(name: string, event: unknown = {}) {
  const answer = await cloud.client(LambdaClient).send(new InvokeCommand({ FunctionName: output(`${name}Arn`), Payload: JSON.stringify(event) }));
  return { error: answer.FunctionError, payload: JSON.parse(Buffer.from(answer.Payload!).toString()) as Record<string, unknown> };
}

test('a function knows its event, its context and its environment, and acts as its role', async () => {
  expect(await invoke('Context', { a: [1] })).toEqual({ error: undefined, payload: { event: { a: [1] }, name: true, left: true, mine: 'yes' } });
  expect((await invoke('Identity')).payload).toEqual({ key: cloud.environment(output('IdentityRole')).AWS_ACCESS_KEY_ID, endpoint: cloud.endpoint });
  expect((await invoke('Nothing')).payload).toBeNull();
});

test('a function that hangs, exits or cannot be loaded fails as on Lambda, and works again the next time', async () => {
  const failed = async (name: string) => {
    const { error, payload } = await invoke(name);
    return [error, payload.errorType, payload.errorMessage];
  };
  expect(await failed('Slow')).toEqual(['Unhandled', 'Sandbox.Timedout', expect.stringContaining('Task timed out after 2.00 seconds')]);
  expect(await failed('Exits')).toEqual(['Unhandled', 'Runtime.ExitError', 'the runtime exited with 3']);
  expect(await failed('Exits')).toEqual(['Unhandled', 'Runtime.ExitError', 'the runtime exited with 3']);
  expect(await failed('Unusable')).toEqual(['Unhandled', 'RangeError', 'at load']);
  expect(await failed('Missing')).toEqual(['Unhandled', 'Runtime.HandlerNotFound', 'index.handler is undefined or not exported']);
});

test('invocations run side by side in at most four environments, which stay warm', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => invoke('Count')));
  const threads = new Set(answers.map(({ payload }) => payload.thread));
  expect(threads.size).toBe(4);
  expect((await invoke('Count')).payload.calls).toBeGreaterThan(1);
});

test('an unknown function is said to be one', async () => {
  await expect(cloud.client(LambdaClient).send(new InvokeCommand({ FunctionName: 'none' }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
