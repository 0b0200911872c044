import { Duration, Names, RemovalPolicy, Size, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { addNotebookInstance, NotebookSettings } from './notebook-instance';
import { NotebookRepository } from './notebook-repository';
import { grantStart, StartedNotebook } from './notebook-start';
import { IPackageRepository } from './package-repository';
import { newSavedFiles, savedFilesOf } from './saved-files';
import { addStudioSpace } from './studio-space';
import { IWorkbenchNetwork, WorkbenchNetwork } from './workbench-network';
import { IDataLake } from '../data/data-lake';
import { allow } from '../private/allow';
import { Problems } from '../private/problems';
import { NOTEBOOK_ROLES } from '../private/role-path';
import { distrust } from '../private/trusted';

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
   * The notebook stops when nothing ran in it for so long, 10 minutes to a year. Of a Studio space that is its JupyterLab
   * application; the idle settings of its domain hold beside this.
   *
   * @default Duration.hours(1)
   */
  readonly idleTimeout?: Duration;

  /**
   * Whether the notebook's files are saved to a bucket, every ten minutes and when it stops, and brought back when a
   * notebook of the same name is made again. The volume itself goes with the notebook.
   *
   * @default true
   */
  readonly saveFiles?: boolean;

  /**
   * Whether the notebook asks Athena about the datasets of its lake, by `mlops.query(sql)`. It takes one more endpoint in
   * the network; datasets are read without.
   *
   * @default false
   */
  readonly queryDatasets?: boolean;

  /**
   * Whether pip installs packages, where there is a package repository to install from. Its two endpoints are made in
   * the network with the first notebook that does.
   *
   * @default true
   */
  readonly installPackages?: boolean;

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
   * Where pip installs packages from.
   *
   * @default - pip installs nothing
   */
  readonly packages?: IPackageRepository;

  /**
   * Bucket for the notebook's files, below `notebooks/<name>/`. It should keep versions.
   *
   * @default - a new bucket, which outlives the notebook
   */
  readonly savedFiles?: s3.IBucket;

  /**
   * Network of the notebook instance.
   *
   * @default - a network of its own, without a way to the internet
   */
  readonly network?: IWorkbenchNetwork;

  /**
   * Key of the notebook's volume and of the new bucket for its files. A Studio space's volume has its domain's key.
   *
   * @default - a new key with yearly rotation
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * One data scientist's Jupyter with a role of its own, the repository cloned, no root, no direct internet, an encrypted
 * volume, and a stop when it is idle. `import mlops` gives the datasets of the lake as pandas frames.
 *
 * Nobody opens it but whom `grantOpen` names: give that to one person.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/dg/nbi.html
 *
 * @example
 * declare const lake: DataLake;
 * declare const adasRole: iam.IRole;
 * const ada = new NotebookEnvironment(this, 'Ada', { lake, authorName: 'Ada', authorEmail: 'ada@example.com' });
 * ada.grantOpen(adasRole);
 */
export class NotebookEnvironment extends Construct {
  /** Role of what runs in the notebook. */
  public readonly role: iam.IRole;

  /** Name of the notebook instance, or of the Studio space and its user profile. */
  public readonly notebookName: string;

  /** ARN of the notebook instance, or of the Studio user profile. */
  public readonly notebookArn: string;

  private readonly studioDomainId?: string;
  /** What starting an instance takes; a Studio space starts by its own role. */
  private readonly started?: StartedNotebook;
  private newKey?: kms.Key;

  constructor(scope: Construct, id: string, props: NotebookEnvironmentProps = {}) {
    super(scope, id);
    validate(this, props);
    this.studioDomainId = props.studioDomainId;

    // In lower case, as SageMaker writes names into ARNs.
    this.notebookName = Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }).toLowerCase();
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } } }),
      description: `Notebook ${this.notebookName}`,
      path: props.studioDomainId === undefined ? `/${NOTEBOOK_ROLES}` : undefined,
    });
    // what runs in a notebook is a person's work, whatever is around it
    distrust(role);
    this.role = role;
    props.lake?.grants.readCurated(role);
    const queried = props.queryDatasets ?? false ? props.lake : undefined;
    queried?.grants.queryCurated(role);

    const packages = props.installPackages ?? true ? props.packages : undefined;
    packages?.grantInstall(role);
    const settings: NotebookSettings = {
      name: this.notebookName,
      role,
      instanceType: props.instanceType ?? 'ml.t3.medium',
      volumeSize: props.volumeSize ?? Size.gibibytes(20),
      idleMinutes: (props.idleTimeout ?? Duration.hours(1)).toMinutes(),
      repository: props.repository,
      packages,
      start: {
        authorName: props.authorName,
        authorEmail: props.authorEmail,
        datasets: props.lake === undefined ? undefined : `s3://${props.lake.curatedZone.bucketName}/datasets`,
        queries: queried === undefined ? undefined : [queried.databaseName, queried.workGroupName!],
        savedFiles: this.savedFiles(role, props),
        packages: packages === undefined ? undefined : [packages.domainName, packages.domainOwner, packages.repositoryName],
      },
    };
    if (props.studioDomainId !== undefined) {
      this.notebookArn = addStudioSpace(this, settings, props.studioDomainId);
      return;
    }
    const network = props.network ?? new WorkbenchNetwork(this, 'Network');
    const key = this.key(props);
    const { arn, credentials } = addNotebookInstance(this, settings, network, key);
    this.notebookArn = arn;
    this.started = { role, subnet: network.subnets[0], securityGroup: network.securityGroup, key, credentials };
  }

  /**
   * Lets somebody open this notebook, and start and stop a notebook instance. Nobody else may, and this somebody may open
   * no other. To start an instance takes handing its role to SageMaker, and using its network and key: this is granted too.
   *
   * @param grantee the scientist's own role, or the role that a team shares
   * @param sessionName only the sessions of this name, for a role that a team shares. IAM Identity Center names sessions
   *   after the person; the trust policy of another role should require `sts:RoleSessionName` to be the person's name,
   *   as otherwise people choose it
   */
  public grantOpen(grantee: iam.IGrantable, sessionName?: string): iam.Grant {
    const conditions = sessionName === undefined ? undefined : { StringLike: { 'aws:userid': `*:${sessionName}` } };
    const actions = this.studioDomainId === undefined
      ? ['CreatePresignedNotebookInstanceUrl', 'DescribeNotebookInstance', 'StartNotebookInstance', 'StopNotebookInstance']
      : ['CreatePresignedDomainUrl', 'DescribeUserProfile'];
    // who has a role takes it there: the policy of a persona has little room
    const { role } = grantee as { readonly role?: iam.IRole };
    const taker = role ?? grantee;
    const grant = allow(taker, { actions: actions.map((action) => `sagemaker:${action}`), resources: [this.notebookArn], conditions });
    if (this.started !== undefined) grantStart(this, taker, this.started, sessionName);
    return grant;
  }

  private savedFiles(role: iam.IRole, props: NotebookEnvironmentProps): string | undefined {
    if (!(props.saveFiles ?? true)) return undefined;
    const bucket = props.savedFiles ?? newSavedFiles(this, 'SavedFiles', this.key(props), RemovalPolicy.RETAIN);
    return savedFilesOf(this.notebookName, bucket, role);
  }

  private key(props: NotebookEnvironmentProps): kms.IKey {
    if (props.encryptionKey !== undefined) return props.encryptionKey;
    this.newKey ??= new kms.Key(this, 'Key', { description: `Files of the notebook ${this.notebookName}`, enableKeyRotation: true, removalPolicy: RemovalPolicy.RETAIN });
    return this.newKey;
  }
}

