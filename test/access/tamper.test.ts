import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { PROTECTED_ACTIONS } from '../../src/access/protected-actions';
import { recordedAs, recordedNames } from '../../src/access/recorded-calls';
import { handler } from '../../src/access/report-tamper.lambda';
import { RecordedCall, tamperAttempt, TamperWatch } from '../../src/access/tamper';

interface Detail { readonly eventSource?: string[]; readonly eventName: (string | { prefix: string })[] }

const account = '111122223333';
const watch: TamperWatch = {
  listed: { s3: ['arn:aws:s3:::artifacts*'], sns: [`arn:aws:sns:eu-central-1:${account}:alerts`] },
  exempt: [`arn:aws:states:eu-central-1:${account}:stateMachine:Weather`],
  startable: [`arn:aws:states:eu-central-1:${account}:stateMachine:Data`],
  machines: ['Platform-*'],
  trusted: ['cdk-*-cfn-exec-role-*'],
  people: ['Platform-Scientist'],
  branches: ['main'],
};

const call = (source: string, eventName: string, requestParameters: Record<string, unknown>, changes: Partial<RecordedCall> = {}, role = 'Ada', session = 'session'): RecordedCall => ({
  eventTime: '2026-03-02T10:00:00Z',
  eventSource: `${source}.amazonaws.com`,
  eventName,
  userIdentity: {
    type: 'AssumedRole',
    arn: `arn:aws:sts::${account}:assumed-role/${role}/${session}`,
    sessionContext: { sessionIssuer: { arn: `arn:aws:iam::${account}:role/${role}`, userName: role } },
  },
  requestParameters,
  ...changes,
});
const stop = (changes: Partial<RecordedCall> = {}, role?: string, session?: string): RecordedCall =>
  call('states', 'StopExecution', { executionArn: `arn:aws:states:eu-central-1:${account}:execution:Release:1` }, changes, role, session);
const attempt = (recorded: RecordedCall) => tamperAttempt(recorded, 'later', watch);

