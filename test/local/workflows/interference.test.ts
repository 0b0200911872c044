import { CreateEndpointConfigCommand, DeleteEndpointCommand, DescribeEndpointConfigCommand, UpdateEndpointCommand } from '@aws-sdk/client-sagemaker';
import { expectProduction, expectQuiet } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';

let world: LineWorld;
beforeAll(async () => { world = await LineWorld.inProduction(); });
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

/** An operator puts the endpoint on a config of their own, or back. */
async function move(EndpointConfigName: string): Promise<void> {
  await world.sagemaker.send(new UpdateEndpointCommand({ EndpointName: world.out.Endpoint, EndpointConfigName }));
  await world.until(async () => {
    const endpoint = await world.endpoint();
    return endpoint?.status === 'InService' && endpoint.config === EndpointConfigName;
  });
}

/** A config like the champion's, with a shadow of it where that is asked for. */
async function copyOf(config: string, name: string, shadow: boolean): Promise<string> {
  const { ProductionVariants } = await world.sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: config }));
  await world.sagemaker.send(new CreateEndpointConfigCommand({
    EndpointConfigName: name, ProductionVariants, ...(shadow ? { ShadowProductionVariants: ProductionVariants!.map((variant) => ({ ...variant, VariantName: 'Mine' })) } : {}),
  }));
  return name;
}

async function expectRejected({ version }: VersionItem, reason: RegExp): Promise<void> {
  const record = await world.version(version);
  expect(record.stage).toBe('Rejected');
  expect(record.reason).toMatch(reason);
  expect(await world.registered(record)).toMatchObject({ approval: 'Rejected', stage: 'Rejected', status: 'Failed' });
  expect(await world.hosted(record)).toEqual([]);
  expect(await world.queue()).toEqual([]);
}

test('an event that comes twice releases nothing twice', async () => {
  const [before, endpoint] = [await world.version('V1.0.0'), await world.endpoint()];
  const earlier = world.executions(world.out.Release).length;
  await world.tell('ModelRegistered', { model: 'Line', version: before.version, modelPackageArn: before.modelPackageArn, time: world.cloud.clock.now().toISOString() });
  await world.until(() => !world.releasing);
  expect(world.executions(world.out.Release).slice(earlier).map(({ status }) => status)).toEqual(['SUCCEEDED']);
  expect(await world.version(before.version)).toEqual(before);
  expect(await world.endpoint()).toEqual(endpoint);
  expect((await world.news()).events.map(({ type }) => type)).toEqual(['ModelRegistered']);
});

test('an endpoint with somebody else\'s shadow is left as it is, and the release fails without leaving anything', async () => {
  const champion = (await world.endpoint())!.config!;
  await move(await copyOf(champion, 'mine-with-shadow', true));
  const record = await world.merge();
  await world.until(() => !world.releasing);
  expect(world.executions(world.out.Release).at(-1)!.describe()).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('has a shadow variant already') as string });
  expect(world.executions(world.out.Recovery).every(({ status }) => status === 'SUCCEEDED')).toBe(true);
  await expectRejected(record, /^the release did not end by itself: EndpointUnsuitable: .*has a shadow variant already/);
  expect(await world.endpoint()).toMatchObject({ status: 'InService', config: 'mine-with-shadow', shadows: 1 });
  expect(await world.champion()).toBe('V1.0.0');
  const { events, alerts } = await world.news();
  expect(events.map(({ type }) => type)).toEqual(['ModelRegistered', 'ReleaseRolledBack']);
  expect(alerts).toHaveLength(1);
  expect(events[1].detail).toMatchObject({ version: record.version, endpointConfigName: 'mine-with-shadow' });
  expect(events[1].detail).not.toHaveProperty('restored');
  await move(champion);
});

test('an endpoint that somebody moves while a comparison runs stays where it was moved to', async () => {
  const champion = (await world.endpoint())!.config!;
  const record = await world.merge();
  await world.until(async () => (await world.endpoint())!.shadows === 1);
  await move(await copyOf(champion, 'mine', false));
  await world.until(() => !world.releasing);
  await expectRejected(record, /^inconclusive: something else moved the endpoint to mine while the comparison ran$/);
  await expectQuiet(world);
  expect(await world.endpoint()).toMatchObject({ config: 'mine' });
  await move(champion);
  const { alerts } = await world.news();
  expect(alerts).toEqual([expect.stringContaining(`${record.version} was rejected: inconclusive: `)]);
});

test('a fleet that somebody made smaller than the stack asks for is as large again after the next release', async () => {
  await world.scale(1);
  const record = await world.merge();
  await world.released();
  await expectProduction(world, record, 5);
  expect(await world.endpoint()).toMatchObject({ instances: 2 });
});

test('where somebody deletes the endpoint while a comparison runs, the next version makes it anew', async () => {
  const record = await world.merge();
  await world.until(async () => (await world.endpoint())!.shadows === 1);
  await world.sagemaker.send(new DeleteEndpointCommand({ EndpointName: world.out.Endpoint }));
  await world.until(() => !world.releasing);
  await expectRejected(record, /^the release did not end by itself: .*/);
  expect(await world.endpoint()).toBeUndefined();
  await world.news();
  const next = await world.merge();
  await world.until(() => !world.releasing);
  await expectProduction(world, next, 5);
});
