import { aws_cloudwatch as cloudwatch, aws_events as events, aws_events_targets as targets, aws_kms as kms, aws_s3 as s3, aws_sns as sns, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Alerts, CanaryRelease, Dataset, MlopsEvents, ModelEndpoint, ModelRegistryVersioning, ReleaseHooks,
  ReleaseWorkflow, ShadowStaging, TrafficShift, TrainingWorkflow,
} from '../../../src';
import { newSharedAccessLogs } from '../../../src/private/access-logs';
import { ModelResources } from '../../../src/private/model-resources';
import { PlatformResources } from '../../../src/private/platform-resources';

export const MODEL = 'Line';
export const DATASET = 'Points';

/** What the tests go by, as outputs of the stack. */
export const OUTPUTS = [
  'Training', 'Release', 'Staging', 'Canary', 'Recovery', 'Rollback', 'Endpoint', 'Ledger', 'Group', 'Repository', 'Curated', 'Artifacts', 'Observations',
  'Lifecycle',
] as const;
export type LineOutputs = Record<(typeof OUTPUTS)[number], string>;

/** Alarms of the operator's own, on figures that the tests publish. */
export const LOAD_ALARM = 'Load';
export const QUALITY_ALARM = 'Quality';
export const OWN_NAMESPACE = 'Operator';

/** How long an answer takes is real, and a machine that runs tests may be busy: no outcome hangs on it. */
export const PATIENT = {
  staging: { maxLatencyP95: Duration.seconds(30), maxStagingLatencyP95: Duration.seconds(13) },
  release: { maxLatencyP95: Duration.seconds(30) },
} as const;

export interface LineOptions {
  readonly keep?: number;
  /** Whether the length of blocks is chosen from the champion's past: within so short a window it is the same. */
  readonly measured?: boolean;
  /** Names of alarms that roll back. */
  readonly rollbackAlarms?: string[];
  /** How soon things are decided on, and looked at. */
  readonly pace?: {
    readonly evaluateEvery: Duration;
    readonly minSamples: number;
    readonly reconcileEvery: Duration;
    readonly canary: Duration;
    readonly watch: Duration;
  };
}

/** From a commit and a dataset to production, with everything that decides on the way, and nothing beside it. */
export function lineApp(stack: Stack, hooks?: ReleaseHooks, { keep, measured = false, rollbackAlarms = [], pace }: LineOptions = {}): void {
  const key = new kms.Key(stack, 'Key', { removalPolicy: RemovalPolicy.DESTROY });
  const common = { encryptionKey: key };
  // as a platform's model, whose functions are those of all models
  new ModelResources(stack, new PlatformResources(stack, {
    encryptionKey: key, newAccessLogs: (within) => newSharedAccessLogs(within, RemovalPolicy.DESTROY),
  }), key);
  const curated = new s3.Bucket(stack, 'Curated', { encryption: s3.BucketEncryption.KMS, ...common });
  const dataset = Dataset.fromDatasetAttributes({ datasetName: DATASET, bucket: curated, target: 'y' });

  const registry = new ModelRegistryVersioning(stack, 'Registry', { ...common, modelName: MODEL, removalPolicy: RemovalPolicy.DESTROY });
  const endpoint = new ModelEndpoint(stack, 'Endpoint', { ...common, endpointName: 'line', removalPolicy: RemovalPolicy.DESTROY });
  endpoint.allowModelsFrom(registry.artifacts, registry.repository);
  const training = new TrainingWorkflow(stack, 'Training', { ...common, dataset, registry });
  const staging = new ShadowStaging(stack, 'Staging', {
    ...common,
    endpoint,
    registry,
    window: Duration.hours(30),
    evaluateEvery: pace?.evaluateEvery ?? Duration.hours(6),
    labelDelay: Duration.hours(1),
    blockLength: measured ? undefined : Duration.hours(1),
    minSamples: pace?.minSamples ?? 60,
    ...PATIENT.staging,
  });
  const alarm = (alarmName: string) => new cloudwatch.Alarm(stack, alarmName, {
    alarmName,
    metric: new cloudwatch.Metric({ namespace: OWN_NAMESPACE, metricName: alarmName, period: Duration.minutes(1), statistic: 'Maximum' }),
    threshold: 1,
    evaluationPeriods: 1,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  const release = new CanaryRelease(stack, 'Release', {
    ...common,
    ...PATIENT.release,
    endpoint,
    registry,
    shift: TrafficShift.canaryInstances(1, pace?.canary ?? Duration.minutes(30)),
    alarms: [alarm(LOAD_ALARM)],
    watch: { window: pace?.watch ?? Duration.hours(1), every: Duration.minutes(10), alarms: [alarm(QUALITY_ALARM)] },
  });
  const reconcileEvery = pace?.reconcileEvery ?? Duration.hours(1);
  const releases = new ReleaseWorkflow(stack, 'Releases', {
    ...common, registry, staging, release, reconcileEvery, hooks, keep, rollbackAlarms: rollbackAlarms.map(alarm),
  });

  new Alerts(stack, 'Alerts', common);
  // every event of the library, where the tests can see it
  new events.Rule(stack, 'Everything', {
    eventPattern: { source: [MlopsEvents.SOURCE] },
    targets: [new targets.SnsTopic(new sns.Topic(stack, 'Events', { topicName: 'events' }))],
  });

  const outputs: LineOutputs = {
    Training: training.stateMachine.stateMachineArn,
    Release: releases.stateMachine.stateMachineArn,
    Staging: staging.stateMachine.stateMachineArn,
    Canary: release.stateMachine.stateMachineArn,
    Recovery: releases.recovery.stateMachineArn,
    Rollback: releases.rollback.stateMachineArn,
    Endpoint: endpoint.endpointName,
    Ledger: registry.ledger.tableName,
    Group: registry.modelPackageGroupName,
    Repository: registry.repository.repositoryUri,
    Curated: curated.bucketName,
    Artifacts: registry.artifacts.bucketName,
    Observations: endpoint.observations.bucket.bucketName,
    Lifecycle: registry.lifecycle.functionName,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, `Out${name}`, { value });
}
