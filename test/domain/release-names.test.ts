import * as fc from 'fast-check';
import { fingerprint } from '../../src/domain/fingerprint';
import { formatVersion } from '../../src/domain/model-version';
import { isReleaseAlarm, releaseOf } from '../../src/domain/own-names';
import { cleanName, isSageMakerName, ownPrefix, releaseNames } from '../../src/domain/release-names';

describe('the names of a release', () => {
  test('tell the endpoint, the version and the run', () => {
    const names = releaseNames('temperature', 'V1.4.2', 'run-1');
    expect(names.endpointConfig).toMatch(/^[0-9a-f]{8}-temperature-V1-4-2-[0-9a-f]{8}$/);
    expect(names.model).toBe(names.endpointConfig);
    expect(names.shadowEndpointConfig).toBe(`${names.endpointConfig}-shadow`);
    expect(names.stagingEndpoint).toBe(`${names.endpointConfig}-staging`);
  });

  test('cut a long endpoint name to 30 characters', () => {
    expect(releaseNames('x'.repeat(63), 'V1.0', 'run').endpointConfig).toMatch(/^[0-9a-f]{8}-x{30}-V1-0-/);
    expect(releaseNames(`${'x'.repeat(29)}-tail`, 'pack-7', 'run').endpointConfig).toMatch(/^[0-9a-f]{8}-x{29}-pack-7-/);
    // a long version leaves less, and one that is longer still is cut
    const longest = releaseNames('x'.repeat(63), `V${'9'.repeat(16)}.9999.9999`, 'run').endpointConfig;
    expect(longest).toMatch(/^[0-9a-f]{8}-x{9}-V9{16}-9999-9999-[0-9a-f]{8}$/);
    expect(releaseNames('endpoint', 'y'.repeat(99), 'run').endpointConfig).toMatch(/^[0-9a-f]{8}-e-y{35}-[0-9a-f]{8}$/);
    expect(releaseNames('endpoint', 'y'.repeat(99), 'run').stagingEndpoint).toHaveLength(63);
  });

  test('all begin alike, so that permissions can name them', () => {
    expect(ownPrefix('temperature')).toMatch(/^[0-9a-f]{8}-$/);
    // SageMaker takes both for the same endpoint
    expect(ownPrefix('Temperature')).toBe(ownPrefix('temperature'));
    // names that exist in accounts were made with it: it must never change
    expect(ownPrefix('line')).toBe(`${fingerprint('line')}-`);
  });

  test('are those of one endpoint alone, however alike two are called', () => {
    const part = fc.constantFrom('Temperature', 'North', 'Hemisphere', 'B', '2', 'model', 'shadow', 'staging', '0', '-');
    const name = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => cleanName(parts.join(''), 63));
    const version = fc.constantFrom('V1.0.0', 'V2.10.3', `V${'9'.repeat(16)}.12345.12345`);
    fc.assert(fc.property(name, name, version, fc.string(), (one, other, text, run) => {
      fc.pre(one.toLowerCase() !== other.toLowerCase());
      for (const made of [other, ...Object.values(releaseNames(other, text, run)) as string[]]) {
        expect(made.startsWith(ownPrefix(one))).toBe(false);
        expect(releaseOf(one, made)).toBeUndefined();
        expect(isReleaseAlarm(one, `${made}-5xx`)).toBe(false);
      }
    }), { numRuns: 2000 });
  });

  test('are always names that SageMaker takes', () => {
    const endpoint = fc.stringMatching(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/).filter((name) => name.length <= 63);
    const version = fc.record({ tag: fc.stringMatching(/^[A-Za-z0-9-]{1,16}$/), manual: fc.nat(999_999_999), auto: fc.nat(999_999_999) }).map(formatVersion);
    fc.assert(fc.property(endpoint, version, fc.string(), (name, text, run) => {
      for (const each of Object.values(releaseNames(name, text, run)) as string[]) {
        expect(each.length).toBeLessThanOrEqual(63);
        expect(isSageMakerName(each)).toBe(true);
      }
    }));
  });

  test('are the same for the same run and differ between runs', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => {
      expect(releaseNames('e', 'V1.0.0', a)).toEqual(releaseNames('e', 'V1.0.0', a));
      if (a !== b) expect(releaseNames('e', 'V1.0.0', a).model).not.toBe(releaseNames('e', 'V1.0.0', b).model);
    }));
  });

  test.each([['a', true], ['a-b', true], ['a--b', true], ['-a', false], ['a-', false], ['', false], ['a.b', false], ['x'.repeat(63), true], ['x'.repeat(64), false]])(
    '%j is a name: %s', (text, expected) => expect(isSageMakerName(text)).toBe(expected));

  test('anything can be made a name', () => {
    expect(cleanName('V1.4.2', 20)).toBe('V1-4-2');
    expect(cleanName('--ä--', 5)).toBe('x');
    expect(cleanName('abc-def', 4)).toBe('abc');
    expect(cleanName('a. -b', 20)).toBe('a-b');
    expect(cleanName('--a', 20)).toBe('a');
    expect(cleanName('a---b', 3)).toBe('a-b');
    expect(cleanName('abc', 0)).toBe('a');
    expect(cleanName('abc--', 20)).toBe('abc');
  });
});

describe('a fingerprint', () => {
  test('has eight hexadecimal digits for each word, the first of them the same', () => {
    expect(fingerprint('run')).toMatch(/^[0-9a-f]{8}$/);
    expect(fingerprint('run', 4)).toMatch(/^[0-9a-f]{32}$/);
    expect(fingerprint('run', 4).startsWith(fingerprint('run'))).toBe(true);
    // names that exist in accounts were made with it: it must never change
    expect([fingerprint(''), fingerprint('run'), fingerprint('\u00e4\u6f22', 2), fingerprint('188')]).toEqual(['ab3e7c0b', 'e9a551d8', 'b4ad8a30eaad4577', '0162dd17']);
  });

  test('of 20,000 texts that hardly differ hardly ever meets another', () => {
    const texts = Array.from({ length: 20_000 }, (_, i) => `arn:aws:states:eu-central-1:111122223333:execution:Training:${i}`);
    expect(new Set(texts.map((text) => fingerprint(text))).size).toBeGreaterThan(19_990);
    expect(new Set(texts.map((text) => fingerprint(text, 2))).size).toBe(20_000);
  });
});
