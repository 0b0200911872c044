import { Duration, Names, RemovalPolicy, Resource, Stack } from 'aws-cdk-lib';
import * as athena from 'aws-cdk-lib/aws-athena';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct, IConstruct } from 'constructs';
import { observationTables } from './observation-tables';
import { logAccess, sendAccessLogs } from '../private/access-logs';
import { allow } from '../private/allow';
import { encryptedBucket } from '../private/encrypted-bucket';
import { grantLogs } from '../private/handler-defaults';
import { Problems } from '../private/problems';

/** Where the predictions of endpoints and the truth about them are kept and can be queried. */
export interface IObservationStore extends IConstruct {
  /** Holds `captures/`, `ground-truth/`, `deployments/`, `scaling/`, `quality/` and `query-results/`. */
  readonly bucket: s3.IBucket;
  /** The Glue database with the tables `captures`, `ground_truth` and `deployments`. */
  readonly databaseName: string;
  /** The Athena workgroup that queries run in. */
  readonly workGroupName: string;
  /** The key of the bucket and of query results. */
  readonly encryptionKey?: kms.IKey;
  /** Lets a principal run queries over the observations in the workgroup and read their results. */
  grantQuery(grantee: iam.IGrantable): void;
  /** Lets a principal read the results of queries that others ran in the workgroup. */
  grantReadResults(grantee: iam.IGrantable): void;
  /** Lets an endpoint's execution role write captures. */
  grantCapture(grantee: iam.IGrantable): void;
  /** Lets a principal say which version an endpoint configuration serves. */
  grantRecordDeployment(grantee: iam.IGrantable): void;
}

/** What identifies an existing observation store. */
export interface ObservationStoreAttributes {
  /** The bucket, with the folders that `IObservationStore.bucket` names. */
  readonly bucket: s3.IBucket;
  /** The Glue database. */
  readonly databaseName: string;
  /** The Athena workgroup. */
  readonly workGroupName: string;
  /**
   * The key of the bucket and of query results.
   *
   * @default - the bucket's own key, if it has one
   */
  readonly encryptionKey?: kms.IKey;
}

/** Properties of an `ObservationStore`. */
export interface ObservationStoreProps {
  /**
   * Encrypts the bucket and the query results.
   *
   * @default - a key of its own, with yearly rotation
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Receives the bucket's access logs. It must use S3-managed encryption.
   *
   * @default - a bucket of its own, which keeps them for a year
   */
  readonly accessLogs?: s3.IBucket;
  /**
   * How long captures and ground truth are kept.
   *
   * @default - forever
   */
  readonly retention?: Duration;
  /**
   * The most that one query may read, in megabytes: a brake on cost.
   *
   * @default 102400
   */
  readonly scanLimitInMegabytes?: number;
  /**
   * What happens to the observations when the store is removed from its stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

abstract class ObservationStoreBase extends Resource implements IObservationStore {
  public abstract readonly bucket: s3.IBucket;
  public abstract readonly databaseName: string;
  public abstract readonly workGroupName: string;
  public abstract readonly encryptionKey?: kms.IKey;

  public grantQuery(grantee: iam.IGrantable): void {
    const stack = Stack.of(this);
    const observed = ['captures', 'ground-truth', 'deployments'];
    allow(grantee, {
      actions: ['athena:GetQueryExecution', 'athena:GetQueryResults', 'athena:StartQueryExecution', 'athena:StopQueryExecution'],
      resources: [this.workGroupArn()],
    });
    allow(grantee, {
      actions: ['athena:GetDataCatalog'],
      resources: [stack.formatArn({ service: 'athena', resource: 'datacatalog', resourceName: 'AwsDataCatalog' })],
    });
    allow(grantee, {
      actions: ['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable'],
      resources: [
        stack.formatArn({ service: 'glue', resource: 'catalog' }),
        stack.formatArn({ service: 'glue', resource: 'database', resourceName: this.databaseName }),
        ...['captures', 'ground_truth', 'deployments'].map((table) =>
          stack.formatArn({ service: 'glue', resource: 'table', resourceName: `${this.databaseName}/${table}` })),
      ],
    });
    allow(grantee, { actions: ['s3:GetBucketLocation'], resources: [this.bucket.bucketArn] });
    allow(grantee, {
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': [...observed, 'query-results'].map((folder) => `${folder}/*`) } },
    });
    allow(grantee, {
      actions: ['s3:GetObject'],
      resources: observed.map((folder) => this.bucket.arnForObjects(`${folder}/*`)),
      because: 'A query reads every object below the folders of the tables that it names',
    });
    allow(grantee, {
      actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'],
      resources: [this.bucket.arnForObjects('query-results/*')],
      because: 'Athena names the result of a query after the execution id that it draws',
    });
    this.allowKey(grantee, ['kms:Decrypt', 'kms:GenerateDataKey']);
  }

  public grantReadResults(grantee: iam.IGrantable): void {
    allow(grantee, { actions: ['athena:GetQueryExecution', 'athena:GetQueryResults'], resources: [this.workGroupArn()] });
    allow(grantee, {
      actions: ['s3:GetObject'],
      resources: [this.bucket.arnForObjects('query-results/*')],
      because: 'Athena names the result of a query after the execution id that it draws',
    });
    this.allowKey(grantee, ['kms:Decrypt']);
  }

  public grantCapture(grantee: iam.IGrantable): void {
    allow(grantee, {
      actions: ['s3:PutObject'],
      resources: [this.bucket.arnForObjects('captures/*')],
      because: 'SageMaker names captures by endpoint configuration, variant, hour and an id that it draws',
    });
    this.allowKey(grantee, ['kms:Decrypt', 'kms:GenerateDataKey']);
  }

  public grantRecordDeployment(grantee: iam.IGrantable): void {
    allow(grantee, {
      actions: ['s3:PutObject'],
      resources: [this.bucket.arnForObjects('deployments/*')],
      because: 'There is one object for each endpoint configuration, and each release makes new ones',
    });
    this.allowKey(grantee, ['kms:Decrypt', 'kms:GenerateDataKey']);
  }

  private workGroupArn(): string {
    return Stack.of(this).formatArn({ service: 'athena', resource: 'workgroup', resourceName: this.workGroupName });
  }

  private allowKey(grantee: iam.IGrantable, actions: string[]): void {
    if (this.encryptionKey !== undefined) allow(grantee, { actions, resources: [this.encryptionKey.keyArn] });
  }
}

/**
 * Keeps what endpoints predicted and what turned out to be true, as JSON lines in S3, and makes both queryable with
 * Athena without any crawling: the tables find their hours by partition projection.
 *
 * - `captures/<endpoint configuration>/<endpoint>/<variant>/yyyy/mm/dd/hh/*.jsonl`: SageMaker Data Capture
 * - `ground-truth/yyyy/mm/dd/hh/*.jsonl`: labels by the hour they arrived, in Model Monitor's ground-truth format
 * - `deployments/<endpoint configuration>.jsonl`: the version behind each variant, with its accepted evaluation
 * - `scaling/<endpoint configuration>.json`: how the production fleet was scaled when a release replaced it
 * - `quality/`: reports of `QualityMonitor`; `query-results/`: results of queries, kept for a week
 *
 * @example
 * new ObservationStore(this, 'Observations', { retention: Duration.days(400) });
 */
export class ObservationStore extends ObservationStoreBase {
  /** Refers to an existing store. */
  public static fromObservationStoreAttributes(scope: Construct, id: string, attributes: ObservationStoreAttributes): IObservationStore {
    class Import extends ObservationStoreBase {
      public readonly bucket = attributes.bucket;
      public readonly databaseName = attributes.databaseName;
      public readonly workGroupName = attributes.workGroupName;
      public readonly encryptionKey = attributes.encryptionKey ?? attributes.bucket.encryptionKey;
    }
    return new Import(scope, id);
  }

