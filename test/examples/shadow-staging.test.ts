import { CHAMPION, EndpointWorld } from './endpoint-world';
import { outputOf } from './example-cloud';
import { OBSERVATIONS } from './house-prices';
import { Clouds } from '../local/cloud-support';

const clouds = new Clouds();
let world: EndpointWorld;
beforeAll(async () => {
  world = await EndpointWorld.start(clouds, 'shadow-staging');
  // the endpoint has served for a while: what it was wrong by tells how long the blocks of the comparison are
  const begins = world.example.in(24 * 4);
  await world.call(2, 60, () => world.cloud.clock.now() >= begins, 24 * 5);
});
afterEach(() => expect(world.cloud.faults).toEqual([]));
afterAll(() => clouds.stop());

test('a challenger that is better on the endpoint of somebody else is promoted, and the endpoint is as it was', async () => {
  const sample = await world.sample(0.5);
  const modelPackageArn = await world.package({ offset: 0.5 }, { version: 'V7.2.0', mse: '1.25', rmse: '1.118', sample });
  const execution = await world.deliver(modelPackageArn);
  await world.call(4, 60, () => execution.status !== 'RUNNING', 24 * 21);
  const verdict = outputOf(execution);
  expect(verdict).toMatchObject({
    decision: 'promote',
    reason: expect.stringContaining('pairs in'),
    version: 'V7.2.0',
    champion: CHAMPION,
    tolerance: 0.01,
    blockHours: 1,
    blockReason: expect.stringContaining('past losses'),
    championLoss: expect.closeTo(3, 0),
    challengerLoss: expect.closeTo(1, 0),
  });
  expect(verdict.upper).toBeLessThan(0);
  expect(verdict.pairs).toBeGreaterThanOrEqual(200);

  expect(await world.endpoint()).toEqual({ status: 'InService', config: CHAMPION, shadows: 0, instances: 4 });
  expect(await world.hosted()).toEqual([`config ${CHAMPION}`, `model ${CHAMPION}`]);
  expect(await world.predict('10,20')).toBe(33);
  expect(world.answered.not).toBe(0);
  expect(await world.example.told()).toMatchObject([{ type: 'ShadowVerdict', detail: { endpoint: 'house-prices', version: 'V7.2.0', decision: 'promote' } }]);
});

test('both answered the same requests, half of all, and what each variant was is written down', async () => {
  const [{ key }] = await world.cloud.s3.list(OBSERVATIONS, 'deployments/');
  const config = key.replace(/^deployments\/|\.jsonl$/g, '');
  expect(config).toMatch(/^[0-9a-f]{8}-house-prices-V7-2-0-[0-9a-f]{8}-shadow$/);
  expect(await world.deployed(config)).toMatchObject([
    { config_name: config, variant: 'AllTraffic', version: CHAMPION },
    { config_name: config, variant: 'Shadow', version: 'V7.2.0', mse: 1.25, rmse: 1.118 },
  ]);
  const [production, shadow] = [await world.captured(config, 'AllTraffic'), await world.captured(config, 'Shadow')];
  expect(production).toBeGreaterThan(400);
  expect(Math.abs(shadow - production / 2)).toBeLessThanOrEqual(1);
});

test('a package that says nothing of itself is named by its number; worse than the champion, it is rejected', async () => {
  const execution = await world.deliver(await world.package({ offset: 9 }));
  await world.call(4, 60, () => execution.status !== 'RUNNING', 24 * 21);
  expect(outputOf(execution)).toMatchObject({ decision: 'reject', version: 'package-2', champion: CHAMPION });
  expect(await world.endpoint()).toEqual({ status: 'InService', config: CHAMPION, shadows: 0, instances: 4 });
  expect(await world.hosted()).toEqual([`config ${CHAMPION}`, `model ${CHAMPION}`]);
});
