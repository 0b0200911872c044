import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Size, Stack } from 'aws-cdk-lib';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as kms from 'aws-cdk-lib/aws-kms';
import { CostLine, idleCost, Resource } from './idle-cost';
import {
  DataPipeline, DataScript, DataSource, IWorkbenchNetwork, MlopsPlatform, MlopsPlatformProps, ModelSource, NotebookEnvironmentOptions,
  NotebookRepository, Persona, PipelineProtection, RegressionModel, WorkbenchNetwork,
} from 'cdk-mlops';

const root = path.join(__dirname, '../../..');
const script = DataScript.fromAsset(path.join(root, 'examples/regression-platform/pipelines/weather.py'));

/** A platform at rest: what it costs, and the fleets that its endpoints have once there was a release. */
export interface Bill {
  readonly lines: CostLine[];
  readonly fleets: { readonly instanceType: string; readonly instanceCount: number }[];
}

/** What a platform of one's own choice is built of. */
export class Choice {
  readonly stack: Stack;
  readonly platform: MlopsPlatform;
  readonly models: RegressionModel[] = [];
  private pipeline?: DataPipeline;

  constructor(stack: Stack, props: MlopsPlatformProps = {}) {
    this.stack = stack;
    this.platform = new MlopsPlatform(stack, 'Platform', props);
  }

  withData(name: string = 'DataPipeline'): this {
    this.pipeline = this.platform.addDataPipeline(name, {
      source: DataSource.upload(), script, target: 'temp_in_24h', timeColumn: 'time_hour',
    });
    return this;
  }

  withModel(name: string = 'Model', network?: IWorkbenchNetwork): this {
    if (this.pipeline === undefined) throw new Error('a model needs data');
    this.models.push(this.platform.addModel(name, { source: ModelSource.codeCommit(), dataset: this.pipeline.dataset, network }));
    return this;
  }

  withNotebook(name: string = 'Notebook', options: NotebookEnvironmentOptions = {}): this {
    const repository = codecommit.Repository.fromRepositoryName(this.stack, `${name}Repository`, 'model');
    this.platform.addNotebookEnvironment(name, { repository: NotebookRepository.codeCommit(repository), ...options });
    return this;
  }

  withPersonas(): this {
    const personas = [Persona.DATA_ENGINEER, Persona.DATA_SCIENTIST, Persona.APPROVER, Persona.OPERATOR];
    for (const persona of personas) this.platform.addPersona(persona.personaName, { persona });
    return this;
  }
}

/** Synthesizes an app and reads what its templates cost. */
export function billOf(build: (stack: Stack) => Choice | undefined): Bill {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'costs-'));
  try {
    const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:enable-path-metadata': true } });
    const stack = new Stack(app, 'Stack', { env: { account: '111122223333', region: 'us-east-1' } });
    stack.node.setContext('availability-zones:account=111122223333:region=us-east-1', ['us-east-1a', 'us-east-1b', 'us-east-1c']);
    const choice = build(stack);
    app.synth();
    const lines = fs.readdirSync(outdir).filter((name) => name.endsWith('.template.json'))
      .flatMap((name) => idleCost((JSON.parse(fs.readFileSync(path.join(outdir, name), 'utf8')) as { Resources: Record<string, Resource> }).Resources));
    return { lines, fleets: choice?.models.map(({ endpoint: { instanceType, instanceCount } }) => ({ instanceType, instanceCount })) ?? [] };
  } finally {
    fs.rmSync(outdir, { recursive: true, force: true });
  }
}

const oneModel = (stack: Stack, props: MlopsPlatformProps = {}) => new Choice(stack, props).withData().withModel();

/** Platforms from small to large; each row of the table is what it costs more than the one that it names. */
export const CHOICES: readonly { readonly name: string; readonly than?: string; readonly build: (stack: Stack) => Choice | undefined }[] = [
  { name: 'the platform alone', build: (stack) => new Choice(stack) },
  { name: 'a data pipeline', than: 'the platform alone', build: (stack) => new Choice(stack).withData() },
  { name: 'a model', than: 'a data pipeline', build: (stack) => oneModel(stack) },
  { name: 'a second model', than: 'a model', build: (stack) => oneModel(stack).withModel('SecondModel') },
  { name: 'personas', than: 'a model', build: (stack) => oneModel(stack).withPersonas() },
  { name: 'a key of your own', than: 'a model', build: (stack) => oneModel(stack, { encryptionKey: kms.Key.fromKeyArn(stack, 'Key', `arn:aws:kms:us-east-1:111122223333:key/${'0'.repeat(36)}`) }) },
  { name: 'the first notebook', than: 'a model', build: (stack) => oneModel(stack).withNotebook() },
  { name: 'a second notebook', than: 'the first notebook', build: (stack) => oneModel(stack).withNotebook().withNotebook('SecondNotebook') },
  { name: 'the first notebook, without packages', than: 'a model', build: (stack) => oneModel(stack).withNotebook('Notebook', { installPackages: false }) },
  { name: 'the first notebook, without packages and repository', than: 'a model', build: (stack) => oneModel(stack).withNotebook('Notebook', { installPackages: false, repository: undefined }) },
  { name: 'the first notebook, which asks Athena', than: 'a model', build: (stack) => oneModel(stack).withNotebook('Notebook', { queryDatasets: true }) },
  { name: 'the first notebook, with 100 GiB', than: 'a model', build: (stack) => oneModel(stack).withNotebook('Notebook', { volumeSize: Size.gibibytes(100) }) },
  {
    name: 'the first notebook, in a network of two zones',
    than: 'a model',
    build: (stack) => oneModel(stack, { network: new WorkbenchNetwork(stack, 'Network', { zones: 2 }) }).withNotebook(),
  },
  { name: 'a notebook in a Studio domain that exists', than: 'a model', build: (stack) => oneModel(stack).withNotebook('Notebook', { studioDomainId: 'd-example' }) },
  { name: 'jobs and models in a network', than: 'a model', build: (stack) => new Choice(stack).withData().withModel('Model', new WorkbenchNetwork(stack, 'Network')) },
  {
    name: 'the protection of a pipeline alone, without a platform',
    build: (stack) => {
      new PipelineProtection(stack, 'Protection');
      return undefined;
    },
  },
];
