import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { fromItem, toItem } from '../domain/attribute-values';
import { LedgerKey, VersionRecord, ledgerKeys } from '../domain/ledger';

/** What of a DynamoDB client is used. */
export type LedgerClient = Pick<DynamoDBClient, 'send'>;

/** Another writer was first, or DynamoDB is busy: worth trying again. */
const PASSING = new Set([
  'ConditionalCheckFailed', 'TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded',
  'TransactionConflictException', 'TransactionInProgressException', 'ThrottlingException', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded',
]);
const MOST_ATTEMPTS = 60;
const LONGEST_PAUSE = 1000;

/** An item, as it is now. */
export async function readItem<T>(client: LedgerClient, table: string, key: LedgerKey): Promise<T | undefined> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: toItem(key), ConsistentRead: true }));
  return Item === undefined ? undefined : fromItem(Item) as T;
}

export async function readVersion(client: LedgerClient, table: string, version: string): Promise<VersionRecord | undefined> {
  return readItem<VersionRecord>(client, table, ledgerKeys.version(version));
}

/** Whether an error says that a condition was not met, or that two writers met: reading again helps. */
export function isContention(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TransactionCanceledException') {
    const codes = cancellationCodes(error);
    return codes.length > 0 && codes.every((code) => PASSING.has(code));
  }
  return PASSING.has(error.name);
}

export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException';
}

/** Repeats while writers meet, with a random pause that grows. `what` names it in the error that ends a hopeless case. */
export async function untilUncontended<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isContention(error)) throw error;
      if (attempts === MOST_ATTEMPTS) throw named('LedgerContended', `${what}: still contended after ${attempts} attempts (${message(error)})`);
      // the random part keeps writers that met once from meeting again
      await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(LONGEST_PAUSE, 20 * 2 ** attempts)));
    }
  }
}

/** An error that a state machine can tell by its name. */
export function named(name: string, text: string): Error {
  const error = new Error(text);
  error.name = name;
  return error;
}

function cancellationCodes(error: Error): string[] {
  const reasons = (error as { CancellationReasons?: { Code?: string }[] }).CancellationReasons ?? [];
  return reasons.map(({ Code }) => Code ?? 'None').filter((code) => code !== 'None');
}

function message(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
