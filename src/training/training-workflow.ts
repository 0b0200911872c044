import { ArnFormat, Duration, Stack, Token } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ExplainFailureFunction } from './explain-failure-function';
import { GateFunction } from './gate-function';
import { allowVolumeKey, createJobRole, RUNS_FOLDER } from './job-role';
import { PrepareRunFunction } from './prepare-run-function';
import { QualityGate } from './quality-gate';
import { JobSettings } from './training-jobs';
import { trainingStates } from './training-states';
import { IDataset } from '../data/dataset';
import { grantList, grantObjects } from '../data/object-access';
import { MlopsEvents, MlopsEventType } from '../domain/events';
import { jobPrefixOf, MAX_JOB_PREFIX } from '../domain/training-run';
import { allow } from '../private/allow';
import { newHandler } from '../private/handler';
import { HandlerOptions } from '../private/handler-defaults';
import { HandlerClass } from '../private/handler-pool';
import { surely } from '../private/lost-events';
import { acknowledgeMachine, byName, machineDefaults } from '../private/machine-defaults';
import { HandlerArea, ModelResources } from '../private/model-resources';
import { Problems } from '../private/problems';
import { IModelRegistry } from '../registry/model-registry';
import { allowNetwork, vpcConfigOf } from '../workbench/container-network';
import { IWorkbenchNetwork } from '../workbench/workbench-network';

const RUN_FOLDERS = 'Each run writes below a folder of its own.';

/** Machines of a training run's jobs. */
export interface TrainingJobOptions {
  /**
   * Instance type.
   *
   * @default 'ml.m5.large'
   */
  readonly instanceType?: string;

  /**
   * Size of the disk, in GiB.
   *
   * @default 30
   */
  readonly volumeSizeGiB?: number;

  /**
   * How long a job may run before it is stopped and the run rejected.
   *
   * @default Duration.hours(4)
   */
  readonly maxRuntime?: Duration;
}

/** Properties of `TrainingWorkflow`. */
export interface TrainingWorkflowProps {
  /** The dataset that the model is trained and evaluated on. */
  readonly dataset: IDataset;

  /** Where a model gets its version. */
  readonly registry: IModelRegistry;

  /**
   * What decides whether a trained model gets a version.
   *
   * @default - not worse than the champion on the same holdout by more than 5 % of its RMSE
   */
  readonly gate?: QualityGate;

  /**
   * Train the last registered commit anew whenever the dataset gets a new version. Without it only merges make versions.
   *
   * @default true
   */
  readonly retrainOnNewData?: boolean;

  /**
   * Machine of the training job.
   *
   * @default - ml.m5.large, 30 GiB, 4 hours
   */
  readonly training?: TrainingJobOptions;

  /**
   * Machine of the evaluation jobs.
   *
   * @default - ml.m5.large, 30 GiB, 4 hours
   */
  readonly evaluation?: TrainingJobOptions;

  /**
   * Network of the jobs, for accounts that require one. SageMaker then moves data through it, which takes a gateway
   * endpoint for S3; the containers still reach nothing.
   *
   * @default - none: the containers have no network at all
   */
  readonly network?: IWorkbenchNetwork;

  /**
   * Key of the jobs' volumes, of what they write, and of the logs.
   *
   * @default - the registry's key
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * The bus on which published datasets are announced.
   *
   * @default - the default bus of the account
   */
  readonly eventBus?: events.IEventBus;

  /**
   * Keeps a published dataset whose run could not be started in a day of tries; its policy must let EventBridge send to it.
   *
   * @default - none: after a day of tries the event is dropped, and the next version of the dataset starts a run
   */
  readonly lostEvents?: sqs.IQueue;
}

/**
 * Trains, evaluates and registers a model: a commit's image on a dataset version, the result and the champion on the
 * same holdout, and a version only for what passes the gate.
 *
 * A run is started by a merge (input `{"commit", "imageUri", "spec"}`, which the delivery pipeline's build writes) or by
 * a published dataset (input `{"dataset"}`: the last registered commit is trained anew), never by a person. It ends in
 * `Registered`, in `AlreadyRegistered` or `NothingToRevise` where there is nothing to do, or fails as `ModelRejected`
 * after the reason has been recorded. Jobs reach no network.
 *
 * @example
 * declare const dataset: IDataset;
 * declare const registry: ModelRegistryVersioning;
 * new TrainingWorkflow(this, 'Training', {
 *   dataset,
 *   registry,
 *   gate: new QualityGate({ limits: [QualityMetric.RMSE.atMost(9)] }),
 * });
 */
