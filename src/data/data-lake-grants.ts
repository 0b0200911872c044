import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { grantObjects } from './object-access';
import { allow } from '../private/allow';

/** Folders of the curated zone. */
const DATASETS = 'datasets';

/** Where datasets are listed and queried. */
export interface DatasetCatalog {
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

/** Who may read and write the zones of a data lake. */
export class DataLakeGrants {
  /** The grants of a source zone and a curated zone, and of the catalog of the latter where there is one. */
  public static fromZones(sourceZone: s3.IBucket, curatedZone: s3.IBucket, catalog?: DatasetCatalog): DataLakeGrants {
    return new DataLakeGrants(sourceZone, curatedZone, catalog);
  }

  private constructor(private readonly sourceZone: s3.IBucket, private readonly curatedZone: s3.IBucket, private readonly catalog?: DatasetCatalog) {}

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

  /**
   * Lets somebody find published datasets in the Glue catalog and query them with Athena, in the lake's workgroup. Meant for
   * data scientists; it includes `readCurated`. In an account whose catalog Lake Formation guards, its own permissions on the
   * database are needed as well.
   *
   * @param grantee who gets the permission
   */
  public queryCurated(grantee: iam.IGrantable): iam.Grant {
    const { databaseName, workGroupName, queryResults } = this.catalog ?? {};
    if (databaseName === undefined || workGroupName === undefined || queryResults === undefined) {
      throw new Error('the data lake was made elsewhere: give its workGroupName and its queryResults, so that somebody can be let query');
    }
    const stack = Stack.of(this.curatedZone);
    const arn = (service: string, resource: string, resourceName?: string): string => stack.formatArn({ service, resource, resourceName });
    const tables = arn('glue', 'table', `${databaseName}/*`);
    return this.readCurated(grantee)
      .combine(allow(grantee, {
        actions: [
          'athena:GetQueryExecution', 'athena:GetQueryResults', 'athena:GetQueryResultsStream', 'athena:GetWorkGroup', 'athena:ListQueryExecutions',
          'athena:StartQueryExecution', 'athena:StopQueryExecution',
        ],
        resources: [arn('athena', 'workgroup', workGroupName)],
      }))
      .combine(allow(grantee, {
        actions: ['athena:GetDataCatalog', 'athena:GetDatabase', 'athena:GetTableMetadata', 'athena:ListDatabases', 'athena:ListTableMetadata'],
        resources: [arn('athena', 'datacatalog', 'AwsDataCatalog')],
      }))
      .combine(allow(grantee, {
        actions: ['glue:GetDatabase', 'glue:GetDatabases', 'glue:GetPartition', 'glue:GetPartitions', 'glue:GetTable', 'glue:GetTables'],
        resources: [arn('glue', 'catalog'), arn('glue', 'database', databaseName), tables],
        because: 'Each dataset has a table of its own.',
      }))
      .combine(allow(grantee, { actions: ['s3:GetBucketLocation'], resources: [queryResults.bucketArn] }))
      .combine(grantObjects(grantee, {
        bucket: queryResults,
        actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'],
        list: true,
        writes: true,
        reason: 'Athena names the result of a query after the execution id that it draws.',
      }));
  }

  private grant(grantee: iam.IGrantable, bucket: s3.IBucket, prefix: string | undefined, actions: string[], writes: boolean): iam.Grant {
    return grantObjects(grantee, { bucket, prefix, actions, list: true, writes, reason: 'Objects of a zone come and go; the prefix is the scope.' });
  }
}
