import { Duration, Stack, App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { importedEndpoint, importedRegistry } from './imported';
import { ShadowStaging, ShadowStagingProps } from '../../src/staging/shadow-staging';
import { synthesizeUnderNag } from '../support/nag';

const make = (props: Partial<ShadowStagingProps> = {}, endpointName = 'temperature') => {
  const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
  new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack, { endpointName }), ...props });
  return Template.fromStack(stack);
};

describe('ShadowStaging', () => {
  test('is one state machine with three functions, logged and traced', () => {
    const template = make();
    template.resourceCountIs('AWS::Lambda::Function', 3);
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true }, TracingConfiguration: { Enabled: true },
    });
  });

  test('cdk-nag finds nothing that is not acknowledged', () => {
    expect(() => synthesizeUnderNag((stack) => new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack) }))).not.toThrow();
  });

  test('its deployer may update this endpoint only, and pass the models\' role to SageMaker only', () => {
    const template = make();
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'iam:PassRole',
            Resource: 'arn:aws:iam::111122223333:role/model',
            Condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
          }),
        ]),
      },
    });
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap((policy): { Action: string | string[]; Resource: unknown }[] =>
      policy.Properties.PolicyDocument.Statement);
    const updates = statements.filter((statement) => JSON.stringify(statement.Action).includes('sagemaker:UpdateEndpoint'));
    expect(updates).toHaveLength(1);
    expect(JSON.stringify(updates[0].Resource)).toContain(':endpoint/temperature"');
  });

  test('fails with everything that is wrong in one error', () => {
    const build = () => make({
      samplingPercentage: 101,
      window: Duration.days(91),
      evaluateEvery: Duration.minutes(1),
      minSamples: 0,
      tolerance: -1,
      alpha: 0.5,
      labelDelay: Duration.days(100),
      blockLength: Duration.hours(120),
      maxErrorRate: 1,
      maxLatencyP95: Duration.millis(0),
    }, 'not_a_name');
    const problems = [
      'tolerance must be 0 to 1', 'alpha must be', 'minSamples must be', 'not_a_name', 'samplingPercentage must be above 0 and at most 100, got 101',
      'window must be 1 hour to 90 days, got 2184 hours', 'evaluateEvery must be at least 5 minutes', 'at most 1000 looks', 'labelDelay must be shorter',
      '20 blocks of 120 hours', 'maxErrorRate', 'maxLatencyP95',
    ];
    for (const problem of problems) expect(build).toThrow(problem);
  });

  test.each<[string, Partial<ShadowStagingProps>]>([
    ['sampling of 1 %', { samplingPercentage: 1 }],
    ['sampling of 100 %', { samplingPercentage: 100 }],
    ['a window of 90 days', { window: Duration.days(90) }],
    ['1000 looks', { window: Duration.hours(1000), evaluateEvery: Duration.hours(1) }],
    ['20 blocks that just fit', { window: Duration.hours(44), blockLength: Duration.hours(1) }],
  ])('takes %s', (_, props) => {
    expect(() => make(props)).not.toThrow();
  });

  test('fails where 20 blocks do not fit by one hour', () => {
    expect(() => make({ window: Duration.hours(43), blockLength: Duration.hours(1) })).toThrow('do not fit into the window of 43 hours');
  });

  test('scopes packages to the registry where one is given', () => {
    const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
    new ShadowStaging(stack, 'Staging', { endpoint: importedEndpoint(stack), registry: importedRegistry(stack) });
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    expect(text).toContain(':model-package/temperature/*');
    expect(text).not.toContain(':model-package/*');
  });
});
