import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { candidate, PipelineServices } from './dataset-services';
import { handler as publish } from '../../src/data/publish-dataset.lambda';
import { DatasetManifest, DatasetPointer, DatasetRejection } from '../../src/domain/dataset';

let services: PipelineServices;
beforeEach(() => { services = new PipelineServices(); });

describe('publishing', () => {
  test('writes manifest, pointer, catalog and event, in this order, and notes that all is done', async () => {
    const order: string[] = [];
    services.s3.beforePut = (path) => order.push(path.slice('curated/datasets/Weather/'.length));
    services.glue.beforeWrite = () => order.push('table');
    services.events.on(PutEventsCommand).callsFake(() => { order.push('event'); return {}; });
    services.upload('a.csv');
    services.upload('b.csv', 'xy');
    services.s3.put('curated/datasets/Weather/v1/train/part-0.parquet', 'rows');
    const { etag } = services.s3.objects.get('curated/datasets/Weather/v1/train/part-0.parquet')!;
    const files = [services.fileAt('a.csv'), services.fileAt('b.csv')];
    const keep = services.s3.beforePut;
    services.s3.beforePut = (path) => { if (path.startsWith('curated/datasets')) keep(path); };
    const answer = await services.publishing('run-1', candidate('v1', { scriptHash: 'abc', files: ['a.csv', 'b.csv'] }), { files });
    expect(answer).toEqual({ outcome: 'published', version: 'v1', manifestUri: 's3://curated/datasets/Weather/v1/manifest.json' });
    expect(order).toEqual(['v1/manifest.json', 'latest.json', 'table', 'event', 'latest.json']);
    expect(services.s3.json<DatasetPointer>('curated/datasets/Weather/latest.json')).toEqual({ version: 'v1', manifestUri: 's3://curated/datasets/Weather/v1/manifest.json', complete: true });
    expect(services.manifest('v1')).toEqual({
      dataset: 'Weather',
      version: 'v1',
      createdAt: '2013-04-01T00:00:00.000Z',
      schema: [{ name: 'temp', type: 'double' }],
      target: 'temp_in_24h',
      splits: {
        train: { uri: 's3://curated/datasets/Weather/v1/train/', rows: 80, files: { 'part-0.parquet': etag.replaceAll('"', '') } },
        holdout: { uri: 's3://curated/datasets/Weather/v1/holdout/', rows: 20, files: {} },
      },
      split: { method: 'time', share: 0.2, column: 'time_hour', from: '2013-03-13T10:00:00.000Z' },
      contentHash: 'hash of v1',
      sources: [{ uri: 's3://sources/uploads/Weather/', objects: 2, bytes: 3, newest: '2013-04-01T00:00:02.000Z', files }],
      script: { uri: 's3://assets/weather.py', sha256: 'abc' },
      quality: { rules: [{ rule: 'at least 1 rows', passed: true, observed: 100 }] },
      parent: null,
      run: 'run-1',
    });
    expect(services.announced).toEqual([{
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
    await services.publishing('run-1', candidate('v1'));
    await services.publishing('run-2', candidate('v2'));
    expect(services.manifest('v2').parent).toBe('v1');
    expect(services.announced[1].previous).toBe('v1');
    expect(services.s3.json('curated/datasets/Weather/latest.json')).toMatchObject({ version: 'v2' });
  });

  test('the same content is no new version and no event', async () => {
    await services.publishing('run-1', candidate('v1'));
    expect(await services.publishing('run-2', candidate('v2', { contentHash: 'hash of v1', unchanged: true }))).toEqual({ outcome: 'unchanged', version: 'v1' });
    expect(services.announced).toHaveLength(1);
    expect(services.s3.objects.has('curated/datasets/Weather/v2/manifest.json')).toBe(false);
  });

  test('a broken rule publishes nothing, says which, and keeps what was observed', async () => {
    await services.publishing('run-1', candidate('v1'));
    const rules = [{ rule: 'at least 1 rows', passed: true, observed: 9 }, { rule: 'temp is within 0 .. 1', passed: false, observed: '4 rows outside' }];
    services.upload('bad.csv');
    const files = [services.fileAt('bad.csv')];
    expect(await services.publishing('run-2', candidate('v2', { quality: { passed: false, rules } }), { files })).toEqual({
      outcome: 'rejected',
      failure: { Error: 'DataQualityFailed', Cause: 'temp is within 0 .. 1 (observed: 4 rows outside)' },
      reportUri: 's3://curated/runs/Weather/run-2/quality.json',
    });
    expect(services.s3.json<DatasetRejection>('curated/runs/Weather/run-2/quality.json')).toMatchObject({
      dataset: 'Weather', run: 'run-2', error: 'DataQualityFailed', quality: { rules }, rows: { train: 80, holdout: 20 }, latest: 'v1', sources: [{ objects: 1, files }],
    });
    expect(services.s3.json('curated/datasets/Weather/latest.json')).toMatchObject({ version: 'v1' });
    expect(services.announced).toHaveLength(1);
    expect(services.glue.versions('weather')).toEqual(['v1']);
  });

  test('fails without a report, and without a plan', async () => {
    await expect(publish({ run: 'r', reportKey: 'runs/Weather/r/candidate.json', readingKey: '', attempt: 1 })).rejects.toThrow('the job left no report');
    services.s3.put('curated/runs/Weather/r/candidate.json', JSON.stringify(candidate('v1')));
    await expect(publish({ run: 'r', reportKey: 'runs/Weather/r/candidate.json', readingKey: 'none', attempt: 1 })).rejects.toThrow('there is no plan');
  });

  const deaths: [string, (services: PipelineServices) => void][] = [
    ['the manifest', ({ s3 }) => { s3.beforePut = (path) => { if (path.endsWith('manifest.json')) throw new Error('died'); }; }],
    ['the pointer', ({ s3 }) => { s3.beforePut = (path) => { if (path.endsWith('latest.json')) throw new Error('died'); }; }],
    ['the catalog', ({ glue }) => { glue.beforeWrite = () => { throw new Error('died'); }; }],
    ['the event', ({ events }) => { events.on(PutEventsCommand).rejects(new Error('died')); }],
  ];
  const heal = ({ s3, glue, events }: PipelineServices): void => {
    s3.beforePut = undefined;
    glue.beforeWrite = undefined;
    events.on(PutEventsCommand).resolves({});
  };
  const told = () => [...new Set(services.announced.map(({ version }) => version))];

  test.each(deaths)('a repetition goes on where an attempt died before %s', async (_, dies) => {
    await services.publishing('run-1', candidate('v1'));
    dies(services);
    await expect(services.publishing('run-2', candidate('v2'))).rejects.toThrow('died');
    heal(services);
    expect(await services.publishing('run-2', candidate('v2'))).toMatchObject({ outcome: 'published', version: 'v2' });
    expect(told()).toEqual(['v1', 'v2']);
    expect(services.glue.versions('weather')).toEqual(['v1', 'v2']);
  });

  test.each(deaths)('the next run goes on where a run died for good before %s', async (_, dies) => {
    await services.publishing('run-1', candidate('v1'));
    dies(services);
    await expect(services.publishing('run-2', candidate('v2'))).rejects.toThrow('died');
    heal(services);
    // the same content, by another run
    const { outcome, version } = await services.publishing('run-3', candidate('v3', { contentHash: 'hash of v2' })) as { outcome: string; version: string };
    expect(told()).toEqual(['v1', version]);
    expect(services.glue.versions('weather')).toEqual(['v1', version]);
    expect([['unchanged', 'v2'], ['published', 'v3']]).toContainEqual([outcome, version]);
  });

  test('a run that is stopped at the gate still finishes what the one before it left', async () => {
    services.glue.beforeWrite = () => { throw new Error('died'); };
    await expect(services.publishing('run-1', candidate('v1'))).rejects.toThrow('died');
    heal(services);
    const quality = { passed: false, rules: [{ rule: 'x', passed: false, observed: 1 }] };
    expect(await services.publishing('run-2', candidate('v2', { quality }))).toMatchObject({ outcome: 'rejected' });
    expect(told()).toEqual(['v1']);
    expect(services.glue.versions('weather')).toEqual(['v1']);
  });

  test('a repetition after everything was done says the same and tells nobody again', async () => {
    const first = await services.publishing('run-1', candidate('v1'));
    const { writes } = services.glue;
    services.upload('later.csv');
    expect(await services.publishing('run-1', candidate('v1'))).toEqual(first);
    expect(services.announced).toHaveLength(1);
    expect(services.glue.writes).toBe(writes);
  });

  test('a repetition after the manifest does not ask again what was read', async () => {
    services.upload('a.csv');
    const files = [services.fileAt('a.csv')];
    services.s3.beforePut = (path) => { if (path.endsWith('latest.json')) throw new Error('died'); };
    await expect(services.publishing('run-1', candidate('v1'), { files })).rejects.toThrow('died');
    heal(services);
    services.upload('a.csv', 'overwritten since');
    expect(await services.publishing('run-1', candidate('v1'), { files })).toMatchObject({ outcome: 'published', version: 'v1' });
    expect(services.manifest('v1').sources[0].files).toEqual(files);
  });

  test('an event that is refused is no success', async () => {
    services.events.on(PutEventsCommand).resolvesOnce({ FailedEntryCount: 1, Entries: [{ ErrorMessage: 'throttled' }] }).resolves({ FailedEntryCount: 0 });
    await expect(services.publishing('run-1', candidate('v1'))).rejects.toThrow('the event was refused: throttled');
  });

  test('of two runs at once one moves the pointer, the other plans anew, and gives up after three times', async () => {
    services.s3.beforePut = (path) => {
      if (!path.endsWith('v2/manifest.json')) return;
      services.s3.beforePut = undefined;
      services.s3.put('curated/datasets/Weather/v3/manifest.json', JSON.stringify({ ...manifestOf('v3'), parent: null }));
      services.s3.put('curated/datasets/Weather/latest.json', JSON.stringify({ version: 'v3' }));
    };
    await expect(services.publishing('run-2', candidate('v2'))).rejects.toThrow('changed meanwhile');
    expect(await services.publishing('run-2', candidate('v2'))).toEqual({ outcome: 'again', reason: 'version v3 was published while the job ran' });
    expect(await services.publishing('run-2', candidate('v2'), {}, 3)).toMatchObject({ outcome: 'rejected', failure: { Error: 'DatasetSuperseded' } });
    expect(services.announced).toEqual([]);
  });

  test('never overwrites a version', async () => {
    services.s3.put('curated/datasets/Weather/v1/manifest.json', JSON.stringify(manifestOf('another')));
    await expect(services.publishing('run-1', candidate('v1'))).rejects.toThrow('exists with another content');
  });

  test('content that was unchanged against a version since replaced is not published without its rows', async () => {
    await services.publishing('run-1', candidate('v1'));
    await services.publishing('run-3', candidate('v3'));
    expect(await services.publishing('run-2', candidate('v4', { contentHash: 'hash of v1', unchanged: true }))).toMatchObject({ outcome: 'again' });
  });
});

describe('the catalog', () => {
  const table = () => services.glue.tables.get('weather')!.input;

  test('has a table with the columns, and a partition for each version and split', async () => {
    const schema = [{ name: 'temp', type: 'double' }, { name: 'at', type: 'timestamp_ntz' }];
    await services.publishing('run-1', candidate('v1', { schema }));
    await services.publishing('run-2', candidate('v2', { schema }));
    expect(table()).toMatchObject({
      Name: 'weather',
      TableType: 'EXTERNAL_TABLE',
      PartitionKeys: [{ Name: 'dataset_version', Type: 'string' }, { Name: 'dataset_split', Type: 'string' }],
      Parameters: {
        'projection.dataset_version.values': 'v1,v2',
        'projection.dataset_split.values': 'train,holdout',
        'latest_version': 'v2',
        'storage.location.template': 's3://curated/datasets/Weather/${dataset_version}/${dataset_split}/',
      },
      StorageDescriptor: { Columns: [{ Name: 'temp', Type: 'double' }, { Name: 'at', Type: 'timestamp' }], Location: 's3://curated/datasets/Weather/' },
    });
  });

  test('gets its versions back where somebody removed the table', async () => {
    for (const [run, version] of [['run-1', 'v1'], ['run-2', 'v2']]) await services.publishing(run, candidate(version));
    services.glue.tables.clear();
    await services.publishing('run-3', candidate('v3'));
    expect(services.glue.versions('weather')).toEqual(['v1', 'v2', 'v3']);
  });

  test('lists the newest hundred', async () => {
    for (let i = 100; i < 205; i++) await services.publishing(`run-${i}`, candidate(`v${i}`));
    const versions = services.glue.versions('weather');
    expect([versions.length, versions[0], versions.at(-1)]).toEqual([100, 'v105', 'v204']);
  });

  test('is not taken back by a registration that was slower', async () => {
    await services.publishing('run-1', candidate('v1'));
    services.glue.afterRead = () => {
      // another writer, after this one has looked
      services.glue.afterRead = undefined;
      services.glue.tables.set('weather', { ...services.glue.tables.get('weather')!, versionId: 'another' });
    };
    await expect(services.publishing('run-2', candidate('v2'))).rejects.toThrow('ConcurrentModificationException');
    await services.publishing('run-2', candidate('v2'));
    expect(services.glue.versions('weather')).toEqual(['v1', 'v2']);
  });

  test('has no table for two datasets whose names differ in what a table cannot tell', async () => {
    await services.publishing('run-1', candidate('v1'));
    process.env.PREFIX = 'datasets/WEATHER';
    await expect(services.publishing('run-2', candidate('v2', { dataset: 'WEATHER' }))).rejects.toThrow('the table weather is of s3://curated/datasets/Weather/: give one of both datasets another name');
  });

  test('is left out where there is none', async () => {
    delete process.env.DATABASE;
    expect(await services.publishing('run-1', candidate('v1'))).toMatchObject({ outcome: 'published' });
    expect(services.glue.tables.size).toBe(0);
  });
});

function manifestOf(version: string): DatasetManifest {
  const { time, contentHash, rows: _rows, unchanged: _unchanged, quality, ...rest } = candidate(version);
  const folder = { uri: '', rows: 1 };
  return { ...rest, createdAt: time, contentHash, splits: { train: folder, holdout: folder }, quality, sources: [], parent: null, run: `run of ${version}` };
}
