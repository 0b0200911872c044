import { join } from 'path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import { DataScript, DataSource, MlopsPlatform, ModelSource, Persona } from '../../../src';

const SCRIPT = join(__dirname, '..', '..', '..', 'examples', 'regression-platform', 'pipelines', 'weather.py');

/** A platform with a dataset, a persona of two kinds, and models, notebooks and further datasets of these names. */
export function platformOf(app: App, models: readonly string[], notebooks: readonly string[], datasets: readonly string[] = []): Stack {
  const stack = new Stack(app, 'Many');
  const platform = new MlopsPlatform(stack, 'Mlops');
  const options = { script: DataScript.fromAsset(SCRIPT), target: 'temp_in_24h', timeColumn: 'time_hour' };
  const { dataset } = platform.addDataPipeline('Weather', { ...options, source: DataSource.upload() });
  datasets.forEach((name) => {
    // in each of the ways in which one may be started
    const starts = /[02468]$/.test(name) ? { schedule: Schedule.rate(Duration.days(1)) } : { runOnArrival: true };
    platform.addDataPipeline(name, { ...options, ...starts, source: DataSource.upload() });
  });
  for (const model of models) platform.addModel(model, { source: ModelSource.codeCommit(), dataset });
  for (const notebook of notebooks) platform.addNotebookEnvironment(notebook);
  for (const [name, persona] of Object.entries({ Engineer: Persona.DATA_ENGINEER, Scientist: Persona.DATA_SCIENTIST })) {
    platform.addPersona(name, { persona, assumedBy: new iam.AccountRootPrincipal() });
  }
  return stack;
}

export function named(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${kind}${i + 1}`);
}
