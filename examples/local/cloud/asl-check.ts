import { Definition, NEVER_SECONDS } from './asl-engine';
import { Json, JsonObject, Unsupported } from './types';

const COMMON = ['Type', 'Comment', 'Next', 'End', 'InputPath', 'OutputPath', 'QueryLanguage'];
const TRANSFORM = ['Parameters', 'ResultSelector', 'ResultPath', 'Retry', 'Catch'];
const FIELDS: Record<string, string[]> = {
  Task: [...TRANSFORM, 'Resource', 'TimeoutSeconds', 'TimeoutSecondsPath'],
  Parallel: [...TRANSFORM, 'Branches'],
  Map: [...TRANSFORM, 'Iterator', 'ItemProcessor', 'ItemSelector', 'ItemsPath', 'MaxConcurrency', 'MaxConcurrencyPath'],
  Pass: ['Parameters', 'ResultPath', 'Result'],
  Wait: ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'],
  Choice: ['Choices', 'Default'],
  Succeed: [],
  Fail: ['Error', 'ErrorPath', 'Cause', 'CausePath'],
};
const INTRINSICS = [
  'Format', 'StringToJson', 'JsonToString', 'Array', 'ArrayPartition', 'ArrayContains', 'ArrayRange', 'ArrayGetItem', 'ArrayLength',
  'ArrayUnique', 'Base64Encode', 'Base64Decode', 'Hash', 'JsonMerge', 'MathRandom', 'MathAdd', 'StringSplit', 'UUID',
].map((name) => `States.${name}`);

/** A definition that the engine runs as Step Functions does; throws `Unsupported` with the name of what it cannot run. */
export function prepared(
  definition: Definition, machine: string, supportsTask: (resource: string) => boolean,
): { definition: Definition; tasks: Map<string, string>; timeouts: Map<string, number> } {
  const tasks = new Map<string, string>();
  const timeouts = new Map<string, number>();
  const names = new Set<string>();
  const refuse = (what: string): never => { throw new Unsupported(`${what} (state machine ${machine})`); };

  const state = (name: string, original: JsonObject): JsonObject => {
    if (names.has(name)) refuse(`two states with the name ${name}`);
    names.add(name);
    const type = String(original.Type);
    const fields = FIELDS[type] ?? refuse(`the type ${type} of the state ${name}`);
    for (const field of Object.keys(original)) {
      if (!COMMON.includes(field) && !fields.includes(field)) refuse(`${field} in the state ${name}`);
    }
    if ((original.QueryLanguage ?? 'JSONPath') !== 'JSONPath') refuse(`${String(original.QueryLanguage)} in the state ${name}`);
    checkPaths(original, name, type === 'Map');
    const result = { ...original };
    // "$" stands for the whole: the engine takes it for a member's name, and does right without.
    if (result.ResultPath === '$') delete result.ResultPath;
    if (Array.isArray(result.Catch)) {
      result.Catch = (result.Catch as JsonObject[]).map(({ ResultPath, ...rest }) =>
        ResultPath === '$' || ResultPath === undefined ? rest : { ...rest, ResultPath });
    }
    if (type === 'Task') {
      const resource = String(original.Resource);
      if (!supportsTask(resource)) refuse(`the task ${resource} in the state ${name}`);
      tasks.set(name, resource);
      if (typeof original.TimeoutSeconds === 'number') timeouts.set(name, original.TimeoutSeconds);
      if (original.TimeoutSeconds === undefined && original.TimeoutSecondsPath === undefined) result.TimeoutSeconds = NEVER_SECONDS;
    }
    if (type === 'Parallel') result.Branches = (original.Branches as unknown as Definition[]).map(machineOf) as unknown as Json;
    if (type === 'Map') {
      const processor = (original.ItemProcessor ?? original.Iterator) as unknown as Definition & { ProcessorConfig?: { Mode?: string } };
      if ((processor.ProcessorConfig?.Mode ?? 'INLINE') !== 'INLINE') refuse(`a distributed Map (${name})`);
      result.ItemProcessor = machineOf(processor) as unknown as Json;
      delete result.Iterator;
    }
    return result;
  };

  const checkPaths = (value: Json, name: string, isMap: boolean): void => {
    if (Array.isArray(value)) {
      value.forEach((item) => checkPaths(item, name, isMap));
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (['Branches', 'Iterator', 'ItemProcessor', 'Result'].includes(key)) continue;
        if (typeof inner === 'string' && (key.endsWith('.$') || key.endsWith('Path') || key === 'Variable')) checkExpression(inner, name, isMap);
        else checkPaths(inner, name, isMap);
      }
    }
  };

  const checkExpression = (expression: string, name: string, isMap: boolean): void => {
    for (const [called] of expression.matchAll(/States\.[A-Za-z0-9]+(?=\()/g)) {
      if (!INTRINSICS.includes(called)) refuse(`the intrinsic function ${called} in the state ${name}`);
    }
    // A name right behind the dollar sign is a variable.
    if (/^\$[A-Za-z_]/.test(expression)) refuse(`the variable ${expression} in the state ${name}`);
    if (expression.includes('$$.Map') && !isMap) refuse(`${expression} outside of its Map (${name})`);
    if (expression.includes('$$.Task')) refuse(`${expression} in the state ${name}`);
  };

  const machineOf = (part: Definition): Definition => ({
    ...part, States: Object.fromEntries(Object.entries(part.States).map(([name, inner]) => [name, state(name, inner)])),
  });

  if ((definition.QueryLanguage ?? 'JSONPath') !== 'JSONPath') refuse(String(definition.QueryLanguage));
  return { definition: machineOf(definition), tasks, timeouts };
}
