/** Plain JSON, as events and state machines carry it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [member: string]: JsonValue | undefined };
export type JsonObject = { readonly [member: string]: JsonValue | undefined };

/** A DynamoDB attribute value, of the types that JSON needs. */
export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly L: AttributeValue[] }
  | { readonly M: Record<string, AttributeValue> };

/** JSON as a DynamoDB attribute. A number must be finite: DynamoDB has no NaN. */
export function toAttribute(value: JsonValue): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`not a number that can be stored: ${value}`);
    return { N: String(value) };
  }
  if (isList(value)) return { L: value.map(toAttribute) };
  return { M: toItem(value) };
}

/** A JSON object as a DynamoDB item; members that are undefined are left out. */
export function toItem(value: JsonObject): Record<string, AttributeValue> {
  const item: Record<string, AttributeValue> = {};
  for (const [member, each] of Object.entries(value)) {
    if (each !== undefined) item[member] = toAttribute(each);
  }
  return item;
}

/** The opposite of `toItem`. Sets and binary members are left out: nothing of ours is stored in them but marks. */
export function fromItem(item: { readonly [member: string]: object }): { [member: string]: JsonValue } {
  const value: { [member: string]: JsonValue } = {};
  for (const [member, attribute] of Object.entries(item)) {
    const each = fromAttribute(attribute);
    if (each !== undefined) value[member] = each;
  }
  return value;
}

function fromAttribute(attribute: object): JsonValue | undefined {
  if (has(attribute, 'S') && typeof attribute.S === 'string') return attribute.S;
  if (has(attribute, 'N')) return Number(attribute.N);
  if (has(attribute, 'BOOL')) return attribute.BOOL === true;
  if (has(attribute, 'NULL')) return null;
  if (has(attribute, 'L') && Array.isArray(attribute.L)) return attribute.L.map((each: object) => fromAttribute(each) ?? null);
  if (has(attribute, 'M') && typeof attribute.M === 'object' && attribute.M !== null) return fromItem(attribute.M as { [member: string]: object });
  return undefined;
}

function has<K extends string>(value: object, member: K): value is Record<K, unknown> {
  return (value as Record<string, unknown>)[member] !== undefined;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
