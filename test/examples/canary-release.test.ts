import { CHAMPION, EndpointWorld } from './endpoint-world';
import { outputOf } from './example-cloud';
import { Execution } from '../../examples/local/cloud/executions';
import { Clouds } from '../local/cloud-support';

const clouds = new Clouds();
let world: EndpointWorld;
beforeAll(async () => {
  world = await EndpointWorld.start(clouds, 'canary-release');
});
afterEach(() => expect(world.cloud.faults).toEqual([]));
afterAll(() => clouds.stop());

const OWN_ALARMS = ['house-prices-rmse', 'orders-waiting'];
/** Callers all the while that traffic moves, which takes less than two hours; then time alone. */
async function play(execution: Execution): Promise<Record<string, unknown>> {
  const calls = world.example.in(2);
  await world.call(4, 1, () => execution.status !== 'RUNNING' || world.cloud.clock.now() >= calls, 3);
  await world.until(() => execution.status !== 'RUNNING', 24 * 4);
  return outputOf(execution);
}

test('a version whose new fleet fails is taken back, and production answers all the while', async () => {
  const before = await world.hosted();
  const outcome = await play(await world.deliver(await world.package({ offset: 0, broken: true }, { version: 'V7.1.0' })));
  expect(outcome).toEqual({
    outcome: 'rolled-back',
    reason: expect.stringMatching(/SageMaker rolled back to house-prices-by-hand: .*house-prices-V7-1-0-.*(5xx|model-errors)/),
    version: 'V7.1.0',
    endpointConfigName: CHAMPION,
    previousConfigName: CHAMPION,
    previousVersion: CHAMPION,
    shift: 'steps of 25 %, 10 minutes each, guarded by 4 alarms, then a watch of 3 days',
  });
  expect(await world.endpoint()).toEqual({ status: 'InService', config: CHAMPION, shadows: 0, instances: 4 });
  expect(await world.hosted()).toEqual(before);
  expect(await world.alarms()).toEqual(OWN_ALARMS);
  // the canary's share of one minute or two, of four requests each
  expect(world.answered.not).toBeGreaterThan(0);
  expect(world.answered.not).toBeLessThan(world.answered.well / 10);
  expect(await world.predict('10,20')).toBe(33);
});

test('a version that holds is in production on the endpoint of somebody else', async () => {
  const failed = world.answered.not;
  const outcome = await play(await world.deliver(await world.package({ offset: 0.5 }, { version: 'V7.2.0', mse: '1.25' })));
  expect(outcome).toMatchObject({ outcome: 'production', version: 'V7.2.0', previousConfigName: CHAMPION, previousVersion: CHAMPION });
  const config = String(outcome.endpointConfigName);
  expect(config).toMatch(/^[0-9a-f]{8}-house-prices-V7-2-0-[0-9a-f]{8}$/);
  expect(await world.endpoint()).toEqual({ status: 'InService', config, shadows: 0, instances: 4 });
  expect(await world.predict('10,20')).toBe(30.5);
  expect(world.answered.not).toBe(failed);
  expect(await world.alarms()).toEqual(OWN_ALARMS);
  expect(await world.deployed(config)).toMatchObject([{ config_name: config, variant: 'AllTraffic', version: 'V7.2.0', mse: 1.25 }]);
  expect(await world.captured(config, 'AllTraffic')).toBeGreaterThan(100);
});

test('a version whose accuracy falls within its three days is taken back', async () => {
  const { config: before } = await world.endpoint();
  const execution = await world.deliver(await world.package({ offset: 5 }));
  await world.until(async () => (await world.endpoint()).config !== before);
  world.cloud.clock.at(world.example.in(30), async () => world.measure('house-prices-rmse', 50), 'a bad figure');
  expect(await play(execution)).toMatchObject({
    outcome: 'rolled-back',
    reason: expect.stringMatching(/taken back while it was watched: .*house-prices-rmse/),
    version: 'package-3',
    endpointConfigName: before,
    previousVersion: 'V7.2.0',
  });
  expect(await world.endpoint()).toMatchObject({ status: 'InService', config: before, instances: 4 });
});
