import { Agent, request } from 'node:http';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';

import { Clouds } from './cloud-support';
import { ApiGateway } from '../../examples/local/apigateway/apigateway';
import { compileSchema } from '../../examples/local/apigateway/schema';
import { Athena } from '../../examples/local/athena/athena';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { AwsError, Call, Json, RawAnswer, Service } from '../../examples/local/cloud/types';
import { authorization } from '../../examples/local/cloud/wire';
import { Firehose } from '../../examples/local/firehose/firehose';
import { Glue } from '../../examples/local/glue/glue';
import { newSharedAccessLogs } from '../../src/private/access-logs';
import { ModelResources } from '../../src/private/model-resources';
import { PlatformResources } from '../../src/private/platform-resources';
import { ModelEndpoint } from '../../src/serving/model-endpoint';
import { PredictionApi } from '../../src/serving/prediction-api';

/** Answers twice the number it is given. */
class Doubling implements Service {
  readonly scopes = [];
  readonly calls: Call[] = [];

  async handle(call: Call): Promise<RawAnswer> {
    this.calls.push(call);
    const text = call.body.toString();
    if (text === 'unknown') throw new AwsError('ValidationError', 'Endpoint not found', 400);
    if (text === 'crash') return { status: 424, headers: {}, body: '{"Message":"see the log group"}' };
    return { status: 200, headers: { 'Content-Type': 'text/csv; charset=utf-8' }, body: `${2 * Number(text)}\n` };
  }
}

