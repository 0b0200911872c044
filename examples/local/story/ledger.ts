import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { Cloud } from '../cloud/types';

/** A version as the ledger has it. */
export interface VersionRecord {
  readonly version: string;
  readonly cause: 'manual' | 'auto';
  readonly commit: string;
  readonly dataset: string;
  readonly evaluation: { readonly mse: number; readonly rmse: number; readonly mae: number; readonly r2: number; readonly itemCount: number };
  readonly modelPackageArn: string;
  readonly stage: string;
  readonly reason?: string;
  readonly createdAt: string;
  readonly order: number;
  readonly history?: readonly StageRecord[];
  readonly account?: string;
}

export interface StageRecord {
  readonly stage: string;
  readonly reason?: string;
  readonly time: string;
  readonly detail?: Record<string, unknown>;
}

export interface RejectedRecord {
  readonly sk: string;
  readonly commit: string;
  readonly dataset: string;
  readonly stage: string;
  readonly reason: string;
}

/** Reads the version ledger over the wire, as an operator would. */
export class Ledger {
  private readonly client: DynamoDBClient;

  constructor(cloud: Cloud, private readonly tableName: string) {
    this.client = cloud.client(DynamoDBClient);
  }

  async versions(): Promise<VersionRecord[]> {
    return (await this.items<VersionRecord>('VERSION')).sort((a, b) => a.order - b.order);
  }

  rejected(): Promise<RejectedRecord[]> {
    return this.items<RejectedRecord>('REJECTED');
  }

  /** The version in production, if any. */
  async champion(): Promise<string | undefined> {
    return (await this.items<{ version: string }>('CHAMPION'))[0]?.version;
  }

  private async items<T>(partition: string): Promise<T[]> {
    const found: T[] = [];
    let from: Record<string, never> | undefined;
    do {
      const page = await this.client.send(new QueryCommand({
        TableName: this.tableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: partition } },
        ExclusiveStartKey: from,
        ConsistentRead: true,
      }));
      found.push(...(page.Items ?? []).map((item) => unmarshall(item) as T));
      from = page.LastEvaluatedKey as Record<string, never> | undefined;
    } while (from !== undefined);
    return found;
  }
}
