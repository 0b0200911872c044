import { AthenaClient, GetQueryResultsCommand } from '@aws-sdk/client-athena';
import { Duration } from 'aws-cdk-lib';
import { mockClient } from 'aws-sdk-client-mock';
import { FakeHosting } from './fake-hosting';
import { importedEndpoint } from './imported';
import { AwsTaskError, definitionsOf, Json, Run, run, Task } from './machine-runner';
import { PAIRING_COLUMNS } from '../../src/domain/pairing-sql';
import { ownPrefix } from '../../src/domain/release-names';
import { CheckParityEvent, handler as checkParity } from '../../src/staging/check-parity.lambda';
import { DeployEvent, handler as deploy } from '../../src/staging/deploy.lambda';
import { handler as judge, JudgeEvent } from '../../src/staging/judge-shadow.lambda';
import { handler as plan } from '../../src/staging/plan-shadow.lambda';
import { PlanShadowEvent } from '../../src/staging/shadow-plan';
import { ShadowStaging, ShadowStagingProps } from '../../src/staging/shadow-staging';

const packageArn = 'arn:aws:sagemaker:eu-central-1:111122223333:model-package/temperature/7';
const athena = mockClient(AthenaClient);
let hosting: FakeHosting;
let champion: string;
let now: Date;
let events: Json[];
let queries: Map<string, Record<string, number>[]>;
/** Ratio of the challenger's losses to the champion's, and pairs in an hour. */
let world: { ratio: number; pairs: number; missing: number };

const hourOf = (sql: string, pattern: RegExp) => Date.parse(`${pattern.exec(sql)?.[1].replace(' ', 'T')}Z`);

/** What Athena would answer: losses that vary from hour to hour, alike for both models. */
function answer(sql: string): Record<string, number>[] {
  const from = hourOf(sql, /moment >= TIMESTAMP '([^']+)'/);
  const until = hourOf(sql, /moment < TIMESTAMP '([^']+)'/);
  return Array.from({ length: Math.max(0, (until - from) / 3_600_000) }, (_, hour): Record<string, number> => {
    const loss = world.pairs * (4 + Math.sin(hour * 12.9898) * 1.5);
    return sql.includes('challenger_loss')
      ? {
        ...Object.fromEntries(PAIRING_COLUMNS.map((column) => [column, 0])),
        hour,
        pairs: world.pairs,
        requests: world.pairs + world.missing,
        champion_loss: loss,
        challenger_loss: loss * world.ratio * (1 + 0.1 * Math.cos(hour * 78.233)),
        without_challenger: world.missing,
      }
      : { hour, pairs: world.pairs, loss };
  });
}

/** Stand-ins for the tasks of the machine: the shipped handlers, and a cloud in memory. */
function standIns(): Record<string, Task> {
  const query: Task = (parameters) => {
    const id = `query-${queries.size}`;
    const { QueryString } = parameters as { QueryString: string };
    // the engine waits no time at all: the clock is put to the time that the machine has waited for
    const looked = /moment < TIMESTAMP '([^']+)'/.exec(QueryString)?.[1];
    if (QueryString.includes('challenger_loss')) now = new Date(Math.max(now.getTime(), Date.parse(`${looked?.replace(' ', 'T')}Z`) + 86_400_000));
    queries.set(id, answer(QueryString));
    return { QueryExecution: { QueryExecutionId: id } };
  };
  athena.on(GetQueryResultsCommand).callsFake((input: { QueryExecutionId: string }) => {
    const rows = queries.get(input.QueryExecutionId) ?? [];
    const columns = Object.keys(rows[0] ?? { hour: 0 });
    const table = [columns, ...rows.map((row) => columns.map((column) => String(row[column])))];
    return { ResultSet: { Rows: table.map((values) => ({ Data: values.map((VarCharValue) => ({ VarCharValue })) })) } };
  });
  const deployer: Task = (input) => deploy(input as unknown as DeployEvent);
  const judging: Task = (input) => judge(input as unknown as JudgeEvent);
  const describe: Task = (parameters) => hosting.describe((parameters as { EndpointName: string }).EndpointName);
  return {
    PlanComparison: (input) => plan(input as unknown as PlanShadowEvent),
    QueryChampionLosses: query,
    QueryPairs: query,
    CreateModel: deployer,
    CreateStagingConfig: deployer,
    CreateStaging: deployer,
    DescribeStaging: describe,
    CheckParity: (input) => checkParity(input as unknown as CheckParityEvent),
    JudgeStaging: judging,
    JudgeUnstaged: judging,
    NotStaged: judging,
    RemoveStaging: deployer,
    CreateConfig: deployer,
    AttachShadow: deployer,
    RestoreChampion: deployer,
    RemoveShadow: deployer,
    StartComparison: judging,
    Judge: judging,
    Refused: judging,
    DescribeShadow: describe,
    DescribeChampion: describe,
    TellVerdict: (parameters) => { events.push(...(parameters as { Entries: Json[] }).Entries); },
  };
}

