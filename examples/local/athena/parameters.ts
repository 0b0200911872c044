import { AwsError } from '../cloud/types';

/** Puts the execution parameters, in order, where the statement has question marks outside of quotes and comments. */
export function bindParameters(sql: string, parameters: readonly string[]): string {
  const left = [...parameters];
  const bound = sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\?/g, (piece) => {
    if (piece !== '?') return piece;
    const value = left.shift();
    if (value === undefined) throw new AwsError('INVALID_PARAMETER_USAGE', 'Incorrect number of parameters: more were expected');
    return value;
  });
  if (left.length > 0) throw new AwsError('INVALID_PARAMETER_USAGE', `Incorrect number of parameters: ${left.length} more than expected`);
  return bound;
}
