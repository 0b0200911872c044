import * as path from 'path';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { grantObjects } from './object-access';
import { allow } from '../private/allow';

/** Where a job finds a script. */
export interface DataScriptConfig {
  /** Bucket of the script. */
  readonly bucket: s3.IBucket;

  /** Key of the script in its bucket. */
  readonly objectKey: string;
}

/**
 * A data pipeline's PySpark script: a Python file that defines `transform(spark, source)`, which returns the DataFrame
 * to publish, and optionally `RULES`, a list of quality rules of its own. `source` is the URI of the source files.
 *
 * @example
 * declare const bucket: s3.IBucket;
 * const script = DataScript.fromBucket(bucket, 'pipelines/weather.py');
 */
export abstract class DataScript {
  /** A Python file beside the app. */
  public static fromAsset(file: string): DataScript {
    return new ScriptFile(file);
  }

  /** A Python file in a bucket. Who may write there decides what the pipeline does. */
  public static fromBucket(bucket: s3.IBucket, key: string): DataScript {
    return new ScriptObject(bucket, key);
  }

  /**
   * Makes the script available to a job.
   *
   * @param scope construct that the script belongs to
   * @param reader who reads it
   */
  public abstract bind(scope: Construct, reader: iam.IGrantable): DataScriptConfig;

  /**
   * What is wrong with it.
   * @internal
   */
  public abstract _problems(): string[];
}

class ScriptFile extends DataScript {
  constructor(private readonly file: string) {
    super();
  }

  public bind(scope: Construct, reader: iam.IGrantable): DataScriptConfig {
    const asset = new assets.Asset(scope, 'Script', { path: this.file });
    grantObjects(reader, {
      bucket: asset.bucket, actions: ['s3:GetObject'], reason: 'The assets of an app are named by their content, and change with it.',
    });
    return { bucket: asset.bucket, objectKey: asset.s3ObjectKey };
  }

  public _problems(): string[] {
    return path.extname(this.file) === '.py' ? [] : [`the script must be a Python file (.py), got ${this.file}`];
  }
}

class ScriptObject extends DataScript {
  constructor(private readonly bucket: s3.IBucket, private readonly key: string) {
    super();
  }

  public bind(_scope: Construct, reader: iam.IGrantable): DataScriptConfig {
    allow(reader, { actions: ['s3:GetObject'], resources: [this.bucket.arnForObjects(this.key)] });
    if (this.bucket.encryptionKey) allow(reader, { actions: ['kms:Decrypt'], resources: [this.bucket.encryptionKey.keyArn] });
    return { bucket: this.bucket, objectKey: this.key };
  }

  public _problems(): string[] {
    return path.extname(this.key) === '.py' ? [] : [`the script must be a Python file (.py), got ${this.key}`];
  }
}
