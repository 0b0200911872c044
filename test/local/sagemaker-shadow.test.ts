import { CreateEndpointConfigCommand, UpdateEndpointWeightsAndCapacitiesCommand } from '@aws-sdk/client-sagemaker';
import { canary, Hosting } from './sagemaker-support';

interface Line {
  captureData: Record<'endpointInput' | 'endpointOutput', { data: string; encoding: string; mode: string; observedContentType: string }>;
  eventMetadata: { eventId: string; inferenceId?: string; inferenceTime: string };
  eventVersion: string;
}

let hosting: Hosting;
beforeAll(async () => {
  hosting = await Hosting.start();
  await hosting.model('champion', { offset: 100 });
  await hosting.model('challenger', { offset: 200 });
  await hosting.config('alone', 'champion');
  await hosting.config('with-shadow', 'champion', 'challenger');
  await hosting.config('half-shadow', 'champion', 'challenger', 2, 0.5);
  await hosting.endpoint('production', 'alone');
});
afterAll(() => hosting.stop());

async function captured(prefix: string): Promise<{ keys: string[]; lines: Line[] }> {
  const keys = (await hosting.cloud.s3.list('bucket', `captures/${prefix}`)).map(({ key }) => key);
  const bodies = await Promise.all(keys.map(async (key) => (await hosting.cloud.s3.get('bucket', key)).toString()));
  return { keys, lines: bodies.flatMap((body) => body.trimEnd().split('\n').map((line) => JSON.parse(line) as Line)) };
}

test('the caller sees production alone; both variants are captured under the caller\'s inference id', async () => {
  await hosting.update('production', 'with-shadow');
  await hosting.minutes(5);
  expect((await hosting.describe('production')).ShadowProductionVariants).toMatchObject([{ VariantName: 'Shadow' }]);
  for (let request = 0; request < 6; request += 1) {
    expect(await hosting.predict('production', `${request},1`, `order-${request}`)).toBe(request + 101);
    await hosting.minutes(10);
  }
  await hosting.minutes(60);
  const production = await captured('with-shadow/production/AllTraffic/');
  const shadow = await captured('with-shadow/production/Shadow/');
  expect(production.lines).toHaveLength(6);
  expect(production.keys).toHaveLength(2);
  expect(production.keys[0]).toMatch(/^captures\/with-shadow\/production\/AllTraffic\/2013\/03\/01\/00\/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl$/);
  expect(production.lines[1]).toEqual({
    captureData: {
      endpointInput: { observedContentType: 'text/csv', mode: 'INPUT', data: '1,1', encoding: 'CSV' },
      endpointOutput: { observedContentType: 'text/csv; charset=utf-8', mode: 'OUTPUT', data: '102.0', encoding: 'CSV' },
    },
    eventMetadata: { eventId: expect.any(String), inferenceId: 'order-1', inferenceTime: '2013-03-01T00:20:00Z' },
    eventVersion: '0',
  });
  const ids = (lines: Line[]) => lines.map(({ eventMetadata }) => eventMetadata.inferenceId);
  expect(ids(shadow.lines)).toEqual(ids(production.lines));
  expect(shadow.lines[1].captureData.endpointOutput.data).toBe('202.0');
});

test('the shadow\'s weight is its sampling share; changing the weight changes it', async () => {
  await hosting.update('production', 'half-shadow');
  await hosting.minutes(5);
  const before = hosting.sageMaker.traffic.counts.mirrored;
  for (let request = 0; request < 10; request += 1) await hosting.predict('production', '1');
  expect(hosting.sageMaker.traffic.counts.mirrored - before).toBe(5);
  await hosting.api.send(new UpdateEndpointWeightsAndCapacitiesCommand({
    EndpointName: 'production', DesiredWeightsAndCapacities: [{ VariantName: 'Shadow', DesiredWeight: 1 }],
  }));
  await hosting.minutes(2);
  for (let request = 0; request < 10; request += 1) await hosting.predict('production', '1');
  expect(hosting.sageMaker.traffic.counts.mirrored - before).toBe(15);
});

