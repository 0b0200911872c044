import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import { AwsSolutionsChecks, NIST80053R5Checks } from 'cdk-nag';
import { root } from './programs';
import { MlopsPlatform, NotebookRepository } from 'cdk-mlops';

interface Report {
  readonly summary: { readonly passed: number };
  readonly results: { readonly failed_checks: { readonly check_id: string; readonly resource: string }[] };
}

let folder: string;
beforeEach(() => { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scanners-')); });
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** A notebook instance and a Studio space with everything that they can have. */
function build(): App {
  const app = new App({ outdir: folder, analyticsReporting: false });
  const stack = new Stack(app, 'Team');
  const platform = new MlopsPlatform(stack, 'Mlops');
  const repository = NotebookRepository.codeCommit(codecommit.Repository.fromRepositoryName(stack, 'Repo', 'temperature'));
  for (const [id, studioDomainId] of [['Ada', undefined], ['Grace', 'd-abcdefghijkl']] as const) {
    platform.addNotebookEnvironment(id, { repository, studioDomainId, queryDatasets: true });
  }
  return app;
}

test('cdk-nag finds nothing in notebooks that is not acknowledged: AwsSolutions, NIST 800-53 r5', () => {
  const app = build();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(), new NIST80053R5Checks());
  expect(() => app.synth()).not.toThrow();
});

test('cfn-lint and checkov find nothing in notebooks', () => {
  build().synth();
  const template = path.join(folder, 'Team.template.json');
  const scanners = path.join(root, '.venv/scanners/bin');
  const lint = spawnSync(path.join(scanners, 'cfn-lint'), ['--ignore-checks', 'W3005', '--', template], { encoding: 'utf8' });
  expect([lint.status, lint.stdout]).toEqual([0, '']);
  const checkov = spawnSync(path.join(scanners, 'checkov'), [
    '--framework', 'cloudformation', '--output', 'json', '--quiet', '--compact', '--skip-download', '--file', template,
  ], { encoding: 'utf8', env: { ...process.env, CHECKOV_RUN_SCA_PACKAGE_SCAN_V2: 'false' } });
  const { summary, results } = JSON.parse(checkov.stdout) as Report;
  expect(summary.passed).toBeGreaterThan(0);
  const notebooks = results.failed_checks.filter(({ resource }) => /Mlops(Ada|Grace|Network|Packages|SavedFiles)/.test(resource));
  expect(notebooks.map(({ check_id, resource }) => `${check_id} ${resource}`)).toEqual([]);
});