const play = (change: Record<string, Task> = {}, props: Partial<ShadowStagingProps> = {}): Promise<Run> => {
  const [{ definition }] = definitionsOf((stack) => new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack), ...props }));
  return run(definition, { version: 'V1.0.1', modelPackageArn: packageArn }, { ...standIns(), ...change }, () => now.toISOString());
};
const untouched = () => {
  expect(hosting.endpoints.get('temperature')).toMatchObject({ status: 'InService', config: champion });
  expect([...hosting.endpoints.keys()]).toEqual(['temperature']);
  expect([...hosting.configs.keys()]).toEqual([champion]);
  expect([...hosting.models.keys()]).toEqual([champion]);
};

beforeEach(() => {
  hosting = new FakeHosting();
  champion = hosting.serving('temperature', 'V1.0.0');
  now = new Date('2013-07-01T00:10:00Z');
  events = [];
  queries = new Map();
  world = { ratio: 0.7, pairs: 30, missing: 0 };
});
afterEach(() => {
  hosting.restore();
  athena.reset();
});

describe('the shadow comparison, as synthesized', () => {
  test('promotes a better challenger and puts the champion back', async () => {
    const { output, error } = await play();
    expect(error).toBeUndefined();
    expect(output).toMatchObject({ decision: 'promote', version: 'V1.0.1', champion: 'V1.0.0', endpoint: 'temperature', tolerance: 0.02, blockHours: expect.any(Number) });
    expect(output).toEqual(expect.objectContaining({ upper: expect.any(Number), lower: expect.any(Number), counts: expect.any(Object) }));
    expect(hosting.moves).toHaveLength(2);
    expect(hosting.moves[0]).toMatch(/^[0-9a-f]{8}-temperature-V1-0-1-[0-9a-f]{8}-shadow$/);
    expect(hosting.objects.get(`deployments/${hosting.moves[0]}.jsonl`)?.trim().split('\n').map((line) => JSON.parse(line))).toEqual([
      { config_name: hosting.moves[0], variant: 'AllTraffic', version: 'V1.0.0', rmse: 3, released_at: '2013-07-01T00:10:00.000Z' },
      { config_name: hosting.moves[0], variant: 'Shadow', version: 'V1.0.1', mse: 4, rmse: 2, mae: 1.5, r2: 0.9, released_at: '2013-07-01T00:10:00.000Z' },
    ]);
    untouched();
    expect(events).toEqual([expect.objectContaining({ Source: 'cdk-mlops', DetailType: 'ShadowVerdict', Detail: expect.objectContaining({ decision: 'promote' }) })]);
  });

  test('mirrors the champion as it is, with captures under the config\'s own prefix', async () => {
    await play({}, { samplingPercentage: 40 });
    const [, request] = hosting.sagemaker.calls().map((call) => call.args[0].input as { EndpointConfigName?: string; ProductionVariants?: object[] })
      .filter((input) => input.EndpointConfigName?.endsWith('-shadow') === true && input.ProductionVariants !== undefined).map((input) => ['', input] as const)[0];
    expect(request).toMatchObject({
      ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: champion, InitialInstanceCount: 2, InitialVariantWeight: 1 }],
      ShadowProductionVariants: [{ VariantName: 'Shadow', InitialInstanceCount: 1, InitialVariantWeight: 0.4 }],
      DataCaptureConfig: {
        InitialSamplingPercentage: 100,
        DestinationS3Uri: `s3://observations/captures/${request.EndpointConfigName}`,
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
      },
    });
  });

  test('rejects a worse challenger', async () => {
    world = { ...world, ratio: 1.4 };
    expect((await play()).output).toMatchObject({ decision: 'reject', reason: expect.stringContaining('worse than the champion') });
    untouched();
  });

  test('ends without a decision where neither is better, after the whole window', async () => {
    world = { ...world, ratio: 1.02 };
    const { output, trail } = await play({}, { window: Duration.days(10) });
    expect(output).toMatchObject({ decision: 'inconclusive', reason: expect.stringContaining('the window is over') });
    expect(trail.filter((name) => name === 'Judge')).toHaveLength(41);
    untouched();
  });

  test('never promotes on too little', async () => {
    world = { ...world, ratio: 0.1, pairs: 0 };
    expect((await play({}, { window: Duration.days(5) })).output).toMatchObject({ decision: 'inconclusive', pairs: 0, reason: expect.stringContaining('not enough data') });
    untouched();
  });

  test('rejects a shadow that leaves requests unanswered', async () => {
    world = { ...world, missing: 3 };
    expect((await play()).output).toMatchObject({ decision: 'reject', reason: expect.stringMatching(/left \d+ unanswered/) });
    untouched();
  });

  test('rejects a shadow that fails requests, and one that is slow', async () => {
    hosting.metrics = { invocations: [100, 100], server: [1, 4] };
    expect((await play()).output).toMatchObject({ decision: 'reject', reason: 'the shadow failed 5 of 200 requests (2.5 %), at most 1 % are allowed' });
    hosting.metrics = { latency: [900_000, 1_500_000, 1_500_000] };
    expect((await play()).output).toMatchObject({ decision: 'reject', reason: expect.stringContaining('1500 ms') });
    untouched();
  });

  test('measures blocks only where the champion has a past and none is given', async () => {
    expect((await play({}, { blockLength: Duration.hours(6) })).trail).not.toContain('QueryChampionLosses');
    hosting.endpoints.clear();
    hosting.objects.clear();
    champion = hosting.serving('temperature', 'V1.0.0', { capturedIn: 'elsewhere' });
    hosting.objects.clear();
    const { output, trail } = await play();
    expect(trail).not.toContain('QueryChampionLosses');
    expect(output).toMatchObject({ champion, blockHours: 24 });
  });

  test('finds the past of the champion on whatever page of the list it is', async () => {
    champion = hosting.serving('temperature', 'V1.0.0', { capturedIn: 'elsewhere' });
    hosting.objects.delete(`deployments/${champion}.jsonl`);
    for (const [name, version] of Object.entries({ a: 'V0.1.0', b: 'V0.2.0', c: champion })) {
      hosting.objects.set(`deployments/${ownPrefix('temperature')}${name}.jsonl`, JSON.stringify({ config_name: name, variant: 'AllTraffic', version }));
    }
    expect((await play()).trail).toContain('QueryChampionLosses');
  });

  test('rejects a challenger that the endpoint rolls back', async () => {
    hosting.outcomes.push([/-shadow$/, 'rolls back']);
    const { output, trail } = await play();
    expect(output).toMatchObject({ decision: 'reject', pairs: 0, reason: expect.stringContaining('did not pass the ping health check') });
    expect(trail).not.toContain('QueryPairs');
    untouched();
    expect(events).toHaveLength(1);
  });

  test('lets go where somebody else moves the endpoint meanwhile, and leaves it there', async () => {
    let looks = 0;
    const tasks = standIns();
    const { output } = await play({
      QueryPairs: (input) => {
        if ((looks += 1) === 2) {
          hosting.configs.set('foreign', { EndpointConfigName: 'foreign', ProductionVariants: [] });
          hosting.endpoints.set('temperature', { status: 'InService', config: 'foreign', polls: 0 });
        }
        return tasks.QueryPairs(input);
      },
    });
    expect(output).toMatchObject({ decision: 'inconclusive', reason: expect.stringContaining('moved the endpoint to foreign') });
    expect(hosting.endpoints.get('temperature')?.config).toBe('foreign');
  });

  test.each([
    'CreateModel', 'CreateStagingConfig', 'CreateStaging', 'DescribeStaging', 'CheckParity', 'JudgeStaging', 'NotStaged',
    'QueryChampionLosses', 'CreateConfig', 'AttachShadow', 'StartComparison', 'QueryPairs', 'Judge', 'DescribeShadow', 'Refused',
  ])(
    'puts the champion back where %s fails for good', async (name) => {
      if (name === 'Refused') hosting.outcomes.push([/-shadow$/, 'rolls back']);
      if (name === 'NotStaged') hosting.outcomes.push([/-staging$/, 'breaks']);
      const { error, output } = await play({ [name]: () => { throw new AwsTaskError('SageMaker.SageMakerException', 'no luck'); } });
      expect(output).toBeUndefined();
      expect(error).toBeDefined();
      untouched();
      expect(events).toEqual([]);
    });

  test.each([
    'CreateModel', 'CreateStagingConfig', 'CreateStaging', 'DescribeStaging', 'CheckParity', 'JudgeStaging', 'RemoveStaging',
    'CreateConfig', 'AttachShadow', 'RestoreChampion', 'RemoveShadow', 'Judge', 'TellVerdict', 'DescribeChampion', 'QueryPairs',
  ])(
    'is not harmed where %s is interrupted after its effect', async (name) => {
      const tasks = standIns();
      let times = 0;
      const { output } = await play({
        [name]: async (input) => {
          const done = await tasks[name](input);
          if ((times += 1) === 1) throw new AwsTaskError('Lambda.Unknown', 'the connection was lost');
          return done;
        },
      });
      expect(output).toMatchObject({ decision: 'promote' });
      expect(hosting.moves).toHaveLength(2);
      untouched();
    });

  test('still answers where the event cannot be put, or the leftovers not be removed', async () => {
    const broken = () => { throw new AwsTaskError('Events.EventsException', 'no luck'); };
    expect((await play({ TellVerdict: broken, RemoveShadow: broken })).output).toMatchObject({ decision: 'promote' });
    expect(hosting.endpoints.get('temperature')?.config).toBe(champion);
  });

  test('changes nothing where the endpoint is busy for long, or shadowed already', async () => {
    hosting.endpoints.set('temperature', { status: 'Updating', config: champion, polls: 0 });
    expect((await play()).error).toBeDefined();
    const shadowed = hosting.configs.get(champion);
    hosting.configs.set(champion, { ...shadowed!, ShadowProductionVariants: [{}] });
    hosting.endpoints.set('temperature', { status: 'InService', config: champion, polls: 0 });
    expect((await play()).error).toBeDefined();
    const { trail } = await play();
    expect(trail).toEqual(['PlanComparison', 'ShadowFailed']);
    expect(hosting.staged).toEqual([]);
    expect(hosting.moves).toEqual([]);
  });
});
