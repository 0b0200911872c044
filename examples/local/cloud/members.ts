import { AwsError, Json, JsonObject, Unsupported } from './types';

/** Readers of JSON members that say which member is missing, of the wrong kind, or not supported. */

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const missing = (name: string): AwsError => new AwsError('ValidationException', `${name} is missing or of the wrong kind`);

export function optionalText(from: JsonObject, name: string): string | undefined {
  const value = from[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw missing(name);
}

export function text(from: JsonObject, name: string): string {
  const value = optionalText(from, name);
  if (value === undefined) throw missing(name);
  return value;
}

export function optionalNumber(from: JsonObject, name: string): number | undefined {
  const value = optionalText(from, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === '' || Number.isNaN(number)) throw missing(name);
  return number;
}

/** CloudFormation and some APIs write booleans as strings. */
export function flag(from: JsonObject, name: string, otherwise: boolean): boolean {
  const value = optionalText(from, name);
  if (value === undefined) return otherwise;
  if (value !== 'true' && value !== 'false') throw missing(name);
  return value === 'true';
}

export function object(from: JsonObject, name: string): JsonObject {
  const value = from[name];
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw missing(name);
  return value;
}

export function list(from: JsonObject, name: string): Json[] {
  const value = from[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw missing(name);
  return value;
}

export function objects(from: JsonObject, name: string): JsonObject[] {
  return list(from, name).map((item) => {
    if (!isObject(item)) throw missing(name);
    return item;
  });
}

export function texts(from: JsonObject, name: string): string[] {
  return list(from, name).map((item) => {
    if (typeof item !== 'string') throw missing(name);
    return item;
  });
}

/** The members of an object whose values are all text. */
export function textMap(from: JsonObject, name: string): Record<string, string> {
  const map = object(from, name);
  return Object.fromEntries(Object.keys(map).map((key) => [key, text(map, key)]));
}

/** Refuses, by name, every member that is not among the known ones. */
export function onlyKnown(from: JsonObject, known: readonly string[], where: string): void {
  const unknown = Object.keys(from).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Unsupported(`${unknown.map((name) => `${where}.${name}`).join(', ')}`);
}

/** JSON text that must hold an object. */
export function parseObject(json: string, what: string): JsonObject {
  const value: Json = JSON.parse(json);
  if (!isObject(value)) throw new AwsError('ValidationException', `${what} is not a JSON object`);
  return value;
}

/** Bucket and key (or prefix) of an `s3://` URI. */
export function parseS3Uri(uri: string): { bucket: string; key: string } {
  const match = /^s3[an]?:\/\/([^/]+)\/?(.*)$/s.exec(uri);
  if (match === null) throw new AwsError('ValidationException', `${uri} is not an s3:// URI`);
  return { bucket: match[1], key: match[2] };
}
