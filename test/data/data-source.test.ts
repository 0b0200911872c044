import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { DataScript, DataSource, MlopsPlatform, Persona } from '../../src';
import { Simulator } from '../access/simulator';

const script = DataScript.fromAsset('examples/regression-platform/pipelines/weather.py');

/** A platform with two sources that exist before or after the people. */
function platformWith(order: 'sources first' | 'people first'): { readonly template: Template; readonly pipelines: Template[] } {
  const stack = new Stack(new App(), 'Test', { env: { account: '111122223333', region: 'eu-central-1' } });
  const platform = new MlopsPlatform(stack, 'Mlops');
  const people = () => {
    platform.addPersona('Engineer', { persona: Persona.DATA_ENGINEER });
    platform.addPersona('Scientist', { persona: Persona.DATA_SCIENTIST });
  };
  if (order === 'people first') people();
  const exports = platform.addDataSource('Exports', DataSource.bucket(s3.Bucket.fromBucketName(stack, 'Theirs', 'exports'), 'weather'));
  const shared = platform.addDataSource('Shared');
  const pipelines = [
    platform.addDataPipeline('One', { source: shared, script, target: 'y' }),
    platform.addDataPipeline('Two', { source: shared, script, target: 'y' }),
    platform.addDataPipeline('Three', { source: exports, script, target: 'y' }),
  ];
  if (order === 'sources first') people();
  return { template: Template.fromStack(stack), pipelines: pipelines.map((pipeline) => Template.fromStack(Stack.of(pipeline))) };
}

/** Statements that a persona is allowed by, in its own policies. */
function allowed(template: Template, persona: string): string {
  const policies = { ...template.findResources('AWS::IAM::Policy'), ...template.findResources('AWS::IAM::ManagedPolicy') };
  return JSON.stringify(Object.entries(policies).filter(([id]) => id.includes(persona))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as iam.PolicyStatementProps[]));
}

test.each(['sources first', 'people first'] as const)('a source belongs to data engineers alone, %s', (order) => {
  const { template } = platformWith(order);
  expect(allowed(template, 'Engineer')).toContain(':s3:::exports/weather/*');
  expect(allowed(template, 'Scientist')).not.toMatch(/:s3:::exports|SourceZone/);
});

test('several pipelines read one source', () => {
  const jobs = platformWith('people first').pipelines.flatMap((pipeline) => Object.values(pipeline.findResources('AWS::Glue::Job')))
    .map(({ Properties }) => JSON.stringify(Properties.DefaultArguments['--source']));
  expect(jobs.filter((source) => source.includes('/uploads/Shared/'))).toHaveLength(2);
  expect(jobs.filter((source) => source.includes('s3://exports/weather/'))).toHaveLength(1);
});

test('a folder of uploads has a plain name', () => {
  expect(() => DataSource.upload('a b')).toThrow("got 'a b'");
  expect(() => DataSource.upload('/a/')).toThrow("got '/a/'");
});

describe('a key that is not there', () => {
  // S3 says "not found" to whom may list the bucket without naming a prefix, and "access denied" to others
  const [template] = platformWith('people first').pipelines;
  const decide = (role: RegExp, prefix?: string) => {
    const statements = Object.values(template.findResources('AWS::IAM::Policy'))
      .filter(({ Properties }) => (Properties.Roles as { Ref?: string }[]).some(({ Ref }) => role.test(Ref ?? '')))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[])
      .filter(({ Action }) => [Action].flat().includes('s3:ListBucket'))
      .map((statement) => ({ ...statement, Resource: 'arn:aws:s3:::bucket' }));
    return new Simulator(template, { account: '111122223333', region: 'eu-central-1' })
      .decide(statements, 's3:ListBucket', 'arn:aws:s3:::bucket', prefix === undefined ? {} : { 's3:prefix': prefix });
  };

  test.each([['the planner', /OneWorkflowPlannerRole/], ['the publisher', /OneWorkflowPublisherRole/], ['the job', /OneJobRole/]])('is said to be missing to %s', (_, role) => {
    expect(decide(role)).toBe('Allowed');
    expect(decide(role, 'datasets/One/x')).toBe('Allowed');
    expect(decide(role, 'datasets/Two/x')).not.toBe('Allowed');
  });
});
