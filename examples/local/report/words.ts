/** Names and messages of AWS as a person would say them. */

/** Names that CloudFormation and the CDK have made, as the parts that say something. */
export function plainName(name: string): string {
  const own = name
    .replace(/^arn:[^:]+:sts:.*:assumed-role\/([^/]+)\/.*$/, '$1')
    .replace(/^arn:[^/]*?:([^:]*)$/, '$1')
    .replace(/^(role|stateMachine|pipeline)[:/]/, '')
    .replace(/^.*NestedStackResou(?:rce[0-9A-F]{8}-[0-9A-F]+)?-/, '')
    .replace(/^RegressionPlatform-/, '')
    .replace(/(-[0-9a-f]{8,10}|-[0-9A-F]{8}|[0-9A-F]{8})+$/g, '');
  const words = own.replace(/([a-z])([A-Z])/g, '$1 $2').split(/[-_ ]+/).filter((word) => !/^(Mlops|Stack)$/.test(word));
  return words.length === 0 ? own : words.join(' ').toLowerCase();
}

const MADE = /arn:aws:[a-z]+:[^\s;,()[\]"]*|RegressionPlatform-[A-Za-z0-9-]*[0-9A-Fa-f]{8,10}/g;

/** A text with generated names shortened and numbers as far as they matter. */
export function plain(text: string): string {
  return text
    .replace(/RegressionPlatform-Mlops-Tempe-V(\d+-\d+-\d+)-[0-9a-f]{8}(-shadow)?/g, (_, version: string) => `V${version.replaceAll('-', '.')}`)
    .replace(MADE, plainName)
    .replace(/(Threshold Crossed: )?(\d+) out of the last (\d+) datapoints \[([^\]]*)\] (?:was|were) (not )?(greater|less) than (?:or equal to )?the threshold \(([^)]*)\)/g,
      (_, __, seen: string, of: string, values: string, not: string | undefined, side: string, limit: string) =>
        `${seen} of the last ${of} values (${values}) ${not === undefined ? '' : 'not '}${side === 'greater' ? 'above' : 'below'} ${limit}`)
    .replace(/Threshold Crossed: /g, '')
    .replace(/ \(minimum \d+ datapoints? for [A-Z_]+ -> [A-Z_]+ transition\)\.?/g, '')
    .replace(/\d+\.\d{5,}/g, (number) => String(Number(Number(number).toPrecision(4))))
    .replace(/\b[0-9a-f]{40}\b/g, (commit) => commit.slice(0, 8))
    .replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, '')
    .replace(/\s+/g, ' ')
    .trim();
}

export interface Alert {
  readonly kind: 'alarm' | 'resolved' | 'notice';
  readonly title: string;
  readonly text: string;
}

/** What the library's own alerts are about, by how they begin. */
const TITLES: readonly (readonly [RegExp, string])[] = [
  [/^\S+ A candidate of the model/, 'Candidate rejected'],
  [/^\S+ \S+: the release of \S+ was taken back/, 'Release taken back'],
  [/^\S+ \S+: \S+ (was rejected|is not to be promoted)/, 'Version rejected'],
  [/ waits for an approval/, 'Approval asked for'],
  [/^The data pipeline \S+ published nothing/, 'Data rejected'],
  [/rolled back/, 'Release rolled back'],
  [/become worse/, 'Quality degraded'],
];

/** CloudWatch writes an alarm's mail as JSON; everything else that is mailed is a sentence already. */
export function alertInWords(name: string, message: string): Alert {
  const alarm = alarmOf(message);
  if (alarm === undefined) {
    const title = /Topic/.test(name) ? TITLES.find(([said]) => said.test(message))?.[1] ?? 'Notice' : plain(name).replace(/^(Tamper attempt \w+):.*$/, '$1');
    return { kind: 'notice', title, text: plain(message) };
  }
  const fires = alarm.NewStateValue === 'ALARM';
  return {
    kind: fires ? 'alarm' : 'resolved',
    title: `${capital(plainName(alarm.AlarmName))}: ${fires ? 'alarm' : alarm.OldStateValue === 'ALARM' ? 'fine again' : 'fine'}`,
    text: `${fires ? `${plain(alarm.AlarmDescription)}: ` : ''}${plain(alarm.NewStateReason)}`,
  };
}

interface AlarmMail {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly OldStateValue: string;
  readonly NewStateValue: string;
  readonly NewStateReason: string;
}

function alarmOf(message: string): AlarmMail | undefined {
  if (!message.startsWith('{')) return undefined;
  try {
    const read = JSON.parse(message) as Partial<AlarmMail>;
    if (read.AlarmName === undefined || read.NewStateValue === undefined) return undefined;
    return {
      AlarmName: read.AlarmName,
      AlarmDescription: read.AlarmDescription ?? read.AlarmName,
      OldStateValue: read.OldStateValue ?? '',
      NewStateValue: read.NewStateValue,
      NewStateReason: read.NewStateReason ?? '',
    };
  } catch {
    return undefined;
  }
}

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
