const words = (service: string, actions: string): string[] => actions.trim().split(/\s+/).map((action) => `${service}:${action}`);

/** What everybody may see: actions that only read, and no data. */
export const VIEWER_ACTIONS: readonly string[] = [
  ...words('codepipeline', 'GetPipeline GetPipelineExecution GetPipelineState ListActionExecutions ListPipelineExecutions ListPipelines'),
  ...words('codebuild', 'BatchGetBuilds BatchGetProjects ListBuilds ListBuildsForProject ListProjects'),
  ...words('states', 'DescribeExecution DescribeStateMachine GetExecutionHistory ListExecutions ListStateMachines'),
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
