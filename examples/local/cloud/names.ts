import { createHash } from 'crypto';
import { Resource } from './types';

/** A physical name as CloudFormation would make one: stack, logical id and a suffix that is the same on every run. */
export function physicalName(resource: Resource, maximum = 64, lowerCase = false): string {
  const suffix = createHash('sha256').update(resource.path).digest('hex').slice(0, 10);
  const room = maximum - suffix.length - 1;
  const stack = resource.stackName.slice(0, Math.max(Math.floor(room / 2), room - resource.logicalId.length - 1));
  const id = resource.logicalId.slice(0, room - stack.length - 1);
  const name = `${stack}-${id}-${suffix}`;
  return lowerCase ? name.toLowerCase() : name;
}

/** A string that differs for each (deterministic) input, in the form of a UUID. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
