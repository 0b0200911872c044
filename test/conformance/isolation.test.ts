import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { regressionPlatform } from '../../examples/regression-platform/platform';
import { Candidate, createModelRequest, HostingSettings } from '../../src/staging/hosting-plan';

const src = path.join(__dirname, '../../src');

interface Task { readonly Resource?: string; readonly Parameters?: Record<string, unknown> }

/** All states of a definition, also those within others. */
function tasksIn(value: unknown): Task[] {
  if (Array.isArray(value)) return value.flatMap(tasksIn);
  if (typeof value !== 'object' || value === null) return [];
  const own = 'Type' in value && (value as { Type: unknown }).Type === 'Task' ? [value as Task] : [];
  return [...own, ...Object.values(value).flatMap(tasksIn)];
}

/** The tasks of all state machines of the example, as synthesized. */
function tasks(): Task[] {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'isolation-'));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    regressionPlatform(app);
    app.synth();
    const templates = fs.readdirSync(outdir).filter((name) => name.endsWith('.template.json'))
      .map((name) => JSON.parse(fs.readFileSync(path.join(outdir, name), 'utf8')) as { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> });
    return templates.flatMap(({ Resources }) => Object.values(Resources)).filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine')
      .flatMap(({ Properties }) => tasksIn(JSON.parse(text(Properties.DefinitionString ?? Properties.Definition))));
  } finally {
    fs.rmSync(outdir, { recursive: true, force: true });
  }
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  const joined = (value as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'];
  return joined === undefined ? 'x' : joined[1].map(text).join('');
}

describe('containers have no network', () => {
  const all = tasks();
  const calling = (action: string) => all.filter(({ Resource }) => Resource?.split(':').pop()?.toLowerCase().startsWith(action.toLowerCase()));

  test('in training jobs', () => {
    const training = calling('createTrainingJob');
    expect(training.length).toBeGreaterThan(0);
    for (const { Parameters } of training) expect(Parameters).toMatchObject({ EnableNetworkIsolation: true });
  });

  test('in processing jobs', () => {
    const processing = calling('createProcessingJob');
    expect(processing.length).toBeGreaterThan(1);
    for (const { Parameters } of processing) expect(Parameters).toMatchObject({ NetworkConfig: { EnableNetworkIsolation: true } });
  });

  test('in models behind endpoints, which every call that makes one takes from one place', () => {
    const settings = { executionRoleArn: 'role' } as HostingSettings;
    for (const containers of [[{ Image: 'a' }], [{ Image: 'a' }, { Image: 'b' }]]) {
      expect(createModelRequest({ containers } as unknown as Candidate, 'model', settings)).toMatchObject({ EnableNetworkIsolation: true });
    }
    for (const { Parameters } of calling('createModel').filter(({ Resource }) => /createModel(\.|$)/i.test(Resource ?? ''))) {
      expect(Parameters?.EnableNetworkIsolation ?? Parameters?.['EnableNetworkIsolation.$']).toBeDefined();
    }
  });

  test('and no other kind of container is started by a state machine or a handler', () => {
    const kinds = /create(TransformJob|HyperParameterTuningJob|AutoMLJob\w*|CompilationJob|InferenceComponent|MonitoringSchedule|OptimizationJob)/i;
    expect(all.filter(({ Resource }) => kinds.test(Resource ?? '')).map(({ Resource }) => Resource)).toEqual([]);
    const handlers = (fs.readdirSync(src, { recursive: true }) as string[]).filter((name) => /(\.lambda|-io)\.ts$/.test(name));
    const calls = handlers.flatMap((name) => [...fs.readFileSync(path.join(src, name), 'utf8').matchAll(/new (Create\w+Command)\(/g)].map((match) => match[1]));
    expect([...new Set(calls)].filter((call) => /Job|Transform|Notebook|CreateAppCommand|Space/.test(call))).toEqual([]);
    expect(fs.readFileSync(path.join(src, 'staging/hosting-plan.ts'), 'utf8').match(/EnableNetworkIsolation: true/g)).toHaveLength(1);
  });

  test('and there is no network that they could have, without a notebook', () => {
    const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'isolation-'));
    const app = new App({ outdir, analyticsReporting: false });
    regressionPlatform(app);
    app.synth();
    const types = fs.readdirSync(outdir).filter((name) => name.endsWith('.template.json'))
      .flatMap((name) => Object.values((JSON.parse(fs.readFileSync(path.join(outdir, name), 'utf8')) as { Resources: Record<string, { Type: string }> }).Resources))
      .map(({ Type }) => Type);
    fs.rmSync(outdir, { recursive: true, force: true });
    expect(types.filter((type) => type.startsWith('AWS::EC2::'))).toEqual([]);
  });
});
