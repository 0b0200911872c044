import { NOBODY, POWERFUL, Section } from './row';

/** Buckets that hold what models are judged and made by. */
const EVIDENCE = /CuratedZone|RegistryArtifacts|ObservationsBucket|TrailBucket/;
const BUCKETS = /CuratedZone|RegistryArtifacts|ObservationsBucket|PipelineFiles|TrailBucket/;
/** Roles that services work with, as against those of people. */
const PIPELINES = /^(?!.*(Engineer|Scientist|Approver|Operator|BreakGlass)Role|Client)/;
const NOT_NOTEBOOKS = /^(?!.*NotebookRole)/;
const PEOPLES = /(Engineer|Scientist|Approver|Operator)Role/;
const TAG = 'cdk-mlops:pipeline';
const DEPLOYERS = ['deploy', 'cfn-exec', 'file-publishing', 'image-publishing', 'lookup']
  .map((name) => `arn:aws:iam::111122223333:role/cdk-hnb659fds-${name}-role-111122223333-eu-central-1`);

/** What models are judged by, and what the platform is protected by. */
export const EVIDENCE_AND_RIGHTS: readonly Section[] = [
  {
    title: 'Code',
    rows: [
      {
        say: 'push to main past a pull request, or move, replace or remove it',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `codecommit: GitPush CreateCommit PutFile DeleteFile CreateBranch DeleteBranch MergeBranchesByFastForward MergeBranchesBySquash
          MergeBranchesByThreeWay`,
      },
      {
        say: 'lift or edit what a merge needs',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `codecommit: UpdateDefaultBranch OverridePullRequestApprovalRules UpdatePullRequestApprovalRuleContent DeletePullRequestApprovalRule
          DisassociateApprovalRuleTemplateFromRepository BatchDisassociateApprovalRuleTemplateFromRepositories DeleteApprovalRuleTemplate
          UpdateApprovalRuleTemplateContent UpdateApprovalRuleTemplateName UpdateApprovalRuleTemplateDescription`,
      },
      {
        say: 'rename, remove or re-encrypt a repository, or hook into it',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: 'codecommit: PutRepositoryTriggers DeleteRepository UpdateRepositoryName UpdateRepositoryEncryptionKey',
      },
      {
        say: 'change or remove a connection to a git provider',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `codeconnections: DeleteConnection UpdateConnectionInstallation UpdateHost DeleteHost;
          codestar-connections: DeleteConnection UpdateConnectionInstallation UpdateHost DeleteHost`,
      },
      { say: 'push an image', bindsAll: true, actions: 'ecr: PutImage', model: 1, may: ['build'], elsewhere: NOBODY },
      { say: 'push an image of another model', bindsAll: true, actions: 'ecr: PutImage', model: 2, may: NOBODY },
      { say: 'remove an image', bindsPlatform: true, actions: 'ecr: BatchDeleteImage', may: NOBODY, elsewhere: NOBODY, bindsAll: true },
      { say: 'archive an image, so that nothing pulls it', actions: 'ecr: UpdateImageStorageClass', may: NOBODY, elsewhere: NOBODY, bindsAll: true },
      {
        say: 'open, loosen or remove the repository of images',
        bindsAll: true,
        may: NOBODY,
        elsewhere: NOBODY,
        actions: 'ecr: PutImageTagMutability SetRepositoryPolicy DeleteRepositoryPolicy DeleteRepository PutLifecyclePolicy',
      },
    ],
  },
  {
    title: 'Data and artifacts',
    rows: [
      {
        say: 'write or tag datasets, artifacts, captures, labels or the trail',
        bindsAll: true,
        only: EVIDENCE,
        may: NOBODY,
        elsewhere: POWERFUL,
        actions: 's3: PutObject PutObjectTagging RestoreObject BypassGovernanceRetention',
      },
      { say: 'write what a delivery hands from stage to stage', bindsAll: true, actions: 's3: PutObject', only: /PipelineFiles/, key: 'DELIVERY1/x', may: ['build'] },
      { say: 'write what another model’s delivery hands on', bindsAll: true, actions: 's3: PutObject', only: /PipelineFiles/, key: 'DELIVERY2/x', may: NOBODY },
      {
        say: 'remove datasets, captures, labels or the trail',
        bindsAll: true,
        only: /CuratedZone|ObservationsBucket|PipelineFiles|TrailBucket/,
        may: NOBODY,
        elsewhere: POWERFUL,
        actions: 's3: DeleteObject DeleteObjectVersion',
      },
      { say: 'remove an artifact of a version', bindsPlatform: true, only: /RegistryArtifacts/, may: NOBODY, actions: 's3: DeleteObject DeleteObjectVersion', bindsAll: true },
      {
        say: 'read or write a bucket of the platform in the clear',
        bindsPlatform: true,
        only: /^(?!.*Assets)/,
        may: NOBODY,
        actions: 's3: GetObject PutObject ListBucket',
        bindsAll: true,
        context: { 'aws:SecureTransport': 'false' },
      },
      {
        say: 'read or write a bucket of the platform by TLS before 1.2',
        bindsPlatform: true,
        only: /^(?!.*Assets)/,
        may: NOBODY,
        bindsAll: true,
        actions: 's3: GetObject PutObject ListBucket',
        context: { 's3:TlsVersion': '1.1' },
      },
      {
        say: 'open, empty or reroute their buckets',
        bindsAll: true,
        only: BUCKETS,
        may: NOBODY,
        elsewhere: POWERFUL,
        actions: `s3: PutBucketPolicy DeleteBucketPolicy PutBucketVersioning PutLifecycleConfiguration PutBucketNotification
          PutEncryptionConfiguration PutReplicationConfiguration`,
      },
      {
        say: 'change settings of the buckets of raw data, query results and logs',
        only: /SourceZone|QueriesResults|AccessLogs/,
        may: ['teammate', 'bounded'],
        actions: 's3: PutBucketPolicy PutLifecycleConfiguration PutBucketNotification',
      },
      {
        say: 'edit or remove the tables of datasets and observations',
        may: NOBODY,
        elsewhere: POWERFUL,
        actions: 'glue: UpdateTable DeleteTable UpdateDatabase DeleteDatabase BatchDeletePartition',
      },
      {
        say: 'stop a query of a judgement, or edit its workgroup',
        only: /Observations/,
        may: NOBODY,
        elsewhere: POWERFUL,
        actions: `athena: StopQueryExecution CancelQueryExecution StopCalculationExecution TerminateSession UpdateWorkGroup DeleteWorkGroup
          UpdateNamedQuery DeleteNamedQuery CreatePreparedStatement UpdatePreparedStatement DeletePreparedStatement`,
      },
      { say: 'disable or remove a key', actions: 'kms: DisableKey ScheduleKeyDeletion', may: NOBODY, elsewhere: NOBODY, bindsAll: true },
      {
        say: 'open or rename a key, or end a grant of it',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: 'kms: PutKeyPolicy RevokeGrant RetireGrant UpdateAlias DeleteAlias',
      },
      ...[true, false].map((notebooks) => ({
        say: 'let a service make a grant for them, as encrypted volumes need',
        notebooks,
        actions: 'kms: CreateGrant',
        only: /^MlopsKey/,
        may: [...notebooks ? ['scientist'] as const : [], 'training' as const, ...POWERFUL],
        context: { 'kms:GrantIsForAWSResource': 'true' },
      })),
      {
        say: 'the same with the keys of the data', actions: 'kms: CreateGrant', only: /SourceKey|CuratedKey/, may: POWERFUL, context: { 'kms:GrantIsForAWSResource': 'true' },
      },
      { say: 'grant the use of a key to somebody else', actions: 'kms: CreateGrant', may: NOBODY, elsewhere: ['teammate', 'bounded'] },
    ],
  },
  {
    title: 'What models are judged by',
    rows: [
      { say: 'send requests to an endpoint past its API', actions: 'sagemaker: InvokeEndpoint', may: NOBODY, elsewhere: NOBODY },
      { say: 'put labels into the stream past the API, or reroute it', actions: 'firehose: PutRecord PutRecordBatch UpdateDestination DeleteDeliveryStream', may: NOBODY, elsewhere: NOBODY },
      { say: 'change or remove an API', actions: 'apigateway: POST PUT PATCH DELETE', on: ['arn:aws:apigateway:eu-central-1::/restapis/predictions'], may: NOBODY },
      {
        say: 'silence, set, edit or remove an alarm',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: 'cloudwatch: SetAlarmState DisableAlarmActions EnableAlarmActions PutMetricAlarm PutCompositeAlarm DeleteAlarms',
      },
      { say: 'forge a metric of the platform', actions: 'cloudwatch: PutMetricData', on: ['*'], context: { 'cloudwatch:namespace': 'cdk-mlops' }, may: NOBODY },
      ...['AWS/SageMaker', '/aws/sagemaker/Endpoints'].map((namespace) => ({
        say: `write a metric in \`${namespace}\``,
        actions: 'cloudwatch: PutMetricData',
        on: ['*'],
        context: { 'cloudwatch:namespace': namespace },
        may: ['server'] as const,
      })),
      { say: 'forge an event of the platform', actions: 'events: PutEvents', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'make, edit or remove what monitors',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `sagemaker: CreateMonitoringSchedule UpdateMonitoringSchedule StartMonitoringSchedule StopMonitoringSchedule DeleteMonitoringSchedule
          UpdateMonitoringAlert CreateModelQualityJobDefinition DeleteModelQualityJobDefinition CreateDataQualityJobDefinition
          DeleteDataQualityJobDefinition CreateModelBiasJobDefinition DeleteModelBiasJobDefinition CreateModelExplainabilityJobDefinition
          DeleteModelExplainabilityJobDefinition`,
      },
      {
        say: 'write into the logs of the functions that judge and release, out of which metrics are made',
        actions: 'logs: PutLogEvents',
        only: /ModelsHandlersLogs/,
        may: ['bounded', 'administrator'],
      },
      { say: 'write into the logs of a model’s workflows and builds', actions: 'logs: PutLogEvents', only: /CommonLogs/, model: 1, may: ['build', 'bounded', 'administrator'] },
      { say: 'write into those of another model', actions: 'logs: PutLogEvents', only: /CommonLogs/, model: 2, may: ['bounded', 'administrator'] },
      { say: 'shorten or remove logs', actions: 'logs: DeleteLogGroup DeleteLogStream PutRetentionPolicy', may: NOBODY, elsewhere: NOBODY },
      { say: 'stop or thin out the trail', actions: 'cloudtrail: StopLogging DeleteTrail PutEventSelectors', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'empty, forge, open or remove the queue of events that could not be delivered',
        actions: `sqs: SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility PurgeQueue SetQueueAttributes DeleteQueue AddPermission
          RemovePermission`,
        may: NOBODY,
        elsewhere: POWERFUL,
      },
      { say: 'write to it in the clear', bindsPlatform: true, actions: 'sqs: SendMessage', may: NOBODY, bindsAll: true, context: { 'aws:SecureTransport': 'false' } },
      { say: 'publish an alert in the clear', bindsPlatform: true, actions: 'sns: Publish', may: NOBODY, bindsAll: true, context: { 'aws:SecureTransport': 'false' } },
      {
        say: 'forge or redirect alerts, or remove their topic',
        actions: 'sns: Publish SetTopicAttributes DeleteTopic',
        may: NOBODY,
        elsewhere: POWERFUL,
        bindsAll: true,
      },
      { say: 'sign somebody off from alerts, or filter what reaches them', actions: 'sns: Unsubscribe SetSubscriptionAttributes', may: NOBODY, elsewhere: POWERFUL },
    ],
  },
  {
    title: 'Rights',
    rows: [
      { say: 'hand a role to a service other than SageMaker, a notebook’s too', actions: 'iam: PassRole', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'hand a role to SageMaker that is no notebook’s',
        actions: 'iam: PassRole',
        only: NOT_NOTEBOOKS,
        context: { 'iam:PassedToService': 'sagemaker.amazonaws.com' },
        may: NOBODY,
        elsewhere: NOBODY,
      },
      ...[
        { say: 'hand any notebook’s role to SageMaker', context: { 'iam:PassedToService': 'sagemaker.amazonaws.com' }, may: POWERFUL },
        { say: 'hand it to something that does not say what it is', context: { 'iam:PassedToService': undefined }, may: NOBODY },
      ].map((row) => ({ ...row, actions: 'iam: PassRole', on: ['arn:aws:iam::111122223333:role/cdk-mlops-notebooks/grace'] })),
      {
        say: 'edit, tag or remove a role or a policy',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `iam: UpdateAssumeRolePolicy PutRolePolicy DeleteRolePolicy AttachRolePolicy DetachRolePolicy CreatePolicyVersion
          SetDefaultPolicyVersion PutRolePermissionsBoundary DeleteRolePermissionsBoundary UpdateRole DeleteRole TagRole UntagRole`,
      },
      {
        say: 'make somebody new, or give a user or a group more',
        may: NOBODY,
        elsewhere: NOBODY,
        on: [],
        actions: `iam: CreateRole CreateUser CreateAccessKey CreateLoginProfile UpdateLoginProfile AttachUserPolicy PutUserPolicy DetachUserPolicy
          DeleteUserPolicy PutUserPermissionsBoundary DeleteUserPermissionsBoundary TagUser AddUserToGroup RemoveUserFromGroup AttachGroupPolicy PutGroupPolicy
          DetachGroupPolicy DeleteGroupPolicy`,
      },
      {
        say: 'mark a role, a user or a session as the platform’s',
        may: NOBODY,
        elsewhere: NOBODY,
        on: [],
        context: { [`aws:RequestTag/${TAG}`]: 'true' },
        actions: 'iam: CreateRole CreateUser TagRole TagUser; sts: TagSession',
      },
      { say: 'mark a session otherwise', actions: 'sts: TagSession', on: [], context: { 'aws:RequestTag/team': 'payroll' }, may: NOBODY, elsewhere: POWERFUL },
      { say: 'take the account out of its organization, and so out of its documents', actions: 'organizations: LeaveOrganization', on: ['*'], may: NOBODY },
      { say: 'take a role that a service works with', bindsPlatform: true, actions: 'sts: AssumeRole', only: PIPELINES, may: NOBODY, bindsAll: true },
      { say: 'take a role by which the CDK deploys', actions: 'sts: AssumeRole', on: DEPLOYERS, may: NOBODY },
      { say: 'take a role that is none of the platform’s', actions: 'sts: AssumeRole', on: [], may: NOBODY, elsewhere: POWERFUL },
      { say: 'take a persona’s role', actions: 'sts: AssumeRole', only: PEOPLES, context: { 'aws:username': 'ada', 'sts:RoleSessionName': 'ada' }, may: POWERFUL },
    ],
  },
];

/** Of a bucket whose own policy is somebody else's. */
export const OF_IMPORTED: Section = {
  title: 'Buckets that were made elsewhere',
  rows: [
    { say: 'write, empty or open one that is protected', actions: 's3: PutObject DeleteObject PutBucketPolicy', on: ['IMPORTED'], may: ['administrator'] },
  ],
};
