import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { CanaryRelease } from '../../src/release/canary-release';
import { ReleaseWorkflow } from '../../src/release/release-workflow';
import { ShadowStaging } from '../../src/staging/shadow-staging';
import { importedEndpoint, importedRegistry } from '../staging/imported';
import { synthesizeUnderNag } from '../support/nag';

const build = (stack: Stack) => {
  const registry = importedRegistry(stack);
  const endpoint = importedEndpoint(stack);
  return new ReleaseWorkflow(stack, 'Releases', {
    registry, staging: new ShadowStaging(stack, 'Staging', { endpoint, registry }), release: new CanaryRelease(stack, 'Release', { endpoint, registry }),
  });
};
const make = () => {
  const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
  build(stack);
  return Template.fromStack(stack);
};

describe('ReleaseWorkflow', () => {
  test('cdk-nag finds nothing that is not acknowledged', () => {
    expect(() => synthesizeUnderNag(build)).not.toThrow();
  });

  test('starts on versions of its model, on its turn, and recovers what did not end by itself', () => {
    const template = make();
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { 'source': ['cdk-mlops'], 'detail-type': ['ModelRegistered', 'ReleaseDue'], 'detail': { model: ['Temperature'] } },
      Targets: [Match.objectLike({ InputPath: '$.detail' })],
    });
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { 'source': ['aws.states'], 'detail-type': ['Step Functions Execution Status Change'], 'detail': { status: ['FAILED', 'TIMED_OUT', 'ABORTED'] } },
    });
  });

  test('looks every six hours whether releases go on, and hears of recoveries that ended otherwise', () => {
    const template = make();
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(6 hours)' });
    expect(Object.keys(template.findResources('AWS::Events::Rule', {
      Properties: { EventPattern: { detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'] } } },
    })).length).toBeGreaterThanOrEqual(2);
  });

  test('lets what changes the endpoint read the slot, and nothing else of the ledger', () => {
    const template = make();
    const changers = /^(StagingDeployer|ReleaseDeployer|ReleaseGuard|ReleasesRecoveryDeployer)/;
    const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) => changers.test(id));
    expect(policies).toHaveLength(4);
    for (const [, { Properties: { PolicyDocument: { Statement } } }] of policies) {
      const onTable = (Statement as { Action: string | string[]; Condition?: object }[])
        .filter(({ Action }) => [Action].flat().some((each) => each.startsWith('dynamodb:')));
      expect(onTable).toEqual([expect.objectContaining({
        Action: 'dynamodb:GetItem', Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['RELEASE'] } },
      })]);
    }
  });

  test('gives every state machine a timeout that follows from what it may wait for', () => {
    const timeouts = Object.entries(make().findResources('AWS::StepFunctions::StateMachine')).map(([id, { Properties }]) => {
      const text = JSON.stringify(Properties.DefinitionString);
      // the machine's own timeout comes after its states
      return [id.replace(/[0-9A-F]{8}$/, ''), Number(text.split('\\"TimeoutSeconds\\":').at(-1)?.match(/^\d+/)?.[0]) / 3600] as const;
    });
    const of = (name: string) => timeouts.find(([id]) => id === name)![1];
    // 30 days of comparison, looked at every 6 hours, and nine times ten hours for an endpoint to settle
    expect(of('Staging')).toBe(30 * 24 + 6 + 90);
    expect(of('Release')).toBeGreaterThan(70);
    expect(of('Release')).toBeLessThan(100);
    expect(of('ReleasesRecovery')).toBe(100);
    expect(of('Releases')).toBeGreaterThan(of('Staging') + of('Release') + of('ReleasesRecovery'));
  });

  test.each([[Duration.minutes(4), '4'], [Duration.days(2), '2880'], [Duration.seconds(330), '5.5']])('refuses to look every %s', (reconcileEvery, got) => {
    const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
    const registry = importedRegistry(stack);
    const endpoint = importedEndpoint(stack);
    const [staging, release] = [new ShadowStaging(stack, 'Staging', { endpoint, registry }), new CanaryRelease(stack, 'Release', { endpoint, registry })];
    expect(() => new ReleaseWorkflow(stack, 'Releases', { registry, staging, release, reconcileEvery }))
      .toThrow(`reconcileEvery must be 5 minutes to 1 day in whole minutes, got ${got} minutes`);
  });

  test('fails where staging and release are for two endpoints', () => {
    const stack = new Stack(new App(), 'Stack');
    const registry = importedRegistry(stack);
    const release = new CanaryRelease(stack, 'Release', { endpoint: importedEndpoint(stack) });
    const other = importedEndpoint(new Stack(stack, 'Other'));
    expect(() => new ReleaseWorkflow(stack, 'Releases', { registry, release, staging: new ShadowStaging(stack, 'Staging', { endpoint: other }) }))
      .toThrow('staging and release must be for the same endpoint, got Stack/Other/Endpoint and Stack/Endpoint');
  });
});
