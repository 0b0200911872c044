import { TRUSTED_TAG } from '../private/trusted-tag';

/** On which resources actions are denied to people. */
export enum ProtectionReach {
  /** Everywhere in the account, but for what is exempt: the services that run and record deliveries. */
  ACCOUNT = 'account',
  /** On the resources that are listed: services that people also use for work of their own. */
  LISTED = 'listed',
  /** On everything; a condition, or the action itself, says what is meant. */
  EVERYTHING = 'everything',
}

/** A set of actions by which a run, or its evidence, could be stopped, started, skipped or forged. */
export interface ProtectedActions {
  /** Name of the statement that denies them. */
  readonly sid: string;
  readonly service: string;
  /** What CloudTrail also calls the service, beside `<service>.amazonaws.com`. */
  readonly eventSource?: string;
  readonly reach: ProtectionReach;
  /** By full names; none is shortened, so that each can be found and counted. */
  readonly actions: readonly string[];
  /** The same, and few others that change things, in fewer characters. */
  readonly brief?: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>;
  /** Whether the actions are denied for the branches only from which models are delivered. */
  readonly branches?: boolean;
  /** Whether the actions are left to people where something may be started by hand. */
  readonly startable?: boolean;
  /** Whether the roles of notebook instances are left out: who starts a notebook hands its role to SageMaker. */
  readonly notebooksLeft?: boolean;
  /** Whether only people are kept from it: roles of applications need it. */
  readonly peopleOnly?: boolean;
  /** Whether only denied attempts are told: those who deploy do the same rightly. */
  readonly quiet?: boolean;
}

const words = (text: string): string[] => text.trim().split(/\s+/);
const { ACCOUNT, LISTED, EVERYTHING } = ProtectionReach;

