import { ChildProcess, execFileSync, spawn } from 'child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';
import { aws_s3 as s3 } from 'aws-cdk-lib';
import { Clouds, only, START } from './cloud-support';

const clouds = new Clouds();
afterAll(() => clouds.stop());

const CHECKOUT = path.resolve(__dirname, '../..');
const until = async (reached: () => boolean, limit = 100_000): Promise<void> => {
  for (const deadline = performance.now() + limit; !reached();) {
    if (performance.now() > deadline) throw new Error('not reached in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Processes whose command line or environment names the folder. */
function processesOf(folder: string): string[] {
  return execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n')
    .map((line) => line.trim().split(/\s+/)[0])
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid) && existsSync(`/proc/${pid}/environ`))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder) || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    });
}

/** A run of its own process, as `npm run local` is one. */
function runApart(assembly: string, root: string): ChildProcess {
  const script = path.join(path.dirname(root), 'run.ts');
  writeFileSync(script, `
    import { LocalCloud } from '${CHECKOUT}/examples/local/cloud/local-cloud';
    void LocalCloud.start('${assembly}', { root: '${root}', startTime: new Date(${START.getTime()}) }).then((cloud) => {
      cloud.spawn('sleeper', 'sleep', ['600'], {});
      console.log('up');
    });
  `);
  return spawn(process.execPath, ['--import', 'tsx', script], { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'inherit'] });
}

test('an interrupted run leaves no process and does not spoil the next one in its folder', async () => {
  const assembly = clouds.synth((stack) => { new s3.Bucket(stack, 'Bucket', { bucketName: 'kept' }); });
  const root = path.join(clouds.folder(), 'run');
  const interrupted = runApart(assembly, root);
  let output = '';
  interrupted.stdout!.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  await until(() => output.includes('up'));
  await expect(clouds.start(assembly, { root })).rejects.toThrow(/another run \(process \d+\) is using/);
  expect(processesOf(root).length).toBeGreaterThan(0);
  interrupted.kill('SIGKILL');
  await until(() => processesOf(root).length === 0);

  const cloud = await clouds.start(assembly, { root });
  await cloud.s3.put(only(cloud, 'AWS::S3::Bucket').ref, 'a', 'b');
  await cloud.stop();
  await until(() => processesOf(root).length === 0);
  expect(readdirSync(root).sort()).toEqual(['.local-cloud', 'logs']);
});

test('programs end with the cloud, with all that they have started; a wait for the clock ends too', async () => {
  const root = path.join(clouds.folder(), 'run');
  const cloud = await clouds.deploy((stack) => { new s3.Bucket(stack, 'Bucket'); }, { root });
  const output: string[] = [];
  const child = cloud.spawn('tree', 'bash', ['-c', 'trap "" TERM; sleep 600 & sleep 600 & echo $MINE; wait'], { pipe: true, env: { MINE: 'own' } });
  child.stdout!.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const answer = await new Promise((resolve) => cloud.spawn('exits', 'bash', ['-c', 'exit 7'], {}).once('exit', resolve));
  expect(answer).toBe(7);
  await until(() => output.join('').includes('own'));
  const hanging = cloud.clock.busy(new Promise(() => undefined), 'for ever');
  const waiting = expect(cloud.clock.settle()).rejects.toThrow('the local cloud has been stopped');
  await cloud.stop();
  await waiting;
  await until(() => processesOf(root).length === 0);
  void hanging;
});

test('a folder with something else in it is left as it is', async () => {
  const root = clouds.folder();
  writeFileSync(path.join(root, 'thesis.txt'), 'years of work');
  await expect(clouds.deploy(() => undefined, { root })).rejects.toThrow('was not made by a run');
  expect(readdirSync(root)).toEqual(['thesis.txt']);
});

test('a start that fails leaves nothing running', async () => {
  const assembly = clouds.synth((stack) => { new s3.Bucket(stack, 'Bucket'); });
  const root = path.join(clouds.folder(), 'run');
  const failing = { describes: [], start: () => Promise.reject(new Error('no luck')) };
  await expect(clouds.start(assembly, { root, standIns: [failing] })).rejects.toThrow('no luck');
  await until(() => processesOf(root).length === 0);
});
