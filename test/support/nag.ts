import { App, Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

/** Synthesizes what `build` adds to a stack under cdk-nag's AwsSolutions rules; throws, with the findings, where any is not acknowledged. */
export function synthesizeUnderNag(build: (stack: Stack) => void): void {
  const app = new App();
  build(new Stack(app, 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } }));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
  app.synth();
}
