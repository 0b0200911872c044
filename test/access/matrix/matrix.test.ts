import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { example, team, withImported } from './apps';
import { Cell, Matrix } from './matrix';
import { actionsOf, Section } from './row';
import { CODE } from './rows-code';
import { EVIDENCE_AND_RIGHTS, OF_IMPORTED } from './rows-evidence';
import { RUNS } from './rows-runs';
import { WORK } from './rows-work';
import { Statement } from './statement';
import { page, walk } from './table';
import { TAMPER_ACTIONS } from './tamper-actions';
import { WAYS } from './ways';

const SECTIONS: readonly Section[] = [...RUNS, ...EVIDENCE_AND_RIGHTS, ...CODE, ...WORK];
const COMMITTED = path.join(__dirname, '..', '..', '..', 'docs', 'who-may-do-what.md');

const SERVICES = 'one condition for resources of all kinds; services write into some of them by themselves, here alerts and the trail';
/** Statements that nothing changes without, and why they are there. */
const DOUBLED: Readonly<Record<string, string>> = {
  'Exempt of Boundary': 'it is for services that the boundary closes; here only logs are exempt, which it does not close',
  'ForgedMark of service control policy': 'it holds for what is exempt as well, and nothing is exempt here',
  'Bool of OnlyDeploymentsEndIt': SERVICES,
  'Bool of OnlyThePlatformWrites': SERVICES,
  'Bool of OnlyThePlatformSets': SERVICES,
  'Bool of OnlyThePlatformPushes': SERVICES,
  'OnlyMergesChangeTheProtectedBranch of AdaNotebookRoleDefaultPolicy': 'a notebook can stand without a platform, whose protection says the same of it',
};

/** What the policies of the platform's own buckets say too; it is there for buckets that were made elsewhere. */
const OF_BUCKETS = /^Objects of (DenyListed\d|Boundary)$/;
const isDoubled = (label: string): boolean => Object.keys(DOUBLED).some((known) => label.includes(known));

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-matrix-'));
const matrices: [string, Matrix][] = [
  ['the example app', new Matrix(example(path.join(folder, 'example')), SECTIONS)],
  ['a team’s app', new Matrix(team(path.join(folder, 'team')), SECTIONS)],
];
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('each action by which a run could be touched is asked about, on something of the platform and on something else', () => {
  const asked = (where: 'platform' | 'elsewhere'): Set<string> => new Set(matrices[1][1].cells
    .filter((cell) => cell.where === where || (cell.where === 'platform' && cell.ask.resource === '*')).map(({ ask }) => ask.action));
  const actions = Object.entries(TAMPER_ACTIONS).flatMap(([service, names]) => actionsOf({ actions: `${service}: ${names}` }));
  const elsewhere = asked('elsewhere');
  expect(actions.filter((action) => !elsewhere.has(action))).toEqual([]);
  // the platform keeps nothing in these
  const unused = /^(ssm|secretsmanager):/;
  const platform = asked('platform');
  expect(actions.filter((action) => !platform.has(action) && !unused.test(action))).toEqual([]);
});

describe.each(matrices)('%s', (_, matrix) => {
  const protections = matrix.protections();
  const conditional = [...protections, ...matrix.deployed.policies.conditional()].flatMap((statement) =>
    statement.operators.map((operator): [Statement, string] => [statement, operator]));
  const inWords = ({ who, say, where, ask: { action, resource }, expected, principal, ask }: Cell): string =>
    `${who} ${expected ? 'may not' : 'may'} ${say} (${where ?? ''}): ${action} on ${resource}, by ${matrix.judge.decide(principal, ask).by}`;

  test(`${matrix.cells.length} questions: no answer is wrong`, () => expect(matrix.wrong().map(inWords)).toEqual([]));

  test(`${protections.length} statements protect: each is missed when it is taken away`, () => {
    const unmissed = protections.filter((statement) => matrix.firstWrong(statement) === undefined && !OF_BUCKETS.test(statement.label))
      .map(({ label }) => label);
    expect(unmissed.filter((label) => !isDoubled(label))).toEqual([]);
  });

  test(`${conditional.length} conditions: each is missed when it is taken away`, () => {
    const unmissed = conditional.filter(([statement, operator]) => matrix.firstWrong(statement, statement.without(operator)) === undefined);
    expect(unmissed.map(([statement, operator]) => `${operator} of ${statement.label}`).filter((label) => !isDoubled(label))).toEqual([]);
  });

  describe.each(WAYS)('$title', ({ ways }) => {
    test.each(ways)('$say', (way) => {
      const walked = [...matrix.principals.keys()].map((persona) => ({ persona, ...walk(matrix, way, persona) })).filter(({ exists }) => exists);
      const isAsked = (persona: string): boolean => persona !== 'unbound' || way.open?.includes('unbound') === true;
      const open = walked.filter(({ isOpen, persona }) => isOpen && isAsked(persona)).map(({ persona }) => persona);
      expect(open).toEqual(walked.map(({ persona }) => persona).filter((persona) => way.open?.includes(persona)));
    });
  });
});

test.each(WAYS.flatMap(({ ways }) => ways))('a team’s app has what it takes to try: $say', (way) => {
  const [, matrix] = matrices[1];
  expect([...matrix.principals.keys()].filter((persona) => !walk(matrix, way, persona).exists)).toEqual([]);
});

test('no role that people may hand over is one of the platform’s own', () => {
  const roles = matrices[1][1].deployed.policies.declared.filter(({ type, arn }) => type === 'AWS::IAM::Role' && arn.includes('cdk-mlops-notebooks/'));
  expect(roles).toHaveLength(2);
  expect(roles.filter(({ properties }) => JSON.stringify(properties.Tags ?? []).includes('cdk-mlops:pipeline'))).toEqual([]);
});

test('both kinds of boundary are asked about: one that lists buckets, and one that stands for many', () => {
  expect(matrices.map(([, { deployed }]) => deployed.manyBuckets)).toEqual([false, true]);
});

test('a bucket that was made elsewhere is protected by what people have, whatever its own policy says', () => {
  const matrix = new Matrix(withImported(path.join(folder, 'imported')), [OF_IMPORTED]);
  expect(matrix.wrong()).toEqual([]);
  const about = matrix.protections().filter(({ json }) => JSON.stringify(json).includes('made-elsewhere'));
  expect(about.map(({ label }) => label)).toEqual([expect.stringMatching(/^Objects of DenyListed/), expect.stringMatching(/^Objects of Boundary/)]);
  expect(about.filter((statement) => matrix.firstWrong(statement) === undefined)).toEqual([]);
});

test('the page of the documentation says the same', () => {
  const text = page(matrices[1][1], SECTIONS);
  if (process.env.UPDATE_MATRIX === '1') fs.writeFileSync(COMMITTED, text);
  expect(text).toBe(fs.readFileSync(COMMITTED, 'utf8'));
});
