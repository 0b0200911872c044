import { invalid } from './support';
import { Json, JsonObject } from '../cloud/types';
import { object, only } from '../cloudwatch/shape';

/** The lists of a VpcConfig, with what the API's model says of them and what their ids begin with. */
const LISTS = [
  { member: 'SecurityGroupIds', most: 5, prefix: 'sg-', what: 'security group' },
  { member: 'Subnets', most: 16, prefix: 'subnet-', what: 'subnet' },
] as const;
const ID = /^[-0-9a-zA-Z]{1,32}$/;

/**
 * Refuses a VpcConfig that SageMaker would refuse: all that is wrong with its lists in one ValidationException, in AWS's
 * words. Whether the subnets and groups are there nobody knows here: containers run on this machine's own network.
 *
 * @param given the VpcConfig, if there is one
 * @param path where it stands in the request, as AWS writes it
 */
export function checkVpcConfig(given: Json | undefined, path = 'vpcConfig'): void {
  if (given === undefined || given === null) return;
  const config = object(given, 'VpcConfig');
  only(config, 'VpcConfig', LISTS.map(({ member }) => member));
  const problems = LISTS.flatMap((list) => problemsOf(config, path, list));
  if (problems.length > 0) throw invalid(`${problems.length} validation error${problems.length === 1 ? '' : 's'} detected: ${problems.join('; ')}`);
  for (const { member, prefix, what } of LISTS) {
    const strange = (config[member] as string[]).find((id) => !id.startsWith(prefix));
    if (strange !== undefined) throw invalid(`The ${what} ID '${strange}' does not exist`);
  }
}

function problemsOf(config: JsonObject, path: string, { member, most }: typeof LISTS[number]): string[] {
  const ids = config[member];
  const at = `${path}.${member.charAt(0).toLowerCase()}${member.slice(1)}`;
  const said = Array.isArray(ids) ? `'[${ids.map(String).join(', ')}]'` : ids === undefined || ids === null ? 'null' : `'${JSON.stringify(ids)}'`;
  const wrong = (constraint: string): string[] => [`Value ${said} at '${at}' failed to satisfy constraint: ${constraint}`];
  if (ids === undefined || ids === null) return wrong('Member must not be null');
  if (!Array.isArray(ids)) return wrong('Member must be a list');
  if (ids.length === 0) return wrong('Member must have length greater than or equal to 1');
  if (ids.length > most) return wrong(`Member must have length less than or equal to ${most}`);
  if (ids.some((id) => typeof id !== 'string' || !ID.test(id))) {
    return wrong('Member must satisfy constraint: [Member must have length less than or equal to 32, Member must satisfy regular expression pattern: [-0-9a-zA-Z]+]');
  }
  return [];
}
