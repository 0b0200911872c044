import { Stack } from 'aws-cdk-lib';

/** The stack that a stack is nested in, however deep; a stack that is nested in none is its own. */
export function rootOf(stack: Stack): Stack {
  return stack.nestedStackParent === undefined ? stack : rootOf(stack.nestedStackParent);
}
