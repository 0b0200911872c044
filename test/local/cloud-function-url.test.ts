import { aws_iam as iam, aws_lambda as lambda, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Clouds } from './cloud-support';
import { Lambda } from '../../examples/local/cloud/lambda';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { authorization } from '../../examples/local/cloud/wire';

const clouds = new Clouds();
let cloud: LocalCloud;
const roles: Record<string, string> = {};
afterAll(() => clouds.stop());

beforeAll(async () => {
  cloud = await clouds.deploy((stack: Stack) => {
    for (const [name, code] of Object.entries({
      Echo: 'exports.handler = async (event) => event.body === "fail" ? Promise.reject(new Error("no")) : { statusCode: 201, headers: { "x-made": "yes" }, body: JSON.stringify(event) };',
      Plain: 'exports.handler = async () => ({ plain: true });',
    })) {
      const made = new lambda.Function(stack, name, { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromInline(code), timeout: Duration.seconds(30) });
      new CfnOutput(stack, `${name}Url`, { value: made.addFunctionUrl().url });
      const role = (id: string) => new iam.Role(stack, `${name}${id}`, { roleName: `${name}${id}`, assumedBy: new iam.AccountRootPrincipal() });
      const [caller, half] = [role('Caller'), role('Half')];
      made.grantInvokeUrl(caller);
      half.addToPolicy(new iam.PolicyStatement({ actions: ['lambda:InvokeFunctionUrl'], resources: [made.functionArn] }));
    }
  });
  for (const name of ['EchoCaller', 'EchoHalf', 'PlainCaller']) {
    roles[name] = `arn:aws:iam::${cloud.account}:role/${name}`;
    cloud.restrict(roles[name]);
  }
});

async function call(name: string, role: string, path = '', init: RequestInit = {}) {
  const url = cloud.find(Lambda).urls.localUrl(cloud.outputs.get('Test')![`${name}Url`]);
  const answer = await fetch(`${url}${path}`, {
    ...init, headers: { ...init.headers, authorization: authorization(cloud.environment(roles[role]).AWS_ACCESS_KEY_ID, cloud.region, 'lambda') },
  });
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

test('a function URL tells the function who calls what, and when', async () => {
  const { status, headers, body } = await call('Echo', 'EchoCaller', 'a/b?c=d', { method: 'POST', body: '{"e":1}', headers: { 'content-type': 'application/json' } });
  expect([status, headers.get('x-made')]).toEqual([201, 'yes']);
  expect(JSON.parse(body)).toMatchObject({
    version: '2.0',
    rawPath: '/a/b',
    queryStringParameters: { c: 'd' },
    body: '{"e":1}',
    isBase64Encoded: false,
    requestContext: {
      http: { method: 'POST', path: '/a/b' },
      authorizer: { iam: { userArn: `arn:aws:sts::${cloud.account}:assumed-role/EchoCaller/local` } },
      timeEpoch: cloud.clock.now().getTime(),
    },
  });
});

test('what is no text comes encoded; what has no status is the body; a failure is nobody\'s business', async () => {
  const bytes = await call('Echo', 'EchoCaller', '', { method: 'PUT', body: Buffer.from([0, 255]), headers: { 'content-type': 'application/octet-stream' } });
  expect(JSON.parse(bytes.body)).toMatchObject({ body: 'AP8=', isBase64Encoded: true });
  expect(await call('Plain', 'PlainCaller')).toMatchObject({ status: 200, body: '{"plain":true}' });
  expect(await call('Echo', 'EchoCaller', '', { method: 'POST', body: 'fail', headers: { 'content-type': 'text/plain' } })).toMatchObject({ status: 502 });
});

test('policies decide about the URL and about the function by way of it', async () => {
  expect(await call('Plain', 'EchoCaller')).toMatchObject({ status: 403, body: expect.stringContaining('lambda:InvokeFunctionUrl') as string });
  expect(await call('Echo', 'EchoHalf')).toMatchObject({ status: 403, body: expect.stringContaining('lambda:InvokeFunction on') as string });
  expect(cloud.faults).toEqual([]);
});
