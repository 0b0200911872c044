import { Json, JsonObject } from '../cloud/types';

/** What a query's conditions leave of one column: these values, or everything from `low` to `high`. */
export interface Domain {
  readonly values?: ReadonlySet<string>;
  readonly low?: string;
  readonly high?: string;
}
export type Domains = ReadonlyMap<string, Domain>;

/** A table that a query reads, with what its conditions leave of the columns. */
export interface TableUse {
  readonly schema: string | undefined;
  readonly table: string;
  readonly domains: Domains;
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const child = (node: JsonObject, name: string): JsonObject | undefined => {
  const value = node[name];
  return isObject(value) ? value : undefined;
};
const children = (node: JsonObject, name: string): JsonObject[] => {
  const value = node[name];
  return Array.isArray(value) ? value.filter(isObject) : [];
};
const word = (node: JsonObject, name: string): string => (typeof node[name] === 'string' ? node[name] : '');
const lower = (a: string | undefined, b: string | undefined): string | undefined => (a === undefined || (b !== undefined && b > a) ? b : a);
const upper = (a: string | undefined, b: string | undefined): string | undefined => (a === undefined || (b !== undefined && b < a) ? b : a);

export const admits = (domain: Domain | undefined, value: string): boolean => {
  if (domain === undefined) return true;
  if (domain.values !== undefined && !domain.values.has(value)) return false;
  return (domain.low === undefined || value >= domain.low) && (domain.high === undefined || value <= domain.high);
};

function both(a: Domain, b: Domain): Domain {
  const low = lower(a.low, b.low);
  const high = upper(a.high, b.high);
  const values = a.values ?? b.values;
  if (values === undefined) return { low, high };
  const left = new Set([...values].filter((value) => admits({ values: b.values, low, high }, value)));
  return { values: left };
}

function either(a: Domain, b: Domain): Domain | undefined {
  if (a.values !== undefined && b.values !== undefined) return { values: new Set([...a.values, ...b.values]) };
  const ends = (domain: Domain): Domain => {
    if (domain.values === undefined) return domain;
    const sorted = [...domain.values].sort();
    return { low: sorted[0], high: sorted.at(-1) };
  };
  const [x, y] = [ends(a), ends(b)];
  const low = x.low === undefined || y.low === undefined ? undefined : upper(x.low, y.low);
  const high = x.high === undefined || y.high === undefined ? undefined : lower(x.high, y.high);
  return low === undefined && high === undefined ? undefined : { low, high };
}

function allOf(parts: Domains[]): Domains {
  const merged = new Map<string, Domain>();
  for (const part of parts) for (const [column, domain] of part) merged.set(column, both(merged.get(column) ?? {}, domain));
  return merged;
}

function anyOf(parts: Domains[]): Domains {
  const merged = new Map<string, Domain>(parts[0] ?? []);
  for (const part of parts.slice(1)) {
    for (const [column, domain] of merged) {
      const other = part.get(column);
      const joined = other === undefined ? undefined : either(domain, other);
      if (joined === undefined) merged.delete(column);
      else merged.set(column, joined);
    }
  }
  return merged;
}

/** The constant that an expression is, as text; casts around it do not matter. */
function constant(node: JsonObject | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (node.class === 'CAST') return constant(child(node, 'child'));
  const value = child(node, 'value');
  if (node.class !== 'CONSTANT' || value === undefined || value.is_null === true) return undefined;
  return typeof value.value === 'string' || typeof value.value === 'number' ? String(value.value) : undefined;
}

/** Reads the conditions on the columns of one table out of an expression; `names` are what the table is called there. */
function read(node: JsonObject | undefined, names: readonly string[], alone: boolean): Domains {
  if (node === undefined) return new Map();
  const column = (of: JsonObject | undefined): string | undefined => {
    if (of?.class !== 'COLUMN_REF') return undefined;
    const path = (Array.isArray(of.column_names) ? of.column_names : []).map((part) => String(part).toLowerCase());
    if (path.length === 1) return alone ? path[0] : undefined;
    return path.length === 2 && names.includes(path[0]) ? path[1] : undefined;
  };
  const only = (name: string | undefined, domain: Domain): Domains => (name === undefined ? new Map() : new Map([[name, domain]]));
  switch (node.type) {
    case 'CONJUNCTION_AND': return allOf(children(node, 'children').map((part) => read(part, names, alone)));
    case 'CONJUNCTION_OR': return anyOf(children(node, 'children').map((part) => read(part, names, alone)));
    case 'COMPARE_IN': {
      const [subject, ...items] = children(node, 'children');
      const values = items.map(constant);
      const known = values.filter((value) => value !== undefined);
      return known.length < values.length ? new Map() : only(column(subject), { values: new Set(known) });
    }
    case 'COMPARE_BETWEEN':
      return only(column(child(node, 'input')), { low: constant(child(node, 'lower')), high: constant(child(node, 'upper')) });
    default: return readComparison(node, column, only);
  }
}

const MIRRORED: Record<string, string> = {
  COMPARE_EQUAL: 'COMPARE_EQUAL',
  COMPARE_LESSTHAN: 'COMPARE_GREATERTHAN',
  COMPARE_GREATERTHAN: 'COMPARE_LESSTHAN',
  COMPARE_LESSTHANOREQUALTO: 'COMPARE_GREATERTHANOREQUALTO',
  COMPARE_GREATERTHANOREQUALTO: 'COMPARE_LESSTHANOREQUALTO',
};

function readComparison(
  node: JsonObject, column: (of: JsonObject | undefined) => string | undefined, only: (name: string | undefined, domain: Domain) => Domains,
): Domains {
  const type = word(node, 'type');
  if (!(type in MIRRORED)) return new Map();
  const straight = column(child(node, 'left'));
  const name = straight ?? column(child(node, 'right'));
  const value = constant(child(node, straight === undefined ? 'left' : 'right'));
  if (value === undefined) return new Map();
  switch (straight === undefined ? MIRRORED[type] : type) {
    case 'COMPARE_EQUAL': return only(name, { values: new Set([value]) });
    case 'COMPARE_LESSTHAN':
    case 'COMPARE_LESSTHANOREQUALTO': return only(name, { high: value });
    default: return only(name, { low: value });
  }
}

interface From {
  readonly tables: JsonObject[];
  readonly conditions: JsonObject[];
  readonly others: number;
}

/** The tables of a FROM clause, with the conditions of its inner joins (those of outer joins do not filter). */
function flatten(from: JsonObject | undefined): From {
  if (from === undefined || from.type === 'EMPTY') return { tables: [], conditions: [], others: 0 };
  if (from.type === 'BASE_TABLE') return { tables: [from], conditions: [], others: 0 };
  if (from.type !== 'JOIN') return { tables: [], conditions: [], others: 1 };
  const [left, right] = [flatten(child(from, 'left')), flatten(child(from, 'right'))];
  const condition = child(from, 'condition');
  return {
    tables: [...left.tables, ...right.tables],
    conditions: [...left.conditions, ...right.conditions, ...(condition !== undefined && from.join_type === 'INNER' ? [condition] : [])],
    others: left.others + right.others,
  };
}

/**
 * The tables that a query reads, found in the syntax tree that DuckDB's `json_serialize_sql` gives. A name that a
 * WITH clause in scope defines is not a table.
 */
export function tableUses(tree: Json, defined: readonly string[] = []): TableUse[] {
  if (Array.isArray(tree)) return tree.flatMap((item) => tableUses(item, defined));
  if (!isObject(tree)) return [];
  const ctes = children(child(tree, 'cte_map') ?? {}, 'map').map((entry) => word(entry, 'key').toLowerCase());
  const scope = [...defined, ...ctes];
  const uses: TableUse[] = [];
  if (tree.type === 'SELECT_NODE') {
    const { tables, conditions, others } = flatten(child(tree, 'from_table'));
    const filters = [...conditions, child(tree, 'where_clause')];
    for (const table of tables) {
      const name = word(table, 'table_name').toLowerCase();
      const schema = word(table, 'schema_name').toLowerCase();
      if (schema === '' && scope.includes(name)) continue;
      const alias = word(table, 'alias').toLowerCase();
      const domains = allOf(filters.map((filter) => read(filter, [alias === '' ? name : alias], tables.length + others === 1)));
      uses.push({ schema: schema === '' ? undefined : schema, table: name, domains });
    }
  }
  return [...uses, ...Object.values(tree).flatMap((value) => tableUses(value, scope))];
}
