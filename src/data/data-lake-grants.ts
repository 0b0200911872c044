import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { grantObjects } from './object-access';

/** Folders of the curated zone. */
const DATASETS = 'datasets';

/** Who may read and write the zones of a data lake. */
export class DataLakeGrants {
  /** The grants of a source zone and a curated zone. */
  public static fromZones(sourceZone: s3.IBucket, curatedZone: s3.IBucket): DataLakeGrants {
    return new DataLakeGrants(sourceZone, curatedZone);
  }

  private constructor(private readonly sourceZone: s3.IBucket, private readonly curatedZone: s3.IBucket) {}

  /**
   * Lets somebody list and read the source zone. Meant for data engineers and their pipelines.
   *
   * @param grantee who gets the permission
   * @param prefix only what is below it; without one, the whole zone
   */
  public readSources(grantee: iam.IGrantable, prefix?: string): iam.Grant {
    return this.grant(grantee, this.sourceZone, prefix, ['s3:GetObject', 's3:GetObjectVersion'], false);
  }

  /**
   * Lets somebody add, replace and remove files of the source zone. Meant for data engineers.
   *
   * @param grantee who gets the permission
   * @param prefix only what is below it; without one, the whole zone
   */
  public writeSources(grantee: iam.IGrantable, prefix?: string): iam.Grant {
    return this.grant(grantee, this.sourceZone, prefix, ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:PutObject'], true);
  }

  /**
   * Lets somebody read published datasets. Meant for data scientists and training.
   *
   * @param grantee who gets the permission
   * @param datasetName only this dataset; without one, every dataset
   */
  public readCurated(grantee: iam.IGrantable, datasetName?: string): iam.Grant {
    const prefix = datasetName === undefined ? DATASETS : `${DATASETS}/${datasetName}`;
    return this.grant(grantee, this.curatedZone, prefix, ['s3:GetObject', 's3:GetObjectVersion'], false);
  }

  /**
   * Lets somebody read what pipeline runs reported, also of runs that published nothing. Meant for data engineers.
   *
   * @param grantee who gets the permission
   */
  public readRuns(grantee: iam.IGrantable): iam.Grant {
    return this.grant(grantee, this.curatedZone, 'runs', ['s3:GetObject'], false);
  }

  private grant(grantee: iam.IGrantable, bucket: s3.IBucket, prefix: string | undefined, actions: string[], writes: boolean): iam.Grant {
    return grantObjects(grantee, { bucket, prefix, actions, list: true, writes, reason: 'Objects of a zone come and go; the prefix is the scope.' });
  }
}
