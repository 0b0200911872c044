import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { CreateBucketCommand, ListObjectVersionsCommand, ListObjectsV2Command, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { cloudEnv, instance, python, Ran, run, tree } from './programs';
import { Ministack, startMinistack } from '../support/ministack';

let cloud: Ministack;
let s3: S3Client;
let folder: string;
let count = 0;
let uri: string;
const BUCKET = 'saved-files';

beforeAll(async () => {
  cloud = await startMinistack();
  s3 = new S3Client({ ...cloud.client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
});
afterAll(async () => {
  s3.destroy();
  await cloud.stop();
});
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
  uri = `s3://${BUCKET}/notebooks/ada-${count++}`;
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** A volume with files; a name that ends in a slash is an empty folder. */
function volume(name: string, files: Record<string, string>): string {
  const at = path.join(folder, name);
  fs.mkdirSync(at, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.join(at, path.dirname(file)), { recursive: true });
    if (file.endsWith('/')) fs.mkdirSync(path.join(at, file));
    else fs.writeFileSync(path.join(at, file), text);
  }
  return at;
}

const program = async (action: 'save' | 'restore', at: string, env: Record<string, string> = {}): Promise<Ran> =>
  run(python, [path.join(instance, 'notebook_files.py'), action, at, uri], { ...cloudEnv(folder, cloud), ...env });
const keys = async () => ((await s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: uri.split('/').slice(3).join('/') + '/' }))).Contents ?? [])
  .map(({ Key }) => Key!.split('/').slice(2).join('/'));
const filesOf = (at: string) => Object.fromEntries(Object.entries(tree(at)).filter(([name]) => !name.startsWith('.workbench')));

test('a new volume gets back what was saved: files of all kinds, links, what may be executed, empty folders', async () => {
  const ada = volume('ada', { 'a b/ö.ipynb': '{}', 'run.sh': '#!/bin/sh', 'empty/': '', '.gitignore': 'x', 'binary': '\u0000ÿ' });
  fs.chmodSync(path.join(ada, 'run.sh'), 0o755);
  fs.symlinkSync('run.sh', path.join(ada, 'link'));
  fs.symlinkSync('/nowhere', path.join(ada, 'broken'));
  fs.symlinkSync('a b', path.join(ada, 'folder-link'));
  expect((await program('restore', ada)).status).toBe(0);
  expect(await program('save', ada)).toMatchObject({ status: 0 });
  const grace = volume('grace', {});
  expect(await program('restore', grace)).toMatchObject({ status: 0 });
  expect(filesOf(grace)).toEqual(filesOf(ada));
  expect(filesOf(grace)).toMatchObject({ 'run.sh': 'x #!/bin/sh', 'link': '-> run.sh', 'broken': '-> /nowhere', 'empty/': '', 'folder-link': '-> a b' });
});

test('what is removed is forgotten, though its version is kept; what is unchanged is not sent again', async () => {
  const ada = volume('ada', { one: '1', two: '2', three: '3' });
  await program('restore', ada);
  await program('save', ada);
  fs.rmSync(path.join(ada, 'two'));
  fs.writeFileSync(path.join(ada, 'three'), '3 and more');
  await program('save', ada);
  expect(await keys()).toEqual(['attributes.json', 'files/one', 'files/three']);
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: `${uri.split('/').slice(3).join('/')}/files/` }));
  expect(Versions.map(({ Key }) => Key!.split('/').pop()).sort()).toEqual(['one', 'three', 'three', 'two']);
  expect(DeleteMarkers).toHaveLength(1);
});

