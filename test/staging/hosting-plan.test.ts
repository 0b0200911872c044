import {
  DescribeScalableTargetsCommand, DescribeScalingPoliciesCommand, DescribeScheduledActionsCommand, ScalableTarget, ScheduledAction,
} from '@aws-sdk/client-application-auto-scaling';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import { FakeHosting, HOSTING } from './fake-hosting';
import { importedEndpoint, importedRegistry } from './imported';
import { CanaryRelease } from '../../src/release/canary-release';
import { ReleaseWorkflow } from '../../src/release/release-workflow';
import { handler as plan } from '../../src/staging/plan-shadow.lambda';
import { ScalingSettings } from '../../src/staging/scaling-plan';
import { ShadowPlan, ShadowSettings } from '../../src/staging/shadow-plan';
import { ShadowStaging } from '../../src/staging/shadow-staging';
import { synthesizeUnderNag } from '../support/nag';

const settings: ShadowSettings = {
  ...HOSTING,
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

describe('volumes that are encrypted with a key of the customer', () => {
  const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/0f9e8d7c';
  const stackOf = (build: (stack: Stack, volumeKey?: kms.IKey) => void, volumeKey: boolean): Template => {
    const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
    build(stack, volumeKey ? kms.Key.fromKeyArn(stack, 'VolumeKey', keyArn) : undefined);
    return Template.fromStack(stack);
  };
  const encryptedWith = (KmsKeyId: string) => {
    const name = hosting.endpoints.get('temperature')!.config;
    hosting.configs.set(name, { ...hosting.configs.get(name)!, ...{ KmsKeyId } });
  };

  test.each(['0f9e8d7c', keyArn, 'alias/volumes', 'arn:aws:kms:eu-central-1:111122223333:alias/team/volumes'])('stay so: %s', async (configured) => {
    encryptedWith(configured);
    const { config, staging } = await planned({ volumeKeyArn: keyArn });
    expect([config?.KmsKeyId, staging.KmsKeyId]).toEqual([configured, configured]);
  });

  test.each<[string, string | undefined, string]>([
    ['0f9e8d7c', undefined, 'with the key 0f9e8d7c, which releases may not use: give that key as volumeKey to ModelEndpoint.fromModelEndpointAttributes'],
    ['alias/volumes', undefined, 'with the key alias/volumes, which releases may not use'],
    ['arn:aws:kms:eu-central-1:111122223333:key/another', keyArn, `key/another, and volumeKey is ${keyArn}: give that key as volumeKey`],
    ['another', keyArn, `with the key another, and volumeKey is ${keyArn}`],
  ])('are refused before anything is made: %s, where %s may be used', async (configured, volumeKeyArn, problem) => {
    encryptedWith(configured);
    await expect(planned({ volumeKeyArn })).rejects.toMatchObject({ name: 'EndpointUnsuitable', message: expect.stringContaining(problem) });
    expect([...hosting.objects.keys()]).toEqual([`deployments/${hosting.endpoints.get('temperature')!.config}.jsonl`]);
  });

  test.each<[string, (stack: Stack, volumeKey?: kms.IKey) => void]>([
    ['a comparison', (stack, volumeKey) => new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack, { volumeKey }) })],
    ['a release', (stack, volumeKey) => new CanaryRelease(stack, 'Release', { endpoint: importedEndpoint(stack, { volumeKey }) })],
  ])('may be made by whoever changes the endpoint in %s', (_, build) => {
    const template = stackOf(build, true);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: 'sagemaker:UpdateEndpoint' }),
          { Effect: 'Allow', Action: 'kms:DescribeKey', Resource: keyArn },
          { Effect: 'Allow', Action: 'kms:CreateGrant', Resource: keyArn, Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } } },
        ]),
      },
    });
    expect(JSON.stringify(template.findResources('AWS::StepFunctions::StateMachine'))).toContain('volumeKeyArn');
    expect(JSON.stringify(stackOf(build, false).toJSON())).not.toContain('kms:CreateGrant');
    expect(() => synthesizeUnderNag((stack) => build(stack, kms.Key.fromKeyArn(stack, 'VolumeKey', keyArn)))).not.toThrow();
  });

  test('may be made by everybody who changes the endpoint, the recovery of releases too', () => {
    const template = stackOf((stack, volumeKey) => {
      const [endpoint, registry] = [importedEndpoint(stack, { volumeKey }), importedRegistry(stack)];
      new ReleaseWorkflow(stack, 'Releases', {
        registry, staging: new ShadowStaging(stack, 'Staging', { endpoint, registry }), release: new CanaryRelease(stack, 'Release', { endpoint, registry }),
      });
    }, true);
    const deployers = Object.values(template.findResources('AWS::IAM::Policy')).map((policy) => JSON.stringify(policy))
      .filter((policy) => policy.includes('"sagemaker:UpdateEndpoint"'));
    expect(deployers.map((policy) => policy.includes('"kms:CreateGrant"'))).toEqual([true, true, true]);
  });

  test('cannot be had by an alias, which no IAM policy can name', () => {
    expect(() => stackOf((stack) => importedEndpoint(stack, { volumeKey: kms.Alias.fromAliasName(stack, 'Alias', 'alias/volumes') }), false))
      .toThrow('volumeKey must be a key by its own ARN');
  });
});
