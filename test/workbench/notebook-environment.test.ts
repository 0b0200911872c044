import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { DataLake } from '../../src/data/data-lake';
import { NotebookEnvironment, NotebookEnvironmentProps } from '../../src/workbench/notebook-environment';
import { NotebookRepository } from '../../src/workbench/notebook-repository';
import { WorkbenchNetwork } from '../../src/workbench/workbench-network';
import { synthesizeUnderNag } from '../support/nag';

function templateOf(props: NotebookEnvironmentProps | ((stack: Stack) => NotebookEnvironmentProps) = {}): Template {
  const stack = new Stack(new App(), 'Test');
  new NotebookEnvironment(stack, 'Ada', typeof props === 'function' ? props(stack) : props);
  return Template.fromStack(stack);
}

/** The script that a lifecycle configuration runs at each start. */
function startScript(template: Template): string {
  const [lifecycle] = Object.values(template.findResources('AWS::SageMaker::NotebookInstanceLifecycleConfig'));
  return lifecycle.Properties.OnStart[0].Content['Fn::Base64'];
}

describe('a notebook instance', () => {
  test('is closed by default', () => {
    templateOf().hasResourceProperties('AWS::SageMaker::NotebookInstance', {
      PlatformIdentifier: 'notebook-al2023-v1',
      InstanceMetadataServiceConfiguration: { MinimumInstanceMetadataServiceVersion: '2' },
      RootAccess: 'Disabled',
      DirectInternetAccess: 'Disabled',
      InstanceType: 'ml.t3.medium',
      VolumeSizeInGB: 20,
      KmsKeyId: Match.anyValue(),
      SubnetId: Match.anyValue(),
    });
  });

  test('lives in a network without a way out, with the endpoints that it calls and no other', () => {
    const template = templateOf();
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::InternetGateway', 0);
    template.resourceCountIs('AWS::EC2::Subnet', 1);
    expect(Object.values(template.findResources('AWS::EC2::Route'))).toEqual([]);
    const services = Object.values(template.findResources('AWS::EC2::VPCEndpoint')).map((one) => JSON.stringify(one.Properties.ServiceName));
    expect(services).toHaveLength(3);
    for (const name of ['s3', 'sagemaker.api', 'logs']) expect(services.some((service) => service.includes(`.${name}"`))).toBe(true);
    for (const endpoint of Object.values(template.findResources('AWS::EC2::VPCEndpoint'))) {
      expect(endpoint.Properties.PolicyDocument.Statement).toEqual([expect.objectContaining({
        Condition: { StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' }, 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } },
      })]);
    }
  });

  test('several share one network, which has each endpoint once', () => {
    const stack = new Stack(new App(), 'Test');
    const network = new WorkbenchNetwork(stack, 'Network', { zones: 2 });
    for (const id of ['Ada', 'Grace', 'Mary']) new NotebookEnvironment(stack, id, { network });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 3);
    template.resourceCountIs('AWS::SageMaker::NotebookInstance', 3);
    template.resourceCountIs('AWS::IAM::Role', 4);
  });

  test('uses a network that exists, and makes nothing there', () => {
    const template = templateOf((stack) => {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['a'], isolatedSubnetIds: ['subnet-1'] });
      const securityGroup = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1');
      return { network: WorkbenchNetwork.fromWorkbenchNetworkAttributes(stack, 'Network', { vpc, subnets: vpc.isolatedSubnets, securityGroup }) };
    });
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
    template.hasResourceProperties('AWS::SageMaker::NotebookInstance', { SubnetId: 'subnet-1', SecurityGroupIds: ['sg-1'] });
  });

  test('reads published datasets and nothing of the sources', () => {
    const template = templateOf((stack) => ({ lake: new DataLake(stack, 'Lake') }));
    const [policy] = Object.values(template.findResources('AWS::IAM::Policy'));
    const text = JSON.stringify(policy.Properties.PolicyDocument);
    expect(text).toContain('LakeCuratedZone');
    expect(text).toContain('/datasets/*');
    expect(text).not.toContain('LakeSource');
    expect(text).not.toMatch(/s3:(Put|Delete)/);
  });

  test('clones a CodeCommit repository, signed in by its role, and cannot push to main', () => {
    const template = templateOf((stack) => ({ repository: NotebookRepository.codeCommit(codecommit.Repository.fromRepositoryName(stack, 'Repo', 'temperature')) }));
    template.hasResourceProperties('AWS::SageMaker::NotebookInstance', { DefaultCodeRepository: Match.anyValue() });
    template.hasResourceProperties('AWS::SageMaker::CodeRepository', { GitConfig: { SecretArn: Match.absent() } });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([Match.objectLike({
          Effect: 'Deny', Action: 'codecommit:GitPush', Condition: Match.objectLike({ StringEqualsIfExists: { 'codecommit:References': ['refs/heads/main'] } }),
        })]),
      }),
    });
    expect(Object.values(template.findResources('AWS::EC2::VPCEndpoint')).some((one) => JSON.stringify(one.Properties.ServiceName).includes('git-codecommit'))).toBe(true);
  });

  test('clones a repository elsewhere with a secret', () => {
    const template = templateOf((stack) => ({
      repository: NotebookRepository.https('https://git.example.com/a.git', secretsmanager.Secret.fromSecretNameV2(stack, 'Token', 'git')),
    }));
    template.hasResourceProperties('AWS::SageMaker::CodeRepository', { GitConfig: { RepositoryUrl: 'https://git.example.com/a.git', SecretArn: Match.anyValue() } });
  });

  test('stops itself, and no other', () => {
    const template = templateOf();
    const [instance] = Object.values(template.findResources('AWS::SageMaker::NotebookInstance'));
    const name: string = instance.Properties.NotebookInstanceName;
    expect(name).toBe(name.toLowerCase());
    const policies = JSON.stringify(Object.values(template.findResources('AWS::IAM::Policy')).map((policy) => policy.Properties.PolicyDocument));
    expect(policies).toContain(`:notebook-instance/${name}"`);
  });

  test('its start script is what a lifecycle configuration admits', () => {
    const script = startScript(templateOf({ idleTimeout: Duration.minutes(45), authorName: "Grace O'Hopper", authorEmail: 'g@example.com' }));
    expect(script).toMatch(/^#!\/bin\/bash\nIDLE_MINUTES=45\nAUTHOR_NAME='Grace O'\\''Hopper'\nAUTHOR_EMAIL='g@example.com'\n/);
    expect(script).not.toContain('@IDLE_SHUTDOWN@');
    expect(Buffer.from(script).toString('base64').length).toBeLessThanOrEqual(16_384);
  });
});

