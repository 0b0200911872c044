import { synthesized, TemplateJson } from './templates';
import { named, platformOf } from '../benchmarks/synth/platform';

/** What a model may add, to all stacks together, besides its nested stack itself. */
const MOST_PER_MODEL = 45;
/** What a data pipeline has in its nested stack. */
const MOST_PER_PIPELINE = 22;
/** CloudFormation's limits for one template. */
const MOST_RESOURCES = 500;
const MOST_PARAMETERS = 200;

/** All templates of a platform, by the path of their stack. */
function templatesOf(models: string[], notebooks: string[], datasets: string[]): Map<string, TemplateJson> {
  const stacks = synthesized((app) => { platformOf(app, models, notebooks, datasets); });
  return new Map([...stacks].map(([path, { template }]) => [path, template]));
}

/** Logical ids with their types, by stack. */
function idsOf(templates: ReadonlyMap<string, TemplateJson>): Map<string, string[]> {
  return new Map([...templates].map(([path, { Resources }]) => [path, Object.entries(Resources)
    // of each new definition of an API there is a deployment of its own
    .map(([id, { Type }]) => `${Type === 'AWS::ApiGateway::Deployment' ? 'Deployment' : id} ${Type}`).sort()]));
}

describe('a platform of many models, notebooks and data pipelines', () => {
  const models = named('Model', 3);
  const notebooks = named('Notebook', 3);
  const datasets = named('Data', 3);
  const three = templatesOf(models, notebooks, datasets);
  const ofModel = [...three].filter(([path]) => path.includes('/Model1/')).map(([, template]) => template);

  test(`a model adds at most ${MOST_PER_MODEL} resources, one of them a rule`, () => {
    expect(ofModel).toHaveLength(1);
    const [{ Resources, Parameters }] = ofModel;
    expect(Object.keys(Resources).length).toBeLessThanOrEqual(MOST_PER_MODEL);
    expect(Object.keys(Parameters ?? {}).length).toBeLessThanOrEqual(20);
    const types = Object.values(Resources).map(({ Type }) => Type);
    // a bus takes 300 rules, an account 1,000 roles
    expect(types.filter((type) => type === 'AWS::Events::Rule')).toHaveLength(1);
    expect(types.filter((type) => type === 'AWS::IAM::Role').length).toBeLessThanOrEqual(8);
    expect(types).not.toContain('AWS::Lambda::Function');
    // in the stack that holds the models, one more adds nothing but its nested stack
    const more = templatesOf([...models, 'Other'], notebooks, datasets);
    expect(Object.keys(more.get('Many')!.Resources).length - Object.keys(three.get('Many')!.Resources).length).toBe(1);
  });

  test.each([
    ['a model is added in the middle', ['Model1', 'New', 'Model2', 'Model3'], notebooks, datasets],
    ['a model is removed from the middle', ['Model1', 'Model3'], notebooks, datasets],
    ['a notebook is added in the middle', models, ['Notebook1', 'New', 'Notebook2', 'Notebook3'], datasets],
    ['a notebook is removed from the middle', models, ['Notebook1', 'Notebook3'], datasets],
    ['a data pipeline is added in the middle', models, notebooks, ['Data1', 'New', 'Data2', 'Data3']],
    ['a data pipeline is removed from the middle', models, notebooks, ['Data1', 'Data3']],
  ])('others keep their logical ids when %s', (_, ...others) => {
    const before = idsOf(three);
    const after = idsOf(templatesOf(...others));
    const ofMany = (ids: string[]) => ids.filter((id) => !/Many|AWS::CloudFormation::Stack/.test(id));
    for (const [path, ids] of after) {
      if (!before.has(path)) expect(path).toContain('New');
      else expect(ofMany(ids)).toEqual(ofMany(before.get(path)!));
    }
    const stacks = (all: Map<string, string[]>) => all.get('Many')!.filter((id) => id.endsWith('AWS::CloudFormation::Stack'));
    expect(Math.abs(stacks(after).length - stacks(before).length)).toBe(1);
    expect(stacks(before).filter((id) => stacks(after).includes(id))).toHaveLength(Math.min(stacks(after).length, stacks(before).length));
  });

  test('a hundred data pipelines stand beside three models', () => {
    const hundred = templatesOf(models, [], named('Data', 100));
    const ofPipelines = [...hundred].filter(([path]) => /\/Data\d+$/.test(path));
    expect(ofPipelines).toHaveLength(100);
    for (const { Resources, Parameters } of hundred.values()) {
      expect(Object.keys(Resources).length).toBeLessThanOrEqual(MOST_RESOURCES);
      expect(Object.keys(Parameters ?? {}).length).toBeLessThanOrEqual(MOST_PARAMETERS);
    }
    // what one adds besides its nested stack
    const [[, { Resources }]] = ofPipelines;
    expect(Object.keys(Resources).length).toBeLessThanOrEqual(MOST_PER_PIPELINE);
    // in a list of state machines each is known by its dataset, and what all begin with is nothing else's
    const machines = ofPipelines.flatMap(([, template]) => Object.values(template.Resources)).filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine')
      .map(({ Properties }) => String(Properties?.StateMachineName));
    expect(new Set(machines).size).toBe(100);
    expect(machines[41]).toMatch(/^Many-[0-9a-f]{8}-data_Data42-[0-9a-f]{8}$/);
    const ofModels = [...hundred].filter(([path]) => path.endsWith('/Stack')).flatMap(([, template]) => Object.values(template.Resources));
    expect(ofModels.filter(({ Properties }) => /data_/.test(String(Properties?.StateMachineName)))).toEqual([]);
  });

  test('templates stay within what CloudFormation takes', () => {
    for (const { Resources, Parameters } of three.values()) {
      expect(Object.keys(Resources).length).toBeLessThanOrEqual(MOST_RESOURCES);
      expect(Object.keys(Parameters ?? {}).length).toBeLessThanOrEqual(MOST_PARAMETERS);
    }
  });
});
