import { App, Stack } from 'aws-cdk-lib';
import { Deployed } from './deployed';
import { synthesized, Synthesized } from './templates';
import { DataScript, DataSource, MlopsPlatform, ModelEndpoint, RegressionModel } from '../../src';
import { isReleaseAlarm, releaseOf } from '../../src/domain/own-names';
import { jobNameOf } from '../../src/domain/training-run';
import { namesFor } from '../../src/staging/hosting-plan';
import { platformOf } from '../benchmarks/synth/platform';

/** Ids that begin alike, or that the names of one are made of as those of another. */
const IDS = [
  'TemperatureNorthHemisphere', 'TemperatureNorthHemisphereB', 'TemperatureNorth', 'Model', 'Model2', 'Model-2', 'ModelB', 'Mode', 'Model-2-shadow',
  `Long${'x'.repeat(30)}A`, `Long${'x'.repeat(30)}B`,
];
/** What changes, starts or ends something; requests may go to what is called at random. */
const CHANGES = /^(sagemaker:(Create|Delete|Stop|AddTags|InvokeEndpoint)|cloudwatch:(Put|Delete)|states:(Start|Stop)|logs:(Create|Put)|codepipeline:Start|firehose:Put)/;

const NAMES = ['StateMachineName', 'FunctionName', 'DeliveryStreamName', 'RepositoryName', 'ModelPackageGroupName', 'Name'];

interface Allowed { readonly action: string; readonly pattern: string }
interface Statement { readonly Effect: string; readonly Action?: string | string[]; readonly Resource?: string | string[] }

