import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { GlobalEvents } from '../../src/access/global-events';
import { synthesizeUnderNag } from '../support/nag';

const stackIn = (region: string): Stack => new Stack(new App(), 'Global', { env: { account: '111122223333', region } });

test('calls to IAM and STS go to the platform\'s bus in its region', () => {
  const stack = stackIn('us-east-1');
  new GlobalEvents(stack, 'Events', { region: 'eu-central-1' });
  const template = Template.fromStack(stack);
  const bus = { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':events:eu-central-1:111122223333:event-bus/default']] };
  template.hasResourceProperties('AWS::Events::Rule', {
    State: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS',
    EventPattern: { detail: { eventSource: ['sts.amazonaws.com'], eventName: [{ prefix: 'AssumeRole' }] } },
    Targets: [{ Arn: bus }],
  });
  template.hasResourceProperties('AWS::Events::Rule', { EventPattern: { detail: { eventSource: ['iam.amazonaws.com'] } }, Targets: [{ Arn: bus }] });
  template.hasResourceProperties('AWS::IAM::Policy', { PolicyDocument: { Statement: [{ Action: 'events:PutEvents', Effect: 'Allow', Resource: bus }] } });
});

test('fails where there is nothing to forward, in one error', () => {
  expect(() => new GlobalEvents(stackIn('eu-central-1'), 'Events', { region: 'us-east-1' })).toThrow(/1\. the stack must be in us-east-1[^]*2\. region must be the platform's/);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const global = new Stack(stack, 'Global', { env: { account: '111122223333', region: 'us-east-1' } });
    new GlobalEvents(global, 'Events', { region: 'eu-central-1' });
  })).not.toThrow();
});
