/** An alias says nothing of the key behind it. */
const ALIAS = /(^|:)alias\//;

/**
 * Why an endpoint config that encrypts its instances' volumes with a key of the customer cannot be followed by another one;
 * undefined where it can.
 *
 * @param configured the config's `KmsKeyId`: the ID, the ARN or an alias of a key
 * @param allowed ARN of the key that whoever creates configs and endpoints may use
 */
export function volumeKeyProblem(configured: string | undefined, allowed: string | undefined): string | undefined {
  if (configured === undefined) return undefined;
  const found = `encrypts the volumes of its instances with the key ${configured}`;
  const remedy = 'give that key as volumeKey to ModelEndpoint.fromModelEndpointAttributes';
  if (allowed === undefined) return `${found}, which releases may not use: ${remedy}`;
  const idOf = (key: string): string | undefined => key.split('/').pop();
  return ALIAS.test(configured) || idOf(configured) === idOf(allowed) ? undefined : `${found}, and volumeKey is ${allowed}: ${remedy}`;
}
