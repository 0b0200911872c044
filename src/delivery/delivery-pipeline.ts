import { ArnFormat, Duration, Stack, Token, Validations } from 'aws-cdk-lib';
import * as codebuild from 'aws-cdk-lib/aws-codebuild';
import * as codepipeline from 'aws-cdk-lib/aws-codepipeline';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { buildSpec, RUN_FILE } from './build-spec';
import { grantObjects } from '../data/object-access';
import { cleanName } from '../domain/release-names';
import { allow } from '../private/allow';
import { LostEvents, surely } from '../private/lost-events';
import { newLogGroup, newRole } from '../private/model-defaults';
import { ModelResources } from '../private/model-resources';
import { newPipelineFiles } from '../private/platform-resources';
import { Problems } from '../private/problems';
import { ModelSource } from '../source/model-source';
import { SourceAction, SourceAuthor } from '../source/source-action';
import { SourceRepository } from '../source/source-repository';
import { TrainingWorkflow } from '../training/training-workflow';

/** Name of the first stage and of its action. */
const SOURCE = 'Source';
const TEST_COMMANDS = ['python3 -m pip install --quiet --requirement requirements.txt pytest', 'python3 -m pytest --quiet'];

/** Properties of `DeliveryPipeline`. */
export interface DeliveryPipelineProps {
  /** The repository of the model's code. */
  readonly source: ModelSource;

  /** What a built commit is handed over to. */
  readonly training: TrainingWorkflow;

  /**
   * Commands that test a commit, run in a checkout of it before its image is built. A command that fails stops the delivery.
   *
   * @default - installs requirements.txt and pytest, and runs pytest
   */
  readonly testCommands?: string[];

  /**
   * Version of Python that the tests run on.
   *
   * @default '3.11'
   */
  readonly pythonVersion?: string;

  /**
   * Size of the build machine.
   *
   * @default codebuild.ComputeType.SMALL
   */
  readonly computeType?: codebuild.ComputeType;

  /**
   * How long a build may take.
   *
   * @default Duration.hours(1)
   */
  readonly buildTimeout?: Duration;

  /**
   * Bucket that the pipeline passes files through.
   *
   * @default - a bucket of its own, whose files expire after 30 days
   */
  readonly artifactBucket?: s3.IBucket;

  /**
   * Key of the artifacts and the logs.
   *
   * @default - the registry's key
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Keeps a merge whose run could not be started in a day of tries; its policy must let EventBridge send to it. A connection
   * starts runs by itself and needs none.
   *
   * @default - a queue of its own, with an alarm that tells nobody
   */
  readonly lostEvents?: sqs.IQueue;
}

/**
 * Delivers each merge to the main branch: the repository's tests run, its image is built and pushed with the commit as
 * its tag, and the training workflow takes over. Merges queue: none is dropped for a later one, and nothing but a merge
 * starts a run.
 *
 * The repository holds a `Dockerfile` whose image answers `train`, `evaluate` and `serve`, and `mlops.json`.
 *
 * @example
 * declare const training: TrainingWorkflow;
 * new DeliveryPipeline(this, 'Delivery', { source: ModelSource.codeCommit(), training });
 */
export class DeliveryPipeline extends Construct {
  /** The repository of the model's code. */
  public readonly repository: SourceRepository;

  /** Name of the pipeline. */
  public readonly pipelineName: string;

  /** ARN of the pipeline. */
  public readonly pipelineArn: string;

  /** Name of the build project. */
  public readonly projectName: string;

  /** ARN of the build project. */
  public readonly projectArn: string;

  /** Bucket that the pipeline passes files through. */
  public readonly artifactBucket: s3.IBucket;

  private readonly key?: kms.IKey;
  private readonly ownName?: string;

