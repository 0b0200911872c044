import * as path from 'path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { DataQualityRule, DataScript, DataSource, MlopsPlatform, ModelSource, Persona, QualityGate, QualityMetric, TrafficShift } from 'cdk-mlops';

/** What differs where the platform is tried on another table. */
export interface RegressionPlatformOptions {
  /** @default - the weather pipeline beside this file */
  readonly script?: string;
  /** @default 'temp_in_24h' */
  readonly target?: string;
  /** @default 'time_hour' */
  readonly timeColumn?: string;
  /** @default - the rules below, for the weather */
  readonly quality?: DataQualityRule[];
}

/** What the weather must satisfy before a version of it is published, beside the rules of the pipeline's script. */
const WEATHER_RULES = [
  DataQualityRule.schema({ time_hour: 'timestamp', origin: 'string', temp: 'double', temp_in_24h: 'double' }),
  DataQualityRule.notNull('humid', 0.02),
  DataQualityRule.range('humid', 0, 100),
  DataQualityRule.rowCountChange({ maxDecreasePercent: 10, maxIncreasePercent: 100 }),
  DataQualityRule.freshness(Duration.days(14)),
];

/** The whole platform with one model: the temperature of three airports, 24 hours ahead. */
export function regressionPlatform(app: App, options: RegressionPlatformOptions = {}): Stack {
  const stack = new Stack(app, 'RegressionPlatform', { description: 'Regression models from a merge to a monitored endpoint' });
  const platform = new MlopsPlatform(stack, 'Mlops', { removalPolicy: RemovalPolicy.DESTROY });

  const pipeline = platform.addDataPipeline('Weather', {
    source: DataSource.upload(),
    script: DataScript.fromAsset(options.script ?? path.join(__dirname, 'pipelines', 'weather.py')),
    target: options.target ?? 'temp_in_24h',
    timeColumn: options.timeColumn ?? 'time_hour',
    quality: options.quality ?? WEATHER_RULES,
    runOnArrival: true,
  });
  const model = platform.addModel('Temperature', {
    source: ModelSource.codeCommit(),
    dataset: pipeline.dataset,
    gate: new QualityGate({ comparedBy: QualityMetric.RMSE, maxRegressionPercent: 5 }),
    // labels arrive a day after their prediction; weather changes from day to day, so that days are the blocks to compare
    staging: { window: Duration.days(30), evaluateEvery: Duration.hours(24), labelDelay: Duration.hours(25), blockLength: Duration.days(1) },
    release: { shift: TrafficShift.canaryInstances(1, Duration.hours(1)), watch: { window: Duration.days(7), every: Duration.hours(1) } },
    // three requests an hour: two days of labels are looked at together, and two such looks tell weather from a model that no longer holds
    monitoring: { every: Duration.days(1), labelDelay: Duration.hours(25), maxLabelDelay: Duration.days(3), minSamples: 130, rmseRatioLimit: 1.85 },
    api: { labelBuffer: Duration.minutes(5) },
  });

  const inAccount = new iam.AccountRootPrincipal();
  const engineer = platform.addPersona('Engineer', { persona: Persona.DATA_ENGINEER, assumedBy: inAccount });
  const scientist = platform.addPersona('Scientist', { persona: Persona.DATA_SCIENTIST, assumedBy: inAccount });
  const approver = platform.addPersona('Approver', { persona: Persona.APPROVER, assumedBy: inAccount });
  const operator = platform.addPersona('Operator', { persona: Persona.OPERATOR, assumedBy: inAccount });
  const client = new iam.Role(stack, 'Client', { assumedBy: inAccount, description: 'An application that asks for predictions and tells what came true' });
  model.api.grantPredict(client);
  model.api.grantSubmitGroundTruth(client);
  Validations.of(client).acknowledge({ id: 'NIST.800.53.R5-IAMNoInlinePolicy', reason: 'What this application may ask is of no use to another' });

  const outputs: Record<string, string> = {
    PredictionUrl: model.api.url,
    RepositoryName: model.delivery.repository.repositoryName,
    PipelineName: model.delivery.pipelineName,
    DataWorkflow: pipeline.stateMachine.stateMachineArn,
    TrainingWorkflow: model.training.stateMachine.stateMachineArn,
    ReleaseWorkflow: model.releases.stateMachine.stateMachineArn,
    SourceUri: pipeline.sourceUri,
    DatasetDatabase: platform.dataLake.databaseName,
    DatasetTable: pipeline.dataset.tableName,
    DatasetWorkGroup: platform.dataLake.workGroupName ?? '',
    EndpointName: model.endpoint.endpointName,
    LedgerTable: model.registry.ledger.tableName,
    ObservationBucket: model.endpoint.observations.bucket.bucketName,
    QualityAlarm: model.monitor.alarm.alarmName,
    DataEngineerRole: engineer.role.roleArn,
    DataScientistRole: scientist.role.roleArn,
    ApproverRole: approver.role.roleArn,
    OperatorRole: operator.role.roleArn,
    ClientRole: client.roleArn,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
  return stack;
}