describe('an attempt', () => {
  test('is told with who, what, when and how it ended', () => {
    expect(attempt(stop({ errorCode: 'AccessDeniedException' }))).toEqual({
      principal: `arn:aws:sts::${account}:assumed-role/Ada/session`,
      action: 'states:StopExecution',
      resource: `arn:aws:states:eu-central-1:${account}:execution:Release:1`,
      outcome: 'denied',
      errorCode: 'AccessDeniedException',
      time: '2026-03-02T10:00:00Z',
    });
    expect(attempt(stop())).toMatchObject({ outcome: 'succeeded' });
    expect(attempt(stop({ eventTime: undefined }))).toMatchObject({ time: 'later' });
  });

  test.each(PROTECTED_ACTIONS.filter(({ reach }) => reach !== 'listed').flatMap(({ service, actions, eventSource }) =>
    actions.flatMap((action) => recordedAs(service, action).map((recorded) =>
      [recorded, `${service}:${action}`, eventSource?.replace('.amazonaws.com', '') ?? service]))))('is told for %s, of %s', (recorded, name, source) => {
    expect(attempt(call(source, recorded, { name: 'x' }))).toMatchObject({ action: name });
  });

  test('to pass a role is told by what the call was refused, once', () => {
    const role = `arn:aws:iam::${account}:role/Platform-Pipeline`;
    const refused = { errorCode: 'AccessDenied', errorMessage: `User: x is not authorized to perform: iam:PassRole on resource: ${role} because …` };
    const create = call('lambda', 'CreateFunction20150331', { functionName: 'f' }, refused);
    expect(attempt(create)).toBeUndefined();
    expect(tamperAttempt(create, 'later', watch, true)).toMatchObject({ action: 'iam:PassRole', resource: role, outcome: 'denied' });
    const pipeline = call('codepipeline', 'CreatePipeline', { name: 'p' }, refused);
    expect(attempt(pipeline)).toMatchObject({ action: 'codepipeline:CreatePipeline' });
    expect(tamperAttempt(pipeline, 'later', watch, true)).toBeUndefined();
  });

  test('to take a role that deploys is told where it was refused, though the call is recorded without what it asked for', () => {
    const role = `arn:aws:iam::${account}:role/cdk-hnb659fds-deploy-role-${account}-eu-central-1`;
    const listed = { ...watch, listed: { ...watch.listed, sts: [`arn:aws:iam::${account}:role/cdk-*`] } };
    const refused = { errorCode: 'AccessDenied', errorMessage: `User: x is not authorized to perform: sts:AssumeRole on resource: ${role}`, requestParameters: null };
    expect(tamperAttempt(call('sts', 'AssumeRole', {}, refused), 'later', listed, true)).toMatchObject({ action: 'sts:AssumeRole', resource: role });
    expect(tamperAttempt(call('sts', 'AssumeRole', { roleArn: role }), 'later', listed, true)).toBeUndefined();
  });

  test('on main is told, and on other branches it is none', () => {
    const refers = (ref: string) => call('codecommit', 'GitPush', { repositoryName: 'houses', references: [{ ref }] });
    expect(attempt(refers('refs/heads/main'))).toMatchObject({ action: 'codecommit:GitPush' });
    expect(attempt(refers('refs/heads/topic'))).toBeUndefined();
    expect(attempt(call('codecommit', 'DeleteBranch', { branchName: 'main' }))).toBeDefined();
    expect(attempt(call('codecommit', 'MergeBranchesBySquash', { targetBranch: 'topic' }))).toBeUndefined();
    expect(tamperAttempt(refers('refs/heads/release'), 'later', { ...watch, branches: ['main', 'release'] })).toBeDefined();
  });

  test('that came to nothing for another reason is told as failed', () => {
    expect(attempt(stop({ errorCode: 'ExecutionDoesNotExist' }))).toMatchObject({ outcome: 'failed' });
  });

  test('is seen through the dates in the names of Lambda\'s events', () => {
    expect(attempt(call('lambda', 'UpdateFunctionCode20150331v2', { functionName: 'f' }))).toMatchObject({ action: 'lambda:UpdateFunctionCode' });
  });

  test('on what people also have of their own is told where the platform\'s is named, by name or by ARN', () => {
    expect(attempt(call('s3', 'PutBucketPolicy', { bucketName: 'artifacts' }))).toMatchObject({ action: 's3:PutBucketPolicy' });
    expect(attempt(call('s3', 'DeleteObject', { bucketName: 'x', key: 'y' }, { resources: [{ ARN: 'arn:aws:s3:::artifacts/model.tar.gz' }] })))
      .toMatchObject({ resource: 'arn:aws:s3:::artifacts/model.tar.gz' });
    expect(attempt(call('s3', 'PutBucketPolicy', { bucketName: 'somebodys' }))).toBeUndefined();
    expect(attempt(call('sns', 'DeleteTopic', { topicArn: `arn:aws:sns:eu-central-1:${account}:alerts` }))).toBeDefined();
  });

  test('on a subscription is told where it is one to the alerts', () => {
    const filters = (topic: string) => attempt(call('sns', 'SetSubscriptionAttributes', {
      subscriptionArn: `arn:aws:sns:eu-central-1:${account}:${topic}:b2c1`, attributeName: 'FilterPolicy', attributeValue: '{"none":["x"]}',
    }));
    expect(filters('alerts')).toMatchObject({ action: 'sns:SetSubscriptionAttributes', outcome: 'succeeded' });
    expect(filters('alerts-of-others')).toBeUndefined();
    expect(attempt(call('sns', 'Unsubscribe', { subscriptionArn: `arn:aws:sns:eu-central-1:${account}:alerts:b2c1` }))).toBeDefined();
  });

  test('by root and users is told like any other', () => {
    const userIdentity = { type: 'Root', arn: `arn:aws:iam::${account}:root` };
    expect(attempt(stop({ userIdentity }))).toMatchObject({ principal: `arn:aws:iam::${account}:root` });
    expect(attempt(stop({ userIdentity: {} }))).toMatchObject({ principal: 'unknown' });
  });
});