describe('a Studio space', () => {
  test('is private, clones the repository and needs no network', () => {
    const template = templateOf({ studioDomainId: 'd-abc', repository: NotebookRepository.https('https://git.example.com/a.git') });
    template.resourceCountIs('AWS::SageMaker::NotebookInstance', 0);
    template.resourceCountIs('AWS::EC2::VPC', 0);
    template.hasResourceProperties('AWS::SageMaker::UserProfile', { DomainId: 'd-abc' });
    template.hasResourceProperties('AWS::SageMaker::Space', {
      SpaceSharingSettings: { SharingType: 'Private' },
      SpaceSettings: {
        AppType: 'JupyterLab',
        JupyterLabAppSettings: {
          CodeRepositories: [{ RepositoryUrl: 'https://git.example.com/a.git' }],
        },
      },
    });
  });
});

test('fails with everything that is wrong at once', () => {
  const build = () => templateOf({ idleTimeout: Duration.minutes(5), volumeSize: Size.gibibytes(1), instanceType: 't3.medium' });
  expect(build).toThrow(/Test\/Ada: \n {2}1\. idleTimeout must be whole minutes of 10\.\.525600, got 5 minutes\n {2}2\. volumeSize .*\n {2}3\. instanceType/);
  expect(() => templateOf({ studioDomainId: 'd-1', idleTimeout: Duration.minutes(30) })).toThrow(/idleTimeout and studioDomainId exclude each other/);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const lake = new DataLake(stack, 'Lake');
    new NotebookEnvironment(stack, 'Ada', { lake, repository: NotebookRepository.codeCommit(codecommit.Repository.fromRepositoryName(stack, 'Repo', 'temperature')) });
    new NotebookEnvironment(stack, 'Grace', { lake, studioDomainId: 'd-1' });
  })).not.toThrow();
});
