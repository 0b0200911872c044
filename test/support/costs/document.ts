import { Bill, billOf, CHOICES } from './choices';
import { CostLine, monthly, PriceName } from './idle-cost';
import * as table from './prices.json';
import { qualityOutcome } from '../../../src/domain/quality-report';

const WORDS: Partial<Record<PriceName, string>> = {
  key: 'keys',
  rotatedKey: '',
  interfaceEndpoint: 'interface endpoints',
  alarm: 'alarms',
  dashboard: 'dashboards',
  notebookVolume: 'GB of volumes',
  scheduledWorkflow: 'scheduled workflows',
  scheduledFunction: 'scheduled functions',
  metric: 'metrics',
};

/** The bills of all choices, by their names. */
export function bills(): Map<string, Bill> {
  return new Map(CHOICES.map(({ name, build }) => [name, billOf(build)]));
}

/** Metrics that the monitoring of a model publishes, at rest and while its endpoint is asked and answers get labels. */
export function figuresOf(asked: boolean): number {
  const accepted = { mse: 1, rmse: 1, mae: 1, r2: 0.5 };
  const row = {
    variant: 'AllTraffic',
    version: 'V1.0.0',
    configName: 'config',
    samples: 500,
    mse: 1,
    rmse: 1,
    mae: 1,
    r2: 0.5,
    due: 500,
    dueLabelled: 500,
    dueUnreadable: 0,
    accepted,
    currentVersion: 'V1.0.0',
  };
  const window = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T01:00:00.000Z' } as Parameters<typeof qualityOutcome>[0];
  const settings = { endpointName: 'endpoint', productionVariant: 'AllTraffic', minSamples: 1 } as Parameters<typeof qualityOutcome>[3];
  return qualityOutcome(window, asked ? [row] : [], undefined, settings).figures.length;
}

/** What a platform costs a month at rest, its endpoints' instances left out. */
export function atRest({ lines, fleets }: Bill, years: number = 0): number {
  return monthly(lines, years) + fleets.length * figuresOf(false) * table.prices.metric.usd;
}

/** What the instances of its endpoints cost a month. */
export function instances({ fleets }: Bill): number {
  const hourly = (instanceType: string): number => {
    if (!(instanceType in table.prices)) throw new Error(`nothing is known of the price of ${instanceType}; say it in prices.json`);
    return table.prices[instanceType as PriceName].usd;
  };
  return fleets.reduce((sum, { instanceType, instanceCount }) => sum + instanceCount * table.hoursPerMonth * hourly(instanceType), 0);
}

/** What makes the difference between two platforms, in words. */
function reasons(bill: Bill, than: Bill | undefined): string {
  const count = (lines: readonly CostLine[] = [], price: PriceName) =>
    lines.filter((line) => line.price === price).reduce((sum, { quantity }) => sum + quantity, 0);
  const said = (Object.keys(WORDS) as PriceName[]).flatMap((price) => {
    const word = WORDS[price];
    const more = price === 'metric'
      ? (bill.fleets.length - (than?.fleets.length ?? 0)) * figuresOf(false)
      : (count(bill.lines, price) - count(than?.lines, price)) / (price === 'interfaceEndpoint' ? table.hoursPerMonth : 1);
    return word === undefined || word === '' || Math.abs(more) < 0.5 ? [] : [`${more > 0 ? '' : '−'}${Math.abs(Math.round(more))} ${Math.abs(Math.round(more)) === 1 ? word.replace(/s$/, '') : word}`];
  });
  return said.join(', ') || 'nothing that costs at rest';
}

const usd = (amount: number) => (Math.abs(amount) < 0.005 ? 0 : amount).toFixed(2).replace('-', '−');

