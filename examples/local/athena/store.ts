import { createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { DuckDBConnection } from '@duckdb/node-api';

import { fitLine, literal, quoted } from './hive-types';
import { Domains } from './predicates';
import { ExternalTable } from './table';
import { Listing, S3Wire } from '../cloud/s3-wire';
import { AwsError } from '../cloud/types';

interface Known {
  readonly etag: string;
  readonly size: number;
  readonly partition: readonly string[];
}
interface Arrival extends Known {
  readonly key: string;
}

const TOGETHER = 250;
const within = (key: string, { prefix, after, until }: Listing): boolean =>
  key.startsWith(prefix) && (after === undefined || key > after) && (until === undefined || key <= until);

/**
 * The rows of one external table. Before a query the keys that its conditions leave are listed, and only objects that
 * are new, changed or gone since the last look are read or removed: each line is parsed once, however often it is asked for.
 */
export class TableStore {
  private readonly known = new Map<string, Known>();
  private readonly rows: string;
  private created = false;

  constructor(readonly table: ExternalTable, private readonly s3: S3Wire, private readonly scratch: string) {
    this.rows = `"$rows".${quoted(`${table.database}.${table.name}`)}`;
  }

  /** Brings the rows up to date for the given conditions; returns the bytes that a scan of them reads. */
  async refresh(connection: DuckDBConnection, domains: Domains, now: Date): Promise<number> {
    if (!this.created) await this.create(connection);
    const arrivals: Arrival[] = [];
    const gone: string[] = [];
    let bytes = 0;
    const listings = this.table.listings(domains);
    const pages = await Promise.all(listings.map(async (listing) => this.list(listing, now)));
    for (const [i, listing] of listings.entries()) {
      const found = pages[i];
      for (const arrival of found.values()) {
        if (this.table.leaves(arrival.partition, domains)) bytes += arrival.size;
        if (this.known.get(arrival.key)?.etag !== arrival.etag) arrivals.push(arrival);
      }
      for (const key of this.known.keys()) if (within(key, listing) && !found.has(key)) gone.push(key);
    }
    const stale = [...gone, ...arrivals.filter(({ key }) => this.known.has(key)).map(({ key }) => key)];
    if (stale.length > 0) await connection.run(`DELETE FROM ${this.rows} WHERE "$path" IN (${stale.map(literal).join(', ')})`);
    for (const key of stale) this.known.delete(key);
    if (arrivals.length > 0) await (this.table.format === 'json' ? this.addJson(connection, arrivals) : this.addParquet(connection, arrivals));
    for (const { key, etag, size, partition } of arrivals) this.known.set(key, { etag, size, partition });
    return bytes;
  }

  private async create(connection: DuckDBConnection): Promise<void> {
    const { database, name, definition, columnNames } = this.table;
    await mkdir(this.scratch, { recursive: true });
    await connection.run('CREATE SCHEMA IF NOT EXISTS "$rows"');
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(database)}`);
    await connection.run(`DROP VIEW IF EXISTS ${quoted(database)}.${quoted(name)}`);
    await connection.run(`CREATE OR REPLACE TABLE ${this.rows} (${definition}, "$path" VARCHAR)`);
    await connection.run(`CREATE VIEW ${quoted(database)}.${quoted(name)} AS SELECT ${columnNames.join(', ')} FROM ${this.rows}`);
    this.created = true;
  }

  private async list(listing: Listing, now: Date): Promise<Map<string, Arrival>> {
    const found = new Map<string, Arrival>();
    for (const listed of await this.s3.list(this.table.bucket, listing)) {
      const partition = this.table.partition(listed.key, now);
      if (partition !== undefined) found.set(listed.key, { ...listed, partition });
    }
    return found;
  }

  private async bodies(arrivals: readonly Arrival[], use: (arrival: Arrival, body: Buffer) => Promise<void>): Promise<void> {
    for (let i = 0; i < arrivals.length; i += TOGETHER) {
      const batch = arrivals.slice(i, i + TOGETHER);
      const read = await this.s3.getAll(this.table.bucket, batch.map(({ key }) => key));
      for (const [j, body] of read.entries()) await use(batch[j], batch[j].key.endsWith('.gz') ? gunzipSync(body) : body);
    }
  }

  private async addJson(connection: DuckDBConnection, arrivals: readonly Arrival[]): Promise<void> {
    const { columns, partitions, ignoreMalformed, jsonColumns, columnNames } = this.table;
    const file = join(this.scratch, `${this.table.name}.ndjson`);
    const out = createWriteStream(file);
    let lines = 0;
    await this.bodies(arrivals, async ({ key, partition }, body) => {
      const origin = Object.fromEntries([...partitions.map(({ name }, i) => [name, partition[i]]), ['$path', key]]);
      for (const line of body.toString('utf8').split('\n')) {
        if (line.trim() === '') continue;
        const row = fitLine(line, columns);
        if (row === undefined && !ignoreMalformed) throw new AwsError('HIVE_BAD_DATA', `Row is not a valid JSON Object: s3://${this.table.bucket}/${key}`);
        out.write(`${JSON.stringify({ ...row, ...origin })}\n`);
        lines++;
      }
    });
    out.end();
    await finished(out);
    const names = [...columnNames, '"$path"'].join(', ');
    if (lines > 0) {
      await connection.run(`INSERT INTO ${this.rows} (${names}) SELECT ${names} FROM read_json(${literal(file)}, format='newline_delimited', maximum_object_size=67108864, columns=${jsonColumns})`);
    }
    await rm(file);
  }

  private async addParquet(connection: DuckDBConnection, arrivals: readonly Arrival[]): Promise<void> {
    const { columns, partitions, columnNames } = this.table;
    const file = join(this.scratch, `${this.table.name}.parquet`);
    await this.bodies(arrivals, async ({ key, partition }, body) => {
      await writeFile(file, body);
      const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${literal(file)})`);
      const present = new Set(described.getRows().map(([name]) => String(name).toLowerCase()));
      const values = [
        ...columns.map(({ name }) => (present.has(name) ? quoted(name) : 'NULL')),
        ...partitions.map((_, i) => literal(partition[i])), literal(key),
      ];
      await connection.run(`INSERT INTO ${this.rows} (${columnNames.join(', ')}, "$path") SELECT ${values.join(', ')} FROM read_parquet(${literal(file)})`);
      await rm(file);
    });
  }
}
