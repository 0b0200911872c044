import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import {
  aws_dynamodb as dynamodb, aws_events as events, aws_events_targets as targets, aws_iam as iam, aws_s3 as s3, aws_stepfunctions as sfn,
  aws_stepfunctions_tasks as tasks, Duration,
} from 'aws-cdk-lib';
import { Clouds, only, START } from './cloud-support';
import { StepFunctions } from '../../examples/local/cloud/step-functions';

const clouds = new Clouds();
afterAll(() => clouds.stop());

test('a person is held to the synthesized policies, and the attempt is told as CloudTrail does', async () => {
  const cloud = await clouds.deploy((stack) => {
    const wait = new sfn.Wait(stack, 'Wait', { time: sfn.WaitTime.duration(Duration.days(1)) });
    const machine = new sfn.StateMachine(stack, 'Machine', { stateMachineName: 'guarded', definitionBody: sfn.DefinitionBody.fromChainable(wait) });
    const alert = new sfn.StateMachine(stack, 'Alert', { stateMachineName: 'alert', definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Pass(stack, 'Pass')) });
    const bucket = new s3.Bucket(stack, 'Bucket');
    const boundary = new iam.ManagedPolicy(stack, 'Boundary', { statements: [new iam.PolicyStatement({ actions: ['states:*', 's3:List*'], resources: ['*'] })] });
    const person = new iam.Role(stack, 'Person', { assumedBy: new iam.AccountRootPrincipal(), permissionsBoundary: boundary });
    person.addToPolicy(new iam.PolicyStatement({ sid: 'See', actions: ['states:Describe*', 's3:GetObject'], resources: ['*'] }));
    person.addToPolicy(new iam.PolicyStatement({ sid: 'NobodyStops', effect: iam.Effect.DENY, actions: ['states:Stop*'], resources: [`arn:aws:states:*:*:execution:${machine.stateMachineName}:*`] }));
    bucket.grantRead(person);
    new events.Rule(stack, 'Tampering', {
      eventPattern: { source: ['aws.states'], detailType: ['AWS API Call via CloudTrail'], detail: { eventName: ['StopExecution'], errorCode: ['AccessDenied'] } },
      targets: [new targets.SfnStateMachine(alert, { input: events.RuleTargetInput.fromObject({ by: events.EventField.fromPath('$.detail.userIdentity.arn'), what: events.EventField.fromPath('$.detail.requestParameters.executionArn') }) })],
    });
  });
  const workflows = cloud.find(StepFunctions);
  const guarded = [...workflows.machines.keys()].find((arn) => arn.endsWith(':guarded'))!;
  const execution = workflows.startExecution(guarded, 'run-1');
  const role = [...cloud.resources.values()].find(({ resource }) => resource.logicalId.startsWith('Person'))!.deployed.attributes.Arn;
  cloud.restrict(role);
  const person = cloud.client(SFNClient, role);
  expect((await person.send(new DescribeExecutionCommand({ executionArn: execution.arn }))).status).toBe('RUNNING');
  await expect(person.send(new StopExecutionCommand({ executionArn: execution.arn }))).rejects.toMatchObject({
    name: 'AccessDeniedException', message: expect.stringContaining('explicit deny: NobodyStops of PersonDefaultPolicy') as string,
  });
  const bucket = only(cloud, 'AWS::S3::Bucket').ref;
  await expect(cloud.client(S3Client, role).send(new GetObjectCommand({ Bucket: bucket, Key: 'a' }))).rejects.toMatchObject({
    name: 'AccessDenied', message: expect.stringContaining('permissions boundary') as string,
  });
  expect(cloud.decide(role, 's3:ListBucket', `arn:aws:s3:::${bucket}`)).toMatchObject({ allowed: true });
  expect(cloud.decide(role, 'sagemaker:StopTrainingJob', '*')).toEqual({ allowed: false, by: 'implicit deny: no statement allows it' });
  await cloud.clock.settle();
  expect(execution.status).toBe('RUNNING');
  const alerts = [...workflows.executions.values()].filter(({ machine }) => machine.name === 'alert');
  expect(alerts.map(({ input }) => JSON.parse(input) as unknown)).toEqual([{
    by: expect.stringMatching(/:sts::111122223333:assumed-role\/.*Person.*\/local$/) as string, what: execution.arn,
  }]);
  expect(cloud.decided.map(({ action, allowed }) => [action, allowed])).toEqual([['states:DescribeExecution', true], ['states:StopExecution', false], ['s3:GetObject', false]]);
  // The operator of the local cloud may do what it wants.
  await cloud.client(SFNClient).send(new StopExecutionCommand({ executionArn: execution.arn, cause: 'by the operator' }));
  expect(execution.describe()).toMatchObject({ status: 'ABORTED', cause: 'by the operator', stopDate: START.getTime() / 1000 });
});

test('where everyone is held to the policies, a state machine fails at what its role may not', async () => {
  const cloud = await clouds.deploy((stack) => {
    const table = new dynamodb.Table(stack, 'Table', { partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING } });
    const call = (name: string, action: string, iamResources: string[]) => new tasks.CallAwsService(stack, name, {
      service: 'dynamodb', action, iamResources, parameters: { TableName: table.tableName, Key: { pk: { S: 'a' } } }, resultPath: sfn.JsonPath.DISCARD,
    });
    const granted = call('Granted', 'getItem', [table.tableArn]);
    const forgotten = call('Forgotten', 'deleteItem', ['arn:aws:dynamodb:*:*:table/other']);
    new sfn.StateMachine(stack, 'Machine', { definitionBody: sfn.DefinitionBody.fromChainable(granted.next(forgotten)) });
  }, { enforce: 'everyone' });
  const workflows = cloud.find(StepFunctions);
  const execution = workflows.startExecution([...workflows.machines.keys()][0]);
  await cloud.clock.settle();
  expect(execution.describe()).toMatchObject({ status: 'FAILED', error: 'DynamoDb.DynamoDbException', cause: expect.stringContaining('dynamodb:DeleteItem') as string });
  expect(cloud.decided).toMatchObject([{ action: 'dynamodb:DeleteItem', allowed: false }]);
});
