import * as fc from 'fast-check';
import { fingerprint } from '../../src/domain/fingerprint';
import { formatVersion } from '../../src/domain/model-version';
import { cleanName, isSageMakerName, ownPrefix, releaseNames } from '../../src/domain/release-names';

describe('the names of a release', () => {
  test('tell the endpoint, the version and the run', () => {
    const names = releaseNames('temperature', 'V1.4.2', 'run-1');
    expect(names.endpointConfig).toMatch(/^temperature-V1-4-2-[0-9a-f]{8}$/);
    expect(names.model).toBe(names.endpointConfig);
    expect(names.shadowEndpointConfig).toBe(`${names.endpointConfig}-shadow`);
    expect(names.stagingEndpoint).toBe(`${names.endpointConfig}-staging`);
  });

  test('cut a long endpoint name to 30 characters', () => {
    expect(releaseNames('x'.repeat(63), 'V1.0.0', 'run').endpointConfig).toMatch(/^x{30}-V1-0-0-/);
    expect(releaseNames(`${'x'.repeat(29)}-tail`, 'package-7', 'run').endpointConfig).toMatch(/^x{29}-package-7-/);
    // the longest version leaves less, and one that is longer still is cut
    const longest = releaseNames('x'.repeat(63), `V${'9'.repeat(16)}.999999999.999999999`, 'run').endpointConfig;
    expect(longest).toMatch(/^x{8}-V9{16}-999999999-999999999-[0-9a-f]{8}$/);
    expect(releaseNames('endpoint', 'y'.repeat(99), 'run').endpointConfig).toMatch(/^e-y{44}-[0-9a-f]{8}$/);
    expect(releaseNames('endpoint', 'y'.repeat(99), 'run').stagingEndpoint).toHaveLength(63);
  });

  test('all begin alike, so that permissions can name them', () => {
    expect(ownPrefix('temperature')).toBe('temperature');
    expect(ownPrefix('a-long-name-of-an-endpoint')).toBe('a-long-name-of-a');
    expect(ownPrefix('fifteen-letters-more')).toBe('fifteen-letters');
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
