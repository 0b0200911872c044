import { CloudWatchClient, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { CodePipelineClient, StartPipelineExecutionCommand } from '@aws-sdk/client-codepipeline';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { Outputs, World } from './world';

/** Something that people do, or might try: in words, and as IAM is asked. */
interface Attempt {
  readonly say: string;
  readonly action: string;
  readonly resource: (outputs: Outputs, arn: (service: string, rest: string) => string) => string;
  readonly context?: Readonly<Record<string, string>>;
}

type Role = 'DataEngineerRole' | 'DataScientistRole' | 'ClientRole';
const ROLES: readonly Role[] = ['DataEngineerRole', 'DataScientistRole', 'ClientRole'];

/** Whether somebody may do something, and the statement that decides. */
export interface Access {
  readonly persona: string;
  readonly attempt: string;
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
  readonly by: string;
}

const ATTEMPTS: readonly Attempt[] = [
  { say: 'upload raw data', action: 's3:PutObject', resource: ({ SourceUri }) => `${SourceUri.replace('s3://', 'arn:aws:s3:::')}next.csv` },
  { say: 'start the data pipeline by hand', action: 'states:StartExecution', resource: ({ DataWorkflow }) => DataWorkflow },
  { say: 'see a run of the delivery pipeline', action: 'codepipeline:GetPipelineState', resource: ({ PipelineName }, arn) => arn('codepipeline', PipelineName) },
  {
    say: 'push a branch',
    action: 'codecommit:GitPush',
    resource: ({ RepositoryName }, arn) => arn('codecommit', RepositoryName),
    context: { 'codecommit:References': 'refs/heads/feature' },
  },
  { say: 'merge a pull request', action: 'codecommit:MergePullRequestByThreeWay', resource: ({ RepositoryName }, arn) => arn('codecommit', RepositoryName) },
  {
    say: 'push to main past a pull request',
    action: 'codecommit:GitPush',
    resource: ({ RepositoryName }, arn) => arn('codecommit', RepositoryName),
    context: { 'codecommit:References': 'refs/heads/main' },
  },
  { say: 'start the delivery pipeline by hand', action: 'codepipeline:StartPipelineExecution', resource: ({ PipelineName }, arn) => arn('codepipeline', PipelineName) },
  { say: 'stop it', action: 'codepipeline:StopPipelineExecution', resource: ({ PipelineName }, arn) => arn('codepipeline', PipelineName) },
  { say: 'start a training by hand', action: 'states:StartExecution', resource: ({ TrainingWorkflow }) => TrainingWorkflow },
  { say: 'stop a release', action: 'states:StopExecution', resource: ({ ReleaseWorkflow }) => `${ReleaseWorkflow.replace(':stateMachine:', ':execution:')}:run` },
  { say: 'change the endpoint', action: 'sagemaker:UpdateEndpoint', resource: ({ EndpointName }, arn) => arn('sagemaker', `endpoint/${EndpointName.toLowerCase()}`) },
  { say: 'ask the endpoint past its API', action: 'sagemaker:InvokeEndpoint', resource: ({ EndpointName }, arn) => arn('sagemaker', `endpoint/${EndpointName.toLowerCase()}`) },
  { say: 'write a label into the bucket of the truth', action: 's3:PutObject', resource: ({ ObservationBucket }) => `arn:aws:s3:::${ObservationBucket}/ground-truth/forged.jsonl` },
  { say: 'edit the ledger of versions', action: 'dynamodb:UpdateItem', resource: ({ LedgerTable }, arn) => arn('dynamodb', `table/${LedgerTable}`) },
  { say: 'silence the alarm', action: 'cloudwatch:DisableAlarmActions', resource: ({ QualityAlarm }, arn) => arn('cloudwatch', `alarm:${QualityAlarm}`) },
  {
    say: 'forge an event of the platform',
    action: 'events:PutEvents',
    resource: (_, arn) => arn('events', 'event-bus/default'),
    context: { 'events:source': 'cdk-mlops', 'events:detail-type': 'DatasetPublished' },
  },
];

/** What each persona may do of it, by the policies of the template. */
export function whoMayDoWhat({ cloud, outputs }: World): Access[] {
  const arn = (service: string, rest: string): string => `arn:aws:${service}:${cloud.region}:${cloud.account}:${rest}`;
  return ATTEMPTS.flatMap(({ say, action, resource, context }) => ROLES.map((role) => {
    const asked = resource(outputs, arn);
    const { allowed, by } = cloud.decide(outputs[role], action, asked, context);
    return { persona: role.replace(/Role$/, ''), attempt: say, action, resource: asked, allowed, by };
  }));
}

/** Each persona tries something that is not theirs to do, with the tools that they have. Answers what was done all the same. */
export async function everybodyTries({ cloud, outputs }: World): Promise<string[]> {
  const tries: [Role, string, () => Promise<unknown>][] = [
    ['DataEngineerRole', 'started the delivery pipeline', () => cloud.client(CodePipelineClient, outputs.DataEngineerRole)
      .send(new StartPipelineExecutionCommand({ name: outputs.PipelineName }))],
    ['DataScientistRole', 'set the alarm', () => cloud.client(CloudWatchClient, outputs.DataScientistRole)
      .send(new SetAlarmStateCommand({ AlarmName: outputs.QualityAlarm, StateValue: 'OK', StateReason: 'it looks good to me' }))],
    ['DataScientistRole', 'wrote a label', () => cloud.client(S3Client, outputs.DataScientistRole)
      .send(new PutObjectCommand({ Bucket: outputs.ObservationBucket, Key: 'ground-truth/forged.jsonl', Body: '{}' }))],
    ['ClientRole', 'started a release', () => cloud.client(SFNClient, outputs.ClientRole)
      .send(new StartExecutionCommand({ stateMachineArn: outputs.ReleaseWorkflow, input: '{}' }))],
  ];
  const succeeded: string[] = [];
  for (const [role, what, attempt] of tries) {
    try {
      await attempt();
      succeeded.push(`${role} ${what}`);
    } catch (error) {
      if (!/AccessDenied/.test((error as Error).name)) throw error;
    }
  }
  return succeeded;
}
