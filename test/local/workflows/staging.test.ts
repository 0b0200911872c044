import { DescribeEndpointCommand, ListEndpointsCommand } from '@aws-sdk/client-sagemaker';
import { expectProduction, expectQuiet, expectUntouched, stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';
import { SageMaker } from '../../../examples/local/sagemaker/sagemaker';

let world: LineWorld;
beforeAll(async () => {
  world = await LineWorld.start();
  world.traffic.level = 5;
  await world.publish({ level: 5 });
  await world.news();
});
afterAll(() => world.stop());
afterEach(async () => {
  expect(world.cloud.faults).toEqual([]);
  expect(await staged()).toEqual([]);
});

/** Names of staging endpoints that are there. */
async function staged(): Promise<string[]> {
  const { Endpoints } = await world.sagemaker.send(new ListEndpointsCommand({ NameContains: '-staging' }));
  return (Endpoints ?? []).map(({ EndpointName }) => EndpointName ?? '');
}

/** Lets time go by until the version's staging endpoint has the status. */
async function until(status: string): Promise<void> {
  await world.until(async () => {
    const [EndpointName] = await staged();
    return EndpointName !== undefined && (await world.sagemaker.send(new DescribeEndpointCommand({ EndpointName }))).EndpointStatus === status;
  });
}

/** Requests of callers that a shadow has seen as well. */
const mirrored = (): number => world.cloud.find(SageMaker).traffic.counts.mirrored;

test('a first version that answers otherwise than it was evaluated never gets an endpoint that callers know', async () => {
  const { version } = await world.merge({ bug: 'skew' });
  await world.until(() => !world.releasing);
  const record = await world.version(version);
  expect(stagesOf(record)).toEqual(['Registered', 'Staging', 'Rejected']);
  expect(record.reason).toMatch(/^reject: 5 of 5 rows of the holdout were answered otherwise than the evaluation did, at worst [\d.]+ instead of [\d.]+/);
  expect(await world.endpoint()).toBeUndefined();
  expect(await world.hosted(record)).toEqual([]);
  expect(world.executions(world.out.Canary)).toEqual([]);
  const { events, alerts } = await world.news();
  expect(events.map(({ type }) => type)).toEqual(['ModelRegistered', 'ShadowVerdict', 'ReleaseRejected']);
  expect(events[1].detail).toMatchObject({ version, champion: 'none', decision: 'reject' });
  expect(alerts).toEqual([expect.stringContaining(String(events[1].detail.reason))]);
});

test('a version without a sample must come up, and its verdict says that parity was not checked', async () => {
  const record = await world.merge({ bug: 'no sample' });
  await world.until(() => !world.releasing);
  const verdict = (await world.version(record.version)).history.find(({ stage }) => stage === 'Canary');
  expect(verdict?.reason).toBe('nothing to compare with: no version is in production; no sample: parity was not checked');
  await expectProduction(world, record, 5);
});

test.each<[string, string, RegExp]>([
  ['answers otherwise than it was evaluated', 'skew', /^reject: 5 of 5 rows of the holdout were answered otherwise than the evaluation did/],
  ['does not answer', 'answer', /^reject: 1 of 1 rows of the holdout were not answered, the first: Received server error \(500\)/],
  ['does not come up', 'start', /^reject: the staging endpoint did not come up: .* did not pass the ping health check/],
])('a version that %s is rejected before it sees a caller\'s request', async (_, bug, reason) => {
  const before = mirrored();
  await expectUntouched(world, 'reject', async () => {
    await world.merge({ bug });
    await world.released();
  }, reason);
  expect(mirrored()).toBe(before);
});

test('a version that answers as it was evaluated leaves its staging endpoint before it is a shadow', async () => {
  const { version } = await world.merge();
  for (const status of ['Creating', 'Deleting']) {
    await until(status);
    expect(await world.endpoint()).toMatchObject({ status: 'InService', shadows: 0, pending: false });
  }
  await world.until(async () => (await world.endpoint())!.pending);
  expect(await staged()).toEqual([]);
  await world.released();
  const verdict = (await world.version(version)).history.find(({ stage }) => stage === 'Canary');
  expect(verdict?.reason).toMatch(/; the staging endpoint answered 5 rows of the holdout as the evaluation did, measured p95 latency [\d.]+ ms$/);
  await world.news();
});

async function expectUndone({ version }: VersionItem, before: unknown): Promise<void> {
  await world.released();
  await expectQuiet(world);
  expect(await world.endpoint()).toEqual(before);
  const record = await world.version(version);
  expect(stagesOf(record)).toEqual(['Registered', 'Staging', 'Rejected']);
  expect(record.reason).toMatch(/^the release did not end by itself: .*ABORTED/);
  expect(await world.hosted(record)).toEqual([]);
}

test.each(['Creating', 'Deleting'])('a release that is aborted while its staging endpoint is %s leaves none', async (status) => {
  const before = await world.endpoint();
  const record = await world.merge();
  await until(status);
  await world.abort(world.executions(world.out.Release).at(-1)!.arn);
  await expectUndone(record, before);
});

test('a staging that is aborted by itself leaves none', async () => {
  const before = await world.endpoint();
  const record = await world.merge();
  await until('Creating');
  await world.abort(world.executions(world.out.Staging).at(-1)!.arn);
  await expectUndone(record, before);
});

test('after all that a version is released as ever', async () => {
  await world.news();
  const record = await world.merge();
  await world.released();
  await expectProduction(world, record, 5);
});
