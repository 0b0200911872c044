import { candidate, PipelineServices } from './dataset-services';
import { handler as plan } from '../../src/data/plan-dataset.lambda';
import { ReadingPlan } from '../../src/domain/dataset-sources';

let services: PipelineServices;
beforeEach(() => { services = new PipelineServices(); });

describe('planning', () => {
  const event = { time: '2013-05-01T00:00:00.000Z', execution: 'arn:aws:states:r:a:execution:Machine:run-7', attempt: 0 };

  test('lists what there is to read, page by page, without folder markers and older versions', async () => {
    for (const [name, body] of [['a', 'xx'], ['b', 'xxx'], ['c', ''], ['d', 'x']]) services.s3.put(`sources/uploads/Weather/${name}.csv`, body);
    services.s3.put('sources/uploads/WeatherOther/a.csv', 'x');
    expect(await plan(event)).toEqual({
      outcome: 'run',
      time: event.time,
      run: 'run-7',
      attempt: 1,
      readingKey: 'runs/Weather/run-7/reading.json',
      reportKey: 'runs/Weather/run-7/candidate.json',
      arguments: { '--time': event.time, '--report': 's3://curated/runs/Weather/run-7/candidate.json' },
    });
    const { reading, files, kept } = services.s3.json<ReadingPlan>('curated/runs/Weather/run-7/reading.json');
    expect({ reading, kept, files: files.map(({ path, bytes }) => `${path} ${bytes}`) }).toEqual({ reading: 'everything', kept: [], files: ['a.csv 2', 'b.csv 3', 'd.csv 1'] });
    expect(files[0]).toEqual({ path: 'a.csv', etag: '1', versionId: 'v1', bytes: 2, modified: '2013-04-01T00:00:01.000Z' });
  });

  test('says that there is nothing', async () => {
    expect(await plan(event)).toMatchObject({ outcome: 'empty' });
  });

  test('a database is never empty before it was asked; what it gives is kept under the time of the run', async () => {
    process.env.QUERY = 'SELECT 1';
    expect(await plan(event)).toMatchObject({ outcome: 'run' });
    expect(services.s3.json('curated/runs/Weather/run-7/reading.json')).toEqual({ uri: 's3://sources/uploads/Weather/20130501T000000000Z/', query: 'SELECT 1' });
  });

  test('tells the job what the latest version holds', async () => {
    await services.publishing('run-1', candidate('v1'));
    services.upload('a.csv');
    expect((await plan(event)).arguments).toMatchObject({ '--parent_hash': 'hash of v1', '--not_before': '2013-03-13T10:00:00.000Z', '--parent_rows': '100' });
  });

  test('a run that plans again has another report to read', async () => {
    services.s3.put('sources/uploads/Weather/a.csv', 'x');
    expect(await plan({ ...event, attempt: 1 })).toMatchObject({ attempt: 2, reportKey: 'runs/Weather/run-7/candidate-2.json', readingKey: 'runs/Weather/run-7/reading-2.json' });
  });

  test('fails when the pointer points at nothing', async () => {
    services.s3.put('curated/datasets/Weather/latest.json', JSON.stringify({ version: 'v9' }));
    await expect(plan(event)).rejects.toThrow('points at version v9, which has no manifest');
  });
});

describe('taking turns', () => {
  const arn = (run: string) => `arn:aws:states:r:a:execution:Machine:${run}`;
  const ask = async (run: string, input?: { rebuild?: boolean }, time = '2013-05-01T00:00:00.000Z') =>
    plan({ time, execution: arn(run), attempt: 0, ...(input === undefined ? {} : { input }) });
  beforeEach(() => { services.s3.put('sources/uploads/Weather/a.csv', 'x'); });

  test('one works, one waits, and whoever comes then is served by the one that waits', async () => {
    expect((await ask('run-1')).outcome).toBe('run');
    expect((await ask('run-2')).outcome).toBe('wait');
    for (let late = 3; late < 30; late++) expect(await ask(`run-${late}`)).toMatchObject({ outcome: 'merged', into: 'run-2' });
    // asking again changes nothing
    expect((await ask('run-1')).outcome).toBe('run');
    expect((await ask('run-2')).outcome).toBe('wait');
  });

  test('a run that waited sees what arrived until its turn, and nobody overtakes it', async () => {
    await ask('run-1');
    await ask('run-2');
    services.s3.put('sources/uploads/Weather/b.csv', 'x');
    expect((await ask('run-3')).outcome).toBe('merged');
    services.ended.add(arn('run-1'));
    expect(await ask('run-4')).toMatchObject({ outcome: 'merged', into: 'run-2' });
    expect((await ask('run-2')).outcome).toBe('run');
    expect(services.s3.json<ReadingPlan>('curated/runs/Weather/run-2/reading.json').files.map(({ path }) => path)).toEqual(['a.csv', 'b.csv']);
    expect((await ask('run-5')).outcome).toBe('wait');
  });

  test('a place whose holder died is free, however it died', async () => {
    await ask('run-1');
    await ask('run-2');
    services.ended.add(arn('run-2'));
    expect((await ask('run-3')).outcome).toBe('wait');
    services.ended.add(arn('run-1')).add(arn('run-3'));
    expect((await ask('run-4')).outcome).toBe('run');
  });

  test('an execution that Step Functions does not know yet holds its place; one that it forgot does not', async () => {
    await ask('run-1');
    services.unknown.add(arn('run-1'));
    expect((await ask('run-2')).outcome).toBe('wait');
    expect((await ask('run-2', undefined, '2013-09-01T00:00:00.000Z')).outcome).toBe('run');
  });

  test('of many that ask in one moment, each has a place or is served', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(`run-${i}`)));
    const count = (outcome: string) => answers.filter((answer) => answer.outcome === outcome).length;
    expect([count('run'), count('wait'), count('merged')]).toEqual([1, 1, 6]);
  });

  test('a wish to read everything goes over to the run that waits', async () => {
    Object.assign(process.env, { READING: 'newFiles', KEY: '["id"]' });
    services.ended.add(arn('run-0'));
    await services.publishing('run-0', candidate('v1'), { files: [services.fileAt('a.csv')] });
    services.s3.put('sources/uploads/Weather/b.csv', 'x');
    await ask('run-1');
    await ask('run-2');
    expect((await ask('run-3', { rebuild: true })).outcome).toBe('merged');
    services.ended.add(arn('run-1'));
    const rebuilt = await ask('run-2');
    expect(rebuilt.arguments).not.toHaveProperty('--parent');
    expect(services.s3.json<ReadingPlan>('curated/runs/Weather/run-2/reading.json').files).toHaveLength(2);
  });
});
