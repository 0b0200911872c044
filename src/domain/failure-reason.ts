/**
 * What went wrong, in words. Step Functions tells of a failure as JSON, each workflow and function wrapping that of the one
 * below: the innermost is what a reader needs. Text that is no such JSON is its own words.
 */
export function failureInWords(text: string): string {
  const { errorType, errorMessage, Error: name, Cause: cause, Name: workflow, Status: status } = parsed(text);
  if (errorMessage !== undefined) return errorType === undefined ? errorMessage : `${errorType}: ${errorMessage}`;
  // a workflow that was aborted or timed out gives no error
  if (name === undefined && workflow !== undefined && status !== undefined) return `${workflow} is ${status}`;
  if (cause === undefined || cause === '') return name ?? text;
  const inner = failureInWords(cause);
  return inner !== cause || name === undefined ? inner : `${name}: ${cause}`;
}

type Failure = { readonly [member in 'errorType' | 'errorMessage' | 'Error' | 'Cause' | 'Name' | 'Status']?: string };

function parsed(text: string): Failure {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([, member]) => typeof member === 'string'));
  } catch {
    return {};
  }
}
