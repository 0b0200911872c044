import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { instance, notebookEnv, python, Ran, run } from './programs';
import { Athena } from '../../examples/local/athena/athena';
import { Glue } from '../../examples/local/glue/glue';
import { TinyCloud } from '../local/support/tiny-cloud';

/** A catalog with one table, an engine that answers questions about it, and the helper installed as a notebook has it. */
const cloud = new TinyCloud([new Glue(), new Athena()]);
let workbench: string;

beforeAll(async () => {
  await cloud.start('lake', 'results');
  await cloud.create('AWS::Athena::WorkGroup', 'WorkGroup', {
    Name: 'scientists', WorkGroupConfiguration: { EnforceWorkGroupConfiguration: true, ResultConfiguration: { OutputLocation: 's3://results/' } },
  });
  await cloud.create('AWS::Glue::Database', 'Database', { CatalogId: '1', DatabaseInput: { Name: 'curated' } });
  await cloud.create('AWS::Glue::Table', 'Table', {
    CatalogId: '1',
    DatabaseName: 'curated',
    TableInput: {
      Name: 'weather',
      StorageDescriptor: {
        Location: 's3://lake/weather/',
        Columns: [{ Name: 'station', Type: 'string' }, { Name: 'temp', Type: 'double' }],
        SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
      },
    },
  });
  await cloud.s3.put('lake', 'weather/a.jsonl', '{"station":"a, \\"b\\"","temp":1.5}\n{"station":"c","temp":2.5}\n{"station":"c"}\n');
  workbench = fs.mkdtempSync(path.join(os.tmpdir(), 'query-'));
  fs.cpSync(instance, workbench, { recursive: true });
  fs.writeFileSync(path.join(workbench, 'settings.json'), JSON.stringify({ datasets: '', region: cloud.region, database: 'curated', workGroup: 'scientists' }));
});
afterAll(async () => {
  await cloud.stop();
  fs.rmSync(workbench, { recursive: true, force: true });
});

async function query(sql: string): Promise<Ran> {
  const env = { ...notebookEnv(workbench), ...cloud.environment(), PYTHONPATH: path.join(workbench, 'python') };
  const asks = run(python, ['-c', 'import sys, mlops; print(mlops.query(sys.argv[1]).to_json(orient="split"))', sql], env);
  // the cloud's time goes on while somebody waits
  let asking = true;
  const time = (async () => {
    while (asking) {
      await cloud.clock.settle();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const answered = await asks;
  asking = false;
  await time;
  return answered;
}

test('Athena answers with a frame', async () => {
  const answered = await query('SELECT station, count(*) AS n, avg(temp) AS mean FROM weather GROUP BY station ORDER BY station');
  expect([answered.status, answered.said]).toEqual([0, '']);
  expect(JSON.parse(answered.out)).toMatchObject({ columns: ['station', 'n', 'mean'], data: [['a, "b"', 1, 1.5], ['c', 2, 2.5]] });
});

test('what is wrong with a query is said', async () => {
  const answered = await query('SELECT nothing FROM nowhere');
  expect(answered.status).not.toBe(0);
  expect(answered.said).toMatch(/RuntimeError: the query failed: .*nowhere/);
});
