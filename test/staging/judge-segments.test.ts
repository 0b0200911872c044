import { AthenaClient, GetQueryResultsCommand } from '@aws-sdk/client-athena';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeEndpointCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { mockClient } from 'aws-sdk-client-mock';
import { config, endpoint, Lake } from './lake';
import { SegmentSource } from '../../src/domain/segments';
import { handler, JudgeAnswer } from '../../src/staging/judge-shadow.lambda';
import { ShadowPlan } from '../../src/staging/shadow-plan';
import { randoms } from '../domain/loss-streams';

/** The judge as shipped, its SQL on DuckDB over captures and labels. */
const athena = mockClient(AthenaClient);
const sagemaker = mockClient(SageMakerClient);
const cloudwatch = mockClient(CloudWatchClient);
let lake: Lake;

beforeEach(async () => {
  lake = await Lake.open();
  sagemaker.on(DescribeEndpointCommand).resolves({ EndpointConfigName: config, EndpointStatus: 'InService' });
  cloudwatch.on(GetMetricDataCommand).resolves({ MetricDataResults: [] });
});
afterEach(() => {
  lake.close();
  for (const client of [athena, sagemaker, cloudwatch]) client.reset();
});

const plan = (segments?: SegmentSource[]) => ({
  candidate: { version: 'V1.0.1' },
  champion: { version: 'V1.0.0' },
  names: { shadowEndpointConfig: config },
  settings: {
    endpointName: endpoint,
    productionVariantName: 'AllTraffic',
    shadowVariantName: 'Shadow',
    samplingPercentage: 100,
    windowHours: 720,
    evaluateEveryMinutes: 12 * 1440,
    minSamples: 200,
    tolerance: 0.02,
    alpha: 0.05,
    loss: 'SQUARED',
    labelDelayMinutes: 1440,
    blockHours: 6,
    maxErrorRate: 0.01,
    maxLatencyP95Milliseconds: 1000,
    ...(segments === undefined ? {} : { segments }),
  },
  fence: null,
} as unknown as ShadowPlan);

/** Eleven days of requests, five an hour: one in five from the south, where the challenger errs so many times as much. */
function requests(southern: number): void {
  const random = randoms(3);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  for (let i = 0; i < 11 * 24 * 5; i += 1) {
    const at = new Date(Date.UTC(2013, 6, 1) + i * 720_000);
    const south = i % 5 === 0;
    const [label, shared] = [20 + 5 * gauss(), gauss()];
    const challenger = label + (south ? southern : 0.4) * (0.8 * shared + 0.6 * gauss());
    lake.both(`r${i}`, at.toISOString().replace('.000', ''), String(label + shared), String(challenger), { input: `${i},${south ? 'south' : 'north'}\n` });
    lake.label(`r${i}`, new Date(at.getTime() + 3_600_000).toISOString(), String(label));
  }
}

/** The comparison's start and its first look, twelve days later. */
async function firstLook(segments?: SegmentSource[]): Promise<JudgeAnswer> {
  const started = await handler({ action: 'start', plan: plan(segments), time: '2013-07-01T00:00:00Z', historyQueryId: null });
  if (started.decision !== 'continue') throw new Error(`the start decided ${started.decision}`);
  const { comparison, look } = started;
  const rows = await lake.query(look.sql);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const table = [columns, ...rows.map((row) => columns.map((column): string | undefined => row[column]))];
  athena.on(GetQueryResultsCommand).resolves({ ResultSet: { Rows: table.map((row) => ({ Data: row.map((VarCharValue) => ({ VarCharValue })) })) } });
  return handler({ action: 'look', plan: plan(segments), time: look.at, comparison, look, queryId: 'query' });
}

const region: SegmentSource = { name: 'region', column: 1 };

test('a challenger that is better on the whole and worse in the south is rejected, and the reason says where', async () => {
  requests(1.6);
  expect(await firstLook()).toMatchObject({ decision: 'promote', result: { champion: 'V1.0.0', counts: { unknown_labels: 0 } } });
  const answer = await firstLook([region]);
  expect(answer).toMatchObject({
    decision: 'reject',
    event: { decision: 'reject', reason: expect.stringMatching(/^worse than the champion by more than 2 % where region is south: mean loss /) },
    result: {
      segments: [{ segment: 'region', value: 'south', isWorse: true }, { segment: 'region', value: 'north', isWorse: false }],
      counts: { pairs: 1320, requests: 1320, without_label: 0, split_captures: 0 },
    },
  });
});

test('one that is better everywhere is promoted, and what each segment showed is told', async () => {
  requests(0.5);
  const answer = await firstLook([region, { name: 'all', field: 'none' }]);
  expect(answer).toMatchObject({
    decision: 'promote',
    result: { segments: [{ segment: 'all', value: '(other)' }, { segment: 'region', value: 'north' }, { segment: 'region', value: 'south' }] },
  });
  const { segments = [], pairs } = (answer as Extract<JudgeAnswer, { result: unknown }>).result;
  expect(segments[0].pairs).toBe(pairs);
  expect(segments[1].pairs + segments[2].pairs).toBe(pairs);
});
