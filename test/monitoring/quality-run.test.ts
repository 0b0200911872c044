import { AthenaClient, GetQueryResultsCommand } from '@aws-sdk/client-athena';
import { CloudWatchClient, MetricDatum, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { mockClient } from 'aws-sdk-client-mock';
import { FakeBucket } from './fake-bucket';
import { Observed } from './observed';
import { QualityReport } from '../../src/domain/quality-report';
import { handler as planHandler, PlanQualityEvent } from '../../src/monitoring/plan-quality.lambda';
import { handler as publishHandler, PublishQualityEvent } from '../../src/monitoring/publish-quality.lambda';
import { QualityMonitor } from '../../src/monitoring/quality-monitor';
import { ModelEndpoint } from '../../src/serving/model-endpoint';
import { AwsTaskError, definitionsOf, Json, run, Run, Task } from '../staging/machine-runner';

const [{ definition }] = definitionsOf((stack) => {
  new QualityMonitor(stack, 'Quality', { endpoint: new ModelEndpoint(stack, 'Endpoint', { endpointName: 'houses' }), minSamples: 2 });
});

process.env.SETTINGS = JSON.stringify({
  bucketName: 'observed',
  endpointName: 'houses',
  productionVariant: 'AllTraffic',
  variants: ['AllTraffic', 'Shadow'],
  everyHours: 1,
  labelDelayHours: 24,
  maxLabelDelayHours: 168,
  minSamples: 2,
});

/** The shipped definition with the shipped handlers; S3 and CloudWatch in memory, DuckDB for Athena. */
class World {
  readonly bucket = new FakeBucket();
  readonly published: (MetricDatum & { at: string; of: string })[] = [];
  queryFails = 0;
  publishFails = 0;
  private result: Record<string, unknown>[] = [];

  constructor(private readonly observed: () => Observed, captured: string[] = []) {
    captured.forEach((key) => this.bucket.objects.set(key, ''));
    mockClient(CloudWatchClient).on(PutMetricDataCommand).callsFake((input: { Namespace: string; MetricData: MetricDatum[] }) => {
      expect(input.Namespace).toBe('cdk-mlops');
      this.published.push(...input.MetricData.map((datum) => ({
        ...datum, at: datum.Timestamp!.toISOString(), of: (datum.Dimensions ?? []).map(({ Value }) => Value).join('/'),
      })));
      return {};
    });
    mockClient(AthenaClient).on(GetQueryResultsCommand).callsFake(() => {
      const columns = Object.keys(this.result[0] ?? { variant: '' });
      const cell = (value: unknown): { VarCharValue?: string } => value === null ? {} : { VarCharValue: String(value) };
      const rows = this.result.map((row) => ({ Data: columns.map((column) => cell(row[column])) }));
      return { ResultSet: { Rows: [{ Data: columns.map(cell) }, ...rows] } };
    });
  }

  async run(time: string): Promise<Run> {
    const tasks: Record<string, Task> = {
      Plan: (input) => planHandler(input as unknown as PlanQualityEvent),
      Query: async (input) => {
        if (this.queryFails-- > 0) throw new AwsTaskError('States.TaskFailed', 'throttled');
        this.result = await this.observed().query((input as { QueryString: string }).QueryString);
        return { QueryExecution: { QueryExecutionId: 'query-1' } };
      },
      Publish: (input) => this.publish(input),
      PublishNothing: (input) => this.publish(input),
    };
    return run(definition, { time }, tasks, () => time);
  }

  value(name: string, of: string, at: string): number[] {
    return this.published.filter((datum) => datum.MetricName === name && datum.of === of && datum.at === at).map(({ Value }) => Value ?? NaN);
  }

  private async publish(input: Json): Promise<unknown> {
    const answer = await publishHandler(input as unknown as PublishQualityEvent);
    // the answer is lost on the way after everything was written
    if (this.publishFails-- > 0) throw new AwsTaskError('Lambda.Unknown', 'connection lost');
    return answer;
  }
}

const captured = ['captures/a/houses/AllTraffic/2026/03/01/10/1.jsonl', 'captures/gone/houses/AllTraffic/2025/01/01/00/1.jsonl', 'captures/other/flats/AllTraffic/2026/03/01/10/1.jsonl'];
const observed = (): Observed => new Observed()
  .deploy('a', 'V1.0.0', { rmse: 1 })
  .capture(...['x', 'y', 'z'].map((id, i) => ({ config: 'a', at: '2026-03-01T10:15:00Z', id, data: String(i) })))
  .label({ at: '2026-03-02T10:20:00Z', id: 'x', data: '2' }, { at: '2026-03-02T10:20:00Z', id: 'y', data: '3' }, { at: '2026-03-02T11:20:00Z', id: 'z', data: '2' });

test('a run publishes figures at the end of the window, a report, and goes on from there', async () => {
  const world = new World(observed, captured);
  const first = await world.run('2026-03-02T11:15:00Z');
  expect(first.trail).toEqual(['Plan', 'AnythingToEvaluate', 'Query', 'Publish', 'Evaluated']);
  const at = '2026-03-02T11:00:00.000Z';
  expect(world.value('MSE', 'houses/AllTraffic/V1.0.0', at)).toEqual([4]);
  expect(world.value('SampleCount', 'houses/AllTraffic', at)).toEqual([2]);
  expect(world.value('RMSERatio', 'houses/AllTraffic', at)).toEqual([2]);
  expect(world.value('LabelCoverage', 'houses/AllTraffic', at)[0]).toBeCloseTo(2 / 3);
  expect(world.value('R2', 'houses/AllTraffic/V1.0.0', at)).toEqual([-15]);
  const report = world.bucket.json<QualityReport>('quality/2026/03/02/houses-11.json');
  expect(report.results).toEqual([expect.objectContaining({ modelVersion: 'V1.0.0', dataset: { item_count: 2 }, accepted: { rmse: 1 } })]);

  await world.run('2026-03-02T12:15:00Z');
  expect(world.value('MSE', 'houses/AllTraffic/V1.0.0', '2026-03-02T12:00:00.000Z')).toEqual([0]);
});

test('a run again for the same time has nothing to do', async () => {
  const world = new World(observed, captured);
  await world.run('2026-03-02T11:15:00Z');
  const before = world.published.length;
  expect((await world.run('2026-03-02T11:15:00Z')).trail).toEqual(['Plan', 'AnythingToEvaluate', 'NothingNew']);
  expect(world.published.length).toBe(before);
});

test('where nothing was predicted, a sample count of 0 is published without a query', async () => {
  const world = new World(observed);
  expect((await world.run('2026-03-02T11:15:00Z')).trail).toContain('PublishNothing');
  expect(world.published.map(({ MetricName, Value, of }) => [MetricName, Value, of])).toEqual([['SampleCount', 0, 'houses/AllTraffic']]);
});

test('labels of a run that failed are evaluated by the next', async () => {
  const world = new World(observed, captured);
  world.queryFails = 99;
  const failed = await world.run('2026-03-02T11:15:00Z');
  expect(failed.error).toBeDefined();
  expect(failed.trail[failed.trail.length - 1]).toBe('Failed');
  expect(world.published).toEqual([]);
  // there is no state yet, so the next run begins an hour before its end; once there is one, nothing is lost
  world.queryFails = 0;
  await world.run('2026-03-02T11:15:00Z');
  world.queryFails = 99;
  await world.run('2026-03-02T12:15:00Z');
  world.queryFails = 0;
  await world.run('2026-03-02T13:15:00Z');
  expect(world.value('SampleCount', 'houses/AllTraffic', '2026-03-02T13:00:00.000Z')).toEqual([1]);
});

test('a query that is throttled at first is asked again', async () => {
  const world = new World(observed, captured);
  world.queryFails = 2;
  expect((await world.run('2026-03-02T11:15:00Z')).output).toMatchObject({ report: 'quality/2026/03/02/houses-11.json' });
});

test('a publication whose answer is lost is not counted twice', async () => {
  const world = new World(observed, captured);
  world.publishFails = 1;
  await world.run('2026-03-02T11:15:00Z');
  expect(world.value('MSE', 'houses/AllTraffic/V1.0.0', '2026-03-02T11:00:00.000Z')).toEqual([4]);
  expect(world.bucket.json<{ recent: Record<string, unknown[]> }>('quality/latest/houses.json').recent['AllTraffic/V1.0.0']).toHaveLength(1);
});

test('a plan names the configurations that captured lately, and no others', async () => {
  new World(observed, [...captured, 'captures/b/houses/Shadow/2026/02/23/10/1.jsonl', 'captures/c/houses/Shadow/2026/02/23/09/1.jsonl']);
  const { sql } = await planHandler({ time: '2026-03-02T11:15:00Z' });
  expect(sql).toContain('config_name IN (\'a\', \'b\')');
});

test('a result that is no number is an error, never a zero', async () => {
  new World(observed, captured);
  mockClient(AthenaClient).on(GetQueryResultsCommand).resolves({
    ResultSet: { Rows: [{ Data: [{ VarCharValue: 'variant' }, { VarCharValue: 'version' }, { VarCharValue: 'config_name' }, { VarCharValue: 'samples' }] }, { Data: [{ VarCharValue: 'AllTraffic' }, { VarCharValue: 'V1' }, { VarCharValue: 'a' }, { VarCharValue: 'many' }] }] },
  });
  const { window } = await planHandler({ time: '2026-03-02T11:15:00Z' });
  await expect(publishHandler({ window: window!, queryExecutionId: 'q' })).rejects.toThrow(/"many" for samples/);
});
