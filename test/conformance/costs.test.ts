import * as fs from 'fs';
import * as path from 'path';
import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as rds from 'aws-cdk-lib/aws-rds';
import { billOf, Choice } from '../support/costs/choices';
import { atRest, document, figuresOf, instances } from '../support/costs/document';
import { idleCost, monthly } from '../support/costs/idle-cost';
import * as table from '../support/costs/prices.json';
import { runsPerMonth } from '../support/costs/schedule';

describe('what a platform costs at rest', () => {
  test('is what docs/costs.md says', () => {
    expect(fs.readFileSync(path.join(__dirname, '../../docs/costs.md'), 'utf8')).toBe(document());
  });

  test('says of each price where it stands, when it was written down, and that no machine has checked it', () => {
    const said = document();
    for (const [name, { page, usd }] of Object.entries(table.prices)) {
      expect(page).toMatch(/^https:\/\/aws\.amazon\.com\/[a-z/-]+\/pricing\/$/);
      expect(said).toMatch(new RegExp(`\\| ${name} \\| ${usd} \\| [^|]+ \\| \\[[^|]+\\]\\(${page}\\) \\| (one price|one of several|sum) \\|`));
    }
    expect(said).toContain(`written down by hand on ${table.date}`);
    expect(said).toMatch(/not checked against AWS's pages by a machine/);
    expect(said).not.toMatch(/\bsure\b|certain/i);
  });

  test('with one model and no notebook: one endpoint and at most 15 USD a month, also when its keys are old', () => {
    const bill = billOf((stack) => new Choice(stack).withData().withModel());
    expect(bill.fleets).toEqual([{ instanceType: 'ml.m5.large', instanceCount: 2 }]);
    expect(instances(bill)).toBeCloseTo(2 * 0.115 * 730, 2);
    expect(atRest(bill)).toBeGreaterThan(3);
    expect(atRest(bill, 2)).toBeLessThanOrEqual(15);
  });

  test('has no network without a notebook, and never a NAT gateway', () => {
    const prices = (build: (stack: Stack) => Choice) => new Set(billOf(build).lines.map(({ price }) => price));
    expect(prices((stack) => new Choice(stack).withData().withModel())).not.toContain('interfaceEndpoint');
    expect(prices((stack) => new Choice(stack).withNotebook())).toContain('interfaceEndpoint');
    expect(prices((stack) => new Choice(stack).withNotebook())).not.toContain('natGateway');
  });
});

describe('the computation', () => {
  const template = (type: string, properties: Record<string, unknown> = {}) => ({ It: { Type: type, Properties: properties } });
  const cost = (type: string, properties?: Record<string, unknown>) => monthly(idleCost(template(type, properties)));

  test('refuses what it has no price for', () => {
    const unknown = (stack: Stack) => {
      new rds.CfnDBInstance(stack, 'Database', { dbInstanceClass: 'db.t4g.micro' });
      return new Choice(stack);
    };
    expect(() => billOf(unknown)).toThrow('Database: nothing is known of the price of AWS::RDS::DBInstance');
    expect(() => cost('AWS::DynamoDB::Table', { BillingMode: 'PROVISIONED' })).toThrow('a table with capacity of its own');
    expect(() => cost('AWS::ApiGateway::Stage', { CacheClusterEnabled: true })).toThrow('a cache of an API');
  });

  test.each<[string, number, string, Record<string, unknown>]>([
    ['an interface endpoint in two zones', 14.6, 'AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Interface', SubnetIds: ['a', 'b'] }],
    ['a gateway', 0, 'AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' }],
    ['a key', 1, 'AWS::KMS::Key', { EnableKeyRotation: true }],
    ['an alarm', 0.1, 'AWS::CloudWatch::Alarm', { Period: 60 }],
    ['an alarm on three metrics', 0.3, 'AWS::CloudWatch::Alarm', { Metrics: [{ Expression: 'a+b' }, ...Array(3).fill({ MetricStat: { Period: 300 } })] }],
    ['an alarm that looks every ten seconds', 0.3, 'AWS::CloudWatch::Alarm', { Period: 10 }],
    ['a pipeline of type V2', 0, 'AWS::CodePipeline::Pipeline', { PipelineType: 'V2' }],
    ['a pipeline of type V1', 1, 'AWS::CodePipeline::Pipeline', {}],
    ['a NAT gateway', 32.85, 'AWS::EC2::NatGateway', {}],
    ['a notebook with 50 GB', 7, 'AWS::SageMaker::NotebookInstance', { VolumeSizeInGB: 50 }],
    ['a rule that waits for events', 0, 'AWS::Events::Rule', { EventPattern: {}, Targets: [{ Arn: 'a' }] }],
    ['a workflow every hour', 0.73, 'AWS::Events::Rule', { ScheduleExpression: 'rate(1 hour)', Targets: [{ Arn: { Ref: 'a' } }] }],
  ])('%s', (_, usd, type, properties) => {
    expect(cost(type, properties)).toBeCloseTo(usd, 6);
  });

  test('keys get dearer with their first two rotations', () => {
    const lines = idleCost(template('AWS::KMS::Key', { EnableKeyRotation: true }));
    expect([0, 1, 2, 9].map((years) => monthly(lines, years))).toEqual([1, 2, 3, 3]);
    expect(monthly(idleCost(template('AWS::KMS::Key')), 9)).toBe(1);
  });

  test.each([['rate(6 hours)', 730 / 6], ['rate(1 minute)', 43_800], ['cron(15 * * * ? *)', 730], ['cron(0 3 * * ? *)', 730 / 24], ['cron(0/15 8-17 * * ? *)', 4 * 10 * 730 / 24]])('%s starts something %f times a month', (expression, runs) => {
    expect(runsPerMonth(expression, 730)).toBeCloseTo(runs, 6);
  });

  test('counts the metrics that monitoring publishes', () => {
    expect(figuresOf(false)).toBe(1);
    expect(figuresOf(true)).toBeGreaterThan(figuresOf(false));
  });

  test('its list of what is free holds no type that is priced', () => {
    for (const type of table.free) expect(() => monthly(idleCost(template(type)))).not.toThrow();
    expect(new Set(table.free).size).toBe(table.free.length);
    expect(ec2.CfnNatGateway.CFN_RESOURCE_TYPE_NAME).toBe('AWS::EC2::NatGateway');
    expect(table.free).not.toContain('AWS::EC2::NatGateway');
  });
});
