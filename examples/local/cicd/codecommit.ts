import { chmod, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ApprovalRules } from './approval-rules';
import { BareRepository } from './git';
import { PullRequests } from './pull-requests';
import { object, objects, onlyKnown, optionalText, text } from '../cloud/members';
import { uuidOf } from '../cloud/names';
import { OPERATOR_KEY } from '../cloud/principals';
import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, Resource, Service, StandIn, Unsupported } from '../cloud/types';

const NO_COMMIT = /^0+$/;

/** AWS CodeCommit: real bare git repositories. A push, from wherever it comes, is an event. */
export class CodeCommit implements StandIn, Service, Provisioner {
  readonly describes = [{ service: 'CodeCommit', by: 'bare git repositories with hooks; pull requests and their approval rules first-party' }];
  readonly services = [this];
  readonly provisioners = [this];
  readonly scopes = ['codecommit'];
  readonly types = ['AWS::CodeCommit::Repository'];
  private readonly repositories = new Map<string, BareRepository>();
  private readonly listeners: ((repository: string, branch: string) => Promise<void>)[] = [];
  private cloud: Cloud | undefined;
  private readonly rules = new ApprovalRules();
  private readonly pullRequests = new PullRequests(this.rules, this, () => this.at.clock.now());

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  /** Folder of the bare repository: clone it, and push to it. */
  folder(name: string): string {
    return this.repository(name).folder;
  }

  repository(name: string): BareRepository {
    const found = this.repositories.get(name);
    if (found === undefined) throw new AwsError('RepositoryDoesNotExistException', `${name} does not exist`);
    return found;
  }

  /** A repository of another provider, reached through a connection: made empty when it is first asked for. */
  async connected(fullName: string): Promise<BareRepository> {
    return this.repositories.get(fullName) ?? this.add(fullName);
  }

  /** Told after each push to a branch. */
  onPush(listener: (repository: string, branch: string) => Promise<void>): void {
    this.listeners.push(listener);
  }

  async create({ type, properties }: Resource): Promise<Deployed> {
    onlyKnown(properties, ['Code', 'KmsKeyId', 'RepositoryDescription', 'RepositoryName', 'Tags', 'Triggers'], type);
    if (objects(properties, 'Triggers').length > 0) throw new Unsupported(`${type}.Triggers`);
    const { account, clock, folders, partition, region } = this.at;
    const name = text(properties, 'RepositoryName');
    const code = object(properties, 'Code');
    const branch = optionalText(code, 'BranchName') ?? 'main';
    const repository = await this.add(name, branch);
    if (code.S3 !== undefined) {
      const files = this.at.assetPath(text(object(code, 'S3'), 'Key'));
      if (!(await stat(files)).isDirectory()) throw new Unsupported(`${type}.Code that is not a folder`);
      await repository.seed(files, branch, clock.now(), join(folders.temp, `seed-${uuidOf(name)}`));
    }
    const host = `git-codecommit.${region}.amazonaws.com/v1/repos/${name}`;
    return {
      ref: uuidOf(name),
      attributes: {
        Arn: `arn:${partition}:codecommit:${region}:${account}:${name}`, Name: name, CloneUrlHttp: `https://${host}`, CloneUrlSsh: `ssh://${host}`, RepositoryId: uuidOf(name),
      },
    };
  }

  /** A pull request is decided upon as its repository. */
  completed({ input }: Call): JsonObject {
    const id = optionalText(input, 'pullRequestId');
    const [target] = objects(input, 'targets');
    const repositoryName = id === undefined ? optionalText(target ?? {}, 'repositoryName') : this.pullRequests.repositoryOf(id);
    return repositoryName === undefined ? input : { ...input, repositoryName };
  }

