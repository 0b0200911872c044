import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as iam from 'aws-cdk-lib/aws-iam';
import { ModelSource } from '../../src/source/model-source';

const CONNECTION = 'arn:aws:codeconnections:eu-central-1:111122223333:connection/1a2b';

function newStack(): Stack {
  return new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
}

describe('CodeCommit', () => {
  test('makes a repository that outlives its stack', () => {
    const stack = newStack();
    const { repository } = ModelSource.codeCommit({ repositoryName: 'temperature' })._bind(stack);
    const template = Template.fromStack(stack);
    template.hasResource('AWS::CodeCommit::Repository', { DeletionPolicy: 'RetainExceptOnCreate', Properties: { RepositoryName: 'temperature', KmsKeyId: Match.absent() } });
    expect(repository).toMatchObject({ branch: 'main', codeCommitRepository: expect.anything() });
  });

  test('takes an existing repository', () => {
    const stack = newStack();
    const existing = codecommit.Repository.fromRepositoryName(stack, 'Existing', 'temperature');
    const source = ModelSource.codeCommit({ repository: existing, branch: 'release' })._bind(stack);
    Template.fromStack(stack).resourceCountIs('AWS::CodeCommit::Repository', 0);
    expect(source.configuration).toEqual({ RepositoryName: 'temperature', BranchName: 'release', PollForSourceChanges: 'false', OutputArtifactFormat: 'CODE_ZIP' });
    expect(source.trigger?.detail).toEqual({ event: ['referenceCreated', 'referenceUpdated'], referenceType: ['branch'], referenceName: ['release'] });
  });

  test('fails on a new repository\'s options for an existing one, and on a bad branch, in one error', () => {
    const stack = newStack();
    const existing = codecommit.Repository.fromRepositoryName(stack, 'Existing', 'temperature');
    const source = ModelSource.codeCommit({ repository: existing, repositoryName: 'other', branch: 'refs/heads/main' });
    expect(() => source._bind(stack)).toThrow(/repositoryName and initialCode[^]*refs\/heads\/main/);
  });
});

describe('a connection', () => {
  test('watches the branch and clones through the connection', () => {
    const stack = newStack();
    const source = ModelSource.connection(CONNECTION, 'acme/temperature')._bind(stack);
    expect(source).toMatchObject({
      repository: { repositoryName: 'acme/temperature', branch: 'main' },
      provider: 'CodeStarSourceConnection',
      configuration: { ConnectionArn: CONNECTION, FullRepositoryId: 'acme/temperature', BranchName: 'main', DetectChanges: 'true' },
    });
    expect(source.trigger).toBeUndefined();
    source.grantFetch(new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('codepipeline.amazonaws.com') }));
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: [{ Action: ['codeconnections:UseConnection', 'codestar-connections:UseConnection'], Effect: 'Allow', Resource: CONNECTION }] },
    });
  });

  test('fails on what is no connection and no repository, in one error', () => {
    expect(() => ModelSource.connection('arn:aws:s3:::x', 'temperature', { branch: 'a b' })._bind(newStack()))
      .toThrow(/connectionArn[^]*'owner\/name'[^]*branch/);
  });
});