describe('no attempt', () => {
  test.each([
    ['a call that only reads', call('states', 'DescribeExecution', {})],
    ['a call of a service', stop({ userIdentity: { type: 'AWSService', invokedBy: 'states.amazonaws.com' } })],
    ['a call that a service makes by a role', stop({ userIdentity: { type: 'AssumedRole', invokedBy: 'events.amazonaws.com' } })],
    ['a rollback that an alarm starts', call('states', 'StartExecution', { stateMachineArn: `arn:aws:states:eu-central-1:${account}:stateMachine:Platform-Rollback` },
      { userIdentity: { type: 'AssumedRole', arn: `arn:aws:sts::${account}:assumed-role/Platform-EventsRole/1`, invokedBy: 'events.amazonaws.com' } })],
    ['a function of the platform at work', stop({}, 'Platform-Role', 'Platform-StopFunction')],
    ['a build of the platform at work', stop({}, 'Platform-BuildRole', 'AWSCodeBuild-1')],
    ['a deployment', call('lambda', 'UpdateFunctionCode20150331v2', { functionName: 'f' }, {}, `cdk-hnb659fds-cfn-exec-role-${account}-eu-central-1`)],
    ['a start by hand of what may be started so', call('states', 'StartExecution', { stateMachineArn: `arn:aws:states:eu-central-1:${account}:stateMachine:Data` })],
    ['what is exempt', call('states', 'StartExecution', { stateMachineArn: `arn:aws:states:eu-central-1:${account}:stateMachine:Weather` })],
  ])('is %s', (_what, recorded) => expect(attempt(recorded)).toBeUndefined());

  test('is an object that a role of the platform writes, in whatever session, or an item that it finds changed', () => {
    const write = (changes: Partial<RecordedCall>) => call('s3', 'PutObject', { bucketName: 'artifacts', key: 'k' }, { managementEvent: false, ...changes }, 'Platform-TrainingRole', 'SageMaker');
    expect(attempt(write({}))).toBeUndefined();
    expect(attempt(write({ errorCode: 'AccessDenied' }))).toBeDefined();
    const item = { managementEvent: false, errorCode: 'ConditionalCheckFailedException' };
    expect(attempt(call('dynamodb', 'UpdateItem', { tableName: 't' }, item, 'Platform-Role', 'Platform-Function'))).toBeUndefined();
  });

  test('but to edit what may be started by hand is one', () => {
    expect(attempt(call('states', 'UpdateStateMachine', { stateMachineArn: `arn:aws:states:eu-central-1:${account}:stateMachine:Data` }))).toBeDefined();
  });

  test('but a person\'s role is no machine, whatever its name, and a machine that is denied is told', () => {
    expect(attempt(stop({}, 'Platform-Scientist', 'Platform-StopFunction'))).toMatchObject({ outcome: 'succeeded' });
    expect(attempt(stop({}, 'Platform-NotebookRole', 'SageMaker'))).toMatchObject({ outcome: 'succeeded' });
    expect(attempt(stop({ errorCode: 'AccessDenied' }, 'Platform-Role', 'Platform-StopFunction'))).toMatchObject({ outcome: 'denied' });
  });
});

