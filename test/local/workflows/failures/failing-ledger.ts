import { BatchWriteItemCommand, DeleteItemCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LineWorld } from '../line-world';

/** Versions that are remembered however old they are. */
const RECENT = 12;
/** DynamoDB takes no more at once. */
const BATCH = 25;

interface Item {
  readonly pk: string;
  readonly sk: string;
}

/** Names of the configs that are kept to go back to. */
export async function goodReleases(line: LineWorld): Promise<string[]> {
  return (await items<Item & { configName: string }>(line, 'RELEASE', 'GOOD#')).map(({ configName }) => configName);
}

/** Makes the ledger forget what there is to go back to. */
export async function forgetGood(line: LineWorld): Promise<void> {
  for (const { pk, sk } of await items(line, 'RELEASE', 'GOOD#')) {
    await line.cloud.client(DynamoDBClient).send(new DeleteItemCommand({ TableName: line.out.Ledger, Key: { pk: { S: pk }, sk: { S: sk } } }));
  }
}

/** Makes the ledger forget versions that ended long ago. */
export async function forgetVersions(line: LineWorld): Promise<void> {
  const versions = (await items<Item & { order: number; stage: string }>(line, 'VERSION', '')).sort((a, b) => a.order - b.order);
  const old = versions.slice(0, -RECENT).filter(({ stage }) => stage !== 'Production');
  for (let i = 0; i < old.length; i += BATCH) {
    const batch = old.slice(i, i + BATCH).map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk: { S: pk }, sk: { S: sk } } } }));
    await line.cloud.client(DynamoDBClient).send(new BatchWriteItemCommand({ RequestItems: { [line.out.Ledger]: batch } }));
  }
}

async function items<T extends Item>(line: LineWorld, partition: string, prefix: string): Promise<T[]> {
  const { Items } = await line.cloud.client(DynamoDBClient).send(new QueryCommand({
    TableName: line.out.Ledger,
    KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': { S: partition }, ...prefix === '' ? {} : { ':prefix': { S: prefix } } },
    ConsistentRead: true,
  }));
  return (Items ?? []).map((item) => unmarshall(item) as T);
}
