import * as fc from 'fast-check';
import { isAuthor, namesOf, readApproval } from '../../src/domain/approval';

const session = (role: string, name: string) => `arn:aws:sts::111122223333:assumed-role/${role}/${name}`;
const user = (path: string) => `arn:aws:iam::111122223333:user/${path}`;

test.each([
  [session('Leads', 'ada'), ['Leads', 'ada']],
  [session('team/leads/Leads', 'ada@example.com'), ['Leads', 'ada@example.com']],
  [user('ada'), ['ada']],
  [user('people/ada'), ['ada']],
  ['arn:aws-cn:sts::111122223333:assumed-role/Leads/ada', ['Leads', 'ada']],
  ['arn:aws:iam::111122223333:root', []],
  ['arn:aws:sts::111122223333:federated-user/ada', []],
  ['', []],
  // nobody's ARN, although it holds one
  [`x${session('Leads', 'ada')}`, []],
  [`${session('Leads', 'ada')}/`, []],
  [`x${user('ada')}`, []],
  [`${user('ada')}\nx`, []],
])('%j goes by %j', (arn, names) => {
  expect(namesOf(arn)).toEqual(names);
});

test.each([
  ['Ada Lovelace <ada@example.com>', session('Leads', 'ada')],
  ['Ada Lovelace <ada@example.com>', session('Leads', 'ada@example.com')],
  ['Ada Lovelace <ada@example.com>', session('Leads', 'ADA@elsewhere.org')],
  ['Ada Lovelace <ada@example.com>', session('Leads', 'ada.lovelace')],
  ['Ada Lovelace <ada@example.com>', session('adalovelace', 'local')],
  ['Ada Lovelace <ada@example.com>', user('people/Ada_Lovelace')],
  ['ada', user('ada')],
  ['ada@example.com', user('ada')],
  ['<ada@example.com>', user('ada')],
  ['Ada <ada@example.com> ', user('ada')],
  ['Ada <ada@example.com>  ', user('ada')],
  ['Ädå <x@example.com>', user('ädÅ')],
  ['Ada--Lovelace <x@example.com>', user('adalovelace')],
])('%s is %s', (author, arn) => {
  expect(isAuthor(arn, author)).toBe(true);
});

test.each([
  ['Ada Lovelace <ada@example.com>', session('Leads', 'bob')],
  ['Ada Lovelace <ada@example.com>', user('adam')],
  ['Ada <>', user('bob')],
  ['- <->', user('--')],
  // not of the form `Name <address>`: all of it is the name
  ['bob <x> ada', user('bob')],
  ['>x <bob <ada@example.com>', user('bob')],
])('%s is not %s', (author, arn) => {
  expect(isAuthor(arn, author)).toBe(false);
});

test('however an author writes their name, the identity of that name is theirs', () => {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,30}[A-Za-z0-9]$/);
  fc.assert(fc.property(name, name, fc.boolean(), (who, other, upper) => {
    const written = upper ? who.toUpperCase() : who.toLowerCase();
    for (const author of [written, `${other} <${written}@example.com>`, `${written} <${other}@example.com>`]) {
      expect(isAuthor(user(who), author)).toBe(true);
      expect(isAuthor(session('Role', who), author)).toBe(true);
    }
  }));
});

test.each<[string, unknown]>([
  ['{"version":"V1.0.0","decision":"approve"}', { version: 'V1.0.0', decision: 'approve' }],
  ['{"version":"V1.0.0","decision":"approve","reason":"  "}', { version: 'V1.0.0', decision: 'approve' }],
  ['{"version":"V1.0.0","decision":"reject","reason":" no "}', { version: 'V1.0.0', decision: 'reject', reason: 'no' }],
  [`{"version":"V1.0.0","decision":"reject","reason":"${'x'.repeat(300)}"}`, { version: 'V1.0.0', decision: 'reject', reason: 'x'.repeat(200) }],
  ['', 'the body is not JSON'],
  ['null', 'version is missing'],
  ['[]', 'version is missing'],
  ['{"version":1,"decision":"approve"}', 'version is missing'],
  ['{"version":"","decision":"approve"}', 'version is missing'],
  ['{"version":"V1.0.0","decision":"proceed"}', 'decision must be approve or reject'],
  ['{"version":"V1.0.0","decision":"approve","reason":1}', 'reason must be text'],
  ['{"version":"V1.0.0","decision":"reject"}', 'a rejection needs a reason'],
  ['{"version":"V1.0.0","decision":"reject","reason":" "}', 'a rejection needs a reason'],
])('reads %s', (body, read) => {
  expect(readApproval(body)).toEqual(read);
});
