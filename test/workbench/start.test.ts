import { execFileSync, spawn } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { CreateBucketCommand, ListObjectsV2Command, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { eventually } from './jupyter';
import { cloudEnv, instance, python, root, run } from './programs';
import { DataLake } from '../../src/data/data-lake';
import { NotebookEnvironment, NotebookEnvironmentProps } from '../../src/workbench/notebook-environment';
import { NotebookRepository } from '../../src/workbench/notebook-repository';
import { PackageRepository } from '../../src/workbench/package-repository';
import { Ministack, startMinistack } from '../support/ministack';

const ASSETS = 'cdk-hnb659fds-assets-111122223333-eu-central-1';
let cloud: Ministack;
let client: S3Client;
let folder: string;

beforeAll(async () => {
  cloud = await startMinistack();
  client = new S3Client({ ...cloud.client, forcePathStyle: true });
  for (const Bucket of [ASSETS, 'saved']) await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutBucketVersioningCommand({ Bucket: 'saved', VersioningConfiguration: { Status: 'Enabled' } }));
});
afterAll(async () => {
  client.destroy();
  await cloud.stop();
});
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'start-'));
  fs.mkdirSync(path.join(folder, 'bin'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Writes the script that a notebook starts with as synthesized, and puts the programs that it fetches where it looks for them. */
async function startScript(props: (stack: Stack) => NotebookEnvironmentProps): Promise<string> {
  const stack = new Stack(new App(), 'Test', { env: { account: '111122223333', region: 'eu-central-1' } });
  new NotebookEnvironment(stack, 'Ada', { savedFiles: s3.Bucket.fromBucketName(stack, 'Saved', 'saved'), ...props(stack) });
  const template = Template.fromStack(stack);
  const instances = Object.values(template.findResources('AWS::SageMaker::NotebookInstanceLifecycleConfig')).map((one) => one.Properties.OnStart[0].Content);
  const spaces = Object.values(template.findResources('AWS::SageMaker::StudioLifecycleConfig')).map((one) => one.Properties.StudioLifecycleConfigContent);
  const script = written([...instances, ...spaces][0]['Fn::Base64']);
  const zip = path.join(folder, 'programs.zip');
  // as the CDK packs them
  execFileSync(python, ['-c', 'import shutil, sys; shutil.make_archive(sys.argv[1][:-4], "zip", sys.argv[2])', zip, instance]);
  const key = new RegExp(`PROGRAMS='s3://${ASSETS}/(.+)'`).exec(script)![1];
  await client.send(new PutObjectCommand({ Bucket: ASSETS, Key: key, Body: fs.readFileSync(zip) }));
  const at = path.join(folder, 'on_start.sh');
  fs.writeFileSync(at, script, { mode: 0o755 });
  return at;
}

function written(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[intrinsic, argument]] = Object.entries(value as Record<string, unknown>);
  if (intrinsic === 'Fn::Join') return (argument as [string, unknown[]])[1].map(written).join('');
  if (intrinsic === 'Fn::Sub') return String(argument);
  return `${[argument].flat().join('-').toLowerCase()}`;
}

const home = () => path.join(folder, 'home/ec2-user');

/** The commands of the machine that a test must not touch; everything else is real. */
function machine(): Record<string, string> {
  const bin = path.join(folder, 'bin');
  fs.mkdirSync(path.join(home(), 'anaconda3/envs/python3/lib/python3.11/site-packages'), { recursive: true });
  fs.writeFileSync(path.join(bin, 'systemctl'), `#!/bin/sh\necho "$@" >> ${folder}/systemctl\n`, { mode: 0o755 });
  // as the same person, in the home of this test
  fs.writeFileSync(path.join(bin, 'sudo'), `#!/bin/sh\n[ "$1 $2 $3" = "-H -u ec2-user" ] || exit 9\nshift 3\nHOME=${home()} exec "$@"\n`, { mode: 0o755 });
  const env = cloudEnv(home(), cloud);
  return { ...env, PATH: `${bin}:${env.PATH}`, DESTDIR: folder, GIT_CONFIG_NOSYSTEM: '1' };
}

/** What a service runs, here. */
function commandOf(service: string, line = 'ExecStart'): string[] {
  const unit = fs.readFileSync(path.join(folder, 'etc/systemd/system', `${service}.service`), 'utf8');
  return new RegExp(`^${line}=(.*)$`, 'm').exec(unit)![1].replace('/usr/bin/python3', python).replaceAll(' /home/ec2-user', ` ${home()}`).split(' ');
}

test('a notebook instance is set up as its template says', async () => {
  const script = await startScript((stack) => ({
    lake: new DataLake(stack, 'Lake'), packages: new PackageRepository(stack, 'Packages'), authorName: "Grace O'Hopper $HOME", authorEmail: 'g@example.com',
  }));
  const env = machine();
  fs.writeFileSync(path.join(folder, 'systemctl'), '');
  expect(await run('bash', [script], env)).toMatchObject({ status: 0, said: '' });
  const units = fs.readdirSync(path.join(folder, 'etc/systemd/system')).sort();
  expect(units).toEqual([
    'idle-shutdown.service', 'idle-shutdown.timer', 'notebook-restore.service', 'notebook-save-at-stop.service', 'notebook-save.service', 'notebook-save.timer',
    'package-access.service', 'package-access.timer',
  ]);
  expect(fs.readFileSync(path.join(folder, 'systemctl'), 'utf8').split('\n')).toEqual([
    'daemon-reload',
    'start --no-block notebook-restore.service notebook-save.timer notebook-save-at-stop.service package-access.timer idle-shutdown.timer',
    '',
  ]);
  const git = async (name: string) => (await run('git', ['config', '--global', name], env)).out.trim();
  expect(await git('user.name')).toBe("Grace O'Hopper $HOME");
  expect(await git('user.email')).toBe('g@example.com');
  expect(await git('credential.helper')).toBe('!aws codecommit credential-helper $@');
  expect(commandOf('idle-shutdown').join(' ')).toContain("--minutes 60 --before-stop 'systemctl start notebook-save.service'");
  expect(commandOf('package-access').slice(2).join(' ')).toBe('--domain packagesdomain63365a27-name --owner packagesdomain63365a27-owner --repository packages660aff77-name');

  // what it finds in the environments' Python
  const pth = fs.readFileSync(path.join(home(), 'anaconda3/envs/python3/lib/python3.11/site-packages/workbench.pth'), 'utf8').trim();
  expect(pth).toBe(path.join(folder, 'usr/local/lib/workbench/python'));
  const imported = await run(python, ['-c', 'import mlops; print(mlops._location())'], { ...env, PYTHONPATH: pth });
  expect(imported).toMatchObject({ status: 0, out: 's3://lakecuratedzone735eac3b/datasets/\n' });

  // its services, run as they are written
  const files = path.join(home(), 'SageMaker');
  fs.mkdirSync(files);
  fs.writeFileSync(path.join(files, 'work.ipynb'), '{}');
  for (const service of [commandOf('notebook-restore'), commandOf('notebook-save'), commandOf('notebook-save-at-stop', 'ExecStop')]) {
    expect(await run(service[0], service.slice(1), env)).toMatchObject({ status: 0 });
  }
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'saved' }));
  expect(Contents.map(({ Key }) => Key)).toEqual(expect.arrayContaining([expect.stringMatching(/^notebooks\/test-ada-\w+\/files\/work\.ipynb$/)]));

  // and again at the next start, with everything there already
  expect(await run('bash', [script], env)).toMatchObject({ status: 0, said: '' });
});

