import { Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { IDataLake } from './data-lake';
import { grantObjects } from './object-access';

/** Where a pipeline's rows come from, as its job needs to know it. */
export interface DataSourceConfig {
  /** Bucket that the job reads. */
  readonly bucket: s3.IBucket;

  /** Folder in the bucket, with a slash at the end; empty for the whole bucket. */
  readonly prefix: string;

  /**
   * Glue connection to a database whose rows are kept below the prefix before they are used.
   *
   * @default - the files below the prefix are the source
   */
  readonly connectionName?: string;

  /**
   * Query to send through the connection.
   *
   * @default - the files below the prefix are the source
   */
  readonly query?: string;

  /**
   * Secret with `username` and `password` for the connection.
   *
   * @default - those that the connection holds
   */
  readonly secret?: secretsmanager.ISecret;
}

/** Options of `DataSource.jdbc`. */
export interface JdbcSourceOptions {
  /**
   * Secret with `username` and `password` for the connection.
   *
   * @default - those that the connection holds
   */
  readonly secret?: secretsmanager.ISecret;
}

/**
 * Where a data pipeline's rows come from.
 *
 * @example
 * declare const bucket: s3.IBucket;
 * const source = DataSource.bucket(bucket, 'exports/weather');
 */
export abstract class DataSource {
  /**
   * Files that data engineers upload to `uploads/<folder>/` in the source zone.
   *
   * @param folder letters, digits, hyphens and slashes; the name of the dataset unless given. Several pipelines may read one folder.
   */
  public static upload(folder?: string): DataSource {
    return new Upload(folder);
  }

  /**
   * Files in a bucket that exists.
   *
   * @param bucket the bucket; for a start on arrival of files it must send its events to EventBridge
   * @param prefix folder in the bucket; the whole bucket unless given
   */
  public static bucket(bucket: s3.IBucket, prefix?: string): DataSource {
    return new Files(bucket, prefix);
  }

  /**
   * Rows of a database behind a Glue connection. What a run reads is kept in the source zone, at
   * `snapshots/<dataset>/<time>/`, and handed to the script from there.
   *
   * The job runs in the connection's subnet. Without a way to the internet it needs endpoints there for Secrets Manager,
   * Glue, CloudWatch Logs and S3. The connection may enforce encryption for PostgreSQL, MySQL, SQL Server and Redshift; for
   * others, ask for it in the JDBC URL. A connection that names a secret needs that secret here as well, so that the job may
   * read it.
   *
   * @param connectionName name of the Glue connection (type JDBC)
   * @param query SQL that gives the rows
   * @param options credentials
   */
  public static jdbc(connectionName: string, query: string, options: JdbcSourceOptions = {}): DataSource {
    return new Jdbc(connectionName, query, options);
  }

  /**
   * Lets a job read the source.
   *
   * @param lake the data lake
   * @param datasetName the dataset that is made
   * @param reader who reads it
   */
  public abstract bind(lake: IDataLake, datasetName: string, reader: iam.IGrantable): DataSourceConfig;

  /**
   * Lets a data engineer read it, where it is not in the source zone.
   * @internal
   */
  public _letEngineer(_engineer: iam.IGrantable): void {
    // what is in the source zone they read anyway
  }
}

class Upload extends DataSource {
  constructor(private readonly folder?: string) {
    super();
    const wrong = folder !== undefined && !Token.isUnresolved(folder) && !/^[A-Za-z0-9-]+(\/[A-Za-z0-9-]+)*$/.test(folder);
    if (wrong) throw new Error(`the folder of uploads must be letters, digits and hyphens, with slashes between, got '${folder}'`);
  }

  public bind(lake: IDataLake, datasetName: string, reader: iam.IGrantable): DataSourceConfig {
    const prefix = `uploads/${this.folder ?? datasetName}/`;
    lake.grants.readSources(reader, prefix);
    return { bucket: lake.sourceZone, prefix };
  }
}

class Files extends DataSource {
  private readonly prefix: string;

  constructor(private readonly source: s3.IBucket, prefix?: string) {
    super();
    const folder = (prefix ?? '').replace(/^\/+|\/+$/g, '');
    this.prefix = folder === '' ? '' : `${folder}/`;
  }

  public bind(_lake: IDataLake, _datasetName: string, reader: iam.IGrantable): DataSourceConfig {
    this._letEngineer(reader);
    return { bucket: this.source, prefix: this.prefix };
  }

  public _letEngineer(engineer: iam.IGrantable): void {
    grantObjects(engineer, {
      bucket: this.source, prefix: this.prefix, actions: ['s3:GetObject'], list: true, reason: 'The files of a source come and go; the prefix is the scope.',
    });
  }
}

class Jdbc extends DataSource {
  constructor(private readonly connectionName: string, private readonly query: string, private readonly options: JdbcSourceOptions) {
    super();
  }

  public bind(lake: IDataLake, datasetName: string, reader: iam.IGrantable): DataSourceConfig {
    const prefix = `snapshots/${datasetName}/`;
    lake.grants.readSources(reader, prefix);
    lake.grants.writeSources(reader, prefix);
    return { bucket: lake.sourceZone, prefix, connectionName: this.connectionName, query: this.query, secret: this.options.secret };
  }
}
