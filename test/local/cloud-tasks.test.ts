import { aws_stepfunctions as sfn } from 'aws-cdk-lib';
import { Clouds, START } from './cloud-support';
import { StepFunctions } from '../../examples/local/cloud/step-functions';
import { AwsError, Call, Cloud, JsonObject, Service, StandIn } from '../../examples/local/cloud/types';

const clouds = new Clouds();
afterAll(() => clouds.stop());

/** Jobs that end after a time of the local clock, as their names say. */
class Jobs implements StandIn {
  readonly describes = [];
  readonly services: Service[] = [{ scopes: ['sagemaker', 'athena', 'glue'], handle: (call) => this.handle(call) }];
  readonly calls: string[] = [];
  private readonly started = new Map<string, number>();
  private cloud!: Cloud;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  private async handle({ operation, input, principal }: Call): Promise<JsonObject> {
    this.calls.push(operation);
    const id = String(input.TrainingJobName ?? input.ProcessingJobName ?? input.QueryExecutionId ?? input.RunId ?? 'made-30s');
    if (id === 'invalid') throw new AwsError('ValidationException', 'no such thing');
    if (id === 'full') throw new AwsError('ResourceLimitExceeded', 'no more');
    if (/^(Create|Start)/.test(operation)) this.started.set(id, this.cloud.clock.now().getTime());
    const ended = this.cloud.clock.now().getTime() - (this.started.get(id) ?? 0) >= 30_000;
    const status = !ended ? 'InProgress' : id.startsWith('bad') ? 'Failed' : 'Completed';
    if (operation.startsWith('Create')) return { TrainingJobArn: `arn:${principal.name}` };
    if (operation === 'StartQueryExecution') return { QueryExecutionId: 'made-30s' };
    if (operation === 'StartJobRun') return { JobRunId: 'made-30s' };
    if (operation === 'GetQueryExecution') return { QueryExecution: { Status: { State: ended ? 'SUCCEEDED' : 'RUNNING' } } };
    if (operation === 'GetJobRun') return { JobRun: { Id: id, JobRunState: ended ? 'FAILED' : 'RUNNING', ErrorMessage: 'broken rows' } };
    return { TrainingJobName: id, TrainingJobStatus: status, CreationTime: START.getTime() / 1000, FailureReason: 'exit code 1' };
  }
}

const task = (resource: string, parameters: object) => ({
  StartAt: 'Do',
  States: {
    Do: { Type: 'Task', Resource: `arn:aws:states:::${resource}`, Parameters: parameters, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }], Next: 'Done' },
    Caught: { Type: 'Succeed' },
    Done: { Type: 'Succeed' },
  },
});

test('tasks wait for jobs on the clock, fail as Step Functions does, and stop what an aborted execution has started', async () => {
  const definitions: Record<string, object> = {
    train: task('sagemaker:createTrainingJob.sync', { TrainingJobName: 'good' }),
    crash: task('sagemaker:createTrainingJob.sync', { TrainingJobName: 'bad' }),
    abort: task('sagemaker:createTrainingJob.sync', { TrainingJobName: 'long' }),
    invalid: task('sagemaker:createTrainingJob.sync', { TrainingJobName: 'invalid' }),
    full: task('sagemaker:createTrainingJob', { TrainingJobName: 'full' }),
    sdk: task('aws-sdk:sagemaker:describeTrainingJob', { TrainingJobName: 'invalid' }),
    query: task('athena:startQueryExecution.sync', { QueryString: 'SELECT 1', WorkGroup: 'w' }),
    glue: task('glue:startJobRun.sync', { JobName: 'spark' }),
  };
  const cloud = await clouds.deploy((stack) => {
    for (const [name, definition] of Object.entries(definitions)) {
      new sfn.CfnStateMachine(stack, name, { stateMachineName: name, roleArn: 'arn:aws:iam::111122223333:role/runner', definitionString: JSON.stringify(definition) });
    }
  }, { standIns: [new Jobs()] });
  const workflows = cloud.find(StepFunctions);
  const executions = Object.fromEntries([...workflows.machines.values()].map(({ name, arn }) => [name, workflows.startExecution(arn)]));
  await cloud.clock.advanceTo(new Date(START.getTime() + 20_000));
  expect(executions.train.status).toBe('RUNNING');
  executions.abort.stop('Tester.Stopped', 'enough');
  await cloud.clock.advanceTo(new Date(START.getTime() + 60_000));
  const output = (name: string) => JSON.parse(executions[name].output!) as JsonObject;
  expect(output('train')).toMatchObject({ TrainingJobName: 'good', TrainingJobStatus: 'Completed', CreationTime: START.toISOString() });
  expect(output('crash').Error).toBe('States.TaskFailed');
  expect(JSON.parse(String(output('crash').Cause))).toMatchObject({ TrainingJobStatus: 'Failed', FailureReason: 'exit code 1' });
  expect(output('invalid').Error).toBe('SageMaker.AmazonSageMakerException');
  expect(output('full').Error).toBe('SageMaker.ResourceLimitExceededException');
  expect(output('sdk').Error).toBe('SageMaker.SageMakerException');
  expect(output('query')).toEqual({ QueryExecution: { Status: { State: 'SUCCEEDED' } } });
  expect(JSON.parse(String(output('glue').Cause))).toMatchObject({ JobRunState: 'FAILED', ErrorMessage: 'broken rows' });
  expect(executions.abort.describe()).toMatchObject({ status: 'ABORTED', error: 'Tester.Stopped', cause: 'enough' });
  expect(cloud.find(Jobs).calls.filter((operation) => operation === 'StopTrainingJob')).toHaveLength(1);
  expect(cloud.faults).toEqual([]);
});
