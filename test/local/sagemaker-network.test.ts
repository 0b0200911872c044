import {
  CreateModelCommand, CreateProcessingJobCommand, CreateTrainingJobCommand,
  DescribeModelCommand, DescribeProcessingJobCommand, DescribeTrainingJobCommand,
  VpcConfig,
} from '@aws-sdk/client-sagemaker';
import { aws_ec2 as ec2, aws_sagemaker as sagemaker } from 'aws-cdk-lib';
import { Hosting, IMAGE, ROLE } from './sagemaker-support';

const NETWORK: VpcConfig = { SecurityGroupIds: ['sg-0123456789abcdef0'], Subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'] };
const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
let hosting: Hosting;
beforeAll(async () => {
  hosting = await Hosting.start((stack) => {
    const vpc = new ec2.CfnVPC(stack, 'Vpc', { cidrBlock: '10.0.0.0/16' });
    const subnet = new ec2.CfnSubnet(stack, 'Subnet', { vpcId: vpc.ref, cidrBlock: '10.0.0.0/24' });
    const group = new ec2.CfnSecurityGroup(stack, 'Group', { vpcId: vpc.ref, groupDescription: 'of jobs' });
    new sagemaker.CfnModel(stack, 'Model', {
      modelName: 'declared', executionRoleArn: ROLE, primaryContainer: { image: IMAGE }, vpcConfig: { securityGroupIds: [group.attrGroupId], subnets: [subnet.ref] },
    });
  });
  await hosting.cloud.s3.put('bucket', 'data/train/a.csv', '1,x\n2,y\n');
});
afterAll(() => hosting.stop());

interface Kind {
  readonly create: (name: string, network?: VpcConfig) => Promise<unknown>;
  readonly known: (name: string) => Promise<VpcConfig | undefined>;
}

/** What takes a VpcConfig: how it is made with one, and what is then known of it. */
const KINDS: Record<string, Kind> = {
  'a training job': {
    create: (TrainingJobName, network) => hosting.api.send(new CreateTrainingJobCommand({
      TrainingJobName,
      RoleArn: ROLE,
      AlgorithmSpecification: { TrainingImage: IMAGE, TrainingInputMode: 'File' },
      InputDataConfig: [{ ChannelName: 'train', DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://bucket/data/train/' } } }],
      OutputDataConfig: { S3OutputPath: 's3://bucket/output' },
      ResourceConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
      StoppingCondition: { MaxRuntimeInSeconds: 600 },
      VpcConfig: network,
    })),
    known: async (TrainingJobName) => (await hosting.api.send(new DescribeTrainingJobCommand({ TrainingJobName }))).VpcConfig,
  },
  'a processing job': {
    create: (ProcessingJobName, network) => hosting.api.send(new CreateProcessingJobCommand({
      ProcessingJobName,
      RoleArn: ROLE,
      AppSpecification: { ImageUri: IMAGE, ContainerEntrypoint: ['evaluate'] },
      ProcessingResources: { ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 } },
      NetworkConfig: { EnableNetworkIsolation: true, VpcConfig: network },
    })),
    known: async (ProcessingJobName) => (await hosting.api.send(new DescribeProcessingJobCommand({ ProcessingJobName }))).NetworkConfig?.VpcConfig,
  },
  'a model': {
    create: (ModelName, network) => hosting.api.send(new CreateModelCommand({
      ModelName, ExecutionRoleArn: ROLE, PrimaryContainer: { Image: IMAGE }, VpcConfig: network,
    })),
    known: async (ModelName) => (await hosting.api.send(new DescribeModelCommand({ ModelName }))).VpcConfig,
  },
};

describe.each(Object.entries(KINDS))('the network of %s', (_, { create, known }) => {
  test.each<[string, VpcConfig, RegExp]>([
    ['no subnet', { ...NETWORK, Subnets: [] }, /^1 validation error detected: Value '\[\]' at '(networkConfig\.)?vpcConfig\.subnets' failed .* greater than or equal to 1$/],
    ['17 subnets', { ...NETWORK, Subnets: ids('subnet', 17) }, /subnets' failed to satisfy constraint: Member must have length less than or equal to 16$/],
    ['six security groups', { ...NETWORK, SecurityGroupIds: ids('sg', 6) }, /securityGroupIds' failed to satisfy constraint: Member must have length less than or equal to 5$/],
    ['no lists at all', { SecurityGroupIds: undefined, Subnets: undefined }, /^2 validation errors detected: Value null at '.*securityGroupIds' .* must not be null; Value null at '.*subnets'/],
    ['an ARN as a subnet', { ...NETWORK, Subnets: ['arn:aws:ec2:eu-central-1:111122223333:subnet/subnet-1'] }, /regular expression pattern: \[-0-9a-zA-Z\]\+\]$/],
    ['the lists exchanged', { SecurityGroupIds: NETWORK.Subnets, Subnets: NETWORK.SecurityGroupIds }, /^The security group ID 'subnet-0123456789abcdef0' does not exist$/],
  ])('is refused as SageMaker refuses it: %s', async (wrong, network, message) => {
    const name = wrong.replaceAll(' ', '-');
    await expect(create(name, network)).rejects.toMatchObject({ name: 'ValidationException', message: expect.stringMatching(message) as unknown });
    await expect(known(name)).rejects.toThrow(/not found|Could not find/);
  });

  test('is kept as it was given, up to its largest', async () => {
    await create('largest', { SecurityGroupIds: ids('sg', 5), Subnets: ids('subnet', 16) });
    expect(await known('largest')).toEqual({ SecurityGroupIds: ids('sg', 5), Subnets: ids('subnet', 16) });
    await create('without');
    expect(await known('without')).toBeUndefined();
    await hosting.cloud.clock.settle();
  });
});

test('a model of a template has the network of the template', async () => {
  expect(await KINDS['a model'].known('declared')).toEqual({ SecurityGroupIds: [expect.stringMatching(/^sg-/)], Subnets: [expect.stringMatching(/^subnet-/)] });
});

test('the list of stand-ins says that containers run on the network of this machine', () => {
  const said = hosting.cloud.standIns.flatMap(({ describes }) => describes).filter(({ service }) => /SageMaker (training|endpoints)/.test(service));
  expect(said).toHaveLength(2);
  for (const { by } of said) expect(by).toMatch(/containers run on this machine's own network.*neither is enforced/);
});