export const PROTECTED_ACTIONS: readonly ProtectedActions[] = [
  {
    sid: 'Pipelines',
    service: 'codepipeline',
    reach: ACCOUNT,
    actions: words(`
      StopPipelineExecution StartPipelineExecution RetryStageExecution RollbackStage OverrideStageCondition DisableStageTransition EnableStageTransition
      PutApprovalResult PutActionRevision PutJobSuccessResult PutJobFailureResult PutThirdPartyJobSuccessResult PutThirdPartyJobFailureResult
      AcknowledgeJob AcknowledgeThirdPartyJob PollForJobs PollForThirdPartyJobs UpdatePipeline DeletePipeline CreatePipeline CreateCustomActionType
      UpdateActionType DeleteCustomActionType PutWebhook DeleteWebhook RegisterWebhookWithThirdParty DeregisterWebhookWithThirdParty TagResource
      UntagResource`),
  },
  {
    sid: 'Builds',
    service: 'codebuild',
    reach: ACCOUNT,
    actions: words(`
      StopBuild StopBuildBatch RetryBuild RetryBuildBatch StartBuild StartBuildBatch StartSandbox StopSandbox StartCommandExecution
      StartSandboxConnection BatchDeleteBuilds DeleteBuildBatch UpdateProject DeleteProject CreateProject InvalidateProjectCache
      UpdateProjectVisibility CreateWebhook UpdateWebhook DeleteWebhook PutResourcePolicy DeleteResourcePolicy ImportSourceCredentials
      DeleteSourceCredentials PersistOAuthToken DeleteOAuthToken UpdateFleet DeleteFleet CreateReport UpdateReport DeleteReport BatchPutTestCases
      BatchPutCodeCoverages`),
  },
  {
    sid: 'Workflows',
    service: 'states',
    reach: ACCOUNT,
    actions: words(`
      StopExecution RedriveExecution SendTaskSuccess SendTaskFailure SendTaskHeartbeat GetActivityTask
      UpdateStateMachine DeleteStateMachine CreateStateMachine PublishStateMachineVersion DeleteStateMachineVersion CreateStateMachineAlias
      UpdateStateMachineAlias DeleteStateMachineAlias UpdateMapRun CreateActivity DeleteActivity TestState TagResource UntagResource`),
  },
  { sid: 'Starts', service: 'states', reach: ACCOUNT, startable: true, actions: words('StartExecution StartSyncExecution') },
  {
    sid: 'Jobs',
    service: 'sagemaker',
    reach: ACCOUNT,
    brief: words('Stop*Job Create*Job Update*Job Delete*Job St*PipelineExecution RetryPipeline* UpdatePipeline* SendPipeline* DeletePipeline AddTags DeleteTags'),
    actions: words(`
      StopTrainingJob StopProcessingJob StopTransformJob StopHyperParameterTuningJob StopAutoMLJob StopCompilationJob StopOptimizationJob StopJob
      UpdateTrainingJob DeleteTrainingJob DeleteProcessingJob CreateTrainingJob CreateProcessingJob CreateTransformJob
      StartPipelineExecution StopPipelineExecution RetryPipelineExecution UpdatePipelineExecution SendPipelineExecutionStepSuccess
      SendPipelineExecutionStepFailure UpdatePipeline UpdatePipelineVersion DeletePipeline AddTags DeleteTags`),
  },
  {
    // what else a role could be handed to SageMaker for; without a role it is of no use to people
    sid: 'Carriers',
    service: 'sagemaker',
    reach: ACCOUNT,
    brief: words(`*teNotebookInstance *teDomain *teUserProfile CreateFe* CreateFl* *teImage *teCluster *teDeviceFleet CreateMl* CreatePartnerApp
      CreatePipeline CreateAl* Create*Job* RenderUi*`),
    actions: words(`
      CreateNotebookInstance UpdateNotebookInstance CreateHyperParameterTuningJob CreateAutoMLJob CreateAutoMLJobV2 CreateCompilationJob
      CreateOptimizationJob CreateInferenceRecommendationsJob CreateLabelingJob CreateEdgePackagingJob CreateJob CreateAIBenchmarkJob
      CreateAIRecommendationJob CreateDomain UpdateDomain CreateUserProfile UpdateUserProfile CreateFeatureGroup CreateFlowDefinition
      CreateImage UpdateImage CreateCluster UpdateCluster CreateDeviceFleet UpdateDeviceFleet CreateMlflowApp CreateMlflowTrackingServer
      CreatePartnerApp CreatePipeline CreateAlgorithm RenderUiTemplate`),
  },
  {
    sid: 'Hosting',
    service: 'sagemaker',
    reach: ACCOUNT,
    brief: words('*teEndpoint* CreateModel DeleteModel *teInference* St*InferenceExperiment'),
    actions: words(`
      CreateEndpoint UpdateEndpoint UpdateEndpointWeightsAndCapacities DeleteEndpoint CreateEndpointConfig DeleteEndpointConfig CreateModel
      DeleteModel CreateInferenceComponent UpdateInferenceComponent DeleteInferenceComponent UpdateInferenceComponentRuntimeConfig
      CreateInferenceExperiment StartInferenceExperiment StopInferenceExperiment UpdateInferenceExperiment DeleteInferenceExperiment`),
  },
  {
    sid: 'Registry',
    service: 'sagemaker',
    reach: ACCOUNT,
    brief: words('CreateM* UpdateModelP* UpdateMonitoring* DeleteM* PutModel* St*MonitoringSchedule *teDataQ*'),
    actions: words(`
      CreateModelPackage UpdateModelPackage DeleteModelPackage CreateModelPackageGroup DeleteModelPackageGroup PutModelPackageGroupPolicy
      DeleteModelPackageGroupPolicy CreateMonitoringSchedule UpdateMonitoringSchedule StartMonitoringSchedule StopMonitoringSchedule
      DeleteMonitoringSchedule UpdateMonitoringAlert CreateModelQualityJobDefinition DeleteModelQualityJobDefinition
      CreateDataQualityJobDefinition DeleteDataQualityJobDefinition CreateModelBiasJobDefinition DeleteModelBiasJobDefinition
      CreateModelExplainabilityJobDefinition DeleteModelExplainabilityJobDefinition`),
  },
  {
    sid: 'Requests',
    service: 'sagemaker',
    reach: ACCOUNT,
    brief: words('InvokeEndpoint*'),
    actions: words('InvokeEndpoint InvokeEndpointAsync InvokeEndpointWithResponseStream'),
  },
  // what clients send to the prediction API counts as evidence: people's requests and labels would be among it
  { sid: 'Labels', service: 'execute-api', reach: LISTED, peopleOnly: true, actions: ['Invoke'] },
  {
    sid: 'Apis',
    service: 'apigateway',
    reach: ACCOUNT,
    actions: words('POST PUT PATCH DELETE UpdateRestApiPolicy SetWebACL'),
  },
  {
    sid: 'GroundTruth',
    service: 'firehose',
    reach: ACCOUNT,
    actions: words('PutRecord PutRecordBatch UpdateDestination DeleteDeliveryStream StopDeliveryStreamEncryption'),
  },
  {
    sid: 'Events',
    service: 'events',
    reach: ACCOUNT,
    actions: words(`
      PutRule DeleteRule DisableRule EnableRule PutTargets RemoveTargets StartReplay DeleteArchive UpdateEventBus DeleteEventBus PutPermission
      RemovePermission`),
  },
  {
    sid: 'ForgedEvents',
    service: 'events',
    reach: EVERYTHING,
    actions: ['PutEvents'],
    conditions: { StringEquals: { 'events:source': 'cdk-mlops' } },
  },
  {
    sid: 'LostEvents',
    service: 'sqs',
    reach: LISTED,
    brief: words('*teQueue PurgeQueue Set* *Permission SendM* ReceiveM* DeleteM* ChangeM*'),
    actions: words('DeleteQueue PurgeQueue SetQueueAttributes AddPermission RemovePermission SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility'),
  },
  { sid: 'Schedules', service: 'scheduler', reach: ACCOUNT, actions: words('CreateSchedule UpdateSchedule DeleteSchedule DeleteScheduleGroup') },
  {
    sid: 'Alarms',
    service: 'cloudwatch',
    eventSource: 'monitoring.amazonaws.com',
    reach: ACCOUNT,
    brief: words('SetAlarmState *AlarmActions Put*Alarm* DeleteAlarm*'),
    actions: words(`
      SetAlarmState DisableAlarmActions EnableAlarmActions PutMetricAlarm PutCompositeAlarm DeleteAlarms PutAlarmMuteRule DeleteAlarmMuteRule`),
  },
  {
    sid: 'ForgedMetrics',
    service: 'cloudwatch',
    eventSource: 'monitoring.amazonaws.com',
    reach: EVERYTHING,
    actions: ['PutMetricData'],
    conditions: { StringEquals: { 'cloudwatch:namespace': ['cdk-mlops', 'AWS/SageMaker', '/aws/sagemaker/Endpoints'] } },
  },
  {
    sid: 'Scaling',
    service: 'application-autoscaling',
    eventSource: 'autoscaling.amazonaws.com',
    reach: ACCOUNT,
    actions: words(`
      RegisterScalableTarget DeregisterScalableTarget PutScalingPolicy DeleteScalingPolicy PutScheduledAction DeleteScheduledAction`),
  },
  {
    sid: 'Functions',
    service: 'lambda',
    reach: ACCOUNT,
    actions: words(`
      UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction PutFunctionConcurrency DeleteFunctionConcurrency PublishVersion CreateAlias
      UpdateAlias DeleteAlias AddPermission RemovePermission CreateFunctionUrlConfig UpdateFunctionUrlConfig DeleteFunctionUrlConfig
      CreateEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping PutFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig
      PutFunctionCodeSigningConfig PutRuntimeManagementConfig DeleteLayerVersion AddLayerVersionPermission`),
  },
  {
    // an approver's answer to a release comes by the function's URL
    sid: 'Invocations',
    service: 'lambda',
    reach: ACCOUNT,
    actions: words('InvokeFunction InvokeAsync'),
    conditions: { BoolIfExists: { 'lambda:InvokedViaFunctionUrl': 'false' } },
  },
  {
    sid: 'Queries',
    service: 'athena',
    reach: LISTED,
    brief: words('Stop* Cancel* Terminate* Update* Delete* CreatePrep*'),
    actions: words(`
      StopQueryExecution CancelQueryExecution StopCalculationExecution TerminateSession UpdateWorkGroup DeleteWorkGroup UpdateNamedQuery
      DeleteNamedQuery CreatePreparedStatement UpdatePreparedStatement DeletePreparedStatement`),
  },
  {
    sid: 'Catalog',
    service: 'glue',
    reach: LISTED,
    brief: words('*teTable* *teDatabase *tePartition'),
    actions: words(`
      CreateTable UpdateTable DeleteTable BatchDeleteTable DeleteTableVersion BatchDeleteTableVersion UpdateDatabase DeleteDatabase CreatePartition
      BatchCreatePartition UpdatePartition BatchUpdatePartition DeletePartition BatchDeletePartition`),
  },
  {
    sid: 'DataJobs',
    service: 'glue',
    reach: ACCOUNT,
    brief: words('StartJobRun BatchStop* *teJob* ResetJob* *teTrigger St*Trigger St*WorkflowRun DeleteSec* UpdateConn* *eteConnection'),
    actions: words(`
      StartJobRun BatchStopJobRun CreateJob UpdateJob UpdateJobFromSourceControl DeleteJob ResetJobBookmark CreateTrigger UpdateTrigger
      DeleteTrigger StartTrigger StopTrigger StartWorkflowRun StopWorkflowRun DeleteSecurityConfiguration UpdateConnection DeleteConnection
      BatchDeleteConnection`),
  },
  {
    sid: 'MainBranch',
    service: 'codecommit',
    reach: ACCOUNT,
    branches: true,
    brief: words('GitPush CreateCommit CreateBranch PutFile Delete* MergeBranches*'),
    actions: words(`
      GitPush CreateCommit PutFile DeleteFile CreateBranch DeleteBranch MergeBranchesByFastForward MergeBranchesBySquash MergeBranchesByThreeWay`),
  },
  {
    sid: 'Repositories',
    service: 'codecommit',
    reach: ACCOUNT,
    brief: words('UpdateDefaultBranch Override* UpdatePullRequestApprovalRuleContent DeletePull* *DisassociateApproval* *teApproval* PutRepository* *teRepository*'),
    actions: words(`
      UpdateDefaultBranch OverridePullRequestApprovalRules UpdatePullRequestApprovalRuleContent DeletePullRequestApprovalRule
      DisassociateApprovalRuleTemplateFromRepository BatchDisassociateApprovalRuleTemplateFromRepositories DeleteApprovalRuleTemplate
      UpdateApprovalRuleTemplateContent UpdateApprovalRuleTemplateName UpdateApprovalRuleTemplateDescription PutRepositoryTriggers DeleteRepository UpdateRepositoryName
      UpdateRepositoryEncryptionKey`),
  },
  {
    sid: 'Connections',
    service: 'codeconnections',
    reach: ACCOUNT,
    brief: words('Delete* Update*'),
    actions: words('DeleteConnection UpdateConnectionInstallation UpdateHost DeleteHost'),
  },
  {
    // the same service by the name that it had before, which its older resources keep
    sid: 'OldConnections',
    service: 'codestar-connections',
    reach: ACCOUNT,
    brief: words('Delete* Update*'),
    actions: words('DeleteConnection UpdateConnectionInstallation UpdateHost DeleteHost'),
  },
  {
    sid: 'Objects',
    service: 's3',
    reach: LISTED,
    brief: words('Put* Abort* Delete* Restore* Bypass*'),
    actions: words(`
      PutObject AbortMultipartUpload DeleteObject DeleteObjectVersion PutObjectTagging DeleteObjectTagging PutObjectVersionTagging
      DeleteObjectVersionTagging PutObjectAcl RestoreObject BypassGovernanceRetention`),
  },
  {
    sid: 'Buckets',
    service: 's3',
    reach: LISTED,
    brief: words('Put* Delete*'),
    actions: words(`
      PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutBucketPublicAccessBlock PutBucketOwnershipControls PutBucketVersioning
      PutLifecycleConfiguration PutBucketNotification PutEncryptionConfiguration PutReplicationConfiguration PutBucketTagging DeleteBucket`),
  },
  {
    sid: 'Images',
    service: 'ecr',
    reach: ACCOUNT,
    actions: words(`
      PutImage BatchDeleteImage UpdateImageStorageClass PutImageTagMutability SetRepositoryPolicy DeleteRepositoryPolicy DeleteRepository
      PutLifecyclePolicy`),
  },
  {
    sid: 'Keys',
    service: 'kms',
    reach: ACCOUNT,
    brief: words('DisableKey Schedule* PutKeyPolicy Re*Grant *teAlias DeleteImported*'),
    actions: words('DisableKey ScheduleKeyDeletion PutKeyPolicy RevokeGrant RetireGrant UpdateAlias DeleteAlias DeleteImportedKeyMaterial'),
  },
  {
    // a service that works for somebody, such as a notebook with an encrypted volume, makes grants in their name
    sid: 'KeyGrants',
    service: 'kms',
    reach: LISTED,
    actions: ['CreateGrant'],
    conditions: { BoolIfExists: { 'kms:GrantIsForAWSResource': 'false' } },
  },
  { sid: 'Parameters', service: 'ssm', reach: LISTED, brief: words('PutParameter Delete*'), actions: words('PutParameter DeleteParameter DeleteParameters') },
  {
    sid: 'Secrets',
    service: 'secretsmanager',
    reach: LISTED,
    brief: words('Put* Update* Delete* Rotate*'),
    actions: words('PutSecretValue UpdateSecret UpdateSecretVersionStage DeleteSecret RotateSecret PutResourcePolicy DeleteResourcePolicy'),
  },
  {
    sid: 'Ledgers',
    service: 'dynamodb',
    reach: ACCOUNT,
    actions: words(`
      PutItem UpdateItem DeleteItem BatchWriteItem PartiQLInsert PartiQLUpdate PartiQLDelete UpdateTable DeleteTable UpdateTimeToLive
      UpdateContinuousBackups DeleteBackup PutResourcePolicy DeleteResourcePolicy`),
  },
  {
    sid: 'Stacks',
    service: 'cloudformation',
    reach: ACCOUNT,
    actions: words(`
      CreateStack UpdateStack DeleteStack CreateChangeSet ExecuteChangeSet DeleteChangeSet CancelUpdateStack ContinueUpdateRollback RollbackStack
      SetStackPolicy UpdateTerminationProtection SignalResource ExecuteStackRefactor`),
  },
  { sid: 'Roles', service: 'iam', reach: ACCOUNT, notebooksLeft: true, actions: ['PassRole'] },
  // the roles of notebooks too
  { sid: 'RolesElsewhere', service: 'iam', reach: ACCOUNT, actions: ['PassRole'], conditions: { StringNotEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } } },
  {
    sid: 'Identity',
    service: 'iam',
    reach: ACCOUNT,
    actions: words(`
      UpdateAssumeRolePolicy PutRolePolicy DeleteRolePolicy AttachRolePolicy DetachRolePolicy CreatePolicyVersion
      DeletePolicyVersion DeletePolicy SetDefaultPolicyVersion PutRolePermissionsBoundary DeleteRolePermissionsBoundary UpdateRole DeleteRole
      TagRole UntagRole`),
  },
  {
    // somebody new would not be kept from anything
    sid: 'Newcomers',
    service: 'iam',
    reach: ACCOUNT,
    actions: words(`
      CreateRole CreateUser CreateAccessKey CreateLoginProfile UpdateLoginProfile AttachUserPolicy DetachUserPolicy PutUserPolicy
      DeleteUserPolicy PutUserPermissionsBoundary DeleteUserPermissionsBoundary TagUser AddUserToGroup RemoveUserFromGroup AttachGroupPolicy
      DetachGroupPolicy PutGroupPolicy DeleteGroupPolicy CreateSAMLProvider UpdateSAMLProvider CreateOpenIDConnectProvider
      AddClientIDToOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint`),
  },
  { sid: 'Deployers', service: 'sts', reach: LISTED, quiet: true, actions: ['AssumeRole'] },
  // a session's tag counts as its role's
  {
    sid: 'ForgedTrust',
    service: 'sts',
    reach: EVERYTHING,
    actions: ['TagSession'],
    conditions: { StringEquals: { [`aws:RequestTag/${TRUSTED_TAG}`]: 'true' } },
  },
  {
    sid: 'Evidence',
    service: 'logs',
    reach: ACCOUNT,
    brief: words('DeleteLog* DeleteA* Put*Policy *SubscriptionFilter PutM* DeleteM* PutT*'),
    actions: words(`
      DeleteLogGroup DeleteLogStream PutRetentionPolicy PutSubscriptionFilter DeleteSubscriptionFilter PutMetricFilter DeleteMetricFilter
      PutDataProtectionPolicy PutTransformer PutAccountPolicy DeleteAccountPolicy`),
  },
  // CloudWatch takes metrics of any name out of logs
  { sid: 'ForgedLogs', service: 'logs', reach: ACCOUNT, peopleOnly: true, actions: ['PutLogEvents'] },
  { sid: 'Trails', service: 'cloudtrail', reach: ACCOUNT, actions: words('StopLogging DeleteTrail UpdateTrail PutEventSelectors') },
  // an account that leaves its organization leaves its documents behind
  { sid: 'Organization', service: 'organizations', reach: ACCOUNT, brief: ['Leave*'], actions: ['LeaveOrganization'] },
  {
    sid: 'Alerts',
    service: 'sns',
    reach: LISTED,
    brief: words('Publish Unsub* Set* Delete* *Permission Put*'),
    actions: words(`
      Publish Unsubscribe SetSubscriptionAttributes SetTopicAttributes DeleteTopic AddPermission RemovePermission PutDataProtectionPolicy`),
  },
];

/** The IAM names of all of them, such as `states:StopExecution`. */
export function protectedActionNames(): string[] {
  return PROTECTED_ACTIONS.flatMap(({ service, actions }) => actions.map((action) => `${service}:${action}`));
}
