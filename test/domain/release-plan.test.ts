import * as fc from 'fast-check';
import { deploymentConfig, deploymentTimeout, planInWords, ReleasePlan, releasePlanProblems, totalWaitSeconds, trafficSteps } from '../../src/domain/release-plan';

const canary: ReleasePlan = { kind: 'canary', step: { type: 'CAPACITY_PERCENT', value: 10 }, waitSeconds: 600 };
const linear: ReleasePlan = { kind: 'linear', step: { type: 'CAPACITY_PERCENT', value: 25 }, waitSeconds: 300, terminationWaitSeconds: 120 };
const allAtOnce: ReleasePlan = { kind: 'allAtOnce', waitSeconds: 300 };
const fleet = { instanceCount: 2, alarmCount: 3 };

test.each<[ReleasePlan, number, string]>([
  [canary, 0, 'a canary of 10 % for 10 minutes, then the rest, guarded by 3 alarms'],
  [{ ...canary, step: { type: 'INSTANCE_COUNT', value: 1 }, waitSeconds: 3600 }, 60, 'a canary of 1 instance for 1 hour, then the rest, guarded by 3 alarms, then a watch of 1 hour'],
  [linear, 2880, 'steps of 25 %, 5 minutes each, guarded by 3 alarms, then a watch of 2 days'],
  [{ ...allAtOnce, waitSeconds: 90 }, 90, 'the whole fleet at once, watched for 90 seconds, guarded by 3 alarms, then a watch of 90 minutes'],
])('in words: %j', (plan, watchMinutes, words) => {
  expect(planInWords(plan, { alarmCount: 3, watchMinutes })).toBe(words);
});

describe('the deployment config', () => {
  test('of a canary', () => {
    expect(deploymentConfig(canary, ['5xx', 'latency'])).toEqual({
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: { Type: 'CANARY', WaitIntervalInSeconds: 600, CanarySize: { Type: 'CAPACITY_PERCENT', Value: 10 } },
        TerminationWaitInSeconds: 0,
        MaximumExecutionTimeoutInSeconds: 3600,
      },
      AutoRollbackConfiguration: { Alarms: [{ AlarmName: '5xx' }, { AlarmName: 'latency' }] },
    });
  });

  test('of a linear shift', () => {
    expect(deploymentConfig(linear, ['5xx']).BlueGreenUpdatePolicy).toEqual({
      TrafficRoutingConfiguration: { Type: 'LINEAR', WaitIntervalInSeconds: 300, LinearStepSize: { Type: 'CAPACITY_PERCENT', Value: 25 } },
      TerminationWaitInSeconds: 120,
      MaximumExecutionTimeoutInSeconds: 3600,
    });
  });

  test('all at once, with nothing to roll back on', () => {
    const config = deploymentConfig(allAtOnce, []);
    expect(config.BlueGreenUpdatePolicy.TrafficRoutingConfiguration).toEqual({ Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 300 });
    expect(config).not.toHaveProperty('AutoRollbackConfiguration');
    // a size that has no use, and kinds that lack theirs, are passed on as what they are
    expect(trafficSteps({ ...allAtOnce, step: { type: 'CAPACITY_PERCENT', value: 10 } }, 2)).toEqual([100]);
    for (const kind of ['canary', 'linear'] as const) {
      expect(Object.keys(deploymentConfig({ kind, waitSeconds: 1 }, []).BlueGreenUpdatePolicy.TrafficRoutingConfiguration)).toEqual(['Type', 'WaitIntervalInSeconds']);
    }
  });

  test('has room for the waits and for starting a fleet, within what SageMaker takes', () => {
    expect(deploymentTimeout({ ...canary, waitSeconds: 3600 })).toBe(2 * 3600 + 1800);
    expect(deploymentTimeout({ ...linear, step: { type: 'INSTANCE_COUNT', value: 1 }, waitSeconds: 900 })).toBe(10 * 900 + 120 + 1800);
    expect(deploymentTimeout({ ...linear, step: { type: 'CAPACITY_PERCENT', value: 10 }, waitSeconds: 3600 })).toBe(28800);
    expect(deploymentTimeout({ ...canary, maximumExecutionTimeoutSeconds: 5000 })).toBe(5000);
    expect(deploymentTimeout({ ...canary, step: { type: 'INSTANCE_COUNT', value: 1 }, waitSeconds: 3000 })).toBe(2 * 3000 + 1800);
  });
});

