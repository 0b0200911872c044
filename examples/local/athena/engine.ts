import { join } from 'node:path';
import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

import { athenaRow, athenaType } from './format';
import { literal, quoted } from './hive-types';
import { tableUses } from './predicates';
import { TableStore } from './store';
import { ExternalTable } from './table';
import { S3Wire } from '../cloud/s3-wire';
import { AwsError, Json, JsonObject, Unsupported } from '../cloud/types';

export interface QueryResult {
  readonly columns: readonly { name: string; type: string }[];
  readonly rows: (string | undefined)[][];
  readonly scannedBytes: number;
}

/** Finds the definition of a table, or nothing. */
export type FindTable = (database: string, table: string) => JsonObject | undefined;

/** Throws where whoever asks may not read a table. */
export type MayRead = (table: ExternalTable) => void;

/** Runs SELECT statements over external tables in one DuckDB database; one statement at a time. */
export class QueryEngine {
  private instance: DuckDBInstance | undefined;
  private connection: DuckDBConnection | undefined;
  private readonly stores = new Map<string, { readonly input: JsonObject; readonly store: TableStore }>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly folder: string, private readonly s3: S3Wire, private readonly find: FindTable) {}

  async run(sql: string, database: string | undefined, now: Date, limitBytes?: number, mayRead?: MayRead): Promise<QueryResult> {
    const mine = this.turn.then(async () => this.runAlone(sql, database?.toLowerCase(), now, limitBytes, mayRead));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** Breaks the running statement off. */
  interrupt(): void {
    this.connection?.interrupt();
  }

  async close(): Promise<void> {
    await this.turn;
    this.connection?.closeSync();
    this.instance?.closeSync();
    this.connection = undefined;
    this.instance = undefined;
  }

  private async runAlone(sql: string, database: string | undefined, now: Date, limitBytes = Infinity, mayRead?: MayRead): Promise<QueryResult> {
    const connection = await this.open();
    const tree = await this.parse(connection, sql);
    let scannedBytes = 0;
    for (const use of tableUses(tree)) {
      const schema = use.schema ?? database;
      if (schema === undefined) throw new AwsError('SYNTAX_ERROR', `Schema must be specified when session schema is not set: ${use.table}`);
      const store = this.store(schema, use.table);
      mayRead?.(store.table);
      scannedBytes += await store.refresh(connection, use.domains, now);
    }
    if (scannedBytes > limitBytes) throw new AwsError('EXCEEDED_BYTES_SCANNED', `Bytes scanned limit was exceeded: ${scannedBytes} of ${limitBytes}`);
    if (database !== undefined) {
      await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(database)}`);
      await connection.run(`USE ${quoted(database)}`);
    }
    const reader = await connection.runAndReadAll(sql);
    const types = reader.columnTypes().map(athenaType);
    return {
      columns: reader.columnNames().map((name, i) => ({ name, type: types[i] })),
      rows: reader.getRows().map((row) => athenaRow(row, types)),
      scannedBytes,
    };
  }

  private async open(): Promise<DuckDBConnection> {
    if (this.connection !== undefined) return this.connection;
    // the file's name is the catalog's, as queries may write it
    this.instance = await DuckDBInstance.create(join(this.folder, 'AwsDataCatalog.duckdb'), { threads: '2', memory_limit: '2GB' });
    this.connection = await this.instance.connect();
    await this.connection.run("SET TimeZone = 'UTC'");
    return this.connection;
  }

  private async parse(connection: DuckDBConnection, sql: string): Promise<Json> {
    const serialized = await connection.runAndReadAll(`SELECT json_serialize_sql(${literal(sql)})`);
    const parsed: Json = JSON.parse(String(serialized.getRows()[0][0]));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Unsupported('this statement in Athena');
    if (parsed.error !== true) return parsed.statements;
    if (String(parsed.error_type) === 'not implemented') throw new Unsupported(`${sql.trim().split(/\s+/, 2).join(' ')} in Athena (only SELECT)`);
    throw new AwsError('SYNTAX_ERROR', String(parsed.error_message));
  }

  private store(database: string, table: string): TableStore {
    const id = `${database}.${table}`;
    const present = this.stores.get(id);
    const input = this.find(database, table);
    // a table that was changed is read anew
    if (present !== undefined && present.input === input) return present.store;
    if (input === undefined) throw new AwsError('TABLE_NOT_FOUND', `line 1:1: Table 'awsdatacatalog.${id}' does not exist`);
    const store = new TableStore(new ExternalTable(database, input), this.s3, join(this.folder, 'scratch'));
    this.stores.set(id, { input, store });
    return store;
  }
}
