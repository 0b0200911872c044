import { Persona } from './personas';
import { POWERFUL, Section } from './row';

const PEOPLE: readonly Persona[] = ['engineer', 'scientist', 'approver', 'operator', 'breakGlass'];
const ADMINISTRATORS: readonly Persona[] = ['bounded', 'administrator'];
/** Who reads what is published. */
const READERS: readonly Persona[] = ['engineer', 'scientist', 'notebook', 'dataScript', 'training', ...POWERFUL];
const ASKERS: readonly Persona[] = ['engineer', 'scientist', ...POWERFUL];
const OWNER: readonly Persona[] = ['scientist', ...POWERFUL];
const TO_SAGEMAKER = { 'iam:PassedToService': 'sagemaker.amazonaws.com' };
const DATASET = /CuratedZone/;
const SOURCES = /SourceZone/;

/** What everybody has to be able to do. */
export const WORK: readonly Section[] = [
  {
    title: 'What everybody sees',
    rows: [
      {
        say: 'see pipelines, builds, workflows and their runs',
        may: [...PEOPLE, ...POWERFUL],
        elsewhere: [...PEOPLE, ...POWERFUL],
        actions: `codepipeline: GetPipeline GetPipelineExecution GetPipelineState ListActionExecutions ListPipelineExecutions;
          codebuild: BatchGetBuilds BatchGetProjects ListBuildsForProject;
          states: DescribeExecution DescribeStateMachine GetExecutionHistory ListExecutions`,
      },
      {
        say: 'see jobs, endpoints, versions',
        may: [...PEOPLE, ...POWERFUL],
        actions: 'sagemaker: DescribeEndpoint DescribeEndpointConfig DescribeModel DescribeModelPackage DescribeModelPackageGroup DescribeProcessingJob DescribeTrainingJob',
      },
      {
        say: 'see what alarms did, and logs',
        may: [...PEOPLE, ...POWERFUL],
        actions: 'cloudwatch: DescribeAlarmHistory; logs: DescribeLogStreams FilterLogEvents GetLogEvents',
      },
      { say: 'see the state of alarms', actions: 'cloudwatch: DescribeAlarms', model: 1, may: [...PEOPLE, 'server', ...POWERFUL] },
      { say: 'see rules and data jobs', actions: 'events: DescribeRule ListTargetsByRule; glue: GetJob GetJobRuns', may: [...PEOPLE, ...POWERFUL] },
    ],
  },
  {
    title: 'Data',
    rows: [
      { say: 'read raw data', actions: 's3: GetObject', only: SOURCES, key: 'uploads/Weather/2016.csv', may: ['engineer', 'dataScript', ...POWERFUL] },
      { say: 'upload or remove raw data', actions: 's3: PutObject DeleteObject', only: SOURCES, key: 'uploads/Weather/2016.csv', may: ['engineer', ...POWERFUL] },
      {
        say: 'read a published dataset',
        only: DATASET,
        key: 'datasets/Weather/abc/train/part-0.parquet',
        actions: 's3: GetObject',
        may: READERS,
      },
      { say: 'list published datasets', actions: 's3: ListBucket', only: DATASET, context: { 's3:prefix': 'datasets/Weather/' }, may: READERS },
      { say: 'read what a data pipeline’s run reported', actions: 's3: GetObject', only: DATASET, key: 'runs/Weather/1/report.json', may: ['engineer', 'operator', 'dataScript', ...POWERFUL] },
      { say: 'list the reports of runs', actions: 's3: ListBucket', only: DATASET, context: { 's3:prefix': 'runs/Weather/' }, may: ['engineer', 'operator', 'dataScript', ...POWERFUL] },
      { say: 'query datasets', actions: 'athena: StartQueryExecution', only: /DataLakeQueries/, may: ASKERS },
      { say: 'keep what queries give', actions: 's3: PutObject GetObject', only: /QueriesResults/, key: 'results/1.csv', may: ASKERS },
      {
        say: 'decrypt datasets by way of S3',
        actions: 'kms: Decrypt',
        only: /CuratedKey/,
        context: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' },
        may: [...READERS, 'operator'],
      },
      { say: 'decrypt with the datasets’ key directly', actions: 'kms: Decrypt', only: /CuratedKey/, context: { 'kms:ViaService': 'none' }, may: POWERFUL },
    ],
  },
  {
    title: 'Code',
    rows: [
      { say: 'clone a model’s repository', actions: 'codecommit: GitPull', may: ['scientist', 'approver', 'operator', 'notebook', ...POWERFUL] },
      { say: 'push a branch', actions: 'codecommit: GitPush', context: { 'codecommit:References': 'refs/heads/feature' }, may: ['scientist', 'notebook', ...POWERFUL] },
      { say: 'begin to push, before the branch is known', actions: 'codecommit: GitPush', context: { 'codecommit:References': undefined }, may: ['scientist', 'notebook', ...POWERFUL] },
      { say: 'read a pull request', actions: 'codecommit: GetPullRequest', may: ['scientist', 'approver', 'operator', ...POWERFUL] },
      { say: 'comment and approve a pull request', actions: 'codecommit: PostCommentForPullRequest UpdatePullRequestApprovalState', may: ['scientist', 'approver', ...POWERFUL] },
      {
        say: 'propose a pull request, and merge it into main',
        may: ['scientist', ...POWERFUL],
        elsewhere: POWERFUL,
        actions: 'codecommit: CreatePullRequest MergePullRequestByFastForward MergePullRequestBySquash MergePullRequestByThreeWay',
      },
    ],
  },
  {
    title: 'Notebooks',
    rows: [
      {
        say: 'see the notebook', actions: 'sagemaker: DescribeNotebookInstance', only: /Ada/, may: ['scientist', 'notebook', 'operator', ...POWERFUL],
      },
      { say: 'stop the notebook, also from inside', actions: 'sagemaker: StopNotebookInstance', only: /Ada/, may: ['scientist', 'notebook', ...POWERFUL] },
      { say: 'start and open one’s own notebook', actions: 'sagemaker: StartNotebookInstance CreatePresignedNotebookInstanceUrl', only: /Ada/, may: OWNER },
      { say: 'hand its role to SageMaker, as its start takes', actions: 'iam: PassRole', only: /AdaNotebookRole/, context: TO_SAGEMAKER, may: OWNER },
      {
        say: 'put its interface into the network, as its start takes',
        actions: 'ec2: CreateNetworkInterface',
        notebooks: true,
        on: ['subnet/SUBNET', 'security-group/GROUP', 'network-interface/*'].map((one) => `arn:aws:ec2:eu-central-1:111122223333:${one}`),
        may: OWNER,
      },
      {
        say: 'look at the network, as its start takes',
        notebooks: true,
        actions: 'ec2: DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs',
        on: ['*'],
        may: OWNER,
      },
      { say: 'look at the key of its volume, as its start takes', notebooks: true, actions: 'kms: DescribeKey', only: /^MlopsKey/, may: [...OWNER, 'training'] },
      ...[
        { say: 'start another’s notebook', actions: 'sagemaker: StartNotebookInstance', only: /Ben/ },
        { say: 'hand the role of another’s to SageMaker', actions: 'iam: PassRole', only: /BenNotebookRole/, context: TO_SAGEMAKER },
        {
          say: 'start it, or hand over its role, in a session of another’s name',
          actions: 'sagemaker: StartNotebookInstance; iam: PassRole',
          only: /Ada/,
          context: { ...TO_SAGEMAKER, 'aws:userid': 'AROASCIENTIST:grace' },
        },
        {
          say: 'put an interface into another network',
          actions: 'ec2: CreateNetworkInterface',
          on: ['arn:aws:ec2:eu-central-1:111122223333:subnet/of-others'],
        },
      ].map((row) => ({ ...row, may: POWERFUL })),
      {
        say: 'write the logs of notebooks',
        actions: 'logs: PutLogEvents',
        on: ['arn:aws:logs:eu-central-1:111122223333:log-group:/aws/sagemaker/NotebookInstances:log-stream:ADA'],
        may: ['notebook', ...POWERFUL],
      },
      { say: 'save a notebook’s files', actions: 's3: PutObject GetObject', only: /SavedFilesBucket/, key: 'notebooks/ADA/work.ipynb', may: ['notebook', ...POWERFUL] },
      { say: 'read files of another’s notebook', actions: 's3: GetObject PutObject', only: /SavedFilesBucket/, key: 'notebooks/BEN/work.ipynb', may: POWERFUL },
      { say: 'encrypt a notebook’s files by way of S3', actions: 'kms: Decrypt', only: /^MlopsKey/, context: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' }, may: ['notebook', 'build', 'training', 'server', ...POWERFUL] },
      { say: 'stop another’s notebook', actions: 'sagemaker: StopNotebookInstance', only: /Ben/, may: POWERFUL },
      { say: 'open another’s notebook', actions: 'sagemaker: CreatePresignedNotebookInstanceUrl', only: /Ben/, may: POWERFUL },
    ],
  },
  {
    title: 'Predictions',
    rows: [
      { say: 'ask the API for a prediction', actions: 'execute-api: Invoke', on: ['API/live/POST/predictions'], may: ['application', ...ADMINISTRATORS] },
      { say: 'tell the API what came true', actions: 'execute-api: Invoke', on: ['API/live/POST/ground-truth'], may: ['application', ...ADMINISTRATORS] },
    ],
  },
  {
    title: 'Work of others in the account',
    rows: [
      { say: 'write metrics of one’s own', actions: 'cloudwatch: PutMetricData', on: ['*'], context: { 'cloudwatch:namespace': 'payroll' }, may: POWERFUL },
      { say: 'send events of one’s own', actions: 'events: PutEvents', context: { 'events:source': 'payroll', 'events:detail-type': 'Paid' }, may: POWERFUL },
      { say: 'read a bucket, a table, a queue or a secret', on: [], actions: 's3: GetObject; dynamodb: GetItem Query; secretsmanager: GetSecretValue', elsewhere: POWERFUL, may: POWERFUL },
      { say: 'query data', actions: 'athena: StartQueryExecution', on: [], may: POWERFUL, elsewhere: POWERFUL },
    ],
  },
];