describe('the steps', () => {
  test.each<[ReleasePlan, number, number[]]>([
    [allAtOnce, 1, [100]],
    [canary, 2, [10, 100]],
    [{ ...canary, step: { type: 'INSTANCE_COUNT', value: 1 } }, 4, [25, 100]],
    [linear, 2, [25, 50, 75, 100]],
    [{ ...linear, step: { type: 'CAPACITY_PERCENT', value: 30 } }, 2, [30, 60, 90, 100]],
    [{ ...linear, step: { type: 'INSTANCE_COUNT', value: 1 } }, 3, [100 / 3, 200 / 3, 100]],
  ])('%j on %d instances', (plan, instances, expected) => {
    const steps = trafficSteps(plan, instances);
    expect(steps).toHaveLength(expected.length);
    steps.forEach((step, i) => expect(step).toBeCloseTo(expected[i], 9));
  });

  test('wait after each, and before the old fleet goes', () => {
    expect(totalWaitSeconds(linear, 2)).toBe(4 * 300 + 120);
    expect(totalWaitSeconds(allAtOnce, 2)).toBe(300);
  });
});

describe('what SageMaker would refuse', () => {
  test('is nothing of the usual plans', () => {
    for (const plan of [canary, linear]) expect(releasePlanProblems(plan, fleet)).toEqual([]);
    expect(releasePlanProblems(allAtOnce, { instanceCount: 1, alarmCount: 0 })).toEqual([]);
  });

  test.each<[string, Partial<ReleasePlan>, Partial<typeof fleet>]>([
    ['half of the fleet', { step: { type: 'CAPACITY_PERCENT', value: 50 } }, {}],
    ['a small canary', { step: { type: 'CAPACITY_PERCENT', value: 1 } }, {}],
    ['a tenth a step', { kind: 'linear', step: { type: 'CAPACITY_PERCENT', value: 10 } }, {}],
    ['no wait', { waitSeconds: 0 }, {}],
    ['the longest waits', { waitSeconds: 3600, terminationWaitSeconds: 3600 }, {}],
    ['the most alarms', {}, { alarmCount: 10 }],
    ['the shortest limit', { waitSeconds: 100, maximumExecutionTimeoutSeconds: 600 }, {}],
    ['the longest limit', { maximumExecutionTimeoutSeconds: 28800 }, {}],
  ])('is not %s', (_, plan, change) => {
    expect(releasePlanProblems({ ...canary, ...plan }, { ...fleet, ...change })).toEqual([]);
  });

  test.each<[string, Partial<ReleasePlan>, Partial<typeof fleet>, string]>([
    ['one instance', {}, { instanceCount: 1 }, 'at least 2 instances, got 1'],
    ['too large a canary', { step: { type: 'CAPACITY_PERCENT', value: 51 } }, {}, 'the canary must be at most 50 % of the capacity, got 51 %'],
    ['too many instances', { step: { type: 'INSTANCE_COUNT', value: 2 } }, { instanceCount: 3 }, 'got 2 of 3 instances (66.7 %)'],
    ['no size', { step: undefined }, {}, 'a canary shift needs a step size'],
    ['half an instance', { step: { type: 'INSTANCE_COUNT', value: 0.5 } }, {}, 'whole number of at least 1, got 0.5'],
    ['too small a step', { kind: 'linear', step: { type: 'CAPACITY_PERCENT', value: 9 } }, {}, 'at least 10 % of the capacity, got 9 %'],
    ['no percent', { step: { type: 'CAPACITY_PERCENT', value: 0 } }, {}, 'the size of the canary must be a whole number of at least 1, got 0'],
    ['half a percent', { kind: 'linear', step: { type: 'CAPACITY_PERCENT', value: 12.5 } }, {}, 'the size of a linear step must be a whole number of at least 1, got 12.5'],
    ['too long a wait', { waitSeconds: 3601 }, {}, '0 to 3600 seconds, got 3601'],
    ['a negative wait', { waitSeconds: -1 }, {}, '0 to 3600 seconds, got -1'],
    ['too long a wait at the end', { terminationWaitSeconds: 4000 }, {}, '0 to 3600 seconds, got 4000'],
    ['a negative wait at the end', { terminationWaitSeconds: -1 }, {}, 'before the old fleet goes must be 0 to 3600 seconds, got -1'],
    ['half a second at the end', { terminationWaitSeconds: 0.5 }, {}, '0 to 3600 seconds, got 0.5'],
    ['too many alarms', {}, { alarmCount: 11 }, 'at most 10 alarms, got 11'],
    ['no alarm', {}, { alarmCount: 0 }, 'give at least 1 alarm'],
    ['too short a limit', { maximumExecutionTimeoutSeconds: 599 }, {}, '600 to 28800 seconds, got 599'],
    ['too long a limit', { maximumExecutionTimeoutSeconds: 28801 }, {}, '600 to 28800 seconds, got 28801'],
    ['waits beyond the limit', { maximumExecutionTimeoutSeconds: 1200 }, {}, '2 steps wait 1200 seconds in all, which must stay below the deployment\'s limit of 1200 seconds: take larger steps or shorter waits'],
    ['ten hours', { kind: 'linear', waitSeconds: 3600 }, {}, '10 steps wait 36000 seconds in all, which must stay below the deployment\'s limit of 28800'],
    ['a step of nothing to step', { kind: 'allAtOnce' }, {}, 'has no steps'],
  ])('%s', (_, plan, change, problem) => {
    expect(releasePlanProblems({ ...canary, ...plan }, { ...fleet, ...change }).join('\n')).toContain(problem);
  });

  test('is told all at once', () => {
    expect(releasePlanProblems({ kind: 'linear', step: { type: 'CAPACITY_PERCENT', value: 60 }, waitSeconds: 4000, terminationWaitSeconds: 4000 }, { instanceCount: 2, alarmCount: 12 }))
      .toHaveLength(4);
  });

  test('a plan without a problem keeps every documented limit', () => {
    const plans = fc.record({
      kind: fc.constantFrom('canary' as const, 'linear' as const),
      step: fc.record({ type: fc.constantFrom('CAPACITY_PERCENT' as const, 'INSTANCE_COUNT' as const), value: fc.integer({ min: 0, max: 60 }) }),
      waitSeconds: fc.integer({ min: -10, max: 4000 }),
      terminationWaitSeconds: fc.integer({ min: -10, max: 4000 }),
    });
    fc.assert(fc.property(plans, fc.integer({ min: 1, max: 20 }), (plan, instanceCount) => {
      if (releasePlanProblems(plan, { instanceCount, alarmCount: 1 }).length > 0) return;
      const { BlueGreenUpdatePolicy: policy } = deploymentConfig(plan, ['a']);
      const steps = trafficSteps(plan, instanceCount);
      expect(steps[0]).toBeLessThanOrEqual(50);
      expect(steps.at(-1)).toBe(100);
      if (plan.kind === 'linear') expect(steps[0]).toBeGreaterThanOrEqual(10 - 1e-9);
      expect(policy.MaximumExecutionTimeoutInSeconds).toBeGreaterThan(steps.length * plan.waitSeconds + plan.terminationWaitSeconds);
      expect(policy.MaximumExecutionTimeoutInSeconds).toBeLessThanOrEqual(28800);
      expect(policy.MaximumExecutionTimeoutInSeconds).toBeGreaterThanOrEqual(600);
    }), { numRuns: 2000 });
  });
});
