import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Dataset } from '../../src/data/dataset';
import { RegressionModel } from '../../src/regression-model';
import { CanaryRelease } from '../../src/release/canary-release';
import { ReleaseHook, ReleaseHooks } from '../../src/release/release-hook';
import { ReleaseWorkflow } from '../../src/release/release-workflow';
import { ModelSource } from '../../src/source/model-source';
import { ShadowStaging } from '../../src/staging/shadow-staging';
import { importedEndpoint, importedRegistry } from '../staging/imported';
import { synthesizeUnderNag } from '../support/nag';

const ENV = { region: 'eu-central-1', account: '111122223333' };
const newStack = () => new Stack(new App(), 'Stack', { env: ENV });

function build(stack: Stack, hooks?: ReleaseHooks): ReleaseWorkflow {
  const registry = importedRegistry(stack);
  const endpoint = importedEndpoint(stack);
  return new ReleaseWorkflow(stack, 'Releases', {
    registry, hooks, staging: new ShadowStaging(stack, 'Staging', { endpoint, registry }), release: new CanaryRelease(stack, 'Release', { endpoint, registry }),
  });
}

const handler = (stack: Stack) => lambda.Function.fromFunctionAttributes(stack, 'Fairness', {
  functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:fairness', sameEnvironment: true,
});
const machine = (stack: Stack) => sfn.StateMachine.fromStateMachineArn(stack, 'Licences', 'arn:aws:states:eu-central-1:111122223333:stateMachine:licences');
const approver = (stack: Stack, id = 'Approver') => new iam.Role(stack, id, { assumedBy: new iam.AccountRootPrincipal() });

/** States of the release, by name. */
function statesOf(template: Template): Record<string, Record<string, unknown>> {
  const machines = Object.values(template.findResources('AWS::StepFunctions::StateMachine')) as { Properties: { DefinitionString: { 'Fn::Join': [string, unknown[]] } } }[];
  const texts = machines.map(({ Properties: { DefinitionString } }) => DefinitionString['Fn::Join'][1].map((part) => typeof part === 'string' ? part : 'token').join(''));
  return (JSON.parse(texts.find((text) => text.includes('"AcquireSlot"'))!) as { States: Record<string, Record<string, unknown>> }).States;
}

test('without hooks there is nothing of them', () => {
  const stack = newStack();
  build(stack);
  const template = Template.fromStack(stack);
  expect(Object.keys(statesOf(template)).filter((name) => /Ask|Judge|Hook|BeforePromotion/.test(name))).toEqual([]);
  template.resourceCountIs('AWS::Lambda::Url', 0);
  expect(Object.keys(template.findResources('AWS::Lambda::Function')).filter((id) => id.includes('Hooks'))).toEqual([]);
});

test('each hook is asked where it was put, with its own time, and once', () => {
  const stack = newStack();
  build(stack, {
    beforeShadow: [ReleaseHook.lambda(handler(stack), { timeout: Duration.seconds(90) })],
    beforePromotion: [ReleaseHook.stateMachine(machine(stack)), ReleaseHook.approval({ window: Duration.days(7) })],
    afterPromotion: [ReleaseHook.lambda(handler(new Stack(stack, 'Other', { env: ENV })))],
  });
  const states = statesOf(Template.fromStack(stack));
  expect(states.AskBeforeShadow1).toMatchObject({ InputPath: '$.hooked.input', TimeoutSeconds: 90, Next: 'JudgeBeforeShadow1' });
  expect(states.AskBeforeShadow1.Retry).toEqual([expect.objectContaining({ ErrorEquals: expect.not.arrayContaining(['States.ALL', 'States.TaskFailed']) as string[] })]);
  expect(states.AskBeforePromotion1).toMatchObject({
    TimeoutSeconds: 3600, Catch: [{ ErrorEquals: ['StepFunctions.ExecutionAlreadyExistsException'], Next: 'LookAtBeforePromotion1' }, { Next: 'StopBeforePromotion1' }],
  });
  // 1 + 2 + ... + 1024 seconds: longer would be more than an hour
  expect(states.LookAtBeforePromotion1).toMatchObject({
    Retry: [{ ErrorEquals: ['HookRunning'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 11 }, {}, {}, { ErrorEquals: ['States.ALL'] }],
    Catch: [{ ErrorEquals: ['HookRunning'], Next: 'StopBeforePromotion1' }, { ErrorEquals: ['States.ALL'], Next: 'Recover' }],
    Next: 'DoesBeforePromotion1Proceed',
  });
  // one that does not answer in time would run on
  expect(states.StopBeforePromotion1).toMatchObject({ Next: 'JudgeBeforePromotion1Failure', Catch: [{ Next: 'JudgeBeforePromotion1Failure' }] });
  expect(states.AskAfterPromotion1).toMatchObject({ TimeoutSeconds: 900 });
  // 300 looks in seven days
  expect(states.WaitForBeforePromotion2).toMatchObject({ Seconds: 34 * 60 });
});

test('approvers may call the URL, and the function by way of it only', () => {
  const stack = newStack();
  const approval = ReleaseHook.approval();
  const [before, after] = [approver(stack, 'Before'), approver(stack, 'After')];
  approval.grantApprove(before);
  build(stack, { beforePromotion: [approval] });
  approval.grantApprove(after);
  expect(stack.resolve(approval.url)).toHaveProperty('Fn::GetAtt');
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' });
  for (const role of [before, after]) {
    template.hasResourceProperties('AWS::IAM::Policy', {
      Roles: [stack.resolve(role.roleName)],
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Action: 'lambda:InvokeFunctionUrl', Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } } }),
          Match.objectLike({ Action: 'lambda:InvokeFunction', Condition: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } } }),
        ],
      },
    });
  }
});

