import { Duration, NestedStack, RemovalPolicy, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { IDataset } from './data/dataset';
import { DeliveryPipeline } from './delivery/delivery-pipeline';
import { HOOK_POINTS } from './domain/release-hook';
import { QualityMonitor, QualityMonitorOptions } from './monitoring/quality-monitor';
import { newSharedAccessLogs } from './private/access-logs';
import { ModelResources } from './private/model-resources';
import { PlatformResources } from './private/platform-resources';
import { Problems } from './private/problems';
import { ModelRegistryVersioning } from './registry/model-registry-versioning';
import { CanaryRelease, CanaryReleaseOptions, ReleaseWatch } from './release/canary-release';
import { ReleaseApproval, ReleaseHooks } from './release/release-hook';
import { ReleaseWorkflow } from './release/release-workflow';
import { EndpointAutoscaling } from './serving/endpoint-autoscaling';
import { ModelEndpoint } from './serving/model-endpoint';
import { PredictionApi, PredictionApiOptions } from './serving/prediction-api';
import { ModelSource } from './source/model-source';
import { ShadowStaging, ShadowStagingOptions } from './staging/shadow-staging';
import { QualityGate } from './training/quality-gate';
import { TrainingJobOptions, TrainingWorkflow } from './training/training-workflow';
import { IWorkbenchNetwork } from './workbench/workbench-network';

/** Options of a model, whatever platform it belongs to. */
export interface RegressionModelOptions {
  /** The git repository of the model's code. A merge to its main branch is delivered. */
  readonly source: ModelSource;

  /** What the model is trained on. */
  readonly dataset: IDataset;

  /**
   * Name of the model: letters, digits and hyphens, at most 40.
   *
   * @default - the construct's id
   */
  readonly modelName?: string;

  /**
   * What a trained model must reach on the holdout to get a version.
   *
   * @default - not worse than the champion's RMSE by more than 5 %
   */
  readonly gate?: QualityGate;

  /**
   * Whether a new version of the dataset revises the model automatically. Without it only merges do.
   *
   * @default true
   */
  readonly retrainOnNewData?: boolean;

  /**
   * Machines of the training job.
   *
   * @default - those of `TrainingWorkflow`
   */
  readonly training?: TrainingJobOptions;

  /**
   * Network of the training jobs and of the models behind the endpoint, for accounts that require one. It takes a gateway
   * endpoint for S3; the containers still reach nothing.
   *
   * @default - none: the containers have no network at all
   */
  readonly network?: IWorkbenchNetwork;

  /**
   * Instance type of the endpoint.
   *
   * @default 'ml.m5.large'
   */
  readonly instanceType?: string;

  /**
   * Number of instances of the endpoint. A canary needs at least two.
   *
   * @default - the `minCapacity` of `autoscaling`, 2 without it
   */
  readonly instanceCount?: number;

  /**
   * How the endpoint's fleet grows and shrinks with its load.
   *
   * @default - the fleet keeps its size
   */
  readonly autoscaling?: EndpointAutoscaling;

  /**
   * How a version is compared with the champion on real requests.
   *
   * @default - the defaults of `ShadowStaging`
   */
  readonly staging?: ShadowStagingOptions;

  /**
   * How traffic moves to a new version.
   *
   * @default - the defaults of `CanaryRelease`, and the alarm of `monitor` is watched for two days after a release
   */
  readonly release?: CanaryReleaseOptions;

  /**
   * Whom else a release asks, and where on its way. Each may reject the version.
   *
   * @default - nobody
   */
  readonly hooks?: ReleaseHooks;

  /**
   * How the accuracy of live predictions is watched.
   *
   * @default - the defaults of `QualityMonitor`
   */
  readonly monitoring?: QualityMonitorOptions;

  /**
   * How the model is called.
   *
   * @default - the defaults of `PredictionApi`
   */
  readonly api?: PredictionApiOptions;

  /**
   * Commands that test a commit in the build.
   *
   * @default - pytest, with the requirements of the repository
   */
  readonly testCommands?: string[];

  /**
   * How many good releases are kept to go back to, 1 to 10.
   *
   * @default 3
   */
  readonly keep?: number;

  /**
   * Alarms of your own on which production goes back to the last good release by itself. For the alarm of `monitor` use
   * `releases.addRollbackAlarm(monitor.alarm)`.
   *
   * @default - none: a release is only taken back while it is under way or watched
   */
  readonly rollbackAlarms?: cloudwatch.IAlarm[];

  /**
   * What becomes of the endpoint, and of all that releases have made for it, when the model is removed from its stack.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly endpointRemovalPolicy?: RemovalPolicy;

  /**
   * What becomes of versions, images and observations when the model is removed from its stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of a `RegressionModel`. */
export interface RegressionModelProps extends RegressionModelOptions {
  /** Encrypts everything of the model. Its policy must let CloudWatch Logs use it. */
  readonly encryptionKey: kms.IKey;

  /** Where bad news is told. */
  readonly alerts: sns.ITopic;

  /**
   * Keeps events that start runs and could not be delivered in a day of tries; its policy must let EventBridge send to it.
   *
   * @default - a queue of the delivery pipeline's own for merges; none for datasets
   */
  readonly lostEvents?: sqs.IQueue;
}

/**
 * One model from its repository to its monitored endpoint, in a nested stack of its own, so that one platform holds
 * many. Made by `MlopsPlatform.addModel`.
 *
 * @example
 * declare const platform: MlopsPlatform;
 * declare const weather: DataPipeline;
 * const model = platform.addModel('Temperature', { source: ModelSource.codeCommit(), dataset: weather.dataset });
 * model.api.grantPredict(new iam.Role(this, 'Client', { assumedBy: new iam.AccountRootPrincipal() }));
 */
export class RegressionModel extends Construct {
  /** Name of the model. */
  public readonly modelName: string;
  /** The stack that holds the model's resources. */
  public readonly stack: NestedStack;
  /** Versions and model packages. */
  public readonly registry: ModelRegistryVersioning;
  /** The endpoint. It exists once the first release has been made. */
  public readonly endpoint: ModelEndpoint;
  /** From a commit and a dataset to a registered version. */
  public readonly training: TrainingWorkflow;
  /** From a merge to the training workflow. */
  public readonly delivery: DeliveryPipeline;
  /** Compares a version with the champion on real requests. */
  public readonly staging: ShadowStaging;
  /** Moves traffic to a version. */
  public readonly release: CanaryRelease;
  /** From a registered version to production, one at a time. */
  public readonly releases: ReleaseWorkflow;
  /** Metrics, dashboard and alarms of live accuracy. */
  public readonly monitor: QualityMonitor;
  /** Requests in, predictions out. */
  public readonly api: PredictionApi;

  constructor(scope: Construct, id: string, props: RegressionModelProps) {
    super(scope, id);
    this.modelName = props.modelName ?? id;
    const problems = new Problems(this)
      .check(Token.isUnresolved(this.modelName) || /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,39}$/.test(this.modelName),
        `modelName must be 1 to 40 letters, digits and single inner hyphens, got '${this.modelName}'`);
    checkApprovals(problems, props);
    problems.throwIfAny();
    const { encryptionKey, alerts, lostEvents, removalPolicy } = props;
    const common = { encryptionKey };
    this.stack = new NestedStack(this, 'Stack', { description: `The model ${this.modelName}` });
    const within = this.stack;
    const platform = PlatformResources.of(this) ?? new PlatformResources(this, {
      encryptionKey, alerts, newAccessLogs: (scopeOfLogs) => newSharedAccessLogs(scopeOfLogs, removalPolicy ?? RemovalPolicy.RETAIN),
    });
    new ModelResources(within, platform, encryptionKey, lostEvents);

    this.registry = new ModelRegistryVersioning(within, 'Registry', { ...common, modelName: this.modelName, removalPolicy });
    this.endpoint = new ModelEndpoint(within, 'Endpoint', {
      ...common,
      network: props.network,
      instanceType: props.instanceType,
      instanceCount: props.instanceCount,
      autoscaling: props.autoscaling,
      removalPolicy,
      endpointRemovalPolicy: props.endpointRemovalPolicy,
    });
    this.endpoint.allowModelsFrom(this.registry.artifacts, this.registry.repository);
    this.training = new TrainingWorkflow(within, 'Training', {
      ...common,
      dataset: props.dataset,
      registry: this.registry,
      gate: props.gate,
      retrainOnNewData: props.retrainOnNewData,
      lostEvents,
      training: props.training,
      network: props.network,
    });
    this.delivery = new DeliveryPipeline(within, 'Delivery', {
      ...common, source: props.source, training: this.training, testCommands: props.testCommands, lostEvents,
    });
    this.monitor = new QualityMonitor(within, 'Quality', { ...common, ...props.monitoring, endpoint: this.endpoint, alerts });
    this.staging = new ShadowStaging(within, 'Staging', {
      ...common, ...props.staging, endpoint: this.endpoint, registry: this.registry,
    });
    // accuracy shows when labels arrive, which is usually a day later
    const watch: ReleaseWatch = {
      window: Duration.days(2), every: Duration.hours(1), ...props.release?.watch, alarms: props.release?.watch?.alarms ?? [this.monitor.alarm],
    };
    this.release = new CanaryRelease(within, 'Release', { ...common, ...props.release, watch, endpoint: this.endpoint, registry: this.registry });
    this.releases = new ReleaseWorkflow(within, 'Releases', {
      ...common,
      registry: this.registry,
      staging: this.staging,
      release: this.release,
      hooks: props.hooks,
      keep: props.keep,
      rollbackAlarms: props.rollbackAlarms,
    });
    this.api = new PredictionApi(within, 'Api', { ...common, manageAccountLogging: false, ...props.api, endpoint: this.endpoint });
  }
}

/** An approver must not be the author of the commit: where the author cannot be known, nobody could ever approve. */
function checkApprovals(problems: Problems, { source, hooks = {} }: RegressionModelProps): void {
  if (source._tellsAuthors) return;
  for (const at of HOOK_POINTS) {
    (hooks[at] ?? []).forEach((hook, i) => problems.check(!(hook instanceof ReleaseApproval),
      `hooks.${at}[${i}]: the approval '${hook._name}' would reject every version, because a build cannot tell the author of a commit that comes by `
      + 'ModelSource.connection: use ModelSource.codeCommit, have merges reviewed at the git provider, or ask by ReleaseHook.lambda'));
  }
}
