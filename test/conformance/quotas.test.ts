import { Deployed } from './deployed';
import { Resource, synthesized } from './templates';
import { named, platformOf } from '../benchmarks/synth/platform';

const MODELS = 100;
const NOTEBOOKS = 50;
const DATASETS = 100;

// synthesizing the whole takes a minute, on a slow machine several
jest.setTimeout(30 * 60_000);

interface Holder { readonly PolicyDocument: unknown }
interface Measured { readonly what: string; readonly size: number }

const list = <T>(value: T | T[] | undefined): T[] => value === undefined ? [] : Array.isArray(value) ? value : [value];
/** Characters without spaces, as IAM counts. */
const dense = (value: unknown): number => (typeof value === 'string' ? value : JSON.stringify(value)).replace(/\s/g, '').length;
const over = (measured: Measured[], most: number): Measured[] => measured.filter(({ size }) => size > most);
const largest = (measured: Measured[]): Measured => measured.reduce((a, b) => a.size >= b.size ? a : b);

describe(`a platform of ${MODELS} models, ${NOTEBOOKS} notebooks and ${DATASETS} data pipelines`, () => {
  let warnings: string[] = [];
  const stacks = synthesized((app) => {
    // a template of so many nested stacks is within a mebibyte without its indentation
    app.node.setContext('@aws-cdk/core:suppressTemplateIndentation', true);
    const stack = platformOf(app, named('Model', MODELS), named('Notebook', NOTEBOOKS), named('Data', DATASETS));
    warnings = stack.node.findChild('Mlops').node.metadata.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => String(data));
  });
  const deployed = new Deployed(stacks);
  const all = [...stacks.values()].flatMap(({ path, template }) =>
    Object.entries(template.Resources).map(([id, resource]) => ({ path, id, ...resource })));
  const of = (...types: string[]): typeof all => all.filter(({ Type }) => types.includes(Type));
  const name = ({ path, id }: { path: string; id: string }): string => `${path} ${id}`;
  const property = (each: Resource & { path: string }, key: string): unknown => deployed.resolve(each.path, each.Properties?.[key]);
  const sizes = (types: string[], key: string): Measured[] => of(...types).filter(({ Properties }) => Properties?.[key] !== undefined)
    .map((each) => ({ what: name(each), size: dense(property(each, key)) }));
  /** The role that a policy is attached to, where it is one of the same template. */
  const attached = (type: string): Map<string, (typeof all)[number][]> => {
    const found = new Map<string, (typeof all)[number][]>();
    for (const each of of(type)) {
      for (const role of list(each.Properties?.Roles as { Ref?: string }[])) {
        const key = `${each.path} ${role.Ref ?? JSON.stringify(role)}`;
        found.set(key, [...found.get(key) ?? [], each]);
      }
    }
    return found;
  };

  test('is as large as it says', () => {
    expect(of('AWS::StepFunctions::StateMachine').filter(({ path }) => path.endsWith('/Stack'))).toHaveLength(8 * MODELS);
    expect(of('AWS::Glue::Job')).toHaveLength(DATASETS + 1);
    expect(of('AWS::SageMaker::NotebookInstance')).toHaveLength(NOTEBOOKS);
  });

  test('says what to ask AWS for', () => {
    expect(warnings).toEqual([expect.stringMatching(/^There are more than 50 models\. CloudFormation makes 2,500 resources in one deployment.*\[ack: cdk-mlops:manyModels\]$/)]);
  });

  test('templates: 500 resources, 200 parameters, 200 outputs, 1 MiB', () => {
    const every = [...stacks.values()];
    expect(over(every.map(({ path, template }) => ({ what: path, size: Object.keys(template.Resources).length })), 500)).toEqual([]);
    expect(over(every.map(({ path, template }) => ({ what: path, size: Object.keys(template.Parameters ?? {}).length })), 200)).toEqual([]);
    expect(over(every.map(({ path, template }) => ({ what: path, size: Object.keys(template.Outputs ?? {}).length })), 200)).toEqual([]);
    expect(over(every.map(({ path, bytes }) => ({ what: path, size: bytes })), 1024 * 1024)).toEqual([]);
  });

  test('IAM: 10,240 characters inline for a role, 6,144 for a managed policy, 2,048 for who may take a role, 10 managed policies', () => {
    const policies = attached('AWS::IAM::Policy');
    const inline = of('AWS::IAM::Role').map((role) => {
      const own = list(role.Properties?.Policies as Holder[]);
      const parts = [...own, ...(policies.get(name(role)) ?? []).map((policy) => policy.Properties as unknown as Holder)];
      return { what: name(role), size: parts.reduce((sum, { PolicyDocument }) => sum + dense(deployed.resolve(role.path, PolicyDocument)), 0) };
    });
    expect(over(inline, 10_240)).toEqual([]);
    expect(over(sizes(['AWS::IAM::ManagedPolicy'], 'PolicyDocument'), 6_144)).toEqual([]);
    expect(over(sizes(['AWS::IAM::Role'], 'AssumeRolePolicyDocument'), 2_048)).toEqual([]);
    const managed = attached('AWS::IAM::ManagedPolicy');
    expect(over(of('AWS::IAM::Role').map((role) => ({
      what: name(role), size: (managed.get(name(role)) ?? []).length + list(role.Properties?.ManagedPolicyArns as unknown[]).length,
    })), 10)).toEqual([]);
    // room for the models to come
    expect(largest(inline).size).toBeLessThan(10_000);
  });

  test('policies of resources: 20 KiB for a bucket, 32 KiB for a key, 30,720 for a topic, 8,192 for an API, 5,120 for a log group, 10 of these', () => {
    expect(over(sizes(['AWS::S3::BucketPolicy'], 'PolicyDocument'), 20_480)).toEqual([]);
    expect(over(sizes(['AWS::KMS::Key'], 'KeyPolicy'), 32_768)).toEqual([]);
    expect(over(sizes(['AWS::SNS::TopicPolicy', 'AWS::SQS::QueuePolicy'], 'PolicyDocument'), 30_720)).toEqual([]);
    expect(over(sizes(['AWS::ApiGateway::RestApi'], 'Policy'), 8_192)).toEqual([]);
    expect(over(sizes(['AWS::DynamoDB::Table'], 'ResourcePolicy'), 20_480)).toEqual([]);
    expect(over(sizes(['AWS::ECR::Repository'], 'RepositoryPolicyText'), 10_240)).toEqual([]);
    expect(over(sizes(['AWS::Logs::ResourcePolicy'], 'PolicyDocument'), 5_120)).toEqual([]);
    expect(of('AWS::Logs::ResourcePolicy').length).toBeLessThanOrEqual(10);
  });

  test('EventBridge: 300 rules, 30 of them with wildcards, patterns of 2,048 characters, 5 targets, transformers of 8,192 characters', () => {
    const rules = of('AWS::Events::Rule');
    expect(rules.length).toBeLessThanOrEqual(300);
    expect(rules.filter(({ Properties }) => JSON.stringify(Properties?.EventPattern ?? {}).includes('"wildcard"')).length).toBeLessThanOrEqual(30);
    expect(over(rules.map((rule) => ({ what: name(rule), size: (JSON.stringify(property(rule, 'EventPattern')) as string | undefined)?.length ?? 0 })), 2_048)).toEqual([]);
    expect(over(rules.map((rule) => ({ what: name(rule), size: list(rule.Properties?.Targets as unknown[]).length })), 5)).toEqual([]);
    const transformers = rules.flatMap((rule) => list(property(rule, 'Targets') as { InputTransformer?: { InputTemplate: string } }[])
      .map(({ InputTransformer }) => ({ what: name(rule), size: InputTransformer?.InputTemplate.length ?? 0 })));
    expect(over(transformers, 8_192)).toEqual([]);
  });

  test('Step Functions: definitions of 1 MiB; Lambda: 4 KiB of environment; CloudTrail: 500 values', () => {
    expect(over(sizes(['AWS::StepFunctions::StateMachine'], 'DefinitionString'), 1024 * 1024)).toEqual([]);
    expect(over(sizes(['AWS::Lambda::Function'], 'Environment'), 4_096)).toEqual([]);
    const values = of('AWS::CloudTrail::Trail').map((trail) => ({
      what: name(trail),
      size: list(trail.Properties?.AdvancedEventSelectors as { FieldSelectors: Record<string, unknown>[] }[])
        .flatMap(({ FieldSelectors }) => FieldSelectors).flatMap((field) => Object.values(field).filter(Array.isArray).flat()).length,
    }));
    expect(values).toHaveLength(1);
    expect(over(values, 500)).toEqual([]);
  });

  test('names: 64 characters for functions and roles, 80 for state machines, 63 for what SageMaker has, 100 for pipelines and repositories', () => {
    const names = (type: string, key: string): Measured[] => of(type).filter(({ Properties }) => typeof Properties?.[key] === 'string')
      .map((each) => ({ what: `${name(each)}: ${String(each.Properties![key])}`, size: String(each.Properties![key]).length }));
    expect(over([...names('AWS::Lambda::Function', 'FunctionName'), ...names('AWS::IAM::Role', 'RoleName')], 64)).toEqual([]);
    expect(over(names('AWS::StepFunctions::StateMachine', 'StateMachineName'), 80)).toEqual([]);
    expect(over([...names('AWS::SageMaker::NotebookInstance', 'NotebookInstanceName'), ...names('AWS::SageMaker::ModelPackageGroup', 'ModelPackageGroupName')], 63)).toEqual([]);
    expect(over([...names('AWS::CodePipeline::Pipeline', 'Name'), ...names('AWS::CodeCommit::Repository', 'RepositoryName')], 100)).toEqual([]);
    expect(over(names('AWS::KinesisFirehose::DeliveryStream', 'DeliveryStreamName'), 64)).toEqual([]);
  });
});