  constructor(scope: Construct, id: string, props: DeliveryPipelineProps) {
    super(scope, id);
    const timeout = props.buildTimeout ?? Duration.hours(1);
    new Problems(this)
      .check(timeout.isUnresolved() || (timeout.toMinutes() >= 5 && timeout.toMinutes() <= 2160),
        `buildTimeout must be from 5 minutes to 36 hours, got ${timeout.toHumanString()}`)
      .check(props.testCommands === undefined || props.testCommands.length > 0,
        'testCommands must hold at least one command: a model is not delivered untested')
      .throwIfAny();
    this.key = props.encryptionKey ?? props.training.registry.encryptionKey;

    const source = props.source._bind(this, this.key);
    this.repository = source.repository;
    const platform = props.artifactBucket === undefined ? ModelResources.of(this)?.platform : undefined;
    const shared = platform && { files: platform.pipelineFiles, prefix: platform.pipelinePrefix };
    this.artifactBucket = props.artifactBucket ?? shared?.files ?? newPipelineFiles(this, 'Artifacts', this.key);
    // a pipeline's files are below the first 20 characters of its name: whoever shares a bucket has to know them
    this.ownName = shared === undefined ? undefined : `${shared.prefix}${shortName(props.training.registry.modelName)}-${this.node.addr.slice(-6)}`;

    const project = this.createProject(props, timeout, source.author);
    this.projectName = project.ref;
    this.projectArn = project.attrArn;

    const pipeline = this.createPipeline(source, props.training);
    this.pipelineName = this.ownName ?? pipeline.ref;
    this.pipelineArn = Stack.of(this).formatArn({ service: 'codepipeline', resource: this.pipelineName });
    const model = this.ownName === undefined ? undefined : ModelResources.of(this);
    if (source.trigger && model) this.startByRoute(model, source.trigger);
    else if (source.trigger) this.startOn(source.trigger, props.lostEvents ?? new LostEvents(this, 'LostEvents').queue);
  }

  private createProject(props: DeliveryPipelineProps, timeout: Duration, author?: SourceAuthor): codebuild.CfnProject {
    const scope = new Construct(this, 'Build');
    const { repository } = props.training.registry;
    const logGroup = newLogGroup(scope, 'Logs', this.key);
    const role = newRole(scope, 'Role', { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });
    allow(role, { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] });
    this.grantArtifacts(role);
    author?.grant(role);
    allow(role, {
      actions: [
        'ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:CompleteLayerUpload', 'ecr:DescribeImages', 'ecr:GetDownloadUrlForLayer',
        'ecr:InitiateLayerUpload', 'ecr:PutImage', 'ecr:UploadLayerPart',
      ],
      resources: [repository.repositoryArn],
    });
    allow(role, { actions: ['ecr:GetAuthorizationToken'], resources: ['*'], because: 'ecr:GetAuthorizationToken cannot be limited to a resource' });