  public readonly bucket: s3.IBucket;
  public readonly databaseName: string;
  public readonly workGroupName: string;
  public readonly encryptionKey?: kms.IKey;

  constructor(scope: Construct, id: string, props: ObservationStoreProps = {}) {
    super(scope, id);
    const scanLimit = props.scanLimitInMegabytes ?? 102400;
    new Problems(this)
      .check(scanLimit >= 10, `scanLimitInMegabytes must be at least 10, Athena's least, got ${scanLimit}`)
      .throwIfAny();
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const key = props.encryptionKey ?? this.createKey(removalPolicy);
    this.encryptionKey = key;
    this.bucket = this.createBucket(props, key, removalPolicy);

    this.databaseName = `cdk_mlops_${Names.uniqueResourceName(this, { maxLength: 60, separator: '_' }).toLowerCase()}`;
    observationTables(this, this.databaseName, this.bucket);

    this.workGroupName = `cdk-mlops-${Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }).toLowerCase()}`;
    new athena.CfnWorkGroup(this, 'WorkGroup', {
      name: this.workGroupName,
      description: 'Queries over captured predictions and ground truth',
      recursiveDeleteOption: removalPolicy === RemovalPolicy.DESTROY,
      workGroupConfiguration: {
        bytesScannedCutoffPerQuery: scanLimit * 1024 * 1024,
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: this.bucket.s3UrlForObject('query-results/'),
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: key.keyArn },
        },
      },
    });
  }

  private createKey(removalPolicy: RemovalPolicy): kms.Key {
    const key = new kms.Key(this, 'Key', { description: 'Captured predictions and ground truth', enableKeyRotation: true, removalPolicy });
    grantLogs(key);
    return key;
  }

  private createBucket(props: ObservationStoreProps, encryptionKey: kms.IKey, removalPolicy: RemovalPolicy): s3.Bucket {
    const expiration = props.retention;
    const bucket = new s3.Bucket(this, 'Bucket', {
      ...encryptedBucket(encryptionKey),
      removalPolicy,
      lifecycleRules: [
        { id: 'query-results', prefix: 'query-results/', expiration: Duration.days(7), noncurrentVersionExpiration: Duration.days(1) },
        ...expiration === undefined ? [] : ['captures/', 'ground-truth/'].map((prefix) => ({ id: prefix.slice(0, -1), prefix, expiration })),
        { id: 'leftovers', abortIncompleteMultipartUploadAfter: Duration.days(7), noncurrentVersionExpiration: Duration.days(30) },
      ],
    });
    if (props.accessLogs === undefined) sendAccessLogs(bucket, this, removalPolicy);
    else logAccess(bucket, props.accessLogs);
    return bucket;
  }
}
