const words = (service: string, actions: string): string[] => actions.trim().split(/\s+/).map((action) => `${service}:${action}`);

/** What everybody may see: actions that only read, and no data. */
export const VIEWER_ACTIONS: readonly string[] = [
  ...words('codepipeline', 'GetPipeline GetPipelineExecution GetPipelineState ListActionExecutions ListPipelineExecutions ListPipelines'),
  ...words('codebuild', 'BatchGetBuilds BatchGetProjects ListBuilds ListBuildsForProject ListProjects'),
  ...words('states', 'DescribeExecution DescribeStateMachine DescribeStateMachineForExecution GetExecutionHistory ListExecutions ListStateMachines'),
  ...words('sagemaker', `
    DescribeEndpoint DescribeEndpointConfig DescribeModel DescribeModelPackage DescribeModelPackageGroup DescribeProcessingJob DescribeTrainingJob
    ListEndpointConfigs ListEndpoints ListModelPackageGroups ListModelPackages ListModels ListProcessingJobs ListTrainingJobs`),
  ...words('cloudwatch', `
    DescribeAlarmHistory DescribeAlarms GetDashboard GetMetricData GetMetricStatistics GetMetricWidgetImage ListDashboards ListMetrics`),
  ...words('logs', 'DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents'),
  ...words('events', 'DescribeRule ListRules ListTargetsByRule'),
  ...words('glue', 'GetJob GetJobRun GetJobRuns GetJobs'),
  ...words('codecommit', 'ListRepositories'),
];

/** What else of the platform an operator sees: how it is made and who did what. No data. */
export const OPERATOR_ACTIONS: readonly string[] = [
  ...words('apigateway', 'GET'),
  ...words('application-autoscaling', 'DescribeScalableTargets DescribeScalingActivities DescribeScalingPolicies'),
  ...words('athena', 'BatchGetQueryExecution GetQueryExecution GetWorkGroup ListQueryExecutions ListWorkGroups'),
  ...words('cloudformation', 'DescribeStackEvents DescribeStackResources DescribeStacks GetTemplate ListStackResources ListStacks'),
  ...words('cloudtrail', 'DescribeTrails GetEventSelectors GetTrailStatus LookupEvents'),
  ...words('dynamodb', 'DescribeTable ListTables'),
  ...words('ecr', 'DescribeImages DescribeRepositories DescribeImageScanFindings ListImages'),
  ...words('firehose', 'DescribeDeliveryStream ListDeliveryStreams'),
  ...words('glue', 'GetDatabase GetDatabases GetPartitions GetTable GetTables'),
  ...words('lambda', 'GetFunctionConfiguration ListFunctions'),
  ...words('sagemaker', 'DescribeNotebookInstance DescribeSpace DescribeUserProfile ListNotebookInstances ListSpaces ListUserProfiles ListTags'),
  ...words('sns', 'GetTopicAttributes ListSubscriptionsByTopic ListTopics'),
  ...words('sqs', 'GetQueueAttributes GetQueueUrl ListQueues'),
];
