import { CustomResource, Duration, Lazy, Names, Stack } from 'aws-cdk-lib';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { ApprovalRuleFunction } from './approval-rule-function';
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';
import { Problems } from '../private/problems';
import { trust } from '../private/trusted';

/** Options of a `PullRequestApproval`, whatever repository it is for. */
export interface PullRequestApprovalOptions {
  /**
   * How many people have to approve, 1 to 5.
   *
   * @default 1
   */
  readonly approvals?: number;
  /**
   * Names of the roles whose approvals count, such as `AWSReservedSSO_MlopsApprover_0123456789abcdef`.
   *
   * @default - those that `addApprover` is called with; where there are none, everybody's but the author's
   */
  readonly approverRoleNames?: string[];
}

/** Properties of a `PullRequestApproval`. */
export interface PullRequestApprovalProps extends PullRequestApprovalOptions {
  /** The repository. */
  readonly repository: codecommit.IRepository;
  /**
   * Name of the repository, where it is known before it is made.
   *
   * @default - the repository's attribute
   */
  readonly repositoryName?: string;
  /**
   * The branch into which pull requests are merged.
   *
   * @default 'main'
   */
  readonly branch?: string;
  /**
   * Encrypts the logs of the function that keeps the rules. The key must let CloudWatch Logs use it.
   *
   * @default - the service's own encryption
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * A repository's pull requests into one branch need the approval of somebody other than their author, by an approval rule
 * template of CodeCommit. CodeCommit refuses an approval by the session that opened the pull request.
 *
 * The rule holds for pull requests. That nobody pushes to the branch past them says `PipelineProtection`.
 *
 * @see https://docs.aws.amazon.com/codecommit/latest/userguide/approval-rule-templates.html
 *
 * @example
 * declare const repository: codecommit.IRepository;
 * new PullRequestApproval(this, 'Approval', { repository, approvals: 2 });
 */
export class PullRequestApproval extends Construct {
  /** Name of the approval rule template. */
  public readonly templateName: string;
  private readonly approvers: string[];

  constructor(scope: Construct, id: string, props: PullRequestApprovalProps) {
    super(scope, id);
    const approvals = props.approvals ?? 1;
    new Problems(this)
      .check(Number.isInteger(approvals) && approvals >= 1 && approvals <= 5, `approvals must be a whole number from 1 to 5, got ${approvals}`)
      .check(props.approverRoleNames === undefined || props.approverRoleNames.length > 0,
        'approverRoleNames must name at least one role; leave it out where everybody but the author may approve')
      .throwIfAny();
    this.approvers = [...props.approverRoleNames ?? []];
    this.templateName = Names.uniqueResourceName(this, { maxLength: 100, separator: '-', allowedSpecialCharacters: '._-' });
    const stack = Stack.of(this);
    const content = (): string => stack.toJsonString({
      Version: '2018-11-08',
      DestinationReferences: [`refs/heads/${props.branch ?? 'main'}`],
      Statements: [{
        Type: 'Approvers',
        NumberOfApprovalsNeeded: approvals,
        ...this.approvers.length === 0 ? {} : {
          ApprovalPoolMembers: this.approvers.map((name) => `arn:${stack.partition}:sts::${stack.account}:assumed-role/${name}/*`),
        },
      }],
    });
    const rules = ApprovalRules.of(this, props.encryptionKey);
    const { repositoryName = props.repository.repositoryName } = props;
    rules.allowOn(repositoryName);
    new CustomResource(this, 'Resource', {
      serviceToken: rules.functionArn,
      resourceType: 'Custom::MlopsApprovalRule',
      serviceTimeout: Duration.minutes(5),
      properties: { TemplateName: this.templateName, RepositoryName: repositoryName, Content: Lazy.string({ produce: content }) },
    }).node.addDependency(props.repository);
  }

  /** Lets the approvals of a role count. From then on only those of the roles that are named count. */
  public addApprover(role: iam.IRole): void {
    this.approvers.push(role.roleName);
  }
}

/** So many repositories are named one by one: they take a quarter of the policies that a role has room for. */
const MOST_NAMED = 20;

/** The function behind the approval rules, one for all of a stack. */
class ApprovalRules extends Construct {
  /** The first that asks decides how the logs are encrypted. */
  public static of(scope: Construct, encryptionKey?: kms.IKey): ApprovalRules {
    const holder = holderOf(Stack.of(scope));
    const found = holder.node.tryFindChild('ApprovalRules');
    return found instanceof ApprovalRules ? found : new ApprovalRules(holder, 'ApprovalRules', encryptionKey);
  }

  public readonly functionArn: string;
  private readonly function: ApprovalRuleFunction;
  private repositories = 0;

  private constructor(scope: Construct, id: string, encryptionKey?: kms.IKey) {
    super(scope, id);
    this.function = new ApprovalRuleFunction(this, 'Function', handlerDefaults(this, {
      description: 'Keeps the approval rules of repositories', encryptionKey,
    }));
    this.functionArn = this.function.functionArn;
    trust(this);
    allow(this.function, {
      actions: ['codecommit:CreateApprovalRuleTemplate', 'codecommit:DeleteApprovalRuleTemplate', 'codecommit:UpdateApprovalRuleTemplateContent'],
      resources: ['*'],
      because: 'IAM knows no resource for approval rule templates',
    });
  }

  public allowOn(repositoryName: string): void {
    this.repositories += 1;
    if (this.repositories > MOST_NAMED + 1) return;
    const all = this.repositories > MOST_NAMED;
    allow(this.function, {
      actions: ['codecommit:AssociateApprovalRuleTemplateWithRepository', 'codecommit:DisassociateApprovalRuleTemplateFromRepository'],
      resources: [Stack.of(this).formatArn({ service: 'codecommit', resource: all ? '*' : repositoryName })],
      because: all ? 'A role has no room for the names of very many repositories; who may change every template has a say in each repository anyhow' : undefined,
    });
  }
}

/** What holds the models of nested stacks, so that they share a function with the boundary and the path of its other roles. */
function holderOf(stack: Stack): Construct {
  const parent = stack.nestedStackParent;
  if (parent === undefined) return stack;
  const owner = stack.node.scope;
  if (parent.nestedStackParent !== undefined || owner === undefined || owner === parent) return holderOf(parent);
  return owner.node.scope ?? parent;
}
