import {
  AssociateApprovalRuleTemplateWithRepositoryCommand, CodeCommitClient, CreateApprovalRuleTemplateCommand, DeleteApprovalRuleTemplateCommand,
  DisassociateApprovalRuleTemplateFromRepositoryCommand, UpdateApprovalRuleTemplateContentCommand,
} from '@aws-sdk/client-codecommit';
import { answering, CustomResourceRequest } from '../private/custom-resource-io';

interface ApprovalRule {
  readonly TemplateName: string;
  readonly RepositoryName: string;
  readonly Content: string;
}

const codecommit = new CodeCommitClient({});

/** Keeps the rule by which a repository's pull requests are approved: CloudFormation has no type for it. */
export async function handler(request: CustomResourceRequest<ApprovalRule>): Promise<void> {
  const { TemplateName: approvalRuleTemplateName, RepositoryName: repositoryName, Content } = request.ResourceProperties;
  const rule = { approvalRuleTemplateName, repositoryName };
  await answering(request, `${approvalRuleTemplateName} on ${repositoryName}`, async () => {
    if (request.RequestType === 'Delete') {
      await unless(GONE, () => codecommit.send(new DisassociateApprovalRuleTemplateFromRepositoryCommand(rule)));
      await unless(GONE_OR_SHARED, () => codecommit.send(new DeleteApprovalRuleTemplateCommand({ approvalRuleTemplateName })));
      return;
    }
    const made = await unless(THERE, () => codecommit.send(new CreateApprovalRuleTemplateCommand({
      approvalRuleTemplateName,
      approvalRuleTemplateDescription: 'Nobody merges what nobody else has approved',
      approvalRuleTemplateContent: Content,
    })));
    // one that is there was made by an earlier try, or is to be changed
    if (!made) await codecommit.send(new UpdateApprovalRuleTemplateContentCommand({ approvalRuleTemplateName, newRuleContent: Content }));
    await codecommit.send(new AssociateApprovalRuleTemplateWithRepositoryCommand(rule));
  });
}

const THERE = ['ApprovalRuleTemplateNameAlreadyExistsException'];
const GONE = ['ApprovalRuleTemplateDoesNotExistException', 'RepositoryDoesNotExistException'];
const GONE_OR_SHARED = [...GONE, 'ApprovalRuleTemplateInUseException'];

/** Whether the call was made, and did not fail with one of the errors. */
async function unless(errors: readonly string[], call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (error instanceof Error && errors.includes(error.name)) return false;
    throw error;
  }
}
