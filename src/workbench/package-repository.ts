import { ArnFormat, Names, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as codeartifact from 'aws-cdk-lib/aws-codeartifact';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct, IConstruct } from 'constructs';
import { allow } from '../private/allow';
import { Problems } from '../private/problems';

/** A CodeArtifact repository that pip installs from. */
export interface IPackageRepository extends IConstruct {
  /** Name of the CodeArtifact domain. */
  readonly domainName: string;

  /** Account of the domain. */
  readonly domainOwner: string;

  /** Name of the repository. */
  readonly repositoryName: string;

  /**
   * Lets somebody install packages.
   *
   * @param grantee who gets the permission
   */
  grantInstall(grantee: iam.IGrantable): iam.Grant;
}

/** Properties of `PackageRepository`. */
export interface PackageRepositoryProps {
  /**
   * Name of the CodeArtifact domain: 2 to 50 lower case letters, digits and hyphens.
   *
   * @default - a name made from the construct's path
   */
  readonly domainName?: string;

  /**
   * Key of the packages. CodeArtifact never lets a domain change its key.
   *
   * @default - CodeArtifact's own
   */
  readonly encryptionKey?: kms.IKey;
}

/** A package repository that exists. */
export interface PackageRepositoryAttributes {
  /** Name of the CodeArtifact domain. */
  readonly domainName: string;

  /** Name of the repository, with the external connection `public:pypi` or an upstream that has it. */
  readonly repositoryName: string;

  /**
   * Account of the domain. The domain's policy must let this account use it where that is another one.
   *
   * @default - the stack's account
   */
  readonly domainOwner?: string;
}

/**
 * A CodeArtifact repository in front of PyPI, for notebooks that have no way to the internet. It costs nothing while
 * nothing is installed; what was installed once is kept there.
 *
 * @see https://docs.aws.amazon.com/codeartifact/latest/ug/external-connection.html
 *
 * @example
 * declare const role: iam.IRole;
 * const packages = new PackageRepository(this, 'Packages');
 * packages.grantInstall(role);
 */
export class PackageRepository extends Construct implements IPackageRepository {
  /** A repository made elsewhere. */
  public static fromPackageRepositoryAttributes(scope: Construct, id: string, attributes: PackageRepositoryAttributes): IPackageRepository {
    class Imported extends Construct implements IPackageRepository {
      public readonly domainName = attributes.domainName;
      public readonly domainOwner = attributes.domainOwner ?? Stack.of(scope).account;
      public readonly repositoryName = attributes.repositoryName;

      public grantInstall(grantee: iam.IGrantable): iam.Grant {
        return grantInstall(this, grantee);
      }
    }
    return new Imported(scope, id);
  }

  public readonly domainName: string;
  public readonly domainOwner: string;
  public readonly repositoryName: string;

  constructor(scope: Construct, id: string, props: PackageRepositoryProps = {}) {
    super(scope, id);
    const domainName = props.domainName ?? Names.uniqueResourceName(this, { maxLength: 50, separator: '-' }).toLowerCase();
    new Problems(this)
      .check(Token.isUnresolved(domainName) || /^[a-z][a-z0-9-]{0,48}[a-z0-9]$/.test(domainName),
        `domainName must be 2 to 50 lower case letters, digits and hyphens, begin with a letter and end with a letter or digit, got '${domainName}'`)
      .throwIfAny();
    const domain = new codeartifact.CfnDomain(this, 'Domain', { domainName, encryptionKey: props.encryptionKey?.keyArn });
    const repository = new codeartifact.CfnRepository(this, 'Resource', {
      domainName: domain.attrName,
      domainOwner: domain.attrOwner,
      repositoryName: 'pypi',
      description: 'PyPI, for notebooks without internet',
      externalConnections: ['public:pypi'],
    });
    // Copies of what PyPI has.
    repository.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.domainName = domain.attrName;
    this.domainOwner = domain.attrOwner;
    this.repositoryName = repository.attrName;
  }

  public grantInstall(grantee: iam.IGrantable): iam.Grant {
    return grantInstall(this, grantee);
  }
}

function grantInstall(repository: IPackageRepository, grantee: iam.IGrantable): iam.Grant {
  const { domainName, domainOwner: account, repositoryName } = repository;
  const arn = (resource: string, resourceName: string) => Stack.of(repository).formatArn({
    service: 'codeartifact', account, resource, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  const read = allow(grantee, {
    actions: ['codeartifact:GetRepositoryEndpoint', 'codeartifact:ReadFromRepository'],
    resources: [arn('repository', `${domainName}/${repositoryName}`)],
  });
  return read
    .combine(allow(grantee, { actions: ['codeartifact:GetAuthorizationToken'], resources: [arn('domain', domainName)] }))
    .combine(allow(grantee, {
      actions: ['sts:GetServiceBearerToken'],
      resources: ['*'],
      conditions: { StringEquals: { 'sts:AWSServiceName': 'codeartifact.amazonaws.com' } },
      because: 'A bearer token belongs to no resource; the condition says for which service it is.',
    }));
}
