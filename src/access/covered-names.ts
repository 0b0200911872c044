import { CfnResource, Reference, Stack, Token, Tokenization } from 'aws-cdk-lib';
import { rootOf } from '../private/root-stack';

/** Where a resource of the template says what it is called. */
const NAME_OF: Readonly<Record<string, string>> = {
  'AWS::CodeCommit::Repository': 'repositoryName',
  'AWS::DynamoDB::Table': 'tableName',
};

/**
 * Whether the name of a resource is known to begin with a text: one that the ARN shows, one that the template gives, or one
 * that CloudFormation will make, which begins with the stack's.
 */
export function isNamed(arn: string, beginning: string): boolean {
  if (beginning === '') return true;
  const target = targetOf(arn);
  if (target !== undefined) {
    const name = (target as unknown as Record<string, unknown>)[NAME_OF[target.cfnResourceType] ?? ''];
    return typeof name === 'string' ? begins(name, beginning) : name === undefined && begins(rootOf(Stack.of(target)).stackName, beginning);
  }
  return begins(arn.split(/[:/]/).pop() ?? '', beginning);
}

function targetOf(arn: string): CfnResource | undefined {
  if (!Token.isUnresolved(arn)) return undefined;
  const [token, ...others] = Tokenization.reverseString(arn).tokens;
  return others.length === 0 && Reference.isReference(token) && CfnResource.isCfnResource(token.target) ? token.target : undefined;
}

/** Of a token nobody knows how it begins. */
function begins(name: string, beginning: string): boolean {
  return !Token.isUnresolved(name) && name.startsWith(beginning);
}
