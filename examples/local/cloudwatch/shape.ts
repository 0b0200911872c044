import { AwsError, Json, JsonObject, Unsupported } from '../cloud/types';

/** Readers of request members: what has the wrong shape is an error that names it, never a guess. */
const wrong = (name: string, wanted: string): AwsError => new AwsError('ValidationException', `${name} must be ${wanted}`);

/** Refuses members that the caller would wrongly believe to have an effect. */
export function only(given: JsonObject, what: string, known: readonly string[]): void {
  const unknown = Object.keys(given).filter((member) => !known.includes(member));
  if (unknown.length > 0) throw new Unsupported(`${unknown.join(', ')} in ${what}`);
}

export function string(given: JsonObject, name: string): string {
  const value = given[name];
  if (typeof value !== 'string' || value === '') throw wrong(name, 'a non-empty string');
  return value;
}

export function optionalString(given: JsonObject, name: string): string | undefined {
  return given[name] === undefined || given[name] === null ? undefined : string(given, name);
}

/** Templates carry numbers as strings now and then; the services take both. */
export function number(given: JsonObject, name: string): number {
  const value = typeof given[name] === 'string' && given[name] !== '' ? Number(given[name]) : given[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(name, 'a number');
  return value;
}

export function optionalNumber(given: JsonObject, name: string): number | undefined {
  return given[name] === undefined || given[name] === null ? undefined : number(given, name);
}

export function integer(given: JsonObject, name: string, least: number, most: number): number {
  const value = number(given, name);
  if (!Number.isInteger(value) || value < least || value > most) throw wrong(name, `a whole number from ${least} to ${most}, got ${value}`);
  return value;
}

export function oneOf<T extends string>(given: JsonObject, name: string, allowed: readonly T[]): T {
  const value = allowed.find((candidate) => candidate === given[name]);
  if (value === undefined) throw wrong(name, `one of ${allowed.join(', ')}`);
  return value;
}

export function object(value: Json | undefined, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'a structure');
  return value;
}

export function optionalObject(value: Json | undefined, name: string): JsonObject | undefined {
  return value === undefined || value === null ? undefined : object(value, name);
}

export function array(value: Json | undefined, name: string): Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(name, 'a list');
  return value;
}

export function strings(value: Json | undefined, name: string): string[] {
  return array(value, name).map((item) => {
    if (typeof item !== 'string') throw wrong(name, 'a list of strings');
    return item;
  });
}

/** Timestamps: seconds in the JSON protocols, ISO 8601 from templates and state machines. */
export function time(given: JsonObject, name: string): number {
  const value = given[name];
  const milliseconds = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : NaN;
  if (Number.isNaN(milliseconds)) throw wrong(name, 'a timestamp');
  return milliseconds;
}

/** A timestamp as the JSON protocols answer it. */
export const seconds = (milliseconds: number): number => milliseconds / 1000;
