import { PutMetricAlarmCommand, CloudWatchClient, DescribeAlarmsCommand, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  DeleteEndpointCommand, DeleteEndpointConfigCommand, DescribeEndpointCommand, UpdateEndpointWeightsAndCapacitiesCommand,
} from '@aws-sdk/client-sagemaker';
import { canary, Hosting } from './sagemaker-support';

let hosting: Hosting;
beforeAll(async () => {
  hosting = await Hosting.start();
  await hosting.model('old', { offset: 100 });
  await hosting.model('new', { offset: 200 });
  await hosting.model('broken', { offset: 0, broken: true });
  await hosting.config('config-old', 'old');
  await hosting.config('config-new', 'new');
  await hosting.config('config-broken', 'broken');
  await hosting.endpoint('production', 'config-old');
});
afterAll(() => hosting.stop());

/** An alarm on the new fleet's model errors, as a release makes it. */
async function fleetAlarm(name: string, configName: string, TreatMissingData = 'notBreaching'): Promise<string> {
  await hosting.cloud.client(CloudWatchClient).send(new PutMetricAlarmCommand({
    AlarmName: name,
    Namespace: 'AWS/SageMaker',
    MetricName: 'InvocationModelErrors',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData,
    Dimensions: [{ Name: 'EndpointName', Value: 'production' }, { Name: 'VariantName', Value: 'AllTraffic' }, { Name: 'EndpointConfigName', Value: configName }],
  }));
  return name;
}

/** Sends a request each half minute for so many minutes; answers the models that gave an answer, and the failures. */
async function traffic(minutes: number): Promise<{ old: number; fresh: number; failed: number }> {
  const counts = { old: 0, fresh: 0, failed: 0 };
  for (let half = 0; half < minutes * 2; half += 1) {
    await hosting.predict('production', '1,2').then((value) => (value === 103 ? counts.old += 1 : counts.fresh += 1), () => counts.failed += 1);
    await hosting.minutes(0.5);
  }
  return counts;
}

test('a first endpoint is created in local time and answers', async () => {
  const { EndpointStatus, EndpointConfigName, ProductionVariants } = await hosting.describe('production');
  expect({ EndpointStatus, EndpointConfigName }).toEqual({ EndpointStatus: 'InService', EndpointConfigName: 'config-old' });
  expect(ProductionVariants).toMatchObject([{ VariantName: 'AllTraffic', CurrentInstanceCount: 2, CurrentWeight: 1 }]);
  expect(await hosting.predict('production', '1,2')).toBe(103);
  const answer = await hosting.invoke('production', '1,2');
  expect(answer).toMatchObject({ InvokedProductionVariant: 'AllTraffic', ContentType: 'text/csv; charset=utf-8' });
});

test('a canary shifts half, bakes, shifts the rest, bakes again, and no request fails', async () => {
  const alarm = await fleetAlarm('new-errors', 'config-new');
  await hosting.minutes(2);
  await hosting.update('production', 'config-new', canary(alarm));
  expect(await traffic(4)).toEqual({ old: 8, fresh: 0, failed: 0 });
  const during = await hosting.describe('production');
  expect(during.EndpointStatus).toBe('Updating');
  expect(during.EndpointConfigName).toBe('config-old');
  expect(during.PendingDeploymentSummary).toMatchObject({
    EndpointConfigName: 'config-new', ProductionVariants: [{ CurrentInstanceCount: 1, VariantStatus: [{ Status: 'Baking' }] }],
  });
  expect(await traffic(10)).toEqual({ old: 10, fresh: 10, failed: 0 });
  expect(await traffic(10)).toEqual({ old: 0, fresh: 20, failed: 0 });
  expect((await hosting.describe('production')).EndpointStatus).toBe('Updating');
  await hosting.minutes(2);
  expect(await hosting.describe('production')).toMatchObject({ EndpointStatus: 'InService', EndpointConfigName: 'config-new' });
  expect(hosting.sageMaker.traffic.shifts.map(({ shares }) => shares['config-new'] ?? 0)).toEqual(expect.arrayContaining([0, 0.5, 1]));
});

