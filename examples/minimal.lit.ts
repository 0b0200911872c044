/// !hide
import { App, Stack } from 'aws-cdk-lib';
import { DataScript, DataSource, MlopsPlatform, ModelSource } from 'cdk-mlops';

export class MinimalStack extends Stack {
  constructor(scope: App, id: string) {
    super(scope, id);
    /// !show
    const platform = new MlopsPlatform(this, 'Mlops');
    const weather = platform.addDataPipeline('Weather', {
      source: DataSource.upload(),
      script: DataScript.fromAsset('examples/regression-platform/pipelines/weather.py'),
      target: 'temp_in_24h',
      timeColumn: 'time_hour',
    });
    platform.addModel('Temperature', {
      source: ModelSource.codeCommit(),
      dataset: weather.dataset,
    });
    /// !hide
  }
}
