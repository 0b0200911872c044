import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { PlanReleaseEvent } from '../../src/release/canary-plan';
import { CanaryRelease, CanaryReleaseProps } from '../../src/release/canary-release';
import { GuardEvent, handler as guard } from '../../src/release/guard-release.lambda';
import { handler as plan } from '../../src/release/plan-release.lambda';
import { DeployEvent, handler as deploy } from '../../src/staging/deploy.lambda';
import { FakeHosting } from '../staging/fake-hosting';
import { importedEndpoint } from '../staging/imported';
import { AwsTaskError, definitionsOf, Run, run, Task } from '../staging/machine-runner';

const packageArn = 'arn:aws:sagemaker:eu-central-1:111122223333:model-package/temperature/7';
let hosting: FakeHosting;
let previous: string;
let now: Date;

function standIns(): Record<string, Task> {
  const deployer: Task = (input) => deploy(input as unknown as DeployEvent);
  const guarding: Task = (input) => guard(input as unknown as GuardEvent);
  const describe: Task = () => {
    now = new Date(now.getTime() + 60_000);
    return hosting.describe('temperature');
  };
  return {
    PlanRelease: (input) => plan(input as unknown as PlanReleaseEvent),
    CreateModel: deployer,
    CreateConfig: deployer,
    CreateEndpoint: deployer,
    ShiftTraffic: deployer,
    RestorePrevious: deployer,
    ScaleNew: deployer,
    ScaleFirst: deployer,
    ScalePrevious: deployer,
    RemoveEndpoint: deployer,
    RemoveCandidate: deployer,
    PutAlarms: guarding,
    RemoveAlarms: guarding,
    ExplainRollback: guarding,
    ExplainFailure: guarding,
    Watch: (input) => {
      now = new Date(now.getTime() + 300_000);
      return guarding({ ...input as object, time: now.toISOString() });
    },
    DescribeShift: describe,
    DescribeCreation: describe,
    DescribePrevious: describe,
    DescribeWatched: describe,
  };
}

const alarm = (stack: Stack, name: string) => cloudwatch.Alarm.fromAlarmArn(stack, name, `arn:aws:cloudwatch:eu-central-1:111122223333:alarm:${name}`);
const play = (change: Record<string, Task> = {}, props: (stack: Stack) => Partial<CanaryReleaseProps> = () => ({})): Promise<Run> => {
  const [{ definition }] = definitionsOf((stack) => new CanaryRelease(stack, 'Release', { endpoint: importedEndpoint(stack), ...props(stack) }));
  const tasks = Object.fromEntries(Object.entries({ ...standIns(), ...change }).filter(([name]) => JSON.stringify(definition).includes(`"${name}":`)));
  return run(definition, { version: 'V1.0.1', modelPackageArn: packageArn }, tasks, () => now.toISOString());
};
/** Notes a change of an alarm, which does not last. */
const change = (AlarmName: string, from: string, to: string, Timestamp: Date) => hosting.alarmHistory.push({
  AlarmName, Timestamp, HistoryData: JSON.stringify({ oldState: { stateValue: from }, newState: { stateValue: to, stateReason: `why ${AlarmName} fired` } }),
});
const watch = (stack: Stack) => ({ watch: { window: Duration.minutes(30), alarms: [alarm(stack, 'rmse')] } });
const onlyPrevious = () => {
  expect(hosting.endpoints.get('temperature')).toMatchObject({ status: 'InService', config: previous });
  expect([...hosting.configs.keys()]).toEqual([previous]);
  expect([...hosting.models.keys()]).toEqual([previous]);
};
const noAlarmsLeft = () => expect([...hosting.alarms.keys()].filter((name) => name.includes('-temperature-'))).toEqual([]);

beforeEach(() => {
  hosting = new FakeHosting();
  previous = hosting.serving('temperature', 'V1.0.0');
  hosting.alarms.set('rmse', { StateValue: 'OK' });
  hosting.alarms.set('mine', { StateValue: 'OK' });
  now = new Date('2013-07-01T00:10:00Z');
});
afterEach(() => hosting.restore());