describe('the handler', () => {
  const bridge = mockClient(EventBridgeClient);
  const topics = mockClient(SNSClient);

  beforeEach(() => {
    process.env.WATCH = JSON.stringify(watch);
    process.env.EVENT_BUS = 'default';
    process.env.TOPIC = 'arn:topic';
    bridge.reset();
    topics.reset();
    bridge.on(PutEventsCommand).resolves({ Entries: [{ EventId: '1' }] });
    topics.on(PublishCommand).resolves({});
  });

  test('announces and tells, once', async () => {
    await handler({ time: 'T', detail: stop({ errorCode: 'AccessDenied' }) });
    const [entry] = bridge.commandCalls(PutEventsCommand)[0].args[0].input.Entries ?? [];
    expect(entry).toMatchObject({ Source: 'cdk-mlops', DetailType: 'TamperAttempt' });
    const messages = topics.commandCalls(PublishCommand).map(({ args }) => args[0].input);
    expect(messages).toEqual([expect.objectContaining({
      TopicArn: 'arn:topic',
      Subject: 'Tamper attempt denied: states:StopExecution',
      Message: `arn:aws:sts::${account}:assumed-role/Ada/session tried states:StopExecution on arn:aws:states:eu-central-1:${account}:execution:Release:1 `
        + 'at 2026-03-02T10:00:00Z. It was denied (AccessDenied).',
    })]);
  });

  test('is silent about what is no attempt, and tells nobody where there is no topic', async () => {
    expect(await handler({ time: 'T', detail: stop({}, 'Platform-X', 'Platform-X') })).toBeNull();
    delete process.env.TOPIC;
    await handler({ time: 'T', detail: stop() });
    expect(bridge.commandCalls(PutEventsCommand)).toHaveLength(1);
    expect(topics.commandCalls(PublishCommand)).toHaveLength(0);
  });

  test('fails where the bus does not take the event, so that it is tried again', async () => {
    bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'Throttled' }] });
    await expect(handler({ time: 'T', detail: stop() })).rejects.toThrow('Throttled');
  });
});

describe('the rules', () => {
  const stack = new Stack(new App(), 'Stack', { stackName: 'a-stack-with-quite-a-long-name', env: { account, region: 'eu-central-1' } });
  const protection = new PipelineProtection(stack, 'Protection', { alerts: sns.Topic.fromTopicArn(stack, 'Alerts', `arn:aws:sns:eu-central-1:${account}:alerts`) });
  protection.protectAgainst(iam.Role.fromRoleName(stack, 'Ada', 'ada'));
  protection.protectAgainst(new iam.Role(stack, 'Notebook', { assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com') }));
  const template = Template.fromStack(stack);
  const patterns = Object.values(template.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties.EventPattern);

  test('see every protected action, in patterns that EventBridge takes', () => {
    const sees = (source: string, action: string): boolean => patterns.some(({ detail }: { detail: Detail }) =>
      detail.eventSource?.includes(source) && detail.eventName.some((name) => typeof name === 'string' ? name === action : action.startsWith(name.prefix)));
    const unseen = PROTECTED_ACTIONS.filter(({ quiet }) => quiet !== true).flatMap((set) => recordedNames(set)
      .filter((name) => !sees(set.eventSource ?? `${set.service}.amazonaws.com`, name)).map((name) => `${set.service}:${name}`));
    expect(unseen).toEqual([]);
    expect(patterns.filter(({ detail }) => detail.errorMessage !== undefined)).toHaveLength(1);
    for (const pattern of patterns) expect(JSON.stringify(pattern).length).toBeLessThanOrEqual(4096);
  });

  test('come with a watch that knows people from machines', () => {
    const functions = Object.values(template.findResources('AWS::Lambda::Function')).filter(({ Properties }) => Properties.Environment !== undefined);
    const { WATCH } = functions[0].Properties.Environment.Variables as { WATCH: string | { 'Fn::Join': [string, unknown[]] } };
    const text = typeof WATCH === 'string' ? WATCH : WATCH['Fn::Join'][1].map((part) => typeof part === 'string' ? part : 'aws').join('');
    expect(JSON.parse(text)).toEqual({
      listed: expect.objectContaining({ sns: [`arn:aws:sns:eu-central-1:${account}:alerts`] }),
      exempt: [],
      startable: [],
      machines: ['a-stack-with-quite-a*'],
      trusted: ['cdk-*-cfn-exec-role-*'],
      people: ['ada'],
      branches: ['main'],
    });
  });
});
