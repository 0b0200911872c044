import { Annotations, Aspects, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { Alerts } from './access/alerts';
import { BreakGlass, BreakGlassOptions } from './access/break-glass';
import { PersonaPolicies, PersonaPoliciesOptions } from './access/persona-policies';
import { PersonaRole, PersonaRoleOptions } from './access/persona-role';
import { PipelineProtection } from './access/pipeline-protection';
import { PipelineProtectionOptions } from './access/pipeline-protection-props';
import { DataLake } from './data/data-lake';
import { DataPipeline, DataPipelineOptions } from './data/data-pipeline';
import { DataSource } from './data/data-source';
import { newSharedAccessLogs } from './private/access-logs';
import { grantLogs } from './private/handler-defaults';
import { AcknowledgeKnownFindings } from './private/known-findings';
import { LostEvents } from './private/lost-events';
import { PlatformResources } from './private/platform-resources';
import { putRolesBelow } from './private/role-path';
import { RegressionModel, RegressionModelOptions } from './regression-model';
import { ApiAccountLogging } from './serving/api-account-logging';
import { Team } from './team';
import { NotebookEnvironment, NotebookEnvironmentOptions } from './workbench/notebook-environment';
import { IPackageRepository, PackageRepository } from './workbench/package-repository';
import { newSavedFiles } from './workbench/saved-files';
import { IWorkbenchNetwork, WorkbenchNetwork } from './workbench/workbench-network';

/** Properties of a `MlopsPlatform`. */
export interface MlopsPlatformProps {
  /**
   * Encrypts everything but the zones of the data lake, which have keys of their own. Its policy must let CloudWatch
   * Logs, CloudWatch, EventBridge and CloudTrail use it.
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
   * Where notebooks install Python packages from.
   *
   * @default - a CodeArtifact repository in front of PyPI is made with the first notebook that installs packages
   */
  readonly packages?: IPackageRepository;

  /**
   * Whether to set the role with which API Gateway writes the logs of all APIs of this account and region.
   * Say false where that is set already.
   *
   * @default true
   */
  readonly manageApiLogging?: boolean;

  /**
   * How runs and their evidence are protected: what is exempt, whether to make a trail, how the policies are called.
   *
   * @default - the defaults of `PipelineProtection`
   */
  readonly protection?: PipelineProtectionOptions;

  /**
   * Permissions boundary of every role that the platform makes. It must let them do their work: the `boundary` of the
   * protection is for other roles of the account.
   *
   * @default - the roles have no boundary
   */
  readonly permissionsBoundary?: iam.IManagedPolicy;

  /**
   * Path of every role that the platform makes, such as `/mlops/`; a role of a persona may have its own.
   *
   * @default - the path /
   */
  readonly rolePath?: string;

  /**
   * What becomes of data, versions and keys when they are removed from their stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** So many models are made in one deployment, and have a stream each in an account that has asked for no more. */
const MOST_AT_ONCE = 50;

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
  private readonly team: Team;
  private readonly lostEvents: sqs.IQueue;
  private readonly removalPolicy?: RemovalPolicy;
  private readonly apiLogging?: ApiAccountLogging;
  private network?: IWorkbenchNetwork;
  private packages?: IPackageRepository;
  private savedFiles?: s3.IBucket;
  private modelCount = 0;

  constructor(scope: Construct, id: string, props: MlopsPlatformProps = {}) {
    super(scope, id);
    Aspects.of(this).add(new AcknowledgeKnownFindings());
    this.removalPolicy = props.removalPolicy;
    this.network = props.network;
    this.packages = props.packages;
    this.encryptionKey = props.encryptionKey ?? this.createKey();
    this.dataLake = new DataLake(this, 'DataLake', { removalPolicy: props.removalPolicy });
    this.team = new Team(this.dataLake);
    this.alerts = new Alerts(this, 'Alerts', { encryptionKey: this.encryptionKey });
    this.protection = new PipelineProtection(this, 'Protection', {
      ...props.protection, alerts: this.alerts.topic, encryptionKey: this.encryptionKey,
    });
    const shared = new PlatformResources(this, {
      encryptionKey: this.encryptionKey,
      alerts: this.alerts.topic,
      rolePath: props.rolePath,
      newAccessLogs: (within) => newSharedAccessLogs(within, props.removalPolicy ?? RemovalPolicy.RETAIN),
    });
    this.protection.protectBucket(shared.pipelineFiles);
    this.protection.locks.bucket(shared.pipelineFiles);
    this.protection.trust(this);
    this.protection.protectBucket(this.dataLake.curatedZone);
    this.protection.protectArns('kms', this.encryptionKey.keyArn, this.dataLake.sourceKey.keyArn, this.dataLake.curatedKey.keyArn);
    this.protection.locks.bucket(this.dataLake.curatedZone);
    this.protection.locks.topic(this.alerts.topic);
    [this.encryptionKey, this.dataLake.sourceKey, this.dataLake.curatedKey].forEach((key) => this.protection.locks.key(key));
    this.lostEvents = new LostEvents(this, 'LostEvents', this.alerts.topic, this.encryptionKey).queue;
    this.protection.protectArns('sqs', this.lostEvents.queueArn);
    const stack = Stack.of(this);
    // whatever an API is called, these are its paths
    for (const path of ['predictions', 'ground-truth']) {
      this.protection.protectArns('execute-api', stack.formatArn({ service: 'execute-api', resource: '*', resourceName: `*/POST/${path}` }));
    }
    if (props.permissionsBoundary !== undefined) iam.PermissionsBoundary.of(this).apply(props.permissionsBoundary);
    if (props.rolePath !== undefined) putRolesBelow(this, props.rolePath);
    if (props.manageApiLogging ?? true) this.apiLogging = new ApiAccountLogging(this, 'ApiLogging');
  }

  /**
   * Adds a source of data, which data engineers read and any number of data pipelines may be made of. A source in a bucket
   * that exists is opened to data engineers by this, and to nobody else.
   *
   * @param id names the upload area, where no source is given
   * @param source the source; an upload area `uploads/<id>/` in the source zone unless given
   */
  public addDataSource(id: string, source?: DataSource): DataSource {
    const added = source ?? DataSource.upload(id);
    this.team.addSource(added);
    return added;
  }

  /** Adds a pipeline that publishes versions of a dataset, in a nested stack of its own. */
  public addDataPipeline(id: string, options: DataPipelineOptions): DataPipeline {
    // twenty-five pipelines would fill a stack
    const within = new NestedStack(this, id, { description: `The data pipeline ${id}` });
    // the same id again, by which people know what CloudFormation names after it
    const pipeline = new DataPipeline(within, id, {
      ...options, lake: this.dataLake, alerts: this.alerts.topic, encryptionKey: this.encryptionKey, lostEvents: this.lostEvents,
    });
    this.protection.allowStart(pipeline.stateMachine);
    this.team.addPipeline(pipeline);
    return pipeline;
  }

  /** Adds a data scientist's notebook, in a nested stack of its own. */
  public addNotebookEnvironment(id: string, options: NotebookEnvironmentOptions = {}): NotebookEnvironment {
    // fifty notebooks and a hundred models are more than one stack holds
    const within = new NestedStack(this, id, { description: `The notebook ${id}` });
    const environment = new NotebookEnvironment(within, 'Notebook', {
      ...options,
      lake: this.dataLake,
      // A Studio space lives in its domain's network.
      network: options.studioDomainId === undefined ? this.workbenchNetwork() : undefined,
      packages: options.installPackages ?? true ? this.packageRepository() : undefined,
      savedFiles: options.saveFiles ?? true ? this.savedFilesBucket() : undefined,
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
      removalPolicy: this.removalPolicy, ...options, encryptionKey: this.encryptionKey, alerts: this.alerts.topic, lostEvents: this.lostEvents,
    });
    if (this.apiLogging !== undefined) model.stack.node.addDependency(this.apiLogging);
    this.protection.locks.bucket(model.registry.artifacts);
    this.protection.locks.bucket(model.endpoint.observations.bucket);
    this.protection.protectBucket(model.registry.artifacts);
    this.protection.protectEndpoint(model.endpoint);
    this.protection.protectTable(model.registry.ledger);
    this.protection.locks.table(model.registry.ledger);
    this.protection.locks.repository(model.registry.repository);
    this.protection.protectBranch(model.delivery.repository.branch);
    this.team.addModel(model, options.hooks);
    this.modelCount += 1;
    if (this.modelCount === MOST_AT_ONCE + 1) this.warnOfMany();
    return model;
  }

  /**
   * Adds a role for people, who see everything, work with what is theirs, and can touch no run.
   *
   * - Data engineers upload data, read sources, read and query datasets, and start data pipelines.
   * - Data scientists read and query datasets, and push branches of the models' repositories, which pull requests merge into main.
   * - Approvers read code, and approve pull requests and releases of others. They push and merge nothing.
   * - Operators see everything but data: code, runs, ledgers, settings, logs and who did what.
   */
  public addPersona(id: string, options: PersonaRoleOptions): PersonaRole {
    const role = new PersonaRole(this, id, { ...options, protection: this.protection });
    this.team.add(options.persona, role, role.role);
    return role;
  }

  /**
   * Adds the managed policies of a persona without a role, for a permission set of IAM Identity Center: give
   * `protection: { policyNamePrefix: … }` to the platform, and the policies' `references` to the permission set.
   */
  public addPersonaPolicies(id: string, options: PersonaPoliciesOptions): PersonaPolicies {
    const policies = new PersonaPolicies(this, id, { ...options, protection: this.protection });
    this.team.add(options.persona, policies);
    return policies;
  }

  /** Adds a role for emergencies, by which the infrastructure is repaired. Each use is told. */
  public addBreakGlass(id: string, options: BreakGlassOptions = {}): BreakGlass {
    return new BreakGlass(this, id, { ...options, protection: this.protection, alerts: this.alerts.topic });
  }

  private warnOfMany(): void {
    Annotations.of(this).addWarningV2('cdk-mlops:manyModels', `There are more than ${MOST_AT_ONCE} models. CloudFormation makes 2,500 resources in one deployment: `
      + `add at most ${MOST_AT_ONCE} at a time. An account may begin with ${MOST_AT_ONCE} Firehose streams in a region, of which each model has one, and `
      + 'with 1,000 IAM roles: ask AWS for more before they are needed. See docs/many-models.md');
  }

  private workbenchNetwork(): IWorkbenchNetwork {
    this.network ??= new WorkbenchNetwork(this, 'Network', { encryptionKey: this.encryptionKey });
    return this.network;
  }

  private packageRepository(): IPackageRepository {
    this.packages ??= new PackageRepository(this, 'Packages', { encryptionKey: this.encryptionKey });
    return this.packages;
  }

  private savedFilesBucket(): s3.IBucket {
    this.savedFiles ??= newSavedFiles(this, 'SavedFiles', this.encryptionKey, this.removalPolicy ?? RemovalPolicy.RETAIN);
    return this.savedFiles;
  }

  private createKey(): kms.Key {
    const key = new kms.Key(this, 'Key', { description: 'The MLOps platform', enableKeyRotation: true, removalPolicy: this.removalPolicy ?? RemovalPolicy.RETAIN });
    grantLogs(key);
    return key;
  }
}
