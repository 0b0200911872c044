import { BatchWriteItemCommand, CreateTableCommand, DeleteTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { fromItem, JsonValue } from '../../src/domain/attribute-values';
import { Candidate, RunRecord, TagRecord, VersionRecord } from '../../src/domain/ledger';
import { formatVersion } from '../../src/domain/model-version';
import { Allocation, allocateVersion } from '../../src/registry/allocation';
import { LedgerClient } from '../../src/registry/ledger-io';
import { Ledger, markAnnounced, registerPackage } from '../../src/registry/package-registration';
import { ModelPackages } from '../support/model-packages';

export const TIME = '2026-01-01T00:00:00.000Z';
export const GROUP = 'Temperature';

let tables = 0;

/** A table with the ledger's keys. */
export async function newLedger(client: DynamoDBClient): Promise<Ledger & { client: DynamoDBClient }> {
  tables += 1;
  const table = `ledger-${process.pid}-${tables}`;
  await client.send(new CreateTableCommand({
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, { AttributeName: 'sk', AttributeType: 'S' }],
  }));
  return { client, table };
}

export async function dropLedger({ client, table }: Ledger): Promise<void> {
  await client.send(new DeleteTableCommand({ TableName: table }));
}

/** Empties a ledger, which is quicker than making another. */
export async function clearLedger(ledger: Ledger): Promise<void> {
  const items = await scan(ledger);
  for (let from = 0; from < items.length; from += 25) {
    const deletes = items.slice(from, from + 25).map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk: { S: String(pk) }, sk: { S: String(sk) } } } }));
    await ledger.client.send(new BatchWriteItemCommand({ RequestItems: { [ledger.table]: deletes } }));
  }
}

export function candidate(run: string, origin: Partial<Candidate> = {}): Candidate {
  return {
    run,
    tag: '1',
    commit: `commit-of-${run}`,
    dataset: 'data-1',
    imageUri: 'images:abc',
    modelDataUrl: `s3://artifacts/${run}/model.tar.gz`,
    evaluation: { mse: 4, rmse: 2, mae: 1.5, r2: 0.8, itemCount: 100 },
    spec: { target: 'y', features: ['a', 'b'] },
    ...origin,
  };
}

export async function scan({ client, table }: Ledger): Promise<{ [member: string]: JsonValue }[]> {
  const items: { [member: string]: JsonValue }[] = [];
  let from: Record<string, { S: string }> | undefined;
  do {
    const page = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey: from }));
    items.push(...(page.Items ?? []).map((item) => fromItem(item)));
    from = page.LastEvaluatedKey as Record<string, { S: string }> | undefined;
  } while (from !== undefined);
  return items;
}

/** Everything that a registration does, as its state machine does it. Repeatable. */
export async function registerWhole(
  ledger: Ledger, packages: ModelPackages, of: Candidate, onEvent: (version: string) => void = () => {},
): Promise<Allocation> {
  const allocation = await allocateVersion(ledger.client, ledger.table, of, TIME);
  const record = await registerPackage(ledger, { client: packages.client, group: GROUP }, allocation.version);
  if (record.announcedAt === undefined) {
    onEvent(allocation.version);
    await markAnnounced(ledger, allocation.version, TIME);
  }
  return allocation;
}

export type Death = 'before' | 'after';

/** A client of a writer that dies at its k-th call: before it leaves, or after it took effect and before the answer came. */
export function mortal<T extends { send: unknown }>(client: T, lives: { calls: number }, dieAt: number, death: Death): T {
  const real = client.send as (command: object) => Promise<object>;
  const send = async (command: object): Promise<object> => {
    lives.calls += 1;
    if (lives.calls > dieAt) throw new WriterDied(`dead since call ${dieAt}`);
    if (lives.calls === dieAt && death === 'before') throw new WriterDied(`died before call ${dieAt}`);
    const answer = await real.call(client, command);
    if (lives.calls >= dieAt) throw new WriterDied(`died after call ${dieAt}`);
    return answer;
  };
  return { send } as unknown as T;
}

/** The writer's process is gone. */
export class WriterDied extends Error {
  override readonly name = 'WriterDied';
}

/** A ledger and a registry seen through one mortal writer. */
export function mortalWorld(ledger: Ledger, packages: ModelPackages, dieAt: number, death: Death): { ledger: Ledger; packages: ModelPackages } {
  const lives = { calls: 0 };
  const client: LedgerClient = mortal(ledger.client, lives, dieAt, death);
  const registry = mortal(packages.client, lives, dieAt, death);
  const seen = Object.create(packages) as ModelPackages;
  Object.defineProperty(seen, 'client', { value: registry });
  return { ledger: { client, table: ledger.table }, packages: seen };
}

/** No duplicate, no gap, no reuse: what every ledger must satisfy at any moment. Answers its version records, in order. */
export async function soundVersions(ledger: Ledger): Promise<VersionRecord[]> {
  const items = await scan(ledger);
  const of = <T>(pk: RegExp) => items.filter((item) => pk.test(String(item.pk))) as unknown as (T & { pk: string; sk: string })[];
  const records = of<VersionRecord>(/^VERSION$/).sort((a, b) => a.order - b.order);

  expect(records.map(({ order }) => order)).toEqual(records.map((_, i) => i + 1));
  expect(of<{ order: number; sk: string }>(/^LATEST$/).find(({ sk }) => sk === 'ALLOCATED')?.order ?? 0).toBe(records.length);
  for (const record of records) expect(record.sk).toBe(formatVersion(record));

  const tags = new Map<string, VersionRecord>();
  for (const record of records) {
    const last = tags.get(record.tag);
    const expected = last === undefined ? ['0.0'] : [`${last.manual + 1}.0`, `${last.manual}.${last.auto + 1}`];
    expect(expected).toContain(`${record.manual}.${record.auto}`);
    if (last !== undefined) expect(record.commit === last.commit).toBe(record.auto > 0);
    tags.set(record.tag, record);
  }
  const counters = of<TagRecord>(/^TAG#/);
  expect(counters.map(({ version }) => version).sort()).toEqual([...tags.values()].map(({ version }) => version).sort());

  const givers = of<RunRecord>(/^RUN#/).filter(({ created }) => created === true).map(({ version }) => version);
  const takenUp = records.reduce((sum, { attempt }) => sum + attempt, 0);
  expect(givers.length).toBe(records.length + takenUp);
  expect(new Set(givers)).toEqual(new Set(records.map(({ version }) => version)));
  return records;
}
