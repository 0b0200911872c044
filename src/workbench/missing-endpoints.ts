import * as ec2 from 'aws-cdk-lib/aws-ec2';

/** What is known of a network that exists. */
export interface Reachable {
  readonly endpoints?: ec2.InterfaceVpcEndpointAwsService[];
  readonly s3Gateway?: boolean;
  readonly internetAccess?: boolean;
}

/** Names what is called from inside a network and not reachable there, all of it at once, with what to write to change that. */
export function missingEndpoints(called: ReadonlySet<string>, network: Reachable): string[] {
  if ((network.internetAccess ?? false) || called.size === 0) return [];
  const there = new Set((network.endpoints ?? []).map(({ shortName }) => shortName));
  const missing = [...called].filter((name) => !there.has(name)).sort();
  // Whatever runs inside reads and writes buckets.
  const s3 = (network.s3Gateway ?? false) || there.has('s3') ? [] : ['s3'];
  if (missing.length + s3.length === 0) return [];
  const lines = [
    ...s3.map(() => "vpc.addGatewayEndpoint('s3', { service: ec2.GatewayVpcEndpointAwsService.S3 });"),
    ...missing.map((name) => `vpc.addInterfaceEndpoint('${name}', { service: ${expressionOf(name)} });`),
  ];
  return [
    `what runs in this network calls services that it is not known to reach: ${[...s3, ...missing].join(', ')}. ` +
    'Name those that it reaches in endpoints (S3 by s3Gateway: true), or say internetAccess: true where there is a way to the internet. ' +
    `The others are added to the VPC by\n  ${lines.join('\n  ')}`,
  ];
}

/** How a service is written in an app. */
function expressionOf(shortName: string): string {
  const known = Object.entries(ec2.InterfaceVpcEndpointAwsService)
    .find(([, service]) => service instanceof ec2.InterfaceVpcEndpointAwsService && service.shortName === shortName);
  return known === undefined ? `new ec2.InterfaceVpcEndpointAwsService('${shortName}')` : `ec2.InterfaceVpcEndpointAwsService.${known[0]}`;
}
