import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { AttributeValue, fromItem, JsonObject, JsonValue, toItem } from '../../src/domain/attribute-values';
import { AwsTaskError } from '../staging/machine-runner';

type Item = Record<string, AttributeValue>;
interface Write {
  Key?: Item;
  Item?: Item;
  ConditionExpression?: string;
  UpdateExpression?: string;
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
    this.client.on(UpdateItemCommand).callsFake((input: Write) => this.write(input.Key ?? {}, input, () => {
      const key = keyOf(input.Key ?? {});
      this.items.set(key, { ...this.items.get(key), concluded: input.ExpressionAttributeValues![':outcome'] });
    }));
    this.client.on(QueryCommand).callsFake((input: { ExpressionAttributeValues: Record<string, { S: string }> }) => ({
      Items: [...this.items.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
        .filter((item) => JSON.stringify(item.pk) === JSON.stringify(input.ExpressionAttributeValues[':pk'])
          && 'S' in item.sk && item.sk.S.startsWith(input.ExpressionAttributeValues[':waiting'].S)),
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

  private write(at: Item, { ConditionExpression, ExpressionAttributeValues }: Write, apply: () => void): object {
    const there = this.items.get(keyOf(at));
    const holds = ConditionExpression === undefined
      || (ConditionExpression === 'attribute_not_exists(pk)' && there === undefined)
      || (ConditionExpression === 'execution = :execution' && JSON.stringify(there?.execution) === JSON.stringify(ExpressionAttributeValues?.[':execution']));
    if (!holds) throw new AwsTaskError('ConditionalCheckFailedException', 'The conditional request failed');
    apply();
    return {};
  }
}

function keyOf(item: Item): string {
  const { pk, sk } = fromItem(item);
  return `${String(pk)}/${String(sk)}`;
}
