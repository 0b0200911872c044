import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import { ModelRegistryVersioning } from '../../src/registry/model-registry-versioning';
import { CanaryRelease } from '../../src/release/canary-release';
import { ReleaseWorkflow, ReleaseWorkflowProps } from '../../src/release/release-workflow';
import { ModelEndpoint, ModelEndpointProps } from '../../src/serving/model-endpoint';
import { ShadowStaging } from '../../src/staging/shadow-staging';
import { synthesizeUnderNag } from '../support/nag';

const alarmOf = (stack: Stack, id: string): cloudwatch.IAlarm =>
  cloudwatch.Alarm.fromAlarmArn(stack, id, `arn:aws:cloudwatch:eu-central-1:111122223333:alarm:${id}`);

function build(stack: Stack, props: Partial<ReleaseWorkflowProps> = {}, endpointProps: ModelEndpointProps = {}): ReleaseWorkflow {
  const registry = new ModelRegistryVersioning(stack, 'Registry', { modelName: 'Temperature' });
  const endpoint = new ModelEndpoint(stack, 'Endpoint', { endpointName: 'temperature', ...endpointProps });
  return new ReleaseWorkflow(stack, 'Releases', {
    registry, staging: new ShadowStaging(stack, 'Staging', { endpoint, registry }), release: new CanaryRelease(stack, 'Release', { endpoint, registry }), ...props,
  });
}

const newStack = () => new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });

test('cdk-nag finds nothing that is not acknowledged, with a registry and an endpoint of the same stack', () => {
  expect(() => synthesizeUnderNag((stack) => { build(stack, { rollbackAlarms: [alarmOf(stack, 'Crash')] }); })).not.toThrow();
});

test('each rollback alarm starts the rollback when it begins to fire, and nobody else may', () => {
  const stack = newStack();
  const releases = build(stack, { rollbackAlarms: [alarmOf(stack, 'Crash')] });
  releases.addRollbackAlarm(alarmOf(stack, 'Quality'));
  const rollback = stack.resolve(releases.rollback.stateMachineArn) as object;
  const before = Template.fromStack(stack);
  for (const name of ['Crash', 'Quality']) {
    before.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        'source': ['aws.cloudwatch'],
        'detail-type': ['CloudWatch Alarm State Change'],
        'resources': [`arn:aws:cloudwatch:eu-central-1:111122223333:alarm:${name}`],
        'detail': { state: { value: ['ALARM'] } },
      },
      Targets: [Match.objectLike({ Arn: rollback, InputTransformer: Match.objectLike({ InputPathsMap: Match.objectLike({ time: '$.time' }) }) })],
    });
  }
  const starters = Object.values(before.findResources('AWS::IAM::Policy', {
    Properties: { PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Action: 'states:StartExecution', Resource: rollback })]) } },
  }));
  // the rules' own role
  expect(starters.every(({ Properties }) => /EventsRole/.test(JSON.stringify((Properties as { Roles: object }).Roles)))).toBe(true);
});

test('the door for a person is opened by name only', () => {
  const stack = newStack();
  const releases = build(stack);
  const operator = new iam.Role(stack, 'Operator', { assumedBy: new iam.AccountRootPrincipal() });
  releases.grantRollback(operator);
  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
    Roles: [{ Ref: stack.getLogicalId(operator.node.defaultChild as iam.CfnRole) }],
    PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'states:StartExecution', Resource: stack.resolve(releases.rollback.stateMachineArn) as object }] },
  });
});

test('model data and images are guarded by policies of their own', () => {
  const stack = newStack();
  build(stack);
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::S3::BucketPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Sid: 'OnlyRetentionDeletes', Effect: 'Deny', Action: 's3:DeleteObject', Condition: { ArnNotEquals: { 'aws:PrincipalArn': Match.anyValue() } } }),
        Match.objectLike({ Sid: 'NobodyDeletesVersions', Effect: 'Deny', Action: 's3:DeleteObjectVersion' }),
      ]),
    },
  });
  template.hasResourceProperties('AWS::ECR::Repository', {
    RepositoryPolicyText: { Statement: [Match.objectLike({ Effect: 'Deny', Action: 'ecr:BatchDeleteImage', Condition: { ArnNotEquals: { 'aws:PrincipalArn': Match.anyValue() } } })] },
  });
});

test('a registry of another stack is used as it is', () => {
  const app = new App();
  const registry = new ModelRegistryVersioning(new Stack(app, 'Models'), 'Registry', { modelName: 'Temperature' });
  const stack = new Stack(app, 'Serving');
  const endpoint = new ModelEndpoint(stack, 'Endpoint', { endpointName: 'temperature' });
  new ReleaseWorkflow(stack, 'Releases', { registry, staging: new ShadowStaging(stack, 'Staging', { endpoint, registry }), release: new CanaryRelease(stack, 'Release', { endpoint, registry }) });
  expect(() => app.synth()).not.toThrow();
});

test.each([0, 11, 1.5])('fails to keep %p releases, and on too many alarms, in one error', (keep) => {
  const stack = newStack();
  expect(() => build(stack, { keep, rollbackAlarms: Array.from({ length: 21 }, (_, i) => alarmOf(stack, `A${i}`)) }))
    .toThrow(new RegExp(`keep must be a whole number of 1 to 10, got ${keep}[^]*rollbackAlarms must be at most 20 alarms, got 21`));
});

describe('when the stack is deleted', () => {
  test('rules go first, then the clean-up, then what it stops', () => {
    const stack = newStack();
    build(stack, { rollbackAlarms: [alarmOf(stack, 'Crash')] });
    const template = Template.fromStack(stack);
    const [[cleanup, { Properties, DeletionPolicy }]] = Object.entries(template.findResources('Custom::MlopsEndpointCleanup'));
    expect(DeletionPolicy).toBe('Delete');
    const machines = (Properties as { StateMachineArns: { Ref: string }[] }).StateMachineArns.map(({ Ref }) => Ref);
    expect(machines.map((id) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual(['Release', 'Releases', 'ReleasesRecovery', 'ReleasesRollback', 'Staging']);
    const rules = Object.entries(template.findResources('AWS::Events::Rule')).filter(([id]) => id.startsWith('Releases'));
    expect(rules.length).toBeGreaterThanOrEqual(5);
    for (const [, { DependsOn }] of rules) expect(DependsOn).toContain(cleanup);
  });

  test('the endpoint stays where that is wanted', () => {
    const stack = newStack();
    build(stack, {}, { endpointRemovalPolicy: RemovalPolicy.RETAIN });
    Template.fromStack(stack).hasResource('Custom::MlopsEndpointCleanup', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });
});
