import { Json, JsonObject, Unsupported } from './types';

/** A target of an EventBridge rule, as CloudFormation has it. */
export interface RuleTarget {
  readonly arn: string;
  readonly roleArn?: string;
  readonly input?: string;
  readonly inputPath?: string;
  readonly transformer?: { readonly paths: Record<string, string>; readonly template: string };
  readonly deadLetterQueue?: string;
}

/** Members that say how to retry or to bill: without meaning where every delivery arrives at once. */
const KNOWN = ['Arn', 'Id', 'RoleArn', 'Input', 'InputPath', 'InputTransformer', 'DeadLetterConfig', 'RetryPolicy'];

export function ruleTarget(target: JsonObject): RuleTarget {
  const unknown = Object.keys(target).filter((key) => !KNOWN.includes(key));
  if (unknown.length > 0) throw new Unsupported(`${unknown.join(', ')} of an event rule's target`);
  const transformer = target.InputTransformer as { InputPathsMap?: Record<string, string>; InputTemplate: string } | undefined;
  return {
    arn: String(target.Arn),
    roleArn: target.RoleArn as string | undefined,
    input: target.Input as string | undefined,
    inputPath: target.InputPath as string | undefined,
    transformer: transformer && { paths: transformer.InputPathsMap ?? {}, template: transformer.InputTemplate },
    deadLetterQueue: (target.DeadLetterConfig as { Arn?: string } | undefined)?.Arn,
  };
}

/** What EventBridge hands to a target for an event. */
export function targetInput(target: RuleTarget, event: JsonObject, rule: { arn: string; name: string }, now: Date): Json {
  if (target.input !== undefined) return JSON.parse(target.input) as Json;
  if (target.inputPath !== undefined) return valueAt(event, target.inputPath) ?? null;
  if (target.transformer) return transform(target.transformer, event, rule, now);
  return event;
}

function transform(transformer: NonNullable<RuleTarget['transformer']>, event: JsonObject, rule: { arn: string; name: string }, now: Date): Json {
  const values: Record<string, Json | undefined> = {
    'aws.events.rule-arn': rule.arn,
    'aws.events.rule-name': rule.name,
    'aws.events.event.ingestion-time': now.toISOString(),
    'aws.events.event': event,
    'aws.events.event.json': event,
  };
  for (const [name, path] of Object.entries(transformer.paths)) values[name] = valueAt(event, path);
  let inText = false;
  // Inside a JSON string a value is written as text, elsewhere as JSON; a missing one is empty there and null here.
  const filled = transformer.template.replace(/\\.|"|<([A-Za-z0-9_.-]+)>/gs, (token, name: string | undefined) => {
    if (token === '"') inText = !inText;
    if (name === undefined || !(name in values)) return token;
    const value = values[name];
    if (!inText) return JSON.stringify(value ?? null);
    const text = value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    return JSON.stringify(text).slice(1, -1);
  });
  try {
    return JSON.parse(filled) as Json;
  } catch {
    // A template that is no JSON is text, as for a topic's subscribers.
    return filled;
  }
}

/** Value at a simple JSONPath: members, ['members'] and [indexes]. */
export function valueAt(value: Json, path: string): Json | undefined {
  const steps = [...path.matchAll(/\.([A-Za-z0-9_-]+)|\['([^']+)'\]|\["([^"]+)"\]|\[(\d+)\]/g)];
  if (!path.startsWith('$') || `$${steps.map(([step]) => step).join('')}` !== path) throw new Unsupported(`the JSONPath ${path} in an event rule's target`);
  let at: Json | undefined = value;
  for (const [, name, quoted, doubleQuoted, index] of steps) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Array.isArray(at) ? at[Number(index)] : at[name ?? quoted ?? doubleQuoted];
  }
  return at;
}