test('a shadow that fails is seen in its own metrics and by no caller', async () => {
  const end = hosting.sageMaker.injectFault({ endpointConfigNameContains: 'half-shadow', kind: 'error', shadow: true });
  for (let request = 0; request < 4; request += 1) expect(await hosting.predict('production', '1')).toBe(101);
  await hosting.cloud.clock.settle();
  end();
  const errors = hosting.watch.series('AWS/SageMaker', 'Invocation5XXErrors', { EndpointName: 'production', VariantName: 'Shadow' });
  expect(errors.window(0, Infinity)?.sum).toBe(4);
});

test('a busy hour is written early, a fleet that ends leaves nothing behind', async () => {
  await hosting.cloud.clock.advanceTo(new Date('2013-03-02T00:00:00Z'));
  for (let request = 0; request < 150; request += 1) await hosting.predict('production', '1', `busy-${request}`);
  await hosting.minutes(6);
  expect((await captured('half-shadow/production/AllTraffic/2013/03/02/00/')).lines).toHaveLength(150);
  await hosting.predict('production', '1', 'last');
  await hosting.update('production', 'alone');
  await hosting.minutes(4);
  const { lines } = await captured('half-shadow/production/AllTraffic/2013/03/02/00/');
  expect(lines.map(({ eventMetadata }) => eventMetadata.inferenceId)).toContain('last');
  await hosting.predict('production', '1', 'flushed');
  await hosting.sageMaker.flushCaptures();
  expect((await captured('alone/production/AllTraffic/2013/03/02/')).lines).toHaveLength(1);
});

test('what AWS documents no behaviour for, or forbids, is refused', async () => {
  await expect(hosting.update('production', 'with-shadow', {
    DeploymentConfig: {
      BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'CANARY', CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 }, WaitIntervalInSeconds: 60 } },
    },
  })).rejects.toThrow(/shadow variant: AWS documents no behaviour/);
  await expect(hosting.update('production', 'alone', canary('no-such-alarm'))).rejects.toThrow(/no-such-alarm/);
  await hosting.config('single', 'champion', undefined, 1);
  const shift = (configuration: object, more: object = {}) => hosting.update('production', 'single', {
    DeploymentConfig: { BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: configuration as never, ...more } },
  });
  await expect(shift({ Type: 'CANARY', CanarySize: { Type: 'CAPACITY_PERCENT', Value: 10 }, WaitIntervalInSeconds: 60 })).rejects.toThrow(/at most 50 %/);
  await expect(shift({ Type: 'CANARY', WaitIntervalInSeconds: 60 })).rejects.toThrow(/CanarySize/);
  await expect(shift({ Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 3601 })).rejects.toThrow(/WaitIntervalInSeconds.*3600/);
  await expect(shift({ Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 600 }, { MaximumExecutionTimeoutInSeconds: 600 })).rejects.toThrow(/larger than the total/);
  const variant = { ModelName: 'champion', InitialInstanceCount: 1, InstanceType: 'ml.m5.large' as const };
  await expect(hosting.api.send(new CreateEndpointConfigCommand({
    EndpointConfigName: 'two-and-one',
    ProductionVariants: [{ ...variant, VariantName: 'A' }, { ...variant, VariantName: 'B' }],
    ShadowProductionVariants: [{ ...variant, VariantName: 'C' }],
  }))).rejects.toThrow(/only specify one/);
  await expect(hosting.api.send(new CreateEndpointConfigCommand({
    EndpointConfigName: 'bad_name', ProductionVariants: [{ ...variant, VariantName: 'A' }],
  }))).rejects.toThrow(/regular expression/);
  await expect(hosting.api.send(new CreateEndpointConfigCommand({
    EndpointConfigName: 'serverless', ProductionVariants: [{ VariantName: 'A', ModelName: 'champion', ServerlessConfig: { MemorySizeInMB: 1024, MaxConcurrency: 1 } }],
  }))).rejects.toThrow(/does not support ServerlessConfig/);
  await hosting.api.send(new CreateEndpointConfigCommand({ EndpointConfigName: 'other-name', ProductionVariants: [{ ...variant, VariantName: 'Other' }] }));
  await expect(hosting.update('production', 'other-name', {
    DeploymentConfig: {
      BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 } },
    },
  })).rejects.toThrow(/variant names must not change/);
});
