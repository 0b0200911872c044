import { Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { importedDataset, importedRegistry, newStack } from './fixtures';
import { QualityGate } from '../../src/training/quality-gate';
import { QualityMetric } from '../../src/training/quality-metric';
import { TrainingWorkflow, TrainingWorkflowProps } from '../../src/training/training-workflow';
import { synthesizeUnderNag } from '../support/nag';

type Options = Partial<TrainingWorkflowProps>;

function workflow(options: Options = {}): { stack: Stack; training: TrainingWorkflow } {
  const stack = newStack();
  const registry = importedRegistry(stack);
  return { stack, training: new TrainingWorkflow(stack, 'Training', { dataset: importedDataset(stack), registry, ...options }) };
}

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Parameters?: Record<string, unknown>;
  readonly Retry?: unknown[];
  readonly Catch?: { readonly ErrorEquals: string[]; readonly Next: string }[];
}

function statesOf(stack: Stack): Record<string, State> {
  const [machine] = Object.values(Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine'));
  const definition: unknown = machine.Properties.DefinitionString;
  const text = typeof definition === 'string'
    ? definition
    : (definition as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1].map((part) => typeof part === 'string' ? part : 'TOKEN').join('');
  return (JSON.parse(text) as { States: Record<string, State> }).States;
}

test('every task tries again after transient errors and catches the rest', () => {
  const tasks = Object.entries(statesOf(workflow().stack)).filter(([, state]) => state.Type === 'Task');
  expect(tasks.length).toBeGreaterThanOrEqual(8);
  for (const [name, state] of tasks) {
    expect([name, state.Retry?.length]).toEqual([name, 1]);
    expect([name, state.Catch?.map((each) => each.ErrorEquals)]).toEqual([name, [['States.ALL']]]);
  }
});

test('jobs are isolated from every network, encrypted, and named after the run', () => {
  const states = statesOf(workflow().stack);
  const key = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555';
  expect(states.Train.Parameters).toMatchObject({
    'TrainingJobName.$': "States.Format('{}-t{}', $.jobName, $$.State.RetryCount)",
    'EnableNetworkIsolation': true,
    'OutputDataConfig': { KmsKeyId: key },
    'ResourceConfig': { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 30, VolumeKmsKeyId: key },
    'StoppingCondition': { MaxRuntimeInSeconds: 14_400 },
  });
  for (const name of ['EvaluateChallenger', 'EvaluateChampion']) {
    expect(states[name].Parameters).toMatchObject({
      NetworkConfig: { EnableNetworkIsolation: true },
      ProcessingOutputConfig: { KmsKeyId: key },
      ProcessingResources: { ClusterConfig: { VolumeKmsKeyId: key } },
    });
  }
});

test('champion and challenger are evaluated on the same holdout', () => {
  const states = statesOf(workflow().stack);
  const inputs = (name: string): unknown => (states[name].Parameters?.ProcessingInputs as { InputName: string; S3Input: Record<string, string> }[])
    .find((input) => input.InputName === 'holdout')?.S3Input['S3Uri.$'];
  expect(inputs('EvaluateChallenger')).toBe('$.holdoutUri');
  expect(inputs('EvaluateChampion')).toBe('$.holdoutUri');
});

test('no key is asked for where the instance encrypts its own disks', () => {
  const { stack } = workflow({ training: { instanceType: 'ml.g5.xlarge', volumeSizeGiB: 100, maxRuntime: Duration.hours(1) } });
  expect(statesOf(stack).Train.Parameters?.ResourceConfig).toEqual({ InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 100 });
});

test('a new dataset version starts a run', () => {
  Template.fromStack(workflow().stack).hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { 'source': ['cdk-mlops'], 'detail-type': ['DatasetPublished'], 'detail': { dataset: ['Weather'] } },
    Targets: [Match.objectLike({ InputTransformer: { InputPathsMap: { 'detail-version': '$.detail.version' }, InputTemplate: '{"dataset":<detail-version>}' } })],
  });
});

test('only merges start a run where automatic revisions are switched off', () => {
  Template.fromStack(workflow({ retrainOnNewData: false }).stack).resourceCountIs('AWS::Events::Rule', 0);
});

test('the gate judges by its rules', () => {
  const limits = [QualityMetric.RMSE.atMost(9), QualityMetric.R2.atLeast(0.1)];
  const gate = new QualityGate({ limits, maxRegressionPercent: 2, comparedBy: QualityMetric.MAE });
  Template.fromStack(workflow({ gate }).stack).hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { RULES: '{"limits":[{"metric":"rmse","atMost":9},{"metric":"r2","atLeast":0.1}],"notWorseThanChampion":{"metric":"mae","percent":2}}' } },
  });
});

test('the champion may be missed by 5 % of its RMSE by default', () => {
  Template.fromStack(workflow().stack).hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { RULES: '{"limits":[],"notWorseThanChampion":{"metric":"rmse","percent":5}}' } },
  });
});

test('jobs may be started and passed their role, and nothing else of SageMaker', () => {
  const policies = Object.values(Template.fromStack(workflow().stack).findResources('AWS::IAM::Policy'));
  const statements = policies.flatMap((policy) => policy.Properties.PolicyDocument.Statement as { Action: string | string[] }[]);
  const actions = statements.flatMap((statement) => statement.Action).filter((action) => action.startsWith('sagemaker:') || action === 'iam:PassRole');
  expect([...new Set(actions)].sort()).toEqual([
    'iam:PassRole', 'sagemaker:AddTags', 'sagemaker:CreateProcessingJob', 'sagemaker:CreateTrainingJob', 'sagemaker:DescribeProcessingJob',
    'sagemaker:DescribeTrainingJob', 'sagemaker:StopProcessingJob', 'sagemaker:StopTrainingJob',
  ]);
});

test('fails on bad props with all problems in one error', () => {
  const build = (): unknown => workflow({
    training: { instanceType: 'm5.large', volumeSizeGiB: 0 },
    evaluation: { maxRuntime: Duration.days(6) },
    gate: new QualityGate({ limits: [QualityMetric.RMSE.atMost(-1)] }),
  });
  expect(build).toThrow(/Test\/Training: [^]*training\.instanceType[^]*'m5\.large'[^]*volumeSizeGiB[^]*evaluation\.maxRuntime[^]*RMSE/);
});

test.each([{}, { retrainOnNewData: false, training: { instanceType: 'ml.p5.48xlarge' } }])('nothing is unacknowledged with %j', (options: Options) => {
  synthesizeUnderNag((stack) => {
    new TrainingWorkflow(stack, 'Training', { dataset: importedDataset(stack), registry: importedRegistry(stack), ...options });
  });
});
