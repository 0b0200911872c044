import {
  DeregisterScalableTargetCommand, DescribeScalableTargetsCommand, DescribeScalingPoliciesCommand, DescribeScheduledActionsCommand, ScalableTarget,
} from '@aws-sdk/client-application-auto-scaling';
import { DescribeModelPackageCommand, UpdateEndpointCommand } from '@aws-sdk/client-sagemaker';
import { FakeHosting, HOSTING } from './fake-hosting';
import { AwsTaskError } from './machine-runner';
import { ownPrefix } from '../../src/domain/release-names';
import {
  createConfig, createEndpoint, createModel, describeEndpoint, EndpointBusy, EndpointUnsuitable, readCandidate, readChampion, remove, updateEndpoint,
} from '../../src/staging/hosting-io';
import { namesFor, productionConfigRequest, shadowConfigRequest, stagingConfigRequest } from '../../src/staging/hosting-plan';

const settings = HOSTING;
const packageArn = 'arn:aws:sagemaker:eu-central-1:111122223333:model-package/temperature/7';
const volumeKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/volumes';
let hosting: FakeHosting;
let config: string;
const put = (status: string, other: object = {}) => hosting.endpoints.set('temperature', { status, config, polls: -99, ...other });

beforeEach(() => {
  hosting = new FakeHosting();
  config = hosting.serving('temperature', 'V1.0.0');
  hosting.configs.set('next', { EndpointConfigName: 'next', ProductionVariants: [] });
});
afterEach(() => hosting.restore());

describe('changing what is hosted', () => {
  test('creating again what an interrupted try has created is fine', async () => {
    const model = { ModelName: 'm', ExecutionRoleArn: settings.executionRoleArn, EnableNetworkIsolation: true };
    await createModel(model);
    await createModel(model);
    await createConfig({ EndpointConfigName: 'c', ProductionVariants: [], DataCaptureConfig: {} });
    await createConfig({ EndpointConfigName: 'c', ProductionVariants: [], DataCaptureConfig: {} });
    hosting.endpoints.clear();
    await createEndpoint('temperature', 'c');
    await createEndpoint('temperature', 'c');
    expect(hosting.moves).toEqual(['c']);
  });

  test('an endpoint of somebody else is not taken over', async () => {
    await expect(createEndpoint('temperature', 'next')).rejects.toThrow(EndpointUnsuitable);
  });

  test('an update that is done or under way is not started again', async () => {
    expect(await updateEndpoint({ endpointName: 'temperature', configName: config })).toBe(config);
    expect(await updateEndpoint({ endpointName: 'temperature', configName: 'next' })).toBe('next');
    expect(await updateEndpoint({ endpointName: 'temperature', configName: 'next' })).toBe('next');
    expect(hosting.moves).toEqual(['next']);
  });

  const scaled = { endpointName: 'temperature', variantName: 'AllTraffic', bucketName: 'observations' };
  const variant = (InstanceType: string) => ({ VariantName: 'AllTraffic', ModelName: 'm', InstanceType });

  test.each<[string, () => void, boolean]>([
    ['stays', () => hosting.configs.set('next', { EndpointConfigName: 'next', ProductionVariants: [variant('ml.m5.large')] }), false],
    ['changes', () => hosting.configs.set('next', { EndpointConfigName: 'next', ProductionVariants: [variant('ml.m5.xlarge')] }), true],
    ['is known no more', () => hosting.configs.delete(config), true],
  ])('where the instance type %s', async (_, prepare, off) => {
    hosting.scaling.on(DescribeScalableTargetsCommand).resolves({ ScalableTargets: [{ MinCapacity: 1, MaxCapacity: 2 } as ScalableTarget] });
    hosting.scaling.on(DescribeScalingPoliciesCommand).resolves({});
    hosting.scaling.on(DescribeScheduledActionsCommand).resolves({});
    prepare();
    expect(await updateEndpoint({ endpointName: 'temperature', configName: 'next', scaled })).toBe('next');
    expect(hosting.scaling.commandCalls(DeregisterScalableTargetCommand)).toHaveLength(off ? 1 : 0);
    expect(JSON.parse(hosting.objects.get(`scaling/${config}.json`)!)).toMatchObject({ scaling: { MinCapacity: 1, MaxCapacity: 2 }, left: true });
  });

  test.each([[2, undefined], [3, [{ VariantPropertyType: 'DesiredInstanceCount' }]]])('a fleet of two that needs %d', async (leastInstanceCount, excluded) => {
    await updateEndpoint({ endpointName: 'temperature', configName: 'next', leastInstanceCount });
    const { RetainAllVariantProperties, ExcludeRetainedVariantProperties } = hosting.sagemaker.commandCalls(UpdateEndpointCommand)[0].args[0].input;
    expect(RetainAllVariantProperties).toBe(true);
    expect(ExcludeRetainedVariantProperties).toEqual(excluded);
  });

  test.each(['Creating', 'Updating', 'SystemUpdating', 'RollingBack'])('an endpoint that is %s is busy', async (status) => {
    put(status);
    await expect(updateEndpoint({ endpointName: 'temperature', configName: 'next' })).rejects.toThrow(EndpointBusy);
  });

  test.each(['Failed', 'Deleting'])('an endpoint that is %s takes no update', async (status) => {
    put(status);
    await expect(updateEndpoint({ endpointName: 'temperature', configName: 'next' })).rejects.toThrow(EndpointUnsuitable);
  });

  test('an endpoint that is missing takes no update', async () => {
    hosting.endpoints.clear();
    await expect(updateEndpoint({ endpointName: 'temperature', configName: 'next' })).rejects.toThrow('there is no endpoint temperature');
  });

  test('an endpoint that is on another config than expected stays there', async () => {
    expect(await updateEndpoint({ endpointName: 'temperature', configName: 'next', onlyFrom: ['other'] })).toBe(config);
    expect(hosting.moves).toEqual([]);
  });

  test('what is gone need not be removed, what serves must not be', async () => {
    await remove({ configName: 'unknown', modelName: 'unknown', endpointName: 'unknown' });
    await expect(remove({ configName: config, unlessServedBy: 'temperature' })).rejects.toThrow(EndpointUnsuitable);
    put('Updating', { pending: 'next' });
    await expect(remove({ configName: 'next', unlessServedBy: 'temperature' })).rejects.toThrow(EndpointBusy);
    put('InService');
    await remove({ configName: 'next', unlessServedBy: 'temperature' });
    expect([...hosting.configs.keys()]).toEqual([config]);
  });

  test('errors that mean something else are passed on', async () => {
    hosting.sagemaker.rejects(new AwsTaskError('AccessDeniedException', 'not authorized'));
    await expect(describeEndpoint('temperature')).rejects.toThrow('not authorized');
    await expect(createModel({ ModelName: 'm', ExecutionRoleArn: 'r', EnableNetworkIsolation: true })).rejects.toThrow();
  });
});

