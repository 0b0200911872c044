import { ArnFormat, CfnResource, Duration, Names, RemovalPolicy, Resource, Stack, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct, IConstruct } from 'constructs';
import { EndpointAutoscaling } from './endpoint-autoscaling';
import { checkEndpoint } from './endpoint-check';
import { EndpointCleanup } from './endpoint-cleanup';
import { ownNames } from './hosting-names';
import { IObservationStore, ObservationStore } from './observation-store';
import { ownPrefix } from '../domain/release-names';
import { allow } from '../private/allow';
import { claimName } from '../private/claimed-names';
import { newRole } from '../private/model-defaults';
import { Problems } from '../private/problems';
import { allowNetwork } from '../workbench/container-network';
import { IWorkbenchNetwork } from '../workbench/workbench-network';

/** The endpoint that a model is served from. */
export interface IModelEndpoint extends IConstruct {
  /** Name of the SageMaker endpoint. It exists once the first release has been made. */
  readonly endpointName: string;
  /** ARN of the SageMaker endpoint. */
  readonly endpointArn: string;
  /** The role of the models behind the endpoint. */
  readonly executionRole: iam.IRole;
  /** Where the endpoint's predictions are captured. */
  readonly observations: IObservationStore;
  /** Instance type of each fleet. */
  readonly instanceType: string;
  /** Number of instances of the production fleet. */
  readonly instanceCount: number;
  /** How the production fleet grows and shrinks. Absent where releases are to leave that alone. */
  readonly autoscaling?: EndpointAutoscaling;
  /** The network of the models. Absent where they have none. */
  readonly network?: IWorkbenchNetwork;
  /** Key of the volumes of the endpoint's instances. Absent where its endpoint config names none. */
  readonly volumeKey?: kms.IKey;
  /** Whether the production variant is serverless, which takes neither a shadow nor a canary. */
  readonly serverless: boolean;
  /** Name of the production variant, the same in every release. */
  readonly productionVariantName: string;
  /** Name of the shadow variant. */
  readonly shadowVariantName: string;
  /** Lets a principal ask the endpoint for predictions. */
  grantInvoke(grantee: iam.IGrantable): iam.Grant;
  /** Requests answered by the production variant. Sum over 5 minutes by default. */
  metricInvocations(options?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /** Requests that the production variant failed. Sum over 5 minutes by default. */
  metricServerErrors(options?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /** Microseconds that the production variant's model took. The 95th percentile over 5 minutes by default. */
  metricModelLatency(options?: cloudwatch.MetricOptions): cloudwatch.Metric;
}

/** What identifies an existing endpoint, or one that another stack's releases create. */
export interface ModelEndpointAttributes {
  /** Name of the SageMaker endpoint. */
  readonly endpointName: string;
  /** The role of the models behind the endpoint. It must be able to read their artifacts and images and to write captures. */
  readonly executionRole: iam.IRole;
  /** Where the endpoint's predictions are captured. */
  readonly observations: IObservationStore;
  /**
   * Instance type of each fleet that releases make.
   *
   * @default 'ml.m5.large'
   */
  readonly instanceType?: string;
  /**
   * Number of instances of the production fleet. A canary needs at least two.
   *
   * @default - the `minCapacity` of `autoscaling`, 2 without it
   */
  readonly instanceCount?: number;
  /**
   * Name of the production variant. It must be that of the present endpoint configuration: SageMaker's guarded
   * updates do not allow another.
   *
   * @default 'AllTraffic'
   */
  readonly productionVariantName?: string;
  /**
   * Name of the shadow variant.
   *
   * @default 'Shadow'
   */
  readonly shadowVariantName?: string;
  /**
   * How releases are to scale the production fleet.
   *
   * @default - as somebody else has set it up, if anybody has: releases keep that
   */
  readonly autoscaling?: EndpointAutoscaling;
  /**
   * Key of the volumes of the endpoint's instances (`KmsKeyId` of its endpoint config). Releases may use it, and their configs
   * name it again; without it they are refused where the config names a key. It is given by its own ARN, not by an alias, and its
   * policy must let the account's IAM policies decide.
   *
   * @default - volumes are encrypted by SageMaker's own key, as the config names no other
   * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
   */
  readonly volumeKey?: kms.IKey;
  /**
   * Whether the production variant is serverless. Neither `ShadowStaging` nor `CanaryRelease` takes such an endpoint.
   *
   * @default false
   */
  readonly serverless?: boolean;
}

/** Properties of a `ModelEndpoint`. */
export interface ModelEndpointProps {
  /**
   * Name of the SageMaker endpoint.
   *
   * @default - a name made from the construct's path
   */
  readonly endpointName?: string;
  /**
   * The role of the models behind the endpoint.
   *
   * @default - a role that SageMaker may assume, with leave to write captures, logs and metrics
   */
  readonly executionRole?: iam.IRole;
  /**
   * Where the endpoint's predictions are captured.
   *
   * @default - a store of its own
   */
  readonly observations?: IObservationStore;
  /**
   * Network of the models, for accounts that require one. SageMaker then loads models through it, which takes a gateway
   * endpoint for S3; the containers still reach nothing.
   *
   * @default - none: the containers have no network at all
   */
  readonly network?: IWorkbenchNetwork;
  /**
   * Instance type of each fleet that releases make. Where it changes, production has the new one from the next release on,
   * with as many instances as it had.
   *
   * @default 'ml.m5.large'
   */
  readonly instanceType?: string;
  /**
   * Number of instances of the production fleet. A canary needs at least two. A release makes a smaller fleet as large; it
   * never makes a larger one smaller, which may have been scaled out for its load.
   *
   * @default - the `minCapacity` of `autoscaling`, 2 without it
   */
  readonly instanceCount?: number;
  /**
   * How the production fleet grows and shrinks. Releases see to it: it is registered with the first, kept by the following
   * ones, also where `instanceType` changes, and put back as it was where a release is rolled back.
   *
   * @default - the fleet keeps its size; what others have set up is kept
   */
  readonly autoscaling?: EndpointAutoscaling;
  /**
   * Encrypts the observations, where the store is made here.
   *
   * @default - a key of the store's own
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * What becomes of the observations when the endpoint is removed from its stack, where the store is made here.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * What becomes of the endpoint itself, which costs money as long as it is there, when it is removed from its stack:
   * with it go its scaling, its staging endpoints, and the models, endpoint configs and alarms that releases have made.
   * A deletion stops releases that are under way. It fails, and can be repeated, where the endpoint is still changing after
   * 15 minutes, which SageMaker does not interrupt.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly endpointRemovalPolicy?: RemovalPolicy;
}

const PRODUCTION_VARIANT = 'AllTraffic';
const SHADOW_VARIANT = 'Shadow';
const INSTANCE_TYPE = 'ml.m5.large';
const INSTANCE_COUNT = 2;

abstract class ModelEndpointBase extends Resource implements IModelEndpoint {
  public abstract readonly endpointName: string;
  public abstract readonly executionRole: iam.IRole;
  public abstract readonly observations: IObservationStore;
  public abstract readonly instanceType: string;
  public abstract readonly instanceCount: number;
  public abstract readonly autoscaling?: EndpointAutoscaling;
  public abstract readonly volumeKey?: kms.IKey;
  public abstract readonly serverless: boolean;
  public abstract readonly productionVariantName: string;
  public abstract readonly shadowVariantName: string;

  public get endpointArn(): string {
    // SageMaker writes endpoint names in ARNs in lower case
    const resourceName = Token.isUnresolved(this.endpointName) ? this.endpointName : this.endpointName.toLowerCase();
    return Stack.of(this).formatArn({ service: 'sagemaker', resource: 'endpoint', resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
  }

  public grantInvoke(grantee: iam.IGrantable): iam.Grant {
    return allow(grantee, { actions: ['sagemaker:InvokeEndpoint'], resources: [this.endpointArn] });
  }

  public metricInvocations(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Invocations', { statistic: cloudwatch.Stats.SUM, ...options });
  }

  public metricServerErrors(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Invocation5XXErrors', { statistic: cloudwatch.Stats.SUM, ...options });
  }

  public metricModelLatency(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('ModelLatency', { statistic: cloudwatch.Stats.percentile(95), ...options });
  }

  private metric(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'AWS/SageMaker',
      metricName,
      period: Duration.minutes(5),
      dimensionsMap: { EndpointName: this.endpointName, VariantName: this.productionVariantName },
      ...options,
    });
  }
}

/**
 * The name, role and observation store of a model's endpoint.
 *
 * The endpoint itself is created by the first release, since there is nothing to serve before it; releases replace
 * its configuration. Models behind it run without any network of their own.
 *
 * @example
 * const endpoint = new ModelEndpoint(this, 'Endpoint', { instanceType: 'ml.c5.large' });
 */
export class ModelEndpoint extends ModelEndpointBase {
  /** Refers to an endpoint that exists, or whose releases are made elsewhere. */
  public static fromModelEndpointAttributes(scope: Construct, id: string, attributes: ModelEndpointAttributes): IModelEndpoint {
    class Import extends ModelEndpointBase {
      public readonly endpointName = attributes.endpointName;
      public readonly executionRole = attributes.executionRole;
      public readonly observations = attributes.observations;
      public readonly instanceType = attributes.instanceType ?? INSTANCE_TYPE;
      public readonly instanceCount = attributes.instanceCount ?? attributes.autoscaling?.minCapacity ?? INSTANCE_COUNT;
      public readonly autoscaling = attributes.autoscaling;
      public readonly volumeKey = attributes.volumeKey;
      public readonly serverless = attributes.serverless ?? false;
      public readonly productionVariantName = attributes.productionVariantName ?? PRODUCTION_VARIANT;
      public readonly shadowVariantName = attributes.shadowVariantName ?? SHADOW_VARIANT;
    }
    const imported = new Import(scope, id);
    const problems = new Problems(imported);
    checkEndpoint(problems, imported);
    problems
      .check(!imported.serverless || attributes.autoscaling === undefined, 'autoscaling adds instances, and a serverless variant has none')
      .check(imported.volumeKey?.keyArn.includes(':alias/') !== true,
        `volumeKey must be a key by its own ARN, which IAM policies can name, got the alias ${imported.volumeKey?.keyArn}`)
      .throwIfAny();
    return imported;
  }

  public readonly endpointName: string;
  public readonly executionRole: iam.IRole;
  public readonly observations: IObservationStore;
  public readonly instanceType: string;
  public readonly instanceCount: number;
  public readonly autoscaling?: EndpointAutoscaling;
  /** The network of the models. Absent where they have none. */
  public readonly network?: IWorkbenchNetwork;
  /** None: endpoint configs of releases name no key for volumes. */
  public readonly volumeKey?: kms.IKey;
  public readonly serverless: boolean = false;
  public readonly productionVariantName: string = PRODUCTION_VARIANT;
  public readonly shadowVariantName: string = SHADOW_VARIANT;
  private readonly cleanup: EndpointCleanup;

  constructor(scope: Construct, id: string, props: ModelEndpointProps = {}) {
    super(scope, id);
    this.endpointName = props.endpointName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-' });
    this.instanceType = props.instanceType ?? INSTANCE_TYPE;
    this.autoscaling = props.autoscaling;
    this.instanceCount = props.instanceCount ?? props.autoscaling?.minCapacity ?? INSTANCE_COUNT;
    const problems = new Problems(this)
      .check(Token.isUnresolved(this.endpointName) || /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/.test(this.endpointName),
        `endpointName must be 1 to 63 letters, digits and single inner hyphens, got '${this.endpointName}'`);
    checkEndpoint(problems, this);
    problems.note(claimName(this, 'endpointName', { name: this.endpointName, prefix: ownPrefix(this.endpointName) })).throwIfAny();
    this.observations = props.observations ?? new ObservationStore(this, 'Observations', {
      encryptionKey: props.encryptionKey, removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    });
    this.executionRole = props.executionRole ?? this.createExecutionRole();
    this.network = props.network;
    if (props.network !== undefined) allowNetwork(this.executionRole, props.network);
    this.observations.grantCapture(this.executionRole);
    this.cleanup = new EndpointCleanup(this, 'Cleanup', {
      endpoint: this, encryptionKey: props.encryptionKey, removalPolicy: props.endpointRemovalPolicy ?? RemovalPolicy.DESTROY,
    });
  }

  /**
   * Lets the deletion of the stack stop what changes the endpoint, once what starts it is gone.
   *
   * @param machines state machines that change the endpoint
   * @param starters what starts them
   * @internal
   */
  public _stopOnRemoval(machines: sfn.IStateMachine[], starters: CfnResource[] = []): void {
    machines.forEach((machine) => this.cleanup.stops(machine));
    starters.forEach((starter) => this.cleanup.comesBefore(starter));
  }

  /** Lets the models behind the endpoint be loaded from a bucket of artifacts and a repository of images. */
  public allowModelsFrom(artifacts: s3.IBucket, repository: ecr.IRepository): void {
    allow(this.executionRole, {
      actions: ['s3:GetObject'],
      resources: [artifacts.arnForObjects('*')],
      because: 'Each training run writes its model below a folder of its own',
    });
    allow(this.executionRole, { actions: ['s3:ListBucket'], resources: [artifacts.bucketArn] });
    if (artifacts.encryptionKey !== undefined) {
      allow(this.executionRole, { actions: ['kms:Decrypt'], resources: [artifacts.encryptionKey.keyArn] });
    }
    allow(this.executionRole, {
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resources: [repository.repositoryArn],
    });
    allow(this.executionRole, {
      actions: ['ecr:GetAuthorizationToken'],
      resources: ['*'],
      because: 'ecr:GetAuthorizationToken cannot be limited to a resource',
    });
  }

  private createExecutionRole(): iam.Role {
    const stack = Stack.of(this);
    const role = newRole(this, 'ExecutionRole', {
      assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': stack.account } } }),
      description: `Models behind the endpoint ${this.endpointName}`,
    });
    allow(role, {
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': ['AWS/SageMaker', '/aws/sagemaker/Endpoints'] } },
      because: 'cloudwatch:PutMetricData cannot be limited to a resource; it is limited to namespaces of SageMaker',
    });
    allow(role, {
      // a guarded update asks, as this role, whether the alarms that would undo it are quiet
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [stack.formatArn({ service: 'cloudwatch', resource: 'alarm', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      because: 'Each release watches alarms of its own, whose names are made at run time',
    });
    const logs = (resourceName: string): string =>
      stack.formatArn({ service: 'logs', resource: 'log-group', resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    allow(role, {
      actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: [this.endpointName, `${this.endpointName}:*`, ownNames(this)].map((name) => logs(`/aws/sagemaker/Endpoints/${name}`)),
      because: 'SageMaker makes a log group for the endpoint, and for each staging endpoint, with a stream for each instance of each fleet',
    });
    return role;
  }
}
