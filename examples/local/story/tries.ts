import { CloudWatchClient, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { CodeCommitClient, MergePullRequestByThreeWayCommand } from '@aws-sdk/client-codecommit';
import { CodePipelineClient, StartPipelineExecutionCommand } from '@aws-sdk/client-codepipeline';
import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DeleteEndpointCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { PEOPLE, SOMEBODY, Who } from './people';
import { World } from './world';

/** Something that is not theirs to do, which somebody does with the tools that they have. */
interface Try {
  readonly who: Who;
  readonly say: string;
  readonly send: (world: World, role: string) => Promise<unknown>;
}

/** What came of a try. */
interface Tried {
  readonly who: Who;
  readonly say: string;
  /** The statement that denied it, or that none allows it; undefined where it was done. */
  readonly deniedBy?: string;
}

const start = ({ cloud }: World, role: string, stateMachineArn: string): Promise<unknown> =>
  cloud.client(SFNClient, role).send(new StartExecutionCommand({ stateMachineArn, input: '{}' }));
const stopped = (workflow: string): string => `${workflow.replace(':stateMachine:', ':execution:')}:run`;

const TRIES: readonly Try[] = [
  {
    who: 'DataEngineerRole',
    say: 'start the delivery pipeline',
    send: ({ cloud, outputs }, role) => cloud.client(CodePipelineClient, role)
      .send(new StartPipelineExecutionCommand({ name: outputs.PipelineName })),
  },
  {
    who: 'DataEngineerRole',
    say: 'start a training',
    send: (world, role) => start(world, role, world.outputs.TrainingWorkflow),
  },
  {
    who: 'DataScientistRole',
    say: 'set the alarm',
    send: ({ cloud, outputs }, role) => cloud.client(CloudWatchClient, role)
      .send(new SetAlarmStateCommand({ AlarmName: outputs.QualityAlarm, StateValue: 'OK', StateReason: 'it looks good to me' })),
  },
  {
    who: 'DataScientistRole',
    say: 'write a label',
    send: ({ cloud, outputs }, role) => cloud.client(S3Client, role)
      .send(new PutObjectCommand({ Bucket: outputs.ObservationBucket, Key: 'ground-truth/forged.jsonl', Body: '{}' })),
  },
  {
    who: 'ApproverRole',
    say: 'merge a pull request',
    send: ({ cloud, outputs }, role) => cloud.client(CodeCommitClient, role)
      .send(new MergePullRequestByThreeWayCommand({ pullRequestId: '1', repositoryName: outputs.RepositoryName })),
  },
  {
    who: 'ApproverRole',
    say: 'start a release',
    send: (world, role) => start(world, role, world.outputs.ReleaseWorkflow),
  },
  {
    who: 'OperatorRole',
    say: 'stop a training',
    send: ({ cloud, outputs }, role) => cloud.client(SFNClient, role)
      .send(new StopExecutionCommand({ executionArn: stopped(outputs.TrainingWorkflow) })),
  },
  {
    who: 'OperatorRole',
    say: 'remove a line of the ledger',
    send: ({ cloud, outputs }, role) => cloud.client(DynamoDBClient, role)
      .send(new DeleteItemCommand({ TableName: outputs.LedgerTable, Key: { pk: { S: 'VERSION' }, sk: { S: 'none' } } })),
  },
  {
    who: 'OperatorRole',
    say: 'read what was asked and answered',
    send: ({ cloud, outputs }, role) => cloud.client(S3Client, role)
      .send(new GetObjectCommand({ Bucket: outputs.ObservationBucket, Key: 'captures/any.jsonl' })),
  },
  {
    who: 'ClientRole',
    say: 'start a release',
    send: (world, role) => start(world, role, world.outputs.ReleaseWorkflow),
  },
  {
    who: 'OtherTeamRole',
    say: 'delete the endpoint',
    send: ({ cloud, outputs }, role) => cloud.client(SageMakerClient, role).send(new DeleteEndpointCommand({ EndpointName: outputs.EndpointName })),
  },
];

/** Everybody tries what is not theirs to do; what stopped each is a step of the report. */
export async function everybodyTries(world: World): Promise<void> {
  const { checks } = world;
  const mails = world.mailbox.length;
  const tried: Tried[] = [];
  for (const one of TRIES) tried.push(await outcomeOf(world, one));
  for (const who of PEOPLE) {
    const own = tried.filter((one) => one.who === who);
    checks.must(`${SOMEBODY[who]} is denied what is not theirs to do`, own.length > 0 && own.every(({ deniedBy }) => deniedBy !== undefined),
      own.map(({ say, deniedBy }) => `${say}: ${deniedBy ?? 'it was done'}`).join('; '));
  }
  await world.cloud.clock.settle();
  const told = world.mailbox.slice(mails).flatMap(({ subject }) => /^Tamper attempt denied: (\S+)/.exec(subject ?? '')?.[1] ?? []);
  const expected = ['StartPipelineExecution', 'SetAlarmState', 'StopExecution', 'DeleteEndpoint'];
  checks.must('to start, stop, silence or remove what runs is told of, whoever tries', expected.every((name) => told.some((action) => action.endsWith(`:${name}`))), told.join(', '));
}

async function outcomeOf(world: World, { who, say, send }: Try): Promise<Tried> {
  const role = world.outputs[who];
  try {
    await send(world, role);
    return { who, say };
  } catch (error) {
    if (!/AccessDenied/.test((error as Error).name)) throw error;
    const { by } = world.cloud.decided.filter(({ principal }) => principal === role).at(-1) ?? { by: (error as Error).message };
    return { who, say, deniedBy: by.replace(/^explicit deny: /, 'denied by ').replace(/^implicit deny: /, '') };
  }
}
