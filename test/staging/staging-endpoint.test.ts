import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { FakeHosting } from './fake-hosting';
import { importedEndpoint } from './imported';
import { allStates, AwsTaskError, definitionsOf, Json, Run, run, Task } from './machine-runner';
import { CheckParityEvent, handler as checkParity } from '../../src/staging/check-parity.lambda';
import { DeployEvent, handler as deploy } from '../../src/staging/deploy.lambda';
import { handler as judge, JudgeEvent } from '../../src/staging/judge-shadow.lambda';
import { handler as plan } from '../../src/staging/plan-shadow.lambda';
import { PlanShadowEvent } from '../../src/staging/shadow-plan';
import { ShadowStaging, ShadowStagingProps } from '../../src/staging/shadow-staging';

const SAMPLE = 'runs/1/sample.jsonl';
let hosting: FakeHosting;
let events: { Detail: Json }[];

const parityOf = (event: Partial<CheckParityEvent>) => checkParity({
  endpointName: 'mine-staging', sampleUri: `s3://artifacts/${SAMPLE}`, sampleBucket: 'artifacts', sampleSize: 50, limits: { tolerance: 1e-6, maxLatencyP95Milliseconds: 1000 }, ...event,
});

/** Stages a version; the comparison with a champion, which is tested elsewhere, is a step that fails. */
async function play(props: Partial<ShadowStagingProps> = {}, change: Record<string, Task> = {}): Promise<Run> {
  const [{ definition }] = definitionsOf((stack) => new ShadowStaging(stack, 'Staging', {
    endpoint: importedEndpoint(stack),
    ...(props.stagingEndpoint === false ? {} : { samples: s3.Bucket.fromBucketName(stack, 'Samples', 'artifacts') }),
    ...props,
  }));
  const handlers: Record<string, Task> = {
    PlanComparison: (input) => plan(input as unknown as PlanShadowEvent),
    CheckParity: (input) => checkParity(input as unknown as CheckParityEvent),
    DescribeStaging: (parameters) => hosting.describe((parameters as { EndpointName: string }).EndpointName),
    TellVerdict: (parameters) => { events.push(...(parameters as unknown as { Entries: typeof events }).Entries); },
  };
  for (const name of ['JudgeStaging', 'JudgeUnstaged', 'NotStaged']) handlers[name] = (input) => judge(input as unknown as JudgeEvent);
  for (const name of ['CreateModel', 'CreateStagingConfig', 'CreateStaging', 'RemoveStaging', 'RemoveShadow']) {
    handlers[name] = (input) => deploy(input as unknown as DeployEvent);
  }
  const compared: Task = () => { throw new AwsTaskError('Compared', 'this is another test\'s'); };
  const tasks = Object.fromEntries(Object.entries(allStates(definition)).filter(([, { Type }]) => Type === 'Task')
    .map(([name]) => [name, change[name] ?? handlers[name] ?? compared]));
  const input = { version: 'V1.0.1', modelPackageArn: 'arn:aws:sagemaker:eu-central-1:111122223333:model-package/temperature/7' };
  return run(definition, input, tasks, () => '2013-07-01T00:10:00.000Z');
}

function nothingLeft(...endpoints: string[]): void {
  expect([...hosting.endpoints.keys()]).toEqual(endpoints);
  expect([...hosting.configs.keys()]).toHaveLength(endpoints.length);
  expect([...hosting.models.keys()]).toHaveLength(endpoints.length);
}

beforeEach(() => {
  hosting = new FakeHosting();
  events = [];
  hosting.packageFacts = { ...hosting.packageFacts, sample: `s3://artifacts/${SAMPLE}` };
  hosting.objects.set(SAMPLE, Array.from({ length: 60 }, (_, i) => JSON.stringify({ payload: String(i / 4), prediction: i / 4 })).join('\n'));
});
afterEach(() => hosting.restore());

