import { Stack } from 'aws-cdk-lib';
import * as glue from 'aws-cdk-lib/aws-glue';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** Hours as the folders write them, from before any of them to the hour that a query runs in. */
const hours = {
  'projection.datehour.type': 'date',
  'projection.datehour.format': 'yyyy/MM/dd/HH',
  'projection.datehour.range': '2000/01/01/00,NOW',
  'projection.datehour.interval': '1',
  'projection.datehour.interval.unit': 'HOURS',
};

const payload = 'struct<observedcontenttype:string,mode:string,data:string,encoding:string>';

/** The Glue database over the folders of an observation store. */
export function observationTables(scope: Construct, databaseName: string, bucket: s3.IBucket): void {
  const catalogId = Stack.of(scope).account;
  const database = new glue.CfnDatabase(scope, 'Database', {
    catalogId,
    databaseInput: { name: databaseName, description: 'Captured predictions, ground truth and deployments of models' },
  });
  const table = (id: string, name: string, folder: string, columns: Column[], partitions: Column[], parameters: Record<string, string>): void => {
    new glue.CfnTable(scope, id, {
      catalogId,
      databaseName,
      tableInput: {
        name,
        tableType: 'EXTERNAL_TABLE',
        parameters: { classification: 'json', ...parameters },
        partitionKeys: partitions,
        storageDescriptor: {
          columns,
          location: bucket.s3UrlForObject(`${folder}/`),
          inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
          serdeInfo: {
            serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe',
            parameters: { 'ignore.malformed.json': 'true', 'case.insensitive': 'true' },
          },
        },
      },
    }).node.addDependency(database);
  };

  table('Captures', 'captures', 'captures', [
    column('capturedata', `struct<endpointinput:${payload},endpointoutput:${payload}>`),
    column('eventmetadata', 'struct<eventid:string,inferenceid:string,inferencetime:string>'),
    column('eventversion', 'string'),
  ], ['config_name', 'endpoint', 'variant', 'datehour'].map((name) => column(name, 'string')), {
    'projection.enabled': 'true',
    'projection.config_name.type': 'injected',
    'projection.endpoint.type': 'injected',
    'projection.variant.type': 'injected',
    ...hours,
    'storage.location.template': bucket.s3UrlForObject('captures/${config_name}/${endpoint}/${variant}/${datehour}/'),
  });

  table('GroundTruth', 'ground_truth', 'ground-truth', [
    column('groundtruthdata', 'struct<data:string,encoding:string>'),
    column('eventmetadata', 'struct<eventid:string,eventtime:string>'),
    column('eventversion', 'string'),
  ], [column('datehour', 'string')], {
    'projection.enabled': 'true',
    ...hours,
    'storage.location.template': bucket.s3UrlForObject('ground-truth/${datehour}/'),
  });

  table('Deployments', 'deployments', 'deployments', [
    ...['config_name', 'variant', 'version'].map((name) => column(name, 'string')),
    ...['mse', 'rmse', 'mae', 'r2'].map((name) => column(name, 'double')),
    column('released_at', 'string'),
  ], [], {});
}

interface Column {
  readonly name: string;
  readonly type: string;
}

const column = (name: string, type: string): Column => ({ name, type });
