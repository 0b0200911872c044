import * as path from 'path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Candidate, createModelRequest } from '../../src/staging/hosting-plan';
import { hostingSettings } from '../../src/staging/workflow';
import { synthesizeUnderNag } from '../support/nag';
import { DataScript, DataSource, MlopsPlatform, ModelSource, WorkbenchNetwork } from 'cdk-mlops';

const script = DataScript.fromAsset(path.join(__dirname, '../../examples/regression-platform/pipelines/weather.py'));

function modelOf(stack: Stack, within: boolean) {
  const platform = new MlopsPlatform(stack, 'Mlops');
  const { dataset } = platform.addDataPipeline('Weather', { source: DataSource.upload(), script, target: 'temp_in_24h', timeColumn: 'time_hour' });
  const network = within ? new WorkbenchNetwork(stack, 'Network', { zones: 2 }) : undefined;
  return { network, model: platform.addModel('Temperature', { source: ModelSource.codeCommit(), dataset, network }) };
}

/** What the state machines of a model say of the network of jobs. */
function jobsOf(template: Template): string[] {
  const definitions = Object.values(template.findResources('AWS::StepFunctions::StateMachine')).map((machine) => JSON.stringify(machine.Properties.DefinitionString));
  return definitions.filter((definition) => definition.includes('createTrainingJob'));
}

interface Statement { readonly Action: string | string[]; readonly Condition?: object }

describe('a model in a network that was asked for', () => {
  const stack = new Stack(new App(), 'Test', { env: { account: '111122223333', region: 'eu-central-1' } });
  stack.node.setContext('availability-zones:account=111122223333:region=eu-central-1', ['a', 'b']);
  const { network, model } = modelOf(stack, true);
  const template = Template.fromStack(model.stack);

  test('has its jobs there, whose containers still reach nothing', () => {
    const [definition] = jobsOf(template);
    expect(definition.match(/VpcConfig/g)).toHaveLength(definition.match(/create(Training|Processing)Job\.sync/g)!.length);
    expect(definition.match(/EnableNetworkIsolation\\*":true/g)).toHaveLength(definition.match(/VpcConfig/g)!.length);
  });

  test('has its models there, whose containers still reach nothing', () => {
    const settings = hostingSettings(model.endpoint);
    expect(createModelRequest({ containers: [{ Image: 'a' }] } as unknown as Candidate, 'm', settings)).toMatchObject({
      EnableNetworkIsolation: true,
      VpcConfig: { Subnets: network!.subnets.map(({ subnetId }) => subnetId), SecurityGroupIds: [network!.securityGroup.securityGroupId] },
    });
  });

  test('may make network interfaces there, and nowhere else', () => {
    const statements = Object.values(template.findResources('AWS::IAM::Role'))
      .flatMap(({ Properties }) => (Properties.Policies ?? []) as { PolicyDocument: { Statement: Statement[] } }[])
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
      .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('ec2:')));
    // of the jobs and of the models
    expect(statements).toHaveLength(6);
    for (const { Condition } of statements.filter(({ Action }) => [Action].flat().includes('ec2:DeleteNetworkInterface'))) expect(Condition).toHaveProperty('ArnEquals');
  });

  test('makes no endpoint but the gateway to S3', () => {
    const endpoints = Object.values(Template.fromStack(stack).findResources('AWS::EC2::VPCEndpoint'));
    expect(endpoints.map(({ Properties }) => Properties.VpcEndpointType)).toEqual(['Gateway']);
  });
});

test('without one, nothing says a word of a network', () => {
  const { model } = modelOf(new Stack(new App(), 'Test'), false);
  const [definition] = jobsOf(Template.fromStack(model.stack));
  expect(definition).toContain('EnableNetworkIsolation');
  expect(definition).not.toContain('VpcConfig');
  expect(hostingSettings(model.endpoint)).not.toHaveProperty('vpcConfig');
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => { modelOf(stack, true); })).not.toThrow();
});
