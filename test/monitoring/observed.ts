import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { dirname, join } from 'path';
import { DuckDBInstance } from '@duckdb/node-api';

export interface Capture {
  readonly config: string;
  readonly variant?: string;
  readonly endpoint?: string;
  readonly at: string;
  readonly id?: string;
  readonly eventId?: string;
  readonly data?: string;
}

export interface Label {
  readonly at: string;
  readonly id: string;
  readonly data: string;
}

const hourFolder = (at: string): string => at.slice(0, 13).replace(/[-T]/g, '/');

/** Observations as files on disk, laid out as in S3, with DuckDB over them. */
export class Observed {
  private readonly folder = mkdtempSync(join(tmpdir(), 'observed-'));
  private readonly files = new Map<string, string[]>();

  capture(...captures: Capture[]): this {
    for (const { config, variant = 'AllTraffic', endpoint = 'houses', at, id, eventId = `event-${id ?? at}`, data } of captures) {
      const line = {
        captureData: {
          endpointInput: { observedContentType: 'text/csv', mode: 'INPUT', data: '1,2\n', encoding: 'CSV' },
          ...data === undefined ? {} : { endpointOutput: { observedContentType: 'text/csv', mode: 'OUTPUT', data, encoding: 'CSV' } },
        },
        eventMetadata: { eventId, ...id === undefined ? {} : { inferenceId: id }, inferenceTime: at },
        eventVersion: '0',
      };
      this.write(`captures/${config}/${endpoint}/${variant}/${hourFolder(at)}/part.jsonl`, JSON.stringify(line));
    }
    return this;
  }

  label(...labels: Label[]): this {
    for (const { at, id, data } of labels) {
      const line = { groundTruthData: { data, encoding: 'CSV' }, eventMetadata: { eventId: id }, eventVersion: '0' };
      this.write(`ground-truth/${hourFolder(at)}/part.jsonl`, JSON.stringify(line));
    }
    return this;
  }

  deploy(config: string, version: string, figures: Record<string, number> = {}, variant = 'AllTraffic'): this {
    return this.write(`deployments/${config}.jsonl`, JSON.stringify({ config_name: config, variant, version, ...figures, released_at: '2026-01-01T00:00:00Z' }));
  }

  write(path: string, line: string): this {
    this.files.set(path, [...this.files.get(path) ?? [], line]);
    return this;
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    for (const table of ['captures', 'ground-truth', 'deployments']) this.write(`${table}/none/of/these/in/any/hour/part.jsonl`, '{"eventVersion":"none"}');
    for (const [path, lines] of this.files) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), lines.map((line) => `${line}\n`).join(''));
    }
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    try {
      const payload = 'STRUCT(observedContentType VARCHAR, mode VARCHAR, data VARCHAR, encoding VARCHAR)';
      await this.view(connection.run.bind(connection), 'captures', 'captures', {
        captureData: `STRUCT(endpointInput ${payload}, endpointOutput ${payload})`,
        eventMetadata: 'STRUCT(eventId VARCHAR, inferenceId VARCHAR, inferenceTime VARCHAR)',
      }, 'captures/(?P<config_name>[^/]+)/(?P<endpoint>[^/]+)/(?P<variant>[^/]+)/(?P<datehour>[^/]+/[^/]+/[^/]+/[^/]+)/', ['config_name', 'endpoint', 'variant', 'datehour']);
      await this.view(connection.run.bind(connection), 'ground_truth', 'ground-truth', {
        groundTruthData: 'STRUCT(data VARCHAR, encoding VARCHAR)', eventMetadata: 'STRUCT(eventId VARCHAR, eventTime VARCHAR)',
      }, 'ground-truth/([^/]+/[^/]+/[^/]+/[^/]+)/', ['datehour']);
      await this.view(connection.run.bind(connection), 'deployments', 'deployments', {
        config_name: 'VARCHAR', variant: 'VARCHAR', version: 'VARCHAR', mse: 'DOUBLE', rmse: 'DOUBLE', mae: 'DOUBLE', r2: 'DOUBLE', released_at: 'VARCHAR',
      });
      const reader = await connection.runAndReadAll(sql);
      return reader.getRowObjectsJson().map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) =>
        [name, typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value])));
    } finally {
      connection.closeSync();
      instance.closeSync();
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  private async view(
    run: (sql: string) => Promise<unknown>, name: string, folder: string, columns: Record<string, string>, path?: string, keys: string[] = [],
  ): Promise<void> {
    const typed = Object.entries(columns).map(([column, type]) => `${column}: '${type}'`).join(', ');
    const partitions = path === undefined ? '' : `, unnest(regexp_extract(filename, '${path}', [${keys.map((key) => `'${key}'`).join(', ')}]))`;
    const files = `read_json('${join(this.folder, folder)}/**/*.jsonl', format='newline_delimited', filename=true, hive_partitioning=false, ignore_errors=true, columns={${typed}})`;
    await run(`CREATE VIEW ${name} AS SELECT * EXCLUDE (filename)${partitions} FROM ${files}`);
  }
}
