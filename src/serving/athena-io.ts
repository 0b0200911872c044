import { AthenaClient, GetQueryResultsCommand } from '@aws-sdk/client-athena';
import { clientFor } from '../private/model-io';

const athena = clientFor(AthenaClient);

/** Rows of a finished query, as text by column; what is NULL is absent. */
export type QueryRow = Readonly<Record<string, string | undefined>>;

export async function readQueryResult(queryExecutionId: string): Promise<QueryRow[]> {
  const rows: QueryRow[] = [];
  let columns: string[] | undefined;
  let token: string | undefined;
  do {
    const page = await athena.send(new GetQueryResultsCommand({
      QueryExecutionId: queryExecutionId,
      ...(token === undefined ? {} : { NextToken: token }),
    }));
    for (const row of page.ResultSet?.Rows ?? []) {
      const values = (row.Data ?? []).map((datum) => datum.VarCharValue);
      // the first row of the first page holds the names of the columns
      if (columns === undefined) columns = values.map((value) => value ?? '');
      else rows.push(Object.fromEntries(columns.map((column, i) => [column, values[i]])));
    }
    token = page.NextToken;
  } while (token !== undefined);
  return rows;
}

/** A column that is always a number; an error where it is not, since a sum that silently became 0 would decide wrongly. */
export function numberIn(row: QueryRow, column: string): number {
  const text = row[column];
  const value = text === undefined || text === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new Error(`the query answered ${JSON.stringify(text)} for ${column}, expected a number`);
  return value;
}
