import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { PackageRepository } from '../../src/workbench/package-repository';
import { MlopsPlatform, NotebookEnvironmentOptions } from 'cdk-mlops';

test('is a repository in front of PyPI, in a domain of its own', () => {
  const stack = new Stack(new App(), 'Test');
  const encryptionKey = new kms.Key(stack, 'Key');
  new PackageRepository(stack, 'Packages', { encryptionKey });
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::CodeArtifact::Domain', { DomainName: Match.stringLikeRegexp('^testpackages|^test-packages'), EncryptionKey: Match.anyValue() });
  template.hasResourceProperties('AWS::CodeArtifact::Repository', { RepositoryName: 'pypi', ExternalConnections: ['public:pypi'] });
});

test('who installs may read it, and fetch a token for it', () => {
  const stack = new Stack(new App(), 'Test', { env: { account: '111122223333', region: 'eu-central-1' } });
  const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
  PackageRepository.fromPackageRepositoryAttributes(stack, 'Packages', { domainName: 'acme', repositoryName: 'mirror', domainOwner: '999999999999' }).grantInstall(role);
  const arn = (rest: string) => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:codeartifact:eu-central-1:999999999999:${rest}`]] });
  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: [
        { Effect: 'Allow', Action: ['codeartifact:GetRepositoryEndpoint', 'codeartifact:ReadFromRepository'], Resource: arn('repository/acme/mirror') },
        { Effect: 'Allow', Action: 'codeartifact:GetAuthorizationToken', Resource: arn('domain/acme') },
        { Effect: 'Allow', Action: 'sts:GetServiceBearerToken', Resource: '*', Condition: { StringEquals: { 'sts:AWSServiceName': 'codeartifact.amazonaws.com' } } },
      ],
    },
  });
});

test('a domain name that CodeArtifact refuses is refused at synth', () => {
  const stack = new Stack(new App(), 'Test');
  expect(() => new PackageRepository(stack, 'Packages', { domainName: 'Acme' })).toThrow(/Test\/Packages: domainName must be 2 to 50 lower case letters.*got 'Acme'/);
});

describe('of a platform', () => {
  const domains = (...notebooks: NotebookEnvironmentOptions[]) => {
    const stack = new Stack(new App(), 'Test');
    const platform = new MlopsPlatform(stack, 'Mlops');
    notebooks.forEach((options, i) => platform.addNotebookEnvironment(`Notebook${i}`, options));
    return Object.keys(Template.fromStack(stack).findResources('AWS::CodeArtifact::Domain')).length;
  };

  test('is made with the first notebook that installs packages, once', () => {
    expect(domains()).toBe(0);
    expect(domains({ installPackages: false })).toBe(0);
    expect(domains({}, {}, { installPackages: false }, { studioDomainId: 'd-1' })).toBe(1);
  });

  test('is the one that was given', () => {
    const stack = new Stack(new App(), 'Test');
    const packages = PackageRepository.fromPackageRepositoryAttributes(stack, 'Packages', { domainName: 'acme', repositoryName: 'mirror' });
    const ada = new MlopsPlatform(stack, 'Mlops', { packages }).addNotebookEnvironment('Ada');
    Template.fromStack(stack).resourceCountIs('AWS::CodeArtifact::Domain', 0);
    expect(JSON.stringify(Template.fromStack(Stack.of(ada)).findResources('AWS::SageMaker::NotebookInstanceLifecycleConfig'))).toContain("PACKAGES='acme ");
  });
});
