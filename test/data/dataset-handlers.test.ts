import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { MemoryS3 } from './memory-s3';
import { handler as plan } from '../../src/data/plan-dataset.lambda';
import { handler as publish } from '../../src/data/publish-dataset.lambda';
import { DatasetCandidate, DatasetManifest } from '../../src/domain/dataset';
import { DatasetPublished } from '../../src/domain/events';

const events = mockClient(EventBridgeClient);
let s3: MemoryS3;

beforeEach(() => {
  s3 = new MemoryS3();
  events.reset();
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  Object.assign(process.env, {
    BUCKET: 'curated', PREFIX: 'datasets/Weather', RUNS_PREFIX: 'runs/Weather', SOURCE_BUCKET: 'sources', SOURCE_PREFIX: 'uploads/Weather/', EVENT_BUS: 'default',
  });
  delete process.env.QUERY;
});

const announced = () => events.commandCalls(PutEventsCommand).map((call) => JSON.parse(call.args[0].input.Entries![0].Detail!) as DatasetPublished);
const manifest = (version: string) => s3.json<DatasetManifest>(`curated/datasets/Weather/${version}/manifest.json`);

function candidate(version: string, given: Partial<DatasetCandidate> = {}): DatasetCandidate {
  return {
    dataset: 'Weather',
    time: '2013-04-01T00:00:00.000Z',
    version,
    contentHash: `hash of ${version}`,
    unchanged: false,
    rows: { train: 80, holdout: 20 },
    schema: [{ name: 'temp', type: 'double' }],
    target: 'temp_in_24h',
    split: { method: 'time', share: 0.2, column: 'time_hour', from: '2013-03-13T10:00:00.000Z' },
    quality: { passed: true, rules: [{ rule: 'at least 1 rows', passed: true, observed: 100 }] },
    ...given,
  };
}

/** Lets a run's job leave its report, and publishes. */
function publishing(run: string, report: DatasetCandidate) {
  s3.put(`curated/runs/Weather/${run}/candidate.json`, JSON.stringify(report));
  return publish({ run, reportKey: `runs/Weather/${run}/candidate.json`, sources: [{ uri: 's3://sources/uploads/Weather/', objects: 3 }] });
}

describe('planning', () => {
  const event = { time: '2013-05-01T00:00:00.000Z', execution: 'arn:aws:states:r:a:execution:Machine:run-7' };

  test('lists what there is to read, page by page, without folder markers', async () => {
    for (const [name, body] of [['a', 'xx'], ['b', 'xxx'], ['c', ''], ['d', 'x']]) s3.put(`sources/uploads/Weather/${name}.csv`, body);
    s3.put('sources/uploads/WeatherOther/a.csv', 'x');
    expect(await plan(event)).toEqual({
      time: event.time,
      run: 'run-7',
      empty: false,
      sources: [{ uri: 's3://sources/uploads/Weather/', objects: 3, bytes: 6, newest: '2013-04-01T00:00:00.000Z' }],
      reportKey: 'runs/Weather/run-7/candidate.json',
      arguments: { '--time': event.time, '--report': 's3://curated/runs/Weather/run-7/candidate.json' },
    });
  });

  test('says that there is nothing', async () => {
    expect(await plan(event)).toMatchObject({ empty: true });
  });

  test('a database is never empty before it was asked', async () => {
    process.env.QUERY = 'SELECT 1';
    expect(await plan(event)).toMatchObject({ empty: false, sources: [{ uri: 's3://sources/uploads/Weather/', query: 'SELECT 1' }] });
  });

  test('tells the job what the latest version holds', async () => {
    await publishing('run-1', candidate('v1'));
    expect((await plan(event)).arguments).toMatchObject({ '--parent_hash': 'hash of v1', '--not_before': '2013-03-13T10:00:00.000Z' });
  });

  test('fails when the pointer points at nothing', async () => {
    s3.put('curated/datasets/Weather/latest.json', JSON.stringify({ version: 'v9' }));
    await expect(plan(event)).rejects.toThrow('points at version v9, which has no manifest');
  });
});

