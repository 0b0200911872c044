import { Json, JsonObject, Unsupported } from '../cloud/types';

type Check = (value: Json) => boolean;

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const ANNOTATIONS = ['$schema', 'id', 'title', 'description', 'default'];

const TYPES: Record<string, Check> = {
  array: Array.isArray,
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => typeof value === 'number' && Number.isInteger(value),
  null: (value) => value === null,
  number: (value) => typeof value === 'number',
  object: isObject,
  string: (value) => typeof value === 'string',
};

const canonical = (value: Json): string => JSON.stringify(value, (_, inner: Json) =>
  (isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner));
const whenText = (check: (value: string) => boolean): Check => (value) => typeof value !== 'string' || check(value);
const whenNumber = (check: (value: number) => boolean): Check => (value) => typeof value !== 'number' || check(value);
const whenArray = (check: (value: Json[]) => boolean): Check => (value) => !Array.isArray(value) || check(value);
const whenObject = (check: (value: JsonObject) => boolean): Check => (value) => !isObject(value) || check(value);
const length = (value: string): number => [...value].length;

/** A check for each keyword of JSON Schema draft 4 that is known here; the schema around it is for keywords that look at each other. */
const KEYWORDS: Record<string, (given: Json, schema: JsonObject) => Check> = {
  type: (given) => {
    const checks = [given].flat().map((name) => {
      if (!(String(name) in TYPES)) throw new Unsupported(`the JSON schema type ${JSON.stringify(name)}`);
      return TYPES[String(name)];
    });
    return (value) => checks.some((check) => check(value));
  },
  enum: (given) => {
    const allowed = new Set((given as Json[]).map(canonical));
    return (value) => allowed.has(canonical(value));
  },
  pattern: (given) => {
    const pattern = new RegExp(String(given), 'u');
    return whenText((value) => pattern.test(value));
  },
  minLength: (given) => whenText((value) => length(value) >= Number(given)),
  maxLength: (given) => whenText((value) => length(value) <= Number(given)),
  minimum: (given, { exclusiveMinimum }) => whenNumber((value) => (exclusiveMinimum === true ? value > Number(given) : value >= Number(given))),
  maximum: (given, { exclusiveMaximum }) => whenNumber((value) => (exclusiveMaximum === true ? value < Number(given) : value <= Number(given))),
  exclusiveMinimum: () => () => true,
  exclusiveMaximum: () => () => true,
  multipleOf: (given) => whenNumber((value) => Number.isInteger(value / Number(given))),
  minItems: (given) => whenArray((value) => value.length >= Number(given)),
  maxItems: (given) => whenArray((value) => value.length <= Number(given)),
  uniqueItems: (given) => whenArray((value) => given !== true || new Set(value.map(canonical)).size === value.length),
  items: (given) => {
    if (Array.isArray(given)) throw new Unsupported('the JSON schema keyword items with a list');
    const check = compileSchema(given as JsonObject);
    return whenArray((value) => value.every(check));
  },
  required: (given) => whenObject((value) => (given as string[]).every((name) => name in value)),
  minProperties: (given) => whenObject((value) => Object.keys(value).length >= Number(given)),
  maxProperties: (given) => whenObject((value) => Object.keys(value).length <= Number(given)),
  properties: (given) => {
    const checks = Object.entries(given as JsonObject).map(([name, schema]) => [name, compileSchema(schema as JsonObject)] as const);
    return whenObject((value) => checks.every(([name, check]) => !(name in value) || check(value[name])));
  },
  additionalProperties: (given, { properties }) => {
    const known = new Set(Object.keys((properties ?? {}) as JsonObject));
    const check: Check = typeof given === 'boolean' ? () => given : compileSchema(given as JsonObject);
    return whenObject((value) => Object.keys(value).every((name) => known.has(name) || check(value[name])));
  },
  allOf: (given) => every(given, (checks, value) => checks.every((check) => check(value))),
  anyOf: (given) => every(given, (checks, value) => checks.some((check) => check(value))),
  oneOf: (given) => every(given, (checks, value) => checks.filter((check) => check(value)).length === 1),
  not: (given) => {
    const check = compileSchema(given as JsonObject);
    return (value) => !check(value);
  },
};

function every(given: Json, combine: (checks: Check[], value: Json) => boolean): Check {
  const checks = (given as JsonObject[]).map(compileSchema);
  return (value) => combine(checks, value);
}

/** A check by a JSON schema of draft 4. A keyword that is not known is refused by its name. */
export function compileSchema(schema: JsonObject): Check {
  const checks = Object.entries(schema).filter(([keyword]) => !ANNOTATIONS.includes(keyword)).map(([keyword, given]) => {
    if (!(keyword in KEYWORDS)) throw new Unsupported(`the JSON schema keyword ${keyword}`);
    return KEYWORDS[keyword](given, schema);
  });
  return (value) => checks.every((check) => check(value));
}