describe.each(['methods', 'a definition'])('API Gateway, by %s', (by) => {
  const clouds = new Clouds();
  const model = new Doubling();
  const agent = new Agent({ keepAlive: true });
  const gateway = new ApiGateway({ 'runtime.sagemaker': () => model, 'firehose': (at) => at.find(Firehose) });
  let cloud: LocalCloud;
  let url = '';
  const roles: Record<string, string> = {};

  beforeAll(async () => {
    cloud = await clouds.deploy((stack: Stack) => {
      if (by === 'a definition') {
        const key = new kms.Key(stack, 'Key');
        new ModelResources(stack, new PlatformResources(stack, {
          encryptionKey: key, newAccessLogs: (within) => newSharedAccessLogs(within, RemovalPolicy.DESTROY),
        }), key);
      }
      const api = new PredictionApi(stack, 'Api', { endpoint: new ModelEndpoint(stack, 'Endpoint', { endpointName: 'temperature' }) });
      const caller = new iam.Role(stack, 'Caller', { roleName: 'caller', assumedBy: new iam.AccountRootPrincipal() });
      new iam.Role(stack, 'Stranger', { roleName: 'stranger', assumedBy: new iam.AccountRootPrincipal() });
      api.grantPredict(caller);
      api.grantSubmitGroundTruth(caller);
    }, { standIns: [new Glue(), new Athena(), new Firehose(), gateway] });
    const [output] = Object.values(cloud.outputs.get('Test') ?? {});
    url = gateway.localUrl(output);
    for (const name of ['caller', 'stranger']) {
      roles[name] = `arn:aws:iam::${cloud.account}:role/${name}`;
      cloud.restrict(roles[name]);
    }
  });

  afterAll(async () => {
    agent.destroy();
    await clouds.stop();
  });

  async function post(path: string, body: string, headers: Record<string, string>, who = 'caller') {
    return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>((resolve, reject) => {
      const key = cloud.environment(roles[who]).AWS_ACCESS_KEY_ID;
      const outgoing = request(`${url}${path}`, {
        method: 'POST', agent, headers: { authorization: authorization(key, cloud.region, 'execute-api'), ...headers },
      }, (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces).toString() }));
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
  const predict = async (body: string, who?: string) => post('predictions', body, { 'content-type': 'text/csv' }, who);
  const label = async (body: string) => post('ground-truth', body, { 'content-type': 'application/json' });

  test('hands a request to the endpoint under its id, and the answer back', async () => {
    const { status, headers, body } = await predict('21');
    expect([status, body, headers['content-type']]).toEqual([200, '42\n', 'text/csv; charset=utf-8']);
    const call = model.calls.at(-1);
    expect(call).toMatchObject({
      path: '/endpoints/temperature/invocations',
      method: 'POST',
      headers: { 'content-type': 'text/csv', 'x-amzn-sagemaker-inference-id': headers['x-inference-id'] },
    });
    expect(headers['x-inference-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers['x-amzn-requestid']).toBe(headers['x-inference-id']);
  });

  test('answers by the pattern of the status, without what is no business of callers', async () => {
    expect(await predict('crash')).toMatchObject({ status: 502, body: '{"message":"The model could not answer"}', headers: { 'content-type': 'application/json' } });
    expect(await predict('unknown')).toMatchObject({ status: 400, body: '{"message":"The request was refused"}' });
  });

  test('writes labels to the stream as the template says', async () => {
    const { status, body } = await label('{"inferenceId":"r-1","value":12.5}');
    expect([status, body]).toEqual([202, '{"accepted":true}']);
    await label('{"inferenceId":"r-2","value":-3}');
    await cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + 60_000));
    const bucket = [...cloud.resources.values()].filter(({ resource }) => resource.type === 'AWS::S3::Bucket').map(({ deployed }) => deployed.ref);
    const found = (await Promise.all(bucket.map(async (name) => (await cloud.s3.list(name, 'ground-truth/2013/03/01/00/')).map(({ key }) => [name, key])))).flat();
    expect(found).toHaveLength(1);
    const lines = (await cloud.s3.get(found[0][0], found[0][1])).toString().split('\n');
    expect(lines).toEqual([
      '{"groundTruthData":{"data":"12.5","encoding":"CSV"},"eventMetadata":{"eventId":"r-1","eventTime":"1362096000000"},"eventVersion":"0"}',
      '{"groundTruthData":{"data":"-3","encoding":"CSV"},"eventMetadata":{"eventId":"r-2","eventTime":"1362096000000"},"eventVersion":"0"}',
      '',
    ]);
  });

  test.each([
    ['a body that the schema does not allow', 'ground-truth', '{"inferenceId":"r-1","value":"warm"}', 'application/json', 400, 'Invalid request body'],
    ['a member too many', 'ground-truth', '{"inferenceId":"r-1","value":1,"x":1}', 'application/json', 400, 'Invalid request body'],
    ['no JSON', 'ground-truth', 'value=1', 'application/json', 400, 'Invalid request body'],
    ['a type without a template', 'ground-truth', 'r-1,1', 'text/csv', 415, 'Unsupported Media Type'],
    ['a required header that is missing', 'predictions', '1', '', 400, 'Missing required request parameters: [Content-Type]'],
    ['a path that is not there', 'nothing', '1', 'text/csv', 403, 'Missing Authentication Token'],
  ])('refuses %s', async (_, path, body, type, status, message) => {
    const answer = await post(path, body, type === '' ? {} : { 'content-type': type }, 'caller');
    // a path that is not there is not granted to anybody either
    expect([answer.status, (JSON.parse(answer.body) as { message: string }).message]).toEqual([status, path === 'nothing' ? expect.any(String) : message]);
  });

  test('asks the policies of the assembly who may call', async () => {
    const { status, body } = await predict('1', 'stranger');
    expect(status).toBe(403);
    expect(body).toMatch(/not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:\S+\/live\/POST\/predictions/);
  });
});

describe('JSON schema', () => {
  test('knows the keywords of draft 4 that look at one value', () => {
    const check = compileSchema({
      type: 'object',
      required: ['instances'],
      properties: {
        instances: { type: 'array', minItems: 1, maxItems: 2, uniqueItems: true, items: { type: 'object', additionalProperties: { type: ['number', 'null'] } } },
        kind: { enum: ['a', null] },
        name: { type: 'string', minLength: 1, maxLength: 2, pattern: '^[a-z]+$' },
        size: { type: 'integer', minimum: 0, exclusiveMinimum: true, maximum: 10 },
        either: { oneOf: [{ type: 'string' }, { type: 'number' }], not: { enum: ['no'] } },
      },
      additionalProperties: false,
    });
    expect(check({ instances: [{ a: 1, b: null }], kind: null, name: 'ab', size: 10, either: 'yes' })).toBe(true);
    const wrong: Json[] = [
      [], {}, { instances: [] }, { instances: [{ a: 'x' }] }, { instances: [{}, {}] },
      { instances: [{}], other: 1 }, { instances: [{}], kind: 'b' }, { instances: [{}], name: 'abc' }, { instances: [{}], name: 'A' },
      { instances: [{}], size: 0 }, { instances: [{}], size: 1.5 }, { instances: [{}], either: 'no' },
    ];
    for (const bad of wrong) {
      expect([bad, check(bad)]).toEqual([bad, false]);
    }
  });

  test('refuses a keyword that it does not know', () => {
    expect(() => compileSchema({ properties: { a: { format: 'date' } } })).toThrow(/the JSON schema keyword format/);
  });
});