describe('publishing', () => {
  test('writes manifest, pointer and event, in this order', async () => {
    const order: string[] = [];
    s3.beforePut = (path) => order.push(path);
    const answer = await publishing('run-1', candidate('v1'));
    expect(answer).toEqual({ outcome: 'published', version: 'v1', manifestUri: 's3://curated/datasets/Weather/v1/manifest.json' });
    expect(order).toEqual(['curated/datasets/Weather/v1/manifest.json', 'curated/datasets/Weather/latest.json']);
    expect(manifest('v1')).toEqual({
      dataset: 'Weather',
      version: 'v1',
      createdAt: '2013-04-01T00:00:00.000Z',
      schema: [{ name: 'temp', type: 'double' }],
      target: 'temp_in_24h',
      splits: {
        train: { uri: 's3://curated/datasets/Weather/v1/train/', rows: 80 },
        holdout: { uri: 's3://curated/datasets/Weather/v1/holdout/', rows: 20 },
      },
      split: { method: 'time', share: 0.2, column: 'time_hour', from: '2013-03-13T10:00:00.000Z' },
      contentHash: 'hash of v1',
      sources: [{ uri: 's3://sources/uploads/Weather/', objects: 3 }],
      quality: { rules: [{ rule: 'at least 1 rows', passed: true, observed: 100 }] },
      parent: null,
      run: 'run-1',
    });
    expect(announced()).toEqual([{
      dataset: 'Weather',
      version: 'v1',
      manifestUri: 's3://curated/datasets/Weather/v1/manifest.json',
      contentHash: 'hash of v1',
      trainRows: 80,
      holdoutRows: 20,
      time: '2013-04-01T00:00:00.000Z',
    }]);
  });

  test('links a version with the one before', async () => {
    await publishing('run-1', candidate('v1'));
    await publishing('run-2', candidate('v2'));
    expect(manifest('v2').parent).toBe('v1');
    expect(announced()[1].previous).toBe('v1');
    expect(s3.json('curated/datasets/Weather/latest.json')).toMatchObject({ version: 'v2' });
  });

  test('the same content is no new version and no event', async () => {
    await publishing('run-1', candidate('v1'));
    expect(await publishing('run-2', candidate('v2', { contentHash: 'hash of v1', unchanged: true }))).toEqual({ outcome: 'unchanged', version: 'v1' });
    expect(announced()).toHaveLength(1);
    expect(s3.objects.has('curated/datasets/Weather/v2/manifest.json')).toBe(false);
  });

  test('a broken rule publishes nothing and says which', async () => {
    await publishing('run-1', candidate('v1'));
    const rules = [{ rule: 'at least 1 rows', passed: true, observed: 9 }, { rule: 'temp is within 0 .. 1', passed: false, observed: '4 rows outside' }];
    expect(await publishing('run-2', candidate('v2', { quality: { passed: false, rules } }))).toEqual({
      outcome: 'rejected', failure: { Error: 'DataQualityFailed', Cause: 'temp is within 0 .. 1 (observed: 4 rows outside)' },
    });
    expect(s3.json('curated/datasets/Weather/latest.json')).toMatchObject({ version: 'v1' });
    expect(announced()).toHaveLength(1);
  });

  test('fails without a report', async () => {
    await expect(publish({ run: 'r', reportKey: 'runs/Weather/r/candidate.json', sources: [] })).rejects.toThrow('the job left no report');
  });

  test.each([
    ['the manifest', (path: string) => path.endsWith('manifest.json')],
    ['the pointer', (path: string) => path.endsWith('latest.json')],
  ])('goes on where an attempt died before %s', async (_, dies) => {
    await publishing('run-1', candidate('v1'));
    s3.beforePut = (path) => { if (dies(path)) throw new Error('died'); };
    await expect(publishing('run-2', candidate('v2'))).rejects.toThrow('died');
    expect(s3.json('curated/datasets/Weather/latest.json')).toMatchObject({ version: 'v1' });
    s3.beforePut = undefined;
    expect(await publishing('run-2', candidate('v2'))).toMatchObject({ outcome: 'published', version: 'v2' });
    expect(announced().map((event) => event.version)).toEqual(['v1', 'v2']);
  });

  test('goes on where an attempt died before the event', async () => {
    events.on(PutEventsCommand).resolvesOnce({ FailedEntryCount: 1, Entries: [{ ErrorMessage: 'throttled' }] }).resolves({ FailedEntryCount: 0 });
    await expect(publishing('run-1', candidate('v1'))).rejects.toThrow('the event was refused: throttled');
    expect(await publishing('run-1', candidate('v1'))).toMatchObject({ outcome: 'published', version: 'v1' });
    expect(announced()).toHaveLength(2);
  });

  test('of two runs at once one moves the pointer, the other decides anew', async () => {
    s3.beforePut = (path) => {
      if (!path.endsWith('v2/manifest.json')) return;
      s3.beforePut = undefined;
      s3.put('curated/datasets/Weather/v3/manifest.json', JSON.stringify({ ...manifestOf('v3'), parent: null }));
      s3.put('curated/datasets/Weather/latest.json', JSON.stringify({ version: 'v3' }));
    };
    await expect(publishing('run-2', candidate('v2'))).rejects.toThrow('changed meanwhile');
    expect(await publishing('run-2', candidate('v2'))).toEqual({
      outcome: 'rejected', failure: { Error: 'DatasetSuperseded', Cause: 'version v3 was published while the job ran' },
    });
    expect(announced()).toEqual([]);
  });

  test('never overwrites a version', async () => {
    s3.put('curated/datasets/Weather/v1/manifest.json', JSON.stringify(manifestOf('another')));
    await expect(publishing('run-1', candidate('v1'))).rejects.toThrow('exists with another content');
  });

  test('content that was unchanged against a version since replaced is not published without its rows', async () => {
    await publishing('run-1', candidate('v1'));
    await publishing('run-3', candidate('v3'));
    expect(await publishing('run-2', candidate('v4', { contentHash: 'hash of v1', unchanged: true }))).toMatchObject({
      outcome: 'rejected', failure: { Error: 'DatasetSuperseded' },
    });
  });
});

function manifestOf(version: string): DatasetManifest {
  const { time, contentHash, rows: _rows, unchanged: _unchanged, quality, ...rest } = candidate(version);
  const folder = { uri: '', rows: 1 };
  return { ...rest, createdAt: time, contentHash, splits: { train: folder, holdout: folder }, quality, sources: [], parent: null, run: `run of ${version}` };
}
