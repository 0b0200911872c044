import { CfnResource, Validations } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/** A finding of a scanner that is so on purpose. */
export interface Acknowledged {
  readonly finding: string;
  readonly where: string;
  readonly reason: string;
}

/** All that is acknowledged in an app that was synthesized: for cdk-nag and CloudFormation's validation, and for checkov. */
export function acknowledgedIn(app: IConstruct): Acknowledged[] {
  return app.node.findAll().flatMap((node) => {
    const where = node.node.path;
    const rules = node.node.metadata.filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([finding, reason]) => ({ finding, where, reason }));
    if (!CfnResource.isCfnResource(node)) return rules;
    const { skip = [] } = (node.getMetadata('checkov') ?? {}) as { skip?: { id: string; comment: string }[] };
    return [...rules, ...skip.map(({ id, comment }) => ({ finding: `checkov ${id}`, where, reason: comment }))];
  });
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('*', '\\*');

/** A page: each rule with its reasons, and where each is true. */
export function asDocument(all: readonly Acknowledged[]): string {
  const rules = new Map<string, Acknowledged[]>();
  for (const one of all) {
    const rule = one.finding.split('[')[0].replace(/^Annotation::/, '');
    rules.set(rule, [...rules.get(rule) ?? [], one]);
  }
  const sections = [...rules].sort(([a], [b]) => a.localeCompare(b)).map(([rule, found]) => {
    const reasons = new Map<string, Set<string>>();
    for (const { finding, where, reason } of found) {
      const detail = /\[(.*)\]$/.exec(finding)?.[1] ?? '';
      reasons.set(reason, (reasons.get(reason) ?? new Set()).add(detail === '' ? where : `${where}: \`${detail}\``));
    }
    const rows = [...reasons].sort(([a], [b]) => a.localeCompare(b))
      .map(([reason, places]) => `| ${cell(reason)} | ${[...places].sort().map((place) => cell(place)).join('<br>')} |`);
    return [`## ${rule}`, '', '| Why | Where |', '|---|---|', ...rows].join('\n');
  });
  const places = new Set(all.map(({ where, finding }) => `${where} ${finding}`)).size;
  return [
    '# What scanners find, and why it is so',
    '',
    'The example app under cdk-nag (AwsSolutions and NIST 800-53 r5), checkov, cfn-lint and the validation of CloudFormation: nothing is left over but',
    `what is acknowledged here, ${places} times, each on the resource itself. The page is written from the app by the tests.`,
    '',
    ...sections.flatMap((section) => [section, '']),
  ].join('\n').trimEnd().concat('\n');
}
