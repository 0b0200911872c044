import { Stack, Token } from 'aws-cdk-lib';

/** ARNs of a model package group, in each spelling that SageMaker uses: it writes names in lower case into ARNs. */
export function modelPackageGroupArns(stack: Stack, groupName: string): string[] {
  return spellings(groupName).map((name) => stack.formatArn({ service: 'sagemaker', resource: 'model-package-group', resourceName: name }));
}

/** ARNs of all versions in a model package group. */
export function modelPackageArns(stack: Stack, groupName: string): string[] {
  return spellings(groupName).map((name) => stack.formatArn({ service: 'sagemaker', resource: 'model-package', resourceName: `${name}/*` }));
}

function spellings(name: string): string[] {
  return Token.isUnresolved(name) ? [name] : [...new Set([name, name.toLowerCase()])];
}
