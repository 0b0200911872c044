import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { IModelRegistry } from '../../src/registry/model-registry';
import { ModelRegistryVersioning, ModelRegistryVersioningProps } from '../../src/registry/model-registry-versioning';
import { synthesizeUnderNag } from '../support/nag';

const env = { account: '111122223333', region: 'eu-central-1' };

function registry(props?: ModelRegistryVersioningProps) {
  const stack = new Stack(new App(), 'Models', { env });
  return { stack, made: new ModelRegistryVersioning(stack, 'Registry', props) };
}

const attributes = {
  modelName: 'Temperature',
  modelPackageGroupName: 'Temperature',
  ledgerArn: 'arn:aws:dynamodb:eu-central-1:111122223333:table/ledger',
  artifactsArn: 'arn:aws:s3:::artifacts',
  repositoryArn: 'arn:aws:ecr:eu-central-1:111122223333:repository/team/images',
  registrationArn: 'arn:aws:states:eu-central-1:111122223333:stateMachine:Registration',
  lifecycleArn: 'arn:aws:lambda:eu-central-1:111122223333:function:lifecycle',
};

interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly Retry?: { readonly ErrorEquals: string[]; readonly MaxAttempts?: number }[];
  readonly Catch?: { readonly ErrorEquals: string[]; readonly Next: string }[];
  readonly Parameters?: Record<string, unknown>;
}

function statesOf(template: Template): Record<string, State> {
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  const parts = (machine.Properties.DefinitionString as { 'Fn::Join': [string, (string | object)[]] })['Fn::Join'][1];
  return (JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'token')).join('')) as { States: Record<string, State> }).States;
}

describe('by default', () => {
  const { stack, made } = registry();
  const template = Template.fromStack(stack);

  test('a group of model packages, named like the model, that outlives its stack', () => {
    expect(made.modelName).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
    template.hasResource('AWS::SageMaker::ModelPackageGroup', {
      DeletionPolicy: 'Retain', Properties: { ModelPackageGroupName: made.modelName },
    });
  });

  test('a ledger that is encrypted, backed up and cannot be deleted by mistake', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: {
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
        BillingMode: 'PAY_PER_REQUEST',
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: Match.anyValue() },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      },
    });
  });

  test('images whose tags cannot be moved, scanned and encrypted', () => {
    template.hasResource('AWS::ECR::Repository', {
      DeletionPolicy: 'Retain',
      Properties: {
        ImageTagMutability: 'IMMUTABLE',
        ImageScanningConfiguration: { ScanOnPush: true },
        EncryptionConfiguration: { EncryptionType: 'KMS', KmsKey: Match.anyValue() },
      },
    });
  });

  test('artifacts that keep their versions, encrypted, private, over TLS only', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: Match.objectLike({
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: { ServerSideEncryptionConfiguration: [Match.objectLike({ ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: Match.anyValue() } })] },
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
        LoggingConfiguration: { DestinationBucketName: Match.anyValue(), LogFilePrefix: Match.stringLikeRegexp('artifacts.*/$') },
      }),
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })]),
      }),
    });
  });

  test('one key, rotated, and one function for each of its jobs', () => {
    template.resourceCountIs('AWS::KMS::Key', 1);
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { Runtime: 'nodejs24.x', Architectures: ['arm64'] }, 3);
    template.allResourcesProperties('AWS::Lambda::Function', { KmsKeyArn: Match.anyValue() });
  });

  test('few resources: a hundred models fit into an account', () => {
    const { stack: lean } = registry({
      encryptionKey: kms.Key.fromKeyArn(new Stack(), 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/abc'),
      accessLogs: s3.Bucket.fromBucketName(new Stack(), 'Logs', 'logs'),
    });
    expect(Object.keys(Template.fromStack(lean).toJSON().Resources as object).length).toBeLessThanOrEqual(23);
  });

  test('the registrar may create packages of its group, and nobody deletes any', () => {
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).map((policy) => JSON.stringify(policy)).join();
    expect(statements).toContain('sagemaker:CreateModelPackage');
    expect(statements).not.toMatch(/"(sagemaker|dynamodb|s3|ecr|kms):[A-Za-z]*\*"/);
    expect(statements).not.toMatch(/DeleteModelPackage|DeleteTable|DeleteObject|Scan"/);
  });
});

