import { UpdateEndpointWeightsAndCapacitiesCommand } from '@aws-sdk/client-sagemaker';
import { Duration } from 'aws-cdk-lib';
import { ENDPOINT, GUARD, ShiftWorld } from './shift-world';
import { TrafficShift } from '../../../src';

const SHIFTS = {
  Canary: { shift: TrafficShift.canary(25, Duration.minutes(10)), steps: [0.25, 1] },
  Linear: { shift: TrafficShift.linear(25, Duration.minutes(10)), steps: [0.25, 0.5, 0.75, 1] },
  AllAtOnce: { shift: TrafficShift.allAtOnce(Duration.minutes(10)), steps: [1] },
};
type Kind = keyof typeof SHIFTS;
const KINDS = Object.keys(SHIFTS) as Kind[];

let world: ShiftWorld;
beforeAll(async () => {
  world = await ShiftWorld.start(({ endpoint, release, guard }) => {
    const shop = endpoint({ instanceCount: 4 });
    for (const kind of KINDS) release(kind, shop, { shift: SHIFTS[kind].shift, alarms: [guard] });
  });
  expect(await world.release('AllAtOnce')).toMatchObject({ outcome: 'production', reason: 'the first version of the endpoint' });
});
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

test.each(KINDS)('%s: every step is taken, guarded by alarms on the new fleet, to production', async (kind) => {
  const before = await world.serving();
  const { version, ended } = await world.start(kind);
  await world.until(() => world.shareOf(version) > 0);
  const [config] = await world.hosted(version);
  expect((await world.alarms()).sort()).toEqual([`${config}-5xx`, `${config}-latency`, `${config}-model-errors`]);
  expect(await ended()).toMatchObject({ outcome: 'production', endpointConfigName: config, previousConfigName: before.config });
  expect(world.shares(config)).toEqual(SHIFTS[kind].steps);
  expect(await world.serving()).toEqual({ ...before, config });
  expect(await world.alarms()).toEqual([]);
});

test.each(KINDS.flatMap((kind) => SHIFTS[kind].steps.map((share, i): [Kind, number, number] => [kind, i + 1, share])))(
  '%s: an alarm at step %i takes everything back', async (kind, step, share) => {
    const before = await world.serving();
    const { version, ended } = await world.start(kind);
    await world.until(() => Math.abs(world.shareOf(version) - share) < 1e-9);
    await world.minutes(5);
    const [config] = await world.hosted(version);
    await world.setAlarm(GUARD, 'ALARM');
    expect(world.shareOf(version)).toBe(0);
    expect(await ended()).toMatchObject({
      outcome: 'rolled-back',
      endpointConfigName: before.config,
      reason: expect.stringMatching(new RegExp(`^SageMaker rolled back to ${before.config}: alarm ${GUARD} .*the operator says so`)) as string,
    });
    expect(world.shares(config)).toEqual(SHIFTS[kind].steps.slice(0, step));
    expect(await world.serving()).toEqual(before);
    expect(await world.hosted(version)).toEqual([]);
    expect(await world.alarms()).toEqual([]);
  });

test('errors of the old fleet do not stop the new one, which does away with them', async () => {
  const before = await world.serving();
  const { version, ended } = await world.start('Canary');
  await world.until(() => world.shareOf(version) > 0);
  const heal = world.breakFleet(before.config);
  expect(await world.ask(8, 4)).toBe(24);
  expect(await ended()).toMatchObject({ outcome: 'production' });
  expect(await world.ask(1, 4)).toBe(0);
  heal();
});

test('errors of the new fleet cannot hide behind the old one', async () => {
  const before = await world.serving();
  const { version, ended } = await world.start('Linear');
  const heal = world.breakFleet(`-${version.replaceAll('.', '-')}-`);
  await world.until(() => world.shareOf(version) > 0);
  expect(await world.ask(4, 4)).toBeLessThanOrEqual(4);
  expect(await ended()).toMatchObject({ outcome: 'rolled-back', reason: expect.stringMatching(/alarm [0-9a-f]{8}-shop-V1-0-\d+-[0-9a-f]{8}-(5xx|model-errors)/) as string });
  expect(await world.serving()).toEqual(before);
  heal();
});

test.each(KINDS)('%s: does not start while an alarm fires', async (kind) => {
  const before = await world.serving();
  await world.setAlarm(GUARD, 'ALARM');
  expect(await world.release(kind)).toMatchObject({ outcome: 'rolled-back', reason: `not started: alarm ${GUARD} is firing (the operator says so)` });
  expect(await world.serving()).toEqual(before);
  await world.minutes(2);
});

test('a fleet that is larger than asked for keeps its size, one that is smaller gets it', async () => {
  const scale = async (DesiredInstanceCount: number) => {
    await world.sagemaker.send(new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: ENDPOINT, DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount }],
    }));
    await world.minutes(5);
  };
  await scale(6);
  expect(await world.release('AllAtOnce')).toMatchObject({ outcome: 'production' });
  expect(await world.serving()).toMatchObject({ instances: 6 });
  await scale(1);
  expect(await world.release('Linear')).toMatchObject({ outcome: 'production' });
  expect(await world.serving()).toMatchObject({ instances: 4 });
});