  async handle(call: Call): Promise<JsonObject> {
    const { input, operation } = call;
    if (operation === 'ListRepositories') return { repositories: [...this.repositories.keys()].map((repositoryName) => ({ repositoryName, repositoryId: uuidOf(repositoryName) })) };
    const named = optionalText(input, 'repositoryName');
    if (named !== undefined) this.repository(named);
    const answer = this.rules.handle(operation, input) ?? await this.pullRequests.handle(call);
    if (answer !== undefined) return answer;
    const name = text(input, 'repositoryName');
    const repository = this.repository(name);
    switch (operation) {
      case 'GitPush': return this.mayPush(call);
      case 'ReferenceUpdated': return this.updated(call, name);
      case 'GetRepository':
        return { repositoryMetadata: { repositoryName: name, repositoryId: uuidOf(name), accountId: this.at.account, Arn: this.arn(name), defaultBranch: 'main' } };
      case 'ListBranches': return { branches: await repository.branches() };
      case 'GetBranch': {
        const branchName = text(input, 'branchName');
        const commitId = await repository.head(branchName);
        if (commitId === undefined) throw new AwsError('BranchDoesNotExistException', `${branchName} does not exist`);
        return { branch: { branchName, commitId } };
      }
      case 'GetCommit': {
        const { id, message, author, authored, parents } = await repository.commit(text(input, 'commitId'));
        return { commit: { commitId: id, message, author: { name: author, date: authored }, parents: [...parents] } };
      }
      default: throw new Unsupported(`codecommit:${operation}`);
    }
  }

  /** A branch that a pull request has moved. */
  async moved(call: Call, repository: string, branch: string, before: string, after: string): Promise<void> {
    await this.updated({ ...call, input: { reference: `refs/heads/${branch}`, commitId: after, oldCommitId: before } }, repository);
  }

  private get at(): Cloud {
    if (this.cloud === undefined) throw new Error('CodeCommit has not been started');
    return this.cloud;
  }

  private arn(name: string): string {
    return `arn:${this.at.partition}:codecommit:${this.at.region}:${this.at.account}:${name}`;
  }

  private async add(name: string, branch = 'main'): Promise<BareRepository> {
    if (this.repositories.has(name)) throw new AwsError('RepositoryNameExistsException', `${name} exists already`);
    const folder = join(this.at.folders.root, 'repositories', `${name.replaceAll('/', '--')}.git`);
    const repository = await BareRepository.create(folder, branch);
    for (const hook of ['update', 'post-receive']) {
      const file = join(folder, 'hooks', hook);
      const words = [this.at.python, join(__dirname, 'receive_hook.py'), name, this.at.endpoint, this.at.region, OPERATOR_KEY, hook];
      await writeFile(file, `#!/bin/sh\nexec ${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')} "$@"\n`);
      await chmod(file, 0o755);
    }
    this.repositories.set(name, repository);
    return repository;
  }

  /** The hook's question. The local cloud's front port has asked the policies already; a smaller cloud has not. */
  private mayPush({ principal, input }: Call): JsonObject {
    const name = text(input, 'repositoryName');
    for (const { ref } of principal.restricted ? objects(input, 'references') : []) {
      const decision = this.at.decide(principal.arn, 'codecommit:GitPush', this.arn(name), { 'codecommit:References': String(ref) });
      if (!decision.allowed) throw new AwsError('AccessDeniedException', `${principal.arn} may not push ${String(ref)} to ${name} (${decision.by})`, 403);
    }
    return {};
  }

  private async updated({ input, principal }: Call, name: string): Promise<JsonObject> {
    const [reference, commitId, oldCommitId] = [text(input, 'reference'), text(input, 'commitId'), text(input, 'oldCommitId')];
    const [, kind, ...path] = reference.split('/');
    const event = NO_COMMIT.test(oldCommitId) ? 'referenceCreated' : NO_COMMIT.test(commitId) ? 'referenceDeleted' : 'referenceUpdated';
    await this.at.emit('aws.codecommit', 'CodeCommit Repository State Change', {
      event,
      repositoryName: name,
      repositoryId: uuidOf(name),
      referenceType: kind === 'tags' ? 'tag' : 'branch',
      referenceName: path.join('/'),
      referenceFullName: reference,
      callerUserArn: principal.arn,
      ...(event === 'referenceDeleted' ? {} : { commitId }),
      ...(event === 'referenceCreated' ? {} : { oldCommitId }),
    }, [this.arn(name)]);
    if (kind === 'heads' && event !== 'referenceDeleted') for (const listener of this.listeners) await listener(name, path.join('/'));
    return {};
  }
}
