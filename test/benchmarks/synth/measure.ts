/** Synthesizes one app and prints, as JSON, what that took; see main.ts. Arguments: models, notebooks, data pipelines; without any, an empty app. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { App, Stack } from 'aws-cdk-lib';
import { named, platformOf } from './platform';

export interface Measured {
  /** Processor time of the whole process, in seconds: other work on the machine does not count. */
  readonly seconds: number;
  /** The most memory that it had, in MiB. */
  readonly memory: number;
  /** Resources and bytes of the largest template. */
  readonly resources: number;
  readonly bytes: number;
}

const outdir = mkdtempSync(join(tmpdir(), 'synth-'));
try {
  const [models, notebooks, datasets] = process.argv.slice(2).map(Number);
  const app = new App({ outdir, analyticsReporting: false });
  if (models === undefined) new Stack(app, 'Empty');
  else platformOf(app, named('Model', models), named('Notebook', notebooks ?? 0), named('Data', datasets ?? 0));
  app.synth();
  const templates = readdirSync(outdir).filter((file) => file.endsWith('.template.json')).map((file) => readFileSync(join(outdir, file), 'utf8'));
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const measured: Measured = {
    seconds: (userCPUTime + systemCPUTime) / 1e6,
    memory: maxRSS / 1024,
    resources: Math.max(...templates.map((text) => Object.keys((JSON.parse(text) as { Resources?: object }).Resources ?? {}).length)),
    bytes: Math.max(...templates.map((text) => text.length)),
  };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
