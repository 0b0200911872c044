import { Json, JsonObject, Unsupported } from '../cloud/types';

/** A column type of the Glue catalog, as Hive writes it (`struct<a:string,b:array<double>>`). */
export type HiveType =
  | { readonly kind: 'simple'; readonly name: string }
  | { readonly kind: 'array'; readonly item: HiveType }
  | { readonly kind: 'map'; readonly value: HiveType }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, HiveType> };

const DUCK_TYPES: Record<string, string> = {
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

/** Splits at commas that are not inside angle or round brackets. */
function split(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < list.length; i++) {
    if (list[i] === '<' || list[i] === '(') depth++;
    if (list[i] === '>' || list[i] === ')') depth--;
    if (list[i] === ',' && depth === 0) {
      parts.push(list.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, list.slice(start)].map((part) => part.trim());
}

export function parseHiveType(type: string): HiveType {
  const written = type.trim();
  const nested = /^(array|map|struct)\s*<(.*)>$/is.exec(written);
  if (nested === null) {
    const name = written.toLowerCase();
    if (!(name in DUCK_TYPES) && !/^(decimal\(\d+,\s*\d+\)|(var)?char\(\d+\))$/.test(name)) throw new Unsupported(`column type ${type} in a Glue table`);
    return { kind: 'simple', name };
  }
  const parts = split(nested[2]);
  switch (nested[1].toLowerCase()) {
    case 'array': return { kind: 'array', item: parseHiveType(nested[2]) };
    case 'map':
      if (parts.length !== 2 || parts[0].toLowerCase() !== 'string') throw new Unsupported(`map keys other than string in a Glue table (${type})`);
      return { kind: 'map', value: parseHiveType(parts[1]) };
    default:
      return {
        kind: 'struct',
        fields: new Map(parts.map((part) => {
          const colon = part.indexOf(':');
          return [part.slice(0, colon).trim().toLowerCase(), parseHiveType(part.slice(colon + 1))];
        })),
      };
  }
}

export const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;
export const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`;

export function duckType(type: HiveType): string {
  switch (type.kind) {
    case 'array': return `${duckType(type.item)}[]`;
    case 'map': return `MAP(VARCHAR, ${duckType(type.value)})`;
    case 'struct': return `STRUCT(${[...type.fields].map(([name, field]) => `${quoted(name)} ${duckType(field)}`).join(', ')})`;
    default:
      if (type.name.includes('char(')) return 'VARCHAR';
      return DUCK_TYPES[type.name] ?? type.name.toUpperCase();
  }
}

const lowerCased = (value: JsonObject): Map<string, Json> => new Map(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));

/**
 * A JSON value as the OpenX SerDe hands it to a column: member names without regard to case, numbers and objects as
 * text where the column is a string, and nothing where the value does not fit its column.
 */
export function fit(value: Json | undefined, type: HiveType): Json {
  if (value === undefined || value === null) return null;
  switch (type.kind) {
    case 'array': return Array.isArray(value) ? value.map((item) => fit(item, type.item)) : null;
    case 'map':
      if (typeof value !== 'object' || Array.isArray(value)) return null;
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fit(member, type.value)]));
    case 'struct': {
      if (typeof value !== 'object' || Array.isArray(value)) return null;
      const members = lowerCased(value);
      return Object.fromEntries([...type.fields].map(([name, field]) => [name, fit(members.get(name), field)]));
    }
    default: return fitSimple(value, type.name);
  }
}

function fitSimple(value: Json, name: string): Json {
  if (name === 'string' || name.includes('char(')) return typeof value === 'string' ? value : JSON.stringify(value);
  if (typeof value === 'object') return null;
  if (name === 'boolean') return String(value).toLowerCase() === 'true';
  if (name === 'date' || name === 'timestamp') return typeof value === 'string' ? value : null;
  const number = Number(value);
  if (String(value).trim() === '' || Number.isNaN(number) || typeof value === 'boolean') return null;
  if (['double', 'float'].includes(name) || name.startsWith('decimal')) return typeof value === 'number' ? value : String(value);
  return Number.isInteger(number) ? value : Math.trunc(number);
}

/** A column and the lower-cased name of the JSON member that fills it. */
export interface JsonColumn {
  readonly name: string;
  readonly member: string;
  readonly type: HiveType;
}

/** One line of an OpenX JSON file as the columns of its table; nothing where the line is malformed. */
export function fitLine(line: string, columns: readonly JsonColumn[]): JsonObject | undefined {
  try {
    const row: Json = JSON.parse(line);
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return undefined;
    const members = lowerCased(row);
    return Object.fromEntries(columns.map(({ name, member, type }) => [name, fit(members.get(member), type)]));
  } catch {
    return undefined;
  }
}