export class TrainingWorkflow extends Construct {
  /** The state machine of a training run. */
  public readonly stateMachine: sfn.IStateMachine;

  /** The registry that gives versions. */
  public readonly registry: IModelRegistry;

  /** The role that training and evaluation jobs work as. */
  public readonly jobRole: iam.IRole;

  /** What the names of all jobs begin with. */
  public readonly jobPrefix: string;

  constructor(scope: Construct, id: string, props: TrainingWorkflowProps) {
    super(scope, id);
    const gate = props.gate ?? new QualityGate();
    const key = props.encryptionKey ?? props.registry.encryptionKey;
    const { dataset, registry } = props;
    this.registry = registry;
    this.jobPrefix = jobPrefixOf(Token.isUnresolved(registry.modelName) ? this.node.addr.slice(-MAX_JOB_PREFIX) : registry.modelName);
    this.validate(props, gate);

    this.jobRole = createJobRole(this, 'JobRole', { dataset, artifacts: registry.artifacts, repository: registry.repository, key });
    if (props.network !== undefined) allowNetwork(this.jobRole, props.network);
    const prepare = this.prepareFunction(dataset, registry, key);
    const judge = this.gateFunction(gate, registry, key);
    const explain = this.handler('ExplainFailure', ExplainFailureFunction, {
      description: 'Says in words why a training run was stopped',
      encryptionKey: key,
    });

    const definition = trainingStates(new Construct(this, 'States'), {
      training: this.jobSettings(props.network, props.training, key),
      evaluation: this.jobSettings(props.network, props.evaluation, key),
      prepare,
      gate: judge,
      explain,
      registration: registry.registration,
    });
    this.stateMachine = this.machine(definition, [prepare, judge, explain], key);

    if (props.retrainOnNewData ?? true) this.retrainOnNewData(dataset, props);
  }

  private validate(props: TrainingWorkflowProps, gate: QualityGate): void {
    const problems = new Problems(this);
    for (const [name, job] of Object.entries({ training: props.training, evaluation: props.evaluation })) {
      const { instanceType, volumeSizeGiB, maxRuntime } = job ?? {};
      problems.check(instanceType === undefined || Token.isUnresolved(instanceType) || instanceType.startsWith('ml.'),
        `${name}.instanceType must be a SageMaker instance type such as 'ml.m5.large', got '${instanceType}'`);
      const size = volumeSizeGiB === undefined || Token.isUnresolved(volumeSizeGiB) ? 1 : volumeSizeGiB;
      problems.check(Number.isInteger(size) && size >= 1 && size <= 16_384,
        `${name}.volumeSizeGiB must be a whole number from 1 to 16384, got ${volumeSizeGiB}`);
      const seconds = maxRuntime === undefined || maxRuntime.isUnresolved() ? 1 : maxRuntime.toSeconds();
      const most = Duration.days(5).toSeconds();
      problems.check(seconds >= 1 && seconds <= most, `${name}.maxRuntime must be from 1 second to 5 days, got ${seconds} seconds`);
    }
    problems.note(...gate._problems());
    problems.throwIfAny();
  }

  private jobSettings(network?: IWorkbenchNetwork, options: TrainingJobOptions = {}, key?: kms.IKey): JobSettings {
    return {
      roleArn: this.jobRole.roleArn,
      instanceType: options.instanceType ?? 'ml.m5.large',
      volumeSizeGiB: options.volumeSizeGiB ?? 30,
      maxRuntime: options.maxRuntime ?? Duration.hours(4),
      keyArn: key?.keyArn,
      vpcConfig: vpcConfigOf(network),
    };
  }

  private prepareFunction(dataset: IDataset, registry: IModelRegistry, key?: kms.IKey): lambda.IFunction {
    const handler = this.handler('Prepare', PrepareRunFunction, {
      description: 'Decides what a training run trains on what, and checks that it can',
      encryptionKey: key,
      environment: {
        ARTIFACTS: registry.artifacts.bucketName,
        DATASETS: dataset.bucket.bucketName,
        DATASET_PREFIX: dataset.prefix,
        JOB_PREFIX: this.jobPrefix,
        LEDGER: registry.ledger.tableName,
      },
    });
    grantObjects(handler, {
      bucket: dataset.bucket,
      prefix: dataset.prefix,
      actions: ['s3:GetObject'],
      reason: 'Each version of the dataset is a folder of its own.',
    });
    grantList(handler, dataset.bucket, dataset.prefix, true);
    grantObjects(handler, { bucket: registry.artifacts, prefix: RUNS_FOLDER, actions: ['s3:PutObject'], writes: true, reason: RUN_FOLDERS });
    allow(handler, { actions: ['dynamodb:GetItem'], resources: [registry.ledger.tableArn] });
    if (registry.ledger.encryptionKey) allow(handler, { actions: ['kms:Decrypt'], resources: [registry.ledger.encryptionKey.keyArn] });
    return handler;
  }

