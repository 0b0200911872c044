import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { cloudEnv, instance, python, run } from './programs';
import { DatasetLocation, DatasetManifest, publicationOf } from '../../src/domain/dataset';
import { Ministack, startMinistack } from '../support/ministack';

const BUCKET = 'curated';
let cloud: Ministack;
let s3: S3Client;
let folder: string;

beforeAll(async () => {
  cloud = await startMinistack();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'helper-'));
  s3 = new S3Client({ ...cloud.client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const first = await publish('20260101T000000000Z-aaaaaaaa', 10);
  await publish('20260201T000000000Z-bbbbbbbb', 20, first);
  // a run that died before it published
  await put('datasets/Weather/20260301T000000000Z-cccccccc/train/part-0.snappy.parquet', 'half');
  await put('datasets/Unborn/20260301T000000000Z-cccccccc/train/part-0.snappy.parquet', 'half');
});
afterAll(async () => {
  s3.destroy();
  fs.rmSync(folder, { recursive: true, force: true });
  await cloud.stop();
});

const put = (Key: string, Body: string | Buffer) => s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));

/** Publishes a version as the pipeline's handler does: rows, the manifest, then the pointer. */
async function publish(version: string, rows: number, latest?: DatasetManifest): Promise<DatasetManifest> {
  const location = new DatasetLocation(BUCKET, 'datasets/Weather');
  const at = path.join(folder, version);
  execFileSync(python, [path.join(__dirname, 'curated_dataset.py'), at, String(rows)]);
  for (const split of ['train', 'holdout']) {
    for (const name of fs.readdirSync(path.join(at, split))) await put(`datasets/Weather/${version}/${split}/${name}`, fs.readFileSync(path.join(at, split, name)));
  }
  const publication = publicationOf({
    dataset: 'Weather',
    time: '2026-01-01T00:00:00.000Z',
    version,
    contentHash: version,
    unchanged: false,
    target: 'temp',
    rows: { train: rows * 0.8, holdout: rows * 0.2 },
    split: { method: 'time', share: 0.2, column: 'time' },
    schema: [{ name: 'time', type: 'timestamp' }, { name: 'wind', type: 'double' }, { name: 'temp', type: 'double' }],
    quality: { passed: true, rules: [] },
  }, latest, location, version, []);
  if (publication.outcome !== 'publish') throw new Error(publication.outcome);
  await put(location.manifestKey(version), JSON.stringify(publication.manifest));
  await put(location.latestKey, JSON.stringify({ version, manifestUri: location.uri(location.manifestKey(version)) }));
  return publication.manifest;
}

/** What a line of a notebook gives. */
async function evaluated(expression: string, settings: Record<string, string> = { MLOPS_DATASETS: `s3://${BUCKET}/datasets` }): Promise<unknown> {
  const env = { ...cloudEnv(folder, cloud), PYTHONPATH: path.join(instance, 'python'), ...settings };
  const ran = await run(python, ['-c', `import json, mlops\nprint(json.dumps(${expression}))`], env);
  if (ran.status !== 0) throw new Error(ran.said);
  return JSON.parse(ran.out);
}

test('lists datasets, and versions from the oldest; what was never published is none', async () => {
  expect(await evaluated('mlops.datasets()')).toEqual(['Weather']);
  expect(await evaluated('mlops.dataset("Weather").versions()')).toEqual(['20260101T000000000Z-aaaaaaaa', '20260201T000000000Z-bbbbbbbb']);
});

test('gives the newest version as pandas frames, in order, with what is known of it', async () => {
  const weather = 'mlops.dataset("Weather")';
  expect(await evaluated(`(lambda d: [d.version, d.target, d.schema, d.manifest["parent"], repr(d)])(${weather})`)).toEqual([
    '20260201T000000000Z-bbbbbbbb', 'temp', { time: 'timestamp', wind: 'double', temp: 'double' }, '20260101T000000000Z-aaaaaaaa',
    '<Dataset Weather 20260201T000000000Z-bbbbbbbb: 16 rows to train on, 4 rows to judge by, target temp>',
  ]);
  expect(await evaluated(`(lambda f: [len(f), list(f.columns), f.wind.tolist() == [float(i) for i in range(16)], str(f.time.dt.tz)])(${weather}.train())`))
    .toEqual([16, ['time', 'wind', 'temp'], true, 'UTC']);
  expect(await evaluated(`${weather}.holdout(columns=["temp"]).to_dict("list")`)).toEqual({ temp: [8, 8.5, 9, 9.5] });
});

test('gives columns in the order in which they are named', async () => {
  expect(await evaluated('list(mlops.dataset("Weather").train(columns=["temp", "time"]).columns)')).toEqual(['temp', 'time']);
  await expect(evaluated('mlops.dataset("Weather").train(columns=["temp", "rain"])')).rejects.toThrow("dataset 'Weather' has no column 'rain'; it has: time, wind, temp");
});

// a thread of Arrow's that has just worked can abort the program at its exit
(process.platform === 'linux' ? test : test.skip)('reading leaves no thread behind', async () => {
  const threads = 'len(__import__("os").listdir("/proc/self/task"))';
  const [before, rows, after] = await evaluated(`[__import__("pyarrow.parquet") and ${threads}, len(mlops.dataset("Weather").train()), ${threads}]`) as number[];
  expect(rows).toBe(16);
  expect(after).toBe(before);
});

test('gives a version by its name', async () => {
  expect(await evaluated('len(mlops.dataset("Weather", version="20260101T000000000Z-aaaaaaaa").train())')).toBe(8);
});

test('says what there is where something is not', async () => {
  await expect(evaluated('mlops.dataset("weather")')).rejects.toThrow("there is no dataset 'weather'; there are: Weather");
  await expect(evaluated('mlops.dataset("Weather", version="x")')).rejects.toThrow(/has no version 'x'; it has: 20260101T000000000Z-aaaaaaaa, 2026/);
  await expect(evaluated('mlops.datasets()', { MLOPS_DATASETS: '' })).rejects.toThrow('this notebook has no data lake');
  await expect(evaluated('mlops.query("SELECT 1")')).rejects.toThrow('this notebook may not query');
});
