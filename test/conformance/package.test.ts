import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

/**
 * What a consumer gets: the tarball installed into an empty app, with no bundler and no container engine, and the wheel
 * installed into an empty Python environment. Both must synthesize the same template.
 */
const root = path.join(__dirname, '..', '..');
const python = path.join(root, '.venv', 'bin', 'python');
let folder: string;

/** A registry that does not answer at once is asked again. */
const PATIENT = { ...process.env, PIP_RETRIES: '10', PIP_DEFAULT_TIMEOUT: '60' };

const run = (command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
  execFileSync(command, args, { cwd: options.cwd ?? folder, env: options.env ?? PATIENT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1e8 });

/** A PATH that holds Node and nothing else that could bundle or build an image. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const bin = path.join(folder, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  fs.symlinkSync(process.execPath, path.join(bin, 'node'));
  return {
    PATH: bin,
    HOME: folder,
    CDK_VALIDATION: 'false',
    JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20',
    JSII_RUNTIME_PACKAGE_CACHE_ROOT: path.join(folder, 'jsii-cache'),
  };
}

const typescriptApp = `
const { App, Stack } = require('aws-cdk-lib');
const { DataScript, DataSource, MlopsPlatform, ModelSource } = require('cdk-mlops');
const app = new App({ outdir: process.argv[2], analyticsReporting: false });
const stack = new Stack(app, 'Consumer');
const platform = new MlopsPlatform(stack, 'Mlops');
const weather = platform.addDataPipeline('Weather', {
  source: DataSource.upload(), script: DataScript.fromAsset('weather.py'), target: 'temp_in_24h', timeColumn: 'time_hour',
});
platform.addModel('Temperature', { source: ModelSource.codeCommit(), dataset: weather.dataset });
app.synth();
`;
const pythonApp = `
import sys
from aws_cdk import App, Stack
from cdk_mlops import DataScript, DataSource, MlopsPlatform, ModelSource
app = App(outdir=sys.argv[1], analytics_reporting=False)
stack = Stack(app, "Consumer")
platform = MlopsPlatform(stack, "Mlops")
weather = platform.add_data_pipeline(
    "Weather", source=DataSource.upload(), script=DataScript.from_asset("weather.py"), target="temp_in_24h", time_column="time_hour")
platform.add_model("Temperature", source=ModelSource.code_commit(), dataset=weather.dataset)
app.synth()
`;

const templates = (out: string) => Object.fromEntries(fs.readdirSync(out).filter((name) => name.endsWith('.template.json')).sort()
  .map((name) => [name, JSON.parse(fs.readFileSync(path.join(out, name), 'utf8'))]));

describe('the package', () => {
  let tarball: string;
  let size: number;
  let contents: string[];

  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-consumer-'));
    const [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root }));
    tarball = path.join(folder, packed.filename);
    size = packed.size;
    contents = packed.files.map((file: { path: string }) => file.path);
    fs.writeFileSync(path.join(folder, 'package.json'), '{"private": true}');
    const { version } = JSON.parse(fs.readFileSync(path.join(root, 'node_modules/aws-cdk-lib/package.json'), 'utf8'));
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=5', '--omit=dev', tarball, `aws-cdk-lib@${version}`, 'constructs@10.5.1']);
    fs.copyFileSync(path.join(root, 'examples/regression-platform/pipelines/weather.py'), path.join(folder, 'weather.py'));
    fs.writeFileSync(path.join(folder, 'app.js'), typescriptApp);
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  test('is at most 3 MB and holds what runs, not how it was made', () => {
    expect(size).toBeLessThanOrEqual(3_000_000);
    expect(contents).toEqual(expect.arrayContaining(['lib/index.js', 'lib/index.d.ts', '.jsii', 'API.md', 'LICENSE', 'README.md']));
    expect(contents.filter((name) => /^(src|test|examples\/(local|regression-platform)|\.ci|projenrc|node_modules)\//.test(name))).toEqual([]);
  });

  test('has no runtime dependency beyond its peers', () => {
    const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'node_modules/cdk-mlops/package.json'), 'utf8'));
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(Object.keys(manifest.peerDependencies).sort()).toEqual(['aws-cdk-lib', 'constructs']);
  });

  test('each handler bundle is at most 150 kB', () => {
    const bundles = contents.filter((name) => /^assets\/.*\/index\.js$/.test(name));
    expect(bundles.length).toBeGreaterThan(5);
    expect(bundles.filter((name) => fs.statSync(path.join(folder, 'node_modules/cdk-mlops', name)).size > 150_000)).toEqual([]);
  });

  test('synthesizes the same in TypeScript and in Python, with no bundler and no container engine', () => {
    const env = bareEnvironment();
    run('node', ['app.js', 'from-typescript'], { env });
    run(path.join(root, 'node_modules/.bin/jsii-pacmak'), ['--targets', 'python', '--outdir', path.join(folder, 'dist'), '--force'], { cwd: root });
    const wheel = fs.readdirSync(path.join(folder, 'dist/python')).find((name) => name.endsWith('.whl'));
    expect(wheel).toBeDefined();
    run(python, ['-m', 'venv', path.join(folder, 'venv')]);
    const venv = path.join(folder, 'venv/bin/python');
    run(venv, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', path.join(folder, 'dist/python', wheel!), 'aws-cdk-lib==2.263.0']);
    fs.writeFileSync(path.join(folder, 'app.py'), pythonApp);
    run(venv, ['app.py', 'from-python'], { env });
    const expected = templates(path.join(folder, 'from-typescript'));
    expect(Object.keys(expected).length).toBeGreaterThanOrEqual(2);
    expect(templates(path.join(folder, 'from-python'))).toEqual(expected);
  });
});