const list = <T>(value: T | T[] | undefined): T[] => value === undefined ? [] : Array.isArray(value) ? value : [value];
const fits = (pattern: string, arn: string): boolean =>
  new RegExp(`^${pattern.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 'i').test(arn);

/** What roles of a stack may do on which resources. */
function allowedIn(deployed: Deployed, { path, template }: Synthesized): Allowed[] {
  const documents = Object.values(template.Resources).flatMap(({ Type, Properties = {} }) => Type === 'AWS::IAM::Role'
    ? list(Properties.Policies as { PolicyDocument: unknown }[]).map(({ PolicyDocument }) => PolicyDocument)
    : Type === 'AWS::IAM::Policy' ? [Properties.PolicyDocument] : []);
  return documents.flatMap((document) => (deployed.resolve(path, document) as { Statement: Statement[] }).Statement)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action, Resource }) => list(Action).flatMap((action) => list(Resource).map((pattern) => ({ action, pattern }))));
}

/** ARNs of what a model makes when it runs. */
function madeBy({ endpoint: { endpointName }, training }: RegressionModel): string[] {
  const sagemaker = (resource: string): string => `arn:aws:sagemaker:ap-southeast-1:111122223333:${resource}`;
  const logs = (name: string): string => `arn:aws:logs:ap-southeast-1:111122223333:log-group:/aws/sagemaker/Endpoints/${name}:log-stream:AllTraffic/i-1`;
  const releases = ['V1.0.0', 'V2.11.3', `V${'9'.repeat(16)}.12345.12345`].map((version) => namesFor(endpointName, version, `run of ${endpointName}`));
  const job = jobNameOf(training.jobPrefix, 'execution');
  return [
    sagemaker(`endpoint/${endpointName}`), logs(endpointName),
    ...releases.flatMap(({ endpointConfig, shadowEndpointConfig, model, stagingEndpoint }) => [
      ...[endpointConfig, shadowEndpointConfig, stagingEndpoint].map((name) => sagemaker(`endpoint-config/${name}`)),
      sagemaker(`model/${model}`), sagemaker(`endpoint/${stagingEndpoint}`), logs(stagingEndpoint),
      `arn:aws:cloudwatch:ap-southeast-1:111122223333:alarm:${endpointConfig}-5xx`,
    ]),
    sagemaker(`training-job/${job}-t1`), sagemaker(`processing-job/${job}-e1`),
  ];
}

describe('models that are called alike', () => {
  let models: RegressionModel[] = [];
  const templates = synthesized((app: App) => {
    const stack = platformOf(app, IDS, []);
    models = stack.node.findAll().filter((each): each is RegressionModel => each instanceof RegressionModel);
  });
  const deployed = new Deployed(templates);
  const rightsOf = (model: RegressionModel): Allowed[] =>
    allowedIn(deployed, templates.get(model.stack.node.path)!).filter(({ action }) => CHANGES.test(action));

  test.each(IDS)('%s reaches what it makes itself, and nothing that another makes', (id) => {
    const model = models.find((each) => each.node.id === id)!;
    const own = rightsOf(model);
    const services = /:(sagemaker|cloudwatch|logs):/;
    for (const arn of madeBy(model)) expect(own.filter(({ pattern }) => fits(pattern, arn))).not.toEqual([]);
    const strangers = models.filter((each) => each !== model).flatMap(madeBy);
    // logs of all jobs of an account are in one group
    const reached = own.filter(({ pattern }) => pattern !== '*' && services.test(pattern) && strangers.some((arn) => fits(pattern, arn)));
    expect(reached).toEqual([]);
  });

  test('have names of their own for what CloudFormation makes', () => {
    const named = [...templates.values()].flatMap(({ template }) => Object.values(template.Resources).flatMap(({ Type, Properties = {} }) =>
      NAMES.filter((property) => typeof Properties[property] === 'string').map((property) => `${Type} ${String(Properties[property])}`.toLowerCase())));
    expect(named.length).toBeGreaterThan(IDS.length * 8);
    expect(named.filter((name, i) => named.indexOf(name) !== i)).toEqual([]);
  });

  test('are not mistaken for one another when what they leave behind is removed', () => {
    for (const { endpoint } of models) {
      for (const other of models) {
        if (other.endpoint === endpoint) continue;
        const { model, stagingEndpoint } = namesFor(other.endpoint.endpointName, 'V1.0.0', 'run');
        expect([model, stagingEndpoint].map((name) => releaseOf(endpoint.endpointName, name))).toEqual([undefined, undefined]);
        expect(isReleaseAlarm(endpoint.endpointName, `${model}-5xx`)).toBe(false);
      }
    }
  });

  test('keep their names whoever comes or goes', () => {
    const before = new Map(models.map(({ node, endpoint, training }) => [node.id, [endpoint.endpointName, training.jobPrefix]]));
    const app = new App({ analyticsReporting: false });
    platformOf(app, ['Another', ...IDS.slice(2), 'Last'], []);
    for (const child of app.node.findAll()) {
      if (!(child instanceof RegressionModel) || !before.has(child.node.id)) continue;
      expect([child.endpoint.endpointName, child.training.jobPrefix]).toEqual(before.get(child.node.id));
    }
  });
});

describe('a name that is taken', () => {
  const stackOf = (app = new App({ analyticsReporting: false })) => platformOf(app, ['Model'], []);

  test('is refused for an endpoint, whatever its case', () => {
    const stack = stackOf();
    new ModelEndpoint(stack, 'One', { endpointName: 'temperature' });
    expect(() => new ModelEndpoint(stack, 'Two', { endpointName: 'Temperature' }))
      .toThrow('Many/Two: the endpointName \'Temperature\' is that of Many/One already: choose another name');
  });

  test('is refused for an endpoint that cannot be told from what releases to another make', () => {
    const stack = stackOf();
    new ModelEndpoint(stack, 'One', { endpointName: 'temperature' });
    const { stagingEndpoint } = namesFor('temperature', 'V1.0.0', 'run');
    expect(() => new ModelEndpoint(stack, 'Two', { endpointName: stagingEndpoint }))
      .toThrow(`Many/Two: the endpointName '${stagingEndpoint}' cannot be told from what Many/One makes for 'temperature': choose another name`);
  });

  test('may be had in another account or region, and in stacks that do not say where', () => {
    const app = new App({ analyticsReporting: false });
    const places = [undefined, undefined, ['111122223333', 'eu-west-1'], ['111122223333', 'eu-west-2'], ['444455556666', 'eu-west-1']];
    const stacks = places.map((env, i) => new Stack(app, `Stack${i}`, env && { env: { account: env[0], region: env[1] } }));
    for (const stack of stacks) new ModelEndpoint(stack, 'Endpoint', { endpointName: 'temperature' });
    const again = new Stack(app, 'Again', { env: { account: '111122223333', region: 'eu-west-1' } });
    expect(() => new ModelEndpoint(again, 'Endpoint', { endpointName: 'temperature' })).toThrow('is that of Stack2/Endpoint already');
  });

  test('is refused for a model', () => {
    const app = new App({ analyticsReporting: false });
    expect(() => platformOf(app, ['Model', 'model'], [])).toThrow('the modelName \'model\' is that of Many/Mlops/Model/Stack/Registry already');
  });

  test('is refused for a dataset of the same lake, which would have the same table', () => {
    const stack = stackOf();
    const platform = stack.node.findChild('Mlops') as MlopsPlatform;
    const options = { source: DataSource.upload(), script: DataScript.fromAsset('examples/regression-platform/pipelines/weather.py'), target: 'y' };
    platform.addDataPipeline('Rain', options);
    expect(() => platform.addDataPipeline('Other', { ...options, datasetName: 'rain' })).toThrow('the dataset of Many/Mlops/DataLake \'rain\' is that of Many/Mlops/Rain/Rain already');
  });
});
