import * as fs from 'fs';
import * as path from 'path';
import { ArnFormat, Duration, Fn, Names, RemovalPolicy, Size, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { NotebookRepository, NotebookRepositoryConfig } from './notebook-repository';
import { IWorkbenchNetwork, WorkbenchNetwork } from './workbench-network';
import { IDataLake } from '../data/data-lake';
import { allow } from '../private/allow';
import { Problems } from '../private/problems';

/** Options of a data scientist's notebook, whatever platform it belongs to. */
export interface NotebookEnvironmentOptions {
  /**
   * Repository that is cloned into the notebook.
   *
   * @default - none is cloned
   */
  readonly repository?: NotebookRepository;

  /**
   * Name that the scientist's commits carry.
   *
   * @default - git asks for it at the first commit
   */
  readonly authorName?: string;

  /**
   * Mail address that the scientist's commits carry.
   *
   * @default - git asks for it at the first commit
   */
  readonly authorEmail?: string;

  /**
   * Type of the machine.
   *
   * @default 'ml.t3.medium'
   */
  readonly instanceType?: string;

  /**
   * Size of the notebook's own volume.
   *
   * @default Size.gibibytes(20)
   */
  readonly volumeSize?: Size;

  /**
   * The notebook instance stops when nothing ran in it for so long. A Studio space stops by the idle settings of its
   * domain instead, which cover private spaces.
   *
   * @default Duration.hours(1)
   */
  readonly idleTimeout?: Duration;

  /**
   * Studio domain that gets a user profile and a private JupyterLab space instead of a notebook instance. The network
   * is then the domain's.
   *
   * @default - a notebook instance
   */
  readonly studioDomainId?: string;
}

/** Properties of `NotebookEnvironment`. */
export interface NotebookEnvironmentProps extends NotebookEnvironmentOptions {
  /**
   * Data lake whose published datasets the notebook reads.
   *
   * @default - the notebook reads no datasets
   */
  readonly lake?: IDataLake;

  /**
   * Network of the notebook instance.
   *
   * @default - a network of its own, without a way to the internet
   */
  readonly network?: IWorkbenchNetwork;

  /**
   * Key of the notebook's volume.
   *
   * @default - a new key with yearly rotation
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * One data scientist's Jupyter with a role of its own, the repository cloned, no root, no direct internet, an encrypted
 * volume, and a stop when it is idle.
 *
 * @example
 * declare const lake: DataLake;
 * const ada = new NotebookEnvironment(this, 'Ada', { lake, authorName: 'Ada', authorEmail: 'ada@example.com' });
 */
export class NotebookEnvironment extends Construct {
  /** Role of what runs in the notebook. */
  public readonly role: iam.IRole;

  /** Name of the notebook instance, or of the Studio space. */
  public readonly notebookName: string;

  constructor(scope: Construct, id: string, props: NotebookEnvironmentProps = {}) {
    super(scope, id);
    validate(this, props);
    const stack = Stack.of(this);

    // In lower case, as SageMaker writes names into ARNs.
    this.notebookName = Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }).toLowerCase();
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': stack.account } } }),
      description: `Notebook ${this.notebookName}`,
    });
    this.role = role;
    props.lake?.grants.readCurated(role);

    if (props.studioDomainId !== undefined) this.addSpace(props.studioDomainId, role, props);
    else this.addInstance(role, props);
  }

  private addInstance(role: iam.Role, props: NotebookEnvironmentProps): void {
    const stack = Stack.of(this);
    const network = props.network ?? new WorkbenchNetwork(this, 'Network');
    network.reach(ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API);
    network.reach(ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS);
    const repository = props.repository?.bind(role, network);

    // To stop itself when it is idle.
    allow(role, {
      actions: ['sagemaker:DescribeNotebookInstance', 'sagemaker:StopNotebookInstance'],
      resources: [stack.formatArn({ service: 'sagemaker', resource: 'notebook-instance', resourceName: this.notebookName })],
    });
    allow(role, {
      actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: [stack.formatArn({
        service: 'logs', resource: 'log-group', resourceName: '/aws/sagemaker/NotebookInstances*', arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      })],
      because: 'SageMaker keeps the logs of all notebook instances in one group, in streams that it names.',
    });

    const lifecycle = new sagemaker.CfnNotebookInstanceLifecycleConfig(this, 'Lifecycle', {
      onStart: [{ content: Fn.base64(onStart(props)) }],
    });
    const instance = new sagemaker.CfnNotebookInstance(this, 'Resource', {
      notebookInstanceName: this.notebookName,
      instanceType: props.instanceType ?? 'ml.t3.medium',
      platformIdentifier: 'notebook-al2023-v1',
      instanceMetadataServiceConfiguration: { minimumInstanceMetadataServiceVersion: '2' },
      rootAccess: 'Disabled',
      directInternetAccess: 'Disabled',
      subnetId: network.subnets[0].subnetId,
      securityGroupIds: [network.securityGroup.securityGroupId],
      kmsKeyId: (props.encryptionKey ?? this.newKey()).keyArn,
      volumeSizeInGb: (props.volumeSize ?? Size.gibibytes(20)).toGibibytes(),
      roleArn: role.roleArn,
      lifecycleConfigName: lifecycle.attrNotebookInstanceLifecycleConfigName,
      defaultCodeRepository: repository === undefined ? undefined : this.associate(repository),
    });
    // The first start signs in and writes logs with the role: its policy must be there.
    instance.node.addDependency(role);
  }

  private associate(repository: NotebookRepositoryConfig): string {
    const association = new sagemaker.CfnCodeRepository(this, 'Repository', {
      gitConfig: { repositoryUrl: repository.url, secretArn: repository.credentials?.secretArn },
    });
    return association.attrCodeRepositoryName;
  }

  private addSpace(domainId: string, role: iam.Role, props: NotebookEnvironmentProps): void {
    const repository = props.repository?.bind(role);
    const profile = new sagemaker.CfnUserProfile(this, 'UserProfile', {
      domainId,
      userProfileName: this.notebookName,
      userSettings: { executionRole: role.roleArn },
    });
    const space = new sagemaker.CfnSpace(this, 'Space', {
      domainId,
      spaceName: this.notebookName,
      ownershipSettings: { ownerUserProfileName: this.notebookName },
      spaceSharingSettings: { sharingType: 'Private' },
      spaceSettings: {
        appType: 'JupyterLab',
        jupyterLabAppSettings: {
          defaultResourceSpec: { instanceType: props.instanceType ?? 'ml.t3.medium' },
          codeRepositories: repository === undefined ? undefined : [{ repositoryUrl: repository.url }],
        },
        spaceStorageSettings: { ebsStorageSettings: { ebsVolumeSizeInGb: (props.volumeSize ?? Size.gibibytes(20)).toGibibytes() } },
      },
    });
    space.addResourceDependency(profile);
    profile.node.addDependency(role);
  }

  private newKey(): kms.Key {
    return new kms.Key(this, 'Key', { description: `Volume of the notebook ${this.notebookName}`, enableKeyRotation: true, removalPolicy: RemovalPolicy.RETAIN });
  }
}