  private gateFunction(gate: QualityGate, registry: IModelRegistry, key?: kms.IKey): lambda.IFunction {
    const handler = this.handler('Gate', GateFunction, {
      description: 'Judges a candidate by its evaluation',
      encryptionKey: key,
      environment: { RULES: JSON.stringify(gate._rules()) },
    });
    grantObjects(handler, { bucket: registry.artifacts, prefix: RUNS_FOLDER, actions: ['s3:GetObject'], list: true, reason: RUN_FOLDERS });
    return handler;
  }

  private handler(id: string, type: HandlerClass, options: HandlerOptions): lambda.IFunction {
    return newHandler(new Construct(this, id), type, { ...options, area: HandlerArea.EVIDENCE, functionId: 'Handler' });
  }

  private machine(definition: sfn.IChainable, handlers: lambda.IFunction[], key?: kms.IKey): sfn.StateMachine {
    const stack = Stack.of(this);
    const defaults = machineDefaults(this, key);
    const { role } = defaults;
    const machine = new sfn.StateMachine(this, 'Resource', {
      ...defaults,
      definitionBody: sfn.DefinitionBody.fromChainable(definition),
      comment: `Trains, evaluates and registers ${this.jobPrefix}`,
      timeout: Duration.days(21),
    });

    for (const [resource, job] of [['training-job', 'TrainingJob'], ['processing-job', 'ProcessingJob']]) {
      allow(role, {
        actions: ['sagemaker:AddTags', `sagemaker:Create${job}`, `sagemaker:Describe${job}`, `sagemaker:Stop${job}`],
        resources: [stack.formatArn({ service: 'sagemaker', resource, resourceName: `${this.jobPrefix}-*` })],
        because: 'Each job has a name of its own, made from the run',
      });
    }
    allow(role, {
      actions: ['iam:PassRole'],
      resources: [this.jobRole.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
    });
    if (key) allowVolumeKey(role, key);

    const { stateMachineArn } = byName(this.registry.registration);
    const registrationName = stack.splitArn(stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName;
    allow(role, { actions: ['states:StartExecution'], resources: [stateMachineArn] });
    allow(role, {
      actions: ['states:DescribeExecution', 'states:StopExecution'],
      resources: [stack.formatArn({
        service: 'states', resource: 'execution', resourceName: `${registrationName}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      })],
      because: 'The execution of a registration has a name that Step Functions makes',
    });
    allow(role, {
      actions: ['events:DescribeRule', 'events:PutRule', 'events:PutTargets'],
      resources: ['SageMakerTrainingJobsRule', 'SageMakerProcessingJobsRule', 'StepFunctionsExecutionRule']
        .map((rule) => stack.formatArn({ service: 'events', resource: 'rule', resourceName: `StepFunctionsGetEventsFor${rule}` })),
    });

    acknowledgeMachine(machine, handlers.map(({ functionArn }) => functionArn));
    return machine;
  }

  private retrainOnNewData(dataset: IDataset, { eventBus, lostEvents }: TrainingWorkflowProps): void {
    const model = eventBus === undefined ? ModelResources.of(this) : undefined;
    if (model !== undefined) {
      model.route({ training: this.stateMachine.stateMachineArn }, {
        source: MlopsEvents.SOURCE, detailTypes: [MlopsEventType.DATASET_PUBLISHED], detail: { dataset: [dataset.datasetName] },
      });
      return;
    }
    new events.Rule(this, 'NewData', {
      description: `Trains the last registered commit on each new version of ${dataset.datasetName}`,
      eventBus,
      eventPattern: {
        source: [MlopsEvents.SOURCE],
        detailType: [MlopsEventType.DATASET_PUBLISHED],
        detail: { dataset: [dataset.datasetName] },
      },
      targets: [surely(new targets.SfnStateMachine(this.stateMachine, {
        input: events.RuleTargetInput.fromObject({ dataset: events.EventField.fromPath('$.detail.version') }),
      }), lostEvents)],
    });
  }
}