describe('reading what is hosted', () => {
  test('a version is what its package says, or the package\'s number', async () => {
    expect(await readCandidate(packageArn)).toMatchObject({ version: 'V1.0.1', evaluation: { mse: 4, rmse: 2, mae: 1.5, r2: 0.9 } });
    expect(await readCandidate(packageArn, 'V9.9.9')).toMatchObject({ version: 'V9.9.9' });
    hosting.packageFacts = { rmse: 'unknown' };
    expect(await readCandidate(packageArn)).toMatchObject({ version: 'package-7', evaluation: { rmse: undefined } });
  });

  test('a package without a container cannot be hosted', async () => {
    hosting.sagemaker.on(DescribeModelPackageCommand).resolves({ ModelPackageVersion: 1 });
    await expect(readCandidate(packageArn)).rejects.toThrow(EndpointUnsuitable);
  });

  test('the champion is the one production variant', async () => {
    hosting.instanceCount = 5;
    expect(await readChampion({ EndpointConfigName: config, ...hosting.describe('temperature') } as never, settings))
      .toMatchObject({ version: 'V1.0.0', configName: config, modelName: config, instanceCount: 5, evaluation: { rmse: 3 } });
  });

  test.each<[string, object[], string]>([
    ['two production variants', [{ VariantName: 'AllTraffic' }, { VariantName: 'Other' }], 'has 2 production variants'],
    ['a serverless variant', [{ VariantName: 'AllTraffic', ModelName: 'm', ServerlessConfig: {} }], 'no instance-based production variant'],
    ['a variant of another name', [{ VariantName: 'Blue', ModelName: 'm', InstanceType: 'ml.m5.large' }], 'calls its production variant Blue, expected AllTraffic'],
  ])('%s cannot be challenged', async (_, variants, problem) => {
    hosting.configs.set(config, { EndpointConfigName: config, ProductionVariants: variants as never });
    await expect(readChampion({ EndpointConfigName: config } as never, settings)).rejects.toThrow(problem);
  });
});

describe('what a comparison asks for', () => {
  test('keeps the champion as it is, with its own settings and its key', async () => {
    const own = { VariantName: 'AllTraffic', ModelName: 'm', InstanceType: 'ml.c5.large', InitialInstanceCount: 1, ContainerStartupHealthCheckTimeoutInSeconds: 600 };
    hosting.configs.set(config, { EndpointConfigName: config, ProductionVariants: [own], ...{ KmsKeyId: 'volumes' } });
    const withKey = { ...settings, volumeKeyArn };
    const champion = await readChampion({ EndpointConfigName: config, ...hosting.describe('temperature') } as never, withKey);
    const names = namesFor('temperature', 'V1.0.1', 'run');
    expect(shadowConfigRequest(champion, names, 100, withKey)).toMatchObject({
      ProductionVariants: [{ ...own, InitialInstanceCount: 2, InitialVariantWeight: 1 }], KmsKeyId: 'volumes',
    });
    expect(productionConfigRequest(names, champion, 2, withKey)).toMatchObject({
      ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: names.model, InstanceType: 'ml.m5.large', InitialInstanceCount: 2 }], KmsKeyId: 'volumes',
    });
    expect(stagingConfigRequest(names, champion, 1, withKey)).toMatchObject({ KmsKeyId: 'volumes' });
    expect(productionConfigRequest(names, { ...champion, volumeKeyId: undefined }, 2, withKey)).not.toHaveProperty('KmsKeyId');
    expect(productionConfigRequest(names, undefined, 2, withKey)).toMatchObject({ KmsKeyId: volumeKeyArn });
    expect(productionConfigRequest(names, undefined, 2, settings)).not.toHaveProperty('KmsKeyId');
  });
});

describe('names', () => {
  test.each(['V1.0.0', 'V0123456789abcdef.12345.12345', 'package-7', `V${'9'.repeat(80)}.0.0`])('of %s begin with what permissions allow', (version) => {
    const endpointName = 'a-name-of-an-endpoint-that-is-as-long-as-sagemaker-takes-it-63c';
    const names = Object.values(namesFor(endpointName, version, 'run'));
    for (const name of names) {
      expect(name.startsWith(ownPrefix(endpointName))).toBe(true);
      expect(name.length).toBeLessThanOrEqual(63);
    }
  });
});
