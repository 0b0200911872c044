import { Json, JsonObject, Unsupported } from './types';

/** What the names in a template stand for. */
export interface Scope {
  readonly region: string;
  /** Ref of a resource, parameter or pseudo parameter. */
  ref(name: string): Json | undefined;
  attribute(logicalId: string, attribute: string): Json;
  condition(name: string): boolean;
  mapping(map: string, first: string, second: string): Json;
  importValue(name: string): Json;
  /** `{{resolve:service:…}}` */
  dynamic(service: string, rest: string): Promise<string>;
}

const NO_VALUE = Symbol('AWS::NoValue');
type Resolved = Json | typeof NO_VALUE;

/** Resolves every intrinsic function below `value`. */
export async function resolve(value: Json, scope: Scope, where: string): Promise<Json> {
  const resolved = await walk(value, scope, where);
  return resolved === NO_VALUE ? null : resolved;
}

/** Logical ids that `value` refers to, in the order found. */
export function references(value: Json | undefined, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) {
    value.forEach((item) => references(item, found));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'Ref' && typeof inner === 'string') found.add(inner);
      if (key === 'Fn::GetAtt') found.add(Array.isArray(inner) ? String(inner[0]) : String(inner).split('.')[0]);
      if (key === 'Fn::Sub') {
        const template = Array.isArray(inner) ? String(inner[0]) : String(inner);
        for (const [, name] of template.matchAll(/\$\{([^!}][^}]*)\}/g)) found.add(name.split('.')[0]);
      }
      references(inner, found);
    }
  }
  return found;
}

export async function evaluateCondition(value: Json, scope: Scope, where: string): Promise<boolean> {
  if (typeof value === 'boolean') return value;
  const [key, argument] = single(value, where);
  const all = async (list: Json) => Promise.all((list as Json[]).map((item) => evaluateCondition(item, scope, where)));
  switch (key) {
    case 'Fn::Equals': {
      const [a, b] = await resolve(argument, scope, where) as Json[];
      return JSON.stringify(a) === JSON.stringify(b);
    }
    case 'Fn::And': return (await all(argument)).every(Boolean);
    case 'Fn::Or': return (await all(argument)).some(Boolean);
    case 'Fn::Not': return !(await all(argument))[0];
    case 'Condition': return scope.condition(String(argument));
    default: throw new Unsupported(`${key} in a condition (${where})`);
  }
}

async function walk(value: Json, scope: Scope, where: string): Promise<Resolved> {
  if (typeof value === 'string') return dynamicReferences(value, scope);
  if (Array.isArray(value)) {
    const items = await Promise.all(value.map((item) => walk(item, scope, where)));
    return items.filter((item): item is Json => item !== NO_VALUE);
  }
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'))) return intrinsic(keys[0], value[keys[0]], scope, where);
  const result: JsonObject = {};
  for (const key of keys) {
    const inner = await walk(value[key], scope, `${where}.${key}`);
    if (inner !== NO_VALUE) result[key] = inner;
  }
  return result;
}

async function intrinsic(name: string, argument: Json, scope: Scope, where: string): Promise<Resolved> {
  if (name === 'Ref') {
    if (argument === 'AWS::NoValue') return NO_VALUE;
    const found = scope.ref(String(argument));
    if (found === undefined) throw new Error(`${where}: Ref of ${String(argument)}, which the template does not have`);
    return typeof found === 'string' ? dynamicReferences(found, scope) : found;
  }
  if (name === 'Fn::If') {
    const [condition, then, otherwise] = argument as Json[];
    return walk(scope.condition(String(condition)) ? then : otherwise, scope, where);
  }
  if (name === 'Fn::Sub') return substitute(argument, scope, where);
  if (name === 'Fn::GetAtt') {
    const [id, ...rest] = Array.isArray(argument) ? await resolve(argument, scope, where) as string[] : String(argument).split('.');
    return scope.attribute(id, rest.join('.'));
  }
  const resolved = await resolve(argument, scope, where);
  const list = Array.isArray(resolved) ? resolved : [resolved];
  switch (name) {
    case 'Fn::Join': return (list[1] as Json[]).map(text).join(text(list[0]));
    case 'Fn::Select': return selected(list[1] as Json[], Number(list[0]), where);
    case 'Fn::Split': return text(list[1]).split(text(list[0]));
    case 'Fn::FindInMap': return scope.mapping(text(list[0]), text(list[1]), text(list[2]));
    case 'Fn::ImportValue': return scope.importValue(text(resolved));
    case 'Fn::Base64': return Buffer.from(text(resolved)).toString('base64');
    case 'Fn::GetAZs': return ['a', 'b', 'c'].map((zone) => `${text(resolved) === '' ? scope.region : text(resolved)}${zone}`);
    case 'Fn::Length': return list.length;
    case 'Fn::ToJsonString': return JSON.stringify(resolved);
    default: throw new Unsupported(`the intrinsic function ${name} (${where})`);
  }
}

function selected(list: Json[], index: number, where: string): Json {
  if (!(index in list)) throw new Error(`${where}: Fn::Select of item ${index} of a list of ${list.length}`);
  return list[index];
}

async function substitute(argument: Json, scope: Scope, where: string): Promise<string> {
  const [template, own] = Array.isArray(argument) ? argument as [string, JsonObject] : [String(argument), {}];
  const values = await resolve(own, scope, where) as JsonObject;
  const parts = await Promise.all(template.split(/(\$\{[^}]+\})/).map(async (part) => {
    const name = /^\$\{([^}]+)\}$/.exec(part)?.[1];
    if (name === undefined) return part;
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (name in values) return text(values[name]);
    const reference: JsonObject = name.includes('.') ? { 'Fn::GetAtt': name } : { Ref: name };
    return text(await resolve(reference, scope, where));
  }));
  return dynamicReferences(parts.join(''), scope);
}

async function dynamicReferences(value: string, scope: Scope): Promise<string> {
  if (!value.includes('{{resolve:')) return value;
  let result = value;
  for (const [whole, service, rest] of value.matchAll(/\{\{resolve:([a-z-]+):([^}]+)\}\}/g)) {
    result = result.replace(whole, await scope.dynamic(service, rest));
  }
  return result;
}

function text(value: Json | undefined): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`expected text, got ${JSON.stringify(value)}`);
}

function single(value: Json, where: string): [string, Json] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where}: not a condition: ${JSON.stringify(value)}`);
  return Object.entries(value)[0];
}
