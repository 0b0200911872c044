import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { tableNameOf } from '../domain/dataset-table';

/** A dataset that pipelines publish in versions and that models are trained on. */
export interface IDataset {
  /** Name of the dataset. */
  readonly datasetName: string;

  /** Bucket of the curated zone. */
  readonly bucket: s3.IBucket;

  /**
   * Key of the bucket.
   *
   * @default - the bucket has no key of the customer's
   */
  readonly key?: kms.IKey;

  /** Folder of the dataset in the bucket, without a slash at the end. Versions are folders below it. */
  readonly prefix: string;

  /** Column to predict. */
  readonly target: string;

  /**
   * Column with the time of a row.
   *
   * @default - the rows have no time
   */
  readonly timeColumn?: string;

  /**
   * Name of the Glue database that lists the dataset's versions.
   *
   * @default - the dataset is in no catalog
   */
  readonly databaseName?: string;

  /**
   * Name of the dataset's table in the database, from the first version on: the dataset's name in lower case, with
   * underscores. Beside the dataset's own columns it has the partitions `dataset_version` and `dataset_split` (`train` or
   * `holdout`), and lists the newest 100 versions.
   */
  readonly tableName: string;
}

/** What a dataset that exists is known by. */
export interface DatasetAttributes {
  /** Name of the dataset. */
  readonly datasetName: string;

  /** Bucket of the curated zone, with its key if it has one. */
  readonly bucket: s3.IBucket;

  /** Column to predict. */
  readonly target: string;

  /**
   * Column with the time of a row.
   *
   * @default - the rows have no time
   */
  readonly timeColumn?: string;

  /**
   * Name of the Glue database that lists the dataset's versions.
   *
   * @default - the dataset is in no catalog
   */
  readonly databaseName?: string;
}

/** Datasets by their attributes. */
export class Dataset {
  /**
   * A dataset by its attributes; its versions are below `datasets/<datasetName>`.
   *
   * @example
   * declare const bucket: s3.IBucket;
   * const dataset = Dataset.fromDatasetAttributes({ datasetName: 'Weather', bucket, target: 'temp_in_24h' });
   */
  public static fromDatasetAttributes(attributes: DatasetAttributes): IDataset {
    const { bucket, datasetName } = attributes;
    return { ...attributes, key: bucket.encryptionKey, prefix: `datasets/${datasetName}`, tableName: tableNameOf(datasetName) };
  }

  private constructor() {}
}
