import { nameOf, PEOPLE } from './people';
import { Outputs, World } from './world';

/** Something that people do, or might try: in words, and as IAM is asked. */
interface Attempt {
  readonly say: string;
  readonly action: string;
  readonly resource: (outputs: Outputs, arn: (service: string, rest: string) => string) => string;
  readonly context?: Readonly<Record<string, string>>;
}

/** Whether somebody may do something, and the statement that decides. */
export interface Access {
  readonly persona: string;
  readonly attempt: string;
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
  readonly by: string;
}

/** A method of the API, as IAM names it. */
function posted(url: string, resource: string): string {
  const { hostname, pathname } = new URL(url);
  return `${hostname.split('.')[0]}${pathname.replace(/\/$/, '')}/POST/${resource}`;
}

const ATTEMPTS: readonly Attempt[] = [
  { say: 'upload raw data', action: 's3:PutObject', resource: ({ SourceUri }) => `${SourceUri.replace('s3://', 'arn:aws:s3:::')}next.csv` },
  { say: 'query a dataset', action: 'athena:StartQueryExecution', resource: ({ DatasetWorkGroup }, arn) => arn('athena', `workgroup/${DatasetWorkGroup}`) },
  { say: 'start the data pipeline by hand', action: 'states:StartExecution', resource: ({ DataWorkflow }) => DataWorkflow },
  { say: 'see a run of the delivery pipeline', action: 'codepipeline:GetPipelineState', resource: ({ PipelineName }, arn) => arn('codepipeline', PipelineName) },
  {
    say: 'push a branch',
    action: 'codecommit:GitPush',
    resource: ({ RepositoryName }, arn) => arn('codecommit', RepositoryName),
    context: { 'codecommit:References': 'refs/heads/feature' },
  },
  { say: 'approve a pull request', action: 'codecommit:UpdatePullRequestApprovalState', resource: ({ RepositoryName }, arn) => arn('codecommit', RepositoryName) },
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
  { say: 'ask the API for a prediction', action: 'execute-api:Invoke', resource: ({ PredictionUrl }, arn) => arn('execute-api', posted(PredictionUrl, 'predictions')) },
  { say: 'tell the API what came true', action: 'execute-api:Invoke', resource: ({ PredictionUrl }, arn) => arn('execute-api', posted(PredictionUrl, 'ground-truth')) },
  { say: 'write a label into the bucket of the truth', action: 's3:PutObject', resource: ({ ObservationBucket }) => `arn:aws:s3:::${ObservationBucket}/ground-truth/forged.jsonl` },
  { say: 'read the ledger of versions', action: 'dynamodb:Query', resource: ({ LedgerTable }, arn) => arn('dynamodb', `table/${LedgerTable}`) },
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
  return ATTEMPTS.flatMap(({ say, action, resource, context }) => PEOPLE.map((who) => {
    const asked = resource(outputs, arn);
    const { allowed, by } = cloud.decide(outputs[who], action, asked, context);
    return { persona: nameOf(who), attempt: say, action, resource: asked, allowed, by };
  }));
}
