import { CfnResource, Stack } from 'aws-cdk-lib';
import * as athena from 'aws-cdk-lib/aws-athena';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as glue from 'aws-cdk-lib/aws-glue';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';

/** What the examples import, as its owner's app has it: resources of CloudFormation, and nothing of this library. */
export const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/0d5a3c7e-2f0b-4d7b-9d0e-1c4f6f0a9b1e';
export const GROUP = 'house-prices';
export const ENDPOINT = 'house-prices';
export const ARTIFACTS = 'house-prices-artifacts';
export const OBSERVATIONS = 'house-prices-observations';
export const MODEL_ROLE = 'house-prices-model';
export const IMAGE = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/house-prices:1';
export const METRICS = 'HousePrices';

/** The group of model packages, the bucket of their artifacts and the repository of their images. */
export function ownedRegistry(stack: Stack): void {
  new sagemaker.CfnModelPackageGroup(stack, 'Group', { modelPackageGroupName: GROUP });
  bucket(stack, 'Artifacts', ARTIFACTS);
  new ecr.CfnRepository(stack, 'Images', { repositoryName: 'house-prices' });
}

/** A role with what its owner lets it do, to which others' apps may add. */
export function ownedRole(stack: Stack, name: string, service: string, ...statements: [actions: string[], ...resources: string[]][]): void {
  new iam.CfnRole(stack, name, {
    roleName: name,
    assumeRolePolicyDocument: document({ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }),
    policies: statements.length === 0 ? [] : [{
      policyName: 'own', policyDocument: document(...statements.map(([Action, ...Resource]) => ({ Effect: 'Allow', Action, Resource }))),
    }],
  });
}

/** All that an endpoint has which no library has made: where its observations are, the role of its models, alarms on it. */
export function ownedEndpoint(stack: Stack): void {
  ownedRegistry(stack);
  bucket(stack, 'Observations', OBSERVATIONS);
  ownedTables(stack);
  new athena.CfnWorkGroup(stack, 'Queries', {
    name: 'house-prices', workGroupConfiguration: { resultConfiguration: { outputLocation: `s3://${OBSERVATIONS}/query-results/` } },
  });
  ownedRole(stack, MODEL_ROLE, 'sagemaker.amazonaws.com',
    [['s3:GetObject', 's3:ListBucket'], `arn:aws:s3:::${ARTIFACTS}`, `arn:aws:s3:::${ARTIFACTS}/*`],
    [['s3:PutObject'], `arn:aws:s3:::${OBSERVATIONS}/captures/*`],
    [['kms:Decrypt', 'kms:GenerateDataKey'], KEY],
    [['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'], 'arn:aws:ecr:eu-central-1:111122223333:repository/house-prices'],
    [['ecr:GetAuthorizationToken'], '*']);
  ownedRole(stack, 'delivery', 'codebuild.amazonaws.com');
  for (const alarmName of ['orders-waiting', 'house-prices-rmse']) {
    new cloudwatch.CfnAlarm(stack, alarmName, {
      alarmName,
      namespace: METRICS,
      metricName: alarmName,
      period: 60,
      evaluationPeriods: 1,
      statistic: 'Maximum',
      comparisonOperator: 'GreaterThanThreshold',
      threshold: 10,
      treatMissingData: 'ignore',
    });
  }
}

/** Tables over captures, ground truth and deployments, written out by hand. */
function ownedTables(stack: Stack): void {
  const database = new glue.CfnDatabase(stack, 'Database', { catalogId: stack.account, databaseInput: { name: 'house_prices' } });
  const payload = 'struct<observedcontenttype:string,mode:string,data:string,encoding:string>';
  const hours = {
    'projection.enabled': 'true',
    'projection.datehour.type': 'date',
    'projection.datehour.format': 'yyyy/MM/dd/HH',
    'projection.datehour.range': '2010/01/01/00,NOW',
    'projection.datehour.interval': '1',
    'projection.datehour.interval.unit': 'HOURS',
  };
  table(database, 'captures', 'captures/', {
    capturedata: `struct<endpointinput:${payload},endpointoutput:${payload}>`,
    eventmetadata: 'struct<eventid:string,inferenceid:string,inferencetime:string>',
  }, ['config_name', 'endpoint', 'variant', 'datehour'], {
    ...hours,
    'projection.config_name.type': 'injected',
    'projection.endpoint.type': 'injected',
    'projection.variant.type': 'injected',
    'storage.location.template': `s3://${OBSERVATIONS}/captures/\${config_name}/\${endpoint}/\${variant}/\${datehour}/`,
  });
  table(database, 'ground_truth', 'ground-truth/', {
    groundtruthdata: 'struct<data:string,encoding:string>', eventmetadata: 'struct<eventid:string,eventtime:string>',
  }, ['datehour'], { ...hours, 'storage.location.template': `s3://${OBSERVATIONS}/ground-truth/\${datehour}/` });
  table(database, 'deployments', 'deployments/', {
    config_name: 'string', variant: 'string', version: 'string', mse: 'double', rmse: 'double', mae: 'double', r2: 'double', released_at: 'string',
  }, [], {});
}

function table(
  database: CfnResource, name: string, folder: string, columns: Record<string, string>, partitions: string[], parameters: Record<string, string>,
): void {
  new glue.CfnTable(database.stack, name, {
    catalogId: database.stack.account,
    databaseName: 'house_prices',
    tableInput: {
      name,
      tableType: 'EXTERNAL_TABLE',
      parameters: { classification: 'json', ...parameters },
      partitionKeys: partitions.map((partition) => ({ name: partition, type: 'string' })),
      storageDescriptor: {
        columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })),
        location: `s3://${OBSERVATIONS}/${folder}`,
        inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
        outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
        serdeInfo: { serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe', parameters: { 'ignore.malformed.json': 'true' } },
      },
    },
  }).node.addDependency(database);
}

function bucket(stack: Stack, id: string, bucketName: string): void {
  new s3.CfnBucket(stack, id, {
    bucketName,
    bucketEncryption: { serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: KEY } }] },
  });
}

function document(...Statement: object[]): object {
  return { Version: '2012-10-17', Statement };
}
