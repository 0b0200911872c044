import { fingerprint } from './fingerprint';

/** Names of what one release of one version creates in SageMaker. */
export interface ReleaseNames {
  /** Endpoint config with only the new model: the one that production ends on. */
  readonly endpointConfig: string;
  /** Endpoint config with the champion and the new model as its shadow. */
  readonly shadowEndpointConfig: string;
  /** The SageMaker model. */
  readonly model: string;
  /** The short-lived endpoint (and its config) that a version answers on before it sees real requests. */
  readonly stagingEndpoint: string;
}

const LONGEST_NAME = 63;
const SHADOW = '-shadow';
const STAGING = '-staging';
const SUFFIX = Math.max(SHADOW.length, STAGING.length);

/**
 * The names for one release: `<mark of the endpoint>-<endpoint, at most 30 characters>-<version, dots as hyphens>-<8 hex of the run>`.
 *
 * A pure function of its arguments: a retried step makes the same names, two runs never do. All are valid SageMaker
 * names of at most 63 characters.
 */
export function releaseNames(endpointName: string, version: string, run: string): ReleaseNames {
  const hash = fingerprint(run);
  const prefix = ownPrefix(endpointName);
  const left = LONGEST_NAME - SUFFIX - prefix.length - hash.length - 2;
  const name = cleanName(version, left - 1);
  const base = prefix + [cleanName(endpointName, Math.min(30, left - name.length)), name, hash].join('-');
  return { endpointConfig: base, shadowEndpointConfig: `${base}${SHADOW}`, model: base, stagingEndpoint: `${base}${STAGING}` };
}

/**
 * What all names of releases to an endpoint begin with, which permissions rely on: a mark of the whole name. Of two endpoints
 * whose names begin alike, neither's releases are taken for the other's. SageMaker does not tell names by their case.
 */
export function ownPrefix(endpointName: string): string {
  return `${fingerprint(endpointName.toLowerCase())}-`;
}

/** Whether SageMaker takes it as the name of a model, an endpoint or an endpoint config. */
export function isSageMakerName(text: string): boolean {
  return /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/.test(text);
}

/** Cuts to length and to the characters that SageMaker's names are made of; never ends in a hyphen. */
export function cleanName(text: string, maxLength: number): string {
  const cleaned = text.replace(/[^a-zA-Z0-9]+/g, '-').replace(/^-/, '').slice(0, Math.max(1, maxLength)).replace(/-$/, '');
  return cleaned === '' ? 'x' : cleaned;
}
