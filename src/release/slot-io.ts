import { DeleteItemCommand, DynamoDBClient, PutItemCommand, QueryCommand, TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { fromItem, JsonObject, toAttribute, toItem } from '../domain/attribute-values';
import { ledgerKeys } from '../domain/ledger';
import { GoodRelease } from '../domain/retention';
import { clientFor } from '../private/model-io';
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
  /** When it joined the queue, ISO 8601. */
  readonly since: string;
}

export interface Superseded extends JsonObject {
  readonly version: string;
  readonly reason: string;
}

/** The release that may change the endpoint: one for each model. */
export interface Slot extends JsonObject {
  /** Whose slot it is: the release's execution, or that of the recovery that took it over. Only it may change anything. */
  readonly execution: string;
  /** The release's own execution. */
  readonly release: string;
  readonly version: string;
  readonly modelPackageArn: string;
  readonly order: number;
  readonly acquiredAt: string;
  /** Names of the executions that it starts: derived, so that starting one again finds it. */
  readonly stagingName: string;
  readonly releaseName: string;
  /** Where the endpoint goes back to; null before the first release. Absent: not known yet, and nothing has been changed. */
  readonly lastGood?: GoodConfig | null;
  /** Versions that will never be released because of this one. */
  readonly superseded: Superseded[];
  /** How it ended, once the outcome is certain: from then on nothing is to be recovered. */
  readonly concluded?: string;
  /** What is to be told about it. */
  readonly news?: News;
  /** Why it was taken over, and what becomes of the version: what the first recovery was told holds for those after it. */
  readonly broke?: { readonly reason: string; readonly stage: string };
  /** Since when the endpoint has not served because it is made anew, ISO 8601. */
  readonly recreating?: string;
  /** Where this is no release but the way back from one: what `version` serves on until then. */
  readonly rollback?: { readonly configName: string; readonly modelName: string | null };
}

/** An event of the library. */
export interface News extends JsonObject {
  readonly type: string;
  readonly detail: JsonObject;
}

/** How the asking for a slot ended. `passed`: what it was asked for is not so any more. */
export type Taking = 'taken' | 'held' | 'passed';

const client = clientFor(DynamoDBClient);
const LAST_GOOD = { pk: 'RELEASE', sk: 'LASTGOOD' };

export async function readSlot(table: string): Promise<Slot | undefined> {
  return readItem<Slot>(client, table, ledgerKeys.releaseSlot());
}

export async function readLastGood(table: string): Promise<GoodConfig | undefined> {
  return readItem<GoodConfig>(client, table, LAST_GOOD);
}

