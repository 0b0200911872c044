import { prepared } from '../../examples/local/cloud/asl-check';
import { AslEngine, Definition } from '../../examples/local/cloud/asl-engine';
import { LocalClock } from '../../examples/local/cloud/clock';
import { Json, JsonObject } from '../../examples/local/cloud/types';

const clock = new LocalClock({ start: new Date('2013-01-01T00:00:00Z') });
const engine = new AslEngine(clock);

/** Output of a definition whose tasks answer by the functions given. */
async function output(states: Record<string, object>, input: Json, tasks: Record<string, (input: Json) => Json> = {}): Promise<Json> {
  const raw = { StartAt: Object.keys(states)[0], States: states } as unknown as Definition;
  engine.validate(raw);
  const run = engine.run(prepared(raw, 'test', () => true).definition, input, {
    context: { Execution: { Input: input, Name: 'run' } },
    tasks: Object.fromEntries(Object.entries(tasks).map(([name, answer]) => [name, async (given: Json) => answer(given)])),
    observer: { entered: () => undefined, exited: () => undefined, failed: () => undefined },
  });
  return run.result;
}

const pass = (parameters: JsonObject) => ({ Type: 'Pass', Parameters: parameters, End: true });

test('paths answer as in Step Functions: lists for what may match several, the value for what names one', async () => {
  const input = { one: [{ b: 1 }], none: [], nothing: null, deep: { 'a b': [1, 2, 3] } };
  expect(await output({
    P: pass({ 'one.$': '$.one[*].b', 'none.$': '$.none[*].b', 'nothing.$': '$.nothing', 'quoted.$': "$.deep['a b'][1]", 'slice.$': '$.deep[\'a b\'][0:2]', 'filter.$': '$.one[?(@.b==1)]' }),
  }, input)).toEqual({ one: [1], none: [], nothing: null, quoted: 2, slice: [1, 2], filter: [{ b: 1 }] });
  await expect(output({ P: pass({ 'missing.$': '$.missing' }) }, input)).rejects.toMatchObject({ cause: { name: 'States.Runtime' } });
});

test('a result path of $ is the whole result, and null leaves the input', async () => {
  const task = (path: string | null) => ({ T: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', ResultPath: path, End: true } });
  const answer = { T: () => ({ r: 1 }) };
  expect(await output(task('$'), { i: 1 }, answer)).toEqual({ r: 1 });
  expect(await output(task(null), { i: 1 }, answer)).toEqual({ i: 1 });
  expect(await output(task('$.x.y'), { i: 1 }, answer)).toEqual({ i: 1, x: { y: { r: 1 } } });
});

test('a map gives each item its index; the context of its states is the execution\'s', async () => {
  const map = {
    Type: 'Map',
    ItemsPath: '$.items',
    ItemSelector: { 'index.$': '$$.Map.Item.Index', 'value.$': '$$.Map.Item.Value', 'own.$': '$.own' },
    MaxConcurrency: 2,
    End: true,
    ItemProcessor: { StartAt: 'Inner', States: { Inner: pass({ 'index.$': '$.index', 'value.$': '$.value', 'own.$': '$.own', 'input.$': '$$.Execution.Input.own', 'state.$': '$$.State.Name' }) } },
  };
  expect(await output({ M: map }, { items: ['a', 'b', 'c'], own: 'o' })).toEqual(['a', 'b', 'c'].map((value, index) => ({ index, value, own: 'o', input: 'o', state: 'Inner' })));
});

test('an error in a branch is the error of the parallel state', async () => {
  const states = {
    Both: {
      Type: 'Parallel',
      Next: 'After',
      Catch: [{ ErrorEquals: ['Odd'], ResultPath: '$.error', Next: 'Caught' }],
      Branches: [
        { StartAt: 'Bad', States: { Bad: { Type: 'Fail', Error: 'Odd', CausePath: '$.why' } } },
        { StartAt: 'Long', States: { Long: { Type: 'Wait', Seconds: 3600, Next: 'Never' }, Never: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', End: true } } },
      ],
    },
    After: { Type: 'Succeed' },
    Caught: { Type: 'Succeed' },
  };
  let called = false;
  const result = await output(states, { why: 'because' }, { Never: () => { called = true; return 1; } });
  expect(result).toEqual({ why: 'because', error: { Error: 'Odd', Cause: 'because' } });
  await clock.advanceTo(new Date('2013-01-01T02:00:00Z'));
  expect(called).toBe(false);
});

test('what the engine would take wrongly is refused by name', () => {
  const refused = (state: object, name = 'A'): string => {
    try {
      prepared({ StartAt: name, States: { [name]: state } } as unknown as Definition, 'm', () => true);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(refused({ Type: 'Pass', Parameters: { 'a.$': '$name' }, End: true })).toContain('the variable $name');
  expect(refused({ Type: 'Pass', Assign: { a: 1 }, End: true })).toContain('Assign in the state A');
  expect(refused({ Type: 'Pass', Parameters: { 'a.$': 'States.Future($.a)' }, End: true })).toContain('States.Future');
  expect(refused({ Type: 'Pass', Parameters: { 'a.$': '$$.Task.Token' }, End: true })).toContain('$$.Task.Token');
  expect(refused({ Type: 'Map', ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, StartAt: 'B', States: { B: { Type: 'Succeed' } } }, End: true })).toContain('a distributed Map');
  expect(refused({ Type: 'Parallel', Branches: [{ StartAt: 'A', States: { A: { Type: 'Succeed' } } }], End: true })).toContain('two states with the name A');
  expect(refused({ Type: 'Activity' })).toContain('the type Activity');
});