describe('a version on its staging endpoint', () => {
  test('is promoted where it answers as it was evaluated and nobody is in production', async () => {
    const { output, error, trail } = await play();
    expect(error).toBeUndefined();
    expect(output).toMatchObject({
      decision: 'promote',
      champion: 'none',
      version: 'V1.0.1',
      pairs: 0,
      reason: expect.stringMatching(/^nothing to compare with: no version is in production; the staging endpoint answered 50 rows of the holdout as the evaluation did, measured p95 latency [\d.e-]+ ms$/),
      parity: { status: 'passed', asked: 50, different: 0 },
    });
    expect(events).toEqual([expect.objectContaining({ DetailType: 'ShadowVerdict', Detail: expect.objectContaining({ decision: 'promote', champion: 'none' }) })]);
    expect(trail).not.toContain('AttachShadow');
    expect(hosting.moves).toEqual([]);
    nothingLeft();
  });

  test('has what production has, one instance, and no capture', async () => {
    await play();
    const [name] = hosting.staged;
    expect(name).toMatch(/^[0-9a-f]{8}-temperature-V1-0-1-[0-9a-f]{8}-staging$/);
    const inputs = hosting.sagemaker.calls().map((call) => call.args[0].input as Record<string, unknown>);
    expect(inputs).toContainEqual(expect.objectContaining({
      ExecutionRoleArn: 'arn:aws:iam::111122223333:role/model', EnableNetworkIsolation: true, PrimaryContainer: { Image: 'image:abc', ModelDataUrl: 's3://artifacts/model.tar.gz' },
    }));
    expect(inputs).toContainEqual({
      EndpointConfigName: name,
      ProductionVariants: [{
        VariantName: 'AllTraffic', ModelName: name.replace('-staging', ''), InstanceType: 'ml.m5.large', InitialInstanceCount: 1, InitialVariantWeight: 1,
      }],
    });
    expect(hosting.runtime.commandCalls(InvokeEndpointCommand).map((call) => call.args[0].input).every((input) =>
      input.EndpointName === name && input.ContentType === 'text/csv')).toBe(true);
  });

  test.each<[string, (payload: string) => string, RegExp]>([
    ['answers otherwise', (payload) => String(Number(payload) + 0.01), /50 of 50 rows of the holdout were answered otherwise than the evaluation did/],
    ['answers without a number', () => 'nan', /answered without a finite number, the first: 'nan'/],
    ['fails', () => { throw new AwsTaskError('ModelError', 'Received server error (500)'); }, /1 of 1 rows of the holdout were not answered, the first: Received server error/],
    ['fails later', (payload) => {
      if (payload === '10.2') return payload;
      if (Number(payload) > 5) throw new AwsTaskError('ModelError', 'KeyError');
      return payload;
    }, /\d+ of 50 rows of the holdout were not answered, the first: KeyError/],
  ])('is rejected before any real request where it %s', async (_, answer, reason) => {
    const champion = hosting.serving('temperature', 'V1.0.0');
    hosting.answer = answer;
    const { output, trail } = await play();
    expect(output).toMatchObject({ decision: 'reject', champion: 'V1.0.0', reason: expect.stringMatching(reason), parity: { status: 'failed' } });
    expect(trail).not.toContain('CreateConfig');
    expect(hosting.moves).toEqual([]);
    expect(hosting.endpoints.get('temperature')).toMatchObject({ status: 'InService', config: champion });
    expect(events).toHaveLength(1);
    nothingLeft('temperature');
  });

  test('is rejected where it does not come up', async () => {
    hosting.outcomes.push([/-staging$/, 'breaks']);
    const { output } = await play();
    expect(output).toMatchObject({ decision: 'reject', reason: 'the staging endpoint did not come up: the container did not pass the ping health check' });
    expect(hosting.runtime.calls()).toHaveLength(0);
    nothingLeft();
  });

  test('goes on to the comparison where it answers as it was evaluated', async () => {
    hosting.serving('temperature', 'V1.0.0');
    const { trail } = await play();
    expect(trail.indexOf('RemoveStaging')).toBeLessThan(trail.indexOf('QueryChampionLosses'));
    expect(trail).toContain('QueryChampionLosses');
    nothingLeft('temperature');
  });

  test.each<[string, () => void, Partial<ShadowStagingProps>]>([
    ['the package names none', () => { hosting.packageFacts = { version: 'V1.0.1' }; }, {}],
    ['it is empty', () => hosting.objects.set(SAMPLE, '\n'), {}],
    ['no bucket of samples is known', () => undefined, { samples: undefined }],
  ])('must come up and answers nothing where there is no sample: %s', async (_, prepare, props) => {
    prepare();
    const { output } = await play(props);
    expect(output).toMatchObject({
      decision: 'promote', reason: expect.stringMatching(/^nothing to compare with.*sample.*: parity was not checked$/), parity: { status: 'unchecked', asked: 0 },
    });
    expect(hosting.staged).toHaveLength(1);
    expect(hosting.runtime.calls()).toHaveLength(0);
    nothingLeft();
  });

  test.each<[string, () => void, RegExp]>([
    ['is gone', () => hosting.objects.delete(SAMPLE), /cannot be read: NoSuchKey/],
    ['is elsewhere', () => { hosting.packageFacts = { sample: 's3://other/sample.jsonl' }; }, /is not in the bucket of samples artifacts/],
    ['has no address', () => { hosting.packageFacts = { sample: 'sample.jsonl' }; }, /is no s3:/],
    ['is garbled', () => hosting.objects.set(SAMPLE, '{"payload":"1","prediction":NaN}'), /line 1 of the sample/],
  ])('is rejected where the sample that its package names %s', async (_, prepare, reason) => {
    prepare();
    expect((await play()).output).toMatchObject({ decision: 'reject', reason: expect.stringMatching(reason) });
    nothingLeft();
  });

  test('waits until its endpoint is gone', async () => {
    let looks = 0;
    const { output } = await play({}, {
      RemoveStaging: (input) => {
        if ((looks += 1) < 4) throw new AwsTaskError('EndpointBusy', 'it is being deleted');
        return deploy(input as unknown as DeployEvent);
      },
    });
    expect(output).toMatchObject({ decision: 'promote' });
    nothingLeft();
  });

  test('has failed where its endpoint cannot be removed', async () => {
    const { error, output } = await play({}, { RemoveStaging: () => { throw new AwsTaskError('SageMakerException', 'no luck'); } });
    expect(output).toBeUndefined();
    expect(error).toMatchObject({ name: 'SageMakerException' });
    expect(events).toEqual([]);
  });

  test('SageMaker\'s own errors are no answer of the model: the check is repeated', async () => {
    let tries = 0;
    hosting.answer = (payload) => {
      if ((tries += 1) < 3) throw new AwsTaskError('ServiceUnavailable', 'try again');
      return payload;
    };
    expect((await play()).output).toMatchObject({ decision: 'promote', parity: { status: 'passed' } });
  });

  test('is left out where the user wants it so', async () => {
    const { output, trail } = await play({ stagingEndpoint: false });
    expect(output).toMatchObject({ decision: 'promote', reason: 'nothing to compare with: no version is in production; there was no staging endpoint' });
    expect(output).not.toHaveProperty('parity');
    expect(trail).not.toContain('RemoveStaging');
    expect(hosting.staged).toEqual([]);
    nothingLeft();
  });
});

describe('the check', () => {
  beforeEach(() => hosting.endpoints.set('mine-staging', { status: 'InService', config: 'mine-staging', polls: 0 }));

  test('asks every row once, and the first once before, which is not measured', async () => {
    expect(await parityOf({ sampleSize: 7 })).toMatchObject({ status: 'passed', asked: 7 });
    expect(hosting.runtime.commandCalls(InvokeEndpointCommand)).toHaveLength(8);
  });

  test('gives up where the latency is too high for certain', async () => {
    const report = await parityOf({ limits: { tolerance: 1e-6, maxLatencyP95Milliseconds: -1 } });
    expect(report).toMatchObject({ status: 'failed', asked: 3, reason: expect.stringContaining('the measured p95 latency is') });
    expect(hosting.runtime.commandCalls(InvokeEndpointCommand)).toHaveLength(4);
  });
});