test('a new fleet with errors is rolled back by its alarm, silently; production answers all the while on the other half', async () => {
  const alarm = await fleetAlarm('broken-errors', 'config-broken');
  await hosting.minutes(2);
  await hosting.update('production', 'config-broken', canary(alarm));
  expect(await traffic(4)).toEqual({ old: 0, fresh: 8, failed: 0 });
  const { fresh, failed } = await traffic(5);
  expect(failed).toBe(1);
  expect(fresh).toBe(9);
  const after = await hosting.describe('production');
  expect(after).toMatchObject({ EndpointStatus: 'InService', EndpointConfigName: 'config-new' });
  expect(after.FailureReason).toBeUndefined();
  expect(after.PendingDeploymentSummary).toBeUndefined();
  const { MetricAlarms } = await hosting.cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({ AlarmNames: [alarm] }));
  expect(hosting.watch.alarms.history.filter((item) => item.alarm === alarm).map(({ to }) => to)).toContain('ALARM');
  expect(MetricAlarms).toHaveLength(1);
});

test('metrics are kept per fleet and for both fleets together', async () => {
  const window = { Namespace: 'AWS/SageMaker', Period: 86_400, Statistics: ['Sum' as const], StartTime: new Date('2013-03-01'), EndTime: new Date('2013-03-02') };
  const both = [{ Name: 'EndpointName', Value: 'production' }, { Name: 'VariantName', Value: 'AllTraffic' }];
  const sum = async (MetricName: string, config?: string): Promise<number | undefined> => {
    const Dimensions = config === undefined ? both : [...both, { Name: 'EndpointConfigName', Value: config }];
    const statistics = new GetMetricStatisticsCommand({ ...window, MetricName, Dimensions });
    return (await hosting.cloud.client(CloudWatchClient).send(statistics)).Datapoints![0]?.Sum;
  };
  const { counts } = hosting.sageMaker.traffic;
  expect(await sum('Invocations')).toBe(counts.sent);
  expect(await sum('InvocationModelErrors')).toBe(1);
  expect(await sum('Invocation5XXErrors', 'config-broken')).toBe(1);
  expect(await sum('Invocation5XXErrors', 'config-new')).toBe(0);
  expect(await sum('InvocationsPerInstance')).toBe(counts.sent / 2);
  expect(await sum('ModelLatency')).toBeGreaterThan(0);
});

test('an alarm that is up already stops the new fleet as soon as it would take traffic', async () => {
  const alarm = await fleetAlarm('up-already', 'config-old', 'breaching');
  await hosting.minutes(2);
  await hosting.update('production', 'config-old', canary(alarm));
  expect(await traffic(6)).toEqual({ old: 0, fresh: 12, failed: 0 });
  expect(await hosting.describe('production')).toMatchObject({ EndpointStatus: 'InService', EndpointConfigName: 'config-new' });
});

test('requests that are on their way while fleets change are answered', async () => {
  await hosting.update('production', 'config-old', {
    DeploymentConfig: {
      BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 60 }, TerminationWaitInSeconds: 60 },
    },
  });
  let moving = true;
  const moved = (async () => {
    for (let step = 0; step < 80; step += 1) await hosting.minutes(0.1);
    moving = false;
  })();
  const answers = new Map<number, number>();
  const client = async (): Promise<void> => {
    while (moving) {
      const answer = await hosting.predict('production', '0');
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      // The clock moves between requests, never past one.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await Promise.all([moved, client(), client()]);
  expect([...answers.keys()].sort()).toEqual([100, 200]);
  await hosting.update('production', 'config-new');
  await hosting.minutes(5);
});