test('what was switched off is not set up', async () => {
  const script = await startScript(() => ({ saveFiles: false }));
  expect(await run('bash', [script], machine())).toMatchObject({ status: 0, said: '' });
  expect(fs.readdirSync(path.join(folder, 'etc/systemd/system'))).toEqual(['idle-shutdown.service', 'idle-shutdown.timer']);
  expect(commandOf('idle-shutdown').slice(1).join(' ')).toBe(`${folder}/usr/local/lib/workbench/idle_shutdown.py --minutes 60`);
});

test('git asks for a name before it makes one up', async () => {
  const script = await startScript(() => ({ saveFiles: false }));
  const env = machine();
  await run('bash', [script], env);
  const clone = path.join(folder, 'clone');
  await run('git', ['init', '-q', clone], env);
  const commit = await run('git', ['commit', '-q', '--allow-empty', '-m', 'one'], env, clone);
  expect(commit.status).not.toBe(0);
  expect(commit.said).toMatch(/no (name|email) was given and auto-detection is disabled/);
});

test('a start fails where the programs cannot be fetched', async () => {
  const script = await startScript(() => ({}));
  expect((await run('bash', [script], { ...machine(), AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' })).status).not.toBe(0);
});

test('a Studio space is set up, cloned and attended to', async () => {
  const origin = path.join(folder, 'temperature.git');
  const author = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@x', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@x' };
  execFileSync('git', ['init', '-q', '--bare', origin]);
  const commit = execFileSync('git', ['-C', origin, 'commit-tree', '-m', 'one', execFileSync('git', ['-C', origin, 'mktree'], { input: '' }).toString().trim()], { env: { ...process.env, ...author } }).toString().trim();
  execFileSync('git', ['-C', origin, 'update-ref', execFileSync('git', ['-C', origin, 'symbolic-ref', 'HEAD']).toString().trim(), commit]);

  const script = await startScript((stack) => ({
    studioDomainId: 'd-1', lake: new DataLake(stack, 'Lake'), authorName: 'Ada', authorEmail: 'a@example.com', repository: NotebookRepository.https(`file://${origin}`),
  }));
  fs.mkdirSync(home(), { recursive: true });
  // the loop that goes on behind is started by the test, which also ends it
  fs.writeFileSync(path.join(folder, 'bin/setsid'), `#!/bin/sh\necho "$@" > ${folder}/setsid\n`, { mode: 0o755 });
  const real = cloudEnv(home(), cloud);
  // a Python of the space's own, as the script writes into its packages
  execFileSync(python, ['-m', 'venv', '--without-pip', path.join(folder, 'venv')]);
  const env = { ...real, PATH: `${path.join(folder, 'bin')}:${path.join(folder, 'venv/bin')}:${real.PATH}`, GIT_CONFIG_NOSYSTEM: '1' };
  expect(await run('bash', [script], env)).toMatchObject({ status: 0, said: '' });
  const workbench = path.join(home(), '.local/lib/workbench');
  const begun = () => fs.existsSync(path.join(folder, 'setsid')) ? fs.readFileSync(path.join(folder, 'setsid'), 'utf8') : '';
  await eventually(async () => begun().endsWith('\n'));
  expect(begun().trim()).toBe(`nohup bash ${workbench}/attend_space.sh`);
  expect((await run(path.join(folder, 'venv/bin/python'), ['-c', 'import sys; print(sys.path)'], env)).out).toContain(`'${workbench}/python'`);
  expect((await run('git', ['config', '--global', 'user.name'], env)).out).toBe('Ada\n');

  const settings = Object.fromEntries([...fs.readFileSync(script, 'utf8').matchAll(/^(PACKAGES|SAVED_FILES|REPOSITORY|IDLE_MINUTES)='?(.*?)'?$/gm)].map(([, name, value]) => [name, value]));
  const log = fs.openSync(path.join(folder, 'attend.log'), 'w');
  const attends = spawn('bash', [path.join(workbench, 'attend_space.sh')], { env: { ...env, ...settings, WORKBENCH: workbench, EVERY: '1', JUPYTER: 'http://127.0.0.1:1' }, stdio: ['ignore', log, log], detached: true });
  try {
    const saved = async () => ((await client.send(new ListObjectsV2Command({ Bucket: 'saved' }))).Contents ?? []).map(({ Key }) => Key!);
    await eventually(async () => (await saved()).some((key) => key.endsWith('/files/temperature/.git/HEAD')));
    fs.writeFileSync(path.join(home(), 'later.py'), '1');
    await eventually(async () => (await saved()).some((key) => key.endsWith('/files/later.py')));
    expect((await saved()).filter((key) => key.includes('.local'))).toEqual([]);
    await eventually(async () => fs.readFileSync(path.join(folder, 'attend.log'), 'utf8').includes('Jupyter does not answer'));
  } finally {
    const ended = new Promise((resolve) => attends.on('exit', resolve));
    process.kill(-attends.pid!, 'SIGKILL');
    await ended;
    fs.closeSync(log);
  }
});

test('each program that is shipped says what it is for', () => {
  const shipped = (fs.readdirSync(instance, { recursive: true }) as string[]).filter((name) => /\.(py|sh)$/.test(name)).map((name) => path.join(instance, name));
  for (const file of [...shipped, path.join(root, 'resources/workbench/on_start.sh')]) expect(fs.readFileSync(file, 'utf8')).toMatch(/^("""|# |#!\/bin\/bash\n# )[A-Z]/);
});
