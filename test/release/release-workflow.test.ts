import { App, Stack } from 'aws-cdk-lib';
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
    for (const type of ['ModelRegistered', 'ReleaseDue']) {
      template.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: { 'source': ['cdk-mlops'], 'detail-type': [type], 'detail': { model: ['Temperature'] } },
        Targets: [Match.objectLike({ InputPath: '$.detail' })],
      });
    }
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { 'source': ['aws.states'], 'detail-type': ['Step Functions Execution Status Change'], 'detail': { status: ['FAILED', 'TIMED_OUT', 'ABORTED'] } },
    });
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
