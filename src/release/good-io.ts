import { DeleteItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { ledgerClient } from './slot-io';
import { fromItem, toAttribute, toItem } from '../domain/attribute-values';
import { ledgerKeys, VersionRecord } from '../domain/ledger';
import { GoodRelease } from '../domain/retention';
import { readVersion } from '../registry/ledger-io';
import { describeConfig } from '../staging/hosting-io';

/** Configs that the endpoint served well on, oldest version first. */
export async function readGood(table: string): Promise<GoodRelease[]> {
  const { pk, sk } = ledgerKeys.releaseGood(0);
  return query<GoodRelease>(table, pk, sk.slice(0, sk.indexOf('#') + 1));
}

/** What is to be noted of a version's config that serves well; undefined where it is known already, or there is no such version. */
export async function newlyGood(table: string, version: string, configName: string, since: string): Promise<GoodRelease | undefined> {
  const record = await readVersion(ledgerClient, table, version);
  const known = (await readGood(table)).some((release) => release.configName === configName);
  if (record === undefined || known) return undefined;
  const variants = (await describeConfig(configName)).ProductionVariants ?? [];
  const modelName = variants.length === 1 ? variants[0].ModelName ?? null : null;
  return { configName, modelName, version, order: record.order, since };
}

export async function noteGood(table: string, release: GoodRelease): Promise<void> {
  await ledgerClient.send(new PutItemCommand({ TableName: table, Item: toItem({ ...ledgerKeys.releaseGood(release.order), ...release }) }));
}

export async function forgetGood(table: string, order: number): Promise<void> {
  await ledgerClient.send(new DeleteItemCommand({ TableName: table, Key: toItem(ledgerKeys.releaseGood(order)) }));
}

/** All versions that there are. */
export async function readVersions(table: string): Promise<VersionRecord[]> {
  return query<VersionRecord>(table, ledgerKeys.version('').pk, '');
}

async function query<T>(table: string, partition: string, prefix: string): Promise<T[]> {
  const found: T[] = [];
  let from: Record<string, never> | undefined;
  do {
    const answer = await ledgerClient.send(new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': toAttribute(partition), ...(prefix === '' ? {} : { ':prefix': toAttribute(prefix) }) },
      ExclusiveStartKey: from,
    }));
    found.push(...(answer.Items ?? []).map((item) => fromItem(item) as T));
    from = answer.LastEvaluatedKey as Record<string, never> | undefined;
  } while (from !== undefined);
  return found;
}
