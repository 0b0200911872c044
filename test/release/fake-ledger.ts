import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { AttributeValue, fromItem, JsonObject, JsonValue, toItem } from '../../src/domain/attribute-values';
import { AwsTaskError } from '../staging/machine-runner';

type Item = Record<string, AttributeValue>;
interface Write {
  Key?: Item;
  Item?: Item;
  ConditionExpression?: string;
  UpdateExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, AttributeValue>;
}

/** The ledger in memory, with the conditions that the release slot is kept by. */
export class FakeLedger {
  public readonly client = mockClient(DynamoDBClient);
  public readonly items = new Map<string, Item>();
  /** Stages that versions went through, in order. */
  public readonly stages: string[] = [];

  constructor() {
    this.client.on(GetItemCommand).callsFake((input: { Key: Item }) => ({ Item: this.items.get(keyOf(input.Key)) }));
    this.client.on(PutItemCommand).callsFake((input: Write) => {
      const { Item = {} } = input;
      return this.write(Item, input, () => this.items.set(keyOf(Item), Item));
    });
    this.client.on(DeleteItemCommand).callsFake((input: Write) => {
      const { Key = {} } = input;
      return this.write(Key, input, () => this.items.delete(keyOf(Key)));
    });
    this.client.on(UpdateItemCommand).callsFake((input: Write) => this.write(input.Key ?? {}, input, () => this.update(input)));
    this.client.on(TransactWriteItemsCommand).callsFake(({ TransactItems = [] }: { TransactItems?: Record<string, Write>[] }) => {
      const writes = TransactItems.flatMap((item) => Object.entries(item));
      const reasons = writes.map(([, write]) => ({ Code: this.holds(write.Item ?? write.Key ?? {}, write) ? 'None' : 'ConditionalCheckFailed' }));
      if (reasons.some(({ Code }) => Code !== 'None')) {
        throw Object.assign(new AwsTaskError('TransactionCanceledException', 'Transaction cancelled'), { CancellationReasons: reasons });
      }
      for (const [kind, write] of writes) {
        if (kind === 'Put') this.items.set(keyOf(write.Item!), write.Item!);
        if (kind === 'Update') this.update(write);
      }
      return {};
    });
    this.client.on(QueryCommand).callsFake(({ ExpressionAttributeValues: { ':pk': pk, ':waiting': waiting, ...filter } }: {
      ExpressionAttributeValues: Record<string, { S: string }>;
    }) => ({
      Items: [...this.items.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
        .filter((item) => JSON.stringify(item.pk) === JSON.stringify(pk)
          && 'S' in item.sk && item.sk.S.startsWith(waiting?.S ?? '')
          && Object.entries(filter).every(([name, value]) => JSON.stringify(item[name.slice(1)]) === JSON.stringify(value))),
    }));
  }

  public register(version: string, order: number, stage = 'Registered'): void {
    this.put({ pk: 'VERSION', sk: version, version, order, stage });
  }

  public put(value: JsonObject): void {
    const item = toItem(value);
    this.items.set(keyOf(item), item);
  }

  public get(pk: string, sk: string): { [member: string]: JsonValue } | undefined {
    const item = this.items.get(`${pk}/${sk}`);
    return item === undefined ? undefined : fromItem(item);
  }

  /** What the registry's lifecycle function does. */
  public move({ version, stage }: { version: string; stage: string }): void {
    this.put({ ...this.get('VERSION', version), stage });
    this.stages.push(`${version} ${stage}`);
    if (stage === 'Production') this.put({ pk: 'CHAMPION', sk: 'PRODUCTION', version });
    else if (this.get('CHAMPION', 'PRODUCTION')?.version === version) this.items.delete('CHAMPION/PRODUCTION');
  }

  public restore(): void {
    this.client.restore();
  }

  private update(input: Write): void {
    const key = keyOf(input.Key ?? {});
    const item = { ...this.items.get(key) };
    for (const [, name, value] of (input.UpdateExpression ?? '').matchAll(/(#\w+) = (:\w+)/g)) {
      item[input.ExpressionAttributeNames![name]] = input.ExpressionAttributeValues![value];
    }
    this.items.set(key, item);
  }

  private holds(at: Item, { ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues }: Write): boolean {
    const there = this.items.get(keyOf(at));
    if (ConditionExpression === undefined) return true;
    if (ConditionExpression === 'attribute_not_exists(pk)') return there === undefined;
    const [, name, value] = /^(#?\w+) = (:\w+)$/.exec(ConditionExpression) ?? [];
    if (name === undefined) throw new Error(`a condition that this ledger does not know: ${ConditionExpression}`);
    return JSON.stringify(there?.[ExpressionAttributeNames?.[name] ?? name]) === JSON.stringify(ExpressionAttributeValues?.[value]);
  }

  private write(at: Item, input: Write, apply: () => void): object {
    if (!this.holds(at, input)) throw new AwsTaskError('ConditionalCheckFailedException', 'The conditional request failed');
    apply();
    return {};
  }
}

function keyOf(item: Item): string {
  const { pk, sk } = fromItem(item);
  return `${String(pk)}/${String(sk)}`;
}
