import { NOBODY, POWERFUL, Section } from './row';

/** The workflow of the data pipeline, which engineers start by hand. */
const DATA = /WeatherWorkflow/;
const NOT_DATA = /^(?!.*WeatherWorkflow)/;

/** Runs and what they are made of. */
export const RUNS: readonly Section[] = [
  {
    title: 'Delivery pipelines',
    rows: [
      { say: 'stop or abandon a run', actions: 'codepipeline: StopPipelineExecution', may: NOBODY, elsewhere: NOBODY },
      { say: 'start a run by hand', actions: 'codepipeline: StartPipelineExecution', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'retry, roll back or override a stage, close or open its transition',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: 'codepipeline: RetryStageExecution RollbackStage OverrideStageCondition DisableStageTransition EnableStageTransition',
      },
      {
        say: 'answer in place of an action',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `codepipeline: PutApprovalResult PutActionRevision PutJobSuccessResult PutJobFailureResult PutThirdPartyJobSuccessResult
          PutThirdPartyJobFailureResult AcknowledgeJob AcknowledgeThirdPartyJob PollForJobs PollForThirdPartyJobs`,
      },
      {
        say: 'make, edit, tag or remove a pipeline, its action types or hooks',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `codepipeline: CreatePipeline UpdatePipeline DeletePipeline CreateCustomActionType UpdateActionType DeleteCustomActionType PutWebhook
          DeleteWebhook RegisterWebhookWithThirdParty DeregisterWebhookWithThirdParty TagResource UntagResource`,
      },
    ],
  },
  {
    title: 'Builds',
    rows: [
      { say: 'stop or erase a build', actions: 'codebuild: StopBuild StopBuildBatch StopSandbox BatchDeleteBuilds DeleteBuildBatch', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'start or repeat a build by hand, or type commands into one',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: 'codebuild: StartBuild StartBuildBatch RetryBuild RetryBuildBatch StartSandbox StartCommandExecution StartSandboxConnection',
      },
      {
        say: 'make, edit or remove a project, its hooks, cache, machines and credentials',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `codebuild: CreateProject UpdateProject DeleteProject InvalidateProjectCache UpdateProjectVisibility CreateWebhook UpdateWebhook
          DeleteWebhook PutResourcePolicy DeleteResourcePolicy ImportSourceCredentials DeleteSourceCredentials PersistOAuthToken DeleteOAuthToken
          UpdateFleet DeleteFleet`,
      },
      { say: 'forge or remove a test report', actions: 'codebuild: CreateReport UpdateReport DeleteReport BatchPutTestCases BatchPutCodeCoverages', may: NOBODY, elsewhere: NOBODY },
    ],
  },
  {
    title: 'Workflows',
    rows: [
      { say: 'stop a training, registration, staging, release or monitoring, or a run of a data pipeline', actions: 'states: StopExecution UpdateMapRun', may: NOBODY, elsewhere: NOBODY },
      { say: 'start one of a model by hand', actions: 'states: StartExecution StartSyncExecution', only: NOT_DATA, may: NOBODY, elsewhere: NOBODY },
      { say: 'start a data pipeline by hand', actions: 'states: StartExecution', only: DATA, may: ['engineer', ...POWERFUL] },
      { say: 'take up again one that failed', actions: 'states: RedriveExecution', may: NOBODY, elsewhere: NOBODY },
      { say: 'answer in place of a task', actions: 'states: SendTaskSuccess SendTaskFailure SendTaskHeartbeat GetActivityTask', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'make, edit, tag or remove a workflow of a model',
        only: NOT_DATA,
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `states: CreateStateMachine UpdateStateMachine DeleteStateMachine PublishStateMachineVersion DeleteStateMachineVersion
          CreateStateMachineAlias UpdateStateMachineAlias DeleteStateMachineAlias CreateActivity DeleteActivity TestState TagResource UntagResource`,
      },
      {
        say: 'edit, tag or remove the workflow of a data pipeline',
        only: DATA,
        may: NOBODY,
        actions: 'states: UpdateStateMachine DeleteStateMachine PublishStateMachineVersion UpdateStateMachineAlias TagResource UntagResource',
      },
    ],
  },
  {
    title: 'Jobs',
    rows: [
      {
        say: 'stop, edit or erase a training, test or other job',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `sagemaker: StopTrainingJob StopProcessingJob StopTransformJob StopHyperParameterTuningJob StopAutoMLJob StopCompilationJob
          StopOptimizationJob StopJob UpdateTrainingJob DeleteTrainingJob DeleteProcessingJob`,
      },
      { say: 'start a job by hand', actions: 'sagemaker: CreateTrainingJob CreateProcessingJob CreateTransformJob', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'start, stop, answer for, edit or remove a SageMaker pipeline',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `sagemaker: StartPipelineExecution StopPipelineExecution RetryPipelineExecution UpdatePipelineExecution
          SendPipelineExecutionStepSuccess SendPipelineExecutionStepFailure UpdatePipeline UpdatePipelineVersion DeletePipeline`,
      },
      {
        say: 'have SageMaker make or edit something else that carries a role: notebooks, profiles, other jobs, clusters',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `sagemaker: CreateNotebookInstance UpdateNotebookInstance CreateHyperParameterTuningJob CreateAutoMLJob CreateAutoMLJobV2
          CreateCompilationJob CreateOptimizationJob CreateInferenceRecommendationsJob CreateLabelingJob CreateEdgePackagingJob CreateJob
          CreateAIBenchmarkJob CreateAIRecommendationJob CreateDomain UpdateDomain CreateUserProfile UpdateUserProfile CreateFeatureGroup
          CreateFlowDefinition CreateImage UpdateImage CreateCluster UpdateCluster CreateDeviceFleet UpdateDeviceFleet CreateMlflowApp
          CreateMlflowTrackingServer CreatePartnerApp CreatePipeline CreateAlgorithm`,
      },
      { say: 'have it show a task’s form with a role', actions: 'sagemaker: RenderUiTemplate', on: ['*'], may: NOBODY },
      {
        say: 'run, stop or edit a data pipeline’s Glue job past its workflow',
        may: NOBODY,
        actions: 'glue: StartJobRun BatchStopJobRun UpdateJob DeleteJob ResetJobBookmark',
      },
      {
        say: 'edit or remove a connection by which data jobs reach data, or the way that they encrypt',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: 'glue: UpdateConnection DeleteConnection BatchDeleteConnection DeleteSecurityConfiguration',
      },
    ],
  },
  {
    title: 'Endpoints and versions',
    rows: [
      {
        say: 'change or remove what serves, or its share of the traffic',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `sagemaker: CreateEndpoint UpdateEndpoint UpdateEndpointWeightsAndCapacities DeleteEndpoint CreateEndpointConfig DeleteEndpointConfig
          CreateModel DeleteModel CreateInferenceComponent UpdateInferenceComponent DeleteInferenceComponent UpdateInferenceComponentRuntimeConfig
          CreateInferenceExperiment StartInferenceExperiment StopInferenceExperiment UpdateInferenceExperiment DeleteInferenceExperiment`,
      },
      {
        say: 'register, approve, edit or remove a version',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `sagemaker: CreateModelPackage UpdateModelPackage DeleteModelPackage CreateModelPackageGroup DeleteModelPackageGroup
          PutModelPackageGroupPolicy DeleteModelPackageGroupPolicy`,
      },
      {
        say: 'write the ledger of versions and releases',
        bindsAll: true,
        may: NOBODY,
        elsewhere: NOBODY,
        actions: 'dynamodb: PutItem UpdateItem DeleteItem BatchWriteItem PartiQLInsert PartiQLUpdate PartiQLDelete',
      },
      { say: 'tag or untag what SageMaker runs', actions: 'sagemaker: AddTags DeleteTags', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'change how an endpoint scales',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `application-autoscaling: RegisterScalableTarget DeregisterScalableTarget PutScalingPolicy DeleteScalingPolicy PutScheduledAction
          DeleteScheduledAction`,
      },
    ],
  },
  {
    title: 'What starts and connects them',
    rows: [
      {
        say: 'make, edit, disable or remove a rule, its targets or a bus',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `events: PutRule DeleteRule DisableRule EnableRule PutTargets RemoveTargets StartReplay DeleteArchive UpdateEventBus DeleteEventBus
          PutPermission RemovePermission`,
      },
      { say: 'make, edit or remove a schedule', actions: 'scheduler: CreateSchedule UpdateSchedule DeleteSchedule DeleteScheduleGroup', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'edit, stop or remove a function, or let others call it',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `lambda: UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction PutFunctionConcurrency PublishVersion UpdateAlias AddPermission
          RemovePermission`,
      },
      { say: 'call a function of the platform', actions: 'lambda: InvokeFunction', may: NOBODY, elsewhere: NOBODY },
      {
        say: 'call a function by its URL, such as the one that takes an approver’s answer',
        actions: 'lambda: InvokeFunction',
        may: POWERFUL,
        context: { 'lambda:InvokedViaFunctionUrl': 'true' },
      },
      {
        say: 'change, remove or roll back a stack',
        may: NOBODY,
        elsewhere: NOBODY,
        actions: `cloudformation: UpdateStack DeleteStack CreateChangeSet ExecuteChangeSet DeleteChangeSet CancelUpdateStack ContinueUpdateRollback
          RollbackStack SetStackPolicy UpdateTerminationProtection`,
      },
      { say: 'change or remove a setting', actions: 'ssm: PutParameter DeleteParameter', on: [], may: NOBODY, elsewhere: POWERFUL },
      { say: 'change or remove a secret', actions: 'secretsmanager: PutSecretValue UpdateSecret DeleteSecret RotateSecret', on: [], may: NOBODY, elsewhere: POWERFUL },
    ],
  },
];
