import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { PipelineProtectionProps } from '../../src/access/pipeline-protection-props';

interface Fields { readonly Field: string; readonly Equals?: unknown[]; readonly StartsWith?: unknown[]; readonly NotEquals?: unknown[] }
interface Selector { readonly Name: string; readonly FieldSelectors: Fields[] }

function trailOf(props: PipelineProtectionProps = {}): { EventSelectors?: unknown; AdvancedEventSelectors: Selector[] } {
  const stack = new Stack(new App(), 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } });
  const protection = new PipelineProtection(stack, 'Protection', props);
  protection.protectBucket(s3.Bucket.fromBucketName(stack, 'Bucket', 'artifacts'));
  protection.protectTable(dynamodb.Table.fromTableArn(stack, 'Table', 'arn:aws:dynamodb:eu-central-1:111122223333:table/ledger'));
  const [{ Properties }] = Object.values(Template.fromStack(stack).findResources('AWS::CloudTrail::Trail'));
  return Properties as { EventSelectors?: unknown; AdvancedEventSelectors: Selector[] };
}

const field = (selectors: Selector[], name: string, of: string): Fields | undefined =>
  selectors.find(({ Name }) => Name === name)?.FieldSelectors.find(({ Field }) => Field === of);

test('the trail records what manages, and who writes exactly the protected buckets, tables and functions', () => {
  const { EventSelectors, AdvancedEventSelectors: selectors } = trailOf();
  expect(EventSelectors).toBeUndefined();
  expect(selectors.map(({ Name }) => Name)).toEqual(['Management', 'Objects', 'Items', 'Invocations']);
  for (const name of ['Objects', 'Items', 'Invocations']) expect(field(selectors, name, 'readOnly')).toMatchObject({ Equals: ['false'] });
  expect(JSON.stringify(field(selectors, 'Objects', 'resources.ARN')?.StartsWith)).toContain(':s3:::artifacts/');
  expect(field(selectors, 'Items', 'resources.ARN')).toMatchObject({ Equals: ['arn:aws:dynamodb:eu-central-1:111122223333:table/ledger'] });
  expect(JSON.stringify(field(selectors, 'Invocations', 'resources.ARN')?.StartsWith)).toContain(':function:Stack');
});

test('the function that tells is not recorded: it would tell of itself without end', () => {
  const { AdvancedEventSelectors: selectors } = trailOf();
  expect(field(selectors, 'Invocations', 'resources.ARN')?.NotEquals).toEqual([{ 'Fn::GetAtt': [expect.stringMatching(/^ProtectionTamperAlertsReporterFunction/), 'Arn'] }]);
});

test('more than a trail takes is an error, unless data events are left out', () => {
  const build = (count: number, props: PipelineProtectionProps = {}) => {
    const app = new App();
    const stack = new Stack(app, 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } });
    const protection = new PipelineProtection(stack, 'Protection', props);
    for (let i = 0; i < count; i += 1) {
      protection.protectTable(dynamodb.Table.fromTableArn(stack, `Table${i}`, `arn:aws:dynamodb:eu-central-1:111122223333:table/ledger${i}`));
    }
    return app.synth();
  };
  expect(() => build(480)).not.toThrow();
  expect(() => build(481)).toThrow(/a trail records what is written to at most 480 buckets and tables, here 481 are protected: put some of the models onto a second platform/);
  expect(() => build(481, { recordDataEvents: false })).not.toThrow();
});

test('data events may be left out', () => {
  expect(trailOf({ recordDataEvents: false }).AdvancedEventSelectors.map(({ Name }) => Name)).toEqual(['Management']);
});
