import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

export const config = 'temperature-V1-0-1-0badcafe-shadow';
export const endpoint = 'temperature';

/** Where a capture is filed, if not where it belongs, and what was asked. */
export interface CaptureOptions {
  readonly config?: string;
  readonly hour?: string;
  readonly input?: string;
}

export const hourOf = (time: string) => time.slice(0, 13).replace(/[-T]/g, '/');

/** Captures and labels as files on disk, laid out as in S3, with DuckDB over them. */
export class Lake {
  static async open(): Promise<Lake> {
    return new Lake(await (await DuckDBInstance.create(':memory:')).connect());
  }

  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lake-'));

  private constructor(private readonly duckdb: DuckDBConnection) {}

  append(key: string, line: object | string): void {
    const file = path.join(this.folder, key);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.appendFileSync(file, `${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }

  capture(variant: string, id: string | undefined, time: string, output: string | undefined, options: CaptureOptions = {}): void {
    this.append(`captures/${options.config ?? config}/${endpoint}/${variant}/${options.hour ?? hourOf(time)}/records.jsonl`, {
      captureData: {
        endpointInput: { observedContentType: 'text/csv', mode: 'INPUT', data: options.input ?? '1,2\n', encoding: 'CSV' },
        ...(output === undefined ? {} : { endpointOutput: { observedContentType: 'text/csv; charset=utf-8', mode: 'OUTPUT', data: output, encoding: 'CSV' } }),
      },
      eventMetadata: { eventId: `${variant}-${id}-${time}`, ...(id === undefined ? {} : { inferenceId: id }), inferenceTime: time },
      eventVersion: '0',
    });
  }

  /** The same request to both models. */
  both(id: string, time: string, champion: string, challenger: string, options: CaptureOptions = {}): void {
    this.capture('AllTraffic', id, time, champion, options);
    this.capture('Shadow', id, time, challenger, options);
  }

  /** A label as the prediction API writes it, or without its time as anybody else may. */
  label(id: string, arrived: string, value: string, withTime = false): void {
    this.append(`ground-truth/${hourOf(arrived)}/labels.jsonl`, {
      groundTruthData: { data: value, encoding: 'CSV' },
      eventMetadata: { eventId: id, ...(withTime ? { eventTime: String(Date.parse(arrived)) } : {}) },
      eventVersion: '0',
    });
  }

  /** Rows as Athena answers them: texts by column, without those that are NULL. */
  async query(sql: string): Promise<Record<string, string>[]> {
    await this.openTables();
    const result = await this.duckdb.runAndReadAll(sql);
    return result.getRowObjects().map((row) => Object.fromEntries(Object.entries(row)
      .filter(([, value]) => value !== null).map(([name, value]) => [name, String(value)])));
  }

  close(): void {
    this.duckdb.closeSync();
    fs.rmSync(this.folder, { recursive: true });
  }

  /** The two tables of the observation store over the files, partition columns from the keys. */
  private async openTables(): Promise<void> {
    this.append('captures/none/none/none/2000/01/01/00/records.jsonl', {});
    this.append('ground-truth/2000/01/01/00/labels.jsonl', {});
    const side = 'STRUCT(observedContentType VARCHAR, mode VARCHAR, data VARCHAR, encoding VARCHAR)';
    const read = (glob: string, columns: string) => `read_json('${this.folder}/${glob}', format='newline_delimited', filename=true, hive_partitioning=false,
      ignore_errors=true, columns={${columns}})`;
    const part = (i: number) => `split_part(replace(filename, '${this.folder}/', ''), '/', ${i})`;
    await this.duckdb.run(`CREATE OR REPLACE VIEW captures AS SELECT captureData AS capturedata, eventMetadata AS eventmetadata,
      ${part(2)} AS config_name, ${part(3)} AS endpoint, ${part(4)} AS variant, ${part(5)}||'/'||${part(6)}||'/'||${part(7)}||'/'||${part(8)} AS datehour
      FROM ${read('captures/**/*.jsonl', `captureData: 'STRUCT(endpointInput ${side}, endpointOutput ${side})',
        eventMetadata: 'STRUCT(eventId VARCHAR, inferenceId VARCHAR, inferenceTime VARCHAR)', eventVersion: 'VARCHAR'`)}`);
    await this.duckdb.run(`CREATE OR REPLACE VIEW ground_truth AS SELECT groundTruthData AS groundtruthdata, eventMetadata AS eventmetadata,
      ${part(2)}||'/'||${part(3)}||'/'||${part(4)}||'/'||${part(5)} AS datehour
      FROM ${read('ground-truth/**/*.jsonl', `groundTruthData: 'STRUCT(data VARCHAR, encoding VARCHAR)', eventMetadata: 'STRUCT(eventId VARCHAR, eventTime VARCHAR)',
        eventVersion: 'VARCHAR'`)}`);
  }
}
