import { ArnFormat, Duration, Stack, Token } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { ownPrefix } from '../domain/release-names';

/** An endpoint, as far as names go. */
export interface NamedEndpoint extends IConstruct {
  readonly endpointName: string;
}

/**
 * What changes an endpoint or its alarms takes no longer: a change that began before its release lost the slot is over by
 * then. Whoever takes a slot over waits for longer.
 */
export const CHANGE_TIMEOUT = Duration.seconds(30);

export function hostingArn(endpoint: NamedEndpoint, resource: string, resourceName: string): string {
  return Stack.of(endpoint).formatArn({ service: 'sagemaker', resource, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
}

/** ARN of the staging endpoints of releases to the endpoint. */
export function stagingEndpointArn(endpoint: NamedEndpoint): string {
  return hostingArn(endpoint, 'endpoint', `${ownNames(endpoint)}-staging`);
}

/** ARN of the alarms of releases to the endpoint. */
export function releaseAlarmArn(endpoint: NamedEndpoint): string {
  return Stack.of(endpoint).formatArn({ service: 'cloudwatch', resource: 'alarm', resourceName: ownNames(endpoint), arnFormat: ArnFormat.COLON_RESOURCE_NAME });
}

/** What the names begin with that releases give. Of an endpoint whose name is known only at deployment nothing can be said. */
export function ownNames(endpoint: NamedEndpoint): string {
  const name = endpoint.endpointName;
  return Token.isUnresolved(name) ? '*' : `${ownPrefix(name)}*`;
}