    const project = new codebuild.CfnProject(scope, 'Project', {
      description: `Tests a commit of ${this.repository.repositoryName} and builds its image`,
      serviceRole: role.roleArn,
      encryptionKey: this.key?.keyArn,
      timeoutInMinutes: timeout.toMinutes(),
      source: {
        type: 'CODEPIPELINE',
        buildSpec: Stack.of(this).toJsonString(buildSpec({
          pythonVersion: props.pythonVersion ?? '3.11',
          testCommands: props.testCommands ?? TEST_COMMANDS,
          authorCommand: author?.command,
        }), 2),
      },
      artifacts: { type: 'CODEPIPELINE' },
      environment: {
        // SageMaker's training instances are x86: the image is built on the same
        type: 'LINUX_CONTAINER',
        image: 'aws/codebuild/amazonlinux-x86_64-standard:5.0',
        computeType: props.computeType ?? codebuild.ComputeType.SMALL,
        privilegedMode: true,
        environmentVariables: [
          { name: 'REPOSITORY_URI', value: repository.repositoryUri },
          { name: 'REPOSITORY_NAME', value: repository.repositoryName },
          // an image index with an attestation in it is not an image to SageMaker
          { name: 'BUILDX_NO_DEFAULT_ATTESTATIONS', value: '1' },
          ...Object.entries(author?.environment ?? {}).map(([name, value]) => ({ name, value })),
        ],
      },
      logsConfig: { cloudWatchLogs: { status: 'ENABLED', groupName: logGroup.logGroupName } },
    });
    project.node.addDependency(role);
    Validations.of(project).acknowledge({ id: 'AwsSolutions-CB3', reason: 'Docker needs it to build the image of a commit' });
    if (this.key === undefined) {
      Validations.of(project).acknowledge({ id: 'AwsSolutions-CB4', reason: 'No key was given: artifacts are encrypted by the S3 key' });
    }
    return project;
  }

  private createPipeline(source: SourceAction, training: TrainingWorkflow): codepipeline.CfnPipeline {
    const role = newRole(this, 'Role', { assumedBy: new iam.ServicePrincipal('codepipeline.amazonaws.com') });
    this.grantArtifacts(role, source.uploadsWithAcl === true ? ['s3:PutObjectAcl'] : []);
    source.grantFetch(role);
    allow(role, { actions: ['codebuild:BatchGetBuilds', 'codebuild:StartBuild'], resources: [this.projectArn] });
    const { stateMachineArn } = training.stateMachine;
    allow(role, { actions: ['states:DescribeStateMachine', 'states:StartExecution'], resources: [stateMachineArn] });
    const machineName = Stack.of(this).splitArn(stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName;
    allow(role, {
      actions: ['states:DescribeExecution'],
      resources: [Stack.of(this).formatArn({
        service: 'states', resource: 'execution', resourceName: `${machineName}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      })],
      because: 'The execution of a run has a name that the pipeline makes',
    });

    const pipeline = new codepipeline.CfnPipeline(this, 'Resource', {
      name: this.ownName,
      pipelineType: 'V2',
      // the default mode drops a waiting run for a later one, which would be a way to stop it
      executionMode: 'QUEUED',
      roleArn: role.roleArn,
      artifactStore: {
        type: 'S3',
        location: this.artifactBucket.bucketName,
        encryptionKey: this.artifactBucket.encryptionKey && { id: this.artifactBucket.encryptionKey.keyArn, type: 'KMS' },
      },
      stages: [
        stage(SOURCE, {
          actionTypeId: { category: 'Source', owner: 'AWS', provider: source.provider, version: '1' },
          configuration: source.configuration,
          outputArtifacts: [{ name: 'Commit' }],
        }),
        stage('Build', {
          actionTypeId: { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' },
          configuration: { ProjectName: this.projectName },
          inputArtifacts: [{ name: 'Commit' }],
          outputArtifacts: [{ name: 'Run' }],
        }),
        stage('Train', {
          actionTypeId: { category: 'Invoke', owner: 'AWS', provider: 'StepFunctions', version: '1' },
          configuration: { StateMachineArn: stateMachineArn, InputType: 'FilePath', Input: RUN_FILE },
          inputArtifacts: [{ name: 'Run' }],
        }),
      ],
    });
    pipeline.node.addDependency(role);
    return pipeline;
  }

  private startByRoute(model: ModelResources, { source, detailType, resources, detail }: events.EventPattern): void {
    model.route({ delivery: { pipeline: this.pipelineName, sourceAction: SOURCE } }, {
      source: source?.[0] ?? '', detailTypes: detailType ?? [], resources, detail: detail ?? {},
    });
  }

  private startOn(eventPattern: events.EventPattern, lost: sqs.IQueue): void {
    const start = new targets.CodePipeline(codepipeline.Pipeline.fromPipelineArn(this, 'Pipeline', this.pipelineArn));
    // the commit of this very merge: by the time that a waiting run begins, the branch may have moved on
    const input = events.RuleTargetInput.fromObject({
      sourceRevisions: [{ actionName: SOURCE, revisionType: 'COMMIT_ID', revisionValue: events.EventField.fromPath('$.detail.commitId') }],
    });
    new events.Rule(this, 'Merge', {
      description: `Starts the delivery of a merge to ${this.repository.branch}`,
      eventPattern,
      targets: [surely(start, lost, input)],
    });
  }

  private grantArtifacts(role: iam.IRole, more: string[] = []): void {
    grantObjects(role, {
      bucket: this.artifactBucket,
      prefix: this.ownName,
      actions: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject', ...more],
      list: true,
      writes: true,
      reason: 'Each run of the pipeline passes files of its own',
    });
    allow(role, { actions: ['s3:GetBucketLocation', 's3:GetBucketVersioning'], resources: [this.artifactBucket.bucketArn] });
  }
}

type Action = Omit<codepipeline.CfnPipeline.ActionDeclarationProperty, 'name' | 'runOrder'>;

function stage(name: string, action: Action): codepipeline.CfnPipeline.StageDeclarationProperty {
  return { name, actions: [{ name, runOrder: 1, ...action }] };
}

function shortName(modelName: string): string {
  return cleanName(Token.isUnresolved(modelName) ? 'model' : modelName.toLowerCase(), 4);
}
