import { Deployed, WHERE } from './apps';
import { Ask, Change, Judge, Principal } from './decide';
import { organizationOf, Persona, principalsOf, unbound } from './personas';
import { kindsOf, otherResource, ownResources } from './resources';
import { actionsOf, CONTEXTS, mayBy, POWERFUL, Row, Section } from './row';
import { Statement } from './statement';
import { strangersQuestions } from './strangers';

/** The role by which CloudFormation deploys for the CDK. */
const DEPLOYMENT = `arn:aws:iam::${WHERE.account}:role/cdk-hnb659fds-cfn-exec-role-${WHERE.account}-${WHERE.region}`;

/** One question: may somebody do that? */
export interface Cell {
  readonly say: string;
  readonly who: string;
  readonly principal: Principal;
  readonly ask: Ask;
  readonly expected: boolean;
  /** The row that asks, where it is one of the table. */
  readonly row?: Row;
  readonly where?: 'platform' | 'elsewhere';
}

/** All questions of the rows about an app, and the answers of its policies. */
export class Matrix {
  readonly judge: Judge;
  readonly cells: readonly Cell[];
  readonly principals: ReadonlyMap<Persona, Principal>;
  private readonly answers = new Map<Cell, boolean>();
  private readonly byStatement = new Map<Statement, Cell[]>();

  constructor(readonly deployed: Deployed, sections: readonly Section[]) {
    const { policies } = deployed;
    this.judge = new Judge(WHERE.account, (arn) => policies.resourcePolicyOf(arn));
    this.principals = principalsOf(deployed);
    const rows = sections.flatMap((section) => section.rows)
      .filter(({ notebooks }) => notebooks === undefined || notebooks === this.principals.has('notebook'));
    this.cells = [
      ...rows.flatMap((row) => this.cellsOf(row)),
      ...rows.flatMap((row) => this.underDocuments(row)),
      ...strangersQuestions(deployed).map((question) => ({ ...question, who: 'a stranger' })),
    ];
    for (const cell of this.cells) {
      for (const statement of this.judge.relevant(cell.principal, cell.ask)) {
        const known = this.byStatement.get(statement);
        if (known === undefined) this.byStatement.set(statement, [cell]);
        else known.push(cell);
      }
    }
  }

  /** Everything that is there to keep somebody from something. */
  protections(): Statement[] {
    const documents = this.principals.get('administrator')?.organization ?? [];
    const endpoints = [...this.principals.get('notebook')?.endpoints?.values() ?? []].flat();
    return [...this.deployed.policies.protections(), ...documents, ...endpoints];
  }

  /** What is asked in the end, for each of a row's actions and of the resources that it means. */
  asks(row: Pick<Row, 'actions' | 'only' | 'model' | 'on' | 'key' | 'context'>): { platform: Ask[]; elsewhere: Ask[] } {
    const all = actionsOf(row).map((action) => {
      const context = defined({ ...CONTEXTS[action], ...row.context });
      const { own, other } = this.resources(row, action);
      const asked = (resource: string): Ask => ({ action, resource, context });
      return { platform: own.map(asked), elsewhere: other.map(asked) };
    });
    return { platform: all.flatMap(({ platform }) => platform), elsewhere: all.flatMap(({ elsewhere }) => elsewhere) };
  }

  /** What the policies answer; each question is asked once. */
  answer(cell: Cell): boolean {
    const known = this.answers.get(cell) ?? this.judge.allows(cell.principal, cell.ask);
    this.answers.set(cell, known);
    return known;
  }

  /** Cells whose answer is not what is expected. */
  wrong(): Cell[] {
    return this.cells.filter((cell) => this.answer(cell) !== cell.expected);
  }

  /** The first cell that becomes wrong when a statement is taken away, or when another stands in its place. */
  firstWrong(statement: Statement, instead?: Statement): Cell | undefined {
    const change: Change = new Map([[statement, instead]]);
    const cells = this.byStatement.get(statement) ?? [];
    // where a condition is missing, too little is left to those who come last
    const ordered = instead === undefined ? cells : [...cells].reverse();
    return ordered.find(({ principal, ask, expected }) => this.judge.allows(principal, ask, change) !== expected);
  }