/** Joins the queue. A version that waits already keeps its place. */
export async function wait(table: string, waiting: Waiting): Promise<void> {
  await won(`queueing ${waiting.version}`, () => client.send(new PutItemCommand({
    TableName: table,
    Item: toItem({ ...ledgerKeys.releaseWaiting(waiting.order), ...waiting }),
    ConditionExpression: 'attribute_not_exists(pk)',
  })));
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

/**
 * Takes the slot where it is free, for a version that has not been through a release, and as long as `champion` is in
 * production: who looked at the queue a while ago may have been overtaken by a whole release.
 */
export async function takeSlot(table: string, slot: Slot, champion: string | undefined): Promise<Taking> {
  const taken = await won(`taking the slot for ${slot.version}`, () => client.send(new TransactWriteItemsCommand({
    TransactItems: [
      { Put: { TableName: table, Item: toItem({ ...ledgerKeys.releaseSlot(), ...slot }), ConditionExpression: 'attribute_not_exists(pk)' } },
      {
        ConditionCheck: {
          TableName: table,
          Key: toItem(ledgerKeys.version(slot.version)),
          ConditionExpression: '#stage = :stage',
          ExpressionAttributeNames: { '#stage': 'stage' },
          ExpressionAttributeValues: { ':stage': toAttribute('Registered') },
        },
      },
      {
        ConditionCheck: {
          TableName: table,
          Key: toItem(ledgerKeys.champion()),
          ...(champion === undefined
            ? { ConditionExpression: 'attribute_not_exists(pk)' }
            : { ConditionExpression: 'version = :champion', ExpressionAttributeValues: { ':champion': toAttribute(champion) } }),
        },
      },
    ],
  })));
  if (taken) return 'taken';
  const holder = await readSlot(table);
  // an answer that was lost on the way does not make the slot somebody else's
  if (holder?.execution === slot.execution) return 'taken';
  return holder === undefined ? 'passed' : 'held';
}

/** Takes the slot where it is free, for the way back from a version that is in production. */
export async function takeSlotBack(table: string, slot: Slot): Promise<boolean> {
  return await won(`taking the slot to go back from ${slot.version}`, () => client.send(new PutItemCommand({
    TableName: table, Item: toItem({ ...ledgerKeys.releaseSlot(), ...slot }), ConditionExpression: 'attribute_not_exists(pk)',
  }))) || (await readSlot(table))?.execution === slot.execution;
}

export async function writeLastGood(table: string, config: GoodConfig): Promise<void> {
  await client.send(new PutItemCommand({ TableName: table, Item: toItem({ ...LAST_GOOD, ...config }) }));
}

/** Notes members of the slot. False where the execution has lost it. */
export async function noteInSlot(table: string, execution: string, noted: Partial<Slot>): Promise<boolean> {
  return won(`noting ${Object.keys(noted).join(', ')} for ${execution}`, () => client.send(new UpdateItemCommand(noting(table, execution, noted))));
}

/** Notes how the release ended, and what is to be told. False where the execution has lost the slot. */
export async function concludeSlot(table: string, execution: string, concluded: string, news?: News): Promise<boolean> {
  return noteInSlot(table, execution, { concluded, ...(news === undefined ? {} : { news }) });
}

/** Notes at once that the release went well and what serves from now on. False where the execution has lost the slot. */
export async function completeSlot(table: string, execution: string, good: GoodConfig, news: News, release?: GoodRelease): Promise<boolean> {
  return won(`completing the release of ${execution}`, () => client.send(new TransactWriteItemsCommand({
    TransactItems: [
      { Update: noting(table, execution, { concluded: 'production', news }) },
      { Put: { TableName: table, Item: toItem({ ...LAST_GOOD, ...good }) } },
      ...release === undefined ? [] : [{ Put: { TableName: table, Item: toItem({ ...ledgerKeys.releaseGood(release.order), ...release }) } }],
    ],
  })));
}

/** Takes the slot over from who holds it; from then on the one before can change nothing. False where it is not theirs any more. */
export async function takeSlotOver(table: string, from: string, to: string, broke: Slot['broke']): Promise<boolean> {
  return await noteInSlot(table, from, { execution: to, broke }) || (await readSlot(table))?.execution === to;
}

function noting(table: string, execution: string, noted: Partial<Slot>) {
  const members = Object.entries(noted).filter(([, value]) => value !== undefined);
  return {
    TableName: table,
    Key: toItem(ledgerKeys.releaseSlot()),
    UpdateExpression: `SET ${members.map(([member]) => `#${member} = :new_${member}`).join(', ')}`,
    ConditionExpression: 'execution = :execution',
    ExpressionAttributeNames: Object.fromEntries(members.map(([member]) => [`#${member}`, member])),
    ExpressionAttributeValues: {
      ':execution': toAttribute(execution),
      ...Object.fromEntries(members.map(([member, value]) => [`:new_${member}`, toAttribute(value ?? null)])),
    },
  };
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
        if (isConditionFailure(error) || isConditionOfTransaction(error)) throw new Lost();
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

/** Whether a transaction was refused for a condition alone. */
function isConditionOfTransaction(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'TransactionCanceledException') return false;
  const codes = ((error as { CancellationReasons?: { Code?: string }[] }).CancellationReasons ?? []).map(({ Code }) => Code ?? 'None');
  return codes.includes('ConditionalCheckFailed') && codes.every((code) => code === 'None' || code === 'ConditionalCheckFailed');
}
