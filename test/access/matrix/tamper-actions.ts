/**
 * Every action by which a run could be stopped, started, skipped, restarted or altered, or by which its evidence could be
 * forged or removed, as AWS names them. Written down here once more, and not taken from the library, so that an action
 * that the library forgets is found.
 */
export const TAMPER_ACTIONS: Readonly<Record<string, string>> = {
  'codepipeline': `
    StopPipelineExecution StartPipelineExecution RetryStageExecution RollbackStage OverrideStageCondition DisableStageTransition
    EnableStageTransition PutApprovalResult PutActionRevision PutJobSuccessResult PutJobFailureResult PutThirdPartyJobSuccessResult
    PutThirdPartyJobFailureResult AcknowledgeJob AcknowledgeThirdPartyJob PollForJobs PollForThirdPartyJobs UpdatePipeline DeletePipeline
    CreatePipeline CreateCustomActionType UpdateActionType DeleteCustomActionType PutWebhook DeleteWebhook RegisterWebhookWithThirdParty
    DeregisterWebhookWithThirdParty TagResource UntagResource`,
  'codebuild': `
    StopBuild StopBuildBatch RetryBuild RetryBuildBatch StartBuild StartBuildBatch StartSandbox StopSandbox StartCommandExecution
    StartSandboxConnection BatchDeleteBuilds DeleteBuildBatch UpdateProject DeleteProject CreateProject InvalidateProjectCache
    UpdateProjectVisibility CreateWebhook UpdateWebhook DeleteWebhook PutResourcePolicy DeleteResourcePolicy ImportSourceCredentials
    DeleteSourceCredentials PersistOAuthToken DeleteOAuthToken UpdateFleet DeleteFleet CreateReport UpdateReport DeleteReport
    BatchPutTestCases BatchPutCodeCoverages`,
  'states': `
    StopExecution RedriveExecution StartExecution StartSyncExecution SendTaskSuccess SendTaskFailure SendTaskHeartbeat GetActivityTask
    UpdateStateMachine DeleteStateMachine CreateStateMachine PublishStateMachineVersion DeleteStateMachineVersion CreateStateMachineAlias
    UpdateStateMachineAlias DeleteStateMachineAlias UpdateMapRun CreateActivity DeleteActivity TestState TagResource UntagResource`,
  'sagemaker': `
    StopTrainingJob StopProcessingJob StopTransformJob StopHyperParameterTuningJob StopAutoMLJob StopCompilationJob StopOptimizationJob
    StopJob UpdateTrainingJob DeleteTrainingJob DeleteProcessingJob CreateTrainingJob CreateProcessingJob CreateTransformJob
    StartPipelineExecution StopPipelineExecution RetryPipelineExecution UpdatePipelineExecution SendPipelineExecutionStepSuccess
    SendPipelineExecutionStepFailure UpdatePipeline UpdatePipelineVersion DeletePipeline
    CreateEndpoint UpdateEndpoint UpdateEndpointWeightsAndCapacities DeleteEndpoint CreateEndpointConfig DeleteEndpointConfig CreateModel
    DeleteModel CreateInferenceComponent UpdateInferenceComponent DeleteInferenceComponent UpdateInferenceComponentRuntimeConfig
    CreateInferenceExperiment StartInferenceExperiment StopInferenceExperiment UpdateInferenceExperiment DeleteInferenceExperiment
    CreateModelPackage UpdateModelPackage DeleteModelPackage CreateModelPackageGroup DeleteModelPackageGroup PutModelPackageGroupPolicy
    DeleteModelPackageGroupPolicy CreateMonitoringSchedule UpdateMonitoringSchedule StartMonitoringSchedule StopMonitoringSchedule
    DeleteMonitoringSchedule UpdateMonitoringAlert CreateModelQualityJobDefinition DeleteModelQualityJobDefinition
    CreateDataQualityJobDefinition DeleteDataQualityJobDefinition CreateModelBiasJobDefinition DeleteModelBiasJobDefinition
    CreateModelExplainabilityJobDefinition DeleteModelExplainabilityJobDefinition AddTags DeleteTags InvokeEndpoint
    CreateNotebookInstance UpdateNotebookInstance CreateHyperParameterTuningJob CreateAutoMLJob CreateAutoMLJobV2 CreateCompilationJob
    CreateOptimizationJob CreateInferenceRecommendationsJob CreateLabelingJob CreateEdgePackagingJob CreateJob CreateAIBenchmarkJob
    CreateAIRecommendationJob CreateDomain UpdateDomain CreateUserProfile UpdateUserProfile CreateFeatureGroup CreateFlowDefinition
    CreateImage UpdateImage CreateCluster UpdateCluster CreateDeviceFleet UpdateDeviceFleet CreateMlflowApp CreateMlflowTrackingServer
    CreatePartnerApp CreatePipeline CreateAlgorithm`,
  'events': `
    PutRule DeleteRule DisableRule EnableRule PutTargets RemoveTargets PutEvents StartReplay DeleteArchive UpdateEventBus DeleteEventBus
    PutPermission RemovePermission`,
  'scheduler': 'CreateSchedule UpdateSchedule DeleteSchedule DeleteScheduleGroup',
  'cloudwatch': 'SetAlarmState DisableAlarmActions EnableAlarmActions PutMetricAlarm PutCompositeAlarm DeleteAlarms PutMetricData',
  'application-autoscaling': `
    RegisterScalableTarget DeregisterScalableTarget PutScalingPolicy DeleteScalingPolicy PutScheduledAction DeleteScheduledAction`,
  'lambda': `
    UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction PutFunctionConcurrency PublishVersion UpdateAlias AddPermission
    RemovePermission InvokeFunction`,
  'athena': `
    StartQueryExecution StopQueryExecution CancelQueryExecution StopCalculationExecution TerminateSession UpdateWorkGroup DeleteWorkGroup
    UpdateNamedQuery DeleteNamedQuery CreatePreparedStatement UpdatePreparedStatement DeletePreparedStatement`,
  'glue': `
    UpdateTable DeleteTable UpdateDatabase DeleteDatabase BatchDeletePartition UpdateConnection DeleteConnection BatchDeleteConnection
    DeleteSecurityConfiguration`,
  'codecommit': `
    GitPush CreateCommit PutFile DeleteFile CreateBranch DeleteBranch UpdateDefaultBranch MergeBranchesByFastForward MergeBranchesBySquash
    MergeBranchesByThreeWay MergePullRequestByFastForward MergePullRequestBySquash MergePullRequestByThreeWay
    OverridePullRequestApprovalRules UpdatePullRequestApprovalRuleContent DeletePullRequestApprovalRule
    DisassociateApprovalRuleTemplateFromRepository BatchDisassociateApprovalRuleTemplateFromRepositories DeleteApprovalRuleTemplate
    UpdateApprovalRuleTemplateContent UpdateApprovalRuleTemplateName UpdateApprovalRuleTemplateDescription PutRepositoryTriggers
    DeleteRepository UpdateRepositoryName UpdateRepositoryEncryptionKey`,
  'codeconnections': 'DeleteConnection UpdateConnectionInstallation UpdateHost DeleteHost',
  'codestar-connections': 'DeleteConnection UpdateConnectionInstallation UpdateHost DeleteHost',
  's3': `
    PutObject DeleteObject DeleteObjectVersion PutObjectTagging RestoreObject PutBucketPolicy DeleteBucketPolicy PutBucketVersioning
    PutLifecycleConfiguration PutBucketNotification PutEncryptionConfiguration PutReplicationConfiguration BypassGovernanceRetention`,
  'ecr': `
    PutImage BatchDeleteImage UpdateImageStorageClass PutImageTagMutability SetRepositoryPolicy DeleteRepositoryPolicy DeleteRepository
    PutLifecyclePolicy`,
  'kms': 'DisableKey ScheduleKeyDeletion PutKeyPolicy RevokeGrant RetireGrant CreateGrant UpdateAlias DeleteAlias',
  'ssm': 'PutParameter DeleteParameter',
  'secretsmanager': 'PutSecretValue UpdateSecret DeleteSecret RotateSecret',
  'dynamodb': 'PutItem UpdateItem DeleteItem BatchWriteItem PartiQLInsert PartiQLUpdate PartiQLDelete',
  'cloudformation': `
    UpdateStack DeleteStack CreateChangeSet ExecuteChangeSet DeleteChangeSet CancelUpdateStack ContinueUpdateRollback RollbackStack
    SetStackPolicy UpdateTerminationProtection`,
  'iam': `
    PassRole UpdateAssumeRolePolicy PutRolePolicy DeleteRolePolicy AttachRolePolicy DetachRolePolicy CreatePolicyVersion
    SetDefaultPolicyVersion PutRolePermissionsBoundary DeleteRolePermissionsBoundary UpdateRole DeleteRole TagRole UntagRole`,
  'sts': 'AssumeRole',
  'logs': 'DeleteLogGroup DeleteLogStream PutRetentionPolicy',
  'cloudtrail': 'StopLogging DeleteTrail PutEventSelectors',
  'sns': 'Publish Unsubscribe SetSubscriptionAttributes SetTopicAttributes DeleteTopic',
};