  private cellsOf(row: Row): Cell[] {
    const { platform, elsewhere } = this.asks(row);
    const bounds = (where: string, persona: Persona, { action }: Ask): boolean =>
      this.deployed.manyBuckets && where === 'platform' && persona === 'bounded' && /^s3:(Put|Delete)/.test(action);
    const cells = (where: 'platform' | 'elsewhere', asks: readonly Ask[]): Cell[] => [...this.principals].flatMap(([persona, principal]) =>
      asks.map((ask) => {
        const expected = !bounds(where, persona, ask) && mayBy(row, where, persona, ask.action);
        return { say: row.say, who: persona, principal, ask, expected, row, where };
      }));
    return [...cells('platform', platform), ...row.elsewhere === undefined ? [] : cells('elsewhere', elsewhere)];
  }

  /**
   * The organization's documents keep nobody from what is theirs to do: neither the platform's own roles, nor CloudFormation
   * where the CDK deploys, nor people and code.
   */
  private underDocuments(row: Row): Cell[] {
    const organization = organizationOf(this.deployed);
    const say = `${row.say}, under the organization’s documents`;
    const { platform, elsewhere } = this.asks(row);
    if (row.may.length === 0) {
      const expected = row.bindsPlatform !== true;
      return [...platform, ...row.bindsPlatform === true ? [] : elsewhere].flatMap((ask) => [
        { say, who: 'a role of the platform', principal: { ...unbound(), organization, context: { 'aws:PrincipalTag/cdk-mlops:pipeline': 'true' } }, ask, expected },
        { say, who: 'a deployment', principal: { ...unbound(), arn: DEPLOYMENT, organization }, ask, expected },
      ]);
    }
    return row.may.filter((persona) => !POWERFUL.includes(persona) && this.principals.has(persona)).flatMap((persona) =>
      platform.map((ask) => ({ say, who: persona, principal: { ...this.principals.get(persona)!, organization }, ask, expected: true })));
  }

  private resources(row: Pick<Row, 'only' | 'model' | 'on' | 'key'>, action: string): { own: readonly string[]; other: readonly string[] } {
    const kinds = kindsOf(action);
    const { declared } = this.deployed.policies;
    const other = kinds.flatMap((kind) => otherResource(kind) ?? []);
    if (row.on !== undefined) {
      const named = row.on.flatMap((name) => name === 'IMPORTED' ? this.deployed.imported : this.filledIn(name));
      return { own: named.filter((arn) => !/:none$/.test(arn)), other };
    }
    if (kinds.length === 0) return { own: ['*'], other: [] };
    const meant = declared.filter(({ model }) => row.model === undefined || model === row.model);
    const own = kinds.flatMap((kind) => ownResources(meant, kind, row.only));
    const { key } = row;
    return { own: key === undefined ? own : own.filter((arn) => arn.endsWith('/key')).map((arn) => arn.replace(/key$/, this.filledIn(key))), other };
  }

  /** With names that are known only now: of the prediction API of the first model, of deliveries, of notebooks and of their network. */
  private filledIn(name: string): string {
    const { declared } = this.deployed.policies;
    const named = (type: string, id: RegExp): string => declared.find((one) => one.type === type && id.test(one.logicalId))?.name ?? 'none';
    return name.replace(/^API/, `arn:aws:execute-api:${WHERE.region}:${WHERE.account}:${named('AWS::ApiGateway::RestApi', /./)}`)
      .replace(/^DELIVERY(\d)/, (_, model) => declared.find((one) => one.type === 'AWS::CodePipeline::Pipeline' && one.model === Number(model))?.name ?? 'none')
      .replace(/\b(ADA|BEN)\b/, (who) => named('AWS::SageMaker::NotebookInstance', new RegExp(who, 'i')))
      .replace(/SUBNET$/, () => named('AWS::EC2::Subnet', /Network/))
      .replace(/GROUP$/, () => `${named('AWS::EC2::SecurityGroup', /NetworkSecurityGroup/)}.GroupId`);
  }
}

function defined(context: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(context).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