/** The whole document. */
export function document(): string {
  const all = bills();
  const bill = (name: string) => all.get(name)!;
  const rows = CHOICES.map(({ name, than }) => {
    const more = (years: number) => atRest(bill(name), years) - (than === undefined ? 0 : atRest(bill(than), years));
    const fleet = instances(bill(name)) - (than === undefined ? 0 : instances(bill(than)));
    return `| ${name} | ${than === undefined ? '' : `${than}`} | ${usd(more(0))} | ${usd(more(2))} | ${usd(fleet)} | ${reasons(bill(name), than === undefined ? undefined : bill(than))} |`;
  });
  const parts = [...new Set(bill('the first notebook').lines.map(({ part }) => part))].sort();
  const partRows = parts.map((part) => {
    const lines = bill('the first notebook').lines.filter((line) => line.part === part);
    return `| ${part} | ${usd(monthly(lines))} | ${usd(monthly(lines, 2))} |`;
  });
  const prices = Object.entries(table.prices).map(([name, { usd: price, unit, source, page, kind }]) => `| ${name} | ${price} | ${unit} | [${source}](${page}) | ${kind} |`);
  const one = bill('a model');
  const running = table.prices['ml.t3.medium'].usd;
  return `# What a platform costs at rest

USD a month in ${table.region}, for a month in which nobody works and nothing is asked. Computed from the synthesized templates by \`npm run costs\`,
with the prices below, as they were written down on ${table.date}; free tiers are left out. A resource of a type that has no price below fails the computation.
The prices were written down by hand and **not checked against AWS's pages by a machine**: look at the page of a price before you rely on it.

**The platform with one model and no notebook costs ${usd(atRest(one))} a month at rest (${usd(atRest(one, 2))} from its third year on, when keys have been
rotated twice), and the instances of its endpoint: ${one.fleets.map(({ instanceCount, instanceType }) => `${instanceCount} × ${instanceType}`).join(', ')}, ${usd(instances(one))} a month.** Before its first release it has no endpoint.

## Choices

Each row says what it costs more than the platform that it is compared with.

| choice | more than | first year | from the third year | instances of endpoints | by |
|---|---|---:|---:|---:|---|
${rows.join('\n')}

A network exists only where there is a notebook instance, or where you give one; it has no NAT gateway. The endpoints of its network are the larger part of the price of the first
notebook, and further notebooks share them. A second zone doubles them.

## Parts

Of a platform with a data pipeline, a model and a notebook.

| part | first year | from the third year |
|---|---:|---:|
${partRows.join('\n')}

## What use adds

- A notebook that runs costs ${running} an hour (ml.t3.medium): ${usd(160 * running)} for 160 hours. It stops itself after an hour in which nothing ran.
- An interface endpoint costs 0.01 for a GB that goes through it; the gateway to S3, by which data goes, costs nothing.
- A model whose endpoint is asked and gets labels publishes ${figuresOf(true)} metrics instead of ${figuresOf(false)} at rest: ${usd(figuresOf(true) * table.prices.metric.usd)} a month if it does so each hour.
- A release runs a second fleet for its staging, its shadow and its canary, and has alarms of its own as long as it takes. The shadow's is of the size that production may be scaled out to, times \`samplingPercentage\`.
- Delivery costs 0.002 for a minute of an action, and what CodeBuild, training, processing and Glue jobs take. Storage, requests, logs and queries cost what is used.
- CloudTrail: the first trail of an account is free for management events; a further one costs 2.00 for 100,000 events. Say \`createTrail: false\` where there is one.
- CodeArtifact costs 0.05 for a GB of packages a month, and nothing while there are none.

## Prices

Of ${table.region}, written down by hand on ${table.date}, as known from the pages named; so were the figures of *What use adds*. None was checked against its page by a machine.
AWS changes its prices when it likes, and what counts is your bill. Corrections belong into \`test/support/costs/prices.json\`.

| name | USD | for each | page | what it is |
|---|---:|---|---|---|
${prices.join('\n')}

What it is: *one price* is charged as it stands; *one of several* differs between kinds of storage, of which the usual one was taken; *sum* stands for several small charges,
added and rounded up.
`;
}