function onStart(props: NotebookEnvironmentProps): string {
  const shipped = (name: string) => fs.readFileSync(path.join(__dirname, '../../resources/workbench', name), 'utf8').trimEnd();
  const [shebang, ...script] = shipped('on_start.sh').replace('@IDLE_SHUTDOWN@', () => shipped('idle_shutdown.py')).split('\n');
  return [
    shebang,
    `IDLE_MINUTES=${(props.idleTimeout ?? Duration.hours(1)).toMinutes()}`,
    `AUTHOR_NAME=${quoted(props.authorName ?? '')}`,
    `AUTHOR_EMAIL=${quoted(props.authorEmail ?? '')}`,
    ...script,
    '',
  ].join('\n');
}

/** One word of a shell command, whatever it holds. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function validate(construct: Construct, props: NotebookEnvironmentProps): void {
  const { idleTimeout, volumeSize, instanceType, studioDomainId } = props;
  const minutes = idleTimeout === undefined || idleTimeout.isUnresolved() ? 60 : idleTimeout.toMinutes({ integral: false });
  new Problems(construct)
    .check(Number.isInteger(minutes) && minutes >= 10 && minutes <= 525_600, `idleTimeout must be whole minutes of 10..525600, got ${idleTimeout?.toHumanString()}`)
    .check(studioDomainId === undefined || idleTimeout === undefined,
      'idleTimeout and studioDomainId exclude each other: set the idle timeout in the JupyterLab settings of the Studio domain')
    .check(volumeSize === undefined || volumeSize.isUnresolved() || (volumeSize.toGibibytes() >= 5 && volumeSize.toGibibytes() <= 16_384),
      `volumeSize must be 5..16384 GiB, got ${volumeSize?.toGibibytes()} GiB`)
    .check(instanceType === undefined || Token.isUnresolved(instanceType) || instanceType.startsWith('ml.'),
      `instanceType must be a SageMaker type such as 'ml.t3.medium', got '${instanceType}'`)
    .check(studioDomainId === undefined || props.network === undefined, 'network and studioDomainId exclude each other: a Studio space uses the domain\'s network')
    .throwIfAny();
}
