import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Alerts } from '../../src/access/alerts';
import { BreakGlass, BreakGlassOptions } from '../../src/access/break-glass';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { synthesizeUnderNag } from '../support/nag';

const build = (options: (stack: Stack) => BreakGlassOptions = () => ({}), stack = new Stack(new App(), 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } })): BreakGlass =>
  new BreakGlass(stack, 'BreakGlass', {
    ...options(stack),
    protection: new PipelineProtection(stack, 'Protection', { policyNamePrefix: 'mlops' }),
    alerts: new Alerts(stack, 'Alerts').topic,
  });

const template = (options?: (stack: Stack) => BreakGlassOptions): Template => Template.fromStack(Stack.of(build(options)));

test('a new role needs a second factor of just now, lasts an hour, and is not kept from touching runs', () => {
  const made = template();
  made.hasResourceProperties('AWS::IAM::Role', {
    MaxSessionDuration: 3600,
    AssumeRolePolicyDocument: {
      Statement: [Match.objectLike({ Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' }, StringEquals: { 'sts:RoleSessionName': '${aws:username}' }, NumericLessThan: { 'aws:MultiFactorAuthAge': '900' } } })],
    },
  });
  const attached = Object.entries(made.findResources('AWS::IAM::ManagedPolicy')).filter(([, { Properties }]) => JSON.stringify(Properties.Roles ?? '').includes('BreakGlassRole'));
  expect(attached.map(([id]) => id)).toEqual([expect.stringMatching(/^BreakGlassPolicies/)]);
});

test('it repairs the infrastructure, and writes no data, code, evidence or policy', () => {
  const [own] = Object.entries(template().findResources('AWS::IAM::ManagedPolicy')).filter(([id]) => id.startsWith('BreakGlass'));
  const actions = (own[1].Properties.PolicyDocument.Statement as { Action: string | string[] }[]).flatMap(({ Action }) => Action);
  expect(actions).toEqual(expect.arrayContaining(['codepipeline:RetryStageExecution', 'states:RedriveExecution', 'cloudformation:ContinueUpdateRollback']));
  expect(actions.filter((action) => /^(s3|iam|dynamodb|codecommit|ecr|logs|cloudtrail|lambda|athena|firehose):/.test(action) && !/:(Get|List|Describe|Filter)/.test(action))).toEqual([]);
  expect(actions.filter((action) => action.includes('*'))).toEqual([]);
});

test('it opens messages of queues, and nothing else that is encrypted', () => {
  const [[, own]] = Object.entries(template().findResources('AWS::IAM::ManagedPolicy')).filter(([id]) => id.startsWith('BreakGlass'));
  const statements = own.Properties.PolicyDocument.Statement as { Action: string | string[]; Condition?: object }[];
  expect(statements.filter(({ Action }) => JSON.stringify(Action).includes('kms:'))).toEqual([
    expect.objectContaining({ Action: 'kms:Decrypt', Condition: { StringEquals: { 'kms:ViaService': expect.anything() } } }),
  ]);
});

test('each session is told, also one that is refused', () => {
  const made = template();
  const detail = (more: object) => ({
    State: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS',
    EventPattern: { detail: { eventSource: ['sts.amazonaws.com'], eventName: ['AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity'], ...more } },
    Targets: [Match.objectLike({ Arn: { Ref: Match.stringLikeRegexp('^AlertsTopic') } })],
  });
  made.hasResourceProperties('AWS::Events::Rule', detail({ requestParameters: { roleArn: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^BreakGlassRole'), 'Arn'] }] } }));
  made.hasResourceProperties('AWS::Events::Rule', detail({ requestParameters: { roleArn: [{ exists: false }] }, errorMessage: Match.anyValue() }));
});

test('a permission set is watched by the names of its roles, and gets a policy by its name', () => {
  const breakGlass = build(() => ({ permissionSetName: 'MlopsBreakGlass' }));
  expect(breakGlass.role).toBeUndefined();
  expect(breakGlass.policies.references).toEqual([{ name: 'mlops-BreakGlass', path: '/' }]);
  Template.fromStack(Stack.of(breakGlass)).hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { detail: { requestParameters: { roleArn: [{ wildcard: '*/AWSReservedSSO_MlopsBreakGlass_*' }] } } },
  });
});

test('an existing role gets the policy from its side', () => {
  template((stack) => ({ role: iam.Role.fromRoleName(stack, 'Existing', 'emergency') }))
    .hasResourceProperties('AWS::IAM::ManagedPolicy', { ManagedPolicyName: 'mlops-BreakGlass', Roles: ['emergency'] });
});

test('fails on what does not go together, in one error', () => {
  expect(() => build((stack) => ({ role: iam.Role.fromRoleName(stack, 'Existing', 'emergency'), permissionSetName: 'a b', path: '/x/' })))
    .toThrow(/1\. role and permissionSetName were both given[^]*2\. assumedBy[^]*3\. permissionSetName must have/);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => build(undefined, stack))).not.toThrow();
});
