import { QueryResult } from './engine';
import { AwsError, JsonObject } from '../cloud/types';

export interface WorkGroup {
  readonly name: string;
  readonly output: string | undefined;
  readonly enforced: boolean;
  readonly limitBytes: number | undefined;
}

export interface Execution {
  readonly id: string;
  readonly query: string;
  readonly workGroup: WorkGroup;
  readonly database: string | undefined;
  readonly output: string;
  readonly submitted: Date;
  state: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  reason?: string;
  completed?: Date;
  milliseconds: number;
  result?: QueryResult;
  /** Settles when the query has ended, however it ended. */
  ended: Promise<void>;
}

const seconds = (date: Date | undefined): number | null => (date === undefined ? null : date.getTime() / 1000);

/** One page of a result, whose first row is the header. */
export function resultPage({ result, state }: Execution, from: number, size: number): JsonObject {
  if (state === 'RUNNING') throw new AwsError('InvalidRequestException', `Query has not yet finished. Current state: ${state}`);
  if (result === undefined) throw new AwsError('InvalidRequestException', `Query did not finish successfully. Final query state: ${state}`);
  const all = [result.columns.map(({ name }): string | undefined => name), ...result.rows];
  const cell = (value: string | undefined): JsonObject => (value === undefined ? {} : { VarCharValue: value });
  return {
    UpdateCount: 0,
    ResultSet: {
      Rows: all.slice(from, from + size).map((row) => ({ Data: row.map(cell) })),
      ResultSetMetadata: {
        ColumnInfo: result.columns.map(({ name, type }) => ({
          CatalogName: 'hive', SchemaName: '', TableName: '', Name: name, Label: name, Type: type, Nullable: 'UNKNOWN',
        })),
      },
    },
    ...(from + size < all.length ? { NextToken: String(from + size) } : {}),
  };
}

export function describeExecution(execution: Execution): JsonObject {
  const { id, query, state, reason, output, database, workGroup, submitted, completed, milliseconds, result } = execution;
  return {
    QueryExecutionId: id,
    Query: query,
    StatementType: 'DML',
    SubstatementType: 'SELECT',
    WorkGroup: workGroup.name,
    EngineVersion: { SelectedEngineVersion: 'AUTO', EffectiveEngineVersion: 'DuckDB' },
    QueryExecutionContext: { Catalog: 'awsdatacatalog', ...(database === undefined ? {} : { Database: database }) },
    ResultConfiguration: { OutputLocation: output },
    Status: {
      State: state,
      SubmissionDateTime: seconds(submitted),
      ...(completed === undefined ? {} : { CompletionDateTime: seconds(completed) }),
      ...(reason === undefined ? {} : { StateChangeReason: reason, AthenaError: { ErrorCategory: 2, Retryable: false, ErrorMessage: reason } }),
    },
    Statistics: {
      EngineExecutionTimeInMillis: milliseconds, TotalExecutionTimeInMillis: milliseconds, DataScannedInBytes: result?.scannedBytes ?? 0,
    },
  };
}

export function describeWorkGroup({ name, output, enforced }: WorkGroup): JsonObject {
  const result: JsonObject = output === undefined ? {} : { OutputLocation: output };
  return { Name: name, State: 'ENABLED', Configuration: { EnforceWorkGroupConfiguration: enforced, ResultConfiguration: result } };
}