describe('the registration state machine', () => {
  const states = statesOf(Template.fromStack(registry().stack));

  test('logs everything and is traced', () => {
    Template.fromStack(registry().stack).hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: Match.objectLike({ Level: 'ALL', IncludeExecutionData: true }), TracingConfiguration: { Enabled: true },
    });
  });

  test('retries every task, and catches what stays', () => {
    const tasks = Object.entries(states).filter(([, { Type }]) => Type === 'Task');
    expect(tasks.map(([name]) => name).sort()).toEqual([
      'Abandon', 'Allocate', 'Announce', 'AnnounceRejection', 'NoteAnnouncement', 'RecordRejection', 'Register',
    ]);
    for (const [, task] of tasks) {
      expect(task.Retry?.at(-1)).toMatchObject({ ErrorEquals: ['States.TaskFailed', 'States.Timeout'], MaxAttempts: 13, IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 600 });
      expect(task.Catch).toHaveLength(1);
      expect(task.Catch?.[0].ErrorEquals).toEqual(['States.ALL']);
      expect(states[task.Catch?.[0].Next ?? '']).toBeDefined();
    }
  });

  test('does not retry what no retry cures', () => {
    expect(states.Allocate.Retry?.[0]).toMatchObject({ ErrorEquals: expect.arrayContaining(['InvalidCandidate', 'RunAlreadyRejected']), MaxAttempts: 0 });
  });

  test('gives a number up whose package cannot be made', () => {
    expect(states.Register.Catch?.[0].Next).toBe('Abandon');
    expect(states.Abandon).toMatchObject({ Next: 'RegistrationFailed', Catch: [{ Next: 'RegistrationFailed' }] });
  });

  test('takes its time from the execution', () => {
    for (const name of ['Allocate', 'Register', 'Abandon', 'NoteAnnouncement', 'RecordRejection']) {
      expect(states[name].Parameters).toMatchObject({ 'time.$': '$$.State.EnteredTime' });
    }
  });

  test('announces on the bus that it is given', () => {
    const stack = new Stack(new App(), 'Models', { env });
    new ModelRegistryVersioning(stack, 'Registry', { eventBus: new events.EventBus(stack, 'Bus') });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([Match.objectLike({ Action: 'events:PutEvents', Resource: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Bus'), 'Arn'] } })]),
      }),
    });
  });
});

describe('with what exists already', () => {
  test('a group, a key, a bucket and a repository are used and not made', () => {
    const stack = new Stack(new App(), 'Models', { env });
    new ModelRegistryVersioning(stack, 'Registry', {
      modelName: 'Temperature',
      modelPackageGroupName: 'Existing-Group',
      encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/abc'),
      artifacts: s3.Bucket.fromBucketName(stack, 'Artifacts', 'artifacts'),
    });
    const template = Template.fromStack(stack);
    for (const type of ['AWS::SageMaker::ModelPackageGroup', 'AWS::KMS::Key', 'AWS::S3::Bucket']) template.resourceCountIs(type, 0);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ MODEL_PACKAGE_GROUP: 'Existing-Group', MODEL_NAME: 'Temperature' }) },
    });
    // SageMaker writes names in lower case into ARNs
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain(':model-package/existing-group/*');
  });

  test('everything goes with the stack where that is wanted', () => {
    const template = Template.fromStack(registry({ removalPolicy: RemovalPolicy.DESTROY }).stack);
    template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete', Properties: { DeletionProtectionEnabled: false } });
    template.hasResource('AWS::ECR::Repository', { DeletionPolicy: 'Delete', Properties: { EmptyOnDelete: true } });
    template.hasResource('AWS::SageMaker::ModelPackageGroup', { DeletionPolicy: 'Delete' });
  });

  test('a registry made elsewhere is known by its names', () => {
    const stack = new Stack(new App(), 'Other', { env });
    const imported = ModelRegistryVersioning.fromModelRegistryAttributes(stack, 'Registry', { ...attributes, encryptionKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/abc' });
    expect(imported.ledger.tableName).toBe('ledger');
    expect(imported.artifacts.bucketName).toBe('artifacts');
    expect(imported.repository.repositoryName).toBe('team/images');
    expect(imported.registration.stateMachineArn).toBe(attributes.registrationArn);
    expect(imported.lifecycle.functionName).toBe('lifecycle');
    expect(imported.artifacts.encryptionKey?.keyArn).toBe(imported.encryptionKey?.keyArn);
    expect(Object.keys(Template.fromStack(stack).toJSON())).not.toContain('Resources');
  });
});

