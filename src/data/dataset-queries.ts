import { Duration, Names, RemovalPolicy } from 'aws-cdk-lib';
import * as athena from 'aws-cdk-lib/aws-athena';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { logAccess } from '../private/access-logs';
import { encryptedBucket } from '../private/encrypted-bucket';
import { Problems } from '../private/problems';

export interface DatasetQueriesProps {
  readonly encryptionKey: kms.IKey;
  readonly accessLogs: s3.IBucket;
  readonly removalPolicy: RemovalPolicy;
  readonly scanLimitInMegabytes: number;
}

/** Where people query datasets: a workgroup, and a bucket for what their queries give, apart from the datasets themselves. */
export class DatasetQueries extends Construct {
  public readonly results: s3.IBucket;
  public readonly workGroupName: string;

  constructor(scope: Construct, id: string, props: DatasetQueriesProps) {
    super(scope, id);
    const { encryptionKey, removalPolicy, scanLimitInMegabytes } = props;
    new Problems(this)
      .check(scanLimitInMegabytes >= 10, `scanLimitInMegabytes must be at least 10, Athena's least, got ${scanLimitInMegabytes}`)
      .throwIfAny();
    const results = new s3.Bucket(this, 'Results', {
      ...encryptedBucket(encryptionKey),
      removalPolicy,
      lifecycleRules: [{
        expiration: Duration.days(7), noncurrentVersionExpiration: Duration.days(1), abortIncompleteMultipartUploadAfter: Duration.days(1),
      }],
    });
    logAccess(results, props.accessLogs);
    this.results = results;
    this.workGroupName = `datasets-${Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }).toLowerCase()}`;
    new athena.CfnWorkGroup(this, 'WorkGroup', {
      name: this.workGroupName,
      description: 'Queries over published datasets',
      recursiveDeleteOption: removalPolicy === RemovalPolicy.DESTROY,
      workGroupConfiguration: {
        bytesScannedCutoffPerQuery: scanLimitInMegabytes * 1024 * 1024,
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: results.s3UrlForObject('results/'),
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: encryptionKey.keyArn },
        },
      },
    });
  }
}
