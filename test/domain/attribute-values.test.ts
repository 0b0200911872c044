import { fromItem, toAttribute, toItem } from '../../src/domain/attribute-values';

test.each([
  [null, { NULL: true }],
  [true, { BOOL: true }],
  [false, { BOOL: false }],
  ['', { S: '' }],
  [1e-7, { N: '1e-7' }],
  [[1, null], { L: [{ N: '1' }, { NULL: true }] }],
  [{ a: { b: [] }, c: undefined }, { M: { a: { M: { b: { L: [] } } } } }],
])('%j is stored in the form of DynamoDB', (value, attribute) => {
  expect(toAttribute(value)).toStrictEqual(attribute);
});

test.each([NaN, Infinity, -Infinity])('%s is not stored', (value) => {
  expect(() => toItem({ value })).toThrow(`not a number that can be stored: ${value}`);
});

test('an object comes back from within an object', () => {
  expect(fromItem({ a: { M: { b: { M: {} }, c: { S: 'd' } } } })).toStrictEqual({ a: { b: {}, c: 'd' } });
});

test('what is no JSON is left out of an item, and is null within a list, so that the places stay', () => {
  const strange = { SS: ['a'] };
  const item = fromItem({ set: strange, list: { L: [{ S: 'a' }, strange, { BOOL: false }] }, text: { S: 1 }, notList: { L: 'ab' }, notMap: { M: 'ab' }, noMap: { M: null } });
  expect(item).toStrictEqual({ list: ['a', null, false] });
});

test('a member that is there but undefined, as clients leave it, is not the type', () => {
  expect(fromItem({ a: { S: undefined, N: '2' }, b: { N: undefined, BOOL: true }, c: { BOOL: undefined, NULL: true } })).toStrictEqual({ a: 2, b: true, c: null });
});
