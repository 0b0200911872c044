import { BatchStopJobRunCommand, DeleteTableCommand, GetJobRunsCommand, GlueClient, UpdateTableCommand } from '@aws-sdk/client-glue';
import { StartExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { Dataset, DatasetsWorld, numbered } from './datasets-world';
import { StepFunctions } from '../../../examples/local/cloud/step-functions';

let world: DatasetsWorld;
let begun: Record<Dataset, number>;
beforeAll(async () => { world = await DatasetsWorld.start(); });
afterAll(() => world.stop());
beforeEach(() => { begun = { All: world.executions('All').length, New: world.executions('New').length }; });
afterEach(() => expect(world.cloud.faults).toEqual([]));

/** What came of the runs since the test began. */
const sinceThen = async (dataset: Dataset, count = 1) => (await world.runs(dataset, begun[dataset] + count)).slice(begun[dataset]);
const COUNTS = 'SELECT dataset_version, dataset_split, count(*) AS n, CAST(sum(y) AS BIGINT) AS total FROM';
const counted = async (dataset: string, where = '') => world.query(`${COUNTS} ${dataset} ${where} GROUP BY 1, 2 ORDER BY 1, 2`);

test('an upload is published, and a scientist queries it by version and split', async () => {
  expect(await world.query('SELECT 1 FROM "all"')).toMatch(/TABLE_NOT_FOUND/);
  await world.upload('All', { 'a.csv': numbered(1, 41) });
  expect(await sinceThen('All')).toEqual([{ status: 'SUCCEEDED', outcome: 'published' }]);
  const { manifest, pointer } = await world.latest('All');
  const { train, holdout } = manifest.splits;
  expect(train.rows + holdout.rows).toBe(40);
  const rows = await counted('"all"') as string[][];
  expect(rows.map(([version, split, n]) => [version, split, n])).toEqual([[manifest.version, 'holdout', String(holdout.rows)], [manifest.version, 'train', String(train.rows)]]);
  expect(rows.reduce((sum, row) => sum + Number(row[3]), 0)).toBe(40 * 41 / 2);
  expect(await world.query(`SELECT max("at") AS newest FROM "all" WHERE dataset_version = '${manifest.version}'`)).toEqual([['2013-01-02 16:00:00.000']]);
  expect(world.announced('All')).toEqual([manifest.version]);
  expect(pointer.complete).toBe(true);
  expect(manifest.sources[0].files).toEqual([{ path: 'a.csv', etag: expect.stringMatching(/^[0-9a-f]{32}$/), versionId: expect.any(String), bytes: numbered(1, 41).length, modified: expect.any(String) }]);
  expect(Object.keys(train.files ?? {})).toEqual([expect.stringMatching(/\.parquet$/)]);
  expect(manifest.script).toEqual({ uri: expect.stringMatching(/^s3:.*\.py$/), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

test('who may not read the datasets sees nothing of them by a query, and a scientist cannot change their table', async () => {
  const glue = world.cloud.client(GlueClient, world.out.Scientist);
  const TableInput = { Name: 'all' };
  await expect(glue.send(new UpdateTableCommand({ DatabaseName: world.out.Database, TableInput }))).rejects.toThrow(/not authorized to perform: glue:UpdateTable/);
  expect(await world.query('SELECT count(*) FROM "all"', world.out.Outsider)).toMatch(/PERMISSION_DENIED: .*Outsider.* not authorized to perform: s3:ListBucket/);
  await expect(world.query('SELECT 1', world.out.Engineer)).rejects.toThrow(/not authorized to perform: athena:StartQueryExecution/);
});

test('many files at once are in one or two versions, and none is missed', async () => {
  const jobs = world.jobs('New');
  await world.upload('New', Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`part-${i}.csv`, numbered(1 + 10 * i, 11 + 10 * i)])));
  const outcomes = (await sinceThen('New', 12)).map(({ status, outcome }) => `${status} ${outcome}`);
  expect(outcomes).toHaveLength(12);
  expect(new Set(outcomes)).not.toContain('FAILED undefined');
  expect(outcomes.filter((one) => one.endsWith('merged')).length).toBeGreaterThanOrEqual(9);
  expect(world.jobs('New') - jobs).toBeLessThanOrEqual(3);
  const { manifest } = await world.latest('New');
  expect(manifest.splits.train.rows + manifest.splits.holdout.rows).toBe(120);
  expect(manifest.sources[0].files).toHaveLength(12);
});

test('a file that arrives late under an older name, and one that is overwritten, are read once', async () => {
  await world.upload('New', { 'a-late.csv': numbered(121, 131) });
  await sinceThen('New');
  await world.upload('New', { 'part-0.csv': numbered(1, 11, 500) });
  expect(await sinceThen('New', 2)).toEqual([{ status: 'SUCCEEDED', outcome: 'published' }, { status: 'SUCCEEDED', outcome: 'published' }]);
  const { manifest } = await world.latest('New');
  expect(await world.query(`SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE y = 500) FROM new WHERE dataset_version = '${manifest.version}'`)).toEqual([['130', '130', '10']]);
  // by hand, with nothing new
  await world.cloud.client(SFNClient).send(new StartExecutionCommand({ stateMachineArn: world.out.New }));
  expect((await sinceThen('New', 3)).at(-1)).toMatchObject({ outcome: 'nothingNew' });
});

test('a bad file is stopped at the gate: nothing is published, and the alert names the rule, what was seen, and the report', async () => {
  const { manifest } = await world.latest('All');
  await world.upload('All', { 'bad.csv': numbered(41, 45, 4000) });
  expect(await sinceThen('All')).toEqual([{ status: 'FAILED', outcome: undefined, error: 'DataQualityFailed' }]);
  const alert = world.alerts.at(-1)!;
  expect(alert).toContain('y is within 0 .. 1000 (observed: 4 rows outside)');
  const [, bucket, key] = /Report: s3:\/\/([^/]+)\/(\S+)$/.exec(alert)!;
  const report = JSON.parse((await world.cloud.s3.get(bucket, key)).toString()) as { quality: { rules: object[] }; latest: string };
  expect(report.latest).toBe(manifest.version);
  expect(report.quality.rules).toContainEqual({ rule: 'y is within 0 .. 1000', passed: false, observed: '4 rows outside' });
  expect((await world.latest('All')).manifest).toEqual(manifest);
  expect(await counted('"all"')).toHaveLength(2);
  // put right under the same name
  await world.upload('All', { 'bad.csv': numbered(41, 45) });
  expect((await sinceThen('All', 2)).at(-1)).toEqual({ status: 'SUCCEEDED', outcome: 'published' });
  expect(await counted('"all"')).toHaveLength(4);
  expect((await world.latest('All')).manifest.parent).toBe(manifest.version);
});

test('the same content by another run is the same version, and nobody is told', async () => {
  const { manifest } = await world.latest('All');
  const told = world.announced('All').length;
  await world.upload('All', { 'copy.csv': numbered(10, 20) });
  expect(await sinceThen('All')).toEqual([{ status: 'SUCCEEDED', outcome: 'unchanged' }]);
  expect((await world.latest('All')).manifest).toEqual(manifest);
  expect(world.announced('All')).toHaveLength(told);
});

test('a publication whose answer is lost is repeated, and is one version, told once', async () => {
  const met = world.cloud.find(StepFunctions).interfere({ machineArn: world.out.All, state: 'Publish', kind: 'killed', attempts: 2 });
  const told = world.announced('All').length;
  await world.upload('All', { 'more.csv': numbered(45, 60) });
  expect(await sinceThen('All')).toEqual([{ status: 'SUCCEEDED', outcome: 'published' }]);
  expect(met.hits).toBe(2);
  expect(world.announced('All')).toHaveLength(told + 1);
  const versions = await world.query('SELECT DISTINCT dataset_version FROM "all" ORDER BY 1') as string[][];
  expect(versions.at(-1)).toEqual([(await world.latest('All')).manifest.version]);
  expect(versions).toHaveLength(3);
});

/** Stops the next job of a dataset while it runs, as whatever may kill it. */
async function killJob(dataset: Dataset): Promise<void> {
  const glue = world.cloud.client(GlueClient);
  const JobName = [...world.cloud.resources.values()].find(({ resource }) => resource.type === 'AWS::Glue::Job' && resource.path.includes(dataset))!.deployed.ref;
  for (let wait = 0; wait < 1200; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { JobRuns } = await glue.send(new GetJobRunsCommand({ JobName }));
    const running = (JobRuns ?? []).find(({ JobRunState }) => JobRunState === 'RUNNING');
    if (running === undefined) continue;
    await glue.send(new BatchStopJobRunCommand({ JobName, JobRunIds: [running.Id!] }));
    return;
  }
  throw new Error(`no job of ${dataset} began`);
}

test('a job that dies midway is repeated, and makes one version', async () => {
  const told = world.announced('All').length;
  await world.upload('All', { 'again.csv': numbered(60, 65) });
  await killJob('All');
  expect(await sinceThen('All')).toEqual([{ status: 'SUCCEEDED', outcome: 'published' }]);
  expect(world.announced('All')).toHaveLength(told + 1);
});

test('a run that dies for good leaves nothing to see; the next run reads what it was to read', async () => {
  const { manifest } = await world.latest('New');
  const glue = world.cloud.client(GlueClient);
  const met = world.cloud.find(StepFunctions).interfere({ machineArn: world.out.New, state: 'RunJob', kind: 'error' });
  await world.upload('New', { 'z.csv': numbered(131, 141) });
  expect((await sinceThen('New'))[0]).toMatchObject({ status: 'FAILED' });
  met.end();
  expect(met.hits).toBeGreaterThanOrEqual(2);
  expect((await world.latest('New')).manifest).toEqual(manifest);
  // the table is gone as well: somebody removed it
  await glue.send(new DeleteTableCommand({ DatabaseName: world.out.Database, Name: 'new' }));
  await world.cloud.client(SFNClient).send(new StartExecutionCommand({ stateMachineArn: world.out.New }));
  expect((await sinceThen('New', 2)).at(-1)).toEqual({ status: 'SUCCEEDED', outcome: 'published' });
  const next = (await world.latest('New')).manifest;
  expect(next.splits.train.rows + next.splits.holdout.rows).toBe(140);
  const versions = await world.query('SELECT DISTINCT dataset_version FROM new ORDER BY 1') as string[][];
  expect(versions.map(([version]) => version)).toEqual(expect.arrayContaining([manifest.version, next.version]));
});

test('a run that is stopped leaves its place to the next', async () => {
  await world.upload('New', { 'y.csv': numbered(141, 151) });
  let first = world.executions('New').slice(begun.New)[0];
  for (let wait = 0; wait < 1200 && first === undefined; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    first = world.executions('New').slice(begun.New)[0];
  }
  first.stop(undefined, 'an administrator\'s mistake');
  await world.cloud.client(SFNClient).send(new StartExecutionCommand({ stateMachineArn: world.out.New }));
  const [aborted, next] = await sinceThen('New', 2);
  expect([aborted.status, next]).toEqual(['ABORTED', { status: 'SUCCEEDED', outcome: 'published' }]);
  const { manifest } = await world.latest('New');
  expect(manifest.splits.train.rows + manifest.splits.holdout.rows).toBe(150);
});