test('an empty volume never takes the place of saved files', async () => {
  const ada = volume('ada', { work: 'a year of it' });
  await program('restore', ada);
  await program('save', ada);
  const fresh = volume('fresh', {});
  const refused = await program('save', fresh);
  expect(refused).toMatchObject({ status: 1 });
  expect(refused.said).toContain('have not been brought back yet');
  expect(await keys()).toEqual(['attributes.json', 'files/work']);
  // nor where nobody knows whether there are any
  expect((await program('restore', fresh, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' })).status).toBe(1);
  expect((await program('save', fresh)).status).toBe(1);
  expect(await keys()).toEqual(['attributes.json', 'files/work']);
  await program('restore', fresh);
  expect(await program('save', fresh)).toMatchObject({ status: 0 });
  expect(filesOf(fresh)).toEqual({ work: 'a year of it' });
});

test('a repository that was cloned into the new volume makes room for the saved one, what is not saved stays', async () => {
  const git = (at: string, ...args: string[]) => run('git', ['-c', 'user.name=Ada', '-c', 'user.email=a@example.com', ...args], cloudEnv(folder, cloud), at);
  const ada = volume('ada', { 'model/train.py': 'print(1)' });
  const model = path.join(ada, 'model');
  for (const args of [['init', '-q'], ['add', '.'], ['commit', '-qm', 'one']]) expect(await git(model, ...args)).toMatchObject({ status: 0 });
  fs.writeFileSync(path.join(model, 'train.py'), 'print(2)');
  await program('restore', ada);
  await program('save', ada);

  const fresh = volume('fresh', { 'model/train.py': 'upstream', 'model/new.py': 'upstream', 'other/mine.py': 'mine' });
  for (const clone of ['model', 'other']) await git(path.join(fresh, clone), 'init', '-q');
  await program('restore', fresh);
  expect((await git(path.join(fresh, 'model'), 'status', '--porcelain')).out).toBe(' M train.py\n');
  expect((await git(path.join(fresh, 'model'), 'log', '--format=%s')).out).toBe('one\n');
  expect(fs.existsSync(path.join(fresh, 'model', 'new.py'))).toBe(false);
  expect(fs.readFileSync(path.join(fresh, 'other', 'mine.py'), 'utf8')).toBe('mine');
});

test('bringing back goes on where it was cut off, and takes nothing away then', async () => {
  const ada = volume('ada', { 'model/a': '1', 'model/.git/HEAD': 'ref', 'b': '2' });
  await program('restore', ada);
  await program('save', ada);
  const fresh = volume('fresh', { '.workbench/files': 'restoring', 'model/.git/HEAD': 'ref', 'model/written-since': 'new' });
  expect((await program('save', fresh)).status).toBe(1);
  await program('restore', fresh);
  expect(filesOf(fresh)).toEqual({ 'model/a': '1', 'model/.git/HEAD': 'ref', 'model/written-since': 'new', 'b': '2' });
});

test('a volume that has its files is left alone at the next start', async () => {
  const ada = volume('ada', { work: 'old' });
  await program('restore', ada);
  await program('save', ada);
  fs.writeFileSync(path.join(ada, 'work'), 'new, not saved yet');
  expect((await program('restore', ada)).status).toBe(0);
  expect(filesOf(ada)).toEqual({ work: 'new, not saved yet' });
});

test('credentials and what comes again by itself are not saved', async () => {
  const ada = volume('ada', {
    'keep.py': '1', '.ssh/id': 's', '.aws/credentials': 's', '.config/pip/pip.conf': 's', '.cache/x': 'c', 'a/.ipynb_checkpoints/x': 'c', 'a/__pycache__/x': 'c', 'lost+found/x': '',
  });
  await program('restore', ada);
  await program('save', ada);
  expect(await keys()).toEqual(['attributes.json', 'files/keep.py']);
});

test('a failure is told, and two that save at once do it one after the other', async () => {
  const ada = volume('ada', { one: '1' });
  await program('restore', ada);
  expect((await program('save', ada, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' })).status).not.toBe(0);
  const both = await Promise.all([program('save', ada), program('save', ada)]);
  expect(both.map(({ status }) => status)).toEqual([0, 0]);
  expect(await keys()).toEqual(['attributes.json', 'files/one']);
});
