import { Persona } from './personas';
import { Row } from './row';

/** One step of a way: something that somebody would have to do. */
export interface Step extends Pick<Row, 'actions' | 'only' | 'on' | 'key' | 'context'> {
  /** What it is, in words. */
  readonly to: string;
  /** Whether it is done to something of their own. */
  readonly own?: boolean;
}

/** An indirect way to touch runs. It is open to those only who may take each of its steps. */
export interface Way {
  readonly say: string;
  readonly steps: readonly Step[];
  /** To whom it is open all the same; of an administrator alone it is asked only where they are named. */
  readonly open?: readonly Persona[];
}

const TAG = 'cdk-mlops:pipeline';
const MARKED = { [`aws:RequestTag/${TAG}`]: 'true', 'aws:TagKeys': TAG };
const OWN_ROLE = ['arn:aws:iam::111122223333:role/of-ones-own'];
const NOTEBOOKS_ROLE = ['arn:aws:iam::111122223333:role/cdk-mlops-notebooks/grace'];
const OWN_USER = ['arn:aws:iam::111122223333:user/of-ones-own'];
const CDK_ASSETS = ['arn:aws:s3:::cdk-hnb659fds-assets-111122223333-eu-central-1/script.py'];

const pass = (service: string, only: RegExp = /./): Step => ({
  to: `hand it a role of a pipeline (${service})`, actions: 'iam: PassRole', only, context: { 'iam:PassedToService': `${service}.amazonaws.com` },
});
const one = (say: string, ...steps: Step[]): Way => ({ say, steps });

/** Something new that carries a role of a pipeline. */
const CARRIERS: readonly Way[] = [
  one('take a pipeline’s role', { to: 'assume it', actions: 'sts: AssumeRole', only: /(Release|Training|Delivery|Deployer).*Role/ }),
  one('a function that carries a role', { to: 'create it', actions: 'lambda: CreateFunction', own: true }, pass('lambda'), { to: 'call it', actions: 'lambda: InvokeFunction', own: true }),
  one('another build project', { to: 'create it', actions: 'codebuild: CreateProject', own: true }, pass('codebuild'), { to: 'start it', actions: 'codebuild: StartBuild', own: true }),
  one('another delivery pipeline', { to: 'create it', actions: 'codepipeline: CreatePipeline', own: true }, pass('codepipeline')),
  one('another workflow', { to: 'create it', actions: 'states: CreateStateMachine', own: true }, pass('states'), { to: 'start it', actions: 'states: StartExecution', own: true }),
  one('a state tried out with the role of a workflow', { to: 'try it', actions: 'states: TestState', own: true }, pass('states')),
  one('a training job with the role of training', { to: 'create it', actions: 'sagemaker: CreateTrainingJob', own: true }, pass('sagemaker')),
  one('a notebook with the role of training', { to: 'create it', actions: 'sagemaker: CreateNotebookInstance', own: true }, pass('sagemaker'),
    { to: 'open it', actions: 'sagemaker: CreatePresignedNotebookInstanceUrl', own: true }),
  ...[
    ['another notebook with the role of somebody’s', 'CreateNotebookInstance'], ['one’s own notebook with it', 'UpdateNotebookInstance'],
    ['a job with it', 'CreateProcessingJob'], ['a search for hyperparameters with it', 'CreateHyperParameterTuningJob'],
    ['a model with it', 'CreateModel'], ['a SageMaker pipeline with it', 'CreatePipeline'], ['a Studio profile with it', 'CreateUserProfile'],
  ].map(([say, action]) => one(say, { to: 'make it so', actions: `sagemaker: ${action}`, own: true },
    { to: 'hand it the role of a notebook', actions: 'iam: PassRole', on: NOTEBOOKS_ROLE, context: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } })),
  one('a function with the role of a notebook', { to: 'create it', actions: 'lambda: CreateFunction', own: true },
    { to: 'hand it that role', actions: 'iam: PassRole', on: NOTEBOOKS_ROLE, context: { 'iam:PassedToService': 'lambda.amazonaws.com' } }),
  one('a rule that starts a workflow', { to: 'make the rule', actions: 'events: PutRule', own: true }, { to: 'give it a target', actions: 'events: PutTargets', own: true }, pass('events')),
  one('a schedule that starts a workflow', { to: 'make it', actions: 'scheduler: CreateSchedule', own: true }, pass('scheduler')),
  one('a pipe into a workflow', { to: 'make it', actions: 'pipes: CreatePipe', on: ['*'] }, pass('pipes')),
  one('a stack that brings any of these', { to: 'create it', actions: 'cloudformation: CreateStack', own: true }),
  one('another Glue job with the data pipeline’s role', { to: 'create it', actions: 'glue: CreateJob', own: true }, pass('glue'), { to: 'run it', actions: 'glue: StartJobRun', own: true }),
  one('an automation document with a role', { to: 'write it', actions: 'ssm: CreateDocument', on: ['*'] }, pass('ssm'), { to: 'run it', actions: 'ssm: StartAutomationExecution', on: ['*'] }),
  one('an API in front of a workflow', { to: 'make its integration', actions: 'apigateway: PUT', on: ['*'] }, pass('apigateway')),
];

