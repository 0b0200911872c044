import { ApprovalRule, ApprovalRules } from './approval-rules';
import { BareRepository, git } from './git';
import { objects, onlyKnown, optionalText, text } from '../cloud/members';
import { sessionOf } from '../cloud/principals';
import { AwsError, Call, JsonObject } from '../cloud/types';

interface PullRequest {
  readonly id: string;
  readonly repository: string;
  readonly author: string;
  readonly title: string;
  readonly source: string;
  readonly destination: string;
  /** Who approves; of which state of the source, since another push makes approvals worth nothing. */
  readonly approvals: Map<string, string>;
  status: 'OPEN' | 'CLOSED';
  merged?: string;
}

export interface PullRequestHome {
  repository(name: string): BareRepository;
  /** Told of a branch that a merge has moved. */
  moved(call: Call, repository: string, branch: string, before: string, after: string): Promise<void>;
}

/** Pull requests: who approves them, and merging them, as CodeCommit has it. */
export class PullRequests {
  private readonly all = new Map<string, PullRequest>();

  constructor(private readonly rules: ApprovalRules, private readonly home: PullRequestHome, private readonly now: () => Date) {}

  repositoryOf(id: string): string | undefined {
    return this.all.get(id)?.repository;
  }

  async handle(call: Call): Promise<JsonObject | undefined> {
    const { operation, input } = call;
    switch (operation) {
      case 'CreatePullRequest': return this.open(call);
      case 'GetPullRequest': return { pullRequest: await this.describe(this.find(input)) };
      case 'UpdatePullRequestApprovalState': return this.approve(call);
      case 'GetPullRequestApprovalStates': return { approvals: [...this.find(input).approvals.keys()].map((userArn) => ({ userArn, approvalState: 'APPROVE' })) };
      case 'EvaluatePullRequestApprovalRules': return { evaluation: await this.evaluate(this.find(input)) };
      case 'MergePullRequestByThreeWay':
      case 'MergePullRequestBySquash': return this.merge(call, operation.endsWith('BySquash'));
      default: return undefined;
    }
  }

  private async open({ input, principal }: Call): Promise<JsonObject> {
    onlyKnown(input, ['title', 'description', 'targets', 'clientRequestToken'], 'codecommit:CreatePullRequest');
    const [target] = objects(input, 'targets');
    const branch = (name: string): string => name.replace(/^refs\/heads\//, '');
    const made: PullRequest = {
      id: String(this.all.size + 1),
      repository: text(target, 'repositoryName'),
      author: sessionOf(principal),
      title: text(input, 'title'),
      source: branch(text(target, 'sourceReference')),
      destination: branch(optionalText(target, 'destinationReference') ?? 'main'),
      approvals: new Map(),
      status: 'OPEN',
    };
    await this.head(made, made.source);
    await this.head(made, made.destination);
    this.all.set(made.id, made);
    return { pullRequest: await this.describe(made) };
  }

  private async approve({ input, principal }: Call): Promise<JsonObject> {
    const request = this.opened(input);
    const session = sessionOf(principal);
    if (session === request.author) {
      throw new AwsError('PullRequestCannotBeApprovedByAuthorException', 'You cannot approve a pull request that you created.');
    }
    const head = await this.head(request, request.source);
    if (text(input, 'revisionId') !== head) throw new AwsError('RevisionNotCurrentException', 'The revision is not the current one.');
    if (text(input, 'approvalState') === 'APPROVE') request.approvals.set(session, head);
    else request.approvals.delete(session);
    return {};
  }

  private async merge(call: Call, squash: boolean): Promise<JsonObject> {
    const request = this.opened(call.input);
    const { approved } = await this.evaluate(request);
    if (approved !== true) throw new AwsError('PullRequestApprovalRulesNotSatisfiedException', 'The pull request cannot be merged because one or more approval rules have not been satisfied.');
    const { folder } = this.home.repository(request.repository);
    const [before, source] = [await this.head(request, request.destination), await this.head(request, request.source)];
    const identity = { NAME: call.principal.name, EMAIL: optionalText(call.input, 'email') ?? `${call.principal.name}@example.com`, DATE: this.now().toISOString() };
    const who = Object.fromEntries(Object.entries(identity).flatMap(([member, value]) => [[`GIT_AUTHOR_${member}`, value], [`GIT_COMMITTER_${member}`, value]]));
    const tree = await git(folder, ['merge-tree', '--write-tree', before, source]).catch(() => {
      throw new AwsError('ManualMergeRequiredException', 'The pull request cannot be merged automatically into the destination branch.');
    });
    const parents = squash ? ['-p', before] : ['-p', before, '-p', source];
    const merged = await git(folder, ['commit-tree', tree, ...parents, '-m', optionalText(call.input, 'commitMessage') ?? request.title], who);
    await git(folder, ['update-ref', `refs/heads/${request.destination}`, merged, before]);
    request.status = 'CLOSED';
    request.merged = merged;
    await this.home.moved(call, request.repository, request.destination, before, merged);
    return { pullRequest: await this.describe(request) };
  }

  private async evaluate(request: PullRequest): Promise<JsonObject> {
    const head = await this.head(request, request.source);
    const approvers = [...request.approvals].filter(([, revision]) => revision === head).map(([session]) => session);
    const isMet = ({ needed, pool }: ApprovalRule): boolean =>
      approvers.filter((session) => pool.length === 0 || pool.some((member) => fits(session, member))).length >= needed;
    const rules = this.rules.of(request.repository, request.destination);
    const named = (some: ApprovalRule[]): string[] => some.map(({ name }) => name);
    return {
      approved: rules.every(isMet),
      overridden: false,
      approvalRulesSatisfied: named(rules.filter(isMet)),
      approvalRulesNotSatisfied: named(rules.filter((rule) => !isMet(rule))),
    };
  }

  private async describe(request: PullRequest): Promise<JsonObject> {
    const sourceCommit = await this.head(request, request.source);
    return {
      pullRequestId: request.id,
      title: request.title,
      authorArn: request.author,
      pullRequestStatus: request.status,
      revisionId: sourceCommit,
      pullRequestTargets: [{
        repositoryName: request.repository,
        sourceReference: `refs/heads/${request.source}`,
        destinationReference: `refs/heads/${request.destination}`,
        sourceCommit,
        mergeMetadata: { isMerged: request.merged !== undefined, ...(request.merged === undefined ? {} : { mergeCommitId: request.merged }) },
      }],
      approvalRules: this.rules.of(request.repository, request.destination).map(({ name }) => ({ approvalRuleName: name })),
    };
  }

  private opened(input: JsonObject): PullRequest {
    const request = this.find(input);
    if (request.status === 'CLOSED') throw new AwsError('PullRequestAlreadyClosedException', 'The pull request is closed.');
    return request;
  }

  private find(input: JsonObject): PullRequest {
    const found = this.all.get(text(input, 'pullRequestId'));
    if (found === undefined) throw new AwsError('PullRequestDoesNotExistException', 'The pull request does not exist.');
    return found;
  }

  private async head({ repository }: PullRequest, branch: string): Promise<string> {
    const head = await this.home.repository(repository).head(branch);
    if (head === undefined) throw new AwsError('ReferenceDoesNotExistException', `${branch} does not exist`);
    return head;
  }
}

function fits(value: string, pattern: string): boolean {
  return new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(value);
}
