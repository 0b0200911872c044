import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { DataLake } from '../../src/data/data-lake';
import { NotebookEnvironment, NotebookEnvironmentProps } from '../../src/workbench/notebook-environment';
import { NotebookRepository } from '../../src/workbench/notebook-repository';
import { PackageRepository } from '../../src/workbench/package-repository';
import { WorkbenchNetwork } from '../../src/workbench/workbench-network';
import { synthesizeUnderNag } from '../support/nag';

function templateOf(props: NotebookEnvironmentProps | ((stack: Stack) => NotebookEnvironmentProps) = {}): Template {
  const stack = new Stack(new App(), 'Test');
  new NotebookEnvironment(stack, 'Ada', typeof props === 'function' ? props(stack) : props);
  return Template.fromStack(stack);
}

/** The script that a lifecycle configuration runs at each start, with what is known at deployment only in angle brackets. */
function startScript(template: Template): string {
  const [lifecycle] = Object.values(template.findResources('AWS::SageMaker::NotebookInstanceLifecycleConfig'));
  return written(lifecycle.Properties.OnStart[0].Content['Fn::Base64']);
}

function written(value: string | { [intrinsic: string]: unknown }): string {
  if (typeof value === 'string') return value;
  if ('Fn::Join' in value) return (value['Fn::Join'] as [string, (string | object)[]])[1].map((part) => written(part as string)).join('');
  return `<${Object.values(value).flat().join('.').replace(/[0-9A-F]{8}(?=\.|$)/g, '')}>`;
}

/** Short names of the services that have an endpoint. */
function endpointsOf(template: Template): string[] {
  return Object.values(template.findResources('AWS::EC2::VPCEndpoint'))
    .map((one) => written(one.Properties.ServiceName).replace(/^com\.amazonaws\.(<AWS::Region>|[a-z0-9-]+)\./, '')).sort();
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
    expect(endpointsOf(template)).toEqual(['logs', 's3', 'sagemaker.api']);
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

  test('reads published datasets and nothing of the sources', () => {
    const template = templateOf((stack) => ({ lake: new DataLake(stack, 'Lake'), saveFiles: false }));
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
    expect(endpointsOf(template)).toContain('git-codecommit');
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
    const script = startScript(templateOf((stack) => ({
      lake: new DataLake(stack, 'Lake'),
      packages: new PackageRepository(stack, 'Packages'),
      idleTimeout: Duration.minutes(45),
      authorName: "Grace O'Hopper",
      authorEmail: 'g@example.com',
    })));
    expect(script).toMatch(/^#!\/bin\/bash\nWORKBENCH=\/usr\/local\/lib\/workbench\nSTART='start_instance\.sh'\nPROGRAMS='<s3:\/\/.*\.zip>'\n/);
    for (const line of [
      "AUTHOR_NAME='Grace O'\\''Hopper'", "AUTHOR_EMAIL='g@example.com'", 'IDLE_MINUTES=45', "REGION='<AWS::Region>'",
      "PACKAGES='<PackagesDomain.Name> <PackagesDomain.Owner> <Packages.Name>'", "DATASETS='s3://<LakeCuratedZone>/datasets'",
    ]) expect(script.split('\n')).toContain(line);
    expect(script).toMatch(/\nSAVED_FILES='s3:\/\/<AdaSavedFilesBucket>\/notebooks\/test-ada-\w+'\n/);
    expect(Buffer.from(script).toString('base64').length).toBeLessThanOrEqual(8000);
  });
});

describe('the files of a notebook', () => {
  test('are saved to a bucket that outlives it and keeps versions, below a prefix that is its alone', () => {
    const template = templateOf();
    const [id] = Object.keys(template.findResources('AWS::S3::Bucket', { DeletionPolicy: 'Retain', Properties: { VersioningConfiguration: { Status: 'Enabled' } } }));
    expect(id).toMatch(/^AdaSavedFilesBucket/);
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter((statement: { Action: string | string[] }) => [statement.Action].flat().includes('s3:PutObject'));
    expect(statements).toHaveLength(1);
    expect(written(statements[0].Resource)).toMatch(/^<AdaSavedFilesBucket\.Arn>\/notebooks\/test-ada-\w+\/\*$/);
  });

  test('stay where they are if somebody says so', () => {
    const template = templateOf({ saveFiles: false });
    template.resourceCountIs('AWS::S3::Bucket', 0);
    expect(startScript(template)).toContain("\nSAVED_FILES=''\n");
  });

  test('go to a bucket that exists', () => {
    const template = templateOf((stack) => ({ savedFiles: s3.Bucket.fromBucketName(stack, 'Files', 'the-files') }));
    template.resourceCountIs('AWS::S3::Bucket', 0);
    expect(startScript(template)).toContain("\nSAVED_FILES='s3://the-files/notebooks/");
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
    const [lifecycle] = Object.values(template.findResources('AWS::SageMaker::StudioLifecycleConfig'));
    expect(written(lifecycle.Properties.StudioLifecycleConfigContent['Fn::Base64'])).toContain("\nREPOSITORY='https://git.example.com/a.git'\n");
  });

  test('stops when it is idle for as long as it says, by itself', () => {
    const template = templateOf({ studioDomainId: 'd-abc', idleTimeout: Duration.minutes(90) });
    const [lifecycle] = Object.values(template.findResources('AWS::SageMaker::StudioLifecycleConfig'));
    expect(written(lifecycle.Properties.StudioLifecycleConfigContent['Fn::Base64'])).toContain('\nIDLE_MINUTES=90\n');
    template.hasResourceProperties('AWS::SageMaker::Space', {
      SpaceSettings: { JupyterLabAppSettings: { DefaultResourceSpec: { LifecycleConfigArn: Match.anyValue() } } },
    });
    const policies = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    expect(policies).toMatch(/sagemaker:DeleteApp.*:app\/d-abc\/test-ada-\w+\/JupyterLab\/\*/);
  });

  test('another script is another lifecycle configuration, as none can be changed', () => {
    const nameOf = (props: NotebookEnvironmentProps) =>
      Object.values(templateOf({ studioDomainId: 'd-abc', ...props }).findResources('AWS::SageMaker::StudioLifecycleConfig'))[0].Properties.StudioLifecycleConfigName as string;
    expect(nameOf({ authorName: 'Ada' })).toBe(nameOf({ authorName: 'Ada' }));
    expect(nameOf({ authorName: 'Ada' })).not.toBe(nameOf({ authorName: 'Grace' }));
    expect(nameOf({})).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
  });
});

test('fails with everything that is wrong at once', () => {
  const build = () => templateOf({ idleTimeout: Duration.minutes(5), volumeSize: Size.gibibytes(1), instanceType: 't3.medium' });
  expect(build).toThrow(/Test\/Ada: \n {2}1\. idleTimeout must be whole minutes of 10\.\.525600, got 5 minutes\n {2}2\. volumeSize .*\n {2}3\. instanceType/);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const lake = new DataLake(stack, 'Lake');
    const packages = new PackageRepository(stack, 'Packages');
    new NotebookEnvironment(stack, 'Ada', { lake, packages, repository: NotebookRepository.codeCommit(codecommit.Repository.fromRepositoryName(stack, 'Repo', 'temperature')) });
    const grace = new NotebookEnvironment(stack, 'Grace', { lake, packages, studioDomainId: 'd-1' });
    grace.grantOpen(new iam.Role(stack, 'Person', { assumedBy: new iam.AccountRootPrincipal() }), 'grace');
  })).not.toThrow();
});
