import { datasetProblems, hyperparametersOf, jobNameOf, jobPrefixOf, MAX_JOB_PREFIX, readSpec } from '../../src/domain/training-run';
import { hasLocalStorage } from '../../src/training/training-jobs';

const SPEC = { tag: '1', target: 'y', features: ['a'], hyperparameters: {} };

test('a specification needs a target and features, and takes the rest from defaults', () => {
  expect(readSpec({ target: 'y', features: ['a'] })).toEqual(SPEC);
});

test.each([
  [null, /must be an object/],
  [[], /must be an object/],
  [{ features: ['a'] }, /"target"/],
  [{ target: 'y', features: [] }, /"features" must be a list/],
  [{ target: 'y', features: 'a' }, /"features" must be a list/],
  [{ target: 'y', features: ['a', 1] }, /"features" must be a list/],
  [{ target: 'y', features: ['a', 'y'] }, /must not include the target y/],
  [{ target: 'y', features: ['a'], tag: 'a.b' }, /"tag".*"a\.b"/],
  [{ target: 'y', features: ['a'], tag: 1 }, /"tag".*got 1/],
  [{ target: 'y', features: ['a'], hyperparameters: [] }, /"hyperparameters" must be an object/],
  [{ target: 'y', features: ['a'], hyperparameters: { target: 'x' } }, /must not include target/],
])('%j is refused with everything that is wrong', (json, message) => {
  expect(() => readSpec(json)).toThrow(message);
});

test.each(['tinyint', 'int', 'bigint', 'double', 'float', 'decimal(10, 2)', 'number', 'Integer'])('a target of type %s is a number', (type) => {
  expect(datasetProblems(SPEC, { schema: [{ name: 'y', type }, { name: 'a', type: 'string' }], splits: { train: { uri: '', rows: 1 }, holdout: { uri: '', rows: 1 } } })).toEqual([]);
});

test.each(['string', 'timestamp', 'boolean', 'array<double>', 'interval'])('a target of type %s is not', (type) => {
  const manifest = { schema: [{ name: 'y', type }, { name: 'a', type: 'string' }], splits: { train: { uri: '', rows: 1 }, holdout: { uri: '', rows: 1 } } };
  expect(datasetProblems(SPEC, manifest)).toEqual([`the target y is of type ${type}, a regression needs a number`]);
});

test('hyperparameters are strings', () => {
  expect(hyperparametersOf({ ...SPEC, hyperparameters: { algorithm: 'ridge', alpha: 0.5, deep: { x: [1] }, on: true } })).toEqual({
    algorithm: 'ridge', alpha: '0.5', deep: '{"x":[1]}', on: 'true', target: 'y', features: '["a"]',
  });
});

test('hyperparameters that SageMaker would refuse are refused with the limit', () => {
  const many = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`p${i}`, 1]));
  expect(() => hyperparametersOf({ ...SPEC, hyperparameters: many })).toThrow(/99 hyperparameters, at most 98/);
  expect(() => hyperparametersOf({ ...SPEC, hyperparameters: { x: 'y'.repeat(2501) } })).toThrow(/x has 2501 characters.*values of 2500/);
  expect(() => hyperparametersOf({ ...SPEC, hyperparameters: { ['x'.repeat(257)]: 1 } })).toThrow(/257 characters.*names of 256/);
});

test('job names are valid and differ by run, however long the execution\'s name is', () => {
  const prefix = jobPrefixOf('Temperature');
  const names = ['short', 'x'.repeat(500), ''].map((run) => `${jobNameOf(prefix, run)}-t10`);
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
});

test.each([['Temperature', 'temperature'], ['Über/hohe  Preise_', 'ber-hohe-preise'], ['--', 'model'], ['x'.repeat(39) + '_yy', 'x'.repeat(39)], ['A'.repeat(99), 'a'.repeat(MAX_JOB_PREFIX)]])(
  'the name %s starts jobs as %s', (name, prefix) => {
    expect(jobPrefixOf(name)).toBe(prefix);
  });

test.each([['ml.m5.large', false], ['ml.m5d.large', true], ['ml.c7gd.large', true], ['ml.g4dn.xlarge', true], ['ml.p4de.24xlarge', true], ['ml.g6e.xlarge', true], ['ml.trn1.2xlarge', true], ['ml.p3.2xlarge', false], ['ml.r6i.large', false]])(
  'disks of its own on %s: %s', (type, expected) => {
    expect(hasLocalStorage(type)).toBe(expected);
  });
