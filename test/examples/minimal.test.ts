import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { MinimalStack } from '../../examples/minimal.lit';

const root = path.join(__dirname, '..', '..');
const read = (name: string) => fs.readFileSync(path.join(root, name), 'utf8');

/** The part of an example between `!show` and `!hide`, moved to the left margin. */
function shown(name: string): string {
  const lines = read(name).split('\n');
  const trimmed = lines.map((line) => line.trim());
  const [from, to] = ['/// !show', '/// !hide'].map((mark) => trimmed.lastIndexOf(mark));
  const part = lines.slice(from + 1, to);
  const margin = Math.min(...part.filter((line) => line !== '').map((line) => line.search(/\S/)));
  return part.map((line) => line.slice(margin)).join('\n');
}

test('the code in the README is the smallest example', () => {
  const blocks = [...read('README.md').matchAll(/^```ts\n([\s\S]*?)\n```$/gm)].map(([, code]) => code);
  expect(blocks).toEqual([shown('examples/minimal.lit.ts')]);
});

test('the smallest example is a whole platform', () => {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-minimal-'));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    new MinimalStack(app, 'Minimal');
    app.synth();
    const templates = fs.readdirSync(outdir).filter((name) => name.endsWith('template.json'));
    const types = templates.flatMap((name) => {
      const { Resources } = JSON.parse(fs.readFileSync(path.join(outdir, name), 'utf8')) as { Resources: Record<string, { Type: string }> };
      return Object.values(Resources).map(({ Type }) => Type);
    });
    // the data pipeline's own and those of training, registration, staging, release, recovery and quality
    expect(types.filter((type) => type === 'AWS::StepFunctions::StateMachine').length).toBeGreaterThanOrEqual(7);
    for (const one of ['AWS::CodeCommit::Repository', 'AWS::CodePipeline::Pipeline', 'AWS::SageMaker::ModelPackageGroup', 'AWS::Glue::Job', 'AWS::CloudTrail::Trail']) {
      expect([one, types.filter((type) => type === one).length]).toEqual([one, 1]);
    }
  } finally {
    fs.rmSync(outdir, { recursive: true, force: true });
  }
});