test('a fleet that does not come up: back to the old config', async () => {
  await hosting.model('ends', { offset: 0, exit: true });
  await hosting.config('config-ends', 'ends');
  await hosting.update('production', 'config-ends');
  expect(await traffic(6)).toEqual({ old: 0, fresh: 12, failed: 0 });
  expect(await hosting.describe('production')).toMatchObject({
    EndpointStatus: 'InService', EndpointConfigName: 'config-new', FailureReason: expect.stringMatching(/ping health check/),
  });
  await hosting.api.send(new DeleteEndpointConfigCommand({ EndpointConfigName: 'config-ends' }));
  await expect(hosting.api.send(new DeleteEndpointConfigCommand({ EndpointConfigName: 'config-new' }))).rejects.toThrow(/in use/);
});

test('linear shifting goes step by step; all at once switches', async () => {
  await hosting.config('config-four', 'old', undefined, 4);
  await hosting.update('production', 'config-four', {
    DeploymentConfig: {
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: { Type: 'LINEAR', LinearStepSize: { Type: 'INSTANCE_COUNT', Value: 1 }, WaitIntervalInSeconds: 300 },
      },
    },
  });
  await hosting.minutes(4);
  const shares: number[] = [];
  for (let step = 0; step < 4; step += 1) {
    const { old, fresh, failed } = await traffic(5);
    expect(failed).toBe(0);
    shares.push(old / (old + fresh));
  }
  expect(shares).toEqual([expect.closeTo(0.25, 0.06), 0.5, expect.closeTo(0.75, 0.06), 1]);
  expect(await hosting.describe('production')).toMatchObject({ EndpointStatus: 'InService', EndpointConfigName: 'config-four' });
  await hosting.update('production', 'config-new');
  await hosting.minutes(5);
  expect(await hosting.predict('production', '1,2')).toBe(203);
});

test('an injected fault hits the fleet that it names, and says so', async () => {
  const end = hosting.sageMaker.injectFault({ endpointConfigNameContains: 'config-new', kind: 'error', share: 0.5 });
  const results = await Promise.allSettled([1, 2, 3, 4].map((value) => hosting.predict('production', `${value}`)));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(2);
  expect(results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : []))[0]).toContain('injected fault');
  end();
  expect(await hosting.predict('production', '1')).toBe(201);
});

test('errors of the model come back as ModelError with what it said', async () => {
  await expect(hosting.invoke('production', 'no number')).rejects.toMatchObject({ name: 'ModelError', OriginalStatusCode: 400 });
  await expect(hosting.invoke('nowhere', '1')).rejects.toThrow(/not found/);
});

test('weights and counts change in place; deletion takes its time and frees the config', async () => {
  await hosting.endpoint('second', 'config-old');
  await hosting.api.send(new UpdateEndpointWeightsAndCapacitiesCommand({
    EndpointName: 'second', DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 3 }],
  }));
  expect((await hosting.describe('second')).EndpointStatus).toBe('Updating');
  expect(await hosting.predict('second', '1')).toBe(101);
  await hosting.minutes(1);
  expect((await hosting.describe('second')).ProductionVariants![0].CurrentInstanceCount).toBe(3);
  await hosting.api.send(new DeleteEndpointCommand({ EndpointName: 'second' }));
  await expect(hosting.predict('second', '1')).rejects.toThrow(/not found/);
  await hosting.minutes(1);
  await expect(hosting.api.send(new DescribeEndpointCommand({ EndpointName: 'second' }))).rejects.toThrow(/Could not find endpoint/);
  await hosting.api.send(new DeleteEndpointConfigCommand({ EndpointConfigName: 'config-old' }));
});

test('many requests at once get their own answers', async () => {
  const values = await Promise.all(Array.from({ length: 200 }, (_, index) => hosting.predict('production', `${index}`)));
  expect(values).toEqual(Array.from({ length: 200 }, (_, index) => index + 200));
});
