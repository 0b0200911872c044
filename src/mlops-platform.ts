import { RemovalPolicy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { Alerts } from './access/alerts';
import { Persona } from './access/persona';
import { PersonaRole, PersonaRoleOptions } from './access/persona-role';
import { PipelineProtection } from './access/pipeline-protection';
import { DataLake } from './data/data-lake';
import { DataPipeline, DataPipelineOptions } from './data/data-pipeline';
import { newSharedAccessLogs } from './private/access-logs';
import { grantLogs } from './private/handler-defaults';
import { PlatformResources } from './private/platform-resources';
import { RegressionModel, RegressionModelOptions } from './regression-model';
import { ApiAccountLogging } from './serving/api-account-logging';
import { NotebookEnvironment, NotebookEnvironmentOptions } from './workbench/notebook-environment';
import { IWorkbenchNetwork, WorkbenchNetwork } from './workbench/workbench-network';

/** Properties of a `MlopsPlatform`. */
export interface MlopsPlatformProps {
  /**
   * Encrypts everything but the zones of the data lake, which have keys of their own. Its policy must let CloudWatch
   * Logs, CloudWatch and EventBridge use it.
   *
   * @default - a new key with yearly rotation
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Where notebooks run.
   *
   * @default - a network without internet is made with the first notebook
   */
  readonly network?: IWorkbenchNetwork;

  /**
   * Whether to set the role with which API Gateway writes the logs of all APIs of this account and region.
   * Say false where that is set already.
   *
   * @default true
   */
  readonly manageApiLogging?: boolean;

  /**
   * What becomes of data, versions and keys when they are removed from their stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** What a pull request takes, from its branch to its merge. */
const PULL_REQUEST_ACTIONS = [
  'codecommit:CreatePullRequest', 'codecommit:GetPullRequest', 'codecommit:GetPullRequestApprovalStates', 'codecommit:ListPullRequests',
  'codecommit:MergePullRequestByThreeWay', 'codecommit:PostCommentForPullRequest', 'codecommit:UpdatePullRequestApprovalState',
];

/**
 * A platform for regression models: a data lake, data pipelines, notebooks, and models from a merge to a monitored
 * endpoint, with nobody able to stop a run.
 *
 * @example
 * const platform = new MlopsPlatform(this, 'Mlops');
 * const weather = platform.addDataPipeline('Weather', {
 *   source: DataSource.upload(),
 *   script: DataScript.fromAsset('examples/regression-platform/pipelines/weather.py'),
 *   target: 'temp_in_24h',
 *   timeColumn: 'time_hour',
 * });
 * platform.addModel('Temperature', { source: ModelSource.codeCommit(), dataset: weather.dataset });
 */
export class MlopsPlatform extends Construct {
  /** Encrypts everything but the zones of the data lake. */
  public readonly encryptionKey: kms.IKey;
  /** The source zone and the curated zone. */
  public readonly dataLake: DataLake;
  /** Where bad news is told: add subscriptions to its topic. */
  public readonly alerts: Alerts;
  /** What keeps everybody from stopping, starting or tampering with runs. */
  public readonly protection: PipelineProtection;
  private readonly pipelines: DataPipeline[] = [];
  private readonly models: RegressionModel[] = [];
  private readonly engineers: PersonaRole[] = [];
  private readonly scientists: PersonaRole[] = [];
  private readonly removalPolicy?: RemovalPolicy;
  private readonly apiLogging?: ApiAccountLogging;
  private network?: IWorkbenchNetwork;

  constructor(scope: Construct, id: string, props: MlopsPlatformProps = {}) {
    super(scope, id);
    this.removalPolicy = props.removalPolicy;
    this.network = props.network;
    this.encryptionKey = props.encryptionKey ?? this.createKey();
    this.dataLake = new DataLake(this, 'DataLake', { removalPolicy: props.removalPolicy });
    this.alerts = new Alerts(this, 'Alerts', { encryptionKey: this.encryptionKey });
    this.protection = new PipelineProtection(this, 'Protection', { alerts: this.alerts.topic, encryptionKey: this.encryptionKey });
    new PlatformResources(this, this.encryptionKey, (within) => newSharedAccessLogs(within, props.removalPolicy ?? RemovalPolicy.RETAIN));
    this.protection.trust(this);
    this.protection.protectBucket(this.dataLake.curatedZone);
    if (props.manageApiLogging ?? true) this.apiLogging = new ApiAccountLogging(this, 'ApiLogging');
  }

  /** Adds a pipeline that publishes versions of a dataset. */
  public addDataPipeline(id: string, options: DataPipelineOptions): DataPipeline {
    const pipeline = new DataPipeline(this, id, { ...options, lake: this.dataLake, alerts: this.alerts.topic, encryptionKey: this.encryptionKey });
    this.protection.exempt('states', pipeline.stateMachine.stateMachineArn);
    this.engineers.forEach((engineer) => pipeline.stateMachine.grantStartExecution(engineer));
    this.pipelines.push(pipeline);
    return pipeline;
  }

  /** Adds a data scientist's notebook. */
  public addNotebookEnvironment(id: string, options: NotebookEnvironmentOptions = {}): NotebookEnvironment {
    const environment = new NotebookEnvironment(this, id, {
      ...options,
      lake: this.dataLake,
      // A Studio space lives in its domain's network.
      network: options.studioDomainId === undefined ? this.workbenchNetwork() : undefined,
      encryptionKey: this.encryptionKey,
    });
    // what runs in a notebook is a person's work
    this.protection.distrust(environment);
    this.protection.protectAgainst(environment.role);
    return environment;
  }

  /** Adds a model, in a nested stack of its own. */
  public addModel(id: string, options: RegressionModelOptions): RegressionModel {
    const model = new RegressionModel(this, id, {
      removalPolicy: this.removalPolicy, ...options, encryptionKey: this.encryptionKey, alerts: this.alerts.topic,
    });
    if (this.apiLogging !== undefined) model.stack.node.addDependency(this.apiLogging);
    this.protection.protectBucket(model.registry.artifacts);
    this.protection.protectEndpoint(model.endpoint);
    this.models.push(model);
    this.scientists.forEach((scientist) => allowCode(scientist, model));
    return model;
  }

  /**
   * Adds a role for people, who see everything, work with what is theirs, and can touch no run.
   *
   * Data engineers upload data, read sources and datasets, and start data pipelines. Data scientists read datasets, and
   * push branches of the models' repositories, which are merged into main by pull requests.
   */
  public addPersona(id: string, options: PersonaRoleOptions): PersonaRole {
    const role = new PersonaRole(this, id, { ...options, protection: this.protection });
    if (options.persona === Persona.DATA_ENGINEER) {
      this.engineers.push(role);
      this.dataLake.grants.readSources(role);
      this.dataLake.grants.writeSources(role);
      this.dataLake.grants.readRuns(role);
      this.pipelines.forEach((pipeline) => pipeline.stateMachine.grantStartExecution(role));
    }
    if (options.persona === Persona.DATA_ENGINEER || options.persona === Persona.DATA_SCIENTIST) this.dataLake.grants.readCurated(role);
    if (options.persona === Persona.DATA_SCIENTIST) {
      this.scientists.push(role);
      this.models.forEach((model) => allowCode(role, model));
    }
    return role;
  }

  private workbenchNetwork(): IWorkbenchNetwork {
    this.network ??= new WorkbenchNetwork(this, 'Network', { encryptionKey: this.encryptionKey });
    return this.network;
  }

  private createKey(): kms.Key {
    const key = new kms.Key(this, 'Key', { description: 'The MLOps platform', enableKeyRotation: true, removalPolicy: this.removalPolicy ?? RemovalPolicy.RETAIN });
    grantLogs(key);
    return key;
  }
}

/** Branches are pushed freely; that main is not among them is what the protection says. */
function allowCode(scientist: PersonaRole, { delivery }: RegressionModel): void {
  delivery.repository.codeCommitRepository?.grantPullPush(scientist);
  delivery.repository.codeCommitRepository?.grant(scientist, ...PULL_REQUEST_ACTIONS);
}
