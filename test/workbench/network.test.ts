import * as fs from 'fs';
import * as path from 'path';
import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { root } from './programs';
import { DataLake } from '../../src/data/data-lake';
import { NotebookEnvironment, NotebookEnvironmentProps } from '../../src/workbench/notebook-environment';
import { NotebookRepository } from '../../src/workbench/notebook-repository';
import { PackageRepository } from '../../src/workbench/package-repository';
import { WorkbenchNetwork, WorkbenchNetworkAttributes } from '../../src/workbench/workbench-network';

const ACCOUNT = '111122223333';
const env = { account: ACCOUNT, region: 'eu-central-1' };

/** The endpoint that answers each call of the shipped programs. `aws codecommit credential-helper` only signs: git calls. */
const ANSWERED_BY: Record<string, string[]> = {
  s3: ['s3'],
  sagemaker: ['sagemaker.api'],
  codeartifact: ['codeartifact.api', 'codeartifact.repositories'],
  codecommit: ['git-codecommit'],
  athena: ['athena'],
};
/** What the notebook itself calls, before and beside the programs: its log agent, and git's sign-in elsewhere. */
const CALLED_BY_SAGEMAKER = ['logs', 'secretsmanager'];

/** AWS services that the shipped programs name in a call. */
function calledServices(): string[] {
  const folder = path.join(root, 'resources/workbench');
  const programs = (fs.readdirSync(folder, { recursive: true }) as string[]).filter((name) => /\.(py|sh)$/.test(name));
  const found = programs.flatMap((name) => {
    const text = fs.readFileSync(path.join(folder, name), 'utf8').replace(/^#.*$/gm, '');
    return [...text.matchAll(/(?:^|[\s!'(])aws (?=[a-z])(?!s3:)([a-z0-9]+)|"aws", "([a-z0-9]+)"|_client\("([a-z0-9-]+)"/gm)]
      .map((match) => match[1] ?? match[2] ?? match[3]);
  });
  return [...new Set(found)].sort();
}

function templateOf(props: (stack: Stack) => NotebookEnvironmentProps): Template {
  const stack = new Stack(new App(), 'Test', { env });
  new NotebookEnvironment(stack, 'Ada', props(stack));
  return Template.fromStack(stack);
}

interface Endpoint { readonly Properties: { readonly ServiceName: unknown; readonly PolicyDocument: { readonly Statement: object[] } } }

function endpointsOf(template: Template): Record<string, Endpoint> {
  return Object.fromEntries(Object.values(template.findResources('AWS::EC2::VPCEndpoint') as Record<string, Endpoint>).map((endpoint) => [
    /\.((?:[a-z0-9-]+\.)?[a-z0-9-]+)"[\]}]*$/.exec(JSON.stringify(endpoint.Properties.ServiceName).replace('eu-central-1.', '').replace('com.amazonaws', ''))![1], endpoint,
  ]));
}

const codeCommit = (stack: Stack) => NotebookRepository.codeCommit(codecommit.Repository.fromRepositoryName(stack, 'Repo', 'temperature'));
const elsewhere = (stack: Stack) => NotebookRepository.https('https://git.example.com/a.git', secretsmanager.Secret.fromSecretNameV2(stack, 'Token', 'git'));
const packages = (stack: Stack) => new PackageRepository(stack, 'Packages');

const ALWAYS = ['logs', 's3', 'sagemaker.api'];
const cases: [string, string[], (stack: Stack) => NotebookEnvironmentProps][] = [
  ['nothing more', [], () => ({})],
  ['data', [], (stack) => ({ lake: new DataLake(stack, 'Lake') })],
  ['data to query', ['athena'], (stack) => ({ lake: new DataLake(stack, 'Lake'), queryDatasets: true })],
  ['packages', ['codeartifact.api', 'codeartifact.repositories'], (stack) => ({ packages: packages(stack) })],
  ['packages that are switched off', [], (stack) => ({ packages: packages(stack), installPackages: false })],
  ['a CodeCommit repository', ['git-codecommit'], (stack) => ({ repository: codeCommit(stack) })],
  ['a repository elsewhere', ['secretsmanager'], (stack) => ({ repository: elsewhere(stack) })],
  ['a public repository elsewhere', [], () => ({ repository: NotebookRepository.https('https://git.example.com/a.git') })],
];

describe('the network of a notebook', () => {
  test.each(cases)('with %s has the endpoints that are called, and no other', (_, more, props) => {
    expect(Object.keys(endpointsOf(templateOf(props))).sort()).toEqual([...ALWAYS, ...more].sort());
  });

  test('every service that a shipped program calls is known to be answered, and every endpoint by whom it is called', () => {
    expect(calledServices()).toEqual(Object.keys(ANSWERED_BY).sort());
    const made = new Set(cases.flatMap(([, more]) => [...ALWAYS, ...more]));
    expect([...made].sort()).toEqual([...Object.values(ANSWERED_BY).flat(), ...CALLED_BY_SAGEMAKER].sort());
  });

  test('has no route to the internet and no address of it, whatever is asked for', () => {
    for (const [, , props] of cases) {
      const template = templateOf(props);
      for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway', 'AWS::EC2::EIP', 'AWS::EC2::Route', 'AWS::EC2::EgressOnlyInternetGateway']) template.resourceCountIs(type, 0);
      template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
    }
  });

  test.each([1, 2, 3])('%i zones are so many subnets, and so many addresses of each endpoint', (zones) => {
    const stack = new Stack(new App(), 'Test', { env: { region: 'us-east-1' } });
    jest.spyOn(stack, 'availabilityZones', 'get').mockReturnValue(['a', 'b', 'c']);
    const network = new WorkbenchNetwork(stack, 'Network', { zones });
    network.reach(ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API);
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::EC2::Subnet', zones);
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Interface', SubnetIds: Array(zones).fill(Match.anyValue()) });
  });
});

test('a repository that the network does not reach is told of, one that it reaches is not', () => {
  const warnings = (repository: (stack: Stack) => NotebookRepository, studioDomainId?: string) => {
    const stack = new Stack(new App(), 'Test', { env });
    new NotebookEnvironment(stack, 'Ada', { repository: repository(stack), studioDomainId });
    return Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('Nothing in this network reaches https://git\\.example\\.com'));
  };
  expect(warnings(elsewhere)).toHaveLength(1);
  expect(warnings(elsewhere, 'd-1')).toEqual([]);
  expect(warnings(codeCommit)).toEqual([]);
});

describe('the policy of an endpoint', () => {
  const calls: [string, string, string, boolean][] = [
    ['s3', 's3:GetObject', 'arn:aws:s3:::curated/datasets/a', true],
    ['s3', 's3:PutObject', 'arn:aws:s3:::saved/notebooks/ada/a', true],
    ['sagemaker.api', 'sagemaker:StopNotebookInstance', `arn:aws:sagemaker:eu-central-1:${ACCOUNT}:notebook-instance/ada`, true],
    ['logs', 'logs:PutLogEvents', `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:a:log-stream:b`, true],
    ['git-codecommit', 'codecommit:GitPush', `arn:aws:codecommit:eu-central-1:${ACCOUNT}:temperature`, true],
    ['codeartifact.api', 'codeartifact:GetAuthorizationToken', `arn:aws:codeartifact:eu-central-1:${ACCOUNT}:domain/mlops`, true],
    ['codeartifact.api', 'sts:GetServiceBearerToken', '*', true],
    ['codeartifact.repositories', 'codeartifact:ReadFromRepository', `arn:aws:codeartifact:eu-central-1:${ACCOUNT}:repository/mlops/pypi`, true],
    ['codeartifact.repositories', 'codeartifact:PublishPackageVersion', `arn:aws:codeartifact:eu-central-1:${ACCOUNT}:package/mlops/pypi/pypi//a`, false],
    ['codeartifact.api', 'codeartifact:DeleteRepository', `arn:aws:codeartifact:eu-central-1:${ACCOUNT}:repository/mlops/pypi`, false],
    ['sagemaker.api', 's3:GetObject', 'arn:aws:s3:::curated/datasets/a', false],
  ];
  let endpoints: Record<string, Endpoint>;
  beforeAll(() => { endpoints = endpointsOf(templateOf((stack) => ({ packages: packages(stack), repository: codeCommit(stack) }))); });

  const decide = (
    service: string, action: string, resource: string, principalAccount: string, resourceAccount: string,
  ): boolean => runUnsafeSimulation({
    request: {
      principal: `arn:aws:iam::${principalAccount}:role/notebook`,
      action,
      resource: { resource, accountId: resourceAccount },
      contextVariables: { 'aws:PrincipalAccount': principalAccount, 'aws:ResourceAccount': resourceAccount },
    },
    identityPolicies: [{ name: 'all', policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] } }],
    // what it does not allow is denied, whoever else allows it: as with a boundary, which has no principal
    permissionBoundaryPolicies: [{
      name: 'endpoint',
      policy: { Version: '2012-10-17', Statement: endpoints[service].Properties.PolicyDocument.Statement.map((statement) => ({ ...statement, Principal: undefined })) },
    }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {}) === 'Allowed';

  test.each(calls)('of %s: %s on %s', (service, action, resource, allowed) => {
    expect(decide(service, action, resource, ACCOUNT, ACCOUNT)).toBe(allowed);
    // with the credentials of another account, nothing
    expect(decide(service, action, resource, '999999999999', '999999999999')).toBe(false);
  });

  test('lets nothing out to a bucket of another account', () => {
    expect(decide('s3', 's3:PutObject', 'arn:aws:s3:::elsewhere/a', ACCOUNT, '999999999999')).toBe(false);
  });
});

describe('a network that exists', () => {
  const build = (attributes: Partial<WorkbenchNetworkAttributes>) => templateOf((stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['a'], isolatedSubnetIds: ['subnet-1'] });
    const securityGroup = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1');
    const network = WorkbenchNetwork.fromWorkbenchNetworkAttributes(stack, 'Network', { vpc, subnets: vpc.isolatedSubnets, securityGroup, ...attributes });
    return { network, packages: packages(stack), repository: codeCommit(stack) };
  });
  const { SAGEMAKER_API, CLOUDWATCH_LOGS, CODECOMMIT_GIT, CODEARTIFACT_API, CODEARTIFACT_REPOSITORIES, S3 } = ec2.InterfaceVpcEndpointAwsService;
  const all = [SAGEMAKER_API, CLOUDWATCH_LOGS, CODECOMMIT_GIT, CODEARTIFACT_API, CODEARTIFACT_REPOSITORIES];

  test.each<[string, Partial<WorkbenchNetworkAttributes>]>([
    ['has what is called', { endpoints: all, s3Gateway: true }],
    ['has S3 by an interface', { endpoints: [...all, S3] }],
    ['has a way to the internet', { internetAccess: true }],
  ])('that %s is used, and nothing is made there', (_, attributes) => {
    const template = build(attributes);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
    template.resourceCountIs('AWS::EC2::VPC', 0);
    template.hasResourceProperties('AWS::SageMaker::NotebookInstance', { SubnetId: 'subnet-1', SecurityGroupIds: ['sg-1'] });
  });

  test('is told of everything that it lacks at once, with the lines that add it', () => {
    expect(() => build({ endpoints: [SAGEMAKER_API, CODECOMMIT_GIT] })).toThrow(
      /\[Test\/Network\] .*: s3, codeartifact\.api, codeartifact\.repositories, logs\. Name those .*\n {2}vpc\.addGatewayEndpoint\('s3', \{ service: ec2\.GatewayVpcEndpointAwsService\.S3 \}\);\n {2}vpc\.addInterfaceEndpoint\('codeartifact\.api', \{ service: ec2\.InterfaceVpcEndpointAwsService\.CODEARTIFACT_API \}\);\n[^]*vpc\.addInterfaceEndpoint\('logs', \{ service: ec2\.InterfaceVpcEndpointAwsService\.CLOUDWATCH_LOGS \}\);/,
    );
    expect(() => build({ endpoints: all })).toThrow(/not known to reach: s3\./);
    expect(() => build({ s3Gateway: true, endpoints: all.slice(1) })).toThrow(/not known to reach: sagemaker\.api\./);
  });
});
