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
  /** What CloudTrail calls the service, where that is not `<service>.amazonaws.com`. */
  readonly eventSource?: string;
  readonly reach: ProtectionReach;
  /** By full names; none is shortened, so that each can be found and counted. */
  readonly actions: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>;
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
      StopExecution RedriveExecution StartExecution StartSyncExecution SendTaskSuccess SendTaskFailure SendTaskHeartbeat GetActivityTask
      UpdateStateMachine DeleteStateMachine CreateStateMachine PublishStateMachineVersion DeleteStateMachineVersion CreateStateMachineAlias
      UpdateStateMachineAlias DeleteStateMachineAlias UpdateMapRun CreateActivity DeleteActivity TestState TagResource UntagResource`),
  },
  {
    sid: 'Jobs',
    service: 'sagemaker',
    reach: ACCOUNT,
    actions: words(`
      StopTrainingJob StopProcessingJob StopTransformJob StopHyperParameterTuningJob StopAutoMLJob StopCompilationJob StopOptimizationJob
      UpdateTrainingJob DeleteTrainingJob DeleteProcessingJob StartPipelineExecution StopPipelineExecution RetryPipelineExecution
      UpdatePipelineExecution SendPipelineExecutionStepSuccess SendPipelineExecutionStepFailure UpdatePipeline DeletePipeline AddTags DeleteTags`),
  },
  {
    sid: 'Hosting',
    service: 'sagemaker',
    reach: ACCOUNT,
    actions: words(`
      CreateEndpoint UpdateEndpoint UpdateEndpointWeightsAndCapacities DeleteEndpoint CreateEndpointConfig DeleteEndpointConfig CreateModel
      DeleteModel CreateInferenceComponent UpdateInferenceComponent DeleteInferenceComponent UpdateInferenceComponentRuntimeConfig
      CreateInferenceExperiment StartInferenceExperiment StopInferenceExperiment UpdateInferenceExperiment DeleteInferenceExperiment`),
  },
  {
    sid: 'Registry',
    service: 'sagemaker',
    reach: ACCOUNT,
    actions: words(`
      CreateModelPackage UpdateModelPackage DeleteModelPackage CreateModelPackageGroup DeleteModelPackageGroup PutModelPackageGroupPolicy
      DeleteModelPackageGroupPolicy CreateMonitoringSchedule UpdateMonitoringSchedule StartMonitoringSchedule StopMonitoringSchedule
      DeleteMonitoringSchedule UpdateMonitoringAlert CreateModelQualityJobDefinition DeleteModelQualityJobDefinition`),
  },
  { sid: 'Requests', service: 'sagemaker', reach: ACCOUNT, actions: ['InvokeEndpoint'] },
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
  { sid: 'Schedules', service: 'scheduler', reach: ACCOUNT, actions: words('CreateSchedule UpdateSchedule DeleteSchedule DeleteScheduleGroup') },
  {
    sid: 'Alarms',
    service: 'cloudwatch',
    eventSource: 'monitoring.amazonaws.com',
    reach: ACCOUNT,
    actions: words('SetAlarmState DisableAlarmActions EnableAlarmActions PutMetricAlarm PutCompositeAlarm DeleteAlarms'),
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
    reach: ACCOUNT,
    actions: words(`
      RegisterScalableTarget DeregisterScalableTarget PutScalingPolicy DeleteScalingPolicy PutScheduledAction DeleteScheduledAction`),
  },
  {
    sid: 'Functions',
    service: 'lambda',
    reach: ACCOUNT,
    actions: words(`
      UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction PutFunctionConcurrency PublishVersion UpdateAlias AddPermission
      RemovePermission InvokeFunction`),
  },
  {
    sid: 'Queries',
    service: 'athena',
    reach: LISTED,
    actions: words('StopQueryExecution UpdateWorkGroup DeleteWorkGroup CreatePreparedStatement UpdatePreparedStatement DeletePreparedStatement'),
  },
  { sid: 'Catalog', service: 'glue', reach: LISTED, actions: words('UpdateTable DeleteTable UpdateDatabase DeleteDatabase BatchDeletePartition') },
  {
    sid: 'MainBranch',
    service: 'codecommit',
    reach: EVERYTHING,
    actions: words(`
      GitPush CreateCommit PutFile DeleteFile DeleteBranch MergeBranchesByFastForward MergeBranchesBySquash MergeBranchesByThreeWay`),
    conditions: { StringEqualsIfExists: { 'codecommit:References': ['refs/heads/main'] }, Null: { 'codecommit:References': 'false' } },
  },
  {
    sid: 'Repositories',
    service: 'codecommit',
    reach: ACCOUNT,
    actions: words(`
      UpdateDefaultBranch OverridePullRequestApprovalRules UpdatePullRequestApprovalRuleContent DeletePullRequestApprovalRule
      DisassociateApprovalRuleTemplateFromRepository BatchDisassociateApprovalRuleTemplateFromRepositories DeleteApprovalRuleTemplate
      UpdateApprovalRuleTemplateContent UpdateApprovalRuleTemplateName PutRepositoryTriggers DeleteRepository UpdateRepositoryName
      UpdateRepositoryEncryptionKey`),
  },
  {
    sid: 'Connections',
    service: 'codeconnections',
    reach: ACCOUNT,
    actions: words('DeleteConnection UpdateConnectionInstallation UpdateHost DeleteHost'),
  },
  {
    sid: 'Objects',
    service: 's3',
    reach: LISTED,
    actions: words(`
      PutObject DeleteObject DeleteObjectVersion PutObjectTagging RestoreObject PutBucketPolicy DeleteBucketPolicy PutBucketVersioning
      PutLifecycleConfiguration PutBucketNotification PutEncryptionConfiguration PutReplicationConfiguration BypassGovernanceRetention DeleteBucket`),
  },
  {
    sid: 'Images',
    service: 'ecr',
    reach: ACCOUNT,
    actions: words(`
      PutImage BatchDeleteImage PutImageTagMutability SetRepositoryPolicy DeleteRepositoryPolicy DeleteRepository PutLifecyclePolicy`),
  },
  {
    sid: 'Keys',
    service: 'kms',
    reach: ACCOUNT,
    actions: words('DisableKey ScheduleKeyDeletion PutKeyPolicy RevokeGrant RetireGrant UpdateAlias DeleteAlias'),
  },
  { sid: 'KeyGrants', service: 'kms', reach: LISTED, actions: ['CreateGrant'] },
  { sid: 'Parameters', service: 'ssm', reach: LISTED, actions: words('PutParameter DeleteParameter') },
  { sid: 'Secrets', service: 'secretsmanager', reach: LISTED, actions: words('PutSecretValue UpdateSecret DeleteSecret RotateSecret') },
  { sid: 'Ledgers', service: 'dynamodb', reach: ACCOUNT, actions: words('PutItem UpdateItem DeleteItem BatchWriteItem UpdateTable DeleteTable') },
  {
    sid: 'Stacks',
    service: 'cloudformation',
    reach: ACCOUNT,
    actions: words(`
      CreateStack UpdateStack DeleteStack CreateChangeSet ExecuteChangeSet DeleteChangeSet CancelUpdateStack ContinueUpdateRollback RollbackStack
      SetStackPolicy UpdateTerminationProtection`),
  },
  {
    sid: 'Identity',
    service: 'iam',
    reach: ACCOUNT,
    actions: words(`
      PassRole UpdateAssumeRolePolicy PutRolePolicy DeleteRolePolicy AttachRolePolicy DetachRolePolicy CreatePolicyVersion
      SetDefaultPolicyVersion PutRolePermissionsBoundary DeleteRolePermissionsBoundary UpdateRole DeleteRole TagRole UntagRole`),
  },
  {
    sid: 'Evidence',
    service: 'logs',
    reach: ACCOUNT,
    actions: words('DeleteLogGroup DeleteLogStream PutRetentionPolicy PutSubscriptionFilter DeleteSubscriptionFilter'),
  },
  { sid: 'Trails', service: 'cloudtrail', reach: ACCOUNT, actions: words('StopLogging DeleteTrail UpdateTrail PutEventSelectors') },
  { sid: 'Alerts', service: 'sns', reach: LISTED, actions: words('Publish Unsubscribe SetTopicAttributes DeleteTopic') },
];

/** The IAM names of all of them, such as `states:StopExecution`. */
export function protectedActionNames(): string[] {
  return PROTECTED_ACTIONS.flatMap(({ service, actions }) => actions.map((action) => `${service}:${action}`));
}
