import { Matrix, Cell } from './matrix';
import { Persona, PERSONAS } from './personas';
import { actionsOf, Row, Section } from './row';
import { Way, WAYS } from './ways';

const INTRODUCTION = `# Who may do what

The policies that the platform makes, asked together: what is attached to roles, permissions boundaries, policies of
buckets, keys, topics and image repositories, trust policies, and the documents for an organization. Every line was
decided for each of its actions, on each resource that it is about, by an evaluator of IAM policies; the tests compare
this page with what the templates say (\`UPDATE_MATRIX=1 npx jest test/access/matrix\` writes it anew).

- **yes**: all of it is allowed, and
- **no**: all of it is denied, by a statement that forbids it, named in the last column
- partly: some of it is allowed
- –: nothing allows it

Columns:
`;

const FOOTNOTE = [
  '¹ As long as they change no right of their own. Nothing but the organization’s documents keeps an administrator from marking',
  'their own role by the tag `cdk-mlops:pipeline`; marked so, they may also what `OnlyThePlatform…` and `OnlyDeploymentsEndIt` deny here',
  '(see [the ways out of what binds](#out-of-what-binds)).',
];

/** The page that says who may do what. */
export function page(matrix: Matrix, sections: readonly Section[]): string {
  const personas = [...matrix.principals.keys()];
  const order = (Object.keys(PERSONAS) as Persona[]).filter((persona) => personas.includes(persona));
  return [
    INTRODUCTION,
    ...order.map((persona) => `- **${PERSONAS[persona][0]}**: ${PERSONAS[persona][1]}`),
    '',
    ...FOOTNOTE,
    '',
    ...sections.flatMap(({ title, rows }) => {
      const asked = rows.filter((row) => matrix.cells.some((cell) => cell.row === row));
      return [`## ${title}`, '', ...table(matrix, order, asked), '', ...asked.map(footnote), ''];
    }),
    '# Indirect ways',
    '',
    'A way is open to somebody who may take each of its steps. What closes it is in the last column.',
    '',
    ...WAYS.flatMap(({ title, ways }) => [`## ${title}`, '', ...waysTable(matrix, order, ways), '']),
  ].join('\n');
}

function heading(order: readonly Persona[], what: string): string[] {
  return [`| ${[what, ...order.map((persona) => PERSONAS[persona][0]), 'Denied by'].join(' | ')} |`, `|${' --- |'.repeat(order.length + 2)}`];
}

function table(matrix: Matrix, order: readonly Persona[], rows: readonly Row[]): string[] {
  return [
    ...heading(order, ''),
    ...rows.flatMap((row) => {
      const [own, others] = (['platform', 'elsewhere'] as const).map((where) => {
        const cells = matrix.cells.filter((cell) => cell.row === row && cell.where === where);
        const answers = order.map((persona) => answer(matrix, cells.filter(({ who }) => who === persona)));
        const words = answers.map(({ word }) => word);
        return { exists: cells.length > 0, words, rest: [...words, [...new Set(answers.flatMap(({ statements }) => statements))].join(', ')].join(' | ') };
      });
      if (!others.exists) return [`| ${row.say} | ${own.rest} |`];
      if (!own.exists) return [`| ${row.say} of others | ${others.rest} |`];
      if (own.words.join() === others.words.join()) return [`| ${row.say}, anywhere in the account | ${own.rest} |`];
      return [`| ${row.say} | ${own.rest} |`, `| … and of others | ${others.rest} |`];
    }),
  ];
}

function answer(matrix: Matrix, cells: readonly Cell[]): { word: string; statements: string[] } {
  if (cells.length === 0) return { word: ' ', statements: [] };
  const allowed = cells.filter((cell) => matrix.answer(cell)).length;
  // of the many resources of an action one tells the statement
  const denied = new Map(cells.filter((cell) => !matrix.answer(cell)).map((cell) => [cell.ask.action, cell]));
  const statements = [...denied.values()].flatMap(({ principal, ask }) => matrix.judge.decide(principal, ask).statement ?? []);
  if (allowed > 0 && allowed < cells.length) return { word: 'partly', statements };
  return allowed > 0 ? { word: 'yes', statements: [] } : { word: statements.length > 0 ? '**no**' : '–', statements };
}

function footnote(row: Row): string {
  const byService = new Map<string, string[]>();
  for (const action of actionsOf(row)) {
    const [service, name] = action.split(':');
    byService.set(service, [...byService.get(service) ?? [], name]);
  }
  return `- *${row.say}*: ${[...byService].map(([service, names]) => `\`${service}:\` ${names.map((name) => `\`${name}\``).join(' ')}`).join('; ')}`;
}

function waysTable(matrix: Matrix, order: readonly Persona[], ways: readonly Way[]): string[] {
  return [
    ...heading(order, ''),
    ...ways.map((way) => {
      const answers = order.map((persona) => walk(matrix, way, persona));
      const by = [...new Set(answers.flatMap(({ closedBy }) => closedBy))];
      return `| ${[`${way.say}: ${way.steps.map(({ to }) => to).join(', ')}`, ...answers.map(({ word }) => word), by.join(', ')].join(' | ')} |`;
    }),
  ];
}

/** How far somebody gets on a way: a step is possible if it is on any of the resources that it could be done to. */
export function walk(matrix: Matrix, way: Way, persona: Persona): { word: string; exists: boolean; isOpen: boolean; closedBy: string[] } {
  const principal = matrix.principals.get(persona)!;
  const steps = way.steps.map((step) => {
    const asks = matrix.asks(step);
    const meant = step.own === true && asks.elsewhere.length > 0 ? asks.elsewhere : asks.platform;
    const decisions = meant.map((ask) => matrix.judge.decide(principal, ask));
    const statements = decisions.flatMap(({ statement }) => statement ?? []);
    return { exists: decisions.length > 0, possible: decisions.some(({ allowed }) => allowed), statements };
  });
  if (steps.some(({ exists }) => !exists)) return { word: ' ', exists: false, isOpen: false, closedBy: [] };
  const closed = steps.filter(({ possible }) => !possible);
  const closedBy = [...new Set(closed.flatMap(({ statements }) => statements))];
  if (closed.length === 0) return { word: 'open', exists: true, isOpen: true, closedBy: [] };
  return { word: closedBy.length > 0 ? '**no**' : '–', exists: true, isOpen: false, closedBy };
}
