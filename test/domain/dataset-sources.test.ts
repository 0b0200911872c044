import { decideSlot, RunSlot } from '../../src/domain/dataset-slot';
import { DatasetFile, filesRead, originOf, planReading, ReadingPlan, stampOf } from '../../src/domain/dataset-sources';
import { tableNameOf, versionsIn, versionsWith } from '../../src/domain/dataset-table';

const file = (path: string, etag = 'e1'): DatasetFile => ({ path, etag, bytes: 2, modified: `2013-01-01T00:00:0${path.length}.000Z` });
const paths = (files: readonly DatasetFile[]) => files.map(({ path, etag }) => `${path} ${etag}`);

describe('what is to be read', () => {
  test('is all of it where everything is read, whatever was read before', () => {
    expect(planReading([file('a'), file('b')], [file('a')], 'everything')).toEqual({ reading: 'everything', files: [file('a'), file('b')], kept: [] });
  });

  test('is what has another content than what was read', () => {
    const plan = planReading([file('a'), file('b', 'e2'), file('late')], [file('a'), file('b'), file('gone')], 'newFiles', ['id']);
    expect([paths(plan.files), paths(plan.kept), plan.key]).toEqual([['b e2', 'late e1'], ['a e1', 'gone e1'], ['id']]);
  });

  test('is all of it before anything was read', () => {
    expect(planReading([file('a')], undefined, 'newFiles', ['id'])).toEqual({ reading: 'newFiles', files: [file('a')], kept: [], key: ['id'] });
    expect(planReading([file('a')], undefined, 'newFiles')).toEqual({ reading: 'newFiles', files: [file('a')], kept: [] });
    expect(planReading([file('a')], [], 'newFiles')).toEqual({ reading: 'newFiles', files: [file('a')], kept: [] });
  });
});

describe('what was read', () => {
  const everything: ReadingPlan = { reading: 'everything', files: [file('a'), file('b')], kept: [] };
  const fresh: ReadingPlan = { reading: 'newFiles', files: [file('a'), file('b')], kept: [file('old')] };
  const read = (plan: ReadingPlan, now: DatasetFile[], opened?: string[]) => {
    const found = filesRead(plan, now, opened);
    return 'changed' in found ? { changed: found.changed } : paths(found.files);
  };

  test.each<[string, ReadingPlan, DatasetFile[], string[] | undefined, unknown]>([
    ['the plan, where nothing changed', everything, [file('a'), file('b')], undefined, ['a e1', 'b e1']],
    ['what Spark opened of it', everything, [file('a'), file('b')], ['a'], ['a e1']],
    ['with what arrived and was opened', everything, [file('a'), file('b'), file('c'), file('d')], ['a', 'b', 'c'], ['a e1', 'b e1', 'c e1']],
    ['the plan alone, where nobody knows what was opened', everything, [file('a'), file('b'), file('c')], undefined, ['a e1', 'b e1']],
    ['unknown, where a file was overwritten', everything, [file('a', 'e2'), file('b')], undefined, { changed: ['a'] }],
    ['unknown, where a file was overwritten that was opened', everything, [file('a', 'e2'), file('b')], ['a', 'b'], { changed: ['a'] }],
    ['without one that was overwritten and not opened', everything, [file('a', 'e2'), file('b')], ['b'], ['b e1']],
    ['with one that was removed after it was opened', everything, [file('b')], ['a', 'b'], ['a e1', 'b e1']],
    ['unknown, where one was removed and nobody knows', everything, [file('b')], undefined, { changed: ['a'] }],
    ['of new files: with those before', fresh, [file('a'), file('b')], undefined, ['old e1', 'a e1', 'b e1']],
    ['of new files: all that were handed over, opened or not', fresh, [file('a'), file('b'), file('c')], ['a'], ['old e1', 'a e1', 'b e1']],
    ['of new files: unknown, where one was overwritten', fresh, [file('a', 'e2'), file('b')], ['a', 'b'], { changed: ['a'] }],
    ['of new files: unknown, where one was removed and not opened', fresh, [file('b')], ['b'], { changed: ['a'] }],
    ['of new files: with one that was removed after it was opened', fresh, [file('b')], ['a', 'b'], ['old e1', 'a e1', 'b e1']],
  ])('%s', (_, plan, now, opened, expected) => expect(read(plan, now, opened)).toEqual(expected));

  test('is described', () => {
    expect(originOf('s3://b/p/', [file('ab'), file('abc')])).toMatchObject({ uri: 's3://b/p/', objects: 2, bytes: 4, newest: '2013-01-01T00:00:03.000Z' });
    expect(originOf('s3://b/p/', [])).toEqual({ uri: 's3://b/p/', objects: 0, bytes: 0, files: [] });
    expect(stampOf('2013-02-01T00:00:00Z')).toBe('20130201T000000000Z');
  });
});

describe('the place of a run', () => {
  const one = { execution: 'one', since: 't1' };
  const two = { execution: 'two', since: 't2' };
  const three = { execution: 'three', since: 't3' };
  const decide = (slot: RunSlot, me: typeof one & { rebuild?: boolean }, ...over: string[]) =>
    decideSlot(slot, me, (execution) => over.includes(execution));

  test('is free, taken, or waited for', () => {
    expect(decide({}, one)).toEqual({ outcome: 'run', holder: one, slot: { running: one } });
    expect(decide({ running: one }, one)).toEqual({ outcome: 'run', holder: one });
    expect(decide({ running: one }, two)).toEqual({ outcome: 'wait', holder: two, slot: { running: one, waiting: two } });
    expect(decide({ running: one, waiting: two }, two)).toEqual({ outcome: 'wait', holder: two });
    expect(decide({ running: one, waiting: two }, three)).toEqual({ outcome: 'merged', holder: two });
  });

  test('goes to the one that waits', () => {
    expect(decide({ running: one, waiting: two }, three, 'one')).toEqual({ outcome: 'merged', holder: two });
    expect(decide({ running: one, waiting: two }, two, 'one')).toEqual({ outcome: 'run', holder: two, slot: { running: two } });
  });

  test('is left by those that are over', () => {
    expect(decide({ running: one, waiting: two }, three, 'two')).toEqual({ outcome: 'wait', holder: three, slot: { running: one, waiting: three } });
    expect(decide({ running: one, waiting: two }, three, 'one', 'two')).toEqual({ outcome: 'run', holder: three, slot: { running: three } });
  });

  test('a wish to read everything is not lost: not by being merged, and not by the death of who waited', () => {
    const wish = { ...three, rebuild: true };
    expect(decide({ running: one, waiting: two }, wish)).toEqual({ outcome: 'merged', holder: { ...two, rebuild: true }, slot: { running: one, waiting: { ...two, rebuild: true } } });
    expect(decide({ running: one, waiting: { ...two, rebuild: true } }, wish)).not.toHaveProperty('slot');
    expect(decide({ running: one, waiting: { ...two, rebuild: true } }, three, 'two').holder).toEqual({ ...three, rebuild: true });
    expect(decide({ running: one, waiting: { ...two, rebuild: true } }, two, 'one')).toMatchObject({ outcome: 'run', holder: { rebuild: true } });
  });
});

test('tables have names that Athena takes as they are, and know their versions', () => {
  expect(tableNameOf('Hourly-Weather-2')).toBe('hourly_weather_2');
  expect(versionsIn(undefined)).toEqual([]);
  expect(versionsIn({ 'projection.dataset_version.values': 'a,b' })).toEqual(['a', 'b']);
  expect(versionsWith(['a', 'c'], ['b', 'c'])).toEqual(['a', 'b', 'c']);
});
