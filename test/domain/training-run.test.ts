import { fingerprint } from '../../src/domain/fingerprint';
import { datasetProblems, hyperparametersOf, jobNameOf, jobPrefixOf, MAX_JOB_PREFIX, readSpec, RunRejected } from '../../src/domain/training-run';

const SPEC = { tag: '1', target: 'y', features: ['a'], hyperparameters: {} };

test('a specification needs a target and features, and takes the rest from defaults', () => {
  expect(readSpec({ target: 'y', features: ['a'] })).toEqual(SPEC);
});

test('a specification is taken as it stands', () => {
  const whole = { tag: 'lag-2', target: 'y', features: ['a', 'b'], hyperparameters: { alpha: 1 } };
  expect(readSpec({ ...whole, comment: 'x' })).toEqual(whole);
});

const wholly = 'mlops.json must be an object with "target" and "features"';
const list = 'mlops.json: "features" must be a list of at least one column name';
const target = 'mlops.json: "target" must name the column to predict';
const tag = 'mlops.json: "tag" must be 1 to 16 letters, digits and hyphens, got';

test.each([
  [null, wholly],
  [[], wholly],
  ['text', wholly],
  [{ features: ['a'] }, target],
  [{ target: '', features: ['a'] }, target],
  [{ target: 7, features: ['a'] }, target],
  [{ target: 'y', features: [] }, list],
  [{ target: 'y', features: 'a' }, list],
  [{ target: 'y', features: ['a', 1] }, list],
  [{ target: 'y', features: [''] }, list],
  [{ target: 'y', features: ['a', 'b', 'a', 'b', 'a'] }, 'mlops.json: "features" names a, b more than once'],
  [{ target: 'y', features: ['a', 'y'] }, 'mlops.json: "features" must not include the target y'],
  [{ target: 'y', features: ['a'], tag: 'a.b' }, `${tag} "a.b"`],
  [{ target: 'y', features: ['a'], tag: 1 }, `${tag} 1`],
  [{ target: 'y', features: ['a'], hyperparameters: [] }, 'mlops.json: "hyperparameters" must be an object'],
  [{ target: 'y', features: ['a'], hyperparameters: null }, 'mlops.json: "hyperparameters" must be an object'],
  [{ target: 'y', features: ['a'], hyperparameters: { target: 'x', features: 1 } }, 'mlops.json: "hyperparameters" must not include target and features, which the workflow sets'],
  [{ target: '', features: [], tag: '' }, `${tag} ""; "target" must name the column to predict; "features" must be a list of at least one column name`],
])('%j is refused with everything that is wrong', (json, message) => {
  expect(() => readSpec(json)).toThrow(new RunRejected(message));
});

test('a refusal has a name that workflows catch', () => expect(new RunRejected('x').name).toBe('RunRejected'));

test('a dataset must have the columns, and rows to train and to judge on', () => {
  const split = (rows: number) => ({ uri: '', rows });
  const schema = [{ name: 'x', type: 'int' }];
  const spec = { target: 'y', features: ['a', 'x'] };
  expect(datasetProblems(spec, { schema, splits: { train: split(0), holdout: split(NaN) } })).toEqual([
    'it has no column y, which is the target', 'it lacks the feature a', 'its train split has no rows', 'its holdout split has no rows',
  ]);
  expect(datasetProblems({ target: 'x', features: ['a', 'b'] }, { schema, splits: { train: split(1), holdout: split(1) } })).toEqual(['it lacks the features a, b']);
});

test.each(['tinyint', 'int', 'bigint', 'double', 'float', 'decimal(10, 2)', 'decimal  (10, 2)', 'decimal', 'number', 'Integer'])('a target of type %s is a number', (type) => {
  expect(datasetProblems(SPEC, { schema: [{ name: 'y', type }, { name: 'a', type: 'string' }], splits: { train: { uri: '', rows: 1 }, holdout: { uri: '', rows: 1 } } })).toEqual([]);
});

test.each(['string', 'timestamp', 'boolean', 'array<double>', 'interval', 'decimal(10, 2', 'decimals'])('a target of type %s is not', (type) => {
  const manifest = { schema: [{ name: 'y', type }, { name: 'a', type: 'string' }], splits: { train: { uri: '', rows: 1 }, holdout: { uri: '', rows: 1 } } };
  expect(datasetProblems(SPEC, manifest)).toEqual([`the target y is of type ${type}, a regression needs a number`]);
});

test('hyperparameters are strings', () => {
  expect(hyperparametersOf({ ...SPEC, hyperparameters: { algorithm: 'ridge', alpha: 0.5, deep: { x: [1] }, on: true } })).toEqual({
    algorithm: 'ridge', alpha: '0.5', deep: '{"x":[1]}', on: 'true', target: 'y', features: '["a"]',
  });
});

test('hyperparameters that SageMaker would refuse are refused with the limit', () => {
  const numbered = (count: number) => ({ ...SPEC, hyperparameters: Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, 1])) });
  expect(() => hyperparametersOf(numbered(99))).toThrow('mlops.json has 99 hyperparameters, at most 98 can be passed to a training job');
  expect(Object.keys(hyperparametersOf(numbered(98)))).toHaveLength(100);
  const text = (name: string, value: string) => ({ ...SPEC, hyperparameters: { [name]: value } });
  expect(() => hyperparametersOf(text('x', 'y'.repeat(2501)))).toThrow('mlops.json: x has 2501 characters, a training job takes names of 256 and values of 2500');
  expect(() => hyperparametersOf(text('x'.repeat(257), 'y'))).toThrow(`mlops.json: ${'x'.repeat(40)} has 257 characters, a training job takes names of 256 and values of 2500`);
  expect(hyperparametersOf(text('x'.repeat(256), 'y'.repeat(2500)))).toHaveProperty('x'.repeat(256), 'y'.repeat(2500));
});

test('job names are valid and differ by run, however long the execution\'s name is', () => {
  const prefix = jobPrefixOf('Temperature');
  const names = ['short', 'x'.repeat(500), ''].map((run) => `${jobNameOf(prefix, run)}-t10`);
  expect(new Set(names).size).toBe(3);
  expect(names[0]).toMatch(/^[0-9a-f]{8}-temperature-[0-9a-f]{16}-t10$/);
  for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
});

test.each([['Temperature', 'temperature'], ['Über/hohe  Preise_', 'ber-hohe-preise'], ['--', 'model'], ['a -b', 'a-b'], ['x'.repeat(30) + '_yy', 'x'.repeat(30)], ['A'.repeat(99), 'a'.repeat(MAX_JOB_PREFIX - 9)]])(
  'the name %s starts jobs as %s, after a mark', (name, slug) => {
    expect(jobPrefixOf(name)).toBe(`${fingerprint(name)}-${slug}`);
  });

test('jobs of models that are called alike begin with different marks', () => {
  const names = ['Model', 'Model-2', 'Model2', 'model', 'Model-', 'TemperatureNorthHemisphere', 'TemperatureNorthHemisphereB', 'x'.repeat(40), 'x'.repeat(41)];
  expect(new Set(names.map((name) => jobPrefixOf(name).slice(0, 8))).size).toBe(names.length);
});
