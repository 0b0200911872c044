import { list, object, objects, onlyKnown, optionalNumber, optionalText, text } from '../cloud/members';
import { AwsError, JsonObject, Unsupported } from '../cloud/types';

/** What an approval rule asks for. */
export interface ApprovalRule {
  readonly name: string;
  readonly branches: readonly string[];
  readonly needed: number;
  /** Patterns of the sessions whose approvals count; all where there is none. */
  readonly pool: readonly string[];
}

interface Template {
  content: string;
  rule: ApprovalRule;
  readonly repositories: Set<string>;
}

/** Approval rule templates of CodeCommit, and the repositories that they are for. */
export class ApprovalRules {
  private readonly templates = new Map<string, Template>();

  /** Rules for pull requests of a repository into a branch. */
  of(repository: string, branch: string): ApprovalRule[] {
    return [...this.templates.values()].filter(({ repositories, rule }) =>
      repositories.has(repository) && (rule.branches.length === 0 || rule.branches.includes(`refs/heads/${branch}`))).map(({ rule }) => rule);
  }

  /** Whether the call was about templates; the repository has been seen to be there. */
  handle(operation: string, input: JsonObject): JsonObject | undefined {
    const name = optionalText(input, 'approvalRuleTemplateName') ?? '';
    switch (operation) {
      case 'CreateApprovalRuleTemplate': {
        onlyKnown(input, ['approvalRuleTemplateName', 'approvalRuleTemplateContent', 'approvalRuleTemplateDescription'], `codecommit:${operation}`);
        if (this.templates.has(name)) throw new AwsError('ApprovalRuleTemplateNameAlreadyExistsException', `${name} exists already`);
        const content = text(input, 'approvalRuleTemplateContent');
        this.templates.set(name, { content, rule: parsed(name, content), repositories: new Set() });
        return { approvalRuleTemplate: described(name, content) };
      }
      case 'UpdateApprovalRuleTemplateContent': {
        onlyKnown(input, ['approvalRuleTemplateName', 'newRuleContent'], `codecommit:${operation}`);
        const content = text(input, 'newRuleContent');
        Object.assign(this.find(name), { content, rule: parsed(name, content) });
        return { approvalRuleTemplate: described(name, content) };
      }
      case 'GetApprovalRuleTemplate': return { approvalRuleTemplate: described(name, this.find(name).content) };
      case 'DeleteApprovalRuleTemplate': {
        if ((this.templates.get(name)?.repositories.size ?? 0) > 0) throw new AwsError('ApprovalRuleTemplateInUseException', `${name} is associated with a repository`);
        this.templates.delete(name);
        return { approvalRuleTemplateId: name };
      }
      case 'AssociateApprovalRuleTemplateWithRepository':
        this.find(name).repositories.add(text(input, 'repositoryName'));
        return {};
      case 'DisassociateApprovalRuleTemplateFromRepository':
        this.find(name).repositories.delete(text(input, 'repositoryName'));
        return {};
      case 'ListAssociatedApprovalRuleTemplatesForRepository':
        return { approvalRuleTemplateNames: [...this.templates].filter(([, { repositories }]) => repositories.has(text(input, 'repositoryName'))).map(([known]) => known) };
      default: return undefined;
    }
  }

  private find(name: string): Template {
    const found = this.templates.get(name);
    if (found === undefined) throw new AwsError('ApprovalRuleTemplateDoesNotExistException', `${name} does not exist`);
    return found;
  }
}

function described(approvalRuleTemplateName: string, approvalRuleTemplateContent: string): JsonObject {
  return { approvalRuleTemplateName, approvalRuleTemplateId: approvalRuleTemplateName, approvalRuleTemplateContent };
}

/** Reads a template's content as CodeCommit takes it in. */
function parsed(name: string, content: string): ApprovalRule {
  const bad = (why: string): AwsError => new AwsError('InvalidApprovalRuleTemplateContentException', `${name}: ${why}`);
  const read = object({ content: JSON.parse(content) as JsonObject }, 'content');
  if (text(read, 'Version') !== '2018-11-08') throw bad('Version must be 2018-11-08');
  const [statement, ...others] = objects(read, 'Statements');
  if (statement === undefined || others.length > 0) throw new Unsupported('approval rules of several statements');
  if (text(statement, 'Type') !== 'Approvers') throw bad('Type must be Approvers');
  const pool = list(statement, 'ApprovalPoolMembers').map(String);
  if (pool.some((member) => member.startsWith('CodeCommitApprovers:'))) throw new Unsupported('CodeCommitApprovers in an approval pool');
  return { name, branches: list(read, 'DestinationReferences').map(String), needed: optionalNumber(statement, 'NumberOfApprovalsNeeded') ?? 0, pool };
}
