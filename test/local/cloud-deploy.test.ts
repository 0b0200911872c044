import { mkdirSync, writeFileSync } from 'fs';
import * as path from 'path';
import {
  App, aws_dynamodb as dynamodb, aws_iam as iam, aws_kms as kms, aws_sqs as sqs, aws_ssm as ssm, CfnCondition, CfnMapping, CfnOutput,
  CfnParameter, CfnResource, Fn, NestedStack, Stack, Token,
} from 'aws-cdk-lib';
import { Clouds } from './cloud-support';

const clouds = new Clouds();
afterAll(() => clouds.stop());

test('intrinsics are resolved across stacks, nested stacks, conditions and parameters', async () => {
  const app = new App({ outdir: path.join(clouds.folder(), 'cdk.out'), analyticsReporting: false });
  const base = new Stack(app, 'Base');
  const key = new kms.Key(base, 'Key', { alias: 'alias/base' });
  const table = new dynamodb.Table(base, 'Table', { partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING }, encryptionKey: key });
  const stack = new Stack(app, 'Top');
  const nested = new NestedStack(stack, 'Nested');
  const queue = new sqs.Queue(nested, 'Queue', { queueName: 'inner', deadLetterQueue: { queue: new sqs.Queue(nested, 'Dead'), maxReceiveCount: 3 } });
  const size = new CfnParameter(stack, 'Size', { default: 'small' });
  const isLarge = new CfnCondition(stack, 'IsLarge', { expression: Fn.conditionOr(Fn.conditionEquals(size, 'large'), Fn.conditionEquals('a', 'b')) });
  const isSmall = new CfnCondition(stack, 'IsSmall', { expression: Fn.conditionNot(isLarge) });
  const skipped = new sqs.Queue(stack, 'Skipped');
  (skipped.node.defaultChild as CfnResource).cfnOptions.condition = isLarge;
  const mapping = new CfnMapping(stack, 'Map', { mapping: { small: { memory: '128' } } });
  const stored = new ssm.StringParameter(stack, 'Stored', { parameterName: '/a/b', stringValue: 'from ssm' });
  const read = new ssm.StringParameter(stack, 'Read', { stringValue: Token.asString('{{resolve:ssm:/a/b}}!') });
  read.node.addDependency(stored);
  const outputs: Record<string, string> = {
    Imported: table.tableArn,
    FromNested: queue.queueArn,
    Chosen: Token.asString(Fn.conditionIf(isSmall.logicalId, mapping.findInMap('small', 'memory'), 'large')),
    Subbed: Fn.sub('${AWS::StackName} ${Own} ${!Literal} ${Stored}', { Own: 'own' }),
    Selected: Fn.select(1, Fn.split('/', 'a/b/c')),
    Base64: Fn.base64('text'),
    Read: read.stringValue,
    Where: `${stack.partition}:${stack.region}:${stack.account}:${stack.urlSuffix}`,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, `${name}Output`, { value });
  (stored.node.defaultChild as CfnResource).overrideLogicalId('Stored');
  const cloud = await clouds.start(app.synth().directory);
  const found = Object.fromEntries(Object.entries(cloud.outputs.get('Top')!).map(([name, value]) => [name.replace(/Output$/, ''), value]));
  expect(found).toEqual({
    Imported: expect.stringMatching(/^arn:aws:dynamodb:eu-central-1:111122223333:table\/Base-Table/) as string,
    FromNested: 'arn:aws:sqs:eu-central-1:111122223333:inner',
    Chosen: '128',
    Subbed: 'Top own ${Literal} /a/b',
    Selected: 'b',
    Base64: 'dGV4dA==',
    Read: 'from ssm!',
    Where: 'aws:eu-central-1:111122223333:amazonaws.com',
  });
  expect([...cloud.resources.keys()].some((at) => at.includes('Skipped'))).toBe(false);
  expect([...cloud.resources.keys()].filter((at) => /Nested.*\/Queue/.test(at))).toHaveLength(1);
});

test('what the local cloud does not know is refused by name, before anything of the stack is made', async () => {
  await expect(clouds.deploy((stack) => {
    new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    new CfnResource(stack, 'Robot', { type: 'AWS::RoboMaker::Robot' });
  })).rejects.toThrow(/does not support the resource type AWS::RoboMaker::Robot \(Test\/Robot\)/);
  await expect(clouds.deploy((stack) => {
    new CfnResource(stack, 'Bucket', { type: 'AWS::S3::Bucket', properties: { AccelerateConfiguration: { AccelerationStatus: 'Enabled' } } });
  })).rejects.toThrow(/AWS::S3::Bucket\.AccelerateConfiguration/);
  await expect(clouds.deploy((stack) => {
    new CfnOutput(stack, 'Out', { value: new CfnResource(stack, 'Log', { type: 'AWS::Logs::LogGroup' }).getAtt('Colour').toString() });
  })).rejects.toThrow(/attribute Colour of AWS::Logs::LogGroup/);
});

test('a folder that is no assembly is refused', async () => {
  const folder = path.join(clouds.folder(), 'empty');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'readme.txt'), '');
  await expect(clouds.start(folder)).rejects.toThrow('is not a cloud assembly');
});
