import { AthenaClient, GetQueryExecutionCommand, GetQueryResultsCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { CreateTableCommand, GlueClient, UpdateTableCommand } from '@aws-sdk/client-glue';

import { TinyCloud } from './support/tiny-cloud';
import { Athena } from '../../examples/local/athena/athena';
import { Glue } from '../../examples/local/glue/glue';

const hours = {
  'projection.datehour.type': 'date',
  'projection.datehour.format': 'yyyy/MM/dd/HH',
  'projection.datehour.range': '2013/01/01/00,NOW',
  'projection.datehour.interval': '1',
  'projection.datehour.interval.unit': 'HOURS',
};
const serde = { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe', Parameters: { 'ignore.malformed.json': 'true' } };
const column = (name: string, type = 'string') => ({ Name: name, Type: type });

const capture = (id: string, data: string, time: string) => JSON.stringify({
  captureData: { endpointOutput: { observedContentType: 'text/csv', mode: 'OUTPUT', data, encoding: 'CSV' } },
  eventMetadata: { eventId: `e-${id}`, inferenceId: id, inferenceTime: time },
  eventVersion: '0',
});

describe('Athena', () => {
  const cloud = new TinyCloud([new Glue(), new Athena()], new Date('2013-06-01T00:30:00Z'));

  async function query(sql: string, options: { parameters?: string[]; pageSize?: number } = {}) {
    const athena = cloud.client(AthenaClient);
    const { QueryExecutionId: id } = await athena.send(new StartQueryExecutionCommand({
      QueryString: sql, WorkGroup: 'quality', QueryExecutionContext: { Database: 'observations' }, ExecutionParameters: options.parameters,
    }));
    await cloud.clock.settle();
    const { QueryExecution: execution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
    const rows: (string | undefined)[][] = [];
    let columns: (string | undefined)[] = [];
    for (let token: string | undefined, more = execution?.Status?.State === 'SUCCEEDED'; more; more = token !== undefined) {
      const page = await athena.send(new GetQueryResultsCommand({ QueryExecutionId: id, NextToken: token, MaxResults: options.pageSize }));
      rows.push(...page.ResultSet?.Rows?.map(({ Data: data }) => data?.map(({ VarCharValue: value }) => value) ?? []) ?? []);
      columns = page.ResultSet?.ResultSetMetadata?.ColumnInfo?.map(({ Type: type }) => type) ?? [];
      token = page.NextToken;
    }
    return { id, execution, rows, columns };
  }

  beforeAll(async () => {
    await cloud.start('store');
    await cloud.create('AWS::Athena::WorkGroup', 'WorkGroup', {
      Name: 'quality', WorkGroupConfiguration: { EnforceWorkGroupConfiguration: true, ResultConfiguration: { OutputLocation: 's3://store/query-results/' } },
    });
    await cloud.create('AWS::Glue::Database', 'Database', { CatalogId: '1', DatabaseInput: { Name: 'observations' } });
    const table = async (name: string, input: object) => cloud.create('AWS::Glue::Table', name, {
      CatalogId: '1', DatabaseName: 'observations', TableInput: { Name: name, ...input },
    });
    await table('captures', {
      PartitionKeys: ['config_name', 'variant', 'datehour'].map((name) => column(name)),
      Parameters: {
        'projection.enabled': 'true',
        'projection.config_name.type': 'injected',
        'projection.variant.type': 'injected',
        ...hours,
        'storage.location.template': 's3://store/captures/${config_name}/e/${variant}/${datehour}/',
      },
      StorageDescriptor: {
        Location: 's3://store/captures/',
        Columns: [
          column('capturedata', 'struct<endpointinput:struct<data:string>,endpointoutput:struct<data:string,encoding:string>>'),
          column('eventmetadata', 'struct<eventid:string,inferenceid:string,inferencetime:string>'),
        ],
        SerdeInfo: serde,
      },
    });
    await table('deployments', {
      StorageDescriptor: { Location: 's3://store/deployments/', Columns: [column('config_name'), column('mse', 'double'), column('count', 'bigint')], SerdeInfo: serde },
    });
    for (let hour = 0; hour < 31 * 24; hour++) {
      const time = new Date(Date.UTC(2013, 4, 1, hour)).toISOString();
      const folder = time.slice(0, 13).replace(/[-T]/g, '/');
      await cloud.s3.put('store', `captures/c1/e/AllTraffic/${folder}/a.jsonl`, `${capture(`r${hour}`, `${hour}.5\n`, time)}\n`);
    }
    await cloud.s3.put('store', 'captures/c2/e/AllTraffic/2013/05/01/00/a.jsonl', `${capture('other', '1', '2013-05-01T00:00:00Z')}\n`);
    await cloud.s3.put('store', 'captures/c1/e/AllTraffic/2013/06/01/01/a.jsonl', `${capture('future', '1', '2013-06-01T01:00:00Z')}\n`);
  });

  afterAll(async () => cloud.stop());

  const all = "FROM captures WHERE config_name = 'c1' AND variant IN ('AllTraffic', 'Shadow')";

  test('answers as Athena does: header row, text values, nothing for NULL', async () => {
    const { rows, columns } = await query(`
      SELECT eventMetadata.inferenceId AS id, TRY_CAST(trim(capturedata.endpointoutput.data) AS DOUBLE) AS y, 1E10 AS big, 1E-4 AS small, 0E0 AS zero,
        CAST(NULL AS BIGINT) AS nothing, TIMESTAMP '2013-05-01 03:00:00' AS at, datehour, true AS yes, 'it''s "so"' AS said
      ${all} AND datehour = '2013/05/01/03'`);
    expect(rows).toEqual([
      ['id', 'y', 'big', 'small', 'zero', 'nothing', 'at', 'datehour', 'yes', 'said'],
      ['r3', '3.5', '1.0E10', '1.0E-4', '0.0', undefined, '2013-05-01 03:00:00.000', '2013/05/01/03', 'true', 'it\'s "so"'],
    ]);
    expect(columns.slice(0, 7)).toEqual(['varchar', 'double', 'double', 'double', 'double', 'bigint', 'timestamp']);
  });

  test('reads only what its conditions leave, and what is new since', async () => {
    const hour = "BETWEEN '2013/05/02/00' AND '2013/05/02/23'";
    const before = await query(`WITH c AS (SELECT * ${all} AND datehour ${hour}) SELECT count(*) AS n FROM c`);
    expect(before.rows[1]).toEqual(['24']);
    await cloud.s3.put('store', 'captures/c1/e/Shadow/2013/05/02/07/late.jsonl', `${capture('late', '1', '2013-05-02T07:00:00Z')}\nnot json\n`);
    const after = await query(`SELECT count(*) AS n, count(eventmetadata.inferenceid) AS ids ${all} AND datehour ${hour}`);
    expect(after.rows[1]).toEqual(['26', '25']);
    const scanned = after.execution?.Statistics?.DataScannedInBytes ?? 0;
    expect(scanned).toBeGreaterThan(24 * 200);
    expect(scanned).toBeLessThan(25 * 300);
  });

  test('follows an object that is overwritten or removed', async () => {
    expect((await query('SELECT count(*) FROM deployments')).rows[1]).toEqual(['0']);
    await cloud.s3.put('store', 'deployments/c1.jsonl', '{"config_name":"c1","MSE":"2.5","count":3}\n');
    expect((await query('SELECT * FROM deployments')).rows).toEqual([['config_name', 'mse', 'count'], ['c1', '2.5', '3']]);
    await cloud.s3.put('store', 'deployments/c1.jsonl', '{"config_name":"c1","mse":9.5,"count":4}\n');
    expect((await query('SELECT mse, count FROM "observations"."deployments"')).rows[1]).toEqual(['9.5', '4']);
  });

  test('leaves out partitions beyond NOW until the clock is there', async () => {
    const sql = `SELECT count(*) ${all} AND datehour >= '2013/06/01/00'`;
    expect((await query(sql)).rows[1]).toEqual(['0']);
    await cloud.clock.advanceTo(new Date('2013-06-01T01:00:00Z'));
    expect((await query(sql)).rows[1]).toEqual(['1']);
  });

  test('a month of hourly files is the same once seen', async () => {
    const month = `SELECT count(*) AS n, sum(TRY_CAST(trim(capturedata.endpointoutput.data) AS DOUBLE)) AS s ${all} AND datehour BETWEEN '2013/05/01/00' AND '2013/05/31/23'`;
    const first = await query(month);
    const again = await query(month);
    expect(again.rows).toEqual(first.rows);
    expect(again.rows[1][0]).toBe('746');
  });

  test('pages, and leaves the result in S3', async () => {
    const { id, rows, execution } = await query("SELECT x AS x, CASE WHEN x > 1 THEN 'a,\"b' END AS t FROM (VALUES (1), (2), (3)) AS v(x) ORDER BY 1", { pageSize: 2 });
    expect(rows.map(([x]) => x)).toEqual(['x', '1', '2', '3']);
    expect(execution?.ResultConfiguration?.OutputLocation).toBe(`s3://store/query-results/${id}.csv`);
    expect((await cloud.s3.get('store', `query-results/${id}.csv`)).toString()).toBe('"x","t"\n"1",\n"2","a,""b"\n"3","a,""b"\n');
  });

  test('binds execution parameters', async () => {
    expect((await query("SELECT '?' AS q, ? AS x -- ?", { parameters: ["'v'"] })).rows[1]).toEqual(['?', 'v']);
  });

  test.each([
    ['an injected column without a value', "SELECT 1 FROM captures WHERE config_name = 'c1'", /CONSTRAINT_VIOLATION: For the injected projected partition column variant/],
    ['an injected column with a range', "SELECT 1 FROM captures WHERE variant = 'a' AND config_name > 'c1'", /injected projected partition column config_name/],
    ['an unknown table', 'SELECT 1 FROM nowhere', /TABLE_NOT_FOUND.*observations.nowhere/],
    ['an unknown column', 'SELECT nope FROM deployments', /nope/],
    ['a statement that is no SELECT', 'DROP TABLE deployments', /does not support DROP TABLE in Athena/],
    ['no SQL at all', 'SELEC 1', /SYNTAX_ERROR/],
  ])('fails on %s', async (_, sql, reason) => {
    const { execution } = await query(sql);
    expect(execution?.Status?.State).toBe('FAILED');
    expect(execution?.Status?.StateChangeReason).toMatch(reason);
  });

  test('the union of alternatives is read where each names its partition', async () => {
    const { rows } = await query("SELECT count(*) FROM captures WHERE (config_name = 'c2' AND variant = 'AllTraffic') OR (config_name = 'c1' AND variant = 'Shadow')");
    expect(rows[1]).toEqual(['3']);
  });

  const one = "config_name = 'c1' AND variant = 'AllTraffic'";
  test.each([
    ['a condition that excludes takes nothing away', `${one} AND NOT (datehour = '2013/05/01/00')`, '744'],
    ['an alternative about something else takes nothing away', `${one} AND (datehour = '2013/05/01/00' OR eventmetadata.inferenceid = 'r5')`, '2'],
    ['a constant may stand first', `${one} AND '2013/05/01/02' > datehour AND '2013/05/01/00' <= datehour`, '2'],
    ['conditions are all kept', `${one} AND datehour IN ('2013/05/01/00', '2013/05/02/00') AND datehour < '2013/05/02/00'`, '1'],
    ['contradictions leave nothing', `${one} AND config_name = 'c2'`, '0'],
    ['a value that is computed does not prune', `${one} AND datehour = substr('2013/05/01/00 and more', 1, 13)`, '1'],
  ])('%s', async (_, where, count) => {
    expect((await query(`SELECT count(*) FROM captures WHERE ${where}`)).rows[1]).toEqual([count]);
  });

  test('finds the conditions of joined, aliased and nested tables, and of both sides of a union', async () => {
    const hour = "datehour = '2013/05/01/00'";
    const { rows, execution } = await query(`
      WITH later AS (SELECT eventmetadata.inferenceid AS id FROM observations.captures AS c WHERE c.config_name = 'c1' AND c.variant = 'AllTraffic' AND c.${hour})
      SELECT count(*) FROM later WHERE id IN (SELECT x.eventmetadata.inferenceid FROM captures x JOIN deployments d
        ON x.config_name = 'c1' AND x.variant = 'AllTraffic' AND d.config_name = x.config_name AND x.${hour})
      UNION ALL SELECT count(*) FROM captures WHERE config_name = 'c2' AND variant = 'AllTraffic' AND ${hour} ORDER BY 1`);
    expect([execution?.Status?.StateChangeReason, rows.slice(1)]).toEqual([undefined, [['1'], ['1']]]);
  });

  test('follows a table that is changed: its columns, and the partitions that it lists', async () => {
    const glue = cloud.client(GlueClient);
    const input = (versions: string, ...columns: string[]) => ({
      Name: 'changing',
      PartitionKeys: [column('version')],
      Parameters: {
        'projection.enabled': 'true',
        'projection.version.type': 'enum',
        'projection.version.values': versions,
        'storage.location.template': 's3://store/changing/${version}/',
      },
      StorageDescriptor: { Location: 's3://store/changing/', Columns: columns.map((name) => column(name, 'double')), SerdeInfo: serde },
    });
    await cloud.s3.put('store', 'changing/v1/a.jsonl', '{"x":1,"y":10}\n');
    await cloud.s3.put('store', 'changing/v2/a.jsonl', '{"x":2,"y":20}\n');
    await glue.send(new CreateTableCommand({ DatabaseName: 'observations', TableInput: input('v1', 'x') }));
    expect((await query('SELECT * FROM changing ORDER BY 1')).rows).toEqual([['x', 'version'], ['1.0', 'v1']]);
    // what lies in the bucket and is not listed is not there, not even by its name
    expect((await query("SELECT * FROM changing WHERE version = 'v2'")).rows).toEqual([['x', 'version']]);
    await glue.send(new UpdateTableCommand({ DatabaseName: 'observations', TableInput: input('v1,v2', 'x', 'y') }));
    expect((await query('SELECT * FROM changing ORDER BY 1')).rows).toEqual([['x', 'y', 'version'], ['1.0', '10.0', 'v1'], ['2.0', '20.0', 'v2']]);
  });

  test('a table it cannot read is refused by what it cannot', async () => {
    await cloud.create('AWS::Glue::Table', 'csv', {
      DatabaseName: 'observations',
      TableInput: {
        Name: 'csv',
        StorageDescriptor: {
          Location: 's3://store/csv/', Columns: [column('a')], SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.serde2.OpenCSVSerde' },
        },
      },
    });
    expect((await query('SELECT * FROM csv')).execution?.Status?.StateChangeReason).toMatch(/OpenCSVSerde of the table csv/);
  });
});
