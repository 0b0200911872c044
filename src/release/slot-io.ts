import { DeleteItemCommand, DynamoDBClient, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { fromItem, JsonObject, toAttribute, toItem } from '../domain/attribute-values';
import { ledgerKeys } from '../domain/ledger';
import { isConditionFailure, readItem, untilUncontended } from '../registry/ledger-io';

/** A config that the endpoint served well on. */
export interface GoodConfig extends JsonObject {
  readonly configName: string;
  readonly version: string | null;
}

/** A version that waits for the slot. */
export interface Waiting extends JsonObject {
  readonly version: string;
  readonly modelPackageArn: string;
  readonly order: number;
}

export interface Superseded extends JsonObject {
  readonly version: string;
  readonly reason: string;
}

/** The release that may change the endpoint: one for each model. */
export interface Slot extends JsonObject {
  /** Whose slot it is; only this execution may free it. */
  readonly execution: string;
  readonly version: string;
  readonly modelPackageArn: string;
  readonly order: number;
  readonly acquiredAt: string;
  /** Names of the executions that it starts: derived, so that starting one again finds it. */
  readonly stagingName: string;
  readonly releaseName: string;
  /** Where the endpoint goes back to; null before the first release. */
  readonly lastGood: GoodConfig | null;
  /** Versions that will never be released because of this one. */
  readonly superseded: Superseded[];
  /** How it ended, once the outcome is certain: from then on nothing is to be recovered. */
  readonly concluded?: string;
}

const client = new DynamoDBClient({});
const LAST_GOOD = { pk: 'RELEASE', sk: 'LASTGOOD' };

export async function readSlot(table: string): Promise<Slot | undefined> {
  return readItem<Slot>(client, table, ledgerKeys.releaseSlot());
}

export async function readLastGood(table: string): Promise<GoodConfig | undefined> {
  return readItem<GoodConfig>(client, table, LAST_GOOD);
}

export async function writeLastGood(table: string, config: GoodConfig): Promise<void> {
  await client.send(new PutItemCommand({ TableName: table, Item: toItem({ ...LAST_GOOD, ...config }) }));
}

export async function wait(table: string, waiting: Waiting): Promise<void> {
  await client.send(new PutItemCommand({ TableName: table, Item: toItem({ ...ledgerKeys.releaseWaiting(waiting.order), ...waiting }) }));
}

/** All waiting versions, oldest first. */
export async function readWaiting(table: string): Promise<Waiting[]> {
  const { pk } = ledgerKeys.releaseWaiting(0);
  const answer = await client.send(new QueryCommand({
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :waiting)',
    ExpressionAttributeValues: { ':pk': toAttribute(pk), ':waiting': toAttribute('WAITING#') },
  }));
  return (answer.Items ?? []).map((item) => fromItem(item) as unknown as Waiting);
}

export async function stopWaiting(table: string, orders: readonly number[]): Promise<void> {
  for (const order of orders) await client.send(new DeleteItemCommand({ TableName: table, Key: toItem(ledgerKeys.releaseWaiting(order)) }));
}

/** Takes the slot where it is free. False where another execution has it. */
export async function takeSlot(table: string, slot: Slot): Promise<boolean> {
  return won(`taking the slot for ${slot.version}`, () => client.send(new PutItemCommand({
    TableName: table,
    Item: toItem({ ...ledgerKeys.releaseSlot(), ...slot }),
    ConditionExpression: 'attribute_not_exists(pk)',
  })));
}

/** Notes how the release ended. False where the execution has lost the slot. */
export async function concludeSlot(table: string, execution: string, outcome: string): Promise<boolean> {
  return won(`concluding the release of ${execution}`, () => client.send(new UpdateItemCommand({
    TableName: table,
    Key: toItem(ledgerKeys.releaseSlot()),
    UpdateExpression: 'SET concluded = :outcome',
    ConditionExpression: 'execution = :execution',
    ExpressionAttributeValues: { ':outcome': toAttribute(outcome), ':execution': toAttribute(execution) },
  })));
}

/** Frees the slot where it is this execution's. */
export async function freeSlot(table: string, execution: string): Promise<boolean> {
  return won(`freeing the slot of ${execution}`, () => client.send(new DeleteItemCommand({
    TableName: table,
    Key: toItem(ledgerKeys.releaseSlot()),
    ConditionExpression: 'execution = :execution',
    ExpressionAttributeValues: { ':execution': toAttribute(execution) },
  })));
}

export { client as ledgerClient };

async function won(what: string, write: () => Promise<unknown>): Promise<boolean> {
  try {
    // a failed condition is an answer here, other contention is not
    await untilUncontended(what, async () => {
      try {
        await write();
      } catch (error) {
        if (isConditionFailure(error)) throw new Lost();
        throw error;
      }
    });
    return true;
  } catch (error) {
    if (error instanceof Lost) return false;
    throw error;
  }
}

class Lost extends Error {}