describe('grants', () => {
  const granted = (give: (made: IModelRegistry, grantee: iam.IGrantable) => iam.Grant, from: 'own' | 'imported' = 'own'): string[] => {
    const stack = new Stack(new App(), 'Models', { env });
    const made = from === 'own' ? new ModelRegistryVersioning(stack, 'Registry') : ModelRegistryVersioning.fromModelRegistryAttributes(stack, 'Registry', attributes);
    const role = new iam.Role(stack, 'Grantee', { assumedBy: new iam.AccountRootPrincipal() });
    give(made, role).assertSuccess();
    const policies = Template.fromStack(stack).findResources('AWS::IAM::Policy', { Properties: { Roles: [{ Ref: Match.stringLikeRegexp('^Grantee') }] } });
    return Object.values(policies)
      .flatMap((policy) => (policy.Properties.PolicyDocument as { Statement: { Action: string | string[] }[] }).Statement)
      .flatMap(({ Action }) => Action);
  };

  test.each(['own', 'imported'] as const)('reading an %s registry changes nothing in it', (from) => {
    const actions = granted((made, grantee) => made.grants.read(grantee), from);
    expect(actions).toEqual(expect.arrayContaining(['dynamodb:Query', 'sagemaker:DescribeModelPackage', 's3:GetObject', 'ecr:BatchGetImage']));
    expect(actions.filter((action) => /:(Put|Update|Create|Delete|Start|Invoke|Upload|Initiate|Complete)/.test(action))).toEqual([]);
  });

  test('each of the others allows its one thing', () => {
    expect(granted((made, grantee) => made.grants.register(grantee))).toEqual(['states:StartExecution', 'states:DescribeExecution']);
    expect(granted((made, grantee) => made.grants.changeStage(grantee))).toEqual(['lambda:InvokeFunction']);
    expect(granted((made, grantee) => made.grants.readLedger(grantee), 'imported')).toEqual(['dynamodb:GetItem', 'dynamodb:Query']);
    expect(granted((made, grantee) => made.grants.writeArtifacts(grantee, 'training'))).toEqual(
      ['s3:AbortMultipartUpload', 's3:PutObject', 'kms:Decrypt', 'kms:GenerateDataKey']);
    expect(granted((made, grantee) => made.grants.pushImages(grantee))).toEqual(expect.arrayContaining(['ecr:PutImage', 'ecr:GetAuthorizationToken']));
  });

  test('a user, a service and an imported role can be granted too', () => {
    const { stack, made } = registry();
    for (const grantee of [
      new iam.User(stack, 'User'), iam.Role.fromRoleName(stack, 'Imported', 'somebody'), iam.Role.fromRoleArn(stack, 'Fixed', 'arn:aws:iam::111122223333:role/fixed', { mutable: false }),
    ]) expect(() => made.grants.read(grantee)).not.toThrow();
  });
});

describe('fails', () => {
  test('on names that SageMaker refuses, all at once', () => {
    const stack = new Stack();
    const [accessLogs, artifacts] = ['logs', 'artifacts'].map((name) => s3.Bucket.fromBucketName(stack, name, name));
    const problems = [
      '^Models/Registry: ', `1. modelName must be 1 to 63 .* got '${'x'.repeat(64)}' \\(64 characters\\)`, '2. modelPackageGroupName .*\'a_b\'', '3. accessLogs ',
    ];
    expect(() => registry({ modelName: 'x'.repeat(64), modelPackageGroupName: 'a_b', accessLogs, artifacts })).toThrow(new RegExp(problems.join('[^]*')));
  });

  test.each(['-a', 'a-', 'ä', ''])('on the model name %j', (modelName) => {
    expect(() => registry({ modelName })).toThrow(/modelName must be/);
  });
});

test('cdk-nag finds nothing that is not acknowledged', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const made = new ModelRegistryVersioning(stack, 'Registry');
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('states.amazonaws.com') });
    made.grants.read(role);
    made.grants.register(role);
    made.grants.writeArtifacts(role);
    made.grants.pushImages(role);
    new ModelRegistryVersioning(stack, 'Existing', {
      modelPackageGroupName: 'Some-Group',
      encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/abc'),
      artifacts: s3.Bucket.fromBucketName(stack, 'Bucket', 'bucket'),
    });
    ModelRegistryVersioning.fromModelRegistryAttributes(stack, 'Imported', attributes).grants.read(role);
  })).not.toThrow();
});
