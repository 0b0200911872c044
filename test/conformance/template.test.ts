import { execFileSync, spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks, NIST80053R5Checks } from 'cdk-nag';
import { acknowledgedIn, asDocument } from './acknowledgements';
import { regressionPlatform } from '../../examples/regression-platform/platform';
import { LostEvents } from '../../src/private/lost-events';
import { DataScript, DataSource, MlopsPlatform, ModelSource } from 'cdk-mlops';

const root = path.join(__dirname, '..', '..');
const script = DataScript.fromAsset(path.join(root, 'examples/regression-platform/pipelines/weather.py'));

/** The ten lines of the README. */
function smallest(app: App): void {
  const stack = new Stack(app, 'Smallest');
  const platform = new MlopsPlatform(stack, 'Mlops');
  const weather = platform.addDataPipeline('Weather', { source: DataSource.upload(), script, target: 'temp_in_24h', timeColumn: 'time_hour' });
  platform.addModel('Temperature', { source: ModelSource.codeCommit(), dataset: weather.dataset });
}

const apps: [string, (app: App) => void][] = [['the smallest platform', smallest], ['the example app', (app) => regressionPlatform(app)]];

/** What checkov finds, of what it looks at. */
function checkov(templates: readonly string[]): string[] {
  const ran = spawnSync(path.join(root, '.venv/scanners/bin/checkov'), [
    '--framework', 'cloudformation', '--output', 'json', '--quiet', '--compact', '--skip-download', ...templates.flatMap((template) => ['--file', template]),
  ], { encoding: 'utf8', env: { ...process.env, CHECKOV_RUN_SCA_PACKAGE_SCAN_V2: 'false' } });
  const report = JSON.parse(ran.stdout) as { summary: { passed: number }; results: { failed_checks: { check_id: string; resource: string }[] } };
  expect(report.summary.passed).toBeGreaterThan(0);
  return report.results.failed_checks.map(({ check_id, resource }) => `${check_id} ${resource}`);
}

describe.each(apps)('%s, as it stands', (_, build) => {
  let folder: string;
  beforeEach(() => { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-template-')); });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  test('has no unacknowledged finding of cdk-nag: AwsSolutions, NIST 800-53 r5', () => {
    const app = new App({ outdir: folder, analyticsReporting: false });
    build(app);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(), new NIST80053R5Checks());
    expect(() => app.synth()).not.toThrow();
  });

  test('passes the validation of CloudFormation at synth, cfn-lint and checkov', () => {
    process.env.CDK_VALIDATION = 'true';
    const said = jest.spyOn(console, 'error').mockImplementation();
    try {
      const app = new App({ outdir: folder, analyticsReporting: false });
      build(app);
      expect(() => app.synth()).not.toThrow();
      expect(said.mock.calls.flat()).toEqual([]);
    } finally {
      said.mockRestore();
      process.env.CDK_VALIDATION = 'false';
    }
    const templates = fs.readdirSync(folder).filter((name) => name.endsWith('.template.json')).map((name) => path.join(folder, name));
    expect(templates.length).toBeGreaterThanOrEqual(2);
    const lint = () => execFileSync(path.join(root, '.venv/scanners/bin/cfn-lint'), [
      // the CDK lets a resource depend on its role and on the role's policy; the first is implied by its use of the role
      '--ignore-checks', 'W3005', '--non-zero-exit-code', 'informational', '--', ...templates,
    ], { encoding: 'utf8' });
    expect(lint()).toBe('');
    expect(checkov(templates)).toEqual([]);
  });
});

test('what scanners find and why it is so is listed in the documentation', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-acknowledged-'));
  const app = new App({ outdir: folder, analyticsReporting: false });
  regressionPlatform(app);
  app.synth();
  fs.rmSync(folder, { recursive: true, force: true });
  const page = path.join(root, 'docs/acknowledgements.md');
  const written = asDocument(acknowledgedIn(app));
  if (process.env.UPDATE_SNAPSHOT !== undefined) fs.writeFileSync(page, written);
  expect(fs.readFileSync(page, 'utf8')).toBe(written);
});

test('checkov finds nothing of a queue for lost events, whoever encrypts it, and finds one that nobody says how to encrypt', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-queues-'));
  const app = new App({ outdir: folder, analyticsReporting: false });
  const stack = new Stack(app, 'Queues');
  new LostEvents(stack, 'BySqs');
  new LostEvents(stack, 'ByKey', undefined, new kms.Key(stack, 'Key', { enableKeyRotation: true }));
  new sqs.CfnQueue(stack, 'Bare');
  app.synth();
  expect(checkov([path.join(folder, 'Queues.template.json')])).toEqual(['CKV_AWS_27 AWS::SQS::Queue.Bare']);
  fs.rmSync(folder, { recursive: true, force: true });
});

test('cdk-nag has teeth: a bare bucket is found', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-teeth-'));
  const app = new App({ outdir: folder, analyticsReporting: false });
  new s3.CfnBucket(new Stack(app, 'Bare'), 'Bucket');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(), new NIST80053R5Checks());
  expect(() => app.synth()).toThrow(/AwsSolutions-S[^]*NIST\.800\.53\.R5-S3/);
  expect(checkov([path.join(folder, 'Bare.template.json')])).toEqual(expect.arrayContaining([expect.stringContaining('CKV_AWS_18')]));
  fs.rmSync(folder, { recursive: true, force: true });
});
