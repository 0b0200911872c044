import * as fc from 'fast-check';
import { causeOf, compareVersions, decideVersion, DEFAULT_TAG, formatVersion, isTag, ModelVersion, parseVersion, TagState } from '../../src/domain/model-version';

const tag = fc.stringMatching(/^[A-Za-z0-9-]{1,16}$/);
const version = fc.record({ tag, manual: fc.nat(), auto: fc.nat() });

/**
 * An independent model of the rule: it keeps the whole story of a tag and derives each number by counting, where the
 * implementation adds to the last number.
 */
class Story {
  private readonly versions: { commit: string; dataset: string }[] = [];

  add(commit: string, dataset: string): { text: string; isNew: boolean } {
    const last = this.versions.at(-1);
    const isNew = last?.commit !== commit || last.dataset !== dataset;
    if (isNew) this.versions.push({ commit, dataset });
    return { text: this.number(), isNew };
  }

  private number(): string {
    const commits = this.versions.map((each) => each.commit);
    const changes = commits.filter((commit, i) => i > 0 && commit !== commits[i - 1]).length;
    const sinceChange = [...commits].reverse().findIndex((commit) => commit !== commits.at(-1));
    return `${changes}.${(sinceChange === -1 ? commits.length : sinceChange) - 1}`;
  }
}

const walks = fc.array(fc.record({ tag: fc.constantFrom('1', 'lag', 'B-2'), commit: fc.constantFrom('a', 'b', 'c'), dataset: fc.constantFrom('x', 'y', 'z') }), { maxLength: 60 });

function walk(origins: { tag: string; commit: string; dataset: string }[]) {
  const states = new Map<string, TagState>();
  return origins.map((origin) => {
    const decision = decideVersion(states.get(origin.tag), origin);
    states.set(origin.tag, { ...origin, ...decision.version });
    return { origin, decision };
  });
}

describe('the version rule', () => {
  test('agrees with a model that counts changes', () => {
    fc.assert(fc.property(walks, (origins) => {
      const stories = new Map<string, Story>();
      for (const { origin, decision } of walk(origins)) {
        const story = stories.get(origin.tag) ?? new Story();
        stories.set(origin.tag, story);
        const expected = story.add(origin.commit, origin.dataset);
        expect(formatVersion(decision.version)).toBe(`V${origin.tag}.${expected.text}`);
        expect(decision.kind).toBe(expected.isNew ? 'next' : 'existing');
      }
    }), { numRuns: 500 });
  });

  test('gives no number twice, and each next one is one step on', () => {
    fc.assert(fc.property(walks, (origins) => {
      const given = walk(origins).filter(({ decision }) => decision.kind === 'next').map(({ decision }) => decision);
      expect(new Set(given.map(({ version: each }) => formatVersion(each))).size).toBe(given.length);
      const last = new Map<string, ModelVersion>();
      for (const { version: next, cause } of given) {
        const before = last.get(next.tag);
        if (before === undefined) expect([next.manual, next.auto, cause]).toEqual([0, 0, 'manual']);
        else if (cause === 'manual') expect([next.manual, next.auto]).toEqual([before.manual + 1, 0]);
        else expect([next.manual, next.auto]).toEqual([before.manual, before.auto + 1]);
        if (before !== undefined) expect(compareVersions(before, next)).toBeLessThan(0);
        last.set(next.tag, next);
      }
    }));
  });

  test('does not depend on who asks or how often: asking again gives the same', () => {
    fc.assert(fc.property(walks, (origins) => {
      const once = walk(origins);
      const twice = walk(origins.flatMap((origin) => [origin, origin]));
      once.forEach(({ decision }, i) => {
        expect(twice[2 * i].decision).toEqual(decision);
        expect(twice[2 * i + 1].decision).toEqual({ ...decision, kind: 'existing' });
      });
    }));
  });

  test('a person and a machine in turn', () => {
    const given = walk([
      { tag: '1', commit: 'a', dataset: 'x' }, { tag: '1', commit: 'a', dataset: 'y' }, { tag: '1', commit: 'b', dataset: 'z' }, { tag: '1', commit: 'a', dataset: 'z' },
    ]);
    expect(given.map(({ decision }) => `${formatVersion(decision.version)} ${decision.cause}`)).toEqual(['V1.0.0 manual', 'V1.0.1 auto', 'V1.1.0 manual', 'V1.2.0 manual']);
  });

  test('fails on a tag that is none, and on a state of another tag', () => {
    expect(() => decideVersion(undefined, { tag: 'a.b', commit: 'c', dataset: 'd' })).toThrow("'a.b'");
    expect(() => decideVersion({ tag: '2', manual: 0, auto: 0, commit: 'c', dataset: 'd' }, { tag: '1', commit: 'c', dataset: 'd' })).toThrow("'2'");
  });
});

