import { join } from 'path';
import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { DataScript, DataSource, MlopsPlatform, ModelSource, Persona } from '../../../src';

const SCRIPT = join(__dirname, '..', '..', '..', 'examples', 'regression-platform', 'pipelines', 'weather.py');

/** A platform with a dataset, a persona of two kinds, and models and notebooks of these names. */
export function platformOf(app: App, models: readonly string[], notebooks: readonly string[]): Stack {
  const stack = new Stack(app, 'Many');
  const platform = new MlopsPlatform(stack, 'Mlops');
  const { dataset } = platform.addDataPipeline('Weather', {
    source: DataSource.upload(), script: DataScript.fromAsset(SCRIPT), target: 'temp_in_24h', timeColumn: 'time_hour',
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
