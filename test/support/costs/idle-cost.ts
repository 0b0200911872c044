import * as table from './prices.json';
import { runsPerMonth } from './schedule';

export type PriceName = keyof typeof table.prices;

/** One line of a bill for a month in which nothing happens. */
export interface CostLine {
  /** The construct below the platform that it belongs to. */
  readonly part: string;
  readonly price: PriceName;
  readonly quantity: number;
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly Metadata?: Record<string, unknown>;
}

type Priced = readonly [PriceName, number];
type Resources = Record<string, Resource>;

const HOURS = table.hoursPerMonth;
const FREE = new Set(table.free);

/** What costs something at rest, by type. Each answers for the properties that make it cost something. */
const PRICED: Record<string, (properties: Record<string, unknown>, resources: Resources) => Priced[]> = {
  'AWS::KMS::Key': (properties) => [['key', 1], ['rotatedKey', properties.EnableKeyRotation === true ? 2 : 0]],
  'AWS::EC2::VPCEndpoint': (properties) => properties.VpcEndpointType === 'Interface' ? [['interfaceEndpoint', HOURS * listed(properties.SubnetIds).length]] : [],
  'AWS::EC2::NatGateway': () => [['natGateway', HOURS]],
  'AWS::EC2::EIP': () => [['publicAddress', HOURS]],
  'AWS::CloudWatch::Alarm': alarm,
  'AWS::CloudWatch::CompositeAlarm': () => [['compositeAlarm', 1]],
  'AWS::CloudWatch::Dashboard': () => [['dashboard', 1]],
  'AWS::SecretsManager::Secret': () => [['secret', 1]],
  'AWS::CodePipeline::Pipeline': (properties) => properties.PipelineType === 'V2' ? [] : [['pipelineV1', 1]],
  'AWS::SageMaker::NotebookInstance': (properties) => [['notebookVolume', Number(properties.VolumeSizeInGB ?? 5)]],
  'AWS::SageMaker::Space': (properties) => [['notebookVolume', volumeOf(properties)]],
  'AWS::Events::Rule': schedule,
  'AWS::Scheduler::Schedule': ({ ScheduleExpression }) => [['scheduledWorkflow', runsPerMonth(String(ScheduleExpression), HOURS)]],
  'AWS::DynamoDB::Table': (properties) => only(properties.BillingMode === 'PAY_PER_REQUEST', 'a table with capacity of its own'),
  'AWS::ApiGateway::Stage': (properties) => only(properties.CacheClusterEnabled !== true, 'a cache of an API'),
  'AWS::Lambda::Function': () => [],
  'AWS::Lambda::Alias': (properties) => only(properties.ProvisionedConcurrencyConfig === undefined, 'provisioned concurrency'),
};

/** The lines of a template. A type that is neither priced nor known to be free at rest is an error. */
export function idleCost(resources: Resources): CostLine[] {
  return Object.entries(resources).flatMap(([id, resource]) => {
    const { Type: type, Properties: properties = {} } = resource;
    if (FREE.has(type) || type.startsWith('Custom::') || type === 'AWS::CDK::Metadata') return [];
    const priced = PRICED[type];
    if (priced === undefined) throw new Error(`${id}: nothing is known of the price of ${type}; say in prices.json that it is free at rest, or how it is priced`);
    const part = partOf(resource);
    return priced(properties, resources).filter(([, quantity]) => quantity > 0).map(([price, quantity]) => ({ part, price, quantity }));
  });
}

/** USD a month; with keys as old as `years`, since each of the first two rotations adds to a key's price. */
export function monthly(lines: readonly CostLine[], years: number = 0): number {
  const share = (price: PriceName) => price === 'rotatedKey' ? Math.min(years, 2) / 2 : 1;
  return lines.reduce((sum, { price, quantity }) => sum + table.prices[price].usd * quantity * share(price), 0);
}

function alarm(properties: Record<string, unknown>): Priced[] {
  const queries = listed(properties.Metrics) as { MetricStat?: { Period?: number } }[];
  const measured = queries.flatMap(({ MetricStat }) => MetricStat === undefined ? [] : [MetricStat.Period]);
  const periods = queries.length === 0 ? [properties.Period] : measured;
  return periods.map((period) => [Number(period) < 60 ? 'fastAlarm' : 'alarm', 1]);
}

function schedule(properties: Record<string, unknown>, resources: Resources): Priced[] {
  if (typeof properties.ScheduleExpression !== 'string' || properties.State === 'DISABLED') return [];
  const runs = runsPerMonth(properties.ScheduleExpression, HOURS);
  return (listed(properties.Targets) as { Arn?: { 'Fn::GetAtt'?: string[] } }[]).map(({ Arn }) => {
    const target = resources[Arn?.['Fn::GetAtt']?.[0] ?? '']?.Type;
    return [target === 'AWS::Lambda::Function' ? 'scheduledFunction' : 'scheduledWorkflow', runs];
  });
}

function volumeOf(properties: Record<string, unknown>): number {
  const settings = properties.SpaceSettings as { SpaceStorageSettings?: { EbsStorageSettings?: { EbsVolumeSizeInGb?: number } } } | undefined;
  return settings?.SpaceStorageSettings?.EbsStorageSettings?.EbsVolumeSizeInGb ?? 5;
}

function only(free: boolean, otherwise: string): Priced[] {
  if (!free) throw new Error(`nothing is known of the price of ${otherwise}`);
  return [];
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The construct below the platform; what is beside the platform stands for itself. */
function partOf({ Metadata: metadata }: Resource): string {
  const path = String(metadata?.['aws:cdk:path'] ?? '').split('/');
  return path[2] === 'Resource' || path[2] === undefined ? path[1] ?? '' : path[2];
}
