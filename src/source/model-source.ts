import { Names, RemovalPolicy, Token } from 'aws-cdk-lib';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { PullRequestApproval, PullRequestApprovalOptions } from './pull-request-approval';
import { SourceAction } from './source-action';
import { allow } from '../private/allow';
import { Problems } from '../private/problems';

/** A model's repository in CodeCommit. */
export interface CodeCommitSourceOptions {
  /**
   * An existing repository.
   *
   * @default - a new repository
   */
  readonly repository?: codecommit.IRepository;

  /**
   * Name of the new repository.
   *
   * @default - a name made from the construct's path
   */
  readonly repositoryName?: string;

  /**
   * The branch whose merges are delivered.
   *
   * @default 'main'
   */
  readonly branch?: string;

  /**
   * What the new repository holds at first.
   *
   * @default - nothing; whoever deploys pushes the first commit to the branch, nobody else may
   */
  readonly initialCode?: codecommit.Code;

  /**
   * Who has to approve pull requests into the branch.
   *
   * @default - one person other than the author: a role of `Persona.APPROVER` where the platform has one, else anybody
   */
  readonly approval?: PullRequestApprovalOptions;

  /**
   * Whether to keep a rule by which pull requests into the branch have to be approved. Say false for a repository whose
   * approval rules are kept elsewhere.
   *
   * @default true
   */
  readonly requireApproval?: boolean;
}

/** A model's repository at a git provider. */
export interface ConnectionSourceOptions {
  /**
   * The branch whose merges are delivered.
   *
   * @default 'main'
   */
  readonly branch?: string;

  /**
   * URL to clone the repository from over HTTPS.
   *
   * @default - known to the connection's git provider alone
   */
  readonly cloneUrl?: string;
}

/** Where a model's code is kept. */
export abstract class ModelSource {
  /**
   * A repository in CodeCommit: a new one, or an existing one. Pull requests into its branch need the approval of somebody
   * other than their author, and only they change it: `PipelineProtection` denies to push to it.
   *
   * @example
   * const source = ModelSource.codeCommit({ repositoryName: 'temperature' });
   */
  public static codeCommit(options: CodeCommitSourceOptions = {}): ModelSource {
    return new CodeCommitSource(options);
  }

  /**
   * A repository at GitHub, GitLab or Bitbucket, reached by a connection that somebody authorized in the console.
   *
   * A build gets the code of a commit by it and not its author: `ReleaseHook.approval` would reject every version, so that the
   * two cannot be combined. Who may merge is asked for at the git provider, by its own reviews.
   *
   * @param connectionArn ARN of the connection
   * @param repository `owner/name`
   *
   * @example
   * declare const connectionArn: string;
   * const source = ModelSource.connection(connectionArn, 'acme/temperature');
   */
  public static connection(connectionArn: string, repository: string, options: ConnectionSourceOptions = {}): ModelSource {
    return new ConnectionSource(connectionArn, repository, options);
  }

  /**
   * Whether a build can tell who wrote a commit.
   * @internal
   */
  public abstract readonly _tellsAuthors: boolean;

  /** @internal */
  public abstract _bind(scope: Construct, encryptionKey?: kms.IKey): SourceAction;
}

const BRANCH = 'main';

class CodeCommitSource extends ModelSource {
  public readonly _tellsAuthors = true;

  constructor(private readonly options: CodeCommitSourceOptions) {
    super();
  }

