import { isReleaseAlarm, releaseOf } from '../../src/domain/own-names';
import { ownPrefix, releaseNames } from '../../src/domain/release-names';

const LONG = 'regression-platform-Mlops-Temperature-Stack-Endpoint-0A1B2C3D';

test.each([
  ['line', 'V1-0-0'],
  ['line', 'V16charactersLong-1234-5678'.slice(0, 29)],
  [LONG, 'V1-0-0'], [LONG, 'V1234567890123456-12345-12345'], ['a--b', 'V1'],
])('what a release to %s makes for %s is known by its name', (endpoint, version) => {
  const names = releaseNames(endpoint, version, 'run');
  const made = [names.model, names.endpointConfig, names.shadowEndpointConfig, names.stagingEndpoint];
  expect(made.map((name) => releaseOf(endpoint, name))).toEqual(made.map(() => names.model));
  expect(isReleaseAlarm(endpoint, `${names.endpointConfig}-5xx`)).toBe(true);
  expect(isReleaseAlarm(endpoint, `${names.endpointConfig}-model-errors`)).toBe(true);
});

const mark = (endpoint: string): string => ownPrefix(endpoint).slice(0, -1);

test.each([
  'line', 'line-V1-0-0-0123abcd', mark('line'), `${mark('line')}-V1`, `${mark('line')}-0123abcd`, `${mark('line')}-line-V1-0-0`,
  `${mark('line')}-line-V1-0-0-0123abcdef`, `${mark('line')}-line-V1-0-0-0123ABCD`, `${mark('linear')}-linear-V1-0-0-0123abcd`,
  `${mark('linear')}-line-V1-0-0-0123abcd`, `my-${mark('line')}-line-V1-0-0-0123abcd`, `${mark('line')}0-line-V1-0-0-0123abcd`,
  `${mark('line')}-line-V1-0-0-0123abcd-shadow-2`, `${mark('line')}-line-V1-0-0-0123abcd-canary`, '',
])('of releases to the endpoint line, none makes %s', (name) => {
  expect(releaseOf('line', name)).toBeUndefined();
});

test.each([
  'line-errors', 'line-V1-0-0-0123abcd-5xx', `${mark('line')}-line-V1-0-0-0123abcd`, `${mark('line')}-line-V1-0-0-0123abcd-`,
  `${mark('linear')}-linear-V1-0-0-0123abcd-5xx`, `${mark('line')}-line-V1-0-0-0123abcd-5xx Copy`, `a${mark('line')}-line-V1-0-0-0123abcd-5xx`,
])('of releases to the endpoint line, none makes the alarm %s', (name) => {
  expect(isReleaseAlarm('line', name)).toBe(false);
});
