import {
  DescribeScalableTargetsCommand, DescribeScalingPoliciesCommand, DescribeScheduledActionsCommand, ScalableTarget, ScheduledAction,
} from '@aws-sdk/client-application-auto-scaling';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { FakeHosting } from './fake-hosting';
import { importedEndpoint } from './imported';
import { handler as plan } from '../../src/staging/plan-shadow.lambda';
import { ScalingSettings } from '../../src/staging/scaling-plan';
import { ShadowPlan, ShadowSettings } from '../../src/staging/shadow-plan';
import { ShadowStaging } from '../../src/staging/shadow-staging';

const settings: ShadowSettings = {
  endpointName: 'temperature',
  executionRoleArn: 'arn:aws:iam::111122223333:role/model',
  productionVariantName: 'AllTraffic',
  shadowVariantName: 'Shadow',
  instanceType: 'ml.m5.large',
  instanceCount: 2,
  bucketName: 'observations',
  samplingPercentage: 100,
  windowHours: 720,
  evaluateEveryMinutes: 360,
  minSamples: 200,
  tolerance: 0.02,
  alpha: 0.05,
  loss: 'SQUARED',
  labelDelayMinutes: 1440,
  blockHours: 24,
  maxErrorRate: 0.01,
  maxLatencyP95Milliseconds: 1000,
  stagingInstanceCount: 1,
};
let hosting: FakeHosting;

beforeEach(() => {
  hosting = new FakeHosting();
  hosting.serving('temperature', 'V1.0.0');
});
afterEach(() => hosting.restore());

const planned = (change: Partial<ShadowSettings> = {}): Promise<ShadowPlan> => plan({
  input: { modelPackageArn: 'arn:aws:sagemaker:eu-central-1:111122223333:model-package/temperature/7' },
  run: 'run',
  time: '2013-07-01T02:10:00Z',
  settings: { ...settings, ...change },
});

describe('the size of the shadow', () => {
  const wish: ScalingSettings = {
    minCapacity: 2, maxCapacity: 12, invocationsPerInstance: 100, scaleInCooldownSeconds: 300, scaleOutCooldownSeconds: 300,
  };
  const registered = (MaxCapacity: number, scheduled: object[] = []) => {
    hosting.scaling.on(DescribeScalableTargetsCommand).resolves({ ScalableTargets: [{ MinCapacity: 2, MaxCapacity } as ScalableTarget] });
    hosting.scaling.on(DescribeScalingPoliciesCommand).resolves({});
    hosting.scaling.on(DescribeScheduledActionsCommand).resolves({ ScheduledActions: scheduled as ScheduledAction[] });
  };
  const byDay = { ScheduledActionName: 'day', Schedule: 'cron(0 6 * * ? *)', ScalableTargetAction: { MinCapacity: 4, MaxCapacity: 20 } };

  test.each<[string, () => void, Partial<ShadowSettings>, number]>([
    ['that is not scaled: the same size', () => undefined, {}, 2],
    ['that is scaled to 12 by day: 12', () => registered(12), {}, 12],
    ['that is scaled to 12, of which the shadow sees 30 %: 4', () => registered(12), { samplingPercentage: 30 }, 4],
    ['that is to be scaled to 12: 12', () => undefined, { autoscaling: wish }, 12],
    ['that is scaled to 6, whatever is wished for the next release: 6', () => registered(6), { autoscaling: wish }, 6],
    ['whose limits a schedule raises by day: the higher ones', () => registered(6, [byDay]), {}, 20],
    ['that has more instances than scaling would give it: as many', () => registered(1), {}, 2],
  ])('is made at night for production %s', async (_, prepare, change, instances) => {
    prepare();
    expect((await planned(change)).config).toMatchObject({
      ProductionVariants: [{ VariantName: 'AllTraffic', InitialInstanceCount: 2 }],
      ShadowProductionVariants: [{ VariantName: 'Shadow', InitialInstanceCount: instances }],
    });
  });

  test('is planned by whoever may see how production is scaled', () => {
    const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
    new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack) });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: 'sagemaker:DescribeModelPackage' }),
          Match.objectLike({ Action: Match.arrayWith(['application-autoscaling:DescribeScalableTargets', 'application-autoscaling:DescribeScheduledActions']) }),
        ]),
      },
    });
  });
});
