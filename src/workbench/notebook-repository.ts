import { Annotations, Stack } from 'aws-cdk-lib';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { IDependable } from 'constructs';
import { IWorkbenchNetwork, WorkbenchNetwork } from './workbench-network';
import { allow } from '../private/allow';

/** A git repository as a notebook uses it. */
export interface NotebookRepositoryConfig {
  /** HTTPS address to clone from. */
  readonly url: string;

  /**
   * Secret with `username` and `password`.
   *
   * @default - git signs in with the notebook's role
   */
  readonly credentials?: secretsmanager.ISecret;

  /**
   * What must be there before the repository is cloned.
   *
   * @default - nothing
   */
  readonly dependency?: IDependable;
}

/**
 * The git repository that is cloned into a notebook.
 *
 * @example
 * declare const repository: codecommit.IRepository;
 * const cloned = NotebookRepository.codeCommit(repository);
 */
export abstract class NotebookRepository {
  /**
   * A CodeCommit repository. The notebook signs in with its role, and may push to every branch but one.
   *
   * @param repository the repository
   * @param protectedBranch branch that only a merge changes; `main` unless given
   */
  public static codeCommit(repository: codecommit.IRepository, protectedBranch?: string): NotebookRepository {
    return new CodeCommit(repository, protectedBranch ?? 'main');
  }

  /**
   * A repository elsewhere. The notebook's network must have a way there, which the one that is made for notebooks has not.
   *
   * @param url HTTPS address to clone from
   * @param credentials secret with `username` and `password` (a token); a public repository needs none
   */
  public static https(url: string, credentials?: secretsmanager.ISecret): NotebookRepository {
    return new Https(url, credentials);
  }

  /**
   * Lets a notebook use the repository.
   *
   * @param role the notebook's role
   * @param network the notebook's network, where it has one of its own
   */
  public abstract bind(role: iam.IRole, network?: IWorkbenchNetwork): NotebookRepositoryConfig;
}

class CodeCommit extends NotebookRepository {
  constructor(private readonly repository: codecommit.IRepository, private readonly protectedBranch: string) {
    super();
  }

  public bind(role: iam.IRole, network?: IWorkbenchNetwork): NotebookRepositoryConfig {
    const resources = [this.repository.repositoryArn];
    allow(role, { actions: ['codecommit:GetRepository', 'codecommit:GitPull', 'codecommit:GitPush'], resources });
    role.addToPrincipalPolicy(new iam.PolicyStatement({
      sid: 'OnlyMergesChangeTheProtectedBranch',
      effect: iam.Effect.DENY,
      actions: ['codecommit:GitPush'],
      resources,
      conditions: {
        StringEqualsIfExists: { 'codecommit:References': [`refs/heads/${this.protectedBranch}`] },
        Null: { 'codecommit:References': 'false' },
      },
    }));
    const dependency = network?.reach(ec2.InterfaceVpcEndpointAwsService.CODECOMMIT_GIT);
    const { region, urlSuffix } = Stack.of(role);
    return { url: `https://git-codecommit.${region}.${urlSuffix}/v1/repos/${this.repository.repositoryName}`, dependency };
  }
}

class Https extends NotebookRepository {
  constructor(private readonly url: string, private readonly credentials?: secretsmanager.ISecret) {
    super();
  }

  public bind(role: iam.IRole, network?: IWorkbenchNetwork): NotebookRepositoryConfig {
    if (network instanceof WorkbenchNetwork) {
      Annotations.of(network).addWarningV2('cdk-mlops:repository-out-of-reach', `Nothing in this network reaches ${this.url}, so that a notebook there ` +
        'cannot start. Use a CodeCommit repository, or a network that has a way there (WorkbenchNetwork.fromWorkbenchNetworkAttributes)');
    }
    if (this.credentials === undefined) return { url: this.url };
    this.credentials.grantRead(role);
    // The notebook fetches them itself, at each sign-in.
    const dependency = network?.reach(ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER);
    return { url: this.url, credentials: this.credentials, dependency };
  }
}