  public _bind(scope: Construct, encryptionKey?: kms.IKey): SourceAction {
    const { options } = this;
    const branch = options.branch ?? BRANCH;
    new Problems(scope)
      .check(options.repository === undefined || (options.repositoryName === undefined && options.initialCode === undefined),
        'repositoryName and initialCode are for a new repository: leave them out where an existing repository is given')
      .check(isBranch(branch), `branch must be the name of a git branch, got '${branch}'`)
      .check(options.requireApproval !== false || options.approval === undefined,
        'approval says who has to approve, and requireApproval that nobody has to; leave one of them out')
      .throwIfAny();
    const repositoryName = options.repository?.repositoryName ?? options.repositoryName
      ?? Names.uniqueResourceName(scope, { maxLength: 100, separator: '-', allowedSpecialCharacters: '._-' });
    const repository = options.repository ?? this.createRepository(scope, repositoryName);
    const approval = options.requireApproval ?? true
      ? new PullRequestApproval(scope, 'Approval', { ...options.approval, repository, repositoryName, branch, encryptionKey })
      : undefined;
    return {
      repository: {
        approval,
        repositoryName: repository.repositoryName,
        branch,
        cloneUrl: repository.repositoryCloneUrlHttp,
        codeCommitRepository: repository,
      },
      provider: 'CodeCommit',
      configuration: { RepositoryName: repository.repositoryName, BranchName: branch, PollForSourceChanges: 'false', OutputArtifactFormat: 'CODE_ZIP' },
      trigger: {
        source: ['aws.codecommit'],
        detailType: ['CodeCommit Repository State Change'],
        resources: [repository.repositoryArn],
        detail: { event: ['referenceCreated', 'referenceUpdated'], referenceType: ['branch'], referenceName: [branch] },
      },
      author: {
        command: 'aws codecommit get-commit --repository-name "$SOURCE_REPOSITORY" --commit-id "$CODEBUILD_RESOLVED_SOURCE_VERSION" --output json',
        environment: { SOURCE_REPOSITORY: repository.repositoryName },
        grant: (grantee) => { allow(grantee, { actions: ['codecommit:GetCommit'], resources: [repository.repositoryArn] }); },
      },
      grantFetch: (grantee) => {
        allow(grantee, {
          actions: ['codecommit:CancelUploadArchive', 'codecommit:GetBranch', 'codecommit:GetCommit', 'codecommit:GetUploadArchiveStatus', 'codecommit:UploadArchive'],
          resources: [repository.repositoryArn],
        });
      },
    };
  }

  /** Encrypted by CodeCommit's own key: a customer's would have to be opened to everybody who clones. */
  private createRepository(scope: Construct, repositoryName: string): codecommit.Repository {
    const repository = new codecommit.Repository(scope, 'Repository', {
      repositoryName,
      description: `Code of the model ${scope.node.path}`,
      code: this.options.initialCode,
    });
    repository.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    return repository;
  }
}

class ConnectionSource extends ModelSource {
  public readonly _tellsAuthors = false;

  constructor(private readonly connectionArn: string, private readonly repositoryName: string, private readonly options: ConnectionSourceOptions) {
    super();
  }

  public _bind(scope: Construct): SourceAction {
    const { connectionArn, repositoryName, options } = this;
    const branch = options.branch ?? BRANCH;
    new Problems(scope)
      .check(Token.isUnresolved(connectionArn) || /^arn:[^:]+:(codeconnections|codestar-connections):[^:]+:\d+:connection\/.+$/.test(connectionArn),
        `connectionArn must be the ARN of a connection, got '${connectionArn}'`)
      .check(Token.isUnresolved(repositoryName) || /^[^/\s]+(\/[^/\s]+)+$/.test(repositoryName), `repository must be 'owner/name', got '${repositoryName}'`)
      .check(isBranch(branch), `branch must be the name of a git branch, got '${branch}'`)
      .throwIfAny();
    return {
      repository: { repositoryName, branch, cloneUrl: options.cloneUrl },
      provider: 'CodeStarSourceConnection',
      uploadsWithAcl: true,
      configuration: {
        ConnectionArn: connectionArn, FullRepositoryId: repositoryName, BranchName: branch, OutputArtifactFormat: 'CODE_ZIP', DetectChanges: 'true',
      },
      grantFetch: (grantee) => {
        // a connection made before the service's new name is still asked for by the old one
        allow(grantee, { actions: ['codeconnections:UseConnection', 'codestar-connections:UseConnection'], resources: [connectionArn] });
      },
    };
  }
}

function isBranch(name: string): boolean {
  return Token.isUnresolved(name) || (/^[^\s~^:?*[\\]+$/.test(name) && !name.startsWith('refs/'));
}
