import { isReleaseAlarm, releaseOf } from '../../src/domain/own-names';
import { releaseNames } from '../../src/domain/release-names';

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

test.each([
  ['line', 'line'], ['line', 'line-V1-0-0'], ['line', 'line-V1-0-0-0123abcdef'], ['line', 'line-V1-0-0-0123ABCD'],
  ['line', 'linear-V1-0-0-0123abcd'],
  ['line', 'other-V1-0-0-0123abcd'], ['line', 'my-line-V1-0-0-0123abcd'], ['line', 'line-V1-0-0-0123abcd-shadow-2'], ['line', 'line-V1-0-0-0123abcd-canary'],
  [LONG, 'regression-platform-Mlops-Rain-V1-0123abcd'], [LONG, 'regression-platf-V1-0-0-0123abcd'],
  [LONG, 'regression-plat-V1234567890123456-12345-12345-67890-0123abcd'], ['line', ''],
])('of releases to %s, none makes %s', (endpoint, name) => {
  expect(releaseOf(endpoint, name)).toBeUndefined();
});

test.each([
  ['line', 'line-errors'], ['line', 'line-V1-0-0-0123abcd'], ['line', 'line-V1-0-0-0123abcd-'], ['line', 'linear-V1-0-0-0123abcd-5xx'],
  ['line', 'line-V1-0-0-0123abcd-5xx Copy'], ['line', 'other-V1-0-0-0123abcd-5xx'],
])('of releases to %s, none makes the alarm %s', (endpoint, name) => {
  expect(isReleaseAlarm(endpoint, name)).toBe(false);
});
