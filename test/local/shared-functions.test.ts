import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { Clouds } from './cloud-support';
import { Lambda } from '../../examples/local/cloud/lambda';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { JsonObject } from '../../examples/local/cloud/types';
import { standIns } from '../../examples/local/stand-ins';
import { newSharedAccessLogs } from '../../src/private/access-logs';
import { ModelResources } from '../../src/private/model-resources';
import { PlatformResources } from '../../src/private/platform-resources';
import { ModelRegistryVersioning } from '../../src/registry/model-registry-versioning';

const clouds = new Clouds();
let cloud: LocalCloud;
const arns = (type: string, part: string): string[] => [...cloud.resources.values()]
  .filter(({ resource }) => resource.type === type && resource.logicalId.includes(part)).map(({ deployed }) => deployed.attributes.Arn);
const tables = (): string[] => [...cloud.resources.values()].filter(({ resource }) => resource.type === 'AWS::DynamoDB::Table').map(({ deployed }) => deployed.ref);

beforeAll(async () => {
  cloud = await clouds.deploy((stack: Stack) => {
    const key = new kms.Key(stack, 'Key');
    const newAccessLogs = (within: Construct) => newSharedAccessLogs(within, RemovalPolicy.DESTROY);
    const platform = new PlatformResources(stack, { encryptionKey: key, newAccessLogs });
    for (const model of ['Sun', 'Rain']) {
      const scope = new Construct(stack, model);
      new ModelResources(scope, platform, key);
      new ModelRegistryVersioning(scope, 'Registry', { modelName: model, encryptionKey: key, removalPolicy: RemovalPolicy.DESTROY });
    }
    new iam.Role(stack, 'Stranger', { assumedBy: new iam.AccountRootPrincipal() })
      .addToPolicy(new iam.PolicyStatement({ actions: ['sts:AssumeRole'], resources: ['*'] }));
  }, { standIns: standIns(), enforce: 'everyone' });
});
afterAll(() => clouds.stop());

/** Asks the function that all models share to move a version that is not there. */
async function asked(role: string, table: string): Promise<string> {
  const [changeStage] = arns('AWS::Lambda::Function', 'ChangeStage');
  const event: JsonObject = {
    version: 'V1.0.0', stage: 'Staging', reason: 'a test', time: cloud.clock.now().toISOString(), forModel: { role, settings: { LEDGER_TABLE: table } },
  };
  return cloud.find(Lambda).invoke(changeStage, event).then(() => 'done', (error: Error) => `${error.name}: ${error.message}`);
}

test('two models share each function, and work in roles of their own', async () => {
  const [sun, rain] = ['SunCommonEvidence', 'RainCommonEvidence'].map((part) => arns('AWS::IAM::Role', part)[0]);
  const [ledgerOfSun, ledgerOfRain] = ['Sun', 'Rain'].map((model) => tables().find((name) => name.includes(model))!);
  expect(arns('AWS::Lambda::Function', 'ChangeStage')).toHaveLength(1);
  // one after the other in the same warm function
  expect(await asked(sun, ledgerOfSun)).toContain('UnknownVersion');
  expect(await asked(rain, ledgerOfRain)).toContain('UnknownVersion');
  expect(await asked(sun, ledgerOfRain)).toMatch(/not authorized to perform: dynamodb:/);
  expect(await asked(rain, ledgerOfSun)).toMatch(/not authorized to perform: dynamodb:/);
});

test('without a model a function may nothing, and nobody else takes a model\'s role', async () => {
  const [own] = arns('AWS::IAM::Role', 'ModelsHandlersRole');
  const [stranger] = arns('AWS::IAM::Role', 'Stranger');
  const [sun] = arns('AWS::IAM::Role', 'SunCommonEvidence');
  expect(await asked(own, tables()[0])).toMatch(/not authorized to perform: sts:AssumeRole/);
  const sts = cloud.client(STSClient, stranger);
  await expect(sts.send(new AssumeRoleCommand({ RoleArn: sun, RoleSessionName: 'stranger' }))).rejects.toThrow(/not authorized to perform: sts:AssumeRole/);
});
