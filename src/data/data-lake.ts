import { Duration, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as glue from 'aws-cdk-lib/aws-glue';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct, IConstruct } from 'constructs';
import { DataLakeGrants } from './data-lake-grants';
import { DatasetQueries } from './dataset-queries';
import { logAccess, newAccessLogs } from '../private/access-logs';
import { encryptedBucket } from '../private/encrypted-bucket';
import { grantLogs } from '../private/handler-defaults';

/** Two zones of data: sources, for data engineers alone, and curated datasets, which data scientists read. */
export interface IDataLake extends IConstruct {
  /** Bucket of the data sources. Nobody but data engineers and their pipelines reads it. */
  readonly sourceZone: s3.IBucket;

  /** Bucket of the published datasets (`datasets/<name>/<version>/`) and of the runs' reports (`runs/<name>/`). */
  readonly curatedZone: s3.IBucket;

  /** Name of the Glue database of the curated zone: it has a table for each dataset. */
  readonly databaseName: string;

  /**
   * Name of the Athena workgroup that people query datasets in.
   *
   * @default - the lake was made elsewhere, and its workgroup was not told
   */
  readonly workGroupName?: string;

  /** Permissions on the zones. */
  readonly grants: DataLakeGrants;
}

/** Properties of `DataLake`. */
export interface DataLakeProps {
  /**
   * Key of the source zone, and of the logs of data pipelines. One of this app is opened to CloudWatch Logs; an imported key
   * has to let `logs.<region>.amazonaws.com` use it.
   *
   * @default - a new key with yearly rotation
   */
  readonly sourceKey?: kms.IKey;

  /**
   * Key of the curated zone.
   *
   * @default - a new key with yearly rotation
   */
  readonly curatedKey?: kms.IKey;

  /**
   * Bucket for the zones' access logs. It must admit the S3 log delivery service.
   *
   * @default - a new bucket
   */
  readonly accessLogs?: s3.IBucket;

  /**
   * The most that one query of a person may read, in megabytes: a brake on cost.
   *
   * @default 102400
   */
  readonly scanLimitInMegabytes?: number;

  /**
   * What becomes of the data when the lake is removed from its stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** What a data lake that exists is known by. */
export interface DataLakeAttributes {
  /** Bucket of the data sources, with its key if it has one. */
  readonly sourceZone: s3.IBucket;

  /** Bucket of the published datasets, with its key if it has one. */
  readonly curatedZone: s3.IBucket;

  /** Name of the Glue database of the curated zone. */
  readonly databaseName: string;

  /**
   * Name of the Athena workgroup that people query datasets in.
   *
   * @default - none; nobody can be let query
   */
  readonly workGroupName?: string;

  /**
   * Bucket of the workgroup's results, with its key if it has one.
   *
   * @default - none; nobody can be let query
   */
  readonly queryResults?: s3.IBucket;
}

/**
 * A source zone that only data engineers reach and a curated zone that everybody in the team reads, each with a bucket
 * and a key of its own; a Glue database that lists the published datasets, and an Athena workgroup to query them in.
 *
 * @example
 * declare const scientist: iam.IRole;
 * const lake = new DataLake(this, 'Lake');
 * lake.grants.readCurated(scientist);
 */
export class DataLake extends Construct implements IDataLake {
  /** A data lake made elsewhere. */
  public static fromDataLakeAttributes(scope: Construct, id: string, attributes: DataLakeAttributes): IDataLake {
    class Imported extends Construct implements IDataLake {
      public readonly sourceZone = attributes.sourceZone;
      public readonly curatedZone = attributes.curatedZone;
      public readonly databaseName = attributes.databaseName;
      public readonly workGroupName = attributes.workGroupName;
      public readonly grants = DataLakeGrants.fromZones(attributes.sourceZone, attributes.curatedZone, attributes);
    }
    return new Imported(scope, id);
  }

  public readonly sourceZone: s3.IBucket;
  public readonly curatedZone: s3.IBucket;
  public readonly databaseName: string;
  public readonly workGroupName?: string;
  public readonly grants: DataLakeGrants;

  /** Bucket of the results of people's queries; they are kept for a week. */
  public readonly queryResults: s3.IBucket;

  /** Key of the source zone. */
  public readonly sourceKey: kms.IKey;

  /** Key of the curated zone. */
  public readonly curatedKey: kms.IKey;

  constructor(scope: Construct, id: string, props: DataLakeProps = {}) {
    super(scope, id);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;

    this.sourceKey = props.sourceKey ?? this.newKey('SourceKey', 'Data sources', removalPolicy);
    if (props.sourceKey !== undefined) grantLogs(props.sourceKey);
    this.curatedKey = props.curatedKey ?? this.newKey('CuratedKey', 'Published datasets', removalPolicy);
    const accessLogs = props.accessLogs ?? newAccessLogs(this, removalPolicy);
    this.sourceZone = this.newZone('SourceZone', this.sourceKey, accessLogs, removalPolicy);
    this.curatedZone = this.newZone('CuratedZone', this.curatedKey, accessLogs, removalPolicy);

    const stack = Stack.of(this);
    const database = new glue.CfnDatabase(this, 'Database', {
      catalogId: stack.account,
      databaseInput: {
        name: `cdk_mlops_${Names.uniqueResourceName(this, { maxLength: 100, separator: '_', allowedSpecialCharacters: '_' }).toLowerCase()}`,
        description: 'Published datasets',
        locationUri: `s3://${this.curatedZone.bucketName}/datasets/`,
      },
    });
    this.databaseName = database.ref;
    const queries = new DatasetQueries(this, 'Queries', {
      encryptionKey: this.curatedKey, accessLogs, removalPolicy, scanLimitInMegabytes: props.scanLimitInMegabytes ?? 102400,
    });
    this.queryResults = queries.results;
    this.workGroupName = queries.workGroupName;
    this.grants = DataLakeGrants.fromZones(this.sourceZone, this.curatedZone, this);
  }

  private newKey(id: string, description: string, removalPolicy: RemovalPolicy): kms.Key {
    const key = new kms.Key(this, id, { description, enableKeyRotation: true, removalPolicy });
    grantLogs(key);
    return key;
  }

  private newZone(id: string, encryptionKey: kms.IKey, accessLogs: s3.IBucket, removalPolicy: RemovalPolicy): s3.Bucket {
    const zone = new s3.Bucket(this, id, {
      ...encryptedBucket(encryptionKey),
      removalPolicy,
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7), noncurrentVersionExpiration: Duration.days(365) }],
    });
    logAccess(zone, accessLogs);
    // On the L1: the L2 would use a custom resource.
    (zone.node.defaultChild as s3.CfnBucket).addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled', true);
    return zone;
  }
}
