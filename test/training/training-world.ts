import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { fromItem, JsonObject, toItem } from '../../src/domain/attribute-values';
import { DatasetColumn, DatasetManifest } from '../../src/domain/dataset';
import { LedgerKey, ledgerKeys } from '../../src/domain/ledger';
import { MemoryS3 } from '../data/memory-s3';

export const SPEC = { tag: '1', target: 'temp_in_24h', features: ['temp', 'origin'], hyperparameters: { algorithm: 'ridge', alpha: 1 } };
export const FROM_BUILD = { commit: 'c1', imageUri: 'repository:c1', spec: SPEC };
const SCHEMA: DatasetColumn[] = [
  { name: 'time_hour', type: 'timestamp' }, { name: 'temp', type: 'double' }, { name: 'origin', type: 'string' }, { name: 'temp_in_24h', type: 'double' },
];

/** S3 and the ledger in memory, behind mocked SDK clients, as the handlers of a training run see them. */
export class TrainingWorld {
  public readonly s3 = new MemoryS3();
  private readonly dynamodb = mockClient(DynamoDBClient);
  private readonly ledger = new Map<string, JsonObject>();

  constructor() {
    Object.assign(process.env, {
      ARTIFACTS: 'artifacts',
      DATASETS: 'curated',
      DATASET_PREFIX: 'datasets/Weather',
      JOB_PREFIX: 'temperature',
      LEDGER: 'ledger',
      RULES: '{"limits":[],"notWorseThanChampion":{"metric":"rmse","percent":5}}',
    });
    this.dynamodb.on(GetItemCommand).callsFake((input: { Key: Record<string, { S: string }> }) => {
      const item = this.ledger.get(`${input.Key.pk.S} ${input.Key.sk.S}`);
      return item === undefined ? {} : { Item: toItem(item) };
    });
  }

  public write(key: LedgerKey, value: JsonObject): void {
    this.ledger.set(`${key.pk} ${key.sk}`, fromItem(toItem({ ...key, ...value })));
  }

  public publish(version: string, given: Partial<Pick<DatasetManifest, 'schema' | 'splits'>> = {}): void {
    const folder = `curated/datasets/Weather/${version}`;
    const uri = (split: string): string => `s3://${folder}/${split}/`;
    const manifest: Partial<DatasetManifest> = {
      dataset: 'Weather',
      version,
      schema: SCHEMA,
      target: 'temp_in_24h',
      splits: { train: { uri: uri('train'), rows: 80 }, holdout: { uri: uri('holdout'), rows: 20 } },
      ...given,
    };
    this.s3.put(`${folder}/manifest.json`, JSON.stringify(manifest));
    this.s3.put('curated/datasets/Weather/latest.json', JSON.stringify({ version, manifestUri: `s3://${folder}/manifest.json` }));
  }

  /** Gives a version files, and notes them as its publication does. */
  public seal(version: string, names: Readonly<Record<'train' | 'holdout', readonly string[]>>): void {
    const folder = `curated/datasets/Weather/${version}`;
    const manifest = this.s3.json<DatasetManifest>(`${folder}/manifest.json`);
    const files = (split: 'train' | 'holdout'): Record<string, string> => Object.fromEntries(names[split].map((name) => {
      const path = `${folder}/${split}/${name}`;
      this.s3.put(path, 'rows');
      return [name, this.s3.objects.get(path)!.etag.replaceAll('"', '')];
    }));
    const { train, holdout } = manifest.splits;
    this.publish(version, { splits: { train: { ...train, files: files('train') }, holdout: { ...holdout, files: files('holdout') } } });
  }

  /** A version as the registry leaves it in the ledger. */
  public register(version: string, commit: string, dataset: string, spec: JsonObject = SPEC, author?: string): void {
    this.write(ledgerKeys.version(version), {
      version, commit, dataset, spec, author, status: 'registered', imageUri: `repository:${commit}`, modelDataUrl: `s3://artifacts/${version}/model.tar.gz`,
    });
    this.write(ledgerKeys.tag('1'), { tag: '1', version, commit, dataset });
    this.write(ledgerKeys.registered(), { version });
  }

  public produce(version: string): void {
    this.write(ledgerKeys.champion(), { version });
  }

  /** What an evaluation job leaves behind. */
  public evaluate(outputUri: string, rmse: number, itemCount = 20): void {
    const metric = (value: number): object => ({ value, standard_deviation: null });
    this.s3.put(`${outputUri.replace('s3://', '')}evaluation.json`, JSON.stringify({
      regression_metrics: { mse: metric(rmse ** 2), rmse: metric(rmse), mae: metric(rmse * 0.8), r2: metric(0.5) },
      dataset: { item_count: itemCount },
    }));
    this.s3.put(`${outputUri.replace('s3://', '')}sample.jsonl`, '{"payload":"1","prediction":2}\n');
  }
}