function validate(construct: Construct, props: NotebookEnvironmentProps): void {
  const { idleTimeout, volumeSize, instanceType, studioDomainId } = props;
  const minutes = idleTimeout === undefined || idleTimeout.isUnresolved() ? 60 : idleTimeout.toMinutes({ integral: false });
  new Problems(construct)
    .check(Number.isInteger(minutes) && minutes >= 10 && minutes <= 525_600, `idleTimeout must be whole minutes of 10..525600, got ${idleTimeout?.toHumanString()}`)
    .check(volumeSize === undefined || volumeSize.isUnresolved() || (volumeSize.toGibibytes() >= 5 && volumeSize.toGibibytes() <= 16_384),
      `volumeSize must be 5..16384 GiB, got ${volumeSize?.toGibibytes()} GiB`)
    .check(instanceType === undefined || Token.isUnresolved(instanceType) || instanceType.startsWith('ml.'),
      `instanceType must be a SageMaker type such as 'ml.t3.medium', got '${instanceType}'`)
    .check(!(props.queryDatasets ?? false) || props.lake !== undefined, 'queryDatasets takes a lake whose datasets are asked about')
    .check(studioDomainId === undefined || props.network === undefined, 'network and studioDomainId exclude each other: a Studio space uses the domain\'s network')
    .throwIfAny();
}
