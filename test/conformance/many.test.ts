import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { named, platformOf } from '../benchmarks/synth/platform';

/** What a model may add, to all stacks together, besides its nested stack itself. */
const MOST_PER_MODEL = 45;
/** CloudFormation's limits for one template. */
const MOST_RESOURCES = 500;
const MOST_PARAMETERS = 200;
/** IAM's limit for the policies that are part of a role. */
const MOST_INLINE = 10_240;

type Resources = Record<string, { Type: string; Properties?: Record<string, unknown> }>;
interface Json { Resources: Resources; Parameters?: object }

/** All templates of a platform, by the path of their stack. */
function templatesOf(models: string[], notebooks: string[]): Map<string, Json> {
  const stack = platformOf(new App({ analyticsReporting: false }), models, notebooks);
  const nested = stack.node.findAll().filter((each): each is Stack => each instanceof NestedStack);
  return new Map([stack, ...nested].map((each) => [each.node.path, Template.fromStack(each).toJSON() as Json]));
}

/** Logical ids with their types, by stack. */
function idsOf(templates: ReadonlyMap<string, Json>): Map<string, string[]> {
  return new Map([...templates].map(([path, { Resources }]) => [path, Object.entries(Resources)
    // of each new definition of an API there is a deployment of its own
    .map(([id, { Type }]) => `${Type === 'AWS::ApiGateway::Deployment' ? 'Deployment' : id} ${Type}`).sort()]));
}

/** Characters of a policy without spaces, where each reference is as long as the longest of its kind. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + lengthOf(each) + 1, 2);
  if (typeof value !== 'object' || value === null) return 5;
  const [[name, argument]] = Object.entries(value);
  if (name === 'Ref') return { 'AWS::Partition': 3, 'AWS::Region': 14, 'AWS::AccountId': 12 }[String(argument)] ?? 100;
  if (name === 'Fn::GetAtt') return 100;
  if (name === 'Fn::Select') return 80;
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].reduce<number>((sum, each) => sum + lengthOf(each) - (typeof each === 'string' ? 2 : 0), 2);
  return Object.entries(value).reduce((sum, [key, each]) => sum + key.length + 4 + lengthOf(each), 2);
}

describe('a platform of many models and notebooks', () => {
  const models = named('Model', 3);
  const notebooks = named('Notebook', 3);
  const three = templatesOf(models, notebooks);
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
    const more = templatesOf([...models, 'Other'], notebooks);
    expect(Object.keys(more.get('Many')!.Resources).length - Object.keys(three.get('Many')!.Resources).length).toBe(1);
  });

  test.each([
    ['a model is added in the middle', ['Model1', 'New', 'Model2', 'Model3'], notebooks],
    ['a model is removed from the middle', ['Model1', 'Model3'], notebooks],
    ['a notebook is added in the middle', models, ['Notebook1', 'New', 'Notebook2', 'Notebook3']],
    ['a notebook is removed from the middle', models, ['Notebook1', 'Notebook3']],
  ])('others keep their logical ids when %s', (_, otherModels, otherNotebooks) => {
    const before = idsOf(three);
    const after = idsOf(templatesOf(otherModels, otherNotebooks));
    const ofMany = (ids: string[]) => ids.filter((id) => !/Many|AWS::CloudFormation::Stack/.test(id));
    for (const [path, ids] of after) {
      if (!before.has(path)) expect(path).toContain('New');
      else expect(ofMany(ids)).toEqual(ofMany(before.get(path)!));
    }
    const stacks = (all: Map<string, string[]>) => all.get('Many')!.filter((id) => id.endsWith('AWS::CloudFormation::Stack'));
    expect(Math.abs(stacks(after).length - stacks(before).length)).toBe(1);
    expect(stacks(before).filter((id) => stacks(after).includes(id))).toHaveLength(Math.min(stacks(after).length, stacks(before).length));
  });

  test('roles hold what they may do', () => {
    const roles = ofModel.flatMap(({ Resources }) => Object.entries(Resources)).filter(([, { Type }]) => Type === 'AWS::IAM::Role');
    const lengths = roles.map(([id, { Properties }]) => ({ id, length: lengthOf(Properties?.Policies ?? []) }));
    expect(lengths.filter(({ length }) => length > MOST_INLINE)).toEqual([]);
  });

  test('templates stay within what CloudFormation takes', () => {
    for (const { Resources, Parameters } of three.values()) {
      expect(Object.keys(Resources).length).toBeLessThanOrEqual(MOST_RESOURCES);
      expect(Object.keys(Parameters ?? {}).length).toBeLessThanOrEqual(MOST_PARAMETERS);
    }
  });
});