test('an approval without a release has no URL', () => {
  const stack = newStack();
  expect(() => stack.resolve(ReleaseHook.approval({ name: 'lost' }).url)).toThrow('the approval \'lost\' has no URL: it is not part of a ReleaseWorkflow');
});

test('all that is wrong with hooks is said in one error', () => {
  const stack = newStack();
  const approval = ReleaseHook.approval({ window: Duration.days(8), name: 'four/eyes' });
  const many = Array.from({ length: 11 }, (_, i) => ReleaseHook.lambda(handler(new Stack(stack, `S${i}`))));
  expect(() => build(stack, {
    beforeShadow: [
      ReleaseHook.lambda(handler(stack), { timeout: Duration.hours(1) }), ReleaseHook.stateMachine(machine(stack), { timeout: Duration.days(8) }),
    ],
    beforePromotion: [approval, approval],
    afterPromotion: many,
  })).toThrow(new RegExp([
    /hooks\.beforeShadow\[0\]: timeout must be 1 second to 15 minutes, got 1 hour/,
    /hooks\.beforeShadow\[1\]: timeout must be 1 second to 7 days, got 8 days/,
    /hooks\.beforePromotion\[0\]: name must be 1 to 40 letters, digits, spaces, '_', '\.' and '-', the first a letter or a digit, got 'four\/eyes'/,
    /hooks\.beforePromotion\[0\]: window must be 5 minutes to 7 days, got 8 days/,
    /hooks\.beforePromotion\[1\]: the approval 'four\/eyes' is given twice/,
    /hooks\.afterPromotion must be at most 10 hooks, got 11/,
  ].map(({ source }) => source).join('[^]*')));
});

test('an approval belongs to one release', () => {
  const stack = newStack();
  const approval = ReleaseHook.approval();
  build(stack, { afterPromotion: [approval] });
  expect(() => build(new Stack(stack, 'Second'), { afterPromotion: [approval] })).toThrow('this approval is asked already');
});

test('cdk-nag finds nothing that is not acknowledged', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const approval = ReleaseHook.approval();
    const own = new lambda.Alias(stack, 'Alias', { aliasName: 'live', version: handler(stack).latestVersion });
    build(stack, {
      beforeShadow: [ReleaseHook.lambda(handler(new Stack(stack, 'Other', { env: ENV }))), ReleaseHook.lambda(own)], beforePromotion: [ReleaseHook.stateMachine(machine(stack)), approval],
    });
    approval.grantApprove(approver(stack));
  })).not.toThrow();
});

test('an approval is refused where nobody could ever give it: the author of a commit of a connection is not known', () => {
  const stack = newStack();
  const made = (id: string, source: ModelSource, hooks: ReleaseHooks) => () => new RegressionModel(stack, id, {
    source,
    hooks,
    dataset: Dataset.fromDatasetAttributes({ datasetName: 'Points', bucket: s3.Bucket.fromBucketName(stack, `${id}Curated`, 'curated'), target: 'y' }),
    encryptionKey: new kms.Key(stack, `${id}Key`),
    alerts: new sns.Topic(stack, `${id}Alerts`),
  });
  const connection = ModelSource.connection('arn:aws:codeconnections:eu-central-1:111122223333:connection/1a2b', 'acme/temperature');
  expect(made('Refused', connection, {
    beforeShadow: [ReleaseHook.lambda(handler(stack))], beforePromotion: [ReleaseHook.approval()], afterPromotion: [ReleaseHook.approval({ name: 'late' })],
  })).toThrow(/hooks\.beforePromotion\[0\]: the approval 'approval' would reject every version.*\n.*hooks\.afterPromotion\[0\]: the approval 'late' would reject/s);
  expect(made('Asking', connection, { beforeShadow: [ReleaseHook.stateMachine(machine(stack))] })).not.toThrow();
  expect(made('Known', ModelSource.codeCommit(), { beforePromotion: [ReleaseHook.approval()] })).not.toThrow();
});
