import {
  DuckDBDateValue, DuckDBDecimalValue, DuckDBListValue, DuckDBMapValue, DuckDBStructValue, DuckDBTimestampTZValue, DuckDBTimestampValue, DuckDBType,
  DuckDBValue,
} from '@duckdb/node-api';

import { Unsupported } from '../cloud/types';

/** A double as Java (and so Athena) writes it: always a fraction, an exponent outside of 1e-3..1e7. */
export function javaDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e7) {
    const plain = String(value);
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  const [mantissa, exponent] = value.toExponential().split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}

const milliseconds = (micros: bigint): string => {
  const iso = new Date(Number(micros / 1000n)).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
};

/** A value as Athena's results write it; nothing for NULL. */
export function athenaValue(value: DuckDBValue): string | undefined {
  if (value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof DuckDBTimestampValue) return milliseconds(value.micros);
  if (value instanceof DuckDBTimestampTZValue) return `${milliseconds(value.micros)} UTC`;
  if (value instanceof DuckDBDateValue || value instanceof DuckDBDecimalValue) return value.toString();
  if (value instanceof DuckDBListValue) return `[${value.items.map((item) => athenaValue(item) ?? 'null').join(', ')}]`;
  if (value instanceof DuckDBStructValue) return `{${Object.entries(value.entries).map(([name, item]) => `${name}=${athenaValue(item) ?? 'null'}`).join(', ')}}`;
  if (value instanceof DuckDBMapValue) return `{${value.entries.map((entry) => `${athenaValue(entry.key)}=${athenaValue(entry.value) ?? 'null'}`).join(', ')}}`;
  throw new Unsupported(`query results of type ${value.constructor.name}`);
}

const NAMES: [RegExp, string][] = [
  [/^(HUGEINT|UBIGINT|UINTEGER|BIGINT|UHUGEINT)$/, 'bigint'],
  [/^(USMALLINT|INTEGER)$/, 'integer'],
  [/^(UTINYINT|SMALLINT)$/, 'smallint'],
  [/^FLOAT$/, 'float'],
  [/^DECIMAL/, 'decimal'],
  [/^TIMESTAMP WITH TIME ZONE$/, 'timestamp with time zone'],
  [/^TIMESTAMP/, 'timestamp'],
  [/^STRUCT/, 'row'],
  [/^MAP/, 'map'],
  [/\[\d*\]$/, 'array'],
  [/^"NULL"$/, 'unknown'],
];

/** What Athena calls a column type. */
export function athenaType(type: DuckDBType): string {
  const name = type.toString();
  return NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? name.toLowerCase();
}

/** The text of a row's values: doubles by their column type, everything else by its own kind. */
export function athenaRow(row: readonly DuckDBValue[], types: readonly string[]): (string | undefined)[] {
  return row.map((value, i) => (typeof value === 'number' && (types[i] === 'double' || types[i] === 'float') ? javaDouble(value) : athenaValue(value)));
}

/** The result file that Athena leaves in S3: every value in quotes, nothing at all for NULL. */
export function csv(header: readonly string[], rows: readonly (string | undefined)[][]): string {
  const line = (values: readonly (string | undefined)[]): string =>
    values.map((value) => (value === undefined ? '' : `"${value.replaceAll('"', '""')}"`)).join(',');
  return [header, ...rows].map((values) => `${line(values)}\n`).join('');
}