/** Something of the platform that is edited. */
const EDITS: readonly Way[] = [
  one('a function’s code', { to: 'replace it', actions: 'lambda: UpdateFunctionCode' }),
  one('a layer below a function', { to: 'publish the layer', actions: 'lambda: PublishLayerVersion', own: true }, { to: 'put it below', actions: 'lambda: UpdateFunctionConfiguration' }),
  one('the data pipeline’s Glue job', { to: 'edit it', actions: 'glue: UpdateJob' }),
  { say: 'the script of the data pipeline’s job, where the CDK put it', open: ['administrator'], steps: [{ to: 'overwrite it', actions: 's3: PutObject', on: CDK_ASSETS }] },
  one('the workflow of the data pipeline', { to: 'edit it', actions: 'states: UpdateStateMachine', only: /WeatherWorkflow/ }),
  one('a key’s policy', { to: 'open it', actions: 'kms: PutKeyPolicy' }),
  one('a grant on a key for somebody else', { to: 'make it', actions: 'kms: CreateGrant' }),
  one('a bucket’s policy', { to: 'open it', actions: 's3: PutBucketPolicy', only: /CuratedZone|RegistryArtifacts|ObservationsBucket/ }),
  { say: 'an image under another’s tag', open: ['build'], steps: [{ to: 'push it', actions: 'ecr: PutImage' }] },
  { say: 'the source between two stages', open: ['build'], steps: [{ to: 'replace it', actions: 's3: PutObject', only: /PipelineFiles/, key: 'DELIVERY1/x' }] },
  one('another’s right to call a function', { to: 'grant it', actions: 'lambda: AddPermission' }),
  one('the stack, by the role that deploys it', { to: 'take the role', actions: 'sts: AssumeRole', on: ['arn:aws:iam::111122223333:role/cdk-hnb659fds-deploy-role-111122223333-eu-central-1'] }),
];

/** Out of what binds. */
const ESCAPES: readonly Way[] = [
  one('mark one’s own role as the platform’s', { to: 'tag it', actions: 'iam: TagRole', on: OWN_ROLE, context: MARKED }),
  {
    say: 'mark oneself so, then write',
    open: ['unbound'],
    steps: [
      { to: 'tag one’s role', actions: 'iam: TagRole', on: OWN_ROLE, context: MARKED },
      {
        to: 'overwrite a dataset',
        actions: 's3: PutObject',
        only: /CuratedZone/,
        key: 'datasets/Weather/abc/train/part-0.parquet',
        context: { [`aws:PrincipalTag/${TAG}`]: 'true' },
      },
    ],
  },
  one('make a role that is marked so', { to: 'create it', actions: 'iam: CreateRole', on: OWN_ROLE, context: MARKED }),
  one('mark one’s own user so', { to: 'tag it', actions: 'iam: TagUser', on: OWN_USER, context: MARKED }),
  one('mark a session so', { to: 'take a role', actions: 'sts: AssumeRole', on: OWN_ROLE, context: MARKED }, { to: 'with the tag', actions: 'sts: TagSession', on: OWN_ROLE, context: MARKED }),
  one('make somebody new whom nothing binds', { to: 'create a user', actions: 'iam: CreateUser', on: OWN_USER }, { to: 'give them everything', actions: 'iam: AttachUserPolicy', on: OWN_USER },
    { to: 'and a key', actions: 'iam: CreateAccessKey', on: OWN_USER }),
  one('make a role that nothing binds', { to: 'create it', actions: 'iam: CreateRole', on: OWN_ROLE }, { to: 'give it everything', actions: 'iam: AttachRolePolicy', on: OWN_ROLE },
    { to: 'take it', actions: 'sts: AssumeRole', on: OWN_ROLE }),
  one('take off one’s own denies', { to: 'detach them', actions: 'iam: DetachRolePolicy', on: OWN_ROLE }),
  one('take off one’s own boundary', { to: 'remove it', actions: 'iam: DeleteRolePermissionsBoundary', on: OWN_ROLE }),
  one('edit the policies that deny', { to: 'write another version', actions: 'iam: CreatePolicyVersion', only: /Deny|Boundary/ }),
  { say: 'take the role of somebody powerful whom the platform does not know', open: ['teammate', 'bounded', 'administrator'], steps: [{ to: 'assume it', actions: 'sts: AssumeRole', on: OWN_ROLE }] },
  one('leave the organization', { to: 'take the account out of it', actions: 'organizations: LeaveOrganization', on: ['*'] }),
];