describe('a version as text', () => {
  test('comes back as it went', () => {
    fc.assert(fc.property(version, (each) => {
      expect(parseVersion(formatVersion(each))).toEqual(each);
    }));
  });

  test.each(['', 'V', 'V1', 'V1.2', 'v1.2.3', 'V1.2.3.4', 'V1.02.3', 'V1.-1.0', 'V1.1.0 ', 'Va_b.1.0', `V${'x'.repeat(17)}.0.0`, 'V.0.0', 'V1.1e3.0', 'package-7', ' V1.0.0', 'xV1.0.0', 'V1.01.0', 'V1.0.1234567890123456'])('fails on %j', (text) => {
    expect(() => parseVersion(text)).toThrow('V<tag>.<manual>.<auto>');
  });

  test('what is not a version is not written', () => {
    for (const broken of [{ tag: 'a.b', manual: 0, auto: 0 }, { tag: '1', manual: -1, auto: 0 }, { tag: '1', manual: 0.5, auto: 0 }, { tag: '', manual: 0, auto: NaN }]) {
      expect(() => formatVersion(broken)).toThrow('not a model version');
    }
  });

  test('tags', () => {
    expect(['1', 'a-B-9', 'x'.repeat(16)].every(isTag)).toBe(true);
    expect(['', 'x'.repeat(17), 'a.b', 'a b', 'ä'].some(isTag)).toBe(false);
    expect(DEFAULT_TAG).toBe('1');
  });
});

describe('the order of versions', () => {
  const texts = (list: string[]) => list.map(parseVersion).sort(compareVersions).map(formatVersion);

  test('numbers by value, numbered tags before named ones', () => {
    expect(texts(['V10.0.0', 'Vb.0.0', 'V2.10.0', 'V2.9.11', 'V2.9.2', 'Va.0.0', 'VA.0.0'])).toEqual(['V2.9.2', 'V2.9.11', 'V2.10.0', 'V10.0.0', 'VA.0.0', 'Va.0.0', 'Vb.0.0']);
  });

  test('a tag with digits in it is a name', () => {
    expect(texts(['Va.0.0', 'V9z.0.0', 'Vz9.0.0', 'V100.0.0', 'V7.0.0'])).toEqual(['V7.0.0', 'V100.0.0', 'V9z.0.0', 'Va.0.0', 'Vz9.0.0']);
    expect(texts(['V9-1.0.0', 'V10.0.0', 'V2.0.0', 'V0x9.0.0'])).toEqual(['V2.0.0', 'V10.0.0', 'V0x9.0.0', 'V9-1.0.0']);
  });

  test('tags of the same value are ordered as text', () => {
    expect(texts(['V1.5.0', 'V01.7.0', 'V001.9.0'])).toEqual(['V001.9.0', 'V01.7.0', 'V1.5.0']);
  });

  test('is total', () => {
    fc.assert(fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      expect(compareVersions(a, b) === 0).toBe(formatVersion(a) === formatVersion(b));
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
    }));
  });

  test('the cause can be read off', () => {
    expect(causeOf(parseVersion('V1.3.0'))).toBe('manual');
    expect(causeOf(parseVersion('V1.3.2'))).toBe('auto');
  });
});
