import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import type { Report } from '../../examples/local/report/report';

const root = path.join(__dirname, '..', '..');

/** The whole story of `npm run local`, on the sample data, as its users run it. */
describe('the story', () => {
  let out: string;
  let exit: number | null;
  let said: string;
  let report: Report;

  beforeAll(() => {
    out = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-story-'));
    const ran = spawnSync(path.join(root, 'node_modules/.bin/tsx'), ['--tsconfig', path.join(root, 'tsconfig.dev.json'), path.join(root, 'examples/local/main.ts'), '--out', out], {
      encoding: 'utf8', maxBuffer: 1e8, env: { ...process.env, CDK_VALIDATION: 'true' },
    });
    exit = ran.status;
    said = `${ran.stdout}\n${ran.stderr}`;
    report = JSON.parse(fs.readFileSync(path.join(out, 'report.json'), 'utf8')) as Report;
  }, 1_200_000);
  afterAll(() => fs.rmSync(out, { recursive: true, force: true }));

  test('comes out', () => {
    expect(said).toContain('the whole story came out');
    expect({ exit, ok: report.ok, failed: report.checks.filter(({ ok, shown }) => !ok || !shown) }).toEqual({ exit: 0, ok: true, failed: [] });
  });

  test('gives each version its number and its outcome', () => {
    expect(report.versions.map(({ version, cause, outcome }) => ({ version, cause, outcome }))).toEqual([
      { version: 'V1.0.0', cause: 'manual', outcome: 'archived' },
      { version: 'V1.0.1', cause: 'auto', outcome: 'archived' },
      { version: 'V1.0.2', cause: 'auto', outcome: 'rolled-back' },
      { version: 'V1.1.0', cause: 'manual', outcome: 'production' },
      { version: 'V1.2.0', cause: 'manual', outcome: 'rejected' },
      { version: 'V1.3.0', cause: 'manual', outcome: 'superseded' },
      { version: 'V1.4.0', cause: 'manual', outcome: 'rejected' },
      { version: 'V1.5.0', cause: 'manual', outcome: 'rolled-back' },
    ]);
    expect(report.rejected).toHaveLength(2);
  });

  test('answers every request but those that reached the fleet with the injected fault', () => {
    const { sent, answered, failed } = report.traffic;
    expect(answered + failed).toBe(sent);
    expect(answered).toBeGreaterThan(10_000);
    expect(failed).toBeLessThan(10);
  });

  test('judges from the data: promotions lie below the tolerance, the rejection above', () => {
    const verdicts = Object.fromEntries(report.versions.map(({ version, verdict }) => [version, verdict]));
    expect(verdicts['V1.0.1']?.decision).toBe('promote');
    expect(verdicts['V1.0.1']?.upper).toBeLessThan(0);
    expect(verdicts['V1.1.0']?.upper).toBeLessThan(0);
    expect(verdicts['V1.5.0']?.upper).toBeLessThan(0);
    expect(verdicts['V1.4.0']?.decision).toBe('reject');
    expect(verdicts['V1.4.0']?.lower).toBeGreaterThan(0);
    // what never got to its verdict has none
    expect([verdicts['V1.2.0'], verdicts['V1.3.0']]).toEqual([null, null]);
  });

  test('leaves a report that opens without a network', () => {
    const page = fs.readFileSync(path.join(out, 'index.html'), 'utf8');
    expect(page).not.toMatch(/(src|href)=["']?https?:/);
    expect((page.match(/<svg/g) ?? []).length).toBeGreaterThanOrEqual(8);
    expect(report.standIns.length).toBeGreaterThan(10);
    expect(report.denied.map(({ action }) => action)).toEqual(expect.arrayContaining([
      'codepipeline:StopPipelineExecution', 'codepipeline:StartPipelineExecution', 'cloudwatch:SetAlarmState', 's3:PutObject', 'states:StartExecution',
    ]));
    expect(page).toContain('Who may do what');
  });

  test('shows for each persona what it tried, what denied it, and what it may do', () => {
    const personas = ['DataEngineer', 'DataScientist', 'Approver', 'Operator', 'Client', 'OtherTeam'];
    const access = report.access ?? [];
    expect([...new Set(access.map(({ persona }) => persona))]).toEqual(personas);
    const may = (persona: string) => access.filter((one) => one.persona === persona && one.allowed).map(({ attempt }) => attempt);
    expect(may('DataEngineer')).toEqual(['upload raw data', 'query a dataset', 'start the data pipeline by hand', 'see a run of the delivery pipeline']);
    expect(may('DataScientist')).toEqual(['query a dataset', 'see a run of the delivery pipeline', 'push a branch', 'approve a pull request', 'merge a pull request']);
    expect(may('Approver')).toEqual(['see a run of the delivery pipeline', 'approve a pull request']);
    expect(may('Operator')).toEqual(['see a run of the delivery pipeline', 'read the ledger of versions']);
    expect(may('Client')).toEqual(['ask the API for a prediction', 'tell the API what came true']);
    expect(access.filter(({ attempt }) => /^st(op|art a)|silence|edit|change|past/.test(attempt)).filter(({ allowed }) => allowed)).toEqual([]);
    for (const { allowed, by } of access) expect(by).toMatch(allowed ? /./ : /^(explicit deny: \S.* of \S|implicit deny: )/);
    // the role of each of them is among those that were denied something, by a statement or because none allows it
    const tried = (role: RegExp) => report.denied.filter(({ persona }) => role.test(persona)).map(({ action, by }) => `${action}: ${by.replace(/^(\w+ deny).*/, '$1')}`);
    expect(tried(/EngineerRole/)).toEqual(['codepipeline:StartPipelineExecution: explicit deny', 'states:StartExecution: explicit deny']);
    expect(tried(/ScientistRole/)).toEqual(['codepipeline:StopPipelineExecution: explicit deny', 'cloudwatch:SetAlarmState: explicit deny', 's3:PutObject: explicit deny']);
    expect(tried(/ApproverRole/)).toEqual(['codecommit:MergePullRequestByThreeWay: implicit deny', 'states:StartExecution: explicit deny']);
    expect(tried(/OperatorRole/)).toEqual(['states:StopExecution: explicit deny', 'dynamodb:DeleteItem: explicit deny', 's3:GetObject: implicit deny']);
    // of SageMaker the boundary leaves only what reads, and what is one's own
    expect(tried(/OtherTeam/)).toEqual(['sagemaker:DeleteEndpoint: implicit deny']);
  });
});
