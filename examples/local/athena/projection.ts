import { admits, Domain, Domains } from './predicates';
import { Listing } from '../cloud/s3-wire';
import { AwsError, Unsupported } from '../cloud/types';

/** How one partition column is projected. */
type Column =
  | { readonly type: 'injected' }
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | { readonly type: 'integer'; readonly low: number; readonly high: number; readonly digits: number }
  | { readonly type: 'date'; readonly format: string; readonly low: string; readonly high: string };

const KNOWN = ['type', 'values', 'range', 'digits', 'format', 'interval', 'interval.unit'];
const FIELDS: Record<string, [number, number]> = { yyyy: [0, 4], MM: [5, 7], dd: [8, 10], HH: [11, 13], mm: [14, 16], ss: [17, 19] };
const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A date as Java's DateTimeFormatter writes it in the few patterns that sort as text. */
export function formatDate(date: Date, format: string): string {
  const iso = date.toISOString();
  return format.replace(/'([^']*)'|[A-Za-z]+/g, (field: string, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted;
    if (!(field in FIELDS)) throw new Unsupported(`date format ${format} in a partition projection`);
    return iso.slice(...FIELDS[field]);
  });
}

/** `NOW`, `NOW-3DAYS` or a literal, as text in the column's format. */
function bound(written: string, format: string, now: Date): string {
  const match = /^NOW\s*(?:([+-])\s*(\d+)\s*(SECOND|MINUTE|HOUR|DAY|WEEK)S?)?$/.exec(written);
  if (match === null) {
    if (written.startsWith('NOW')) throw new Unsupported(`the bound ${written} in a partition projection`);
    return written;
  }
  const [, sign, count, unit] = match;
  const seconds: Record<string, number> = { SECOND: 1, MINUTE: 60, HOUR: 3600, DAY: 86400, WEEK: 604800 };
  const shift = unit === undefined ? 0 : Number(`${sign}${count}`) * seconds[unit] * 1000;
  return formatDate(new Date(now.getTime() + shift), format);
}

/** The partition projection of a table: which partitions exist, and under which keys their objects are. */
export class Projection {
  private readonly pieces: string[];
  private readonly names: string[];
  private readonly pattern: RegExp;

  /** `template` is the location of a partition without its bucket, with `${column}` for each partition column. */
  constructor(readonly columns: readonly string[], private readonly parameters: Record<string, string>, template: string) {
    for (const parameter of Object.keys(parameters).filter((name) => name.startsWith('projection.') && name !== 'projection.enabled')) {
      const column = columns.find((name) => parameter.startsWith(`projection.${name}.`));
      if (column === undefined || !KNOWN.includes(parameter.slice(`projection.${column}.`.length))) throw new Unsupported(`the table parameter ${parameter}`);
    }
    const folder = template.endsWith('/') ? template : `${template}/`;
    this.pieces = folder.split(/\$\{[^}]+\}/);
    this.names = [...folder.matchAll(/\$\{([^}]+)\}/g)].map(([, name]) => name.toLowerCase());
    const absent = columns.find((name) => !this.names.includes(name));
    if (absent !== undefined) throw new AwsError('InvalidRequestException', `storage.location.template lacks \${${absent}}`);
    this.pattern = new RegExp(`^${this.pieces.map(escape).reduce((left, right, i) => `${left}${this.group(this.names[i - 1])}${right}`)}`);
  }

  /** The values of the partition columns of an object, or nothing where it lies in no projected partition. */
  partition(key: string, now: Date): string[] | undefined {
    const match = this.pattern.exec(key);
    if (match === null) return undefined;
    const values = this.columns.map((name) => match[this.names.indexOf(name) + 1]);
    return values.every((value, i) => this.projects(this.columns[i], value, now)) ? values : undefined;
  }

  /** The listings that find every object of the partitions which the conditions leave. */
  listings(domains: Domains): Listing[] {
    for (const name of this.columns) {
      if (this.column(name).type === 'injected' && domains.get(name)?.values === undefined) {
        throw new AwsError('CONSTRAINT_VIOLATION', `For the injected projected partition column ${name}, the WHERE clause must contain only static equality conditions, and at least one such condition must be present.`);
      }
    }
    let prefixes = [this.pieces[0]];
    for (const [i, name] of this.names.entries()) {
      const domain = domains.get(name) ?? this.enumerated(name);
      if (domain?.values === undefined) return prefixes.map((prefix) => this.ranged(prefix, domain));
      const values = [...domain.values];
      prefixes = prefixes.flatMap((prefix) => values.map((value) => `${prefix}${value}${this.pieces[i + 1]}`));
    }
    return prefixes.map((prefix) => ({ prefix }));
  }

  /** Whether the conditions leave a partition. */
  leaves(values: readonly string[], domains: Domains): boolean {
    return values.every((value, i) => admits(domains.get(this.columns[i]), value));
  }

  private enumerated(name: string): Domain | undefined {
    const column = this.column(name);
    return column.type === 'enum' ? { values: new Set(column.values) } : undefined;
  }

  private ranged(prefix: string, domain: Domain | undefined): Listing {
    // one character beyond every key of the last partition, as '/' sorts before '0'
    return { prefix, after: domain?.low === undefined ? undefined : `${prefix}${domain.low}`, until: domain?.high === undefined ? undefined : `${prefix}${domain.high}0` };
  }

  /** The pattern of one value: a date has as many slashes as its format, other values have none. */
  private group(name: string): string {
    if (!this.columns.includes(name)) throw new AwsError('InvalidRequestException', `storage.location.template names \${${name}}, which is not a partition column`);
    const column = this.column(name);
    if (column.type === 'date') return `(${escape(column.format.replaceAll("'", '')).replace(/[A-Za-z]+/g, (field) => `[0-9]{${field.length}}`)})`;
    return column.type === 'integer' ? '([0-9]+)' : '([^/]+)';
  }

  private projects(name: string, value: string, now: Date): boolean {
    const column = this.column(name, now);
    switch (column.type) {
      case 'injected': return true;
      case 'enum': return column.values.includes(value);
      case 'integer': return Number(value) >= column.low && Number(value) <= column.high && value === String(Number(value)).padStart(column.digits, '0');
      case 'date': return value >= column.low && value <= column.high;
    }
  }

  private column(name: string, now = new Date(0)): Column {
    const parameter = (member: string): string => {
      const value = this.parameters[`projection.${name}.${member}`];
      if (value === undefined) throw new AwsError('InvalidRequestException', `the table parameter projection.${name}.${member} is missing`);
      return value;
    };
    const range = (): string[] => parameter('range').split(',').map((part) => part.trim());
    const type = parameter('type');
    switch (type) {
      case 'injected': return { type };
      case 'enum': return { type, values: parameter('values').split(',').map((value) => value.trim()) };
      case 'integer': {
        const [low, high] = range().map(Number);
        return { type, low, high, digits: Number(this.parameters[`projection.${name}.digits`] ?? '1') };
      }
      case 'date': {
        const format = parameter('format');
        const [low, high] = range().map((written) => bound(written, format, now));
        return { type, format, low, high };
      }
      default: throw new Unsupported(`projection type ${type}`);
    }
  }
}