/** Evidence that is made up or removed. */
const FORGERIES: readonly Way[] = [
  one('forged metrics', { to: 'put them', actions: 'cloudwatch: PutMetricData', on: ['*'], context: { 'cloudwatch:namespace': 'cdk-mlops' } }),
  one('forged events', { to: 'put them', actions: 'events: PutEvents' }),
  { say: 'forged labels in the bucket', steps: [{ to: 'write them', actions: 's3: PutObject', only: /ObservationsBucket/, key: 'ground-truth/1.jsonl' }] },
  one('forged labels in the stream to it', { to: 'put them', actions: 'firehose: PutRecord', on: ['arn:aws:firehose:eu-central-1:111122223333:deliverystream/labels'] }),
  { say: 'forged captures', open: ['server'], steps: [{ to: 'write them', actions: 's3: PutObject', only: /ObservationsBucket/, key: 'captures/all/1.jsonl' }] },
  one('requests to a shadow, past the API', { to: 'send them', actions: 'sagemaker: InvokeEndpoint' }),
  one('a forged alarm', { to: 'set it', actions: 'cloudwatch: SetAlarmState' }),
  one('an alarm that says nothing', { to: 'silence it', actions: 'cloudwatch: DisableAlarmActions' }),
  one('logs that are gone', { to: 'remove them', actions: 'logs: DeleteLogGroup' }),
  { say: 'a dataset version that is edited, on which nothing is trained then', open: ['dataScript'], steps: [{ to: 'overwrite rows', actions: 's3: PutObject', only: /CuratedZone/, key: 'datasets/Weather/abc/train/part-0.parquet' }] },
];

/** Code that reaches main otherwise, and notebooks of others. */
const CODE_AND_NOTEBOOKS: readonly Way[] = [
  one('a push to main', { to: 'push', actions: 'codecommit: GitPush' }),
  one('a commit to main from the console', { to: 'commit', actions: 'codecommit: CreateCommit' }),
  one('another branch as main', { to: 'push the branch', actions: 'codecommit: GitPush', context: { 'codecommit:References': 'refs/heads/feature' } },
    { to: 'make it the default', actions: 'codecommit: UpdateDefaultBranch' }),
  one('main removed and made anew', { to: 'remove it', actions: 'codecommit: DeleteBranch' }, { to: 'make it', actions: 'codecommit: CreateBranch' }),
  one('a merge of branches without a pull request', { to: 'merge', actions: 'codecommit: MergeBranchesByThreeWay' }),
  one('a pull request past its approval rule', { to: 'lift the rule', actions: 'codecommit: OverridePullRequestApprovalRules' }),
  { say: 'another’s notebook', open: ['teammate', 'bounded', 'administrator'], steps: [{ to: 'open it', actions: 'sagemaker: CreatePresignedNotebookInstanceUrl', only: /Ben/ }] },
  { say: 'a script that another’s notebook runs at its start', open: ['teammate', 'administrator'], steps: [{ to: 'edit it', actions: 'sagemaker: UpdateNotebookInstanceLifecycleConfig', on: ['*'] }] },
];

/** Every way that we know of. */
export const WAYS: readonly { readonly title: string; readonly ways: readonly Way[] }[] = [
  { title: 'Something new that carries a role of a pipeline', ways: CARRIERS },
  { title: 'Something of the platform, edited', ways: EDITS },
  { title: 'Evidence, made up or removed', ways: FORGERIES },
  { title: 'Code past the merge, and notebooks of others', ways: CODE_AND_NOTEBOOKS },
  { title: 'Out of what binds', ways: ESCAPES },
];