describe('the release, as synthesized', () => {
  test('moves traffic to the new version and keeps the capacity', async () => {
    const { output, error } = await play();
    expect(error).toBeUndefined();
    expect(output).toEqual({
      outcome: 'production',
      reason: 'all traffic is on the new fleet',
      version: 'V1.0.1',
      endpointConfigName: hosting.moves[0],
      previousConfigName: previous,
      previousVersion: 'V1.0.0',
      shift: 'a canary of 1 instance for 15 minutes, then the rest, guarded by 3 alarms',
    });
    expect(hosting.endpoints.get('temperature')).toMatchObject({ status: 'InService', config: hosting.moves[0] });
    expect(hosting.sagemaker.calls().map((call) => call.args[0].input)).toContainEqual({
      EndpointName: 'temperature',
      EndpointConfigName: hosting.moves[0],
      RetainAllVariantProperties: true,
      DeploymentConfig: {
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: { Type: 'CANARY', WaitIntervalInSeconds: 900, CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 } },
          TerminationWaitInSeconds: 0,
          MaximumExecutionTimeoutInSeconds: 3600,
        },
        AutoRollbackConfiguration: { Alarms: ['5xx', 'model-errors', 'latency'].map((name) => ({ AlarmName: `${hosting.moves[0]}-${name}` })) },
      },
    });
    expect(hosting.objects.get(`deployments/${hosting.moves[0]}.jsonl`)).toContain('"version":"V1.0.1"');
    noAlarmsLeft();
  });

  test('puts alarms on the new fleet before traffic moves', async () => {
    const tasks = standIns();
    let before: string[] = [];
    await play({
      ShiftTraffic: (input) => {
        before = [...hosting.alarms.keys()].filter((name) => name.includes('-temperature-'));
        return tasks.ShiftTraffic(input);
      },
    });
    expect(before.map((name) => name.replace(hosting.moves[0], ''))).toEqual(['-5xx', '-model-errors', '-latency']);
    const put = hosting.cloudwatch.calls()
      .map((call) => call.args[0].input as { MetricName?: string; Dimensions?: object[] })
      .filter((input) => input.MetricName !== undefined);
    for (const { Dimensions } of put) {
      expect(Dimensions).toEqual([
        { Name: 'EndpointName', Value: 'temperature' }, { Name: 'VariantName', Value: 'AllTraffic' }, { Name: 'EndpointConfigName', Value: hosting.moves[0] },
      ]);
    }
  });

  test('creates the endpoint with the first version', async () => {
    hosting.endpoints.clear();
    const { output } = await play();
    expect(output).toMatchObject({ outcome: 'production', endpointConfigName: hosting.moves[0], previousConfigName: null, previousVersion: null });
    expect(hosting.endpoints.get('temperature')).toMatchObject({ status: 'InService', config: hosting.moves[0] });
  });

  test('replaces an endpoint that never came up', async () => {
    hosting.endpoints.set('temperature', { status: 'Failed', config: previous, polls: 0 });
    expect((await play()).output).toMatchObject({ outcome: 'production', previousConfigName: null });
    expect(hosting.endpoints.get('temperature')?.status).toBe('InService');
  });

  test('removes a first endpoint that does not come up', async () => {
    hosting.endpoints.clear();
    hosting.outcomes.push([/V1-0-1/, 'breaks']);
    const { output } = await play();
    expect(output).toMatchObject({ outcome: 'rolled-back', endpointConfigName: null, reason: expect.stringContaining('did not pass the ping health check') });
    expect(hosting.endpoints.size).toBe(0);
    expect([...hosting.configs.keys()]).toEqual([previous]);
  });

  test('reports a silent rollback as one, with its cause', async () => {
    hosting.outcomes.push([/V1-0-1/, 'rolls back']);
    hosting.onSettled = (config) => hosting.alarms.set(`${config}-5xx`, {
      StateValue: 'ALARM', StateReason: 'Threshold Crossed: 0.4 > 0.01', StateTransitionedTimestamp: now,
    });
    const { output } = await play();
    expect(output).toMatchObject({
      outcome: 'rolled-back',
      endpointConfigName: previous,
      previousConfigName: previous,
      reason: expect.stringMatching(/rolled back to temperature-V1-0-0-00000000: .*alarm [0-9a-f]{8}-temperature-V1-0-1-[0-9a-f]{8}-5xx is firing \(Threshold Crossed/),
    });
    onlyPrevious();
    noAlarmsLeft();
  });

  test('says so where a rollback has no visible cause', async () => {
    hosting.outcomes.push([/V1-0-1/, 'rolls back']);
    const tasks = standIns();
    const { output } = await play({ DescribeShift: async (input) => ({ ...await tasks.DescribeShift(input) as object, FailureReason: '' }) });
    expect(output).toMatchObject({ outcome: 'rolled-back', reason: expect.stringContaining('it gave no reason') });
  });

  test.each(['firing', 'missing'])('does not start where an alarm of the user is %s', async (how) => {
    if (how === 'firing') hosting.alarms.set('mine', { StateValue: 'ALARM', StateReason: 'it was so before' });
    else hosting.alarms.delete('mine');
    const { output } = await play({}, (stack) => ({ alarms: [alarm(stack, 'mine')] }));
    expect(output).toMatchObject({ outcome: 'rolled-back', endpointConfigName: previous, reason: expect.stringMatching(/^not started: .*mine/) });
    expect(hosting.moves).toEqual([]);
    onlyPrevious();
  });

  test('names the alarm also where it has cleared before anybody looked', async () => {
    hosting.outcomes.push([/V1-0-1/, 'rolls back']);
    hosting.onSettled = () => change('mine', 'OK', 'ALARM', now);
    const { output } = await play({}, (stack) => ({ alarms: [alarm(stack, 'mine')] }));
    expect(output).toMatchObject({ reason: expect.stringMatching(/; alarm mine fired at 2013-07-01T00:1\d:00.000Z and has cleared since \(why mine fired\)$/) });
  });

  test('does not start where the fleet has been scaled in below what the shift needs', async () => {
    hosting.instanceCount = 1;
    const { error, trail } = await play();
    expect(trail).toEqual(['PlanRelease', 'ReleaseFailed']);
    expect(error).toBeDefined();
    expect(hosting.moves).toEqual([]);
  });

  test('watches the version for the whole window', async () => {
    const { output, trail } = await play({}, watch);
    expect(output).toMatchObject({ outcome: 'production' });
    expect(trail.filter((name) => name === 'Watch')).toHaveLength(6);
    noAlarmsLeft();
  });

  test('takes the version back when quality falls while it is watched', async () => {
    const tasks = standIns();
    let looks = 0;
    const { output } = await play({
      Watch: (input) => {
        if ((looks += 1) === 3) hosting.alarms.set('rmse', { StateValue: 'ALARM', StateReason: 'RMSE 9 > 5', StateTransitionedTimestamp: now });
        return tasks.Watch(input);
      },
    }, watch);
    expect(output).toMatchObject({ outcome: 'rolled-back', endpointConfigName: previous, reason: 'taken back while it was watched: alarm rmse is firing (RMSE 9 > 5)' });
    expect(hosting.moves).toEqual([expect.stringContaining('V1-0-1'), previous]);
    onlyPrevious();
    noAlarmsLeft();
  });

  test('takes the version back for an alarm that fired and cleared between two looks', async () => {
    const tasks = standIns();
    let looks = 0;
    const { output } = await play({
      Watch: (input) => {
        if ((looks += 1) === 3) change('rmse', 'OK', 'ALARM', now);
        return tasks.Watch(input);
      },
    }, watch);
    expect(output).toMatchObject({ outcome: 'rolled-back', reason: expect.stringMatching(/^taken back while it was watched: alarm rmse fired at .* and has cleared since/) });
    expect(looks).toBe(3);
    onlyPrevious();
  });

  test('does not call a version released that somebody has replaced while it was watched', async () => {
    const tasks = standIns();
    const other = hosting.serving('other', 'V9.9.9');
    const { output, error } = await play({
      Watch: (input) => {
        hosting.endpoints.set('temperature', { status: 'InService', config: other, polls: 0 });
        return tasks.Watch(input);
      },
    }, watch);
    expect(error).toBeUndefined();
    expect(output).toMatchObject({ outcome: 'rolled-back', reason: `something else moved the endpoint to ${other} while it was watched`, endpointConfigName: other });
    expect(hosting.endpoints.get('temperature')?.config).toBe(other);
    expect([...hosting.configs.keys()].sort()).toEqual([other, previous].sort());
    noAlarmsLeft();
  });

  test('does not start where an alarm to be watched is missing', async () => {
    hosting.alarms.delete('rmse');
    expect((await play({}, watch)).output).toMatchObject({ outcome: 'rolled-back', reason: 'not started: there is no alarm rmse' });
    onlyPrevious();
  });

  test('does not blame the version for an alarm on quality that fired before it', async () => {
    hosting.alarms.set('rmse', { StateValue: 'ALARM', StateTransitionedTimestamp: new Date('2013-06-30T00:00:00Z') });
    expect((await play({}, watch)).output).toMatchObject({ outcome: 'production' });
  });

  test.each(['CreateModel', 'CreateConfig', 'PutAlarms', 'ShiftTraffic', 'DescribeShift', 'ScaleNew', 'Watch', 'DescribeWatched'])(
    'leaves the previous version in service where %s fails for good', async (name) => {
      const { error, output } = await play({ [name]: () => { throw new AwsTaskError('SageMaker.SageMakerException', 'no luck'); } }, watch);
      expect(output).toBeUndefined();
      expect(error).toBeDefined();
      onlyPrevious();
      noAlarmsLeft();
    });

  test.each(['CreateModel', 'CreateConfig', 'CreateEndpoint', 'DescribeCreation', 'ScaleFirst'])('leaves nothing where %s fails for good in the first release', async (name) => {
    hosting.endpoints.clear();
    const { error } = await play({ [name]: () => { throw new AwsTaskError('SageMaker.SageMakerException', 'no luck'); } });
    expect(error).toBeDefined();
    expect(hosting.endpoints.size).toBe(0);
    expect([...hosting.configs.keys()]).toEqual([previous]);
  });

  test.each(['CreateModel', 'CreateConfig', 'PutAlarms', 'ShiftTraffic', 'DescribeShift', 'ScaleNew', 'Watch', 'DescribeWatched', 'RemoveAlarms'])(
    'is not harmed where %s is interrupted after its effect', async (name) => {
      const tasks = standIns();
      let times = 0;
      const { output } = await play({
        [name]: async (input) => {
          const done = await tasks[name](input);
          if ((times += 1) === 1) throw new AwsTaskError('Lambda.Unknown', 'the connection was lost');
          return done;
        },
      }, watch);
      expect(output).toMatchObject({ outcome: 'production' });
      expect(hosting.moves).toHaveLength(1);
      noAlarmsLeft();
    });

  test('never deletes a config that the endpoint is on', async () => {
    const stuck = () => { throw new AwsTaskError('SageMaker.SageMakerException', 'no luck'); };
    const { error } = await play({ Watch: stuck, RestorePrevious: stuck }, watch);
    expect(error).toBeDefined();
    expect(hosting.endpoints.get('temperature')?.config).toBe(hosting.moves[0]);
    expect(hosting.configs.has(hosting.moves[0])).toBe(true);
  });
});
